"""Every recurrent cell works in every builder, and a new one needs no line of them."""

from __future__ import annotations

import inspect
import itertools

import keras
import numpy as np
import pytest
from gradients import BACKEND
from keras import ops
from marks import slow_but

import zoo
from zoo import layers
from zoo.kernels.recurrence import multiply
from zoo.layers.recurrent.cell import GatedCell
from zoo.layers.recurrent.layer import RecurrentLayer, make_cell, over
from zoo.models._cells import CELLS, recurrent
from zoo.tasks import Task

SIZES = {"embedding_dim": 8, "units": 8, "rank": 2, "groups": 2, "character_units": 4}
BUILDERS = {
    "lstm": (30, 3),
    "bilstm": (30, 3),
    "bilstm_mt": (30, 3),
    "lstm_lm": (30,),
    "bilstm_tagger": (30, {"tags": Task("tags", ("A", "B"))}),
    "bilstm_crf": (30, {"tags": Task("tags", ("A", "B"))}),
    "seq2seq": (30,),
    "moe_seq2seq": (30,),
    "text_encoder": (30,),
}
every_builder = pytest.mark.parametrize("name", BUILDERS)


def build(name, **options):
    known = zoo.describe(name).keywords
    keras.utils.set_random_seed(0)
    sizes = {key: value for key, value in SIZES.items() if key in known}
    return zoo.get(name, *BUILDERS[name], **{**sizes, **options})


def example(model, rows=2, time=4):
    """Some inputs of a model."""
    generator = np.random.default_rng(0)

    def make(tensor):
        axes = [time if size is None else size for size in tensor.shape[1:]]
        if tensor.dtype == "float32":
            return np.zeros((rows, *axes), "float32")
        return generator.integers(1, 20, (rows, *axes)).astype("int32")

    return keras.tree.map_structure(make, model.input)


def layers_of(model):
    """The recurrent layers of a model, those in both directions too."""
    parts = model._flatten_layers()
    return [part for part in parts if isinstance(part, RecurrentLayer)]


def answers(model, inputs):
    found = keras.tree.flatten(model(inputs, training=False))
    return [ops.convert_to_numpy(each) for each in found]


def test_these_are_all_builders_that_take_a_cell():
    taking = [n for n in zoo.list_models() if "cell" in zoo.describe(n).keywords]
    assert sorted(BUILDERS) == taking


@pytest.mark.parametrize(
    "pair",
    slow_but(
        [*itertools.product(BUILDERS, ["factorized"])],
        itertools.product(BUILDERS, CELLS),
        slow=[*itertools.product(["bilstm"], CELLS)],
    ),
    ids="-".join,
)
def test_every_cell_in_every_builder(pair):
    name, cell = pair
    model = build(name, cell=cell)
    found, kind = layers_of(model), getattr(layers, CELLS[cell])
    assert found and all(isinstance(part, kind) for part in found)
    assert all(np.isfinite(answer).all() for answer in answers(model, example(model)))


@every_builder
def test_an_unknown_cell_is_named(name):
    with pytest.raises(ValueError, match="`cell` must be one of lstm.*Received: cell="):
        build(name, cell="elman")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("lstm_lm", {"cell": "gru", "projection": 4}),
        ("seq2seq", {"cell": "gru", "projection": 4}),
        ("lstm_lm", {"cell": "gru", "forget_bias": 1.0}),
        ("lstm", {"cell": "factorized", "peepholes": True}),
        ("bilstm", {"cell": "group", "peepholes": True}),
    ],
)
def test_what_a_cell_lacks_is_refused(name, options):
    with pytest.raises(ValueError, match=r"`\w+` must be omitted.*Received: \w+="):
        build(name, **options)


@pytest.mark.parametrize("cell", slow_but(["factorized"], CELLS))
def test_a_language_model_reads_in_pieces_with_the_states_of_its_cell(cell):
    model = build("lstm_lm", cell=cell, depth=2, init_scale=0.8)
    first = recurrent(cell, 8, {"rank": 2, "groups": 2}).cell
    assert model.output["state"].shape == (None, 2 * sum(first.state_size))
    assert len(first.state_size) == len(first.STATES)
    inputs = example(model, time=6)
    whole = model(inputs)
    state, parts = inputs["state"], []
    for part in (inputs["tokens"][:, :2], inputs["tokens"][:, 2:]):
        found = model({"tokens": part, "state": state})
        state = ops.convert_to_numpy(found["state"])
        parts.append(ops.convert_to_numpy(found["logits"]))
    logits = ops.convert_to_numpy(whole["logits"])
    np.testing.assert_allclose(np.concatenate(parts, 1), logits, rtol=1e-4, atol=1e-5)
    end = ops.convert_to_numpy(whole["state"])
    np.testing.assert_allclose(state, end, rtol=1e-4, atol=1e-5)
    assert np.ptp(logits[:, 0], axis=0).max() > 1e-3


