"""Settings of classifiers that depend on the data."""

from __future__ import annotations

import pytest

from zoo.data import Examples, Splits
from zoo.families import family_of


@pytest.mark.parametrize(
    "rows, labels, given, epochs",
    [
        (19_999, 2, {}, 10),
        (20_000, 2, {}, 5),
        (20_000, 2, {"epochs": 7}, 7),
        (20_000, 100, {}, 5),
        (20_000, 101, {}, 10),
    ],
)
def test_epochs_with_many_texts(rows, labels, given, epochs):
    named = [str(row % labels) for row in range(rows)]
    train = Examples(["a"] * rows, {"label": named})
    few = Examples(["a"], {"label": ["0"]})
    settings = family_of("bilstm").settings_for(
        "bilstm", Splits(train, few, few), given
    )
    assert settings.epochs == epochs
