"""The CRF against sums over all paths in NumPy, and as a layer of a model."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from gradients import BACKEND, MODES, assert_close, value_and_gradients
from keras import ops

from zoo.layers import PaddingMask
from zoo.layers.crf import (
    CRF,
    CRFLoss,
    crf_decode,
    crf_log_likelihood,
    crf_log_norm,
    crf_marginals,
)

LENGTHS = (4, 1, 3, 0)
NAMES = ("emissions", "transitions", "start", "end")
# What is quickest; JAX compiles every loop anew in eager calls.
QUICK = "eager" if BACKEND == "tensorflow" else "xla"


def problem(tags=3, lengths=LENGTHS, time=5, seed=0, scale=2.0):
    """Random scores by name, tag ids and mask; -1 and junk stand at padding."""
    generator = np.random.default_rng(seed)
    shapes = ((len(lengths), time, tags), (tags, tags), (tags,), (tags,))
    given = {
        name: scale * generator.normal(size=shape).astype("float32")
        for name, shape in zip(NAMES, shapes)
    }
    mask = np.arange(time) < np.array(lengths)[:, None]
    ids = np.where(mask, generator.integers(tags, size=mask.shape), -1).astype("int32")
    return given, ids, mask


def paths(emissions, transitions, start, end):
    """All paths of one row without padding, and their scores in float64."""
    length, tags = emissions.shape
    found = list(itertools.product(range(tags), repeat=length))
    scores = []
    for path in found:
        score = sum(float(emissions[t, tag]) for t, tag in enumerate(path))
        score += sum(float(transitions[pair]) for pair in itertools.pairwise(path))
        if path:
            score += float(start[path[0]]) + float(end[path[-1]])
        scores.append(score)
    return found, np.array(scores)


def rows(given, mask):
    """`paths` of every row."""
    for emissions, real in zip(given["emissions"], mask):
        rest = [given[name] for name in NAMES[1:]]
        yield paths(emissions[: real.sum()], *rest)


def log_sum(scores):
    return scores.max() + np.log(np.exp(scores - scores.max()).sum())


def call(function, given, mask, *ids):
    return function(
        given["emissions"],
        *ids,
        given["transitions"],
        mask,
        start=given["start"],
        end=given["end"],
    )


def compiled(function, mode="graph"):
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=mode == "xla")
    import jax

    return jax.jit(function)


def numpy(*tensors):
    arrays = tuple(ops.convert_to_numpy(tensor) for tensor in tensors)
    return arrays if len(arrays) > 1 else arrays[0]


# --- against all paths ------------------------------------------------------------


@pytest.mark.parametrize("tags", [1, 4])
def test_norm_likelihood_viterbi_and_marginals_are_those_of_all_paths(tags):
    given, ids, mask = problem(tags)
    norm = numpy(call(crf_log_norm, given, mask))
    likelihood = numpy(call(crf_log_likelihood, given, mask, ids))
    best, score = numpy(*call(crf_decode, given, mask))
    marginals = numpy(call(crf_marginals, given, mask))
    assert norm.dtype == likelihood.dtype == score.dtype == marginals.dtype == "float32"
    assert best.dtype == "int32"
    for row, (found, scores) in enumerate(rows(given, mask)):
        length = mask[row].sum()
        np.testing.assert_allclose(norm[row], log_sum(scores), rtol=1e-5, atol=1e-5)
        mine = found.index(tuple(ids[row, :length].tolist()))
        expected = scores[mine] - log_sum(scores)
        np.testing.assert_allclose(likelihood[row], expected, rtol=1e-5, atol=1e-5)
        assert best[row].tolist() == [*found[scores.argmax()], *[0] * (5 - length)]
        np.testing.assert_allclose(score[row], scores.max(), rtol=1e-5, atol=1e-5)
        chance = np.exp(scores - log_sum(scores))
        for t, tag in itertools.product(range(length), range(tags)):
            expected = sum(c for c, path in zip(chance, found) if path[t] == tag)
            np.testing.assert_allclose(marginals[row, t, tag], expected, atol=1e-5)
        assert not marginals[row, length:].any()


def test_probabilities_of_all_paths_sum_to_one():
    given, _, _ = problem(3, (4,), 4)
    ids = np.array(list(itertools.product(range(3), repeat=4)))
    given["emissions"] = np.repeat(given["emissions"], len(ids), axis=0)
    likelihood = numpy(call(crf_log_likelihood, given, None, ids))
    np.testing.assert_allclose(np.exp(likelihood).sum(), 1.0, rtol=1e-5)


def test_without_transitions_it_is_a_softmax_a_step():
    given, ids, mask = problem(4)
    zeros = np.zeros((4, 4), "float32")
    likelihood = numpy(crf_log_likelihood(given["emissions"], ids, zeros, mask))
    softmax = numpy(ops.log_softmax(given["emissions"]))
    chosen = np.take_along_axis(softmax, np.where(mask, ids, 0)[..., None], 2)[..., 0]
    expected = np.where(mask, chosen, 0.0).sum(axis=1)
    np.testing.assert_allclose(likelihood, expected, rtol=1e-5, atol=1e-5)


def test_results_of_tensorflow_addons():
    """Those of `tfa.text` 0.23, whose environment is not this one."""
    emissions = 2 * np.sin(np.arange(36)).reshape(3, 4, 3)
    transitions = np.cos(np.arange(9)).reshape(3, 3)
    ids = (np.arange(12) % 3).reshape(3, 4)
    mask = np.arange(4) < np.array([[4], [1], [2]])
    for result, expected in (
        (
            crf_log_likelihood(emissions, ids, transitions, mask),
            [-4.415566444396973, -1.4532727003097534, -0.26108264923095703],
        ),
        (
            crf_log_norm(emissions, transitions, mask),
            [7.489049911499023, 2.293606758117676, 4.659121513366699],
        ),
        (
            crf_decode(emissions, transitions, mask)[0],
            [[2, 0, 2, 0], [2, 0, 0, 0], [2, 0, 0, 0]],
        ),
        (
            crf_decode(emissions, transitions, mask)[1],
            [6.407981872558594, 1.9812147617340088, 4.398038864135742],
        ),
    ):
        np.testing.assert_allclose(numpy(result), expected, rtol=2e-6)


# --- padding ----------------------------------------------------------------------


@pytest.mark.parametrize("garbage", [1e30, np.nan])
def test_padding_changes_nothing_and_is_never_read(garbage):
    given, ids, mask = problem(3)
    wide = np.full((4, 9, 3), np.float32(garbage))
    wide[:, :5] = np.where(mask[..., None], given["emissions"], np.float32(garbage))
    padded = {**given, "emissions": wide}
    more = ((0, 0), (0, 4))
    wide_mask, wide_ids = np.pad(mask, more), np.pad(ids, more, constant_values=99)
    for function, arguments in (
        (crf_log_norm, [()] * 2),
        (crf_log_likelihood, [(ids,), (wide_ids,)]),
        (crf_decode, [()] * 2),
        (crf_marginals, [()] * 2),
    ):
        few = call(function, given, mask, *arguments[0])
        many = call(function, padded, wide_mask, *arguments[1])
        for a, b in zip(keras.tree.flatten(few), keras.tree.flatten(many)):
            a, b = numpy(a, b)
            np.testing.assert_allclose(b[:, :5] if b.ndim > 1 else b, a, rtol=1e-6)
            if b.ndim > 1:
                assert not b[:, 5:].any()

    def loss(values):
        return ops.sum(call(crf_log_likelihood, values, wide_mask, wide_ids))

    _, gradients = value_and_gradients(loss, padded, QUICK)
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())
    assert not gradients["emissions"][~wide_mask].any()


def test_rows_without_steps_and_single_steps_are_safe():
    given, ids, mask = problem(3, (0, 0), 1)
    assert not numpy(call(crf_log_likelihood, given, mask, ids)).any()
    tags, score = numpy(*call(crf_decode, given, mask))
    assert not tags.any() and not score.any()
    _, gradients = value_and_gradients(
        lambda values: ops.sum(call(crf_log_likelihood, values, mask, ids)),
        given,
        QUICK,
    )
    assert not any(gradient.any() for gradient in gradients.values())
    given, ids, mask = problem(3, (1, 1), 1)
    total = given["emissions"][:, 0] + given["start"] + given["end"]
    expected = numpy(ops.log_softmax(total))[np.arange(2), ids[:, 0]]
    likelihood = numpy(call(crf_log_likelihood, given, mask, ids))
    np.testing.assert_allclose(likelihood, expected, rtol=1e-5)
    assert numpy(call(crf_decode, given, mask)[0])[:, 0].tolist() == [
        *total.argmax(axis=1)
    ]


def test_long_rows_keep_their_precision():
    given, _, mask = problem(5, (2000,), 2000, scale=4.0)
    alpha = given["start"].astype("float64") + given["emissions"][0, 0]
    for emission in given["emissions"][0, 1:]:
        moved = alpha[:, None] + given["transitions"]
        alpha = np.apply_along_axis(log_sum, 0, moved) + emission
    expected = log_sum(alpha + given["end"])
    norm = numpy(compiled(lambda: call(crf_log_norm, given, mask))())
    np.testing.assert_allclose(norm[0], expected, rtol=1e-6)
    tags, score = numpy(*compiled(lambda: call(crf_decode, given, mask))())
    path = given["emissions"][0, np.arange(2000), tags[0]].sum(dtype="float64")
    path += given["transitions"][tags[0, :-1], tags[0, 1:]].sum(dtype="float64")
    path += given["start"][tags[0, 0]] + given["end"][tags[0, -1]]
    np.testing.assert_allclose(score[0], path, rtol=1e-6)
    marginals = numpy(compiled(lambda: call(crf_marginals, given, mask))())
    np.testing.assert_allclose(marginals.sum(axis=2), 1.0, atol=1e-4)


# --- gradients --------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES if BACKEND == "tensorflow" else ["xla"])
def test_gradients_are_finite_differences(mode):
    given, ids, mask = problem(3, scale=1.0)
    weights = np.array([1.0, -0.5, 2.0, 3.0], "float32")

    def loss(values):
        return ops.sum(weights * call(crf_log_likelihood, values, mask, ids))

    _, gradients = value_and_gradients(loss, given, mode)
    step = 0.05
    for name, gradient in gradients.items():
        expected = np.zeros_like(gradient)
        for place in np.ndindex(gradient.shape):
            sides = []
            for sign in (1, -1):
                moved = {k: v.astype("float64") for k, v in given.items()}
                moved[name][place] += sign * step
                sides.append(weights @ reference_likelihood(moved, ids, mask))
            expected[place] = (sides[0] - sides[1]) / (2 * step)
        assert_close(gradient, expected, 2e-3)


def reference_likelihood(given, ids, mask):
    result = []
    for row, (found, scores) in enumerate(rows(given, mask)):
        mine = found.index(tuple(ids[row, : mask[row].sum()].tolist()))
        result.append(scores[mine] - log_sum(scores))
    return np.array(result)


@pytest.mark.parametrize("mode", MODES[-1:])
def test_gradient_is_what_was_seen_less_what_was_expected(mode):
    given, ids, mask = problem(3, scale=1.0)
    _, gradients = value_and_gradients(
        lambda values: ops.sum(call(crf_log_likelihood, values, mask, ids)), given, mode
    )
    seen = np.eye(3)[np.where(mask, ids, 0)] * mask[..., None]
    marginals = numpy(call(crf_marginals, given, mask))
    np.testing.assert_allclose(gradients["emissions"], seen - marginals, atol=1e-5)
    pairs = np.zeros((3, 3))
    for row, (found, scores) in enumerate(rows(given, mask)):
        mine = tuple(ids[row, : mask[row].sum()].tolist())
        for path, chance in zip(found, np.exp(scores - log_sum(scores))):
            for pair in itertools.pairwise(path):
                pairs[pair] += (path == mine) - chance
    np.testing.assert_allclose(gradients["transitions"], pairs, atol=1e-5)


@pytest.mark.parametrize("mode", MODES[1:])
def test_compiled_results_are_the_eager_ones(mode):
    given, ids, mask = problem(3)

    def everything(values, ids, mask):
        score = call(crf_log_likelihood, values, mask, ids)
        return score, *call(crf_decode, values, mask), call(crf_marginals, values, mask)

    values = keras.tree.map_structure(ops.convert_to_tensor, (given, ids, mask))
    for a, b in zip(everything(*values), compiled(everything, mode)(*values)):
        np.testing.assert_allclose(*numpy(a, b), rtol=1e-5, atol=1e-5)


# --- constraints ------------------------------------------------------------------


def constrained(tags=4, seed=0, **options):
    """A layer with random constraints that permit some path of every length."""
    generator = np.random.default_rng(seed)
    allowed = {
        "allowed_transitions": generator.random((tags, tags)) < 0.5,
        "allowed_starts": generator.random(tags) < 0.5,
        "allowed_ends": generator.random(tags) < 0.5,
    }
    allowed["allowed_transitions"][0, 0] = True
    allowed["allowed_starts"][0] = allowed["allowed_ends"][0] = True
    return CRF(tags, **allowed, **options), allowed


@pytest.mark.parametrize("use_boundary", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_decode_never_breaks_a_constraint(use_boundary, scale):
    for seed in range(2):
        layer, allowed = constrained(seed=seed, use_boundary=use_boundary)
        given, _, mask = problem(4, (20, 1, 7, 0), 20, seed, scale)
        layer.build((None, None, 4))
        # Weights cannot buy what is forbidden.
        layer.set_weights([scale * np.ones(w.shape) for w in layer.weights])
        tags = numpy(layer.decode(given["emissions"], mask)[0])
        marginals = numpy(layer.marginals(given["emissions"], mask))
        for row, real in zip(tags, mask):
            path = row[real].tolist()
            assert not row[~real].any()
            if path:
                assert allowed["allowed_starts"][path[0]]
                assert allowed["allowed_ends"][path[-1]]
            for pair in itertools.pairwise(path):
                assert allowed["allowed_transitions"][pair]
        assert not marginals[:3, 0, ~allowed["allowed_starts"]].any()
        assert not marginals[0, 19, ~allowed["allowed_ends"]].any()


def test_constraints_take_their_share_from_the_norm_and_nothing_is_infinite():
    layer, allowed = constrained(3, use_boundary=True)
    given, ids, mask = problem(3)
    layer.build((None, None, 3))
    layer.set_weights([given[name] for name in ("transitions", "start", "end")])
    norm = numpy(layer.log_norm(given["emissions"], mask))
    for row, (found, scores) in enumerate(rows(given, mask)):
        kept = [score for path, score in zip(found, scores) if permits(allowed, path)]
        expected = log_sum(np.array(kept))
        np.testing.assert_allclose(norm[row], expected, rtol=1e-5, atol=1e-5)
    # The random paths break constraints: a very low but finite likelihood.
    value, gradient = value_and_gradients(
        lambda e: ops.sum(layer.log_likelihood(e, ids, mask)),
        given["emissions"],
        QUICK,
    )
    assert -1e10 < value < -1e8
    assert np.isfinite(gradient).all() and np.abs(gradient).max() <= 1.0 + 1e-5


def permits(allowed, path):
    if not path:
        return True
    return (
        allowed["allowed_starts"][path[0]]
        and allowed["allowed_ends"][path[-1]]
        and all(allowed["allowed_transitions"][p] for p in itertools.pairwise(path))
    )


# --- layer and model --------------------------------------------------------------


def test_the_layer_equals_the_functions():
    given, ids, mask = problem(3)
    layer = CRF(3, use_boundary=True)
    logits = layer(given["emissions"], mask=mask)
    assert layer.count_params() == 3 * 3 + 3 + 3
    layer.set_weights([given[name] for name in ("transitions", "start", "end")])
    np.testing.assert_array_equal(numpy(logits), given["emissions"])
    expected = numpy(call(crf_log_likelihood, given, mask, ids))
    np.testing.assert_array_equal(
        numpy(layer.log_likelihood(logits, ids, mask)), expected
    )
    np.testing.assert_array_equal(numpy(layer(logits, ids, mask=mask)), -expected)
    for mine, theirs in (
        (layer.log_norm, crf_log_norm),
        (layer.marginals, crf_marginals),
    ):
        np.testing.assert_array_equal(
            *numpy(mine(logits, mask), call(theirs, given, mask))
        )
    for a, b in zip(layer.decode(logits, mask), call(crf_decode, given, mask)):
        np.testing.assert_array_equal(*numpy(a, b))


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_arithmetic_is_float32_under_every_policy(dtype):
    given, ids, mask = problem(3)
    layer, full = CRF(3, dtype=dtype), CRF(3)
    assert layer(given["emissions"]).dtype == full(given["emissions"]).dtype
    for crf in (layer, full):
        crf.set_weights([given["transitions"]])
    losses = [crf(given["emissions"], ids, mask=mask) for crf in (layer, full)]
    np.testing.assert_array_equal(*numpy(*losses))


def tagger(**options):
    """A model of logits, the same with the loss as its output, and its CRF."""
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    tags = keras.Input((None,), dtype="int32", name="tags")
    mask = PaddingMask()(tokens)
    crf = CRF(3, name="crf", **options)
    emissions = keras.layers.Dense(3)(keras.layers.Embedding(7, 8)(tokens))
    model = keras.Model(tokens, crf(emissions, mask=mask))
    trained = keras.Model([tokens, tags], crf(emissions, tags, mask=mask))
    return model, trained, crf


def alternating(rows=64, time=6, seed=0):
    """Texts of one word, whose tags alternate: only transitions can tell them."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(1, time + 1, size=rows)
    mask = np.arange(time) < lengths[:, None]
    tags = (np.arange(time) + generator.integers(2, size=(rows, 1))) % 2 + 1
    first = np.arange(time) == 0
    tokens = np.where(first, tags, 3)  # the first word tells the first tag
    return np.where(mask, tokens, 0), np.where(mask, tags, 0), mask


