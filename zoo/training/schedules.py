"""Learning-rate schedules."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """Rises for some steps, stays constant, then falls with the root of the step.

        rate(t) = peak · min(t / steps, 1, sqrt((steps + hold) / t))

    Args:
        peak: the largest step size.
        steps: steps of the rise.
        hold: steps at the peak; 0 for none.

    Source: Shazeer et al. 2017, appendix C for language models, without `hold`;
    appendix E for translation: 2000 steps of rise and 8000 at the peak.

    Example:
        >>> rate = WarmUp(1.0, steps=4, hold=4)
        >>> [round(float(rate(step)), 2) for step in (0, 3, 7, 31)]
        [0.25, 1.0, 1.0, 0.5]
    """

    def __init__(self, peak: float, steps: int, hold: int = 0) -> None:
        self.peak, self.steps, self.hold = peak, steps, hold

    def __call__(self, step):
        step = ops.cast(step, "float32") + 1.0
        fall = ops.sqrt((self.steps + self.hold) / step)
        return self.peak * ops.minimum(ops.minimum(step / self.steps, 1.0), fall)

    def get_config(self) -> dict:
        return {"peak": self.peak, "steps": self.steps, "hold": self.hold}
