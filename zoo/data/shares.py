"""The number of rows of each class in each part, with warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from zoo.data.errors import shorten
from zoo.data.examples import Examples
from zoo.text.pairs import SEPARATOR

FEW = 10  # a class with fewer training rows has unreliable scores
_LARGE = 20  # a text that is at least one row in so many is reported
_NAMED = 5  # classes or texts in a warning


def class_rows(parts: Mapping[str, Examples]) -> dict[str, dict[str, list[int]]]:
    """Counts the rows of each class in each part.

    Args:
        parts: the rows by the name of the part.

    Returns:
        By task and class one number per part, the most frequent class first. A class is
        a category, a tag, `"(no tag)"`, or `"(numbers)"` for a regression target.

    Example:
        >>> train, test = Examples(["a"] * 3, {"y": ["x", "z", "z"]}), Examples([], {})
        >>> class_rows({"train": train, "test": test})
        {'y': {'z': [2, 0], 'x': [1, 0]}}
    """
    counts: dict[str, list[Counter]] = {}
    for place, part in enumerate(parts.values()):
        for task, values in part.labels.items():
            counts.setdefault(task, [Counter() for _ in parts])[place].update(
                name for value in values for name in _classes(value)
            )
    found = {}
    for task, counters in counts.items():
        total = sum(counters, Counter())
        order = sorted(total, key=lambda name: (-total[name], name))
        found[task] = {name: [c[name] for c in counters] for name in order}
    return found


def share_table(parts: Mapping[str, Examples], most: int) -> list[list[str]]:
    """Returns the cells of a table of `class_rows`, header first; empty without labels.

    Args:
        parts: the rows by the name of the part.
        most: maximum number of classes of a task with a row of their own.
    """
    rows = []
    for task, classes in class_rows(parts).items():
        shown, rest = list(classes.items())[:most], list(classes.values())[most:]
        if rest:
            shown.append((f"({len(rest)} rarer)", [sum(one) for one in zip(*rest)]))
        rows += [[task, name, *map("{:,}".format, found)] for name, found in shown]
    return [["task", "class", *parts], *rows] if rows else []


def share_warnings(parts: Mapping[str, Examples]) -> list[str]:
    """Returns warnings about rare classes, and about texts that dominate the data.

    Args:
        parts: the rows by the name of the part, one of them `"train"`.

    Example:
        >>> parts = {"train": Examples(["a"] * 30 + ["b"], {"y": ["x"] * 30 + ["z"]})}
        >>> for line in share_warnings(parts):
        ...     print(line)
        y: 1 class(es) with fewer than 10 training rows: z (1).
        One text makes up 97 % of the data, 30 of 31 rows: 'a'.
    """
    lines = []
    train = list(parts).index("train")
    for task, classes in class_rows(parts).items():
        few = {name: rows[train] for name, rows in classes.items() if rows[train] < FEW}
        if few:
            rarest = sorted(few, key=lambda name: (few[name], name))[:_NAMED]
            named = ", ".join(f"{name} ({few[name]})" for name in rarest)
            more = f" and {len(few) - _NAMED} more" if len(few) > _NAMED else ""
            lines.append(
                f"{task}: {len(few)} class(es) with fewer than {FEW} training rows: "
                f"{named}{more}."
            )
    return lines + _large_texts(parts)


def _classes(value) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, (tuple, list)):
        return tuple(value) or ("(no tag)",)
    return (value,) if isinstance(value, str) else ("(numbers)",)


def _large_texts(parts: Mapping[str, Examples]) -> list[str]:
    texts = [text for part in parts.values() for text in part.texts]
    keys = [key for part in parts.values() for key in part.text_keys]
    counts = Counter(keys)
    large = [
        (key, count)
        for key, count in counts.most_common(_LARGE)
        if count > 1 and count * _LARGE >= len(texts)
    ]
    first = dict(zip(reversed(keys), reversed(texts))) if large else {}
    return [
        f"One text makes up {count / len(texts):.0%} of the data, {count:,} of "
        f"{len(texts):,} rows: {_shown(first[key])}.".replace("%", " %", 1)
        for key, count in large[:_NAMED]
    ]


def _shown(text: str) -> str:
    return " and ".join(map(shorten, text.split(SEPARATOR, 1)))
