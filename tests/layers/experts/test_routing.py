"""Which experts a call went to: the gates' equations, and the call's own answer."""

from __future__ import annotations

import numpy as np
import pytest
from gradients import BACKEND
from keras import ops
from test_sparse_moe import CASES, WIDTH, expert, gates_of, make, numbers

from zoo.layers.experts.routing import route

MASK = np.array([[True, True, True, False], [True] * 4, [False] * 4])


@pytest.mark.parametrize("case", [*CASES] if BACKEND != "jax" else ["groups"])
def test_experts_and_gates_follow_the_equations(case):
    layer, x = make(**CASES[case]), numbers(3, 4, WIDTH)
    found = {n: ops.convert_to_numpy(v) for n, v in route(layer, x, MASK).items()}
    assert found["experts"].shape == found["gates"].shape == (3, 4, *_slots(found))
    for place in np.ndindex(3, 4):
        spread = np.zeros(layer.num_experts + 1)
        np.add.at(spread, found["experts"][place], found["gates"][place])
        expected = gates_of(layer, x[place]) if MASK[place] else 0.0
        np.testing.assert_allclose(
            spread[:-1], np.broadcast_to(expected, spread.size - 1), atol=1e-5
        )
        assert spread[-1] == 0.0
        if not MASK[place]:
            assert (found["experts"][place] == layer.num_experts).all()


def _slots(found) -> tuple[int]:
    return found["gates"].shape[-1:]


def test_the_gates_weigh_the_outputs_of_the_call():
    layer, x = make(5, 2), numbers(2, WIDTH)
    found = {n: ops.convert_to_numpy(v) for n, v in route(layer, x).items()}
    for row, y in enumerate(ops.convert_to_numpy(layer(x))):
        pairs = zip(found["experts"][row], found["gates"][row], strict=True)
        total = sum(gate * expert(layer, i, x[row]) for i, gate in pairs)
        np.testing.assert_allclose(y, total, rtol=1e-4, atol=1e-5)


def test_several_gates_take_turns():
    layer = make(5, 2, inputs=(3, 2, WIDTH), gates=2)
    x = numbers(3, 2, WIDTH)
    assert tuple(route(layer, x)["gates"].shape) == (3, 2, 2)
    kernel = ops.convert_to_numpy(layer.gate.kernel)
    for row, gate in np.ndindex(3, 2):
        logits = x[row, gate] @ kernel[gate]
        chosen = ops.convert_to_numpy(route(layer, x)["experts"])[row, gate]
        assert set(chosen) == set(np.argsort(-logits)[:2])
