"""What a model predicts: named tasks, each of one kind.

It is pure Python: the command line lists and describes models without TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

from zoo.text.inputs import plain

KINDS = ("categories", "multilabel", "regression")  # of a text
TAGS = "tags"  # of its words
DEFAULT_TASK = "label"
SEPARATOR = "|"  # between several labels of one text
THRESHOLD = 0.5  # probability above which a label applies, unless tuned otherwise


@dataclass(frozen=True)
class Task:
    """One task: the kind of its target and the names of its labels.

    Args:
        kind: `"categories"` (one of several labels, softmax), `"multilabel"` (any
            number of labels, a sigmoid each), `"regression"` (one number), or, for
            taggers, `"tags"` (one of several labels for each word).
        labels: names of the labels, in the order of their ids; empty for regression.
        mean: for regression, mean of the training targets, in the target's unit.
        scale: for regression, standard deviation of the training targets. A model
            learns and returns `(value - mean) / scale`, which float32 represents well
            whatever the unit; see `value` and `standardised`.
        scheme: for tags, the name of their scheme in `zoo.data.tag_schemes.SCHEMES`;
            empty for tags without one, such as parts of speech.
        temperature: for categories and multilabel, divisor of the logits before they
            become probabilities.
        abstain: for categories, the probability below which no label is predicted; 0
            always predicts one.
        thresholds: for multilabel, the probability above which each label applies;
            empty for 0.5 each.
        apart: whether its labels mean something else than equal ones of other tasks,
            such as "yes" and "no" to another question.

    Raises:
        ValueError: for an unknown kind, too few or repeated labels, a scale or a
            temperature that is not positive, a task that cannot abstain, or thresholds
            that do not fit the labels.

    Example:
        >>> Task("categories", ("negative", "positive")).outputs
        2
    """

    kind: str
    labels: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0
    scheme: str = ""
    temperature: float = 1.0
    abstain: float = 0.0
    thresholds: tuple[float, ...] = ()
    apart: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(str(name) for name in self.labels))
        object.__setattr__(self, "thresholds", tuple(map(float, self.thresholds)))
        if self.kind not in (*KINDS, TAGS):
            raise ValueError(
                f"`kind` must be one of {', '.join((*KINDS, TAGS))}. "
                f"Received: kind={self.kind!r}."
            )
        least = {"categories": 2, "multilabel": 1, "regression": 0, TAGS: 1}[self.kind]
        if len(self.labels) < least or (self.kind == "regression" and self.labels):
            accepted = "no labels" if not least else f"at least {least} label(s)"
            raise ValueError(
                f"`labels` of a {self.kind} task must hold {accepted}. "
                f"Received: labels={self.labels!r}."
            )
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(
                f"`labels` must not repeat a name. Received: labels={self.labels!r}."
            )
        if not abs(self.mean) < float("inf"):
            raise ValueError(f"`mean` must be finite. Received: mean={self.mean!r}.")
        if not 0 < self.scale < float("inf"):
            raise ValueError(
                f"`scale` must be positive and finite. Received: scale={self.scale!r}."
            )
        if not 0 < self.temperature < float("inf"):
            raise ValueError(
                "`temperature` must be positive and finite. "
                f"Received: temperature={self.temperature!r}."
            )
        if not 0 <= self.abstain < 1 or (self.abstain and self.kind != "categories"):
            raise ValueError(
                "`abstain` must be a probability from 0 to below 1, and 0 for tasks of "
                f"other kinds than categories. Received: abstain={self.abstain!r} for "
                f"{self.kind}."
            )
        labelled = len(self.labels) if self.kind == "multilabel" else 0
        if self.thresholds and (
            len(self.thresholds) != labelled
            or not all(0 < threshold < 1 for threshold in self.thresholds)
        ):
            raise ValueError(
                "`thresholds` must be empty or, for a multilabel task, a probability "
                "above 0 and below 1 for each label. "
                f"Received: thresholds={self.thresholds!r} for {labelled} label(s) of "
                f"{self.kind}."
            )

    @property
    def cuts(self) -> tuple[float, ...]:
        """The probability above which each label of a multilabel task applies."""
        return self.thresholds or (THRESHOLD,) * len(self.labels)

    @property
    def outputs(self) -> int:
        """Width of the task's output: one per label, one for regression."""
        return 1 if self.kind == "regression" else len(self.labels)

    def standardised(self, value):
        """Returns a regression target as the model learns it: `(value - mean) / scale`.

        Args:
            value: a number, or an array of float64, in the target's unit.
        """
        return (value - self.mean) / self.scale

    def value(self, output):
        """Returns the value of a regression output: `mean + scale * output`.

        Args:
            output: a number, or an array or tensor of float64: near a mean of a
                billion, float32 has steps of 64.

        Example:
            >>> Task("regression", mean=1_700_000_000.0, scale=100.0).value(0.25)
            1700000025.0
        """
        return self.mean + self.scale * output

    def to_config(self) -> dict:
        """Returns a JSON-ready dict that `from_config` reads."""
        config = {
            **asdict(self),
            "labels": list(self.labels),
            "thresholds": list(self.thresholds),
        }
        if not self.apart:
            del config["apart"]  # older versions of the zoo do not know it
        return config

    @classmethod
    def from_config(cls, config: Mapping) -> Task:
        return cls(**config)


