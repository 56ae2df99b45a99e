"""The sum of two branches of a network that train apart."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class BranchSum(keras.layers.Layer):
    """Adds two branches; in training each row goes through one of them alone.

        y = a + b                     at inference
        y = z a / (1 - r) + (1 - z) b / r,   z ~ Bernoulli(1 - r)   in training

    which is the same in the mean. Both branches then learn the whole task, as two
    models do whose logits are averaged. Without this the branch that is quicker to fit
    the training rows leaves the other little to learn from.

    Args:
        rate: `r`, the share of the rows that train the second branch, above 0 and
            below 1; or `None`, which adds the two in training as well.
        seed: of the draws.

    Call arguments: two tensors `[batch, features]`; `training`.

    Returns:
        `[batch, features]`.

    Raises:
        ValueError: for a rate outside that range.

    Example:
        >>> total = BranchSum()(keras.ops.ones((2, 3)), keras.ops.ones((2, 3)))
        >>> keras.ops.convert_to_numpy(total)[0].tolist()
        [2.0, 2.0, 2.0]
    """

    def __init__(
        self, rate: float | None = 0.5, seed: int | None = None, **keywords
    ) -> None:
        super().__init__(**keywords)
        if rate is not None and not 0 < rate < 1:
            raise ValueError(
                "`rate` must be above 0 and below 1, or None. "
                f"Received: rate={rate!r}."
            )
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, first, second, training=False):
        if not training or self.rate is None:
            return first + second
        shape = (ops.shape(first)[0], 1)
        drawn = keras.random.uniform(shape, seed=self.seed_generator)
        # Chosen, not multiplied by zero, so that what is left out cannot bring a NaN.
        return ops.where(
            drawn < self.rate, second / self.rate, first / (1 - self.rate)
        )

    def compute_output_shape(self, first_shape, second_shape):
        return first_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
