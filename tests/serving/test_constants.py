"""Small weights as constants of a graph, in place of variables."""

from __future__ import annotations

import keras
import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

import zoo  # noqa: E402
from zoo.serving.constants import (  # noqa: E402
    MOST_NUMBERS,
    held,
    small_weights,
)

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def model():
    rows = MOST_NUMBERS // 8 + 1  # of 8 numbers each: a table that is too large
    return zoo.get("bilstm", rows, ["a", "b"], embedding_dim=8, units=4)


def test_all_but_large_tables_and_recurrent_layers(model):
    constants = small_weights(model)
    names = {variable.path for variable, _ in constants}
    assert names == {"head_label/kernel", "head_label/bias"}


def test_a_graph_reads_no_such_variable_and_answers_the_same(model):
    constants = small_weights(model)

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def graph(ids):
        with held(constants):
            return model(ids, training=False)

    read = {id(variable) for variable in graph.get_concrete_function().variables}
    assert not read & {id(variable.value) for variable, _ in constants}
    ids = np.array([[5, 6, 7], [8, 0, 0]], "int32")
    expected = keras.ops.convert_to_numpy(model(ids)["label"])
    np.testing.assert_allclose(graph(ids)["label"], expected, rtol=1e-5, atol=1e-6)
