"""The recurrent scan of every cell of the zoo, with a custom gradient.

Autodiff of a loop adds a small outer product to a full-size weight gradient at every
step. Here the backward loop computes only the gradients of the pre-activations and of
the state; every weight gradient is one large matmul over all steps after it, as cuDNN
does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops, tree

from zoo.kernels._backend import scan, with_gradient
from zoo.kernels._structures import (
    as_rows,
    as_steps,
    empty,
    like,
    pull,
    rank,
    unflatten,
)

KEEP = ("gates", "states", "inputs")


def recurrence(
    affine: Callable,
    pointwise: Callable,
    inputs: Any,
    states: tuple,
    weights: Any = (),
    *,
    expand: Callable | None = None,
    expansion: Any = (),
    project: Callable | None = None,
    projection: Any = (),
    peepholes: Any = (),
    mask: Any = None,
    dropout: Any = None,
    reverse: bool = False,
    keep: str = "gates",
    scan: Callable = scan,
) -> tuple[Any, tuple]:
    """Runs a gated recurrence over time.

    `states` is `(h, c)`, the output and a cell state that the gates update, or `(h,)`
    for a cell whose output is its only state. At every step, with `x_t` the element
    of `inputs`:

        r_t      = affine(x_t, h_{t-1} * dropout, weights)
        a_t      = expand(r_t, expansion)          # or a_t = r_t
        m_t, c_t = pointwise(a_t, c_{t-1}, peepholes)
        h_t      = project(m_t, projection)        # or h_t = m_t

    and without `c`, `(m_t,) = pointwise(a_t, h_{t-1}, peepholes)`. A masked step keeps
    the states. `inputs`, the states, `weights`, `expansion`, `projection` and
    `peepholes` may all be tensors or nested tuples, and get gradients.

    `affine`, `expand` and `project` must be affine in the state, multiply it by
    matrices with `multiply`, and treat the rows before the last axis alike, because the
    backward pass calls them once on all steps together, `[..., time * batch,
    features]`; with `peepholes`, so must `pointwise`.

    Memory kept for the gradient, per step and row: `gates` keeps a and the states
    (4n + n + p floats for an LSTM), `states` the states (one large matmul recomputes
    `a`), `inputs` h (the loop runs again). The loop runs in the types of the states: a
    float32 `c` accumulates in full precision next to a half-precision `h`.

    Args:
        affine: `(x_t, h, weights) -> r`.
        pointwise: `(a, states[-1], peepholes)` to the tuple of the new states, the
            first of them before `project`.
        inputs: `[time, ..., batch, features]`, the input projections of all steps.
        states: `h` `[..., batch, units]` and `c` `[..., batch, cell units]`, or `h`
            alone, before the first step.
        weights: further arguments of `affine`.
        expand: `(r, expansion) -> a`, for an `r` that is thinner than `a`.
        expansion: further arguments of `expand`.
        project: `(m, projection) -> h`.
        projection: further arguments of `project`.
        peepholes: further arguments of `pointwise`.
        mask: bool `[time, batch]`.
        dropout: like `h` (one mask per sequence) or with `time` before it (one per
            step); gets no gradient.
        reverse: whether to run from last to first. Right-padded rows then keep their
            initial state until their last real token.
        keep: `"gates"`, `"states"` or `"inputs"`.
        scan: runs the forward loop; another one than the backend's may have inputs and
            outputs of other shapes, and has no gradient.

    Returns:
        `(outputs, last states)`, outputs `[time, ..., batch, units]` in the order of
        the inputs.

    Raises:
        ValueError: for an unknown `keep`.

    Source: the principle is that of cuDNN and haste (Kuchaiev & Ginsburg 2017 for the
    cells).
    """
    if keep not in KEEP:
        raise ValueError(
            f"`keep` (for the gradient) must be one of {', '.join(KEEP)}. "
            f"Received: keep={keep!r}."
        )
    given = {
        "inputs": inputs,
        "states": tuple(states),
        "weights": weights,
        "expansion": expansion,
        "projection": projection,
        "peepholes": peepholes,
        "mask": () if mask is None else ops.expand_dims(mask, -1),
        "dropout": () if dropout is None else dropout,
    }
    loop = _Loop(affine, expand, pointwise, project, reverse, keep, given, scan)
    flat = with_gradient(loop.forward, loop.backward, tree.flatten(given))
    return loop.unpack_outputs(flat)


def multiply(x, matrix):
    """`x @ matrix` for the functions that `recurrence` runs.

    In the backward loop the gradient for `x` uses a matrix transposed once for all
    steps: with few rows TensorFlow takes two to three times as long if it has to
    transpose the larger factor of a product.

    Args:
        x: `[..., rows, in]`.
        matrix: `[..., in, out]`, from the arguments of the function.
    """
    if not isinstance(matrix, _Turned):
        return ops.matmul(x, matrix)

    def backward(arguments, residuals, cotangents):
        return [ops.matmul(cotangents[0], arguments[2]), None, None]

    tensors = [x, matrix.straight, matrix.turned]
    return with_gradient(lambda a: ([ops.matmul(*a[:2])], []), backward, tensors)[0]


class _Turned:
    """A matrix and its transpose; not a tuple, so that a structure ends here."""

    def __init__(self, matrix) -> None:
        self.straight, self.turned = matrix, ops.swapaxes(matrix, -1, -2)


def _turn(structure):
    """Transposes every matrix of a structure."""
    return tree.map_structure(
        lambda w: _Turned(w) if len(w.shape) > 1 else w, structure
    )


class _Loop:
    """One recurrence: functions, flags and structures; the tensors are arguments."""

    def __init__(
        self, affine, expand, pointwise, project, reverse, keep, given, scan
    ) -> None:
        self.affine, self.pointwise, self.project = affine, pointwise, project
        self.expand = expand
        self.reverse, self.keep, self.scan = reverse, keep, scan
        self.structure = tree.map_structure(lambda _: 0, given)
        self.masked = not empty(given["mask"])
        self.dropped = not empty(given["dropout"])
        self.step_dropout = self.dropped and rank(given["dropout"]) > rank(
            given["states"][0]
        )
        self.pre_activations = 0  # the structure of `a`, known once `affine` has run

    def unpack_outputs(self, flat):
        states = self.structure["states"]
        return unflatten((states[0], states), flat)

    def forward(self, arguments):
        given = tree.pack_sequence_as(self.structure, arguments)
        last, kept = self._run(given, self.keep)
        return tree.flatten((kept["states"][0], last)), tree.flatten(kept)

    def _kept(self, keep) -> dict:
        """Returns the structure of the kept values, one element per step."""
        states = self.structure["states"]
        kept = {"states": states[:1] if keep == "inputs" else states}
        return {**kept, "a": self.pre_activations} if keep == "gates" else kept

    def _run(self, given, keep):
        """Runs the forward loop; returns the last states and the kept values."""
        sequences = self._sequences(given)
        count = 1 if keep == "inputs" else len(given["states"])

        def step(carry, elements):
            states = unflatten(self.structure["states"], carry)
            now = unflatten(tree.map_structure(lambda _: 0, sequences), elements)
            drop = now.get("dropout", given["dropout"])
            h = self._drop(states[0], drop)
            r = self.affine(now["inputs"], h, given["weights"])
            a = self.expand(r, given["expansion"]) if self.expand else r
            self.pre_activations = tree.map_structure(lambda _: 0, a)
            m, *cell = self.pointwise(a, states[-1], given["peepholes"])
            if self.project:
                m = self.project(like(m, states[0]), given["projection"])
            states = self._hold(now, (m, *cell), states)
            outputs = {"states": states[:count], "a": a if keep == "gates" else ()}
            return tree.flatten(states), tree.flatten(outputs)

        carry = tree.flatten(given["states"])
        last, stacked = self.scan(step, carry, tree.flatten(sequences), self.reverse)
        last = unflatten(self.structure["states"], last)
        return last, unflatten(self._kept(keep), stacked)

    def _sequences(self, given):
        names = ["inputs"] + ["mask"] * self.masked + ["dropout"] * self.step_dropout
        return {name: given[name] for name in names}

    def _drop(self, h, mask):
        if not self.dropped:
            return h
        return tree.map_structure(lambda x, m: x * m, h, mask)

    def _hold(self, now, new, old):
        """Returns the new state, in the old one's types, or the old one if masked."""

        def choose(n, o):
            n = ops.cast(n, o.dtype)
            return ops.where(now["mask"], n, o) if self.masked else n

        return tree.map_structure(choose, new, old)

    def backward(self, arguments, residuals, cotangents):
        given = tree.pack_sequence_as(self.structure, arguments)
        d_outputs, d_states = self.unpack_outputs(cotangents)
        if self.keep == "inputs":
            _, kept = self._run(given, "gates")
        else:
            kept = unflatten(self._kept(self.keep), residuals)
        states = tree.map_structure(self._previous, given["states"], kept["states"])
        h_in = self._drop(states[0], given["dropout"])
        rows_x, rows_h = as_rows((given["inputs"], h_in))
        if "a" not in kept:
            a = self.affine(rows_x, rows_h, given["weights"])
            a = self.expand(a, given["expansion"]) if self.expand else a
            self.pre_activations = tree.map_structure(lambda _: 0, a)
            shape = ops.shape(tree.flatten(states[0])[0])
            kept["a"] = tree.map_structure(lambda y: as_steps(y, shape), a)

        d_states, steps = self._run_back(given, kept["a"], states, d_outputs, d_states)

        d_expansion = ()
        if self.expand:
            (d_expansion,) = pull(
                lambda e: self.expand(self.affine(rows_x, rows_h, given["weights"]), e),
                (given["expansion"],),
                as_rows(steps["a"]),
            )
        d_x, d_weights = pull(
            lambda x, w: self.affine(x, rows_h, w),
            (rows_x, given["weights"]),
            as_rows(steps["r"]),
        )
        d_x = tree.map_structure(
            lambda d, x: as_steps(d, ops.shape(x)), d_x, given["inputs"]
        )
        d_projection = d_peepholes = ()
        if self.project:
            m = as_rows(steps["m"])
            (d_projection,) = pull(
                lambda p: self.project(m, p),
                (given["projection"],),
                as_rows(steps["d_h"]),
            )
        if not empty(given["peepholes"]):
            a, c = as_rows((kept["a"], states[-1]))
            (d_peepholes,) = pull(
                lambda p: self.pointwise(a, c, p),
                (given["peepholes"],),
                as_rows(steps["d_new"]),
            )
        gradients = {
            "inputs": d_x,
            "states": d_states,
            "weights": d_weights,
            "expansion": d_expansion,
            "projection": d_projection,
            "peepholes": d_peepholes,
            "mask": tree.map_structure(lambda _: None, self.structure["mask"]),
            "dropout": tree.map_structure(lambda _: None, self.structure["dropout"]),
        }
        return tree.flatten(gradients)

    def _run_back(self, given, a, states, d_outputs, d_states):
        """Runs the backward loop: gradients of pre-activations and states only."""
        sequences = {**self._sequences(given), "a": a, "states": states, "d": d_outputs}
        peepholes = not empty(given["peepholes"])
        names = ["r"] + ["a"] * bool(self.expand)
        names += ["m", "d_h"] * bool(self.project) + ["d_new"] * peepholes
        structure = {}
        weights, expansion, projection = _turn(
            (given["weights"], given["expansion"], given["projection"])
        )

        def step(carry, elements):
            d_h, *d_cell = unflatten(self.structure["states"], carry)
            now = unflatten(tree.map_structure(lambda _: 0, sequences), elements)
            h, memory = now["states"][0], now["states"][-1]
            drop = now.get("dropout", given["dropout"])
            d_h = tree.map_structure(ops.add, d_h, now["d"])
            d_states = (d_h, *d_cell)
            held = zero = tree.map_structure(ops.zeros_like, d_states)
            if self.masked:
                new = self._hold(now, d_states, zero)
                held = self._hold(now, zero, d_states)
                d_states = new
            d_h, *d_cell = d_states
            m, *cell = self.pointwise(now["a"], memory, given["peepholes"])
            d_m = d_h
            if self.project:
                m_low = like(m, d_h)
                (d_m,) = pull(lambda m: self.project(m, projection), (m_low,), d_h)
            d_new = (like(d_m, m), *like(d_cell, cell))
            d_a, d_memory = pull(
                lambda a, c: self.pointwise(a, c, given["peepholes"]),
                (now["a"], memory),
                d_new,
            )
            h_in, d_r = self._drop(h, drop), d_a
            if self.expand:
                r = self.affine(now["inputs"], h_in, given["weights"])
                (d_r,) = pull(lambda r: self.expand(r, expansion), (r,), d_a)
            (d_in,) = pull(
                lambda h: self.affine(now["inputs"], h, weights), (h_in,), d_r
            )
            d_in = self._drop(d_in, drop)
            if d_cell:
                new = (d_in, d_memory)
            else:
                new = (tree.map_structure(ops.add, d_in, d_memory),)
            new = tree.map_structure(ops.add, new, held)
            new = like(new, now["states"])
            outputs = {"r": d_r, "a": d_a, "d_h": d_h, "d_new": d_new}
            if self.project:
                outputs["m"] = m_low
            outputs = {name: outputs[name] for name in names}
            structure.update(tree.map_structure(lambda _: 0, outputs))
            return tree.flatten(new), tree.flatten(outputs)

        carry = tree.flatten(d_states)
        last, stacked = scan(step, carry, tree.flatten(sequences), not self.reverse)
        last = unflatten(self.structure["states"], last)
        return last, unflatten(structure, stacked)

    def _previous(self, first, stacked):
        """Returns the state before each step, from the state after each step."""
        first = ops.expand_dims(first, 0)
        if self.reverse:
            return ops.concatenate([stacked[1:], first])
        return ops.concatenate([first, stacked[:-1]])
