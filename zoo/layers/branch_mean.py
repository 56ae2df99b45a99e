"""The mean of two branches of a network that are trained separately."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class BranchMean(keras.layers.Layer):
    """The weighted mean of two branches; in training each row uses one of them.

        y = (1 - w) a + w b                         at inference
        y = a or b, b with probability r            in training

    Both branches then learn the whole task, like two models whose logits are averaged.
    If their mean is trained instead, the branch that fits the training rows faster
    leaves little for the other to learn.

    Args:
        rate: `r`, share of the rows that train the second branch, above 0 and below 1;
            or `None` to train the mean.
        weight: `w`, from 0 to 1.
        seed: seed of the draws.

    Call arguments: two tensors `[batch, features]`; `training`.

    Returns:
        `[batch, features]`.

    Raises:
        ValueError: for a rate or a weight out of its range.

    Example:
        >>> mean = BranchMean()(keras.ops.ones((2, 3)), keras.ops.zeros((2, 3)))
        >>> keras.ops.convert_to_numpy(mean)[0].tolist()
        [0.5, 0.5, 0.5]
    """

    def __init__(
        self,
        rate: float | None = 0.5,
        weight: float = 0.5,
        seed: int | None = None,
        **keywords,
    ) -> None:
        super().__init__(**keywords)
        if rate is not None and not 0 < rate < 1:
            raise ValueError(
                f"`rate` must be above 0 and below 1, or None. Received: rate={rate!r}."
            )
        if not 0 <= weight <= 1:
            raise ValueError(
                f"`weight` must be from 0 to 1. Received: weight={weight!r}."
            )
        self.rate, self.weight, self.seed = rate, weight, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, first, second, training=False):
        if not training or self.rate is None:
            return (1 - self.weight) * first + self.weight * second
        shape = (ops.shape(first)[0], 1)
        drawn = keras.random.uniform(shape, seed=self.seed_generator)
        # Selected, not multiplied by zero, so that the other branch cannot add a NaN.
        return ops.where(drawn < self.rate, second, first)

    def compute_output_shape(self, first_shape, second_shape):
        return first_shape

    def get_config(self) -> dict:
        own = {"rate": self.rate, "weight": self.weight, "seed": self.seed}
        return {**super().get_config(), **own}
