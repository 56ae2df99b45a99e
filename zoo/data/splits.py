"""Seeded splits that keep the shares of the labels and never part duplicates."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

from zoo.data.errors import DataError, shorten
from zoo.data.examples import Examples, Splits

RARE = 2  # a category with this many rows or fewer stays in train
BINS = 10  # strata of a regression target


def text_key(text: str) -> str:
    """What two texts share when they count as duplicates.

    Unicode NFKC, case folding, and every run of white space as one space.

    Example:
        >>> text_key(" Ｇood\\tFILM ") == text_key("good film")
        True
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        return " ".join(unicodedata.normalize("NFKC", text.casefold()).split())
    return " ".join(text.lower().split())


def split(
    examples: Examples,
    *,
    valid: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> Splits:
    """Splits rows into train, valid and test.

    Rows with the same text (see `text_key`) or the same group always fall on the same
    side. Every combination of labels over the tasks is dealt out by the shares, so that
    each part has nearly the same label shares; a category with one or two rows stays in
    train, and every other category has a row there. The same rows and seed give the
    same parts on every machine, in whatever order the rows come.

    Args:
        examples: the rows.
        valid: share of the rows for validation, from 0; 0 leaves the part empty.
        test: share of the rows for the test, from 0.
        seed: a whole number; another one gives another split.
        groups: one value a row, e.g. the author; `None` for a row of its own.

    Returns:
        `Splits`, each part in the order of `examples`.

    Raises:
        DataError: for shares out of range, or too few rows to give a part one.

    Example:
        >>> data = Examples(list("abcdefghij"), {"odd": ["no", "yes"] * 5})
        >>> parts = split(data, valid=0.2, test=0.2)
        >>> len(parts.train), len(parts.valid), len(parts.test)
        (6, 2, 2)
    """
    shares = {"valid": valid, "test": test}
    for name, share in shares.items():
        if not 0 <= share < 1:
            raise DataError(
                f"`{name}` is a share of the rows. Accepted: 0 to below 1. "
                f"Received: {share!r}."
            )
    if valid + test >= 1:
        raise DataError(
            "`valid` and `test` must leave rows for training. Accepted: a sum below 1. "
            f"Received: {valid!r} + {test!r}."
        )
    sides = _deal(examples, (1.0 - valid - test, valid, test), seed, groups)
    parts = [
        examples.select(i for i, side in enumerate(sides) if side == part)
        for part in range(3)
    ]
    for name, part in (("valid", parts[1]), ("test", parts[2])):
        if shares[name] and not len(part):
            raise DataError(
                f"`{name}`={shares[name]} leaves no row for it. Accepted: more rows "
                "with different texts and repeated labels, a larger share, or a file "
                f"of its own. Received: {len(examples)} rows."
            )
    parts[0].skipped = list(examples.skipped)
    return Splits(*parts)


def hold_out(
    examples: Examples, share: float, seed: int = 0
) -> tuple[Examples, Examples]:
    """Splits off `share` of the rows; as `split`, in two parts.

    Returns:
        The rows that stay and the rows held out.

    Example:
        >>> rest, held = hold_out(Examples(list("abcdefghij"), {}), 0.3)
        >>> len(rest), len(held)
        (7, 3)
    """
    parts = split(examples, valid=share, test=0.0, seed=seed)
    return parts.train, parts.valid


def assemble(
    train: Examples,
    valid: Examples | None = None,
    test: Examples | None = None,
    *,
    seed: int = 0,
) -> Splits:
    """Parts from a training table and, where the user has them, further tables.

    A part that is not given is split off `train` (10 % each). Rows of `train` whose
    text stands in a given part are dropped, and `Splits.notes` says how many.

    Example:
        >>> train = Examples(list("abcdefghij"), {"odd": ["no", "yes"] * 5})
        >>> parts = assemble(train, test=Examples(["a"], {"odd": ["no"]}))
        >>> len(parts.train), len(parts.valid), len(parts.test), parts.notes[0][:17]
        (8, 1, 1, '1 training row(s)')
    """
    given = [part for part in (valid, test) if part is not None]
    notes = []
    if given:
        train, dropped = drop_leaked(train, *given)
        if dropped:
            notes.append(
                f"{dropped} training row(s) dropped: their text is in the given "
                "validation or test table."
            )
        if not len(train):
            raise DataError(
                "No training row is left. Accepted: training texts that differ from "
                f"those of the validation and test tables. Received: {notes[0]}"
            )
    shares = {
        name: 0.1 if part is None else 0.0
        for name, part in (("valid", valid), ("test", test))
    }
    if any(shares.values()):
        parts = split(train, **shares, seed=seed)
        names = " and ".join(name for name, share in shares.items() if share)
        notes.append(f"{names}: 10 % of the rows each, stratified, seed {seed}.")
        train = parts.train
        valid = parts.valid if valid is None else valid
        test = parts.test if test is None else test
    return Splits(train, valid, test, [], notes)


def drop_leaked(train: Examples, *held_out: Examples) -> tuple[Examples, int]:
    """Drops the rows of `train` whose text occurs in a held-out part.

    Returns:
        The remaining rows, and how many were dropped: a number to report.

    Example:
        >>> train, test = Examples(["Good !", "bad"], {}), Examples(["good !"], {})
        >>> drop_leaked(train, test)[1]
        1
    """
    seen = {text_key(text) for part in held_out for text in part.texts}
    keep = [i for i, text in enumerate(train.texts) if text_key(text) not in seen]
    if len(keep) == len(train):
        return train, 0
    rest = train.select(keep)
    rest.skipped = list(train.skipped)
    return rest, len(train) - len(keep)


def _deal(examples: Examples, shares, seed: int, groups) -> list[int]:
    """The part (0 train, 1 valid, 2 test) of every row."""
    strata = _strata(examples)
    bundles = _bundles([text_key(text) for text in examples.texts], groups)
    order = []
    for key, rows in bundles.items():
        counts = Counter(strata[row] for row in rows)
        stratum = min(counts, key=lambda s: (-counts[s], s))
        # Large bundles first and side by side, or single rows would fill every part
        # and leave all bundles to train.
        order.append(((stratum, -len(rows), _shuffle_key(key, seed)), rows))
    order.sort(key=lambda entry: entry[0])
    rare = _rare_rows(examples)
    sides = [0] * len(examples)
    filled = [0, 0, 0]
    seen = 0
    for _, rows in order:
        # The part that is furthest behind its share once these rows are counted.
        seen += len(rows)
        behind = [shares[part] * seen - filled[part] for part in range(3)]
        side = max(range(3), key=lambda part: (shares[part] > 0, behind[part]))
        if side and not rare.isdisjoint(rows):
            side = 0
        filled[side] += len(rows)
        for row in rows:
            sides[row] = side
    _keep_in_train(examples, sides, [rows for _, rows in order])
    return sides


def _strata(examples: Examples) -> list[tuple]:
    columns = []
    for task, values in examples.labels.items():
        if examples.kinds.get(task) == "regression":
            columns.append(_bins(values))
        else:
            columns.append(["" if v is None else repr(v) for v in values])
    if not columns:
        return [()] * len(examples)
    return list(zip(*columns, strict=True))


def _bins(values: list) -> list[str]:
    present = sorted(value for value in values if value is not None)
    edges = (
        [present[len(present) * i // BINS] for i in range(1, BINS)] if present else []
    )
    return [
        "" if value is None else str(sum(value >= edge for edge in edges))
        for value in values
    ]


def _categories(examples: Examples) -> Iterable[tuple[str, list]]:
    for task, values in examples.labels.items():
        if examples.kinds.get(task) == "categories":
            yield task, values


def _rare_rows(examples: Examples) -> set[int]:
    rare = set()
    for _, values in _categories(examples):
        counts = Counter(value for value in values if value is not None)
        rare.update(
            i for i, v in enumerate(values) if v is not None and counts[v] <= RARE
        )
    return rare


def _keep_in_train(examples: Examples, sides: list[int], bundles: list) -> None:
    for _, values in _categories(examples):
        there = {v for v, side in zip(values, sides, strict=True) if not side}
        for rows in bundles:
            lost = {values[row] for row in rows} - there - {None}
            if sides[rows[0]] and lost:
                there |= lost
                for row in rows:
                    sides[row] = 0


def _bundles(keys: list[str], groups) -> dict[str, list[int]]:
    """Rows that must stay together, under a key that no order of rows changes."""
    if groups is None:
        bundles = defaultdict(list)
        for row, key in enumerate(keys):
            bundles[key].append(row)
        return bundles
    if len(groups) != len(keys):
        raise DataError(
            f"`groups` must hold one value a row. Accepted: {len(keys)} values. "
            f"Received: {shorten(len(groups))}."
        )
    parent = list(range(len(keys)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict = {}
    for row, key in enumerate(keys):
        for tie in (("text", key), ("group", groups[row])):
            if tie != ("group", None):
                parent[root(row)] = root(first.setdefault(tie, row))
    members = defaultdict(list)
    for row in range(len(keys)):
        members[root(row)].append(row)
    return {min(keys[row] for row in rows): rows for rows in members.values()}


def _shuffle_key(key: str, seed: int) -> bytes:
    data = f"{seed}\n{key}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16).digest()
