"""Pools the states of a text into one vector, without padding.

Every layer here is called as `layer(states, mask=mask)` with states
`[batch, time, units]` and a bool mask `[batch, time]` that is true at tokens, and
returns `[batch, units]`. A row without tokens in the mask gives zeros. States at
padding are never read, so they may even be NaN.
"""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.single import is_whole
from zoo.layers.padding import ConsumesMask, kept


@keras.saving.register_keras_serializable(package="zoo")
class MaskedMaxPooling(ConsumesMask):
    """Maximum over the tokens: `y[u] = max_{t real} x[t, u]`.

    Call arguments:
        states: `[batch, time, units]`.
        mask: bool `[batch, time]`, true at tokens.

    Returns:
        `[batch, units]`.

    Example:
        >>> import numpy as np
        >>> states = np.array([[[1.0], [3.0], [9.0]]])
        >>> y = MaskedMaxPooling()(states, mask=np.array([[True, True, False]]))
        >>> float(y[0, 0])
        3.0
    """

    def call(self, states, mask):
        best = ops.max(kept(states, mask, float("-inf")), axis=1)
        if is_whole(mask):
            return best
        return ops.where(ops.any(mask, axis=1, keepdims=True), best, 0.0)


@keras.saving.register_keras_serializable(package="zoo")
class MaskedMeanPooling(ConsumesMask):
    """Mean over the tokens: `y = Σ_{t real} x[t] / (number of tokens)`.

    Call arguments:
        states: `[batch, time, units]`.
        mask: bool `[batch, time]`, true at tokens.

    Returns:
        `[batch, units]`.

    Example:
        >>> import numpy as np
        >>> states = np.array([[[1.0], [3.0], [9.0]]])
        >>> y = MaskedMeanPooling()(states, mask=np.array([[True, True, False]]))
        >>> float(y[0, 0])
        2.0
    """

    def call(self, states, mask):
        if is_whole(mask):
            mean = ops.mean(ops.cast(states, "float32"), axis=1)
            return ops.cast(mean, states.dtype)
        real = ops.cast(ops.expand_dims(mask, -1), "float32")
        count = ops.maximum(ops.sum(real, axis=1), 1.0)  # [batch, 1]
        # In float32: half-precision sums over long texts are imprecise or overflow.
        total = ops.sum(ops.where(real > 0, ops.cast(states, "float32"), 0.0), axis=1)
        return ops.cast(total / count, states.dtype)


@keras.saving.register_keras_serializable(package="zoo")
class LastState(ConsumesMask):
    """State at the last token, which differs from `states[:, -1]` in a padded row.

    Call arguments:
        states: `[batch, time, units]`.
        mask: bool `[batch, time]`, true at tokens.

    Returns:
        `[batch, units]`.

    Example:
        >>> import numpy as np
        >>> states = np.array([[[1.0], [3.0], [9.0]]])
        >>> y = LastState()(states, mask=np.array([[True, True, False]]))
        >>> float(y[0, 0])
        3.0
    """

    def call(self, states, mask):
        if is_whole(mask):
            return states[:, -1]
        seen = ops.cumsum(ops.cast(mask, "int32"), axis=1)
        last = ops.logical_and(mask, ops.equal(seen, seen[:, -1:]))
        return ops.sum(ops.where(ops.expand_dims(last, -1), states, 0.0), axis=1)


@keras.saving.register_keras_serializable(package="zoo")
class AttentionPooling(ConsumesMask):
    """Mean over the tokens, weighted by their learned importance.

        u_t = tanh(W x_t + b),  α_t = softmax_{t real}(u_t · v),  y = Σ_t α_t x_t

    Weights and sums are computed in float32 under every dtype policy.

    Args:
        units: width of `u`; by default that of the states.

    Call arguments:
        states: `[batch, time, units]`.
        mask: bool `[batch, time]`, true at tokens.

    Returns:
        `[batch, units]`.

    Source: Yang et al. 2016, Hierarchical Attention Networks, equations (5) to (7).

    Example:
        >>> import numpy as np
        >>> states = np.ones((1, 3, 2), "float32")
        >>> y = AttentionPooling()(states, mask=np.array([[True, True, False]]))
        >>> keras.ops.convert_to_numpy(y).round(3).tolist()
        [[1.0, 1.0]]
    """

    def __init__(self, units: int | None = None, **keywords) -> None:
        super().__init__(**keywords)
        if units is not None and units < 1:
            raise ValueError(
                f"`units` must be positive or None. Received: units={units!r}."
            )
        self.units = units

    def build(self, states_shape) -> None:
        width = states_shape[-1]
        units = self.units or width
        self.kernel = self.add_weight(name="kernel", shape=(width, units))
        self.bias = self.add_weight(name="bias", shape=(units,), initializer="zeros")
        self.query = self.add_weight(name="query", shape=(units, 1))

    def call(self, states, mask):
        states = kept(states, mask)
        weight = ops.expand_dims(self._importance(states, mask), -1)
        pooled = ops.sum(weight * ops.cast(states, "float32"), axis=1)
        return ops.cast(pooled, states.dtype)

    def importance(self, states, mask):
        """Returns the weights `α` of a call, float32 `[batch, time]`, 0 at padding."""
        return self._importance(kept(states, mask), mask)

    def _importance(self, states, mask):
        hidden = ops.tanh(ops.matmul(states, self.kernel) + self.bias)
        score = ops.cast(ops.matmul(hidden, self.query), "float32")[..., 0]
        score = kept(score, mask, float("-inf"))
        best = ops.max(score, axis=1, keepdims=True)
        best = ops.stop_gradient(ops.where(ops.isfinite(best), best, 0.0))
        weight = ops.exp(score - best)
        total = ops.sum(weight, axis=1, keepdims=True)  # at least 1 if there is a token
        return weight / ops.maximum(total, 1e-6)

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}
