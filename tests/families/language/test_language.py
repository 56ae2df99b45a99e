"""Language models: streams, perplexity, training with carried state."""

from __future__ import annotations

import itertools
import types

import keras
import numpy as np
import pytest
from keras import ops
from marks import first_of_each_file, slow_but

import zoo
from zoo.families.language.costs import count_weights
from zoo.families.language.fitting import StreamTrainer, TimeLimit, train_language_model
from zoo.families.language.perplexity import (
    log_probabilities,
    perplexity,
    scorer,
    stream_perplexity,
    zero_state,
)
from zoo.families.language.results import results_of
from zoo.families.language.settings import LanguageSettings
from zoo.families.language.stream import Windows, streams
from zoo.training.schedules import WarmUp

VOCAB = 11
SMALL = {
    "lstm_lm": {"units": 6},
    "flstm_lm": {"units": 6, "rank": 3, "projection": 4},
    "glstm_lm": {"units": 6, "groups": 2},
    "biglstm_lm": {"units": 6, "projection": 4, "samples": 5},
    "moe_lm": {"units": 6, "num_experts": 5, "k": 2, "hidden": 4, "dropout": 0.0},
    "moe_lm_h": {"units": 6, "num_experts": 4, "groups": 2, "hidden": 4, "dropout": 0},
}
every_model = pytest.mark.parametrize("name", slow_but(["flstm_lm"], SMALL))
# What trains is asked of all of them before a release.
FIRST = first_of_each_file(SMALL)
costly_model = pytest.mark.parametrize("name", slow_but(["flstm_lm"], SMALL, FIRST))


# What is measured with a model reads its state alone, which is laid out in two ways.
both_layouts = pytest.mark.parametrize(
    "name", slow_but(["lstm_lm"], ["lstm_lm", "moe_lm_h"])
)


def build(name="lstm_lm", **options):
    keras.utils.set_random_seed(2)
    options = {"embedding_dim": 8, "init_scale": 0.5, **SMALL[name], **options}
    known = zoo.describe(name).keywords
    return zoo.get(name, VOCAB, **{k: v for k, v in options.items() if k in known})


def stream(length, seed=0):
    return np.random.default_rng(seed).integers(1, VOCAB, length).astype("int32")


def settings(name="lstm_lm", **options):
    sizes = {"batch_size": 4, "window": 5, "epochs": 2}
    return LanguageSettings.of(name, **{**sizes, **options})


def run(model, tokens, state=None):
    tokens = np.asarray(tokens, "int32")
    if state is None:
        state = zero_state(model, len(tokens))
    # Eagerly: nearly every call has a shape of its own, which a graph traces anew.
    result = model({"tokens": tokens, "state": state}, training=False)
    return tuple(ops.convert_to_numpy(result[name]) for name in ("logits", "state"))


def test_every_language_model_is_here():
    assert set(SMALL) == set(zoo.list_models(task="language modelling"))


@pytest.mark.parametrize(
    ("units", "parameters"), [(200, 4_651_600), (650, 19_775_200), (1500, 66_022_000)]
)
def test_parameters_of_zaremba(units, parameters):
    model = zoo.get("lstm_lm", 10_000, embedding_dim=units, units=units)
    assert model.count_params() == parameters


def test_tied_models_save_one_matrix():
    apart, tied = build(embedding_dim=6), build(embedding_dim=6, tied=True)
    assert apart.count_params() - tied.count_params() == VOCAB * 6
    with pytest.raises(ValueError, match="as wide as .*embedding_dim=8 and an output"):
        build(tied=True)


