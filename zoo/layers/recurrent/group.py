"""G-LSTM: an LSTM split into groups that see only their slice of input and state."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.recurrence import multiply
from zoo.layers.checks import check_size
from zoo.layers.recurrent.layer import RecurrentLayer, make_cell, over
from zoo.layers.recurrent.lstm_base import LSTMBase


@keras.saving.register_keras_serializable(package="zoo")
class GroupLSTMCell(LSTMBase):
    """One step of a G-LSTM of k groups.

    Input, state and cell are cut into k contiguous slices. For group g,

        [i^g f^g c̃^g o^g] = x_t^g W^g + h_{t-1}^g U^g
        i = (i^1 ⊕ ... ⊕ i^k) + b_i, and the other gates likewise

    then cell and output as in `LSTMCell`; the projection is dense and so mixes the
    groups at every step. Without a projection this layer never mixes the groups: then
    `shuffle` interleaves the outputs, so that each slice of the next grouped layer has
    units of every group. Parameters: (in + p) 4n / k + 4n, and n p with a
    projection.

    Args:
        units: size n of the cell, divisible by `groups`.
        groups: k.
        projection: size p of the projected state, divisible by `groups`, or `None`.
        shuffle: whether to interleave the groups of the output (not of the state).
        forget_bias: a constant besides a bias that starts at 0, 1 as in the paper; or
            `"trained"`.
        options: the others of `LSTMCell`, except peepholes. Layer normalisation is
            separate for each group. Every group's matrix is initialised separately.

    Raises:
        ValueError: for sizes that are not positive integers or that `groups` does not
            divide: units and projection at once, the input when built.

    Example:
        >>> big = GroupLSTMCell(8192, groups=4, projection=1024)
        >>> 2 * big.parameter_count(1024)
        50397184

    Source: Kuchaiev & Ginsburg 2017, section 2.
    """

    HAS_JOINT_FORM = True  # the groups in one tensor, `[..., groups, batch, units / k]`
    OPTIONS = {**LSTMBase.OPTIONS, "forget_bias": 1.0}
    ARGUMENTS = ("units", "groups", "projection", "shuffle", *OPTIONS)

    def __init__(
        self,
        units: int,
        groups: int,
        projection: int | None = None,
        *,
        shuffle: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(units, projection, **kwargs)
        self.groups, self.shuffle = check_size("groups", groups), shuffle
        self._check_divides("units", units)
        if projection is not None:
            self._check_divides("projection", projection)

    def _check_divides(self, name: str, size: int) -> None:
        if size % self.groups:
            raise ValueError(
                f"`groups` must divide {name}, so that all groups have slices of the "
                f"same size. Received: groups={self.groups}, {name}={size}."
            )

    def gate_shapes(self, input_dim, state_dim):
        k, gates = self.groups, 4 * self.units // self.groups
        self._check_divides("the input's last axis", input_dim)
        return {
            "kernel": (k, input_dim // k, gates),
            "recurrent_kernel": (k, state_dim // k, gates),
        }

    def hoist(self, x, joint=False):
        bias = self.linear_bias()
        if joint:
            sums = ops.matmul(self.split(x, joint), self.weight("kernel"))
            return sums if bias is None else sums + self._by_group(bias)[:, None]
        kernels = ops.unstack(self.weight("kernel"), self.groups)
        biases = [None] * self.groups
        if bias is not None:
            biases = ops.unstack(self._by_group(bias), self.groups)
        return tuple(
            self.affine_by_gate(*g) for g in zip(self.split(x), kernels, biases)
        )

    def _by_group(self, weight):
        """Reorders `[4 * units]`, by gate and group, to `[k, 4 * units / k]`."""
        weight = ops.reshape(weight, (4, self.groups, -1))
        return ops.reshape(ops.transpose(weight, (1, 0, 2)), (self.groups, -1))

    def step_weights(self, joint=False):
        kernels = self.weight("recurrent_kernel")
        return kernels if joint else tuple(ops.unstack(kernels, self.groups))

    def affine(self, x, h, weights):
        if not isinstance(weights, tuple):  # the joint form
            return self.by_gate(x + multiply(h, weights))
        sums = [self.by_gate(multiply(*pair)) for pair in zip(h, weights)]
        return tuple(
            tuple(a + b for a, b in zip(own, more)) for own, more in zip(x, sums)
        )

    def full_kernels(self):
        return tuple(
            self._block_diagonal(self.weight(name))
            for name in ("kernel", "recurrent_kernel")
        )

    def _block_diagonal(self, kernel):
        """Returns `[in, 4 * units]` of `[k, in / k, 4 * units / k]`."""
        k, rows, width = kernel.shape
        of_gates = ops.reshape(kernel, (k, rows, 4, 1, width // 4))
        own = ops.reshape(ops.eye(k, dtype=kernel.dtype), (k, 1, 1, k, 1))
        return ops.reshape(of_gates * own, (k * rows, k * width))

    def gate_weights(self, joint=False):
        weights = super().gate_weights()
        if not weights:
            return {} if joint else ()
        if joint:  # an axis of size one, where the state has its batch
            rows = {name: ops.expand_dims(w, -2) for name, w in weights.items()}
            return {name: self.split(row, joint) for name, row in rows.items()}
        parts = {name: self.split(w) for name, w in weights.items()}
        return tuple(
            {name: parts[name][g] for name in parts} for g in range(self.groups)
        )

    def pointwise(self, a, state, weights):
        if not isinstance(state, tuple):
            return super().pointwise(a, state, weights)
        weights = weights or ({},) * self.groups
        step = super().pointwise
        pairs = [step(*group) for group in zip(a, state, weights)]
        return tuple(m for m, _ in pairs), tuple(c for _, c in pairs)

    def multiply_projection(self, m, weights):
        joint = not isinstance(m, tuple)
        return self.split(multiply(self.join(m), weights), joint)

    def split(self, state, joint=False):
        if not joint:
            return tuple(ops.split(state, self.groups, axis=-1))
        *rows, width = ops.shape(state)
        sizes = self.groups, width // self.groups
        return ops.moveaxis(ops.reshape(state, (*rows, *sizes)), -2, -3)

    def join(self, state):
        if isinstance(state, tuple):
            return ops.concatenate(state, axis=-1)
        state = ops.moveaxis(state, -3, -2)
        *rows, groups, width = ops.shape(state)
        return ops.reshape(state, (*rows, groups * width))

    def show(self, outputs):
        if not self.shuffle:
            return outputs
        shape = ops.shape(outputs)[:-1]
        outputs = ops.reshape(outputs, (*shape, self.groups, -1))
        return ops.reshape(ops.swapaxes(outputs, -1, -2), (*shape, self.output_size))

    def get_config(self) -> dict:
        return {**super().get_config(), "groups": self.groups, "shuffle": self.shuffle}


@keras.saving.register_keras_serializable(package="zoo")
@over(GroupLSTMCell)
class GroupLSTM(RecurrentLayer):
    """A fast G-LSTM over sequences: `GroupLSTMCell` on the zoo's scan.

    When to use it: groups of at least 64 units. With 4 groups it trains 1.7 to 2.8
    times as fast as `keras.layers.LSTM` at width 256 and 1.9 to 5.8 times at 512; with
    few rows at inference it needs width 512. At width 64 groups of 16 take up to twice
    as long as `keras.layers.LSTM`: use `LSTM` (docs/results.md has the grid).

    Args:
        units: size of the cell.
        groups: number of groups; divides units, projection and the input's width.
        projection: size of the projected state and output, or `None`.
        options: those of `GroupLSTMCell` and of `RecurrentLayer`.

    Call arguments and returns: as those of `LSTM`.

    Example:
        >>> layer = GroupLSTM(8, groups=2, shuffle=True, return_sequences=True)
        >>> tuple(layer(ops.ones((2, 5, 16))).shape)
        (2, 5, 8)

    Source: Kuchaiev & Ginsburg 2017, section 2.
    """

    def __init__(
        self, units: int, groups: int, projection: int | None = None, **options
    ) -> None:
        sizes = {"units": units, "groups": groups, "projection": projection}
        super().__init__(make_cell(GroupLSTMCell, sizes, options), **options)
