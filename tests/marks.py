"""Marks that tests share; setup.cfg says what each means."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest

not_on_jax = pytest.mark.not_on_jax
HALF_PRECISION = [
    "mixed_bfloat16",
    pytest.param("mixed_float16", marks=not_on_jax),
]


def slow_but(quick: Collection, rows: Iterable) -> list:
    """Parameters of a test, of which those in `quick` alone run each time."""
    return [
        row if row in quick else pytest.param(row, marks=pytest.mark.slow)
        for row in rows
    ]