@pytest.mark.parametrize(
    "name", slow_but(["flstm_lm"], [name for name in SMALL if "moe" not in name])
)
@pytest.mark.parametrize("tied", [False, True])
def test_logits_follow_the_equations(name, tied):
    """From the layers, one token at a time."""
    width = 4 if "projection" in SMALL[name] else 6
    model = build(name, tied=tied, embedding_dim=width)
    tokens = stream(7)
    softmax = model.get_layer("softmax")
    kernel, bias = (ops.convert_to_numpy(w) for w in (softmax.kernel, softmax.bias))
    table = kernel if tied else model.get_layer("embedding").get_weights()[0]
    cells = [model.get_layer(f"lstm_{i}").cell for i in range(2)]
    states = [cell.get_initial_state(1) for cell in cells]
    logits, _ = run(model, tokens[None])
    for step, token in enumerate(tokens):
        x = table[None, token]
        for layer, cell in enumerate(cells):
            x, states[layer] = cell(x, states[layer])
        expected = ops.convert_to_numpy(x) @ kernel.T + bias
        np.testing.assert_allclose(logits[0, step], expected[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["moe_lm", "moe_lm_h"])
def test_experts_stand_between_two_lstms_with_residuals(name):
    model, tokens = build(name), stream(14).reshape(2, 7)
    layer = model.get_layer
    x = layer("embedding")(tokens)
    for part in ("lstm_0", "experts", "lstm_1"):
        y = layer(part)(x)
        x = x + (y[0] if isinstance(y, (tuple, list)) else y)
    expected = ops.convert_to_numpy(layer("softmax")(x))
    logits, _ = run(model, tokens)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    gated = ops.convert_to_numpy(layer("experts")(x))
    assert ((gated > 0) & (gated < 1)).all()  # the paper's sigmoid


@pytest.mark.slow
def test_weights_and_operations_of_shazeer():
    """MoE-256 of table 7, and the models of equal operations; no biases anywhere."""
    for options, weights, operations in (
        ({"num_experts": 256}, 272_891_904, 8_650_752),
        ({"num_experts": 1, "k": 1, "hidden": 4096}, 8_388_608, 8_388_608),
        ({"num_experts": 1, "k": 1, "hidden": [1024] * 4}, 8_388_608, 8_388_608),
    ):
        model = zoo.get("moe_lm", 10, **options)
        ends = [model.get_layer(name) for name in ("embedding", "softmax")]
        inner = model.count_params() - sum(end.count_params() for end in ends)
        assert (inner, *count_weights(model)) == (weights, weights, operations)
    four = zoo.get("lstm_lm", 10, embedding_dim=512, units=512, depth=4)
    assert count_weights(four) == (8_388_608, 8_388_608)


@every_model
def test_a_text_in_pieces_is_the_text_in_one(name):
    model = build(name)
    tokens = stream(12).reshape(2, 6)
    logits, last = run(model, tokens)
    first, state = run(model, tokens[:, :2])
    second, state = run(model, tokens[:, 2:], state)
    np.testing.assert_allclose(np.concatenate([first, second], 1), logits, atol=1e-5)
    np.testing.assert_allclose(state, last, atol=1e-5)


@costly_model
def test_every_weight_gets_a_gradient(name):
    before = build(name)
    weights = before.get_weights()
    chosen = settings(name, epochs=1, optimizer="sgd", learning_rate=0.1)
    tokens = np.tile(np.arange(1, 11), 9)
    train_language_model(before, tokens, None, chosen, verbose=False)
    for weight, old in zip(before.weights, weights, strict=True):
        changed = ops.convert_to_numpy(weight) != old
        if "embeddings" in weight.path or "softmax/kernel" in weight.path:
            changed = changed[1:]  # no text holds padding
        assert changed.any(), weight.path


@pytest.mark.slow
def test_training_under_xla_agrees():
    results = []
    for compiled in (False, True):
        model = build("glstm_lm", dropout=0.0)
        chosen = settings("glstm_lm", jit_compile=compiled, learning_rate=0.1)
        logs = train_language_model(model, stream(61), None, chosen, verbose=False)
        results.append([log["loss"] for log in logs])
    np.testing.assert_allclose(*results, rtol=1e-4)


# What is drawn: dropout, words that are sampled, the noise of gates, of groups of them.
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    slow_but(
        [], ["lstm_lm", "biglstm_lm", "moe_lm", "moe_lm_h"], ["biglstm_lm", "moe_lm_h"]
    ),
)
def test_two_runs_are_equal_bit_for_bit(name):
    def train():
        model = build(name, dropout=0.2)
        train_language_model(model, stream(61), None, settings(name), verbose=False)
        return model.get_weights()

    for one, other in zip(train(), train(), strict=True):
        np.testing.assert_array_equal(one, other)


