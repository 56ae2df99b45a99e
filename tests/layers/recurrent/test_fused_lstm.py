"""One operation for all steps of an LSTM gives what the loop gives."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_layers import draw, states, with_drawn_weights
from gradients import assert_close

from zoo.kernels.single import single, whole
from zoo.layers.padding import PaddingMask
from zoo.layers.pairs import SplitPairs
from zoo.layers.recurrent.backward import BackwardLSTM
from zoo.layers.recurrent.factorized import FactorizedLSTM
from zoo.layers.recurrent.group import GroupLSTM
from zoo.layers.recurrent.lstm import LSTM
from zoo.layers.recurrent.sru import SRU
from zoo.text.vocabulary import END

tf = pytest.importorskip("tensorflow")

pytestmark = pytest.mark.tensorflow

X = draw(0, 1, 5, 6)
FUSED = "BlockLSTMV2"


def operations(layer, *arguments, **options):
    call = tf.function(lambda *args: layer(*args, **options), autograph=False)
    graph = call.get_concrete_function(*arguments).graph
    return {node.type for node in graph.get_operations()}


def lstm(kind=LSTM, **options):
    return with_drawn_weights(kind(4, **options), X.shape)


KINDS: dict = {
    "lstm": (LSTM, {}),
    "backward": (BackwardLSTM, {}),
    "constant forget bias": (LSTM, {"forget_bias": 1.0}),
    "no bias": (LSTM, {"use_bias": False}),
    "factorized": (FactorizedLSTM, {"rank": 2}),
    "grouped": (GroupLSTM, {"groups": 2, "shuffle": True}),
}


@pytest.mark.parametrize("name", KINDS)
def test_outputs_and_states_are_those_of_the_loop(name):
    kind, options = KINDS[name]
    layer = lstm(kind, **options, return_sequences=True, return_state=True)
    start = states(layer, 1)
    with single(5):
        assert FUSED in operations(layer, X, initial_state=start)
        found = layer(X, initial_state=start)
    assert FUSED not in operations(layer, X)
    assert_close(list(found), list(layer(X, initial_state=start)), 1e-6)


def test_a_mask_that_is_known_to_be_whole_is_dropped():
    layer = lstm()
    ids = tf.ones([1, 5], tf.int32)
    with single(5):
        known = whole(tf.ones([1, 5], tf.bool))
        assert FUSED in operations(layer, X, mask=known)
        assert FUSED in operations(layer, X, mask=PaddingMask()(ids))
        # Of another mask nothing is known.
        assert FUSED not in operations(layer, X, mask=ids > 0)


def test_a_row_that_is_divided_has_padding():
    ids = tf.constant([[5, 6, END, 7]])
    with single(4):
        both = SplitPairs()(ids)
        mask = PaddingMask()(both)
    assert both.numpy().tolist() == [[5, 6, 0, 0], [7, 0, 0, 0]]
    assert mask.numpy().tolist() == [[True, True, False, False], [True] + 3 * [False]]


def test_several_rows_keep_their_loop():
    with single(5):
        assert FUSED not in operations(lstm(), np.concatenate([X, X]))


@pytest.mark.parametrize(
    "options",
    [
        {"peepholes": True},
        {"projection": 2},
        {"layer_norm": True},
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {"dtype": "mixed_bfloat16"},
    ],
    ids=str,
)
def test_other_cells_keep_their_loop(options):
    with single(5):
        assert FUSED not in operations(lstm(**options), X)


def test_a_whole_mask_costs_a_scanned_cell_nothing():
    layer = with_drawn_weights(SRU(4, return_sequences=True), X.shape)
    mask = tf.ones([1, 5], tf.bool)

    def loops():
        call = tf.function(lambda: layer(X, mask=mask), autograph=False)
        graph = call.get_concrete_function().graph
        return sum("While" in node.type for node in graph.get_operations())

    expected = layer(X)
    assert loops() == 2  # the second one repeats outputs at masked steps
    with single(5):
        whole(mask)
        assert loops() == 1
        assert_close(layer(X, mask=mask), expected, 1e-6)
