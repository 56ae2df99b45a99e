"""The recurrent scan of every LSTM of the zoo, with a gradient of its own.

Autodiff of a loop adds a small outer product to a full-size weight gradient at every
step. Here the backward loop computes only the gradients of the pre-activations and of
the state; every weight gradient is one large matmul over all steps after it, as cuDNN
does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops, tree

from zoo.kernels._backend import scan, vjp, with_gradient

KEEP = ("gates", "states", "inputs")


def recurrence(
    affine: Callable,
    pointwise: Callable,
    inputs: Any,
    h0: Any,
    c0: Any,
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
) -> tuple[Any, Any, Any]:
    """Runs a gated recurrence over time.

    At every step, with `x_t` the element of `inputs`:

        r_t      = affine(x_t, h_{t-1} * dropout, weights)
        a_t      = expand(r_t, expansion)          # or a_t = r_t
        m_t, c_t = pointwise(a_t, c_{t-1}, peepholes)
        h_t      = project(m_t, projection)        # or h_t = m_t

    A step whose mask is false holds `h` and `c`. All of `inputs`, `h0`, `c0`,
    `weights`, `expansion`, `projection` and `peepholes` may be tensors or nested
    tuples, and get gradients. `affine`, `expand` and `project` must be affine in the
    state, multiply it by matrices with `multiply`, and treat the rows before the last
    axis alike, since the backward pass calls them once on all steps together, `[...,
    time * batch, features]`, and so must `pointwise` if there are `peepholes`.

    Memory kept for the gradient, a step and row: `gates` a + c + h floats (4n + n + p
    for an LSTM), `states` c + h (`a` comes back by one large matmul), `inputs` h (the
    loop runs again). The loop runs in the types of `h0` and `c0`: a float32 `c0`
    beside a half-precision `h0` accumulates the cell in full precision.

    Args:
        affine: `(x_t, h, weights) -> r`.
        pointwise: `(a, c, peepholes) -> (m, c_new)`.
        inputs: `[time, ..., batch, features]`, the input projections of all steps.
        h0: `[..., batch, units]`, the state before the first step.
        c0: `[..., batch, cell units]`.
        weights: what `affine` needs.
        expand: `(r, expansion) -> a`, for an `r` that is thinner than `a`.
        expansion: what `expand` needs.
        project: `(m, projection) -> h`.
        projection: what `project` needs.
        peepholes: what `pointwise` needs.
        mask: bool `[time, batch]`.
        dropout: like `h0` (one mask a sequence) or with `time` before it (one a
            step); gets no gradient.
        reverse: run from the last step to the first. Right-padded rows then hold
            their initial state until their last real token.
        keep: `"gates"`, `"states"` or `"inputs"`.

    Returns:
        `(outputs, h_last, c_last)`, outputs `[time, ..., batch, units]` in the order
        of the inputs.

    Raises:
        ValueError: for an unknown `keep`.

    Source: the principle is that of cuDNN and haste (Kuchaiev & Ginsburg 2017 for the
    cells).
    """
    if keep not in KEEP:
        raise ValueError(
            f"`keep` names what is kept for the gradient: one of {', '.join(KEEP)}. "
            f"Received: keep={keep!r}."
        )
    given = {
        "inputs": inputs,
        "h": h0,
        "c": c0,
        "weights": weights,
        "expansion": expansion,
        "projection": projection,
        "peepholes": peepholes,
        "mask": () if mask is None else ops.expand_dims(mask, -1),
        "dropout": () if dropout is None else dropout,
    }
    loop = _Loop(affine, expand, pointwise, project, reverse, keep, given)
    flat = with_gradient(loop.forward, loop.backward, tree.flatten(given))
    return loop.unpack_outputs(flat)


def multiply(x, matrix):
    """`x @ matrix` for the functions that `recurrence` runs.

    In the backward loop the gradient for `x` reads a matrix that was transposed once
    for all steps: with few rows TensorFlow takes two to three times as long where it
    has to transpose the larger factor of a product.

    Args:
        x: `[..., rows, in]`.
        matrix: `[..., in, out]`, from what the function was given.
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
    """The same with every matrix turned."""
    return tree.map_structure(
        lambda w: _Turned(w) if len(w.shape) > 1 else w, structure
    )


