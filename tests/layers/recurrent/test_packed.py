"""A graph that computes tokens alone gives what the loop over padded rows gives."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_layers import draw, states, with_drawn_weights
from gradients import assert_close

from zoo.kernels.packed import packed
from zoo.layers.recurrent.backward import BackwardLSTM
from zoo.layers.recurrent.bidirectional import Bidirectional
from zoo.layers.recurrent.factorized import FactorizedLSTM
from zoo.layers.recurrent.group import GroupLSTM
from zoo.layers.recurrent.gru import GRU
from zoo.layers.recurrent.lstm import LSTM

tf = pytest.importorskip("tensorflow")
from zoo.kernels._tensorflow_packed import Packing  # noqa: E402

pytestmark = pytest.mark.tensorflow

X = draw(0, 5, 6, 4)
MASKS = {
    "right padding": np.arange(6) < np.array([[3], [6], [1], [6], [2]]),
    "gaps": np.random.default_rng(1).random((5, 6)) < 0.6,
    "rows without tokens": np.arange(6) < np.array([[0], [2], [0], [5], [0]]),
    "no token": np.zeros((5, 6), bool),
    "no padding": np.ones((5, 6), bool),
}
KINDS: dict = {
    "lstm": (LSTM, {}),
    "projected": (LSTM, {"projection": 2, "layer_norm": True}),
    "half precision": (LSTM, {"dtype": "mixed_float16"}),
    "backward": (BackwardLSTM, {}),
    "gru": (GRU, {}),
    "factorized": (FactorizedLSTM, {"rank": 2}),
    "grouped": (GroupLSTM, {"groups": 2, "shuffle": True}),
}


def graph_of(layer, masks: int):
    """A graph of inputs, mask and states, and how many masks were packed."""

    def call(x, mask, start):
        return layer(x, mask=mask, initial_state=start)

    with packed() as packings:
        graph = tf.function(call, autograph=False, reduce_retracing=True)
        graph.get_concrete_function(
            tf.TensorSpec([None, None, 4]),
            tf.TensorSpec([None, None], tf.bool),
            [tf.TensorSpec([None, state.shape[1]]) for state in states(layer)],
        )
    assert len(packings) == masks
    return graph


@pytest.mark.parametrize("many", [False, True], ids=["few rows", "many rows"])
@pytest.mark.parametrize("name", KINDS)
def test_outputs_and_states_are_those_of_the_loop(name, many, monkeypatch):
    kind, options = KINDS[name]
    if many:  # the form of the cell with an operation for each gate
        monkeypatch.setattr("zoo.layers.recurrent.layer._SMALL_STATE", 0)
    layer = kind(4, **options, return_sequences=True, return_state=True)
    with_drawn_weights(layer, X.shape)
    graph, start = graph_of(layer, 1), states(layer, 5)
    for mask in MASKS.values():
        expected = layer(X, mask=mask, initial_state=start)
        found = graph(X, mask, start)
        assert_close(list(found), list(expected), 1e-3 if "half" in name else 1e-6)


def test_both_directions_share_the_order_of_a_mask():
    both = Bidirectional(LSTM(4, return_sequences=True))
    both.build(X.shape)
    with packed() as packings:
        graph = tf.function(lambda x, mask: both(x, mask=mask), autograph=False)
        found = [graph(X, tf.constant(mask)) for mask in MASKS.values()]
    assert len(packings) == 1
    assert_close(found, [both(X, mask=mask) for mask in MASKS.values()], 1e-6)


def test_masked_values_may_be_anything():
    layer = LSTM(4, return_sequences=True)
    mask = MASKS["gaps"]
    hidden = np.where(mask[..., None], X, np.nan)
    with packed():
        assert_close(layer(hidden, mask=mask), layer(X, mask=mask), 1e-6)
    assert not np.isnan(layer(hidden, mask=mask)).any()


def test_each_step_computes_the_rows_that_have_a_token():
    packing = Packing(tf.constant(MASKS["rows without tokens"]))
    assert packing.counts.numpy().tolist() == [2, 2, 1, 1, 1]
    seen: list = []

    def step(carry, elements):
        seen.append([part.numpy().tolist() for part in (*carry, *elements)])
        total = carry[0] + elements[0]
        return [total], [total]

    numbers = tf.reshape(tf.range(30.0), [5, 6, 1])
    tokens = packing.pack(numbers)  # of rows 3 and 1
    assert tokens[:, 0].numpy().tolist() == [18, 6, 19, 7, 20, 21, 22]
    start = packing.sort(tf.zeros([5, 1]))
    [total], [sums] = packing.scan(step, [start], [tokens])
    assert [len(rows) for rows, _ in seen] == [0, 2, 2, 1, 1, 1]  # none to try
    assert packing.unsort(total)[:, 0].numpy().tolist() == [0, 13, 0, 100, 0]
    found = packing.unpack(sums, reverse=False)[..., 0].numpy().tolist()
    assert found[1] == [6, 13, 13, 13, 13, 13]
    assert found[0] == [0] * 6


def test_training_is_not_packed():
    layer = LSTM(4, return_sequences=True, dropout=0.5)
    with packed() as packings:
        layer(X, mask=MASKS["gaps"], training=True)
        layer(X)
    assert packings == []
