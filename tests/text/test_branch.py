"""A conditional whose branches stay apart in the graph."""

from __future__ import annotations

import pytest

tf = pytest.importorskip("tensorflow")

from zoo.text.branch import branch  # noqa: E402

pytestmark = pytest.mark.tensorflow


def answer(condition):
    return branch(
        condition,
        lambda: {"name": tf.constant("yes"), "half": tf.constant(0.5)},
        lambda: {"name": tf.constant("no"), "half": tf.constant(0.0)},
    )


@pytest.mark.parametrize("wrap", [lambda f: f, tf.function], ids=["eager", "graph"])
def test_equals_cond(wrap):
    chosen = wrap(answer)
    for condition, name in ((True, b"yes"), (False, b"no")):
        found = chosen(tf.constant(condition))
        assert (found["name"].numpy(), found["half"].numpy()) == (
            name,
            0.5 * condition,
        )


def test_its_branches_are_not_merged_into_the_graph():
    graph = tf.function(answer, input_signature=[tf.TensorSpec([], tf.bool)])
    conditionals = [
        operation
        for operation in graph.get_concrete_function().graph.get_operations()
        if operation.type in ("If", "StatelessIf")
    ]
    assert len(conditionals) == 1
    assert not conditionals[0].get_attr("_lower_using_switch_merge")
    assert conditionals[0].device.endswith("CPU:0")
