"""The task-specific LSTMs of the shared-layer architecture (Model-III)."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.recurrence import multiply
from zoo.layers.recurrent.task import TaskRecurrentLayer


# Saved models refer to it by its first name.
@keras.saving.register_keras_serializable(package="zoo", name="SharedLSTM")
class TaskSpecificLSTM(TaskRecurrentLayer):
    """One LSTM for each task that also reads the states of a shared LSTM (Model-III).

    With `h_t^(s)` the state of a shared bidirectional LSTM, computed before, at the
    same step,

        g_t^(m)   = σ(W_g^(m) x_t + U_g^(m) h_{t-1}^(m))
        g_t^(s→m) = σ(W_g^(m) x_t + U_g^(s→m) h_t^(s))
        c̃_t^(m)  = tanh(W_c^(m) x_t + g_t^(m) ⊙ (U_c^(m) h_{t-1}^(m))
                        + g_t^(s→m) ⊙ (U_c^(s) h_t^(s)))

    Gates, cell and state are those of the task's own LSTM. The paper prints U_c^(s)
    without a task; here every task has its own, since it produces the task's own state.
    Everything outside the recurrence is computed for all steps before the loop, and all
    tasks share one loop. The gradient keeps 8 * units floats per token and task.

    Args:
        tasks: number of tasks.
        units: size of each task's LSTM.
        options: those of `TaskRecurrentLayer`: `peepholes` (the paper's LSTMs have
            them), `use_bias`, `forget_bias`, `return_sequences`, `dropout`,
            `recurrent_dropout`, `recompute`, initializers, regularizers, `seed`.

    Call arguments: sequences `[batch, time, features]`; shared states `[batch, time,
    2 * shared units]`; `mask` bool `[batch, time]`; `training`.

    Returns:
        The state after each row's last real token, `[batch, tasks, units]`, or
        `[batch, time, tasks, units]` with `return_sequences`.

    Example:
        >>> states, shared = ops.ones((2, 5, 6)), ops.ones((2, 5, 8))
        >>> tuple(TaskSpecificLSTM(3, 4)(states, shared).shape)
        (2, 3, 4)

    Source: Liu, Qiu and Huang 2016, section 4.3.
    """

    def __init__(self, tasks: int, units: int, **options) -> None:
        super().__init__(tasks, units, **options)

    def build(self, sequences_shape, shared_shape) -> None:
        n = self.units
        # Input, forget, candidate, output, g.
        self.kernel = self.add_matrices(
            "kernel", "kernel", self.tasks, 5, sequences_shape[-1], n
        )
        self.recurrent_kernel = self.add_matrices(
            "recurrent_kernel", "recurrent", self.tasks, 5, n, n
        )
        # Candidate (U_c^(s)), g (U_g^(s→m)).
        self.shared_kernel = self.add_matrices(
            "shared_kernel", "kernel", self.tasks, 2, shared_shape[-1], n
        )
        self.add_gate_weights(5)

    def call(self, sequences, shared, mask=None, training=False):
        n = self.units
        x = self.time_major(sequences, mask, training)
        shared = self.time_major(shared, mask, False)
        x = self._multiply(x, self.weight("kernel"))
        if self.use_bias:
            x = x + ops.expand_dims(self.weight("bias"), 1)
        sent, gate = ops.split(
            self._multiply(shared, self.weight("shared_kernel")), 2, axis=-1
        )
        i, f, c, o, g = ops.split(x, 5, axis=-1)
        c = c + ops.sigmoid(g + gate) * sent
        inputs = ops.concatenate([i, f, c, o, g], axis=-1)
        weights = ops.transpose(self.weight("recurrent_kernel"), (0, 2, 1, 3))
        weights = ops.reshape(weights, (self.tasks, n, 5 * n))
        zeros = ops.zeros((self.tasks, ops.shape(x)[2], n), self.compute_dtype)
        peepholes = ()
        if self.peepholes:
            peepholes = ops.convert_to_tensor(self.peephole_kernel)
        states = self.run(inputs, zeros, weights, peepholes, mask, training)
        if self.return_sequences:
            return ops.transpose(states, (2, 0, 1, 3))
        return ops.transpose(states, (1, 0, 2))

    def _multiply(self, x, kernel):
        """Multiplies `[time, batch, in]` and `[tasks, blocks, in, n]` in one matmul."""
        time, batch = ops.shape(x)[:2]
        tasks, blocks, width, n = kernel.shape
        flat = ops.reshape(ops.transpose(kernel, (2, 0, 1, 3)), (width, -1))
        product = ops.matmul(ops.reshape(x, (-1, width)), flat)
        product = ops.reshape(product, (time, batch, tasks, blocks * n))
        return ops.transpose(product, (0, 2, 1, 3))

    def affine(self, x, h, weights):
        """Returns input, forget, candidate's input, output, g, U_c h."""
        i, f, own, o, g = ops.split(multiply(h, weights), 5, axis=-1)
        x_i, x_f, x_c, x_o, x_g = ops.split(x, 5, axis=-1)
        return x_i + i, x_f + f, x_c, x_o + o, x_g + g, own

    def pointwise(self, a, c, peepholes):
        i, f, g, o, gate, own = [ops.cast(x, c.dtype) for x in a]
        if not isinstance(peepholes, tuple):
            # [tasks, 3, units] next to [tasks, batch, units]
            peepholes = ops.expand_dims(peepholes, 1)
        return self.gate((i, f, g + ops.sigmoid(gate) * own, o), c, peepholes)

    def compute_output_shape(self, sequences_shape, shared_shape):
        batch, time = sequences_shape[:2]
        steps = (time,) if self.return_sequences else ()
        return (batch, *steps, self.tasks, self.units)
