"""Learned weights of tasks: their loss by NumPy, where they move, and resuming."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from zoo.tasks import Task, as_tasks
from zoo.training.batching import TokenBatches
from zoo.training.fit import compile_model, fit, predict
from zoo.training.uncertainty import SCALE, describe_weights, learned_weights

# The names of two are not safe.
TASKS = as_tasks({"sure 1": 2, "noisy": 2, "price \u20ac": Task("regression")})


def data(rows=256, seed=0, noise=0.45, shuffle=True, labelled=None):
    """Rows whose first word tells all labels; those of one task are often flipped."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 2, rows)
    tokens = [np.array([5 + one, 3], "int32") for one in label]
    flipped = generator.random(rows) < noise
    targets = {
        "sure 1": label.astype("int32"),
        "noisy": (label ^ flipped).astype("int32"),
        "price \u20ac": 2.0 * label - 1,
    }
    weights = {name: np.ones(rows) for name in TASKS}
    for name in labelled or ():
        weights[name] = np.zeros(rows)
    return TokenBatches(
        tokens, targets, weights, batch_size=32, buckets=[8], shuffle=shuffle
    )


def build(loss_weights="uncertainty", seed=0, **options):
    keras.utils.set_random_seed(seed)
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    states = keras.layers.Embedding(10, 8)(tokens)
    pooled = keras.layers.Dropout(0.1)(keras.layers.GlobalMaxPooling1D()(states))
    outputs = {n: keras.layers.Dense(t.outputs)(pooled) for n, t in TASKS.items()}
    model = keras.Model(tokens, outputs)
    options = {"learning_rate": 0.01, **options}
    return model, compile_model(model, TASKS, loss_weights=loss_weights, **options)


@pytest.mark.slow
def test_the_loss_is_that_of_the_paper():
    model, trained = build()
    batches = data(32, shuffle=False)
    inputs, targets, weights = batches[0]
    safe = list(trained.output)
    weights = {name: np.linspace(0, 1, 32).astype("float32") for name in safe}
    s = np.array([0.5, -1.0, 2.0])
    trained.scaled_log_variances.assign(s / SCALE)
    plain = build(None)[1]
    each = plain.evaluate(
        inputs, targets, sample_weight=weights, return_dict=True, verbose=0
    )
    losses = np.array([each[f"{name}_loss"] for name in safe])
    found = trained.evaluate(
        inputs, targets, sample_weight=weights, return_dict=True, verbose=0
    )
    assert [found[f"{name}_loss"] for name in safe] == pytest.approx(losses, rel=1e-5)
    expected = (np.array([1, 1, 0.5]) * np.exp(-s) * losses + s).sum()
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    assert list(trained.task_weights().values()) == pytest.approx(
        np.array([1, 1, 0.5]) * np.exp(-s), rel=1e-5
    )


def test_a_task_without_labels_keeps_its_weight():
    model, trained = build()
    train = data(labelled=["noisy"])
    fit(trained, train, None, TASKS, epochs=2, verbose=False)
    found = ops.convert_to_numpy(trained.log_variances)
    assert found[1] == 0 and (np.abs(found[[0, 2]]) > 0.1).all()


@pytest.mark.slow
def test_noisy_tasks_count_less_and_the_model_has_no_weights_of_tasks():
    model, trained = build()
    valid = data(seed=1, shuffle=False)
    history = fit(trained, data(), valid, TASKS, epochs=12, patience=12, verbose=False)
    found = learned_weights(TASKS, history[-1])
    assert list(found) == list(TASKS)
    assert found["sure 1"] > 1.5 > found["noisy"]
    assert found["price \u20ac"] > 1.5 * found["noisy"]
    assert "log_variances" not in " ".join(v.path for v in model.variables)
    said = predict(model, valid)["sure 1"].argmax(-1)
    assert (said == valid.targets["sure 1"]).mean() > 0.95
    [sentence] = describe_weights(TASKS, history)
    assert f"`noisy` {found['noisy']:.4g}" in sentence
    assert describe_weights(TASKS, [{"loss": 1.0}]) == []
    # The loss of validation is the sum of the losses, which other runs have too.
    losses = [history[-1][f"val_{n}_loss"] for n in trained.output]
    assert history[-1]["val_loss"] == pytest.approx(sum(losses))


@pytest.mark.slow
@pytest.mark.parametrize("average", [None, 0.9])
def test_a_killed_run_continues_to_the_bit(tmp_path, average):
    runs = []
    for place, parts in (("whole", [4]), ("killed", [2, 4])):
        for epochs in parts:
            model, trained = build(average=average)
            history = fit(
                trained,
                data(),
                data(seed=1, shuffle=False),
                TASKS,
                epochs=epochs,
                patience=9,
                folder=tmp_path / place,
                verbose=False,
            )
        kept = [ops.convert_to_numpy(v) for v in trained.variables]
        facts = [{**logs, "seconds": 0, "score": [*logs["score"]]} for logs in history]
        runs.append((kept, facts))
    assert runs[0][1] == runs[1][1] and len(runs[0][1]) == 4
    for one, other in zip(runs[0][0], runs[1][0], strict=True):
        np.testing.assert_array_equal(one, other)