@pytest.mark.slow
@pytest.mark.parametrize("jit", [False, True][BACKEND == "jax" :])
def test_a_model_trains_by_compile_and_fit_and_its_twin_decodes(jit):
    model, trained, crf = tagger(use_boundary=True)
    assert tuple(model.output.shape) == (None, None, 3)
    assert keras.backend.standardize_dtype(model.output.dtype) == "float32"
    tokens, tags, mask = alternating()
    trained.compile(keras.optimizers.Adam(0.3), loss=CRFLoss(), jit_compile=jit)
    weights = np.ones(64)
    weights[:3] = 0.0  # rows of no weight carry tags that make no sense
    tags_given = np.where(weights[:, None] > 0, tags, 2)
    history = trained.fit(
        [tokens, tags_given],
        tags_given,
        sample_weight=weights,
        batch_size=64,
        epochs=20,
        verbose=0,
    )
    assert history.history["loss"][-1] < 0.1 < history.history["loss"][0]
    found, _ = crf.decode(model(tokens), mask)
    np.testing.assert_array_equal(numpy(found), tags)


def test_its_loss_stands_beside_that_of_another_task_whose_labels_may_be_missing():
    _, trained, _ = tagger()
    tokens, tags, _ = alternating()
    nll = trained.output
    first = keras.layers.Dense(1)(ops.expand_dims(nll, -1))
    both = keras.Model(trained.inputs, {"tags": nll, "other": first})
    both.compile(
        "sgd",
        loss={"tags": CRFLoss(), "other": "mse"},
        loss_weights={"tags": 1.0, "other": 0.0},
        jit_compile=BACKEND == "jax",
    )
    weights = np.arange(64) % 2
    targets = {"tags": tags, "other": np.zeros((64, 1))}
    expected = numpy(trained([tokens, tags]))[weights == 1].mean()
    result = both.evaluate(
        [tokens, tags],
        targets,
        sample_weight={"tags": weights, "other": weights},
        batch_size=64,
        verbose=0,
        return_dict=True,
    )
    np.testing.assert_allclose(result["loss"], expected, rtol=1e-5)


