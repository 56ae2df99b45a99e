"""Seeded splits that are stratified and keep copies of a text together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from zoo.data.bundles import bundle
from zoo.data.errors import DataError
from zoo.data.examples import Examples, join
from zoo.data.parts import Splits
from zoo.data.strata import strata
from zoo.data.stratify import stratify


def split(
    examples: Examples,
    *,
    valid: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    groups: Sequence[Hashable] | None = None,
) -> Splits:
    """Splits rows into train, valid and test.

    Rows of one text (see `text_key`), of one pair of texts or of one group stay
    together: they form a bundle, which counts once for each of its labels. Each
    category, tag and tenth of a regression target has its share of the bundles in every
    part, to within one bundle if each bundle has one label, else as nearly as possible.
    The largest bundle of every label stays in training, and so does a bundle of more
    rows than a part should have of its labels. The same rows and seed give the same
    parts on every machine, whatever the order of the rows.

    Args:
        examples: the rows.
        valid: share of the rows for validation, from 0; 0 leaves the part empty.
        test: share of the rows for the test, from 0.
        seed: a whole number; each gives another split.
        groups: one value per row, e.g. the author; `None` for a row of its own.

    Returns:
        `Splits`, each part in the order of `examples`.

    Raises:
        DataError: for shares out of range, or too few rows for a part to get one.

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
                f"`{name}` must be a share of the rows. Accepted: 0 to below 1. "
                f"Received: {share!r}."
            )
    if valid + test >= 1:
        raise DataError(
            "`valid` and `test` must leave rows for training. Accepted: a sum below 1. "
            f"Received: {valid!r} + {test!r}."
        )
    bundles = bundle(examples.text_keys, groups)
    dealt = stratify(
        strata(examples, bundles.rows),
        bundles.sizes,
        bundles.shuffled(seed),
        (1.0 - valid - test, valid, test),
    )
    chosen: tuple[list[int], ...] = ([], [], [])
    for part, rows in zip(dealt, bundles.rows):
        chosen[part].extend(rows)
    parts = [examples.select(sorted(rows)) for rows in chosen]
    for name, part in (("valid", parts[1]), ("test", parts[2])):
        if shares[name] and not len(part):
            raise DataError(
                f"`{name}`={shares[name]} leaves it without rows. Accepted: more rows "
                "with different texts and repeated labels, a larger share, or a file "
                f"of its own. Received: {len(examples)} rows."
            )
    parts[0].skipped = list(examples.skipped)
    return Splits(parts[0], parts[1], parts[2])


def hold_out(
    examples: Examples, share: float, seed: int = 0
) -> tuple[Examples, Examples]:
    """Splits `share` of the rows off; as `split`, into two parts.

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
    groups: Sequence[Hashable] | None = None,
) -> Splits:
    """Returns the parts from a training table and any further tables that are given.

    A part that is not given is split off `train` (10 % each); rows that have only a
    distribution over labels stay in training. Rows of `train` whose text occurs in
    another part are dropped. `Splits.notes` states how many, and how
    many texts the given validation and test tables share.

    Args:
        train: the rows to learn from, or to split.
        valid: the validation part.
        test: the test part.
        seed: seed of the split.
        groups: one value per row of `train`, as in `split`.

    Raises:
        DataError: as `split`, and if no training row is left.

    Example:
        >>> train = Examples(list("abcdefghij"), {"odd": ["no", "yes"] * 5})
        >>> parts = assemble(train, test=Examples(["a"], {"odd": ["no"]}))
        >>> len(parts.train), len(parts.valid), len(parts.test), parts.notes[0][:17]
        (8, 1, 1, '1 training row(s)')
    """
    given = [part for part in (valid, test) if part is not None]
    notes = []
    if len(given) == 2 and (shared := _rows_in(*given)):
        notes.append(
            f"{len(shared)} row(s) of the given validation table have a text that "
            "also occurs in the given test table; both are kept."
        )
    if leaked := _rows_in(train, *given):
        notes.append(
            f"{len(leaked)} training row(s) dropped: their text occurs in the given "
            "validation or test table."
        )
        if groups is not None:
            groups = [g for row, g in enumerate(groups) if row not in leaked]
        train = _without(train, leaked)
    if given and not len(train):
        raise DataError(
            "No training row is left. Accepted: training texts that differ from "
            f"those of the validation and test tables. Received: {notes[-1]}"
        )
    shares = {
        name: 0.1 if part is None else 0.0
        for name, part in (("valid", valid), ("test", test))
    }
    if valid is None or test is None:
        train, groups, soft = _set_aside(train, groups)
        parts = split(train, **shares, seed=seed, groups=groups)
        names = " and ".join(name for name, share in shares.items() if share)
        notes.append(f"{names}: 10 % of the rows each, stratified, seed {seed}.")
        valid = parts.valid if valid is None else valid
        test = parts.test if test is None else test
        train, copies = parts.train, _rows_in(soft, parts.valid, parts.test)
        if len(soft):
            train = replace(join([train, _without(soft, copies)]), notes=train.notes)
        if copies:
            notes.append(
                f"{len(copies)} row(s) with a distribution dropped: their text occurs "
                "in the validation or test part."
            )
    return Splits(train, valid, test, notes=notes)


def _set_aside(train: Examples, groups: Sequence[Hashable] | None):
    """Takes the rows with distributions alone out of what is split."""
    only = train.only_soft()
    if not any(only) or all(only):
        return train, groups, Examples([], {})
    rest = [row for row, soft in enumerate(only) if not soft]
    apart = train.select(row for row, soft in enumerate(only) if soft)
    left = replace(train.select(rest), skipped=train.skipped, notes=train.notes)
    return left, groups and [groups[row] for row in rest], apart


def drop_leaked(train: Examples, *held_out: Examples) -> tuple[Examples, int]:
    """Drops the rows of `train` whose text occurs in another part.

    Returns:
        The remaining rows, and the number of dropped ones, to be reported.

    Example:
        >>> train, test = Examples(["Good !", "bad"], {}), Examples(["good!"], {})
        >>> drop_leaked(train, test)[1]
        1
    """
    leaked = _rows_in(train, *held_out)
    return _without(train, leaked), len(leaked)


def _rows_in(examples: Examples, *others: Examples) -> set[int]:
    """Returns the rows whose text occurs in the others."""
    seen = {key for other in others for key in other.text_keys}
    keys = enumerate(examples.text_keys) if seen else ()
    return {row for row, key in keys if key in seen}


def _without(examples: Examples, rows: set[int]) -> Examples:
    if not rows:
        return examples
    rest = examples.select(row for row in range(len(examples)) if row not in rows)
    rest.skipped = list(examples.skipped)
    return rest
