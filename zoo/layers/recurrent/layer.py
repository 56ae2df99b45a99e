"""The layer that runs a cell of the zoo over whole sequences, on the fast scan."""

from __future__ import annotations

import functools
from operator import attrgetter

import keras
from keras import ops

from zoo.kernels._backend import Packing, by_rows, fused_lstm, on_each_replica
from zoo.kernels.packed import is_packed, packing_of
from zoo.kernels.recurrence import recurrence
from zoo.kernels.single import is_single, is_whole
from zoo.layers.checks import check_rate
from zoo.layers.recurrent.cell import GatedCell

# Up to this many numbers in the state, launching the operations of a step takes longer
# than its arithmetic, so the form with fewer operations is faster.
_SMALL_STATE = 8192
_USUAL_ROWS = 32  # of a batch whose size is not known, in training


class RecurrentLayer(keras.layers.RNN):
    """Runs a `GatedCell` over time with the zoo's scan, with the API of keras's RNN.

    The input projections of all steps are one matmul before the loop, and the loop
    has a gradient of its own (`zoo.kernels.recurrence`). Subclasses only name their
    cell. Options of the layer:

    Args:
        cell: a `GatedCell`.
        return_sequences: whether to return the outputs of all steps, not of the last.
        return_state: whether to return the last states too: `h`, and `c` if the cell
            has one.
        go_backwards: whether to read from the last step to the first and return the
            outputs in that order, as keras does.
        stateful: whether to begin in the final state of the last batch.
        zero_output_for_mask: with `return_sequences`, whether to output zeros at masked
            steps instead of the last real output.
        dropout: share of the inputs dropped in training.
        recurrent_dropout: share of the recurrent state dropped in training.
        dropout_per: `"sequence"` (one mask for all steps, Gal & Ghahramani 2016) or
            `"step"` (a new one each step, Zaremba et al. 2014).
        recompute: whether to keep no pre-activations for the gradient, which saves
            `4 * units` floats per token for one more large matmul.
        seed: seed of the dropout.

    Masked steps keep the state, so before a row's first real token the output is its
    initial state. On a CPU, keras disables XLA with TensorFlow unless the model is
    compiled with `jit_compile=True`.

    Mixed precision: matmuls and the outputs of cells with a `c` are in the compute
    type, the last state is in float32 within the loop; states are returned in the
    compute type and `stateful` ones kept in the variables' type.
    """

    def __init__(
        self,
        cell: GatedCell,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        dropout_per: str = "sequence",
        recompute: bool = False,
        seed: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            zero_output_for_mask=zero_output_for_mask,
            **kwargs,
        )
        for name, rate in (
            ("dropout", dropout),
            ("recurrent_dropout", recurrent_dropout),
        ):
            check_rate(name, rate)
        if dropout_per not in ("sequence", "step"):
            raise ValueError(
                "`dropout_per` must be 'sequence' or 'step'. "
                f"Received: dropout_per={dropout_per!r}."
            )
        self.input_spec = keras.layers.InputSpec(ndim=3)
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.dropout_per, self.recompute, self.seed = dropout_per, recompute, seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        # Set by Bidirectional: backward outputs without keras's time reversal.
        self.in_input_order = False

    def scan(self, sequences, initial_state, mask, training, *, reverse=False):
        """Runs the recurrence over `[batch, time, features]`.

        Returns:
            `(outputs [time, batch, units], states)`, outputs in the order of the inputs
            also with `reverse`.
        """
        cell = self.cell
        if is_whole(mask):
            mask = None
        elif mask is not None and is_packed() and not training:
            return self._scan_packed(sequences, initial_state, mask, reverse)
        x = ops.transpose(ops.cast(sequences, cell.compute_dtype), (1, 0, 2))
        time, batch = ops.shape(x)[0], ops.shape(x)[1]
        if mask is not None:
            mask = ops.transpose(ops.cast(mask, "bool"))
            # Values at masked steps are not part of the text; they may be NaN.
            x = ops.where(ops.expand_dims(mask, -1), x, ops.zeros((), x.dtype))
        x = self._drop(x, self.dropout, training)
        states = _first(initial_state)
        drop = None
        if training and self.recurrent_dropout:
            steps = () if self.dropout_per == "sequence" else (time,)
            ones = ops.ones((*steps, *ops.shape(states[0])), states[0].dtype)
            drop = self._dropped(ones, self.recurrent_dropout)
        keep = "states" if self.recompute else "gates"

        def run_rows(joint, x, mask, drop, *states):
            time, batch = ops.shape(x)[0], ops.shape(x)[1]

            def by_step(rows):
                shape = (*rows.shape[:-2], time, batch, rows.shape[-1])
                return ops.moveaxis(ops.reshape(rows, shape), -3, 0)

            rows = cell.hoist(ops.reshape(x, (-1, x.shape[-1])), joint)
            inputs = keras.tree.map_structure(by_step, rows)
            outputs, last = recurrence(
                cell.affine,
                cell.pointwise,
                inputs,
                tuple(cell.split(state, joint) for state in states),
                **_weights(cell, joint),
                mask=mask,
                dropout=None if drop is None else cell.split(drop, joint),
                reverse=reverse,
                keep=keep if training else "inputs",
            )
            return [cell.join(outputs), *[cell.join(state) for state in last]]

        def run(joint):
            # Axes of the rows of a batch.
            of_drop = None if drop is None else len(drop.shape) - 2
            axes = [1, None if mask is None else 1, of_drop, *[0] * len(states)]
            outputs, *last = on_each_replica(
                functools.partial(run_rows, joint),
                [x, mask, drop, *states],
                axes,
                [1, *[0] * len(states)],
                cell.variables,
            )
            return outputs, last

        plain = cell.plain_weights
        if is_single() and fused_lstm and plain and mask is None and batch == 1:
            return fused_lstm(x, states, plain, reverse=reverse)
        if training and not isinstance(batch, int):
            batch = _USUAL_ROWS  # both forms with their gradients are slow to trace
        return self._in_a_form(run, batch)

    def _scan_packed(self, sequences, initial_state, mask, reverse):
        """Returns what `scan` does, without computing padding and without gradients."""
        cell, packing = self.cell, packing_of(mask, Packing)
        x = packing.pack(ops.cast(sequences, cell.compute_dtype))
        states = [packing.sort(state) for state in _first(initial_state)]

        def run(joint):
            outputs, last = recurrence(
                cell.affine,
                cell.pointwise,
                cell.hoist(x, joint),
                tuple(cell.split(state, joint) for state in states),
                **_weights(cell, joint),
                reverse=reverse,
                keep="inputs",
                scan=packing.scan,
            )
            return cell.join(outputs), [cell.join(state) for state in last]

        outputs, last = self._in_a_form(run, ops.shape(sequences)[0])
        outputs = ops.transpose(packing.unpack(outputs, reverse), (1, 0, 2))
        return outputs, [packing.unsort(state) for state in last]

    def _in_a_form(self, run, rows):
        """Calls `run(joint)` with the form of the cell that is faster for the rows."""
        if not self.cell.HAS_JOINT_FORM:
            return run(joint=False)
        few = _SMALL_STATE // self.cell.units
        return by_rows(rows, few, lambda: run(True), lambda: run(False))

    def _drop(self, x, rate, training):
        if not training or not rate:
            return x
        time, batch, width = ops.shape(x)
        shape = (1 if self.dropout_per == "sequence" else time, batch, width)
        return x * self._dropped(ops.ones(shape, x.dtype), rate)

    def _dropped(self, ones, rate):
        return keras.random.dropout(ones, rate, seed=self.seed_generator)

    def inner_loop(self, sequences, initial_state, mask, training=False):
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        outputs, states = self.scan(
            sequences, initial_state, mask, training, reverse=self.go_backwards
        )
        last = self.last_output(outputs, states)
        if self.return_sequences:
            outputs = self.cell.show(outputs)
            if mask is not None and self.zero_output_for_mask:
                shown = ops.expand_dims(ops.transpose(ops.cast(mask, "bool")), -1)
                outputs = ops.where(shown, outputs, ops.zeros((), outputs.dtype))
            if self.go_backwards and not self.in_input_order:
                outputs = ops.flip(outputs, axis=0)
            outputs = ops.transpose(outputs, (1, 0, 2))
        return last, outputs, states

    def last_output(self, outputs, states):
        """Returns the output after the last step, from what `scan` returned."""
        return self.cell.show(states[0])

    def get_config(self) -> dict:
        config = super().get_config()
        del config["cell"], config["unroll"]
        cell = self.cell.get_config()
        for name in ("name", "trainable", "dtype"):
            cell.pop(name, None)
        own = ("dropout", "recurrent_dropout", "dropout_per", "recompute", "seed")
        config.update({name: getattr(self, name) for name in own})
        return {**config, **cell}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _first(initial_state) -> list:
    """Returns the states that the scan begins in; the last is in float32 at least."""
    states = list(initial_state)
    if keras.backend.standardize_dtype(states[-1].dtype) in ("float16", "bfloat16"):
        states[-1] = ops.cast(states[-1], "float32")
    return states


def _weights(cell: GatedCell, joint: bool) -> dict:
    """Returns what a recurrence takes of a cell besides inputs and states."""
    return {
        "weights": cell.step_weights(joint),
        "expand": cell.expand,
        "expansion": cell.expansion_weights(joint),
        "project": cell.project,
        "projection": cell.projection_weights(),
        "peepholes": cell.gate_weights(joint),
    }


def over(cell_class: type[GatedCell]):
    """Class decorator: exposes the cell's arguments as the layer's attributes."""

    def decorate(layer_class):
        layer_class.cell_class = cell_class
        for name in cell_class.ARGUMENTS:
            setattr(layer_class, name, property(attrgetter(f"cell.{name}")))
        return layer_class

    return decorate


def make_cell(cell_class: type[GatedCell], sizes: dict, options: dict) -> GatedCell:
    """Builds a cell, and removes its options from the keywords of a layer."""
    taken = {k: options.pop(k) for k in list(options) if k in cell_class.ARGUMENTS}
    shared = {k: options[k] for k in ("dtype", "trainable") if k in options}
    return cell_class(**sizes, **taken, **shared, name="cell")
