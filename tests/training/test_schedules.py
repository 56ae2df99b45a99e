"""Step sizes over the steps of a training."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.training.schedules import WarmUp


@pytest.mark.parametrize("hold", [0, 30])
def test_rise_hold_and_fall(hold):
    steps = np.arange(200)
    found = [float(WarmUp(0.4, 20, hold)(step)) for step in steps]
    fall = np.sqrt((20 + hold) / np.maximum(steps + 1, 20 + hold))
    expected = 0.4 * np.where(steps < 20, (steps + 1) / 20, fall)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(WarmUp(0.4, 20, hold))
    )
    assert again.get_config() == {"peak": 0.4, "steps": 20, "hold": hold}
