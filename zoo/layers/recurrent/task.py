"""The base class of the recurrent layers with one LSTM for each of several tasks."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels.recurrence import recurrence
from zoo.layers.checks import check_rate, check_size
from zoo.layers.initializers import stacked
from zoo.layers.recurrent.lstm_base import gate


class TaskRecurrentLayer(keras.layers.Layer):
    """Base class of `CoupledLSTM` and `TaskSpecificLSTM`: several LSTMs in one loop.

    Args:
        tasks: number of tasks.
        units: size of each task's LSTM.
        peepholes: whether the gates see the cell, diagonally (Graves 2013).
        use_bias: whether gates and candidate have a bias. The paper has none.
        forget_bias: initial bias of the forget gates, if there is a bias.
        return_sequences: whether to return the states of all steps, not of the last.
        dropout: share of the inputs dropped in training, with one mask per sequence.
        recurrent_dropout: share of the recurrent states dropped likewise.
        recompute: whether to keep no pre-activations for the gradient.
        kernel_initializer: initializer of the weights of the inputs.
        recurrent_initializer: initializer of the weights of a task's states.
        kernel_regularizer: regularizer of the weights of the inputs.
        recurrent_regularizer: regularizer of the weights of a task's states.
        seed: seed of the dropout.
    """

    def __init__(
        self,
        tasks: int,
        units: int,
        *,
        peepholes: bool = False,
        use_bias: bool = True,
        forget_bias: float = 1.0,
        return_sequences: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        recompute: bool = False,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        seed: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.tasks, self.units = check_size("tasks", tasks), check_size("units", units)
        self.peepholes, self.use_bias = peepholes, use_bias
        self.forget_bias, self.return_sequences = forget_bias, return_sequences
        for name, rate in (
            ("dropout", dropout),
            ("recurrent_dropout", recurrent_dropout),
        ):
            check_rate(name, rate)
            setattr(self, name, rate)
        self.recompute, self.seed = recompute, seed
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = keras.regularizers.get(recurrent_regularizer)
        self.seed_generator = keras.random.SeedGenerator(seed)

    def add_matrices(self, name: str, role: str, *shape: int):
        """Adds a weight `[tasks, ..., in, out]`, initialised matrix by matrix."""
        initializer = getattr(self, f"{role}_initializer")
        for count in reversed(shape[:-2]):
            initializer = stacked(initializer, count)
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=initializer,
            regularizer=getattr(self, f"{role}_regularizer"),
        )

    def add_gate_weights(self, blocks: int) -> None:
        """Adds the biases `[tasks, blocks * units]` and peepholes `[tasks, 3, units]`.

        The blocks begin with input, forget, candidate and output.
        """
        n = self.units

        def initialize(shape, dtype=None):
            block = ops.arange(shape[-1]) // n
            bias = ops.where(block == 1, float(self.forget_bias), 0.0)
            return ops.broadcast_to(ops.cast(bias, dtype), shape)

        self.bias = self.peephole_kernel = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.tasks, blocks * n), name="bias", initializer=initialize
            )
        if self.peepholes:
            self.peephole_kernel = self.add_weight(
                shape=(self.tasks, 3, n), name="peephole_kernel", initializer="zeros"
            )

    def weight(self, name: str):
        """Returns a weight as a tensor in the compute type."""
        return ops.cast(getattr(self, name), self.compute_dtype)

    def gate(self, a, c, peepholes):
        """The LSTM step of one task, or of several stacked before the batch."""
        weights = {} if isinstance(peepholes, tuple) else {"peepholes": peepholes}
        return gate(
            a,
            c,
            weights,
            activation=ops.tanh,
            recurrent_activation=ops.sigmoid,
        )

    def time_major(self, sequences, mask, training):
        """Returns `[time, batch, features]` with masked steps set to zero."""
        x = ops.transpose(ops.cast(sequences, self.compute_dtype), (1, 0, 2))
        if mask is not None:
            shown = ops.expand_dims(ops.transpose(ops.cast(mask, "bool")), -1)
            x = ops.where(shown, x, ops.zeros((), x.dtype))
        if training and self.dropout:
            ones = ops.ones((1, *ops.shape(x)[1:]), x.dtype)
            x = x * keras.random.dropout(ones, self.dropout, seed=self.seed_generator)
        return x

    def run(self, inputs, states, weights, peepholes, mask, training):
        """Runs the loop; `states` are zeros in the structure of the state.

        Returns:
            The states of all steps, or the last, in that structure.
        """
        half = keras.backend.standardize_dtype(self.compute_dtype) in (
            "float16",
            "bfloat16",
        )
        dropout = None
        if training and self.recurrent_dropout:
            dropout = keras.tree.map_structure(
                lambda h: keras.random.dropout(
                    ops.ones_like(h), self.recurrent_dropout, seed=self.seed_generator
                ),
                states,
            )
        cells = states
        if half:
            cells = keras.tree.map_structure(lambda h: ops.cast(h, "float32"), states)
        keep = "states" if self.recompute else "gates"
        outputs, last = recurrence(
            self.affine,
            self.pointwise,
            inputs,
            (states, cells),
            weights,
            peepholes=peepholes,
            mask=None if mask is None else ops.transpose(ops.cast(mask, "bool")),
            dropout=dropout,
            keep=keep if training else "inputs",
        )
        return outputs if self.return_sequences else last[0]

    def affine(self, x, h, weights):
        raise NotImplementedError

    def pointwise(self, a, c, peepholes):
        raise NotImplementedError

    def compute_mask(self, inputs, mask=None):
        return None

    def get_config(self) -> dict:
        plain = (
            "tasks",
            "units",
            "peepholes",
            "use_bias",
            "forget_bias",
            "return_sequences",
            "dropout",
            "recurrent_dropout",
            "recompute",
            "seed",
        )
        config = {name: getattr(self, name) for name in plain}
        for role in ("kernel", "recurrent"):
            config[f"{role}_initializer"] = keras.initializers.serialize(
                getattr(self, f"{role}_initializer")
            )
            config[f"{role}_regularizer"] = keras.regularizers.serialize(
                getattr(self, f"{role}_regularizer")
            )
        return {**super().get_config(), **config}
