"""Classifiers that learn distributions over labels, beside labels."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from test_imbalance import sentence

from zoo.data import Examples, Splits
from zoo.families.building import build
from zoo.families.classification.calibration import calibrate
from zoo.families.classification.fitting import fit_linear_part
from zoo.families.classification.imbalance import training_losses, training_weights
from zoo.families.classification.model import TextModel
from zoo.families.classification.predicted import evaluate_part
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.classification.soft import (
    LikeliestAccuracy,
    joint,
    learned_labels,
)
from zoo.families.classification.train import prepare, train
from zoo.tasks import Task

pytestmark = pytest.mark.tensorflow
SETTINGS = ClassificationSettings(weights="none", min_count=1)
SAID = {"no": 0.2, "yes": 0.8}


def rows(labels, soft, weights=(), seed=0):
    """Texts of which those with a "yes" hold a word; soft rows hold another."""
    generator = np.random.default_rng(seed)
    words = {"yes": "refund", "no": "fine", None: "maybe"}
    texts = [sentence(generator, [words[label]]) for label in labels]
    return Examples(texts, {"label": labels}, soft={"label": soft}, weights=[*weights])


def splits(count=60, weights=()):
    """As many rows with labels as with a distribution."""
    labels = [("no", "yes")[n % 2] for n in range(count)]
    held = rows(labels[:20], [None] * 20, seed=1)
    train = rows(
        labels + [None] * count, [None] * count + [SAID] * count, weights=weights
    )
    return Splits(train, held, held)


def test_targets_and_weights_of_training():
    weights = [1.0] * 100 + [0.5] * 20
    prepared = prepare(splits(weights=weights), SETTINGS)
    encoded = prepared.parts["train"]
    assert encoded.weights["label"].tolist() == [1.0] * 60 + [0.0] * 60
    batches = prepared.batches("train", SETTINGS, shuffle=True)
    assert batches.targets["label"][:2].tolist() == [[1, 0], [0, 1]]
    np.testing.assert_allclose(batches.targets["label"][60:], [[0.2, 0.8]] * 60)
    assert batches.weights["label"].tolist() == [1.0] * 100 + [0.5] * 20
    # Of both classes 30 rows, and the shares of 60 rows that count whatever weights.
    even = ClassificationSettings(weights="none", class_weights={"label": "balanced"})
    found = training_weights(prepared.tasks, encoded, even)["label"]
    no, yes = 120 / (2 * (30 + 12)), 120 / (2 * (30 + 48))
    np.testing.assert_allclose(found[:2], [no, yes], rtol=1e-5)
    np.testing.assert_allclose(found[60], 0.2 * no + 0.8 * yes, rtol=1e-5)
    # Validation reads labels alone.
    assert prepared.batches("valid", SETTINGS).targets["label"].ndim == 1
    alone = prepared.only("label").parts["train"]
    assert len(alone.tokens) == 120 and alone.rows.tolist() == weights


def test_loss_and_metric():
    prepared = prepare(splits(), SETTINGS)
    losses = training_losses(prepared.tasks, prepared.parts["train"], SETTINGS)
    true = np.array([[0.2, 0.8], [1, 0]], "float32")
    logits = np.log(np.array([[0.5, 0.5], [0.25, 0.75]], "float32"))
    value = float(losses["label"](true, logits, np.array([1.0, 3.0])))
    assert value == pytest.approx((np.log(2) + 3 * np.log(4)) / 4, rel=1e-5)
    metric = LikeliestAccuracy()
    metric.update_state(true, logits + [[0, 0.1], [0, 0]], np.array([1.0, 1.0]))
    assert float(metric.result()) == 0.5
    focal = ClassificationSettings(imbalance="focal")
    with pytest.raises(ValueError, match="'none', 'weights' or 'oversample'. Received"):
        training_losses(prepared.tasks, prepared.parts["train"], focal)


def said_of_maybe(model, prepared):
    tokens = prepared.pipeline.encode(["maybe"])
    logits = keras.ops.convert_to_numpy(model(np.array(tokens))["label"])[0]
    return float(keras.ops.softmax(logits)[1])


@pytest.mark.parametrize("weights", [(), [1.0] * 60 + [0.0] * 60])
def test_the_linear_part_learns_probabilities(weights):
    data = splits(weights=weights)
    prepared = prepare(data, SETTINGS)
    model = build("linear", prepared.pipeline.vocabulary, prepared.tasks, {})
    fit_linear_part(model, prepared, SETTINGS, "none")
    if weights:  # rows of weight 0 say nothing
        assert said_of_maybe(model, prepared) < 0.65
    else:
        assert 0.7 < said_of_maybe(model, prepared) < 0.9
    found = TextModel(model, prepared.pipeline, prepared.tasks)
    assert evaluate_part(found, prepared, "test")["label"]["rows"] == 20


@pytest.mark.slow
def test_a_stacked_model_learns_probabilities(tmp_path):
    settings = ClassificationSettings(
        weights="none", min_count=1, epochs=4, least_steps=20, learning_rate=1e-2
    )
    prepared = prepare(splits(), settings)
    small = {"embedding_dim": 8, "units": 8}
    found, history = train(
        "bilstm_mt", prepared, settings, small, folder=tmp_path, verbose=False
    )
    assert np.isfinite([logs["val_loss"] for logs in history]).all()
    assert history[-1]["accuracy"] > 0.9  # of the likeliest labels
    assert 0.65 < said_of_maybe(found.model, prepared) < 0.95
    # The temperature is that of the labels of the validation part.
    assert calibrate(found, prepared).tasks["label"].temperature > 0


@pytest.mark.slow
def test_distributions_alone(tmp_path):
    import zoo

    names, shares = ("label:no", "label:yes"), (0.75, 0.25)
    data = {
        "text": [f"a {'good' if n % 2 else 'bad'} film {n}" for n in range(40)],
        **{
            name: [share if n % 2 else 1 - share for n in range(40)]
            for name, share in zip(names, shares)
        },
    }
    held = [("the good film", "no"), ("the bad film", "yes")]
    run = zoo.train(
        "linear", data, valid=held, test=held, out=tmp_path / "run", verbose=False
    )
    assert run.metrics["label"]["accuracy"] == 1.0
    assert list(run.model.tasks["label"].labels) == ["no", "yes"]


@pytest.mark.parametrize(
    ("model", "data", "said"),
    [
        ("text_cnn", "sst2", "a column of a file or of rows in memory. .*for sst2"),
        ("lstm_lm", ["so good", "so bad"], "for a model of language"),
    ],
)
def test_weights_where_there_are_none(tmp_path, model, data, said):
    import zoo

    with pytest.raises(ValueError, match=f"`weight` .*{said}"):
        zoo.train(model, data, weight="count", out=tmp_path / "run", verbose=False)


def mixed(count=60):
    """Rows with a label of a multilabel task and of a regression, or with neither."""
    labels = [("no", "yes")[n % 2] for n in range(count)] + [None] * count
    part = rows(labels, [None] * 2 * count)
    some = [label is not None for label in labels]
    return Examples(
        part.texts,
        {
            "kinds": [(label,) if label else None for label in labels],
            "stars": [float(label == "yes") if label else None for label in labels],
        },
        soft={
            "kinds": [None if has else {"yes": 0.75, "no": 0.1} for has in some],
            "stars": [None if has else 0.8 for has in some],
        },
    )


def test_probabilities_of_many_labels_and_values():
    data = mixed()
    held = data.select(range(20))
    prepared = prepare(Splits(data, held, held), SETTINGS)
    batches = prepared.batches("train", SETTINGS, shuffle=True)
    np.testing.assert_allclose(batches.targets["kinds"][60:], [[0.1, 0.75]] * 60)
    np.testing.assert_allclose(batches.targets["stars"][60:], [(0.8 - 0.5) / 0.5] * 60)
    assert all(batches.weights[name].all() for name in ("kinds", "stars"))
    # The linear part learns them too: rows without labels have a word of their own.
    model = build("linear", prepared.pipeline.vocabulary, prepared.tasks, {})
    fit_linear_part(model, prepared, SETTINGS, "none")
    found = TextModel(model, prepared.pipeline, prepared.tasks)
    outputs = found.logits(data.texts[60:])
    no, yes = np.mean(1 / (1 + np.exp(-outputs["kinds"])), axis=0)
    assert 0.05 < no < 0.2 and 0.65 < yes < 0.85
    stars = prepared.tasks["stars"].value(outputs["stars"])
    assert stars.mean() == pytest.approx(0.8, abs=0.05)
    assert evaluate_part(found, prepared, "test")["kinds"]["micro_f1"] > 0.9


def test_a_label_outvotes_what_a_teacher_says_of_other_tasks():
    """Where tasks have the same labels, and so one linear model."""
    soft = [{"no": 0.5, "yes": 0.5}, {"no": 0.25, "yes": 0.75}]
    data = Examples(
        ["a b", "b c", "c d", "d e"],
        {"x": ["yes", None, None, "no"], "y": [None, "no", None, "yes"]},
        soft={"x": [None, soft[0], soft[0], None], "y": [soft[1], None, soft[1], None]},
    )
    prepared = prepare(Splits(data, data, data), SETTINGS)
    tasks = {name: Task("categories", ("no", "yes")) for name in ("x", "y")}
    target, weight = joint(["x", "y"], tasks, prepared.parts["train"])
    np.testing.assert_allclose(target, [[0, 1], [1, 0], [0.375, 0.625], [0.5, 0.5]])
    assert weight.tolist() == [1.0] * 4
    targets, weights = learned_labels(tasks, prepared.parts["train"])
    assert [weights[name].tolist() for name in tasks] == [[1, 0, 1, 1], [0, 1, 1, 1]]
    assert targets["y"].tolist() == [1, 0, 1, 1]
