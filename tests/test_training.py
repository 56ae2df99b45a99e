"""Training: seeds, names, weights, early stopping."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.tasks import Task, as_tasks
from zoo.training.batching import TokenBatches
from zoo.training.checkpoint import Checkpoint
from zoo.training.fit import class_weights, compile_model, fit, predict, seed_everything

TASKS = as_tasks(
    {
        "mood/1 \u60c5 \u611f": ["bad", "good"],
        "tags": Task("multilabel", ("a", "b", "c")),
        "price": Task("regression", mean=20.0, scale=3.0),
    }
)
MOOD, TAGS, PRICE = TASKS
ONE = as_tasks(2)
ROWS = 48


def data(tasks=TASKS, *, rows=ROWS, seed=0, labelled=lambda task, row: True, **options):
    """Texts whose first token decides every label."""
    generator = np.random.default_rng(seed)
    first = generator.integers(4, 12, rows)
    tokens = [
        np.concatenate([[one], generator.integers(12, 30, length)]).astype("int32")
        for one, length in zip(first, generator.integers(0, 10, rows) // 2, strict=True)
    ]
    made = {
        "categories": lambda task: (first % task.outputs).astype("int32"),
        "multilabel": lambda task: (
            (first[:, None] >> np.arange(task.outputs)) & 1
        ).astype("float32"),
        "regression": lambda task: first.astype("float32") + 12,
    }
    targets = {name: made[task.kind](task) for name, task in tasks.items()}
    weights = {
        name: np.array([labelled(name, row) for row in range(rows)], "float32")
        for name in tasks
    }
    options = {"batch_size": 8, "buckets": [8, 16], **options}
    return TokenBatches(tokens, targets, weights, **options)


def build(tasks=TASKS, *, seed=0, **compiling):
    seed_everything(seed)
    sizes = {"embedding_dim": 8, "maps": 16, "windows": [1], "max_norm": None}
    model = zoo.get("text_cnn", 30, tasks, **sizes)
    options = {"learning_rate": 0.01, "jit_compile": False, **compiling}
    return model, compile_model(model, tasks, **options)


def train(model, tasks=TASKS, *, train=None, valid=None, epochs=3, **options):
    train = train or data(tasks, shuffle=True)
    return fit(model, train, valid, tasks, epochs=epochs, verbose=False, **options)


def weights_of(model):
    return [ops.convert_to_numpy(v) for v in model.variables]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def facts(history):
    return [{k: v for k, v in logs.items() if k != "seconds"} for logs in history]


def test_a_seed_decides_every_bit():
    runs = []
    for seed in (1, 1, 2):
        model, trained = build(ONE, seed=seed)
        history = train(trained, ONE, valid=data(ONE, seed=5), epochs=2)
        runs.append((facts(history), weights_of(model)))
    assert runs[0][0] == runs[1][0] and same(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0] and not same(runs[0][1], runs[2][1])


def test_tasks_of_every_kind_and_name_are_learned():
    """The weights go into the model of the user's names, which predicts with them."""
    model, trained = build(learning_rate=0.05)
    valid = data(seed=5)
    history = train(trained, valid=valid, epochs=15, patience=15)
    assert set(model.output) == set(TASKS)
    outputs = predict(model, valid)
    mood = outputs[MOOD].argmax(-1) == valid.targets[MOOD]
    tags = (outputs[TAGS] > 0) == valid.targets[TAGS]
    error = outputs[PRICE][:, 0] - valid.targets[PRICE]
    assert mood.mean() > 0.8 and tags.mean() > 0.8
    assert np.mean(error**2) < 0.5 * np.var(valid.targets[PRICE])
    best = max(history, key=lambda logs: logs["score"])["score"]
    assert best[0] == pytest.approx(
        np.mean([best_of(history, key) for key in keys_of(history)]), abs=1e-6
    )


def keys_of(history):
    return [k for k in history[0] if k.endswith(("accuracy", "micro_f1", "r2"))][-3:]


def best_of(history, key):
    best = max(range(len(history)), key=lambda epoch: history[epoch]["score"])
    assert key.startswith("val_")
    return history[best][key]


def test_missing_labels_teach_nothing():
    """A task without any label keeps its head's weights to the bit."""
    model, trained = build()
    before = {v.path: ops.convert_to_numpy(v) for v in model.trainable_variables}
    only = data(shuffle=True, labelled=lambda task, row: task == MOOD)
    history = train(trained, train=only)
    assert np.isfinite([logs["loss"] for logs in history]).all()
    for variable in model.trainable_variables:
        still = np.array_equal(before[variable.path], ops.convert_to_numpy(variable))
        assert still == ("tags" in variable.path or "price" in variable.path)


