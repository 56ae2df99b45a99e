"""Rows in groups of similar length: the same outputs, with little padding."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from zoo.kernels.single import is_single  # noqa: E402
from zoo.layers.recurrent.lstm import LSTM  # noqa: E402
from zoo.serving.grouping import in_groups, of_texts  # noqa: E402

pytestmark = pytest.mark.tensorflow


def rows_of(lengths):
    generator = np.random.default_rng(0)
    ids = np.zeros((len(lengths), max([*lengths, 1])), "int32")
    for row, length in enumerate(lengths):
        ids[row, :length] = generator.integers(1, 100, length)
    return ids


@pytest.fixture
def recorded():
    """A function of rows, and the shapes that it was asked."""
    shapes = tf.Variable(tf.zeros([0, 2], tf.int32), shape=[None, 2], trainable=False)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def compute(ids):
        shapes.assign(tf.concat([shapes, [tf.shape(ids)]], axis=0))
        total = tf.reduce_sum(ids, axis=1)
        return {"total": total, "both": tf.stack([total, -total], axis=1)}

    return compute.get_concrete_function(), shapes


@pytest.mark.parametrize(
    "lengths",
    [[1], [3, 1, 2], [0, 5, 0], [2] * 9, [40, 1, 1, 39, 2, 1], [100] * 3, []],
    ids=str,
)
def test_outputs_are_those_of_all_rows_at_once(lengths, recorded):
    compute, _ = recorded
    ids = rows_of(lengths)
    graph = tf.function(lambda x: in_groups(compute, x, steps=12, rows=4))
    found = graph(tf.constant(ids))
    np.testing.assert_array_equal(found["total"], ids.sum(axis=1))
    np.testing.assert_array_equal(
        found["both"], np.stack([ids.sum(axis=1), -ids.sum(axis=1)], axis=1)
    )


def test_a_long_row_does_not_pad_short_ones(recorded):
    compute, shapes = recorded
    in_groups(compute, tf.constant(rows_of([3, 500, 2, 3, 4])))
    assert shapes.numpy().tolist() == [[4, 4], [1, 500]]


def test_groups_are_bounded_in_rows_and_in_steps(recorded):
    compute, shapes = recorded
    ids = tf.constant(rows_of([7, 1, 2, 2, 1, 1, 5]))
    in_groups(compute, ids, steps=6, rows=3)
    assert shapes.numpy().tolist() == [[3, 1], [2, 2], [1, 5], [1, 7]]


def test_what_fits_is_one_group(recorded):
    compute, shapes = recorded
    in_groups(compute, tf.constant(rows_of([3, 1])), steps=6)
    in_groups(compute, tf.constant(rows_of([300])), steps=6)
    assert shapes.numpy().tolist() == [[2, 3], [1, 300]]


class Numbers:
    """A pipeline that reads the ids of a text from it."""

    ones = 0

    def __call__(self, text):
        return tf.strings.to_number(tf.strings.split(text).to_tensor("0"), tf.int32)

    def of_one(self, text):
        assert text.shape == [1]
        self.ones += 1
        return self(text)


def test_one_short_text_has_a_graph_of_its_own():
    def compute(ids):
        total = tf.reduce_sum(ids, axis=1)
        return {"total": total, "alone": tf.fill(tf.shape(total), is_single())}

    numbers = Numbers()
    run = of_texts(numbers, compute)
    for texts, alone in (
        (["1 2"], True),
        (["1 " * 128], True),
        (["1 " * 129], False),
        (["1", "2 3"], False),
        ([], False),
    ):
        found = run(tf.constant(texts, tf.string))
        total = [sum(map(int, text.split())) for text in texts]
        assert found["total"].numpy().tolist() == total
        assert found["alone"].numpy().tolist() == [alone] * len(texts)
    assert numbers.ones == 1, "in the graph"


def test_several_texts_call_the_network_at_one_place():
    def compute(ids):
        return {"total": tf.reduce_sum(tf.cast(ids, tf.float32) * 3.5, axis=1)}

    graph = of_texts(Numbers(), compute).get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    called = [node.attr["f"].func.name for node in nodes if "f" in node.attr]
    alone, several = sorted({name for name in called if "compute" in name})
    assert (called.count(alone), called.count(several)) == (1, 1)


@pytest.mark.parametrize("recurrent", [False, True])
def test_groups_are_larger_where_padding_is_not_computed(recurrent):
    layer = LSTM(2, return_sequences=True)
    sizes = tf.Variable(tf.zeros([0, 2], tf.int32), shape=[None, 2], trainable=False)

    def compute(ids):
        sizes.assign(tf.concat([sizes, [tf.shape(ids)]], axis=0))
        x = tf.cast(ids[..., None], tf.float32)
        mask = ids != 0
        return {"last": layer(x, mask=mask)[:, -1] if recurrent else x[:, -1]}

    run = of_texts(Numbers(), compute)
    run(tf.constant(["1 " * 100] * 20 + ["1"]))
    groups = [[21, 100]] if recurrent else [[10, 100], [10, 100], [1, 100]]
    assert sizes.numpy().tolist() == groups
