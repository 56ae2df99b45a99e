"""The limits of a trial's training besides its own settings."""

from __future__ import annotations

import time
from typing import Any

from zoo.training.callbacks import Deadline
from zoo.tuning.trial import OutOfTime, OverBudget


class Limits(Deadline):
    """Rejects a model that is too large, and ends the training at a deadline.

    Args:
        parameters: maximum number of weights, or `None`.
        deadline: a `time.monotonic()`, or `None`. The current epoch then ends early,
            and is validated and kept like others.
        whole: whether the deadline ends the training by `OutOfTime` instead, so that
            it can continue from its last epoch.
    """

    def __init__(
        self, parameters: float | None, deadline: float | None, *, whole: bool = False
    ) -> None:
        super().__init__(deadline)
        self.parameters = parameters
        self.whole = whole

    def on_train_begin(self, logs=None) -> None:
        # The trainer of a language model also holds the state of its streams.
        model: Any = getattr(self.model, "scorer", self.model)
        count = model.count_params()
        if self.parameters is not None and count > self.parameters:
            raise OverBudget(count)

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        if not self.whole:
            super().on_train_batch_end(batch, logs)
        elif self.deadline is not None and time.monotonic() >= self.deadline:
            raise OutOfTime

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        if not self.whole:
            super().on_epoch_end(epoch, logs)
