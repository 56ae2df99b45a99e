"""Training: seeds, names, weights, early stopping."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.metrics import mean_absolute_error, r2_score

import zoo
from zoo.tasks import Task, as_tasks
from zoo.training.batching import TokenBatches
from zoo.training.checkpoint import Checkpoint, Diverged
from zoo.training.fit import class_weights, compile_model, fit, predict, seed_everything
from zoo.training.history import best_epoch
from zoo.training.metrics import MAIN_METRIC, METRICS, evaluate, metric_names

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
        "regression": lambda task: task.standardised(first + 12.0),
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


@pytest.mark.slow
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
        np.mean([best_of(history, f"val_{k}") for k in metric_names(TASKS).values()])
    )


def best_of(history, key):
    best = max(range(len(history)), key=lambda epoch: history[epoch]["score"])
    assert key.startswith("val_")
    return history[best][key]


def test_a_step_is_traced_once():
    _, trained = build()
    step, traced = trained.train_step, []
    trained.train_step = lambda data: traced.append(data) or step(data)
    train(trained, epochs=1)
    assert len(traced) == 1


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


@pytest.mark.slow
def test_loss_weights_are_factors():
    losses = {}
    for factor in (1.0, 4.0):
        _, trained = build(loss_weights={PRICE: factor})
        valid = data(seed=5)
        logs = trained.evaluate(valid.feed(), return_dict=True, verbose=0)
        losses[factor] = logs["loss"]
        price = logs["price_loss"]
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
        "zoo.training.fit.score_of", lambda tasks, *rest: scripted(scores)
    )
    model, trained = build(ONE)
    seen = []
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.get_weights())
    )
    history = train(
        trained,
        ONE,
        valid=data(ONE, seed=5),
        epochs=6,
        patience=3,
        callbacks=[keep],
        folder=tmp_path if on_disk else None,
    )
    assert [logs["score"][0] for logs in history] == scores[:5]
    assert same(model.get_weights(), seen[1])  # the first of equals
    assert not same(model.get_weights(), seen[4])


@pytest.mark.slow
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


def hard(target, kind="regression", labels=("a",), rows=ROWS, seed=0):
    """Batches of one task with a target of one's own, and half of its rows masked."""
    task = Task("regression", (), 0.0, 1.0) if kind == "regression" else None
    tasks = {"y": task or Task(kind, labels)}
    batches = data(tasks, rows=rows, seed=seed, labelled=lambda name, row: row % 2)
    batches.targets["y"] = np.asarray(target)
    return tasks, batches


@pytest.mark.slow
def test_what_is_shown_is_what_a_report_says():
    """Of every task, metric and epoch, and the kept weights are those of the best."""
    model, trained = build(learning_rate=0.05)
    valid = data(seed=5, labelled=lambda task, row: row % 3 > 0)
    history = train(trained, valid=valid, epochs=6, patience=6)
    outputs = predict(model, valid)
    best = max(history, key=lambda logs: logs["score"])
    for name, key in metric_names(TASKS).items():
        rows = valid.targets[name], valid.weights[name]
        found = evaluate(TASKS[name], *rows, outputs[name])
        prefix = key.removesuffix(MAIN_METRIC[TASKS[name].kind])
        for metric in METRICS[TASKS[name].kind]:
            shown = best[f"val_{prefix}{metric}"]
            assert shown == pytest.approx(found[metric], abs=1e-6)
    assert len({logs["score"][0] for logs in history}) > 2


