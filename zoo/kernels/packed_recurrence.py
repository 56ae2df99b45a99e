"""The recurrence over packed tokens, without a gradient.

The rows are sorted by length and the tokens packed by step, so that a step computes the
rows that still have a token, and no padding; cuDNN takes sequences in the same layout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import tree

from zoo.kernels._structures import like, unflatten


def packed_recurrence(
    affine: Callable,
    pointwise: Callable,
    inputs: Any,
    states: tuple,
    scan: Callable,
    weights: Any = (),
    *,
    expand: Callable | None = None,
    expansion: Any = (),
    project: Callable | None = None,
    projection: Any = (),
    peepholes: Any = (),
) -> tuple[Any, tuple]:
    """Runs the steps of `recurrence` over packed tokens, without a gradient.

    Args:
        affine: as in `zoo.kernels.recurrence.recurrence`, like the other arguments that
            are not listed.
        pointwise: see there.
        inputs: `[..., tokens, features]`, packed.
        states: before the first step, each `[..., batch, units]`, longest row first.
        scan: `(step, carry, sequences) -> (carry, stacked states)`, as
            `zoo.kernels._tensorflow_packed.Packing.scan`.

    Returns:
        `(outputs, last states)`, outputs `[steps + 1, ..., batch, units]` with the
        initial state at the end where the first step begins.
    """
    shape, of_inputs = tree.map_structure(lambda _: 0, (states, inputs))

    def step(carry, elements):
        old = unflatten(shape, carry)
        a = affine(unflatten(of_inputs, elements), old[0], weights)
        if expand:
            a = expand(a, expansion)
        m, *cell = pointwise(a, old[-1], peepholes)
        if project:
            m = project(like(m, old[0]), projection)
        return tree.flatten(like((m, *cell), old))

    kept = len(tree.flatten(states[0]))
    last, stacked = scan(step, tree.flatten(states), tree.flatten(inputs), kept)
    return unflatten(shape[0], stacked), unflatten(shape, last)