def test_a_saved_model_decodes_alike(tmp_path):
    allowed = np.array([[True, True, False], [True, True, True], [True, False, True]])
    model, trained, crf = tagger(
        use_boundary=True,
        allowed_transitions=allowed,
        allowed_starts=allowed[0],
        transition_initializer="glorot_uniform",
        transition_regularizer="l2",
    )
    tokens, tags, mask = alternating()
    for kind in (model, trained):
        kind.save(tmp_path / "model.keras")
        again = keras.saving.load_model(tmp_path / "model.keras")
        inputs = tokens if kind is model else [tokens, tags]
        np.testing.assert_array_equal(*numpy(kind(inputs), again(inputs)))
        twin = again.get_layer("crf")
        assert twin.get_config() == crf.get_config()
        logits = model(tokens)
        for a, b in zip(crf.decode(logits, mask), twin.decode(logits, mask)):
            np.testing.assert_array_equal(*numpy(a, b))
    loss = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(CRFLoss())
    )
    assert isinstance(loss, CRFLoss)


@pytest.mark.tensorflow
def test_a_signature_decodes(tmp_path):
    import tensorflow as tf

    model, _, crf = tagger(allowed_starts=[True, True, False])
    tokens, _, mask = alternating()

    def tag(tokens):
        return crf.decode(model(tokens), tf.not_equal(tokens, 0))[0]

    archive = keras.export.ExportArchive()
    archive.track(model)
    spec = [tf.TensorSpec([None, None], tf.int32)]
    archive.add_endpoint("tag", tag, input_signature=spec)
    archive.write_out(tmp_path / "tagger", verbose=False)
    served = tf.saved_model.load(tmp_path / "tagger")
    tags = served.tag(tf.constant(tokens, tf.int32))
    expected, _ = crf.decode(model(tokens), mask)
    np.testing.assert_array_equal(*numpy(tags, expected))


def test_arguments():
    with pytest.raises(ValueError, match="`tags` must be positive. Received: tags=0"):
        CRF(0)
    with pytest.raises(ValueError, match="`allowed_starts` .*Accepted: bool .3,.*2"):
        CRF(3, allowed_starts=[True, False])
    with pytest.raises(ValueError, match="`allowed_ends` .*Received: int64"):
        CRF(2, allowed_ends=np.array([1, 0]))
    with pytest.raises(ValueError, match=r"`emissions`.*Accepted: .*3\].*Received.*2"):
        CRF(3)(np.zeros((1, 4, 2), "float32"))
    with pytest.raises(ValueError, match="`transitions` must .*Received: .2, 2"):
        crf_log_norm(np.zeros((1, 4, 3)), np.zeros((2, 2)))