def as_tasks(tasks=None) -> dict[str, Task]:
    """Reads the short forms of tasks.

    Args:
        tasks: `None` or an integer or a list of labels for one task called `"label"`;
            or a mapping from the task's name to a `Task`, its config, a number of
            categories, a list of label names, or `"regression"`.

    Returns:
        A dict from name to `Task`, in the order given.

    Raises:
        ValueError: if a task cannot be read or no task is named.

    Example:
        >>> sorted(as_tasks({"topic": 3, "price": "regression"}))
        ['price', 'topic']
    """
    if tasks is None:
        tasks = 2
    if not isinstance(tasks, Mapping):
        tasks = {DEFAULT_TASK: tasks}
    if not tasks:
        raise ValueError("`tasks` must name at least one task. Received: tasks={}.")
    return {str(name): _as_task(name, spec) for name, spec in tasks.items()}


def safe_names(names: Iterable[str]) -> dict[str, str]:
    """Returns names that are valid TensorFlow scopes, which exclude most of Unicode.

    Training uses them for losses and metrics; everything that a user sees keeps the
    task's own name.

    Example:
        >>> safe_names(["mood", "\u60c5 \u611f"])
        {'mood': 'mood', '\u60c5 \u611f': 'task_1'}
    """
    names = list(names)
    safe = {}
    for index, name in enumerate(names):
        plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", name)
        other = f"task_{index}"
        while other in names:
            other += "_"
        safe[name] = name if plain else other
    return safe


def same_labels(tasks: Mapping[str, Task]) -> dict[tuple, list[str]]:
    """Groups the names of tasks whose outputs have the same meaning.

    Two regressions measure different things, whatever their numbers look like, and so
    do tasks that are `apart`.

    Example:
        >>> same = same_labels(as_tasks({"a": 2, "b": 3, "c": 2, "d": "regression"}))
        >>> list(same.values())
        [['a', 'c'], ['b'], ['d']]
    """
    groups: dict[tuple, list[str]] = {}
    for name, task in tasks.items():
        alone = task.kind == "regression" or task.apart
        meaning = (name,) if alone else task.labels
        groups.setdefault((task.kind, alone, meaning), []).append(name)
    return groups


def _as_task(name: str, spec) -> Task:
    if isinstance(spec, Task):
        return spec
    if spec == "regression":
        return Task("regression")
    if isinstance(spec, Mapping):
        return Task.from_config(spec)
    spec = plain(spec)
    if isinstance(spec, int) and not isinstance(spec, bool):
        return Task("categories", tuple(str(i) for i in range(spec)))
    if isinstance(spec, (list, tuple)):
        return Task("categories", tuple(spec))
    raise ValueError(
        f"`tasks[{name!r}]` must be a Task, its config, a number of categories, a list "
        f"of label names, or 'regression'. Received: {spec!r}."
    )


DIGITS = (15, 16, 17)  # the last one names every float64


def written(value: float) -> str:
    """Formats with the first of 15, 16 and 17 digits that restores the same float64.

    `zoo.serving.answers.written` does the same in a graph, byte for byte.

    Example:
        >>> [written(x) for x in (4.0, 0.1, 44928820.0, 4.9e-7, 1e20, 1700530839.25)]
        ['4', '0.1', '44928820', '4.9e-07', '1e+20', '1700530839.25']
    """
    for digits in DIGITS:
        text = f"{value:.{digits}g}"
        if float(text) == value:
            break
    return text


def answers_of(output: np.ndarray, task: Task) -> list[dict]:
    """Turns the output of a model into answers: the only way outside of graphs.

    Args:
        output: `[texts, outputs]`, logits, or a regression's standardised values.
        task: what the model predicts.

    Returns:
        For each text a dict of `label` and `scores`. The label joins several labels by
        `SEPARATOR`, and writes a regression's value as `written` does. The scores are
        the probability of each label, or the value alone. A task that may abstain also
        has `abstained`; if that is true, the label is empty.

    Example:
        >>> import numpy
        >>> answers_of(numpy.zeros((1, 1)), Task("regression", mean=3.0))
        [{'label': '3', 'scores': [3.0]}]
    """
    import numpy as np  # here, so that lists and help do not load it

    output = output.astype(np.float64)
    if task.kind == "regression":
        values = task.value(output[:, 0]).tolist()
        return [{"label": written(value), "scores": [value]} for value in values]
    output = output / task.temperature
    if task.kind == "categories":
        powers = np.exp(output - output.max(axis=-1, keepdims=True))
        scores = powers / powers.sum(axis=-1, keepdims=True)
        labels = [task.labels[row.argmax()] for row in output]
    else:
        scores = 0.5 * (1 + np.tanh(0.5 * output))
        names, applies = np.array(task.labels, object), scores > np.array(task.cuts)
        labels = [SEPARATOR.join(names[row]) for row in applies]
    answers = [
        {"label": label, "scores": row.tolist()}
        for label, row in zip(labels, scores, strict=True)
    ]
    if task.abstain:
        for answer in answers:
            answer["abstained"] = max(answer["scores"]) < task.abstain
            answer["label"] = "" if answer["abstained"] else answer["label"]
    return answers


def named_scores(answers: list[dict], task: Task) -> list[dict]:
    """Returns answers whose scores are dicts, by label or with `value`.

    Example:
        >>> answer = {"label": "b", "scores": [0.2, 0.8]}
        >>> named_scores([answer], Task("categories", ("a", "b")))
        [{'label': 'b', 'scores': {'a': 0.2, 'b': 0.8}}]
    """
    names = task.labels or ("value",)
    return [
        {**answer, "scores": dict(zip(names, answer["scores"], strict=True))}
        for answer in answers
    ]
