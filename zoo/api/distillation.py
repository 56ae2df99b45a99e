"""`zoo.distill`: trains a classifier or translator that learns from a teacher."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.api.reading import Reading, split_off
from zoo.api.start import check_writable, load_tensorflow
from zoo.data import Splits
from zoo.data.download import cache_folder
from zoo.families import family_of
from zoo.families.base import silent
from zoo.families.catalogue import split_overrides
from zoo.families.run import Run
from zoo.families.tables import DEFAULT_TEXT
from zoo.text.inputs import real, whole

MIXTURE, ROUNDS = 0.5, 3  # by default
TRANSLATION = "translation"
STUDENTS = "classification", TRANSLATION


def distill(
    student: str,
    data: Any = None,
    *,
    teacher: str | Sequence[str],
    unlabelled: Any = None,
    label: Any = None,
    text: str | Sequence[str] | None = None,
    task_column: str | None = None,
    valid: Any = None,
    test: Any = None,
    out: str | Path | None = None,
    export: str | Path | None = None,
    temperature: float | None = None,
    mixture: float | None = None,
    budget: int | None = None,
    rounds: int | None = None,
    augment: int = 0,
    teacher_epochs: int = 3,
    deadline: float = 600.0,
    cache: str | Path | None = None,
    verbose: bool = True,
    **settings: Any,
) -> Run:
    """Trains a model that learns from a teacher, as `zoo distill` does.

    The teacher answers the rows of the data and further texts, about all tasks that it
    knows, with probabilities, or the values of regressions. The student learns
    `softmax(log(p) / temperature)` of a further text, and of a labelled row the mean of
    that and of its label. Before that it is trained alone, for comparison. Answers are
    kept, so a call that was interrupted asks only what is missing.

    A translation model learns, beside the pairs of the data, the teacher's translations
    of their sources and of further ones.

    Args:
        student: name of a classifier, or of a translation model.
        data: labelled data with one task or several, whose rows may lack labels of
            some; as of `zoo.train`, like `label`, `text`, `task_column`, `valid`,
            `test`, `out` and `export`.
        teacher: the folder of a run or an export of the zoo, of any SavedModel with a
            signature of strings, or of a transformer, which is fine-tuned first; the
            ONNX file of a sentence encoder, on which regressions are fitted;
            `host:port/model` of a TensorFlow Serving; or `command:PROGRAM ARGUMENTS`,
            which reads texts and writes JSON Lines. Several teachers are an ensemble;
            each may know some of the tasks. Of translations one teacher: a run or an
            export of a translation model, a server, or a command.
        unlabelled: a `.txt` file with one text a line, a table, or rows in memory.
        temperature: by default the one that calibrates the teacher on the validation
            part, of each task.
        mixture: share of the label in the target of a labelled row, from 0 to 1; by
            default 0.5.
        budget: how many further texts the teacher may label: in rounds, those first
            about which the student is least certain.
        rounds: number of rounds, with `budget`; by default 3.
        augment: variants of each training text that the teacher labels too: without
            some words, with neighbours of others, or only a run of them.
        teacher_epochs: passes over the labelled rows of a teacher that is fine-tuned.
        deadline: seconds within which a server or a command must answer.
        cache: folder of the answers; by default `teachers` in `ZOO_CACHE`.
        verbose: whether to print what the command prints.
        **settings: as of `zoo.train`.

    `temperature`, `mixture`, `budget`, `rounds`, `augment` and `teacher_epochs` are for
    classifiers.

    Returns:
        The `Run` of the student; its folder also has `teaching.json`.

    Raises:
        ValueError: for an argument or data that cannot be used.
        RuntimeError: for a teacher that fails, or answers what cannot be used.

    Example:
        >>> run = zoo.distill(  # doctest: +SKIP
        ...     "bilstm_mt", "reviews.csv", unlabelled="texts.txt", teacher="minilm"
        ... )

    Source: Hinton, Vinyals and Dean 2015; Kim and Rush 2016; Tang et al. 2019;
    Mukherjee and Hassan Awadallah 2020.
    """
    family = family_of(student)
    if family.name not in STUDENTS:
        raise ValueError(
            "`student` must be a model that can be taught. Accepted: a name of the "
            "kind text classification, or translation, from zoo.list(). "
            f"Received: {student!r}."
        )
    further = split_off(settings)
    chosen, keywords = split_overrides(settings, student)
    family.settings.of(student, **chosen)
    teachers = [teacher] if isinstance(teacher, str) else [*map(str, teacher)]
    _check(teachers, temperature, mixture, budget, rounds, augment)
    if family.name == TRANSLATION:
        given = {"temperature": temperature, "mixture": mixture, "budget": budget}
        _check_translation(teachers, {**given, "augment": augment or None})
    folder = Path("runs", f"{student}-taught") if out is None else Path(out)
    check_writable(folder, "`out` (--out)")
    export_to = None if export is None else Path(export)
    if export_to is not None:
        check_writable(export_to, "`export` (--export)")
    seed = chosen.get("seed") or 0
    reading = Reading(
        data=data,
        label=label,
        text=text,
        task_column=task_column,
        valid=valid,
        test=test,
        seed=seed,
        verbose=verbose,
        **further,
    )
    splits = family.read(reading)
    load_tensorflow()

    from zoo.api.teachers.opening import check_teacher
    from zoo.api.teachers.pool import pool_of, read_pool

    for one in teachers:
        check_teacher(one)
    say: Callable = print if verbose else silent
    texts: list[str] = []
    if unlabelled is not None:
        column = "source" if family.name == TRANSLATION else DEFAULT_TEXT
        column = reading.text if isinstance(reading.text, str) else column
        texts = read_pool(unlabelled, column, reading.encoding)
    pool, said = pool_of(splits, texts, augment, seed)
    say(said)
    kept = cache_folder() / "teachers" if cache is None else Path(cache)

    def train(parts: Splits, place: Path, export_to: Path | None) -> Run:
        options: dict = {"folder": place, "export_to": export_to, "verbose": verbose}
        return family.run(student, parts, chosen, keywords, **options)

    course: dict[str, Any] = {
        "train": train,
        "identity": [student, chosen, keywords],
        "splits": splits,
        "say": say,
    }
    if family.name == TRANSLATION:
        from zoo.api.teachers.sequences import SequenceTeaching
        from zoo.api.teachers.translations import open_translator

        translator = open_translator(teachers[0], deadline)
        sequences = SequenceTeaching(**course, teacher=translator, kept=kept)
        return sequences.run(pool, len(texts), folder, export_to)
    from zoo.api.teachers.lesson import lesson_of
    from zoo.api.teachers.teaching import Teaching

    options = {"seed": seed, "epochs": teacher_epochs, "deadline": deadline}
    teaching = Teaching(
        **course,
        lesson=lesson_of(splits, kept, **options),
        teachers=teachers,
        temperature=temperature,
        mixture=MIXTURE if mixture is None else mixture,
    )
    rounds = (rounds or ROUNDS) if budget is not None else 1
    return teaching.run(
        pool, len(texts), folder, export_to, budget=budget, rounds=rounds
    )


def _check(teachers, temperature, mixture, budget, rounds, augment) -> None:
    if not teachers:
        raise ValueError(
            "`teacher` (--teacher) must name a teacher. Accepted: one name, or several "
            "for an ensemble. Received: none."
        )
    if temperature is not None:
        real("temperature", temperature, 1e-3)
    if mixture is not None:
        real("mixture", mixture, 0, 1)
    whole("augment", augment, 0)
    if budget is not None:
        whole("budget", budget, 1)
    if rounds is not None:
        whole("rounds", rounds, 1)
        if budget is None:
            raise ValueError(
                "`rounds` (--rounds) divides the answers of `budget` (--budget). "
                f"Accepted: both. Received: rounds={rounds!r} without `budget`."
            )


def _check_translation(teachers, given: Mapping[str, Any]) -> None:
    if len(teachers) > 1:
        raise ValueError(
            "`teacher` (--teacher) of a translation model must name one teacher: "
            "translations have no mean. Accepted: one name. "
            f"Received: {', '.join(teachers)}."
        )
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"`{name}` (--{name}) is for students with labels. Accepted for a "
                f"translation model: none. Received: {name}={value!r}."
            )
