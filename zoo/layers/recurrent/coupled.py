"""The coupled layer: two LSTMs that read each other's states through gates."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.recurrence import multiply
from zoo.layers.recurrent.task import TaskRecurrentLayer


@keras.saving.register_keras_serializable(package="zoo")
class CoupledLSTM(TaskRecurrentLayer):
    """An LSTM for each of exactly two tasks, coupled at every step (Model-II).

    Both read the same words. For the receiving task m and the senders i of both
    tasks,

        g_t^(i→m) = σ(W_g^(m) x_t + U_g^(i) h_{t-1}^(i))
        c̃_t^(m)  = tanh(W_c^(m) x_t + Σ_i g_t^(i→m) ⊙ (U_c^(i→m) h_{t-1}^(i)))

    As in the paper, a task's own path is gated too, and U_g depends on the sender only.
    Gates, cell and state are those of the task's own LSTM. The gradient keeps 20 *
    units floats per token.

    Args:
        units: size of each LSTM.
        options: those of `TaskRecurrentLayer`: `peepholes` (the paper's LSTMs have
            them), `use_bias`, `forget_bias`, `return_sequences`, `dropout`,
            `recurrent_dropout`, `recompute`, initializers, regularizers, `seed`.

    Call arguments: sequences `[batch, time, features]`; `mask` bool `[batch, time]`;
    `training`.

    Returns:
        The state after each row's last real token, `[batch, 2, units]`, or
        `[batch, time, 2, units]` with `return_sequences`.

    Raises:
        ValueError: if `tasks` is given and not 2.

    Example:
        >>> tuple(CoupledLSTM(4)(ops.ones((3, 5, 6))).shape)
        (3, 2, 4)

    Source: Liu, Qiu and Huang 2016, section 4.2.
    """

    def __init__(self, units: int, *, tasks: int = 2, **options) -> None:
        if tasks != 2:
            raise ValueError(
                "`tasks` of a coupled layer must be 2; for any number of tasks use "
                f"`TaskSpecificLSTM`. Received: tasks={tasks!r}."
            )
        super().__init__(tasks, units, **options)

    def build(self, sequences_shape) -> None:
        n = self.units
        # By receiver: input, forget, candidate, output, g.
        self.kernel = self.add_matrices(
            "kernel", "kernel", 2, 5, sequences_shape[-1], n
        )
        # By sender: input, forget, output of its own LSTM, then g.
        self.recurrent_kernel = self.add_matrices(
            "recurrent_kernel", "recurrent", 2, 4, n, n
        )
        # [sender, receiver]: U_c.
        self.coupling_kernel = self.add_matrices(
            "coupling_kernel", "recurrent", 2, 2, n, n
        )
        self.add_gate_weights(5)

    def call(self, sequences, mask=None, training=False):
        n = self.units
        x = self.time_major(sequences, mask, training)
        time, batch, width = ops.shape(x)
        rows = ops.reshape(x, (-1, x.shape[-1]))
        inputs = []
        for kernel in ops.unstack(self.weight("kernel"), 2):
            flat = ops.reshape(ops.transpose(kernel, (1, 0, 2)), (-1, 5 * n))
            inputs.append(ops.matmul(rows, flat))
        if self.use_bias:
            biases = ops.unstack(self.weight("bias"), 2)
            inputs = [x + bias for x, bias in zip(inputs, biases)]
        steps = tuple(ops.reshape(x, (time, batch, 5 * n)) for x in inputs)
        weights = ops.concatenate(
            [self.weight("recurrent_kernel"), self.weight("coupling_kernel")], axis=1
        )
        weights = ops.reshape(ops.transpose(weights, (0, 2, 1, 3)), (2, n, 6 * n))
        zeros = ops.zeros((batch, n), self.compute_dtype)
        peepholes = ()
        if self.peepholes:
            kernel = ops.convert_to_tensor(self.peephole_kernel)
            peepholes = tuple(ops.unstack(kernel, 2))
        weights = tuple(ops.unstack(weights, 2))
        states = self.run(steps, (zeros, zeros), weights, peepholes, mask, training)
        states = ops.stack(states, axis=-2)
        return ops.swapaxes(states, 0, 1) if self.return_sequences else states

    def affine(self, x, h, weights):
        """Computes for each task: input, forget, candidate's input, output, then for
        both senders, the first task first, g and U_c h."""
        sent = [
            ops.split(multiply(state, kernel), 6, axis=-1)
            for state, kernel in zip(h, weights)
        ]
        received = []
        for task in (0, 1):
            own = ops.split(x[task], 5, axis=-1)
            i, f, o = sent[task][:3]
            blocks = [own[0] + i, own[1] + f, own[2], own[3] + o]
            for sender in (0, 1):
                blocks += [own[4] + sent[sender][3], sent[sender][4 + task]]
            received.append(tuple(blocks))
        return tuple(received)

    def pointwise(self, a, c, peepholes):
        states, cells = [], []
        for task in (0, 1):
            i, f, g, o, *received = [ops.cast(x, c[task].dtype) for x in a[task]]
            for gate, sent in (received[:2], received[2:]):
                g = g + ops.sigmoid(gate) * sent
            own = peepholes[task] if peepholes else ()
            m, cell = self.gate((i, f, g, o), c[task], own)
            states.append(m)
            cells.append(cell)
        return tuple(states), tuple(cells)

    def compute_output_shape(self, sequences_shape):
        batch, time = sequences_shape[:2]
        steps = (time,) if self.return_sequences else ()
        return (batch, *steps, 2, self.units)
