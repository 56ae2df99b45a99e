"""How a student of each family is taught: the texts, the teachers and the course."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.api.teachers.kept_tags import KeptTagger
from zoo.api.teachers.lesson import lesson_of
from zoo.api.teachers.opening import check_teacher
from zoo.api.teachers.pool import pool_of, read_pool, read_sentences
from zoo.api.teachers.sequences import SequenceTeaching
from zoo.api.teachers.taggers import Tagger
from zoo.api.teachers.tagging import TaggerTeaching
from zoo.api.teachers.teaching import Teaching
from zoo.api.teachers.translations import open_translator
from zoo.data import Splits
from zoo.families.run import Run
from zoo.families.tables import DEFAULT_TEXT
from zoo.families.tagging.train import learned_tasks

DEFAULT_SOURCE = "source"  # column of translations


@dataclass(frozen=True)
class Wanted:
    """A distillation that a call asks for; see `zoo.distill`.

    Args:
        train: trains the student on a data set, in a folder, and may export it.
        identity: what determines the student beside its data.
        settings: of the student.
        splits: the labelled data.
        teachers: as the user named them.
        unlabelled: further texts, or `None`.
        column: of the texts, or `None` for the default.
        encoding: of files.
        temperature: of the teachers, or `None`.
        mixture: share of the label in a target.
        budget, rounds, augment, epochs, deadline, trust: as of `zoo.distill`.
        seed: of what teachers learn.
        kept: folder of the answers.
        folder: of the run.
        export_to: folder of the exported versions, or `None`.
        say: receives lines on the progress.
    """

    train: Callable[[Splits, Path, Path | None], Run]
    identity: Sequence
    settings: Any
    splits: Splits
    teachers: Sequence[str]
    unlabelled: Any
    column: str | None
    encoding: str | None
    temperature: float | None
    mixture: float
    budget: int | None
    rounds: int
    augment: int
    epochs: int
    deadline: float
    trust: bool
    seed: int
    kept: Path
    folder: Path
    export_to: Path | None
    say: Callable[[str], object]

    @property
    def course(self) -> dict[str, Any]:
        """The arguments that all courses have."""
        names = "train", "identity", "splits", "say"
        return {name: getattr(self, name) for name in names}

    def texts(self, default: str) -> list[str]:
        """Returns the further texts, of a column of this name by default."""
        if self.unlabelled is None:
            return []
        return read_pool(self.unlabelled, self.column or default, self.encoding)

    def pool(self, texts: Sequence[str]) -> list[str]:
        """Returns the texts without copies, with variants of the training texts."""
        pool, said = pool_of(self.splits, texts, self.augment, self.seed)
        self.say(said)
        return pool


def teach(family: str, wanted: Wanted) -> Run:
    """Teaches a student of a family, and returns its run.

    Raises:
        ValueError: for a teacher or texts that cannot be used.
        TeacherError: for a teacher that fails, or answers what cannot be used.
    """
    for one in wanted.teachers:
        check_teacher(one, trust=wanted.trust)
    return COURSES[family](wanted)


def _teach_classifier(wanted: Wanted) -> Run:
    texts = wanted.texts(DEFAULT_TEXT)
    pool = wanted.pool(texts)
    names = "seed", "epochs", "deadline", "trust"
    options = {name: getattr(wanted, name) for name in names}
    return Teaching(
        **wanted.course,
        lesson=lesson_of(wanted.splits, wanted.kept, **options),
        teachers=wanted.teachers,
        temperature=wanted.temperature,
        mixture=wanted.mixture,
    ).run(
        pool,
        len(texts),
        wanted.folder,
        wanted.export_to,
        budget=wanted.budget,
        rounds=wanted.rounds,
    )


def _teach_tagger(wanted: Wanted) -> Run:
    sentences: list[list[str]] = []
    if wanted.unlabelled is not None:
        options = DEFAULT_TEXT, wanted.encoding, wanted.settings.tokenizer
        sentences = read_sentences(wanted.unlabelled, *options)
    words = {" ".join(sentence): sentence for sentence in sentences}
    pool = [words[text] for text in wanted.pool([*words])]
    return TaggerTeaching(
        **wanted.course,
        tasks=learned_tasks(wanted.splits, wanted.settings),
        taggers=[
            KeptTagger(Tagger(one, trust=wanted.trust), wanted.kept, wanted.say)
            for one in wanted.teachers
        ],
        temperature=wanted.temperature,
        mixture=wanted.mixture,
    ).run(pool, len(sentences), wanted.folder, wanted.export_to)


def _teach_translator(wanted: Wanted) -> Run:
    teacher = open_translator(wanted.teachers[0], wanted.deadline, trust=wanted.trust)
    texts = wanted.texts(DEFAULT_SOURCE)
    pool = wanted.pool(texts)
    course = SequenceTeaching(**wanted.course, teacher=teacher, kept=wanted.kept)
    return course.run(pool, len(texts), wanted.folder, wanted.export_to)


COURSES: Mapping[str, Callable[[Wanted], Run]] = {
    "classification": _teach_classifier,
    "tagging": _teach_tagger,
    "translation": _teach_translator,
}
