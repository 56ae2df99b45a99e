"""Cross-entropy over sequences of tokens, with label smoothing."""

from __future__ import annotations

import keras
from keras import ops


def sequence_loss(
    logits,
    targets,
    weights=None,
    *,
    label_smoothing: float = 0.0,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
):
    """Returns the weighted cross-entropy of the tokens of a batch of sequences.

        loss_bt = -Σ_k q_k log softmax(logits_bt)_k,  q = (1 - ε) onehot(target) + ε/V

    Averages are `Σ w loss / Σ w` over the averaged axes, 0 if all weights are 0. It is
    computed in float32. Where the weight is 0, neither logits nor targets are read, and
    targets may be outside the vocabulary.

    Args:
        logits: `[batch, time, vocab]`.
        targets: int ids `[batch, time]`.
        weights: `[batch, time]`, numbers or a bool mask; all 1 if `None`.
        label_smoothing: ε, from 0 to below 1.
        average_across_timesteps: whether to average over time.
        average_across_batch: whether to average over the batch.

    Returns:
        float32: a number if both are averaged; `[batch]` if only time is, `[time]` if
        only the batch is; else the weighted losses `[batch, time]`.

    Raises:
        ValueError: if a shape has the wrong number of axes, or for a
            `label_smoothing` out of its range.

    Source: Szegedy et al. 2016, section 7, and Vaswani et al. 2017, section 5.4, for
    the smoothing; the averages are those of `tensorflow_addons.seq2seq.sequence_loss`.

    Example:
        >>> logits, targets = ops.zeros((2, 3, 4)), ops.ones((2, 3), "int32")
        >>> round(float(sequence_loss(logits, targets)), 4)  # log 4
        1.3863
    """
    _check_smoothing(label_smoothing)
    _check_rank("logits", logits, 3, "[batch, time, vocab]")
    _check_rank("targets", targets, 2, "[batch, time]")
    if weights is None:
        weights = ops.ones(ops.shape(targets), "float32")
    _check_rank("weights", weights, 2, "[batch, time]")
    weights = ops.cast(weights, "float32")
    counted = ops.not_equal(weights, 0.0)
    logits = ops.where(ops.expand_dims(counted, -1), logits, 0.0)
    targets = ops.where(counted, ops.cast(targets, "int32"), 0)
    losses = weights * _cross_entropy(logits, targets, label_smoothing)
    averaged = (average_across_batch, average_across_timesteps)
    axes = tuple(axis for axis, average in enumerate(averaged) if average)
    if not axes:
        return losses
    total = ops.sum(losses, axis=axes)
    return ops.divide_no_nan(total, ops.sum(weights, axis=axes))


@keras.saving.register_keras_serializable(package="zoo")
class SequenceCrossentropy(keras.losses.Loss):
    """`sequence_loss` for `compile`: the mean over tokens, by their sample weights.

    Args:
        label_smoothing: as in `sequence_loss`.
        keywords: `name` and `dtype`, as in `keras.losses.Loss`.

    Call arguments:
        y_true: ids `[batch, time]`, valid ones even where the weight is 0.
        y_pred: logits `[batch, time, vocab]`.
        sample_weight: `[batch, time]`, 0 at padding.

    Raises:
        ValueError: for a `label_smoothing` out of its range.

    Example:
        >>> loss = SequenceCrossentropy(label_smoothing=0.1)
        >>> value = loss(ops.ones((2, 3), "int32"), ops.zeros((2, 3, 4)))
        >>> round(float(value), 4)
        1.3863
    """

    def __init__(self, label_smoothing: float = 0.0, **keywords) -> None:
        # Divides by the sum of the weights, so padding has no effect.
        options = {"reduction": "mean_with_sample_weight", **keywords}
        super().__init__(**{"name": "sequence_crossentropy", **options})
        _check_smoothing(label_smoothing)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        return _cross_entropy(y_pred, ops.cast(y_true, "int32"), self.label_smoothing)

    def get_config(self) -> dict:
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def _cross_entropy(logits, targets, label_smoothing):
    logits = ops.cast(logits, "float32")
    loss = ops.sparse_categorical_crossentropy(targets, logits, from_logits=True)
    if not label_smoothing:
        return loss
    uniform = -ops.mean(ops.log_softmax(logits, axis=-1), axis=-1)
    return (1 - label_smoothing) * loss + label_smoothing * uniform


def _check_smoothing(label_smoothing) -> None:
    if not 0 <= label_smoothing < 1:
        raise ValueError(
            "`label_smoothing` must be at least 0 and below 1. "
            f"Received: label_smoothing={label_smoothing!r}."
        )


def _check_rank(name: str, tensor, rank: int, shape: str) -> None:
    if len(tensor.shape) != rank:
        raise ValueError(
            f"`{name}` must have the shape {shape}. "
            f"Received: {name} of shape {tuple(tensor.shape)}."
        )