def test_loss_weights_are_factors():
    losses = {}
    for factor in (1.0, 4.0):
        _, trained = build(loss_weights={PRICE: factor})
        valid = data(seed=5)
        logs = trained.evaluate(valid.feed(), return_dict=True, verbose=0)
        losses[factor] = logs["loss"]
        price = logs["price_loss"] / TASKS[PRICE].scale ** 2
    assert losses[4.0] - losses[1.0] == pytest.approx(3 * price, rel=1e-4)
    with pytest.raises(ValueError, match="`loss_weights` must name tasks.*: cost"):
        build(loss_weights={"cost": 1.0})


def test_class_weights():
    task = Task("categories", ("a", "b", "c"))
    target = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 0], "int32")
    weight = np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 0], "float32")
    found = class_weights(task, target, weight, "balanced")
    totals = [found[target == label].sum() for label in range(3)]
    np.testing.assert_allclose(totals, 3.0)
    assert found[-1] == 0 and found.sum() == pytest.approx(weight.sum())
    found = class_weights(task, target, weight, {"b": 5.0, "c": 0.5})
    assert found.tolist() == [1] * 6 + [5, 5, 0.5, 0]
    for wrong, message in (
        ({"d": 1.0}, "must name labels. Accepted: a, b, c. Received: d"),
        ("balance", "must be 'balanced' or a weight for each label. Received: 'bal"),
    ):
        with pytest.raises(ValueError, match=message):
            class_weights(task, target, weight, wrong)
    with pytest.raises(ValueError, match="kind 'categories'. Received: .*'regression'"):
        class_weights(Task("regression"), target, weight, "balanced")


def test_without_a_validation_part_the_last_weights_stay():
    model, trained = build(ONE)
    seen = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(weights_of(model))
    )
    history = train(trained, ONE, epochs=4, patience=1, callbacks=[keep])
    assert len(history) == len(seen) == 4
    assert [logs["score"] for logs in history] == [None] * 4
    assert same(weights_of(model), seen[-1]) and not same(seen[0], seen[-1])


def scripted(scores):
    """In place of the validation score, whatever the epochs give."""
    given = iter(scores)
    return lambda logs: (next(given), 0.0)


@pytest.mark.parametrize("on_disk", [False, True])
def test_early_stopping_keeps_the_best(on_disk, tmp_path, monkeypatch):
    scores = [0.1, 0.5, 0.5, 0.4, 0.45, 0.9]
    monkeypatch.setattr(
        "zoo.training.fit.score_of", lambda tasks, labelled: scripted(scores)
    )
    model, trained = build(ONE)
    seen = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.get_weights())
    )
    history = train(
        trained, ONE, valid=data(ONE, seed=5), epochs=6, patience=3, callbacks=[keep],
        folder=tmp_path if on_disk else None,
    )  # fmt: skip
    assert [logs["score"][0] for logs in history] == scores[:5]
    assert same(model.get_weights(), seen[1])  # the first of equals
    assert not same(model.get_weights(), seen[4])


def test_the_score_is_of_the_tasks_that_have_labels():
    """A task that is absent from the validation part has no say, and no NaN."""
    valid = data(seed=5, labelled=lambda task, row: task == TAGS)
    _, trained = build()
    [logs] = train(trained, valid=valid, epochs=1)
    assert logs["score"][0] == logs["val_tags_micro_f1"]
    nothing = data(seed=5, labelled=lambda task, row: False)
    [logs] = train(trained, valid=nothing, epochs=1)
    assert logs["score"] is None


def test_ties_go_to_the_lower_loss(tmp_path):
    checkpoint = Checkpoint(lambda logs: (logs["val"], -logs["loss"]), patience=9)
    checkpoint.set_model(build(ONE)[1])
    for epoch, (val, loss) in enumerate([(0.5, 2.0), (0.5, 1.0), (0.5, 1.5)]):
        checkpoint.on_epoch_begin(epoch)
        checkpoint.on_epoch_end(epoch, {"val": val, "loss": loss})
    assert checkpoint.best_epoch == 1


def test_tasks_are_sampled_while_training():
    labelled = {MOOD: range(40), TAGS: range(40, 46), PRICE: range(46, 48)}
    batches = data(
        shuffle=True, sampling="uniform", labelled=lambda t, row: row in labelled[t]
    )
    history = train(build()[1], train=batches, epochs=4)
    assert len(history) == 4 and np.isfinite([h["loss"] for h in history]).all()


def test_averaged_weights_are_what_is_validated_and_kept():
    """The validation accuracy of the best epoch is that of the weights that stay."""
    steps = []

    class Weights(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append([ops.convert_to_numpy(v) for v in model.trainable_variables])

    _, model = build(ONE, average=0.8)
    valid = data(ONE, seed=5)
    history = train(model, ONE, valid=valid, epochs=1, callbacks=[Weights()])
    average = steps[0]  # Keras starts the average at the first step's weights
    for now in steps[1:]:
        average = [0.8 * a + 0.2 * b for a, b in zip(average, now, strict=True)]
    for found, expected in zip(model.trainable_variables, average, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)
    evaluated = model.evaluate(valid.feed(), verbose=0, return_dict=True)
    assert history[0]["val_loss"] == pytest.approx(evaluated["loss"], rel=1e-4)
