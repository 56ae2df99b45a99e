"""Settings of classifiers that depend on the data."""

from __future__ import annotations

import pytest

from zoo.data import Examples, Splits
from zoo.families import family_of


@pytest.mark.parametrize(
    "rows, given, patience",
    [(19_999, {}, 2), (20_000, {}, 1), (20_000, {"patience": 3}, 3)],
)
def test_patience_with_many_texts(rows, given, patience):
    train = Examples(
        ["a"] * rows, {"label": ["x", "y"] * (rows // 2) + ["x"] * (rows % 2)}
    )
    few = Examples(["a"], {"label": ["x"]})
    settings = family_of("bilstm").settings_for(
        "bilstm", Splits(train, few, few), given
    )
    assert settings.patience == patience
