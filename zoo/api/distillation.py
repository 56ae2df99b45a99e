"""`zoo.distill`: trains a model that learns from a teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from zoo.text.inputs import real, whole

MIXTURE, ROUNDS = 0.5, 3  # by default
# The kinds of students, and the arguments that do not apply to each.
_UNUSED: Mapping[str, Sequence[str]] = {
    "classification": (),
    "tagging": ("budget", "augment"),
    "translation": ("temperature", "mixture", "budget", "augment"),
}


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
    trust: bool = False,
    verbose: bool = True,
    **settings: Any,
) -> Run:
    """Trains a model that learns from a teacher, as `zoo distill` does.

    The teacher answers the rows of the data and further texts, about all tasks that it
    knows, with probabilities, or the values of regressions. The student learns
    `softmax(log(p) / temperature)` of a further text, and of a labelled row the mean of
    that and of its label. Before that it is trained alone, for comparison. Answers are
    kept, so a call that was interrupted asks only what is missing.

    A tagger learns the distributions of a tagger over the tags of each word, or, where
    it has a CRF, the likeliest tags of further sentences. A translation model learns,
    beside the pairs of the data, the teacher's translations of their sources and of
    further ones.

    Args:
        student: name of a classifier, a tagger or a translation model.
        data: labelled data with one task or several, whose rows may lack labels of
            some; as of `zoo.train`, like `label`, `text`, `task_column`, `valid`,
            `test`, `out` and `export`.
        teacher: the folder of a run or an export of the zoo, of any SavedModel with a
            signature of strings, or of a transformer, which is fine-tuned first; the
            ONNX file of a sentence encoder, on which regressions are fitted;
            `host:port/model` of a TensorFlow Serving; or `command:PROGRAM ARGUMENTS`,
            which reads texts and writes JSON Lines. Several teachers are an ensemble;
            each may know some of the tasks. Of a tagger, runs and exports of taggers;
            of translations one teacher: a run or an export of a translation model, a
            server, or a command.
        unlabelled: a `.txt` file with one text a line, a table, or rows in memory; of
            a tagger also lists of words.
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
        trust: whether a teacher's operations may reach files, network or Python, and
            whether the weights of a transformer may be pickles.
        verbose: whether to print what the command prints.
        **settings: as of `zoo.train`.

    `budget`, `rounds` and `augment` apply to classifiers, `temperature` and `mixture`
    to taggers too.

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
    if family.name not in _UNUSED:
        raise ValueError(
            "`student` must be a model that can be taught. Accepted: a name of the "
            "kind text classification, tagging or translation from zoo.list(). "
            f"Received: {student!r}."
        )
    further = split_off(settings)
    chosen, keywords = split_overrides(settings, student)
    own = family.settings.of(student, **chosen)
    teachers = [teacher] if isinstance(teacher, str) else [*map(str, teacher)]
    options = {
        "temperature": temperature,
        "mixture": mixture,
        "budget": budget,
        "rounds": rounds,
        "augment": augment or None,
    }
    _check(teachers, options)
    _check_student(family.name, teachers, options)
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

    from zoo.api.teachers.courses import Wanted, teach

    def train(parts: Splits, place: Path, export_to: Path | None) -> Run:
        options: dict = {"folder": place, "export_to": export_to, "verbose": verbose}
        return family.run(student, parts, chosen, keywords, **options)

    wanted = Wanted(
        train=train,
        identity=[student, chosen, keywords],
        settings=own,
        splits=splits,
        teachers=teachers,
        unlabelled=unlabelled,
        column=reading.text if isinstance(reading.text, str) else None,
        encoding=reading.encoding,
        temperature=temperature,
        mixture=MIXTURE if mixture is None else mixture,
        budget=budget,
        rounds=(rounds or ROUNDS) if budget is not None else 1,
        augment=augment,
        epochs=teacher_epochs,
        deadline=deadline,
        trust=trust,
        seed=seed,
        kept=cache_folder() / "teachers" if cache is None else Path(cache),
        folder=folder,
        export_to=export_to,
        say=print if verbose else silent,
    )
    return teach(family.name, wanted)


def _check(teachers: Sequence[str], options: Mapping[str, Any]) -> None:
    if not teachers:
        raise ValueError(
            "`teacher` (--teacher) must name a teacher. Accepted: one name, or several "
            "for an ensemble. Received: none."
        )
    if options["temperature"] is not None:
        real("temperature", options["temperature"], 1e-3)
    if options["mixture"] is not None:
        real("mixture", options["mixture"], 0, 1)
    for name, least in (("augment", 0), ("budget", 1), ("rounds", 1)):
        if options[name] is not None:
            whole(name, options[name], least)
    if options["rounds"] is not None and options["budget"] is None:
        raise ValueError(
            "`rounds` (--rounds) divides the answers of `budget` (--budget). "
            f"Accepted: both. Received: rounds={options['rounds']!r} without `budget`."
        )


def _check_student(
    family: str, teachers: Sequence[str], options: Mapping[str, Any]
) -> None:
    """Raises for options that do not apply to the students of a family."""
    if family == "translation" and len(teachers) > 1:
        raise ValueError(
            "`teacher` (--teacher) of a translation model must name one teacher: "
            "translations have no mean. Accepted: one name. "
            f"Received: {', '.join(teachers)}."
        )
    for name in _UNUSED[family]:
        if options[name] is not None:
            raise ValueError(
                f"`{name}` (--{name}) does not apply to a student of the kind "
                f"{family}. Accepted: none. Received: {name}={options[name]!r}."
            )
