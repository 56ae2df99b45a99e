"""Texts with their labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from zoo.data.errors import BadRow, DataError
from zoo.text.characters import text_key
from zoo.text.pairs import joined, sides


@dataclass
class Examples:
    """Texts, the labels of every task, and the origin of each row.

    Args:
        texts: one text per row; may be empty strings. A pair of texts is one text, as
            `zoo.text.pairs.joined` makes it.
        labels: for every task one value per row, `None` if missing: a `str` for
            categories, a tuple of `str` for multilabel, a `float` for regression.
        where: `(file, line)` of every row, for messages.
        kinds: kind of every task, as in `zoo.tasks.KINDS`.
        columns: column of each task's labels, for messages.
        skipped: rows that `on_bad_rows="skip"` left out.
        notes: what a reader of the rows should know about them.
        pairs: whether the texts are pairs.
        soft: for every task one value per row: `None`, or from label to probability,
            or the number of a regression, which a model then learns in place of the
            label. Scores ignore them.
        weights: how much each row counts in training; 1 by default.

    Raises:
        DataError: if the parts differ in length.

    Example:
        >>> data = Examples(["good", "bad"], {"mood": ["up", None]})
        >>> len(data), data.select([1]).texts
        (2, ['bad'])
    """

    texts: list[str]
    labels: dict[str, list]
    where: list[tuple[str, int]] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    skipped: list[BadRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    pairs: bool = False
    soft: dict[str, list] = field(default_factory=dict)
    weights: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.where:
            self.where = [("<memory>", i + 1) for i in range(len(self.texts))]
        for task, values in self.labels.items():
            if len(values) != len(self.texts):
                raise DataError(
                    f"`labels[{task!r}]` must hold one value per text. Accepted: "
                    f"{len(self.texts)} values. Received: {len(values)}."
                )
            self.kinds.setdefault(task, _kind_of(values))
            self.columns.setdefault(task, task)
            self.soft.setdefault(task, [None] * len(self.texts))
        self.weights = self.weights or [1.0] * len(self.texts)
        if len(self.where) != len(self.texts):
            raise DataError(
                f"`where` must hold one place per text. Accepted: {len(self.texts)}. "
                f"Received: {len(self.where)}."
            )

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def text_keys(self) -> list[str]:
        """Returns keys of the texts, equal for copies; for pairs if both texts are.

        Example:
            >>> Examples(["So  GOOD"], {}).text_keys
            ['so good']
        """
        if not self.pairs:
            return [text_key(text) for text in self.texts]
        return [str(joined(*map(text_key, sides(text)))) for text in self.texts]

    @property
    def each_text(self) -> list[str]:
        """Returns the texts; of pairs both."""
        if not self.pairs:
            return self.texts
        return [side for text in self.texts for side in sides(text)]

    def select(self, indices: Iterable[int]) -> Examples:
        """Returns the rows `indices`, in that order, without `skipped` and `notes`."""
        indices = [int(i) for i in indices]
        return Examples(
            [self.texts[i] for i in indices],
            {task: [v[i] for i in indices] for task, v in self.labels.items()},
            [self.where[i] for i in indices],
            dict(self.kinds),
            dict(self.columns),
            pairs=self.pairs,
            soft={task: [v[i] for i in indices] for task, v in self.soft.items()},
            weights=[self.weights[i] for i in indices],
        )

    def with_tasks(self, names: Sequence[str]) -> Examples:
        """Returns the same rows with only the tasks `names`."""
        unknown = [name for name in names if name not in self.labels]
        if unknown:
            raise DataError(
                f"`names` holds unknown tasks. Accepted: {', '.join(self.labels)}. "
                f"Received: {', '.join(map(str, unknown))}."
            )
        return Examples(
            self.texts,
            {name: self.labels[name] for name in names},
            self.where,
            {name: self.kinds[name] for name in names},
            {name: self.columns[name] for name in names},
            self.skipped,
            self.notes,
            self.pairs,
            {name: self.soft[name] for name in names},
            self.weights,
        )

    def only_soft(self) -> list[bool]:
        """Returns for each row whether it has distributions and no label."""
        values, soft = self.labels.values(), self.soft.values()
        return [
            any(said[row] is not None for said in soft)
            and all(labels[row] is None for labels in values)
            for row in range(len(self))
        ]


def join(parts: Sequence[Examples]) -> Examples:
    """Joins the rows of all `parts`; a task that a part lacks is `None` in its rows.

    Example:
        >>> a, b = Examples(["x"], {"p": ["1"]}), Examples(["y"], {"q": ["2"]})
        >>> join([a, b]).labels
        {'p': ['1', None], 'q': [None, '2']}
    """
    kinds: dict[str, str] = {}
    columns: dict[str, str] = {}
    for part in parts:
        for task, kind in part.kinds.items():
            if kinds.setdefault(task, kind) != kind:
                raise DataError(
                    f"Task {task!r} must be of one kind in all parts. "
                    f"Accepted: {kinds[task]}. Received: {kind}."
                )
        columns.update(part.columns)
    labels: dict[str, list] = {task: [] for task in kinds}
    soft: dict[str, list] = {task: [] for task in kinds}
    for part in parts:
        for task, values in labels.items():
            values.extend(part.labels.get(task) or [None] * len(part))
            soft[task].extend(part.soft.get(task) or [None] * len(part))
    return Examples(
        [text for part in parts for text in part.texts],
        labels,
        [place for part in parts for place in part.where],
        kinds,
        columns,
        [row for part in parts for row in part.skipped],
        [note for part in parts for note in part.notes],
        any(part.pairs for part in parts),
        soft,
        [weight for part in parts for weight in part.weights],
    )


def _kind_of(values: list) -> str:
    for value in values:
        if isinstance(value, (tuple, list)):
            return "multilabel"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return "regression"
    return "categories"
