"""Marks that tests share; setup.cfg says what each means."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest

import zoo

not_on_jax = pytest.mark.not_on_jax
release = pytest.mark.release
HALF_PRECISION = [
    "mixed_bfloat16",
    pytest.param("mixed_float16", marks=not_on_jax),
]


def slow_but(quick: Collection, rows: Iterable, slow: Collection | None = None) -> list:
    """Parameters of a test: those in `quick` run each time, and the others are slow.

    Where `slow` is given, these alone are, and the rest is run before a release.
    """

    def marked(row):
        if row in quick:
            return row
        often = slow is None or row in slow
        return pytest.param(row, marks=pytest.mark.slow if often else release)

    return [marked(row) for row in rows]


def first_of_each_file(names: Iterable[str]) -> list[str]:
    """The first model of each file of builders, in each family.

    Models of a file share most of what they are made of. So costly tests ask these of
    all models, and the others before a release.
    """
    found: dict = {}
    for name in names:
        entry = zoo.describe(name)
        found.setdefault((entry.family, entry.builder.__module__), name)
    return [*found.values()]