def test_dates_are_learned_and_measured():
    """A billion seconds with a spread of minutes: R2 by scikit-learn, on the values."""
    task = Task("regression", (), 1.7e9, 300.0)
    tasks, train_part = hard(np.zeros(ROWS))
    tasks = {"y": task}
    first = np.array([ids[0] for ids in train_part.tokens])
    values = 1.7e9 + 100.0 * first
    train_part.targets["y"] = task.standardised(values)
    model, trained = build(tasks, learning_rate=0.05)
    batches = data(tasks, shuffle=True)
    batches.targets["y"] = train_part.targets["y"]
    history = train(trained, tasks, train=batches, valid=train_part, epochs=12)
    shown = [logs["val_r2"] for logs in history]
    there = train_part.weights["y"] > 0
    said = task.value(predict(model, train_part)["y"][:, 0].astype("float64"))
    expected = r2_score(values[there], said[there])
    assert max(shown) == pytest.approx(expected, abs=1e-6) and expected > 0.7
    best = max(history, key=lambda logs: logs["val_r2"])
    error = mean_absolute_error(values[there], said[there])
    assert best["val_mae"] == pytest.approx(error, rel=1e-6) and error > 1


def test_where_the_metric_is_undefined_the_loss_decides():
    tasks, valid = hard(np.full(ROWS, 0.25))
    model, trained = build(tasks)
    history = train(trained, tasks, train=data(tasks), valid=valid, epochs=4)
    assert all(np.isnan(logs["val_r2"]) for logs in history)
    assert all(np.isnan(logs["score"][0]) for logs in history)
    losses = [logs["val_loss"] for logs in history]
    assert best_epoch(history) == 1 + int(np.argmin(losses))
    error = np.abs(predict(model, valid)["y"][:, 0] - 0.25)[valid.weights["y"] > 0]
    assert history[int(np.argmin(losses))]["val_mae"] == pytest.approx(error.mean())


class Breaks(keras.callbacks.Callback):
    """Ruins the weights within some epochs, before they are validated."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch in self.epochs:
            self.model.set_weights([w * np.nan for w in self.model.get_weights()])


@pytest.mark.slow
def test_a_training_that_diverges_keeps_its_last_good_epoch():
    valid = data(ONE, seed=5)
    model, trained = build(ONE)
    broken = [Breaks([1, 2, 3])]
    history = train(trained, ONE, valid=valid, epochs=9, patience=2, callbacks=broken)
    assert len(history) == 3 and best_epoch(history) == 1
    assert all(np.isfinite(array).all() for array in weights_of(model))
    with pytest.raises(Diverged, match="`learning_rate`.*Received: 2 epoch.*nan"):
        broken = [Breaks(range(9))]
        train(build(ONE)[1], ONE, valid=valid, epochs=9, patience=2, callbacks=broken)


@pytest.mark.parametrize(
    "epochs, best",
    [
        ([(0.5, -1.0), (np.nan, np.nan), (0.4, -1.0)], 0),
        ([(np.nan, np.nan), (0.4, -1.0)], 1),
        ([(-np.inf, -np.inf), (-2.0, -9.0)], 1),
        ([(np.nan, -3.0), (np.nan, -1.0), (np.nan, -2.0)], 1),
        ([(np.nan, np.nan), (np.nan, np.nan)], None),
        ([None, None], -1),
    ],
)
def test_the_epoch_that_is_kept(epochs, best, tmp_path):
    """One file of state tells a resumed run the same."""
    model = build(ONE)[1]
    for _ in range(2):
        checkpoint = Checkpoint(lambda logs: logs["v"], patience=9, folder=tmp_path)
        if not checkpoint.restore(model):
            checkpoint.set_model(model)
            for epoch, score in enumerate(epochs):
                checkpoint.on_epoch_begin(epoch)
                checkpoint.on_epoch_end(epoch, {"v": score, "loss": 1.0})
        if best is None:
            with pytest.raises(Diverged, match="2 epoch"):
                checkpoint.keep_best(model)
            continue
        checkpoint.keep_best(model)
        assert checkpoint.best_epoch == best
        expected = len(epochs) if best < 0 else best + 1
        assert best_epoch(checkpoint.history) == expected


def test_a_loss_that_is_no_number_is_told_without_validation():
    model = build(ONE)[1]
    checkpoint = Checkpoint(lambda logs: None, patience=1)
    checkpoint.set_model(model)
    checkpoint.on_epoch_begin(0)
    checkpoint.on_epoch_end(0, {"loss": np.nan})
    with pytest.raises(Diverged, match="1 epoch"):
        checkpoint.keep_best(model)
