"""The outputs of two models of one task, combined by fitted weights."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class Stacking(keras.layers.Layer):
    """A weighted sum of the outputs of two models that were fitted apart.

        y = a x_1 + b x_2      at inference
        y = x_1                in training

    In training the first model learns alone, as if there were no other: the second one
    may fit the training rows perfectly and would leave it nothing to learn. The two
    weights are fitted on held-out rows and assigned by `set_shares`; before that they
    are 1 and 0.

    Call arguments: two tensors `[batch, outputs]`; `training`.

    Returns:
        `[batch, outputs]`.

    Source: Wolpert 1992, Stacked Generalization; Mesnil et al. 2014, Ensemble of
    Generative and Discriminative Techniques for Sentiment Analysis of Movie Reviews,
    for a recurrent network beside linear n-grams.

    Example:
        >>> stack = Stacking()
        >>> stack.build((None, 1), (None, 1))
        >>> stack.set_shares(0.5, 2.0)
        >>> float(stack(keras.ops.ones((1, 1)), keras.ops.ones((1, 1)))[0, 0])
        2.5
    """

    def build(self, first_shape, second_shape) -> None:
        self.shares = self.add_weight(
            name="shares",
            shape=(2,),
            initializer=lambda shape, dtype=None: ops.array([1.0, 0.0], dtype),
            trainable=False,
        )

    def set_shares(self, first: float, second: float) -> None:
        """Sets `a` and `b`."""
        self.shares.assign([first, second])

    def call(self, first, second, training=False):
        if training:
            return first
        return self.shares[0] * first + self.shares[1] * second

    def compute_output_shape(self, first_shape, second_shape):
        return first_shape
