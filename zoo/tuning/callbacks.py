"""The limits of a trial's training besides its own settings."""

from __future__ import annotations

from typing import Any

from zoo.training.callbacks import Deadline
from zoo.tuning.trial import OverBudget


class Limits(Deadline):
    """Rejects a model that is too large, and ends the training at a deadline.

    Args:
        parameters: maximum number of weights, or `None`.
        deadline: a `time.time()`, or `None`. The current epoch then ends early, and is
            validated and kept like others.
    """

    def __init__(self, parameters: float | None, deadline: float | None) -> None:
        super().__init__(deadline)
        self.parameters = parameters

    def on_train_begin(self, logs=None) -> None:
        # The trainer of a language model also holds the state of its streams.
        model: Any = getattr(self.model, "scorer", self.model)
        count = model.count_params()
        if self.parameters is not None and count > self.parameters:
            raise OverBudget(count)
