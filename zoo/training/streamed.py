"""The main metric of each kind of task over the batches of a training epoch.

They count like `metrics.evaluate`, each row with a label once, whatever its weight. The
model changes from batch to batch, so they only indicate progress; results come from
`evaluate`.
"""

from __future__ import annotations

import keras
from keras import ops

from zoo.tasks import Task
from zoo.training.metrics import MAIN_METRIC

# JAX only has float64 if it is enabled globally.
WIDEST = "float64" if keras.backend.backend() == "tensorflow" else "float32"


def training_metric(task: Task) -> keras.metrics.Metric:
    """Returns the streaming metric of a task."""
    metrics = {"categories": Accuracy, "multilabel": MicroF1, "regression": R2}
    return metrics[task.kind](name=MAIN_METRIC[task.kind])


@keras.saving.register_keras_serializable(package="zoo")
class Accuracy(keras.metrics.Metric):
    """Share of rows whose highest logit is that of their class."""

    def __init__(self, name: str = "accuracy", **keywords) -> None:
        super().__init__(name=name, **keywords)
        self.right = self.add_variable((), "zeros", "int32", name="right")
        self.rows = self.add_variable((), "zeros", "int32", name="rows")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        present = _present(y_true, sample_weight)
        true = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        said = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        right = ops.logical_and(present, true == said)
        self.right.assign_add(_count(right))
        self.rows.assign_add(_count(present))

    def result(self):
        return _ratio(self.right, self.rows)


@keras.saving.register_keras_serializable(package="zoo")
class MicroF1(keras.metrics.Metric):
    """F1 over all pairs of row and label: `2 tp / (2 tp + fp + fn)`, from logits.

    A label whose target is a probability is true above 0.5.
    """

    def __init__(self, name: str = "micro_f1", **keywords) -> None:
        super().__init__(name=name, **keywords)
        self.hits = self.add_variable((), "zeros", "int32", name="hits")
        self.applied = self.add_variable((), "zeros", "int32", name="applied")
        self.said = self.add_variable((), "zeros", "int32", name="said")

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        present = _present(y_true, sample_weight)[:, None]
        true = ops.logical_and(ops.convert_to_tensor(y_true) > 0.5, present)
        said = ops.logical_and(ops.convert_to_tensor(y_pred) > 0, present)
        self.hits.assign_add(_count(ops.logical_and(true, said)))
        self.applied.assign_add(_count(true))
        self.said.assign_add(_count(said))

    def result(self):
        f1 = _ratio(2 * self.hits, self.applied + self.said)
        return ops.where(self.applied > 0, f1, float("nan"))


@keras.saving.register_keras_serializable(package="zoo")
class R2(keras.metrics.Metric):
    """`1 - Σ (y - f)² / Σ (y - mean y)²`, NaN for a constant target.

    Centred sums of each batch are merged with those before, which avoids small
    differences of large sums.

    Source: Chan, Golub and LeVeque 1983, equation 2.1.
    """

    def __init__(self, name: str = "r2", **keywords) -> None:
        super().__init__(name=name, **{"dtype": WIDEST, **keywords})
        for one in ("rows", "mean", "spread", "error"):
            setattr(self, one, self.add_variable((), "zeros", self.dtype, name=one))

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        present = _present(y_true, sample_weight)

        def total(values):
            return ops.sum(ops.where(present, values, 0))

        true = ops.cast(ops.reshape(y_true, (-1,)), self.dtype)
        said = ops.cast(ops.reshape(y_pred, (-1,)), self.dtype)
        rows = total(ops.ones_like(true))
        mean = total(true) / ops.maximum(rows, 1)
        shift, share = mean - self.mean, rows / ops.maximum(self.rows + rows, 1)
        self.error.assign_add(total((true - said) ** 2))
        self.spread.assign_add(total((true - mean) ** 2) + shift**2 * self.rows * share)
        self.mean.assign_add(shift * share)
        self.rows.assign_add(rows)

    def result(self):
        error, spread = map(ops.convert_to_tensor, (self.error, self.spread))
        ratio = 1 - error / ops.where(spread > 0, spread, 1)
        return ops.where(spread > 0, ratio, float("nan"))


def _present(y_true, sample_weight):
    """Bools `[rows]`."""
    if sample_weight is None:
        return ops.ones(ops.shape(y_true)[:1], "bool")
    return ops.reshape(ops.convert_to_tensor(sample_weight), (-1,)) > 0


def _count(found):
    return ops.sum(ops.cast(found, "int32"))


def _ratio(part, whole):
    """NaN without any."""
    ratio = ops.cast(part, WIDEST) / ops.cast(ops.maximum(whole, 1), WIDEST)
    return ops.where(whole > 0, ratio, float("nan"))