@pytest.mark.parametrize(
    ("name", "base"), [("flstm", "bilstm"), ("glstm_lm", "lstm_lm")]
)
def test_a_variant_is_its_base_with_that_cell(name, base):
    cell = {"flstm": "factorized", "glstm_lm": "group"}[name]
    known = zoo.describe(name).keywords
    sizes = {key: value for key, value in SIZES.items() if key in known}
    keras.utils.set_random_seed(0)
    model = zoo.get(name, *BUILDERS[base], **sizes)
    assert model.name == name and model.get_config()["name"] == name
    more = {"forget_bias": 1.0} if base == "lstm_lm" else {}
    same = build(base, cell=cell, **more)
    assert [w.path for w in model.weights] == [w.path for w in same.weights]
    inputs = example(model)
    for one, other in zip(answers(model, inputs), answers(same, inputs), strict=True):
        np.testing.assert_array_equal(one, other)


class TanhCell(GatedCell):
    """`h_t = tanh(x_t W + h_{t-1} U)`: one gate, no cell state, nothing else."""

    GATES = ("state",)
    ARGUMENTS = ("units", *GatedCell.OPTIONS)

    def weight_shapes(self, input_dim):
        n = self.units
        return {"kernel": (input_dim, n), "recurrent_kernel": (n, n)}

    def hoist(self, x, joint=False):
        return ops.matmul(x, self.weight("kernel"))

    def step_weights(self, joint=False):
        return self.weight("recurrent_kernel")

    def affine(self, x, h, weights):
        return x + multiply(ops.cast(h, x.dtype), weights)

    def pointwise(self, a, state, weights):
        return (self.activation(ops.cast(a, state.dtype)),)


@over(TanhCell)
class TanhLayer(RecurrentLayer):
    def __init__(self, units: int, **options) -> None:
        super().__init__(make_cell(TanhCell, {"units": units}, options), **options)


@pytest.fixture
def tanh(monkeypatch):
    """A cell of a user: one class above, and this word."""
    monkeypatch.setattr(layers, "TanhLayer", TanhLayer, raising=False)
    monkeypatch.setitem(CELLS, "tanh", "TanhLayer")


@every_builder
def test_a_new_cell_is_a_file_and_a_word(name, tanh):
    model = build(name, cell="tanh")
    assert all(isinstance(part, TanhLayer) for part in layers_of(model))
    assert all(np.isfinite(answer).all() for answer in answers(model, example(model)))


def test_a_new_cell_follows_its_equations_and_trains(tanh):
    layer = recurrent("tanh", 3, {"rank": 2}, return_sequences=True)
    x = np.random.default_rng(1).normal(size=(2, 4, 5)).astype("float32")
    found = ops.convert_to_numpy(layer(x))
    W, U = (ops.convert_to_numpy(weight) for weight in layer.weights)
    h = np.zeros((2, 3))
    for step in range(4):
        h = np.tanh(x[:, step] @ W + h @ U)
        np.testing.assert_allclose(found[:, step], h, rtol=1e-4, atol=1e-5)
    plain = keras.layers.SimpleRNN(3, use_bias=False, return_sequences=True)
    plain.build(x.shape)
    plain.set_weights(layer.get_weights())
    moved = []
    for each in (layer, plain):
        inputs = keras.Input((None, 5))
        model = keras.Model(inputs, each(inputs))
        model.compile(keras.optimizers.SGD(0.5), "mse", jit_compile=BACKEND == "jax")
        model.fit(x, np.ones((2, 4, 3)), verbose=0)
        moved.append(each.get_weights())
    for one, other in zip(*moved, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_the_words_are_layers_of_the_zoo_whose_units_come_first():
    for word, name in CELLS.items():
        parameters = inspect.signature(getattr(layers, name)).parameters
        assert next(iter(parameters)) == "units", word
        assert name in layers.__all__


def test_a_classifier_reads_the_states_of_the_layer_before():
    sizes = {"embedding_dim": 8, "units": 4, "embedding_dropout": 0.0}
    deep = zoo.get("bilstm", 9, ["bad", "good"], cell="sru", depth=2, **sizes)
    ids = np.array([[3, 4, 5, 0], [6, 7, 0, 0]])
    shallow = keras.Model(deep.input, deep.get_layer("states_1").output)
    mask = ops.convert_to_tensor(ids > 0)
    both = deep.get_layer("bidirectional_2")(shallow(ids), mask=mask)
    seen = ops.where(mask[..., None], ops.concatenate(both, axis=-1), -np.inf)
    expected = deep.get_layer("head_label")(ops.max(seen, axis=1))
    np.testing.assert_allclose(deep(ids)["label"], expected, atol=1e-6)
    with pytest.raises(ValueError, match="`depth` must be at least 1"):
        zoo.get("bilstm", 9, ["bad", "good"], depth=0)
