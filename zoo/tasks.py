"""What a model predicts: named tasks, each of one kind.

Pure Python: the command line lists and describes models without loading TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from zoo.text.inputs import plain

KINDS = ("categories", "multilabel", "regression")  # of a text
TAGS = "tags"  # of its words
DEFAULT_TASK = "label"


@dataclass(frozen=True)
class Task:
    """One task: the kind of its target and the names of its labels.

    Args:
        kind: `"categories"` (one label of several, softmax), `"multilabel"` (any
            number of labels, a sigmoid each), `"regression"` (one number), or, for
            taggers, `"tags"` (one label of several for each word).
        labels: names of the labels, in the order of their ids; empty for regression.
        mean: regression only, mean of the training targets, in the target's unit.
        scale: regression only, standard deviation of the training targets.
        scheme: tags only, the name in `zoo.families.tagging.SCHEMES` that the tags keep, or
            none for tags such as parts of speech.
        temperature: categories and multilabel only, what the logits are divided by
            before they become probabilities; see `zoo.families.classification.calibration`.
        abstain: categories only, the probability below which the likeliest label is
            not said; 0 always says one.

    Raises:
        ValueError: for an unknown kind, too few or repeated labels, a scale or a
            temperature that is not positive, or a task that cannot abstain.

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(str(name) for name in self.labels))
        if self.kind not in (*KINDS, TAGS):
            raise ValueError(
                f"`kind` must be one of {', '.join((*KINDS, TAGS))}. "
                f"Received: kind={self.kind!r}."
            )
        least = {"categories": 2, "multilabel": 1, "regression": 0, TAGS: 1}
        least = least[self.kind]
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
        if not self.scale > 0:
            raise ValueError(
                f"`scale` must be positive. Received: scale={self.scale!r}."
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

    @property
    def outputs(self) -> int:
        """Width of the task's output: one a label, one for regression."""
        return 1 if self.kind == "regression" else len(self.labels)

    def to_config(self) -> dict:
        """A JSON-ready dict that `from_config` reads back."""
        return {**asdict(self), "labels": list(self.labels)}

    @classmethod
    def from_config(cls, config: Mapping) -> Task:
        return cls(**config)


def as_tasks(tasks=None) -> dict[str, Task]:
    """Reads the short forms in which users name tasks.

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
    """Names that TensorFlow takes for a scope, which it refuses to most of Unicode.

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
    """Names of the tasks by what their outputs stand for.

    Two regressions measure different things, whatever their numbers look like.

    Example:
        >>> same = same_labels(as_tasks({"a": 2, "b": 3, "c": 2, "d": "regression"}))
        >>> list(same.values())
        [['a', 'c'], ['b'], ['d']]
    """
    groups: dict[tuple, list[str]] = {}
    for name, task in tasks.items():
        meaning = name if task.kind == "regression" else task.labels
        groups.setdefault((task.kind, meaning), []).append(name)
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
