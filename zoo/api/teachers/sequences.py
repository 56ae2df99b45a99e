"""The course of a distillation of a translation model: translations are targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zoo.api.teachers.alone import student_alone
from zoo.api.teachers.outcome import NO_BETTER, WHO, helps, write_outcome
from zoo.api.teachers.translations import Translator, translate
from zoo.data.pairs import Pairs, PairSplits
from zoo.families.run import Run
from zoo.families.translation.metrics import bleu
from zoo.families.translation.train import evaluate
from zoo.reporting.markdown import in_cell, markdown_table

_PARTS = "valid", "test"


@dataclass(frozen=True)
class SequenceTeaching:
    """A student that translates, its pairs and its teacher.

    Args:
        train: trains the student on a data set, in a folder, and may export it.
        identity: what determines the student beside its data.
        splits: the pairs.
        teacher: what translates.
        kept: folder of its translations.
        say: receives lines on the progress.
    """

    train: Callable[[PairSplits, Path, Path | None], Run]
    identity: Sequence
    splits: PairSplits
    teacher: Translator
    kept: Path
    say: Callable[[str], object]

    def run(
        self, pool: Sequence[str], given: int, folder: Path, export_to: Path | None
    ) -> Run:
        """Teaches the student, and reports on it.

        Args:
            pool: sources to translate beside those of the pairs.
            given: how many there were before copies were left out.
            folder: of the run.
            export_to: folder of the exported versions, or `None`.
        """
        said = {name: self._said(p.sources) for name, p in self.splits.parts.items()}
        taught = taught_pairs(self.splits, said["train"], pool, self._said(pool))
        parts = [[p.sources, p.targets] for p in self.splits.parts.values()]
        student = student_alone(
            self.train, self.splits, [*self.identity, parts], folder, self.say
        )
        scores = {"alone": self._scores(student)}
        run = self.train(taught, folder, export_to)
        scores["teacher"] = {
            part: self._bleu(run.model, said[part], part) for part in _PARTS
        }
        scores["taught"] = self._scores(run.model)
        sizes = {"asked": len(pool), "given": max(given, len(pool))}
        facts = {
            "teachers": [self.teacher.source],
            "bleu": scores,
            **sizes,
            "helps": helps(scores),
        }
        text = outcome(self.teacher.source, scores, **sizes)
        write_outcome(folder, text, facts)
        self.say(text)
        return run

    def _said(self, sources: Sequence[str]) -> list[str]:
        return translate(self.teacher, sources, self.kept, self.say)

    def _scores(self, model) -> dict[str, float]:
        """Returns the BLEU of a student by part."""
        options = {"tokenized": self.splits.tokenized}
        return {
            part: evaluate(model, getattr(self.splits, part), **options)["bleu"]
            for part in _PARTS
            if len(getattr(self.splits, part))
        }

    def _bleu(self, model, said: Sequence[str], part: str) -> float:
        """Returns the BLEU of translations, with the case and tokens of the student."""
        side, pairs = model.pipeline.target, getattr(self.splits, part)
        tokenized = self.splits.tokenized or side.tokenizer == "whitespace"
        options = {"tokenized": tokenized, "lowercase": side.lowercase}
        return bleu(said, pairs.targets, **options).score


def taught_pairs(
    splits: PairSplits, said: Sequence[str], pool: Sequence[str], more: Sequence[str]
) -> PairSplits:
    """Returns the data with a teacher's translations beside the training pairs.

    Args:
        splits: the pairs.
        said: the translation of each training source.
        pool: further sources.
        more: the translation of each.

    Returns:
        Training pairs, and each source with its translation, unless that is empty.

    Source: Kim and Rush 2016, Sequence-Level Knowledge Distillation, section 3.2.

    Example:
        >>> part = Pairs(["ja"], ["yes"])
        >>> splits = PairSplits(part, part, part)
        >>> taught_pairs(splits, ["yeah"], ["nein"], ["no"]).train.targets
        ['yes', 'yeah', 'no']
    """
    train = splits.train
    found = zip([*train.sources, *pool], [*said, *more], strict=True)
    taught = [(source, target) for source, target in found if target.strip()]
    joined = Pairs(
        [*train.sources, *(source for source, _ in taught)],
        [*train.targets, *(target for _, target in taught)],
    )
    return replace(splits, train=joined)


def outcome(teacher: str, scores: dict, asked: int, given: int) -> str:
    """Returns the section of the report."""
    rows = [["BLEU", *_PARTS]]
    for who, name in WHO.items():
        found = [scores[who].get(part) for part in _PARTS]
        rows.append([name, *("" if n is None else f"{n:.2f}" for n in found)])
    lines = [
        f"Teacher: {in_cell(teacher)}.",
        markdown_table(rows),
        "The student learned the training pairs, and the teacher's translations of "
        f"their sources and of {asked:,} of {given:,} further sources.",
    ]
    return "\n\n".join(lines if helps(scores) else [*lines, NO_BETTER])
