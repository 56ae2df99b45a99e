"""The parts of a data set as arrays, and their batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from zoo.families.classification.imbalance import drawn_repeats, training_weights
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.classification.soft import learned
from zoo.tasks import Task
from zoo.training.batching import TokenBatches

# Of a batch, padding included: memory stays flat whatever the lengths of the texts.
MOST_TOKENS = 16384


@dataclass(frozen=True)
class Encoded:
    """One part of a data set as arrays, one row per text.

    Args:
        tokens: ids of each text.
        targets: by task, of the labels.
        weights: by task, 0 where the label is missing.
        soft: distributions over labels, or values, of the training rows, by task, for
            tasks that have any; see `zoo.data.soft.encode_soft`.
        rows: weights of the training rows, with or without labels.
    """

    tokens: list[np.ndarray]
    targets: dict[str, np.ndarray]
    weights: dict[str, np.ndarray]
    soft: dict[str, np.ndarray] = field(default_factory=dict)
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def only(self, task: str, rows: Sequence[int]) -> Encoded:
        """Returns some rows, and only that task."""
        return Encoded(
            [self.tokens[row] for row in rows],
            {task: self.targets[task][rows]},
            {task: self.weights[task][rows]},
            {task: self.soft[task][rows]} if task in self.soft else {},
            self.rows[rows] if len(self.rows) else self.rows,
        )

    def batches(
        self, settings: ClassificationSettings, buckets: Sequence[int]
    ) -> TokenBatches:
        """Returns batches of all rows, for validation and test.

        Args:
            settings: the size of the batches.
            buckets: padded lengths that hold every text.
        """
        return TokenBatches(
            self.tokens,
            self.targets,
            dict(self.weights),
            batch_size=settings.batch_size,
            most_tokens=MOST_TOKENS,
            buckets=buckets,
        )

    def training_batches(
        self,
        tasks: Mapping[str, Task],
        settings: ClassificationSettings,
        buckets: Sequence[int],
        *,
        repeats: int = 1,
    ) -> TokenBatches:
        """Returns shuffled batches, with weights of the classes.

        Args:
            tasks: the tasks by name.
            settings: of the training.
            buckets: padded lengths that hold every text.
            repeats: number of passes over the rows in an epoch.
        """
        targets = {name: learned(task, self, name)[0] for name, task in tasks.items()}
        return TokenBatches(
            self.tokens,
            targets,
            training_weights(tasks, self, settings),
            batch_size=settings.batch_size,
            most_tokens=MOST_TOKENS,
            buckets=buckets,
            shuffle=True,
            sampling=settings.sampling,
            repeats=repeats,
            preferred=drawn_repeats(tasks, self, settings),
            seed=settings.seed,
        )
