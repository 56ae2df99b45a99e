"""A model whose tasks were trained on alone, each with its own network."""

from __future__ import annotations

import numpy as np
import pytest

import zoo

pytestmark = pytest.mark.tensorflow


@pytest.mark.slow
def test_it_is_saved_and_loaded(tmp_path):
    words = "good fine great", "bad dull poor"
    rows = [
        {"text": f"a {word} day {number}", "mood": str(label), "size": "ab"[number % 2]}
        for number in range(8)
        for label, group in enumerate(words)
        for word in group.split()
    ]
    options = {"units": 4, "weights": "none", "fine_tune": True, "epochs": 1}
    options |= {"batch_size": 8, "least_steps": 1}
    run = zoo.train("bilstm", rows, label=["mood", "size"], verbose=False, **options)
    run.model.save(tmp_path / "model")
    again = zoo.load(tmp_path / "model")
    tokens = np.array([[5, 6, 7]])
    for task, expected in run.model.model(tokens).items():
        found = again.model(tokens)[task]
        np.testing.assert_allclose(found, expected, atol=1e-6)