class _Loop:
    """One recurrence: functions, flags and structures; the tensors are arguments."""

    def __init__(
        self, affine, expand, pointwise, project, reverse, keep, given
    ) -> None:
        self.affine, self.pointwise, self.project = affine, pointwise, project
        self.expand = expand
        self.reverse, self.keep = reverse, keep
        self.structure = tree.map_structure(lambda _: 0, given)
        self.masked = not _empty(given["mask"])
        self.dropped = not _empty(given["dropout"])
        self.step_dropout = self.dropped and _rank(given["dropout"]) > _rank(given["h"])
        self.pre_activations = 0  # the structure of `a`, known once `affine` has run

    def unpack_outputs(self, flat):
        state = self.structure["h"], self.structure["h"], self.structure["c"]
        return _unflatten(state, flat)

    def forward(self, arguments):
        given = tree.pack_sequence_as(self.structure, arguments)
        (h, c), kept = self._run(given, self.keep)
        return tree.flatten((kept["h"], h, c)), tree.flatten(kept)

    def _run(self, given, keep):
        """The forward loop; returns the last state and what `keep` names."""
        state = (self.structure["h"], self.structure["c"])
        kept = {"h": state[0], "c": state[1], "a": 0}
        if keep == "inputs":
            del kept["c"]
        if keep != "gates":
            del kept["a"]
        sequences = self._sequences(given)

        def step(carry, elements):
            h, c = _unflatten(state, carry)
            now = _unflatten(tree.map_structure(lambda _: 0, sequences), elements)
            drop = now.get("dropout", given["dropout"])
            r = self.affine(now["inputs"], self._drop(h, drop), given["weights"])
            a = self.expand(r, given["expansion"]) if self.expand else r
            self.pre_activations = tree.map_structure(lambda _: 0, a)
            m, c_new = self.pointwise(a, c, given["peepholes"])
            if self.project:
                m = self.project(_like(m, h), given["projection"])
            h, c = self._hold(now, (m, c_new), (h, c))
            outputs = {"h": h, "c": c, "a": a}
            return tree.flatten((h, c)), tree.flatten({k: outputs[k] for k in kept})

        carry = tree.flatten((given["h"], given["c"]))
        last, stacked = scan(step, carry, tree.flatten(sequences), self.reverse)
        if "a" in kept:
            kept["a"] = self.pre_activations
        return _unflatten(state, last), _unflatten(kept, stacked)

    def _sequences(self, given):
        names = ["inputs"] + ["mask"] * self.masked + ["dropout"] * self.step_dropout
        return {name: given[name] for name in names}

    def _drop(self, h, mask):
        if not self.dropped:
            return h
        return tree.map_structure(lambda x, m: x * m, h, mask)

    def _hold(self, now, new, old):
        """The new state in the types of the old one, or the old one where masked."""

        def choose(n, o):
            n = ops.cast(n, o.dtype)
            return ops.where(now["mask"], n, o) if self.masked else n

        return tree.map_structure(choose, new, old)

    def backward(self, arguments, residuals, cotangents):
        given = tree.pack_sequence_as(self.structure, arguments)
        d_outputs, d_h, d_c = self.unpack_outputs(cotangents)
        kept = {"h": self.structure["h"]}
        if self.keep == "inputs":
            _, kept = self._run(given, "gates")
        else:
            kept["c"] = self.structure["c"]
            if self.keep == "gates":
                kept["a"] = self.pre_activations
            kept = _unflatten(kept, residuals)
        h = tree.map_structure(self._previous, given["h"], kept["h"])
        c = tree.map_structure(self._previous, given["c"], kept["c"])
        h_in = self._drop(h, given["dropout"])
        rows_x, rows_h = _rows((given["inputs"], h_in))
        if "a" not in kept:
            a = self.affine(rows_x, rows_h, given["weights"])
            a = self.expand(a, given["expansion"]) if self.expand else a
            self.pre_activations = tree.map_structure(lambda _: 0, a)
            shape = ops.shape(tree.flatten(h)[0])
            kept["a"] = tree.map_structure(lambda y: _steps(y, shape), a)

        (d_h, d_c), steps = self._run_back(given, kept["a"], c, h, d_outputs, d_h, d_c)

        d_expansion = ()
        if self.expand:
            (d_expansion,) = _pull(
                lambda e: self.expand(self.affine(rows_x, rows_h, given["weights"]), e),
                (given["expansion"],),
                _rows(steps["a"]),
            )
        d_x, d_weights = _pull(
            lambda x, w: self.affine(x, rows_h, w),
            (rows_x, given["weights"]),
            _rows(steps["r"]),
        )
        d_x = tree.map_structure(
            lambda d, x: _steps(d, ops.shape(x)), d_x, given["inputs"]
        )
        d_projection = d_peepholes = ()
        if self.project:
            m = _rows(steps["m"])
            (d_projection,) = _pull(
                lambda p: self.project(m, p),
                (given["projection"],),
                _rows(steps["d_h"]),
            )
        if not _empty(given["peepholes"]):
            a, c = _rows((kept["a"], c))
            (d_peepholes,) = _pull(
                lambda p: self.pointwise(a, c, p),
                (given["peepholes"],),
                _rows((steps["d_m"], steps["d_c"])),
            )
        gradients = {
            "inputs": d_x,
            "h": d_h,
            "c": d_c,
            "weights": d_weights,
            "expansion": d_expansion,
            "projection": d_projection,
            "peepholes": d_peepholes,
            "mask": tree.map_structure(lambda _: None, self.structure["mask"]),
            "dropout": tree.map_structure(lambda _: None, self.structure["dropout"]),
        }
        return tree.flatten(gradients)

    def _run_back(self, given, a, c, h, d_outputs, d_h, d_c):
        """The backward loop: gradients of pre-activations and states only."""
        state = (self.structure["h"], self.structure["c"])
        sequences = {**self._sequences(given), "a": a, "c": c, "h": h, "d": d_outputs}
        peepholes = not _empty(given["peepholes"])
        names = ["r"] + ["a"] * bool(self.expand)
        names += ["m", "d_h"] * bool(self.project) + ["d_m", "d_c"] * peepholes
        structure = {}
        weights, expansion, projection = _turn(
            (given["weights"], given["expansion"], given["projection"])
        )

        def step(carry, elements):
            d_h, d_c = _unflatten(state, carry)
            now = _unflatten(tree.map_structure(lambda _: 0, sequences), elements)
            drop = now.get("dropout", given["dropout"])
            d_h = tree.map_structure(ops.add, d_h, now["d"])
            held = zero = tree.map_structure(ops.zeros_like, (d_h, d_c))
            if self.masked:
                new = self._hold(now, (d_h, d_c), zero)
                held = self._hold(now, zero, (d_h, d_c))
                d_h, d_c = new
            m, c_new = self.pointwise(now["a"], now["c"], given["peepholes"])
            d_m, d_c_new = d_h, _like(d_c, c_new)
            if self.project:
                m_low = _like(m, d_h)
                (d_m,) = _pull(lambda m: self.project(m, projection), (m_low,), d_h)
            d_m = _like(d_m, m)
            d_a, d_c = _pull(
                lambda a, c: self.pointwise(a, c, given["peepholes"]),
                (now["a"], now["c"]),
                (d_m, d_c_new),
            )
            h_in, d_r = self._drop(now["h"], drop), d_a
            if self.expand:
                r = self.affine(now["inputs"], h_in, given["weights"])
                (d_r,) = _pull(lambda r: self.expand(r, expansion), (r,), d_a)
            (d_in,) = _pull(
                lambda h: self.affine(now["inputs"], h, weights), (h_in,), d_r
            )
            new = tree.map_structure(ops.add, (self._drop(d_in, drop), d_c), held)
            new = _like(new, (now["h"], d_c))
            outputs = {"r": d_r, "a": d_a, "d_h": d_h, "d_m": d_m, "d_c": d_c_new}
            if self.project:
                outputs["m"] = m_low
            outputs = {name: outputs[name] for name in names}
            structure.update(tree.map_structure(lambda _: 0, outputs))
            return tree.flatten(new), tree.flatten(outputs)

        carry = tree.flatten((d_h, d_c))
        last, stacked = scan(step, carry, tree.flatten(sequences), not self.reverse)
        return _unflatten(state, last), _unflatten(structure, stacked)

    def _previous(self, first, stacked):
        """The state before each step, from the state after each step."""
        first = ops.expand_dims(first, 0)
        if self.reverse:
            return ops.concatenate([stacked[1:], first])
        return ops.concatenate([first, stacked[:-1]])


