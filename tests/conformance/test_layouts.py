"""The layout of the weights of every registered model over several devices."""

from __future__ import annotations

import keras
import pytest
from marks import slow_but
from subjects import subject_of

import zoo
from zoo.training.distributed.layouts import layout

QUICK = ["text_cnn", "glstm_lm", "moe_lm_h", "seq2seq"]


def places(name: str, parts: int = 2, **options):
    """Axis and reason of each weight, by its path."""
    model = subject_of(name).build(name, **options)
    found = layout(model, parts)
    assert len(found) == len(model.weights)
    for placed in found:
        if placed.axis is not None:
            assert placed.variable.shape[placed.axis] % parts == 0
            assert placed.axes("model").count("model") == 1
    return {placed.variable.path: (placed.axis, placed.reason) for placed in found}


@pytest.mark.parametrize("name", slow_but(QUICK, zoo.list_models()))
def test_every_weight_has_a_rule(name):
    """A weight that no device shares is one that a rule keeps, or that is not even."""
    for path, (axis, reason) in places(name).items():
        assert not reason.startswith("no rule"), (path, reason)
        assert (axis is None) == bool(reason)
        table = path.endswith("/embeddings") or path.startswith("softmax/kernel")
        if table:
            assert axis in (0, 1), path


def test_experts_words_and_the_gates_of_groups_are_split():
    found = places("moe_lm_h", 2, num_experts=6, groups=2)
    split = {path for path, (axis, _) in found.items() if axis == 0}
    assert split == {
        "embedding/embeddings",
        "experts/kernel_0",
        "experts/kernel_1",
        "experts/gate/group_kernel",
        "experts/gate/group_noise_kernel",
        "softmax/kernel",
        "softmax/bias",
    }
    assert found["experts/gate/kernel"] == (None, "by rule")


def test_groups_of_lstms_are_split_and_other_cells_are_whole():
    group, plain = (places(n) for n in ("glstm_lm", "lstm_lm"))
    cells = [path for path in group if path.endswith(("/kernel", "recurrent_kernel"))]
    cells.remove("softmax/kernel")
    assert len(cells) == 4 and {group[path] for path in cells} == {(0, "")}
    assert {plain[path] for path in plain if "lstm" in path} == {(None, "by rule")}


def test_what_is_not_even_is_split_by_width_or_whole():
    found = places("moe_lm", 4)  # 40 words, 6 experts
    assert found["embedding/embeddings"] == (0, "")
    assert found["experts/kernel_0"] == (None, "4 parts do not divide 6")
    found = places("moe_lm", 3)
    assert found["embedding/embeddings"] == (1, "")  # 6 wide
    assert found["softmax/bias"] == (None, "3 parts do not divide 40")


def test_a_layer_of_ones_own_is_whole_and_says_so():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.PReLU()(inputs))
    [placed] = layout(model, 2)
    assert (placed.axis, placed.reason) == (None, "no rule for PReLU")
