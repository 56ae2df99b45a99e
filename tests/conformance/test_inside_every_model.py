"""Every registered model says which experts its tokens go to, if it has any."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from gradients import BACKEND
from keras import ops
from marks import slow_but
from subjects import subject_of
from test_every_family import ROWS

import zoo
from zoo.families.cutting import ATTENTION, EXPERTS, POOLING, cut, has

QUICK = ["moe_classifier"]
MODELS = [n for n in zoo.list_models() if "num_experts" in zoo.describe(n).keywords]
every_model = pytest.mark.parametrize("name", slow_but(QUICK, MODELS))
if BACKEND == "jax":  # compiles each shape
    every_model = pytest.mark.parametrize("name", slow_but(QUICK, QUICK))


def drawn(model):
    """The model with gates that tell tokens apart; they begin at zero."""
    for place, weight in enumerate(model.weights):
        if "gate/" in weight.path:
            weight.assign(keras.random.normal(weight.shape, seed=place))
    return model


def chosen(subject, model, rows, more=0) -> list[dict]:
    """Of each row, by layer the gates of all its experts, `[places, experts]`."""
    inside = cut(model, EXPERTS)
    found = inside.model.predict_on_batch(subject.inputs(model, rows, more))
    answers = []
    for place, row in enumerate(rows):
        spread = {}
        for call in inside.calls:
            size = call.fixed if call.along is None else len(row)
            experts, gates = (found[call.name][n][place] for n in ("experts", "gates"))
            ones = np.eye(call.layer.num_experts + 1)[experts]
            spread[call.name] = (ones * gates[..., None]).sum(axis=-2)[:size, :-1]
            assert not gates[size:].any()  # padding goes nowhere
        answers.append(spread)
    return answers


@every_model
def test_the_gates_of_a_token_sum_to_one(name):
    subject = subject_of(name)
    model = drawn(subject.build(name))
    found = chosen(subject, model, ROWS)
    layer = cut(model, EXPERTS).calls[0].layer
    most = layer.k ** (2 if layer.groups else 1)
    for answer in found:
        assert answer
        for gates in answer.values():
            np.testing.assert_allclose(gates.sum(axis=-1), 1.0, rtol=1e-5)
            assert ((gates > 0).sum(axis=-1) <= most).all()
    padded = chosen(subject, model, ROWS, more=9)
    alone = [chosen(subject, model, [row])[0] for row in ROWS]
    for others in (padded, alone):
        for one, other in zip(found, others, strict=True):
            for layer, gates in one.items():
                np.testing.assert_allclose(gates, other[layer], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", zoo.list_models())
def test_which_models_have_experts_and_attention(name):
    model = subject_of(name).build(name)
    assert has(model, EXPERTS) == (name in MODELS)
    translates = zoo.describe(name).family == "translation"
    assert has(model, ATTENTION) == translates and not has(model, POOLING)


def test_the_weights_are_those_of_the_model():
    """The cut model has no weights of its own, and changes with those of the model."""
    subject = subject_of("moe_classifier")
    model = subject.build("moe_classifier", pooling="attention")
    inside = cut(model, POOLING)
    given = subject.inputs(model, ROWS)
    before = ops.convert_to_numpy(inside.model(given)["features"])
    for weight in model.weights:
        if "query" in weight.path:
            weight.assign(weight * 50.0)
    after = ops.convert_to_numpy(inside.model(given)["features"])
    assert np.abs(before - after).max() > 1e-3
    assert {id(w) for w in inside.model.weights} <= {id(w) for w in model.weights}