def _empty(structure) -> bool:
    return not tree.flatten(structure)


def _rank(structure) -> int:
    return len(tree.flatten(structure)[0].shape)


def _unflatten(structure, flat):
    return tree.pack_sequence_as(structure, list(flat))


def _like(gradients, values):
    return tree.map_structure(lambda g, v: ops.cast(g, v.dtype), gradients, values)


def _rows(structure):
    """`[time, ..., batch, features]` as `[..., time * batch, features]`."""

    def merge(x):
        if len(x.shape) > 3:
            x = ops.moveaxis(x, 0, -3)
        return ops.reshape(x, (*x.shape[:-3], -1, x.shape[-1]))

    return tree.map_structure(merge, structure)


def _steps(x, shape):
    """The inverse of `_rows`; `shape` begins with time and has batch before last."""
    x = ops.reshape(x, (*x.shape[:-2], shape[0], shape[-2], x.shape[-1]))
    return ops.moveaxis(x, -3, 0) if len(x.shape) > 3 else x


def _pull(function, primals, cotangents):
    """Vector-Jacobian product over nested structures."""

    def flat(*tensors):
        return tree.flatten(function(*_unflatten(primals, tensors)))

    gradients = vjp(flat, tree.flatten(primals), tree.flatten(cotangents))
    return _unflatten(primals, gradients)
