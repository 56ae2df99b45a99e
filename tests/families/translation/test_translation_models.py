"""Translation models: shapes, padding, causality, gradients, a step at a time."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from marks import slow_but
from translated_toys import ROWS, VOCABULARY, build, ids, row_id

import zoo
from zoo.models.decoder import STATES, Decoder, Memory, encoder_of

every_row = pytest.mark.parametrize("row", slow_but(ROWS[1:2], ROWS), ids=row_id)
CLOSE = {"rtol": 1e-4, "atol": 2e-5}


@pytest.fixture(autouse=True)
def float32():
    yield
    keras.config.set_dtype_policy("float32")


def run(model, source, target) -> np.ndarray:
    found = model({"source": source, "target": target}, training=False)
    return ops.convert_to_numpy(found)


def test_every_model_is_here():
    assert {name for name, _ in ROWS} == set(zoo.list_models(task="translation"))


@every_row
def test_padding_the_batch_and_what_comes_later_change_nothing(row):
    model = build(row)
    lengths = [(5, 4), (1, 1), (3, 6)]
    source, target = (ids(part, seed) for seed, part in enumerate(zip(*lengths)))
    expected = run(model, source, target)
    assert expected.shape == (3, 6, VOCABULARY) and expected.dtype == "float32"
    padded = run(model, *(np.pad(part, [[0, 0], [0, 7]]) for part in (source, target)))
    alone = run(model, source[[2], :3], target[[2], :6])
    np.testing.assert_allclose(alone[0], expected[2], **CLOSE)
    for place, (_, written) in enumerate(lengths):
        real = expected[place, :written]
        np.testing.assert_allclose(padded[place, :written], real, **CLOSE)
    later = target.copy()
    later[:, 3:] = ids([6, 6, 6], seed=9)[:, 3:]
    np.testing.assert_allclose(run(model, source, later)[:, :3], expected[:, :3])
    other = run(model, ids([5, 1, 3], seed=7), target)  # it does read the source
    assert np.abs(other - expected)[:, 0].max() > 1e-4


@pytest.mark.slow
@every_row
def test_the_steps_of_a_search_are_the_logits_of_the_whole(row):
    model, beam = build(row), 2
    source, target = ids([5, 2, 1]), ids([3] * 6, seed=1)  # two targets a source
    expected = run(model, np.repeat(source, beam, axis=0), target)
    seen = encoder_of(model)(source)
    decoder = Decoder.of(model)
    keys = decoder.attention.prepare(seen["memory"], seen["mask"])
    memory = Memory(seen["memory"], seen["mask"], keys)
    names = [name for name in STATES if name in seen]
    first = [np.repeat(ops.convert_to_numpy(seen[name]), beam, 0) for name in names]
    states = [first, *decoder.zero_states(len(target))]
    for step in range(target.shape[1]):
        logits, states, weights = decoder.step(target[:, step], states, memory)
        found = ops.convert_to_numpy(logits)
        np.testing.assert_allclose(found, expected[:, step], **CLOSE)
        weights = ops.convert_to_numpy(weights)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=1e-5)
        assert not weights[np.repeat(source, beam, axis=0) == 0].any()
    assert np.ptp(expected[:, 0], axis=0).max() > 1e-4  # the rows do differ


@pytest.mark.tensorflow
@pytest.mark.parametrize("row", [ROWS[1], ROWS[4]], ids=row_id)
def test_every_weight_gets_a_gradient(row):
    import tensorflow as tf

    model = build(row, VOCABULARY, VOCABULARY, dropout=0.0)
    inputs = {"source": ids([5, 3, 6, 4] * 6), "target": ids([4, 5, 6, 3] * 6, seed=1)}
    with tf.GradientTape() as tape:
        logits = model(inputs, training=True)
        loss = tf.reduce_mean(logits[:, :3] * tf.random.normal([24, 3, VOCABULARY]))
        loss += sum(model.losses)
    values = [variable.value for variable in model.trainable_variables]
    found = tape.gradient(loss, values)
    for variable, gradient in zip(model.trainable_variables, found, strict=True):
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(gradient).all() and gradient.any(), variable.path


@pytest.mark.slow
def test_one_vocabulary_or_two():
    def names(*sizes, **options):
        model = build(ROWS[3], *sizes, **options)
        assert model.output.shape[-1] == sizes[-1]
        return {layer.name for layer in model.layers}

    tables = {"source_embedding", "target_embedding"}
    assert not tables & names(9)
    assert tables & names(9, 7) == {"source_embedding"}
    assert tables & names(9, tied=False) == {"target_embedding"}
    assert tables & names(9, 7, tied=False) == tables


def test_experts_cost_as_much_as_the_layers_of_the_wider_model():
    def macs(model):
        """Multiplications of a source and a target token, by the weights' shapes."""
        total = 0
        for weight in model.trainable_weights:
            shape, place = weight.shape, weight.path
            if "experts" in place and len(shape) == 3:
                total += 2 * int(np.prod(shape[1:]))  # k of them
            elif "kernel" in place and len(shape) == 2 and "gate" not in place:
                total += int(np.prod(shape))
        return total

    plain = zoo.get("seq2seq", 100, encoder_depth=3, decoder_depth=3)
    assert macs(zoo.get("moe_seq2seq", 100)) == macs(plain)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("seq2seq", {"cell": "elman"}, "`cell` must be one of lstm.*'elman'"),
        ("seq2seq", {"attention": "dot"}, "`attention` must be one of.*'dot'"),
        ("seq2seq", {"decoder_depth": 0}, "`decoder_depth` must be at least 1.*0"),
        ("moe_seq2seq", {"encoder_depth": 1}, "`encoder_depth` must be at least 2"),
        ("seq2seq", {"heads": 2}, "`heads` is not an argument"),
    ],
)
def test_wrong_arguments(name, options, said):
    with pytest.raises(ValueError, match=said):
        zoo.get(name, 20, **options)
