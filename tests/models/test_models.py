"""Each model against its equations in NumPy, its parameter count and its errors."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
from gradients import call_once
from keras import ops
from small_models import (
    CLASSIFIERS,
    SIZES,
    TASKS,
    VOCAB_SIZE,
    build,
    labels,
    outputs,
    tasks_of,
    texts,
)

import zoo
from zoo.layers import LSTM, BackwardLSTM
from zoo.layers.ngrams import NGramBag
from zoo.models.classifiers import WINDOW
from zoo.models.heads import heads
from zoo.tasks import Task, as_tasks
from zoo.training.fit import compile_model

LENGTHS = (6, 1, 3)
TWO = {"a": 3, "b": 2}
VECTORS = np.random.default_rng(0).normal(size=(VOCAB_SIZE, 8)).astype("float32")


def randomize(model, scale=0.4):
    """Weights large enough that a wrong term shows."""
    generator = np.random.default_rng(1)
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights([generator.normal(0, scale, shape) for shape in shapes])
    return model


def weights_of(model, layer):
    return [ops.convert_to_numpy(w) for w in model.get_layer(layer).weights]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, weights, peepholes=None):
    """The states of an LSTM over one text `[time, width]`, from zeros."""
    named = {w.path.split("/")[-1]: ops.convert_to_numpy(w) for w in weights}
    n = named["recurrent_kernel"].shape[0]
    v_i, v_f, v_o = named.get("peephole_kernel", np.zeros((3, n)))
    h, c, states = np.zeros(n), np.zeros(n), []
    for x_t in x:
        a = x_t @ named["kernel"] + h @ named["recurrent_kernel"] + named["bias"]
        i, f, g, o = np.split(a, 4)
        c = sigmoid(f + v_f * c) * c + sigmoid(i + v_i * c) * np.tanh(g)
        h = sigmoid(o + v_o * c) * np.tanh(c)
        states.append(h)
    return np.array(states)


def both_directions(model, x):
    forward = lstm(x, model.get_layer("shared_forward").weights)
    backward = lstm(x[::-1], model.get_layer("shared_backward").weights)[::-1]
    return forward, backward


def head(model, task, features):
    kernel, bias = weights_of(model, f"head_{task}")
    return features @ kernel + bias


def compare(model, reference, tokens=None, tolerance=1e-5):
    """`reference` takes the unpadded ids of one text."""
    tokens = texts(LENGTHS) if tokens is None else tokens
    result = outputs(model, tokens)
    for row, text in enumerate(tokens):
        expected = reference(text[text > 0])
        assert set(expected) == set(result)
        for name, answer in expected.items():
            np.testing.assert_allclose(
                result[name][row], answer, rtol=1e-4, atol=tolerance
            )


def get(name, tasks=TWO, **options):
    return randomize(zoo.get(name, VOCAB_SIZE, tasks, **options))


@pytest.mark.parametrize("peepholes", [False, True])
def test_lstm_reads_the_state_at_the_last_token(peepholes):
    model = get("lstm", embedding_dim=5, units=4, peepholes=peepholes)
    (table,) = weights_of(model, "embedding")

    def reference(text):
        state = lstm(table[text], model.get_layer("forward").weights)[-1]
        return {name: head(model, name, state) for name in TWO}

    compare(model, reference)
    recurrent = 4 * 4 * (5 + 4 + 1) + 3 * 4 * peepholes
    assert model.count_params() == VOCAB_SIZE * 5 + recurrent + 4 * 5 + 5


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "attention"])
def test_bilstm(pooling):
    model = get("bilstm", embedding_dim=5, units=4, pooling=pooling)
    (table,) = weights_of(model, "embedding")

    def reference(text):
        forward, backward = both_directions(model, table[text])
        states = np.concatenate([forward, backward], axis=1)
        if pooling == "last":
            features = np.concatenate([forward[-1], backward[0]])
        elif pooling == "attention":
            kernel, bias, query = weights_of(model, "features")
            weight = np.exp(np.tanh(states @ kernel + bias) @ query[:, 0])
            features = weight @ states / weight.sum()
        else:
            features = getattr(states, pooling)(axis=0)
        return {name: head(model, name, features) for name in TWO}

    compare(model, reference)
    attention = 8 * 8 + 8 + 8 if pooling == "attention" else 0
    recurrent = 2 * 4 * 4 * (5 + 4 + 1)
    assert model.count_params() == VOCAB_SIZE * 5 + recurrent + attention + 8 * 5 + 5


def test_mt_uniform_equals_a_run_of_its_one_lstm_for_each_task():
    model = get("mt_uniform", embedding_dim=5, units=4)
    (shared,) = weights_of(model, "embedding")

    def reference(text):
        answers = {}
        for name in TWO:
            (private,) = weights_of(model, f"embedding_{name}")
            words = np.concatenate([private[text], shared[text]], axis=1)
            state = lstm(words, model.get_layer("shared_forward").weights)[-1]
            answers[name] = head(model, name, state)
        return answers

    compare(model, reference)
    recurrent = 4 * 4 * (10 + 4 + 1) + 3 * 4
    assert model.count_params() == 3 * VOCAB_SIZE * 5 + recurrent + 4 * 5 + 5


# Two tasks of the same labels share a linear model over n-grams, the third has its own.
THREE = {"a": 3, "b": 2, "c": 3}


@pytest.mark.parametrize("ngrams", [(), (1, 2)])
@pytest.mark.parametrize("private_units", [0, 3])
def test_bilstm_mt(ngrams, private_units):
    model = get(
        "bilstm_mt",
        THREE,
        embedding_dim=5,
        units=4,
        private_units=private_units,
        ngrams=ngrams,
        ngram_buckets=32,
    )
    for layer in model.layers:
        if isinstance(layer, NGramBag):  # saliencies are not negative
            layer.ngram_weights.assign(ops.abs(layer.ngram_weights))
    (table,) = weights_of(model, "embedding")

    def linear(text):
        mask = np.ones((1, len(text)), bool)
        names = ("linear_words", "linear_letters", "linear_vectors")
        layers = map(model.get_layer, names)
        parts = [call_once(layer, text[None], mask=mask)[0] for layer in layers]
        return sum(ops.convert_to_numpy(part)[0] for part in parts)

    def reference(text):
        states = np.concatenate(both_directions(model, table[text]), axis=1)
        pooled = np.concatenate([states.max(axis=0), states.mean(axis=0)])
        answers = {}
        for name in THREE:
            features = pooled
            if private_units:
                kernel, bias = weights_of(model, f"private_{name}")
                features = np.maximum(pooled @ kernel + bias, 0)
            answers[name] = head(model, name, features)
        features = pooled
        if private_units:
            kernel, bias = weights_of(model, "common_0")
            features = np.maximum(pooled @ kernel + bias, 0)
        kernel, bias = weights_of(model, "common_head_0")
        for name in ("a", "c"):
            answers[name] = answers[name] + features @ kernel + bias
        if ngrams:
            of_a_and_c, of_b = np.split(linear(text), [3])
            for task, logits in (("a", of_a_and_c), ("b", of_b), ("c", of_a_and_c)):
                ((first, second),) = weights_of(model, f"stack_{task}")
                answers[task] = first * answers[task] + second * logits
        return answers

    compare(model, reference, tolerance=1e-4)
    width = private_units or 16
    count = VOCAB_SIZE * 5 + 2 * 4 * 4 * (5 + 4 + 1) + (width + 1) * (3 + 2 + 3)
    count += (width + 1) * 3  # the common head of the first and the third
    if private_units:
        count += 4 * (16 * private_units + private_units)
    if ngrams:
        count += 32 * (3 + 2 + 1)  # the last are the saliencies
        count += 2 * (VOCAB_SIZE * (3 + 2 + 1) + 3 + 2)  # and lengths of features
        count += 3 * 2  # two shares for each task
    assert model.count_params() == count


def test_the_ngram_table_of_thousands_of_labels_has_a_rank():
    tasks = {"a": 5000, "b": 5000, "c": 7}
    model = zoo.get(
        "bilstm_mt", VOCAB_SIZE, tasks, units=4, ngram_buckets=128, ngram_weight=1.0
    )
    bag = model.get_layer("ngrams")
    assert bag.embeddings.shape == (128, 16)
    (kernel,) = weights_of(model, "ngrams_logits")
    assert kernel.shape == (16, 5000 + 7)
    np.testing.assert_allclose((kernel**2).sum(axis=0).mean(), 1, atol=0.02)
    for logits in outputs(model, texts(LENGTHS)).values():
        assert not logits.any()  # n-grams say nothing before they are trained
    generator = np.random.default_rng(0)
    table = generator.normal(size=(128, 16)).astype("float32")
    ngram_weights = generator.uniform(0.5, 2, 128).astype("float32")
    bag.embeddings.assign(table)
    bag.ngram_weights.assign(ngram_weights)
    tokens = texts(LENGTHS)
    rows, real = map(ops.convert_to_numpy, bag.rows(tokens, tokens > 0))
    found = outputs(model, tokens)
    for row, counts, a, b, c in zip(rows, real, *found.values(), strict=True):
        chosen = row[counts]
        total = (ngram_weights[chosen, None] * table[chosen]).sum(axis=0)
        expected = 10 * total / np.sqrt((ngram_weights[chosen] ** 2).sum()) @ kernel
        np.testing.assert_allclose(a, expected[:5000], rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(c, expected[5000:], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("labels", [300, 10_000])
def test_training_ngrams_takes_a_bounded_number_of_numbers(labels):
    tasks = as_tasks(labels)
    model = zoo.get("bilstm_mt", 10, tasks, units=1, embedding_dim=1, ngram_buckets=64)
    model = compile_model(model, tasks, average=0.9)
    model.optimizer.build(model.trainable_variables)
    width = 16
    tables = [
        v
        for v in (*model.variables, *model.optimizer.variables)
        if v.shape[:1] == (64,) and "ngrams" in v.path
    ]
    shapes = sorted(tuple(v.shape) for v in tables)
    # The ngram_weights and the step of each row; then vector, velocity and average.
    wanted = [(64,), (64,), (64, width), (64, width), (64, width)]
    assert shapes == wanted
    megabytes = 4 * 2**20 * (2 + 3 * width) / 1e6  # with the default of 2**20 rows
    assert megabytes < 420


def test_mt_coupled_and_mt_shared_give_each_task_its_own_state():
    for name, layer in (("mt_coupled", "coupled"), ("mt_shared", "private")):
        model = get(name, embedding_dim=5, units=4)
        tokens = texts(LENGTHS)
        states_of = keras.Model(model.input, model.get_layer(layer).output)
        states = ops.convert_to_numpy(call_once(states_of, tokens)[0])
        assert states.shape == (3, 2, 4)
        result = outputs(model, tokens)
        for index, task in enumerate(TWO):
            expected = head(model, task, states[:, index])
            np.testing.assert_allclose(result[task], expected, rtol=1e-4, atol=1e-5)


def test_the_shared_states_of_mt_shared_are_those_of_both_directions():
    model = get("mt_shared", embedding_dim=5, units=4, peepholes=False)
    (table,) = weights_of(model, "embedding")
    tokens = texts(LENGTHS)
    states_of = keras.Model(model.input, model.get_layer("shared").output)
    states, _ = call_once(states_of, tokens)
    for row, length in zip(range(3), LENGTHS, strict=True):
        words = table[tokens[row, :length]]
        expected = np.concatenate(both_directions(model, words), axis=1)
        found = ops.convert_to_numpy(states)[row, :length]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_parameters_of_the_papers_models():
    a, u, table = 5, 4, VOCAB_SIZE * 5
    heads_ = u * 5 + 5
    lstm_ = 4 * u * (a + u + 1) + 3 * u
    # Model-II: own gates and candidates, W_g; U_g of each sender; U_c of each pair.
    coupled = 2 * (5 * a * u + 4 * u * u + 2 * u * u + 5 * u + 3 * u)
    model = zoo.get("mt_coupled", VOCAB_SIZE, TWO, embedding_dim=a, units=u)
    assert model.count_params() == table + coupled + heads_
    # Model-III: also U_c^(s) and U_g^(s→m), which read both directions.
    private = 2 * (5 * a * u + 5 * u * u + 2 * (2 * u) * u + 5 * u + 3 * u)
    model = zoo.get("mt_shared", VOCAB_SIZE, TWO, embedding_dim=a, units=u)
    assert model.count_params() == table + 2 * lstm_ + private + heads_


@pytest.mark.parametrize("name", ["bilstm", "bilstm_mt", "mt_shared"])
def test_the_layers_that_a_language_model_initialises(name):
    model = build((name, {}))
    embedding, forward, backward = (
        model.get_layer(layer)
        for layer in ("embedding", "shared_forward", "shared_backward")
    )
    assert embedding.input_dim == VOCAB_SIZE
    assert isinstance(forward, LSTM) and isinstance(backward, BackwardLSTM)
    assert forward.return_sequences and backward.return_sequences


@pytest.mark.parametrize("return_sequences", [False, True])
def test_backward_lstm_answers_in_the_order_of_the_text(return_sequences):
    layer = BackwardLSTM(4, return_sequences=return_sequences, name="backward")
    x = np.random.default_rng(0).normal(size=(3, 6, 5)).astype("float32")
    mask = np.arange(6) < np.array(LENGTHS)[:, None]
    result = ops.convert_to_numpy(layer(x, mask=mask))
    for row, length in enumerate(LENGTHS):
        expected = lstm(x[row, :length][::-1], layer.weights)[::-1]
        found = result[row, :length] if return_sequences else result[row]
        expected = expected if return_sequences else expected[0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    again = BackwardLSTM.from_config(layer.get_config())
    again.build(x.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(ops.convert_to_numpy(again(x, mask=mask)), result)


# text_cnn


def cnn_reference(model, tables, windows=(2, 3)):
    def reference(text):
        x = sum(table[text] for table in tables)
        features = []
        for window in windows:
            kernel, bias = weights_of(model, f"convolution_{window}")
            rows = np.pad(x, [[window - 1, window - 1], [0, 0]])
            maps = [
                (rows[i : i + window, :, None] * kernel).sum((0, 1)) + bias
                for i in range(len(x) + window - 1)
            ]
            features.append(np.maximum(np.max(maps, axis=0), 0))
        return {name: head(model, name, np.concatenate(features)) for name in TWO}

    return reference


@pytest.mark.parametrize("variant", ["rand", "static", "non-static", "multichannel"])
def test_text_cnn(variant):
    options = {"variant": variant, "embedding_dim": 8, "windows": (2, 3), "maps": 4}
    options["ngrams"] = ()
    if variant != "rand":
        options["vectors"] = VECTORS
    model = zoo.get("text_cnn", VOCAB_SIZE, TWO, **options)
    tables = [
        weights_of(model, name)[0]
        for name in ("embedding", "fixed_embedding")
        if name in [layer.name for layer in model.layers]
    ]
    for table in tables if variant != "rand" else []:
        np.testing.assert_array_equal(table, VECTORS)
    assert len(tables) == (2 if variant == "multichannel" else 1)
    compare(model, cnn_reference(model, tables))
    fixed = VOCAB_SIZE * 8
    trained = (2 + 3) * 8 * 4 + 2 * 4 + 8 * 5 + 5
    trained += 0 if variant == "static" else fixed
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert trainable == trained
    extra = fixed if variant in ("static", "multichannel") else 0
    assert model.count_params() == trained + extra


def test_training_leaves_fixed_vectors_alone_and_keeps_the_norms():
    model = zoo.get(
        "text_cnn",
        VOCAB_SIZE,
        TWO,
        variant="multichannel",
        vectors=VECTORS,
        embedding_dim=8,
        maps=4,
        max_norm=0.5,
    )
    tasks = {name: Task("categories", tuple("abc"[:n])) for name, n in TWO.items()}
    compiled = compile_model(model, tasks, learning_rate=0.5)
    for _ in range(3):
        compiled.train_on_batch(texts(LENGTHS), labels(tasks, 3))
    np.testing.assert_array_equal(weights_of(model, "fixed_embedding")[0], VECTORS)
    assert not np.array_equal(weights_of(model, "embedding")[0], VECTORS)
    for name in TWO:
        norms = np.linalg.norm(weights_of(model, f"head_{name}")[0], axis=0)
        assert (norms <= 0.5 + 1e-5).all() and (norms > 0.4).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "nonstatic"}, "`variant` must be one of rand.*'nonstatic'"),
        ({"variant": "static"}, "`vectors` must be given.*variant='static'.*None"),
        ({"vectors": VECTORS}, r"`vectors` must be given.*'rand'.*\(40, 8\)"),
        (
            {"variant": "static", "vectors": VECTORS[:9]},
            r"`vectors` must be an array .*\[40, 8\]. Received: shape \(9, 8\)",
        ),
        ({"windows": (0,)}, "`window` must be positive"),
    ],
)
def test_errors_of_text_cnn(options, message):
    with pytest.raises(ValueError, match=message):
        zoo.get("text_cnn", VOCAB_SIZE, 2, **{"embedding_dim": 8, **options})


# tasks and heads


@pytest.mark.parametrize("tasks", [{"a": 2}, {"a": 2, "b": 2, "c": 2}])
def test_mt_coupled_takes_exactly_two_tasks(tasks):
    with pytest.raises(ValueError, match=f"exactly two tasks.*Received: {len(tasks)}"):
        zoo.get("mt_coupled", VOCAB_SIZE, tasks)


def test_unknown_pooling():
    with pytest.raises(ValueError, match="`pooling` must be one of last.*'first'"):
        zoo.get("bilstm", VOCAB_SIZE, 2, pooling="first", units=2, embedding_dim=2)


@pytest.mark.parametrize("name", sorted({*CLASSIFIERS} - {"mt_coupled"}))
def test_one_task_is_enough(name):
    known = zoo.describe(name).keywords
    sizes = {key: size for key, size in SIZES.items() if key in known}
    model = zoo.get(name, VOCAB_SIZE, {"only": 4}, **sizes)
    assert outputs(model, texts([2, 3]))["only"].shape == (2, 4)


def test_regression_is_standardised():
    x = keras.Input((3,))
    task = Task("regression", mean=100.0, scale=7.0)
    model = keras.Model(x, heads(x, {"price": task, "plain": Task("regression")}))
    features = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    result = outputs(model, features)
    for name in ("price", "plain"):
        expected = head(model, name, features)
        np.testing.assert_allclose(result[name], expected, rtol=1e-5)


def test_heads_read_the_features_of_their_task_under_any_name():
    names = ["a/b", "\u4e2d\u6587", " ", "x" * 300, "task_0", "head"]
    tasks = {name: Task("regression") for name in names}
    inputs = {name: keras.Input((2,)) for name in names}
    model = keras.Model(list(inputs.values()), heads(inputs, tasks))
    assert list(model.output) == names
    base = model([np.ones((1, 2))] * len(names))
    for index, name in enumerate(names):
        changed = [np.ones((1, 2)) * (1 + (i == index)) for i in range(len(names))]
        result = model(changed)
        differs = [n for n in names if float(result[n][0, 0]) != float(base[n][0, 0])]
        assert differs == [name]
    assert not any("/" in layer.name for layer in model.layers)


def test_every_task_gets_its_own_labels_whatever_their_order():
    for tasks in (TASKS, dict(reversed(TASKS.items()))):
        model = zoo.get(
            "bilstm_mt",
            VOCAB_SIZE,
            tasks,
            ngrams=(1,),
            ngram_buckets=8,
            embedding_dim=4,
            units=2,
        )
        result = outputs(model, texts([3]))
        assert {n: r.shape[1] for n, r in result.items()} == {
            n: task.outputs for n, task in tasks.items()
        }
    assert list(tasks_of("mt_coupled")) == list(TASKS)[:2]


def test_listing_models_loads_neither_keras_nor_a_backend():
    code = (
        "import sys, zoo, zoo.models, zoo.data.vectors; names = zoo.list_models();"
        "str(zoo.describe('bilstm_mt'));"
        "loaded = {'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules);"
        "assert not loaded, loaded; assert len(names) >= 7, names"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_long_text_is_read_in_windows():
    """The features of a long text are the maximum over those of its windows."""
    model = zoo.get("bilstm", VOCAB_SIZE, 2, embedding_dim=6, units=4, pooling="max")
    features_of = keras.Model(model.input, model.get_layer("features").output)

    def features(tokens):
        return ops.convert_to_numpy(call_once(features_of, tokens)[0])

    [text] = texts([300], seed=4)
    found = features(text[None])
    windows = [text[:WINDOW], text[WINDOW : 2 * WINDOW], text[2 * WINDOW :]]
    parts = [features(window[None]) for window in windows]
    np.testing.assert_allclose(found, np.max(parts, axis=0), rtol=1e-5, atol=1e-6)
    # Whatever the padding, and whatever stands beside it.
    padded = np.zeros((2, 500), "int32")
    padded[0, :300], padded[1, :3] = text, text[:3]
    both = features(padded)
    np.testing.assert_allclose(both[:1], found, rtol=1e-5, atol=1e-6)
    alone = features(text[None, :3])
    np.testing.assert_allclose(both[1:], alone, rtol=1e-5, atol=1e-6)
