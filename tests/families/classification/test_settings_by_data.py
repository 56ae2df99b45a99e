"""Settings of classifiers that depend on the data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zoo.data import Examples, Splits
from zoo.families import family_of
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.language.settings import LanguageSettings


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


def test_settings_of_the_training_leave_the_prepared_data_as_they_are():
    linear, cnn = map(ClassificationSettings.of, ("linear", "text_cnn"))
    assert linear != cnn
    assert linear.prepares_as(cnn) and cnn.prepares_as(linear)
    for name, value in (("min_count", 9), ("max_length", 9), ("weights", "none")):
        assert not replace(cnn, **{name: value}).prepares_as(linear)
    assert not LanguageSettings().prepares_as(LanguageSettings(epochs=99))
