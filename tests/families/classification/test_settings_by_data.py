"""Settings of classifiers that depend on the data."""

from __future__ import annotations

import pytest

from zoo.data import Examples, Splits
from zoo.families import family_of


@pytest.mark.parametrize(
    "rows, given, epochs",
    [(19_999, {}, 10), (20_000, {}, 5), (20_000, {"epochs": 7}, 7)],
)
def test_epochs_with_many_texts(rows, given, epochs):
    train = Examples(
        ["a"] * rows, {"label": ["x", "y"] * (rows // 2) + ["x"] * (rows % 2)}
    )
    few = Examples(["a"], {"label": ["x"]})
    settings = family_of("bilstm").settings_for(
        "bilstm", Splits(train, few, few), given
    )
    assert settings.epochs == epochs
