"""Answers of a teacher at a temperature, from the equations."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.families.classification.taught import tempered
from zoo.tasks import Task


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_tempered_answers_of_every_kind(temperature):
    rows = np.array([[0.7, 0.2, 0.1], [0.05, 0.05, 0.9]])
    labels = ("a", "b", "c")
    powers = rows ** (1 / temperature)
    expected = powers / powers.sum(axis=1, keepdims=True)
    found = tempered(Task("categories", labels), rows, temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    # Of each label the odds, to the power of 1 / temperature.
    odds = (rows / (1 - rows)) ** (1 / temperature)
    found = tempered(Task("multilabel", labels), rows, temperature)
    np.testing.assert_allclose(found, odds / (1 + odds), rtol=1e-6)
    task, values = Task("regression", mean=3.0, scale=2.0), np.array([[1.5], [-4.0]])
    np.testing.assert_allclose(tempered(task, values, temperature), values)