@every_model
def test_a_state_of_nan_stays_in_its_row(name):
    model = build(name)
    tokens = stream(12).reshape(3, 4)
    state = zero_state(model, 3)
    expected, _ = run(model, tokens, state)
    state[1] = np.nan
    logits, new = run(model, tokens, state)
    for row in (0, 2):
        np.testing.assert_array_equal(logits[row], expected[row])
        assert np.isfinite(new[row]).all()


def test_a_saved_model_of_tied_weights_answers_alike(tmp_path):
    """The others do in test_every_family.py."""
    model = build(tied=True, embedding_dim=6)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    tokens = stream(8).reshape(2, 4)
    for found, expected in zip(run(again, tokens), run(model, tokens), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_streams_keep_every_token_but_a_rest():
    inputs, targets = streams(np.arange(12), 3)
    assert inputs.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert targets.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert streams(np.arange(3), 20)[0].shape == (2, 1)
    with pytest.raises(ValueError, match="at least two tokens.*Received: 1"):
        streams(np.arange(1), 1)


def test_windows_follow_each_other():
    windows = Windows(np.arange(26), batch_size=2, window=5)
    assert len(windows) == 2
    (first,), (second,) = windows[0], windows[1]
    assert first["tokens"].tolist() == [[0, 1, 2, 3, 4], [12, 13, 14, 15, 16]]
    assert second["tokens"][:, 0].tolist() == [5, 17]
    assert (first["targets"] == first["tokens"] + 1).all()
    short = Windows(np.arange(4), batch_size=1, window=50)
    assert len(short) == 1 and short[0][0]["tokens"].tolist() == [[0, 1, 2]]


def reference_perplexity(model, tokens):
    logits = run(model, tokens[None, :-1])[0][0].astype("float64")
    logits -= logits.max(-1, keepdims=True)
    chosen = logits[np.arange(len(logits)), tokens[1:]]
    return np.exp((np.log(np.exp(logits).sum(-1)) - chosen).mean())


@both_layouts
@pytest.mark.parametrize("window", [1, 3, 100])
def test_perplexity_carries_the_state_through_any_window(name, window):
    model, tokens = build(name), stream(23)
    found = perplexity(model, tokens, window=window)
    assert found == pytest.approx(reference_perplexity(model, tokens), rel=1e-5)


def loss_behind(model, tokens, start, stop, past):
    """Mean loss of `tokens[start + 1 : stop + 1]`, read with `past` tokens before."""
    first = max(start - past, 0)
    whole = np.log(reference_perplexity(model, tokens[first : stop + 1]))
    if start == first:
        return whole
    before = np.log(reference_perplexity(model, tokens[first : start + 1]))
    return (whole * (stop - first) - before * (start - first)) / (stop - start)


@both_layouts
def test_perplexity_of_streams_looks_back(name, monkeypatch):
    model, tokens = build(name), stream(25)
    score, context = scorer(model), "zoo.families.language.perplexity.CONTEXT"
    # With all that stands before, it is that of one stream, whatever the window.
    whole = pytest.approx(perplexity(model, tokens), rel=1e-5)
    assert perplexity(model, tokens, batch_size=3, window=30) == whole
    monkeypatch.setattr(context, 24)  # no step for each of 256 tokens of padding
    for window in (1, 3):
        assert stream_perplexity(score, tokens, batch_size=3, window=window) == whole
    for past in (1, 5, 12):
        monkeypatch.setattr(context, past)
        losses = [loss_behind(model, tokens, at, at + 8, past) for at in (0, 8, 16)]
        found = stream_perplexity(score, tokens, batch_size=3, window=2)
        assert found == pytest.approx(np.exp(np.mean(losses)), rel=1e-5)


def test_many_streams_are_read_in_shorter_windows(monkeypatch):
    model, tokens = build(), stream(61)
    expected = perplexity(model, tokens, batch_size=3)
    shapes = []
    score = scorer(model)
    original = score.predict_on_batch

    def predict(batch):
        shapes.append(batch["tokens"].shape)
        return original(batch)

    monkeypatch.setattr(score, "predict_on_batch", predict)
    monkeypatch.setattr("zoo.families.language.perplexity.CONTEXT", 8)
    monkeypatch.setattr("zoo.families.language.perplexity._TOKENS_AT_ONCE", 14)
    stream_perplexity(score, tokens, batch_size=3)
    assert shapes == [(3, 4)] * 7
    monkeypatch.undo()
    assert stream_perplexity(score, tokens, batch_size=3) == expected


def test_log_probabilities_of_texts():
    model, end = build(), 3
    texts = [stream(4), stream(0), stream(2, seed=5)]
    answers = log_probabilities(model, texts, end=end)
    for text, found in zip(texts, answers, strict=True):
        whole = np.array([end, *text, end])
        expected = -np.log(reference_perplexity(model, whole)) * (len(text) + 1)
        assert found.shape == (len(text) + 1,)
        assert found.sum() == pytest.approx(expected, rel=1e-4)


def test_training_carries_the_state_and_forgets_it_at_an_epoch():
    model = build()
    trainer = StreamTrainer(model, 2)
    windows = Windows(stream(41), batch_size=2, window=4)
    trainer.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    trainer.fit(windows, shuffle=False, verbose=0)
    _, expected = run(model, windows.inputs)  # a rate of 0: the weights are as before
    carried = ops.convert_to_numpy(trainer.carried)
    np.testing.assert_allclose(carried, expected, atol=1e-5)
    trainer.forget()
    assert not ops.convert_to_numpy(trainer.carried).any()


def test_loss_is_summed_over_the_window_and_averaged_over_streams():
    model, tokens = build(), stream(31)
    trainer = StreamTrainer(model, 3)
    windows = Windows(tokens, batch_size=3, window=10)
    trainer.compile(keras.optimizers.SGD(0.0), jit_compile=False)
    logs = trainer.fit(windows, verbose=0).history
    starts = (0, 10, 20)
    expected = sum(loss_behind(model, tokens, at, at + 10, 0) for at in starts) / 3 * 10
    assert logs["loss"][0] == pytest.approx(expected, rel=1e-5)


def counting(length):
    """Each token tells the next: 4, 5, ... 10, 4, ..."""
    return (np.arange(length) % 7 + 4).astype("int32")


@pytest.mark.slow
@costly_model
def test_learns_to_count(name):
    options = {"optimizer": "adam", "learning_rate": 0.03, "patience": 8}
    chosen = settings(name, **options, epochs=8, decay_after=8)  # of 50 steps
    model, valid = build(name, dropout=0.0), counting(60)
    history = train_language_model(model, counting(1005), valid, chosen, verbose=False)
    assert perplexity(model, valid) < 1.3  # 7 without learning the order
    best = min(logs["val_perplexity"] for logs in history)
    found = perplexity(model, valid, batch_size=4)
    assert found == pytest.approx(best, rel=1e-4)


@pytest.mark.slow
def test_the_step_size_decays_after_some_epochs():
    seen = []

    class Rates(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(float(self.model.optimizer.learning_rate))

    chosen = settings(epochs=4, learning_rate=0.4, decay=0.5, decay_after=2)
    train_language_model(
        build(), stream(60), None, chosen, callbacks=[Rates()], verbose=False
    )
    assert seen == pytest.approx([0.4, 0.4, 0.2, 0.1])


@pytest.mark.slow
def test_the_step_size_rises_and_falls_with_the_root():
    rates = [float(WarmUp(0.4, 4)(step)) for step in (0, 1, 3, 15)]
    assert rates == pytest.approx([0.1, 0.2, 0.4, 0.2])
    chosen = settings(optimizer="adam", warmup=5, learning_rate=0.01)
    history = train_language_model(build(), stream(101), None, chosen, verbose=False)
    assert len(history) == 2


@pytest.mark.slow
def test_the_average_of_the_weights_is_what_is_kept():
    chosen = settings(epochs=1, average=0.8, learning_rate=0.5)
    steps = []

    class Weights(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append([ops.convert_to_numpy(v) for v in model.trainable_variables])

    model = build()
    train_language_model(
        model, stream(101), stream(30), chosen, callbacks=[Weights()], verbose=False
    )
    average = steps[0]  # Keras starts the average at the first step's weights
    m = 1.0 - 1.0 / (0.8 * len(steps))
    for now in steps[1:]:
        average = [m * a + (1 - m) * b for a, b in zip(average, now, strict=True)]
    for found, expected in zip(model.trainable_variables, average, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


@pytest.mark.slow
def test_a_killed_training_goes_on_as_if_it_had_not_been(tmp_path):
    chosen = settings(epochs=4, learning_rate=0.3, average=0.9)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def train(**options):
        model = build(dropout=0.3)
        history = train_language_model(
            model, stream(101), stream(30), chosen, verbose=False, **options
        )
        return [logs["val_perplexity"] for logs in history], model.get_weights()

    expected, weights = train()
    with pytest.raises(KeyboardInterrupt):
        train(folder=tmp_path, callbacks=[Stop()])
    found, again = train(folder=tmp_path)
    assert found == expected
    for one, other in zip(again, weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_validations_within_an_epoch_change_no_training():
    """Each is the perplexity of the weights, or of their average, at that step."""
    tokens, valid = stream(101), stream(30)
    options = {"epochs": 2, "learning_rate": 0.3, "average": 0.9}

    def train(**more):
        model = build(dropout=0.3)
        history = train_language_model(
            model, tokens, valid, settings(**options, **more), verbose=False
        )
        return history, model.get_weights()

    plain, weights = train()
    history, again = train(validations=3)
    for one, other in zip(again, weights, strict=True):
        np.testing.assert_array_equal(one, other)
    found = [logs["val_perplexity"] for logs in history]
    assert found == [logs["val_perplexity"] for logs in plain]
    assert [len(logs["midway"]) for logs in history] == [2, 2]
    assert [logs["midway"] for logs in plain] == [[], []]
    model = build()
    seconds, perplexities = zip(
        *results_of(model, {"valid": valid, "test": valid}, history)["curve"]
    )
    assert list(seconds) == sorted(seconds) and len(seconds) == 6
    assert perplexities[2] == found[0] and perplexities[5] == found[1]
    assert len(set(perplexities)) == 6


def test_training_ends_after_its_minutes_within_an_epoch(tmp_path, monkeypatch):
    """On a clock that goes on by a second at every look: each step, each epoch."""
    clock = itertools.count()
    monkeypatch.setattr(
        "zoo.families.language.fitting.time",
        types.SimpleNamespace(perf_counter=clock.__next__),
    )
    tokens = stream(101)
    whole = settings(minutes=4 / 60)
    history = train_language_model(build(), tokens, None, whole, verbose=False)
    assert [logs["tokens"] for logs in history] == [3 * whole.batch_size * whole.window]
    # What an earlier run has spent counts.
    limit = TimeLimit(1.0, types.SimpleNamespace(history=[{"seconds": 57.5}]))
    limit.set_model(types.SimpleNamespace(stop_training=False))
    limit.on_train_begin()
    ended = [limit.on_train_batch_end(0) or limit.model.stop_training for _ in range(3)]
    assert ended == [False, False, True]
    # So does validation: no further epoch begins.
    limit = TimeLimit(1.0, types.SimpleNamespace(history=[{"seconds": 59.5}]))
    limit.set_model(types.SimpleNamespace(stop_training=False))
    limit.on_train_begin()
    limit.on_epoch_end(0)
    assert limit.model.stop_training


@pytest.mark.slow
def test_a_text_shorter_than_a_window_and_a_vocabulary_of_one():
    model = build()
    train_language_model(model, stream(4), None, settings(), verbose=False)
    assert np.isfinite(perplexity(model, stream(4)))
    keras.utils.set_random_seed(0)
    one = zoo.get("lstm_lm", 1, units=4, embedding_dim=4)
    zeros = np.zeros(9, "int32")
    assert perplexity(one, zeros) == pytest.approx(1.0)
