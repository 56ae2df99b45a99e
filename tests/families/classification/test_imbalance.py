"""Rare labels: no default collapses to the majority, and each remedy is applied."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from marks import slow_but

from zoo.data import Examples, Splits
from zoo.families import family_of
from zoo.families.building import build
from zoo.families.classification.estimators import Strength
from zoo.families.classification.fitting import fit_linear_part
from zoo.families.classification.imbalance import (
    advice,
    drawn_repeats,
    training_losses,
    training_weights,
)
from zoo.families.classification.predicted import evaluate_part
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.classification.train import prepare
from zoo.training.settings import IMBALANCES

pytestmark = pytest.mark.tensorflow
WORDS = [f"{a}{b}" for a in "bdfgklmnprst" for b in ("ab", "er", "io", "un", "ol")]


def sentence(generator, told=()):
    words = [*generator.choice(WORDS, 7), *told]
    return " ".join(generator.permutation(words))


def rare(rows, share=0.01, seed=0, flipped=0.0):
    """A rare label that a word tells."""
    generator = np.random.default_rng(seed)
    count = max(round(share * rows), 1)
    positive = generator.permutation(np.arange(rows) < count)
    texts = [sentence(generator, ["refund"] * bool(one)) for one in positive]
    said = positive ^ (generator.random(rows) < flipped)
    return Examples(texts, {"label": ["yes" if one else "no" for one in said]})


def many(rows, labels, seed=0):
    generator = np.random.default_rng(seed)
    ids = generator.permutation(np.arange(rows) % labels)
    texts = [sentence(generator, [f"word{number}x"]) for number in ids]
    return Examples(texts, {"label": [f"l{number}" for number in ids]})


def of_labels(rows, seed=0):
    """Several labels: one of half of the rows, and one of 2 %."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for row in range(rows):
        found = ("usual",) * (row % 2) + ("late",) * (row % 50 == 0)
        told = [{"usual": "market", "late": "siren"}[label] for label in found]
        texts.append(sentence(generator, told))
        labels.append(found)
    return Examples(texts, {"tags": labels}, kinds={"tags": "multilabel"})


SMALL = {"text_cnn": {"maps": 16, "embedding_dim": 32}}  # a test's time


def trained(name, data, folder, sizes=None, **settings):
    family, keywords = family_of(name), sizes or SMALL.get(name, {})
    chosen = family.settings_for(name, data, {"weights": "none", **settings}, keywords)
    prepared = family.prepare(data, chosen)
    model, _ = family.train(
        name, prepared, chosen, keywords, folder=folder, verbose=False
    )
    return family, model, prepared, chosen


def test_weights_of_rows_and_losses():
    data = Splits(rare(400, 0.05), rare(100, 0.05, 1), rare(100, 0.05, 2))
    tags = Splits(of_labels(400), of_labels(100, 1), of_labels(100, 2))
    for one, name in ((data, "label"), (tags, "tags")):
        prepared = prepare(one, ClassificationSettings())
        train, found = prepared.parts["train"], {}
        for imbalance in IMBALANCES:
            settings = ClassificationSettings(imbalance=imbalance)
            found[imbalance] = (
                training_weights(prepared.tasks, train, settings)[name],
                drawn_repeats(prepared.tasks, train, settings),
                training_losses(prepared.tasks, train, settings).get(name),
            )
        for imbalance, (weights, drawn, loss) in found.items():
            weighted = imbalance == "weights" and name == "label"
            assert (weights == 1).all() != weighted
            assert (drawn is not None) == (imbalance == "oversample")
            lossy = imbalance == "focal" or imbalance == "weights" and name == "tags"
            assert (loss is not None) == lossy
    prepared = prepare(data, ClassificationSettings())
    train = prepared.parts["train"]
    yes = train.targets["label"] == 1
    for imbalance in IMBALANCES:  # weights that the user gave count instead
        settings = ClassificationSettings(
            imbalance=imbalance, class_weights={"label": {"yes": 3.0}}
        )
        weights = training_weights(prepared.tasks, train, settings)["label"]
        assert (weights == np.where(yes, 3.0, 1.0)).all()
        assert training_losses(prepared.tasks, train, settings) == {}
        assert drawn_repeats(prepared.tasks, train, settings) is None


def test_which_values_are_accepted():
    with pytest.raises(ValueError, match="`imbalance` must be none, weights.*'auto'"):
        ClassificationSettings(imbalance="auto")
    with pytest.raises(ValueError, match="`loss_weights` must be a mapping.*'equal'"):
        ClassificationSettings(loss_weights="equal")


@pytest.mark.parametrize("imbalance", ["weights", "oversample", "focal"])
@pytest.mark.parametrize("kind", ["categories", "multilabel"])
def test_the_linear_part_has_weights_too(kind, imbalance, monkeypatch):
    monkeypatch.setattr(
        "zoo.families.classification.fitting.choose_strength",
        lambda *a, **b: Strength(1.0, 0.0),
    )
    if kind == "categories":
        data = Splits(rare(300, 0.03, flipped=0.05), rare(100, 0.03, 1), rare(50))
        name = "label"
    else:
        data = Splits(of_labels(300), of_labels(100, 1), of_labels(100, 2))
        name = "tags"
    means = {}
    for chosen in ("none", imbalance):
        settings = ClassificationSettings(imbalance=chosen, weights="none")
        prepared = prepare(data, settings)
        keras.utils.set_random_seed(0)
        model = build("linear", prepared.pipeline.vocabulary, prepared.tasks, {})
        fit_linear_part(model, prepared, settings, "none")
        tokens = prepared.pipeline(prepared.splits.valid.texts)
        said = keras.ops.convert_to_numpy(model(tokens)[name])
        logits = said[:, 1] - said[:, 0] if kind == "categories" else said[:, 0]
        means[chosen] = logits.mean()
    more = means[imbalance] - means["none"]
    assert abs(more) < 1e-6 if imbalance == "focal" else more > 0.1


def test_advice_is_for_imbalanced_labels_without_a_remedy():
    data = Splits(rare(400), rare(100, 0.05, 1), rare(100, 0.05, 2))
    prepared = prepare(data, ClassificationSettings())
    [said] = advice(prepared, ClassificationSettings().to_config())
    assert "`yes` has 1.00% of the training rows" in said
    assert "--set imbalance=weights" in said and "--objective macro_f1" in said
    for settings in (
        {"imbalance": "focal"},
        {"class_weights": {"label": "balanced"}},
    ):
        settings = ClassificationSettings(**settings).to_config()
        assert advice(prepared, settings) == []
    even = Splits(rare(400, 0.3), rare(100, 0.3, 1), rare(100, 0.3, 2))
    prepared = prepare(even, ClassificationSettings())
    assert advice(prepared, ClassificationSettings().to_config()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["linear", "bilstm_mt"])
def test_one_in_a_hundred_is_found_by_default(name, tmp_path):
    data = Splits(rare(2000), rare(500, 0.02, 1), rare(500, 0.02, 2))
    sizes = {"units": 16, "private_units": 8} if name == "bilstm_mt" else {}
    _, model, prepared, _ = trained(name, data, tmp_path, sizes, epochs=3)
    found = evaluate_part(model, prepared, "test")["label"]
    assert found["macro_f1"] > 0.8 and found["auc"] > 0.95


REMEDIES = list(
    itertools.product(["weights", "focal", "oversample"], ["tags", "label"])
)


@pytest.mark.parametrize(
    "remedy",
    slow_but(
        [], REMEDIES, [("weights", "tags"), ("focal", "label"), ("oversample", "label")]
    ),
    ids="-".join,
)
def test_a_network_learns_with_each_remedy(remedy, tmp_path):
    imbalance, column = remedy
    if column == "tags":
        data = Splits(of_labels(1000), of_labels(400, 1), of_labels(400, 2))
    else:
        data = Splits(rare(1000, 0.02), rare(300, 0.02, 1), rare(300, 0.02, 2))
    options = {"imbalance": imbalance, "epochs": 3, "learning_rate": 6e-3}
    _, model, prepared, _ = trained("text_cnn", data, tmp_path, **options)
    assert evaluate_part(model, prepared, "test")[column]["macro_f1"] > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("name", ["linear", "text_cnn"])
def test_flipped_labels_do_not_decide(name, tmp_path):
    flipped = (rare(rows, 0.5, seed, 0.1) for seed, rows in enumerate((1500, 400)))
    data = Splits(*flipped, rare(400, 0.5, 2))
    _, model, prepared, _ = trained(name, data, tmp_path, epochs=3)
    assert evaluate_part(model, prepared, "test")["label"]["accuracy"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, labels",
    [("linear", 120), pytest.param("text_cnn", 300, marks=pytest.mark.release)],
)
def test_many_labels_do_not_collapse(name, labels, tmp_path):
    """Ten rows of each, and one word that tells."""
    parts = zip((10 * labels, 2 * labels, 2 * labels), range(3))
    data = Splits(*(many(rows, labels, seed) for rows, seed in parts))
    options = {"epochs": 10, "learning_rate": 3e-3} if name == "text_cnn" else {}
    _, model, prepared, _ = trained(name, data, tmp_path, **options)
    found = evaluate_part(model, prepared, "test")["label"]
    assert found["macro_f1"] > 0.8 and found["top_5_accuracy"] > 0.9


@pytest.mark.slow
def test_the_summary_prints_macro_f1_and_the_advice(tmp_path):
    data = Splits(rare(1000), rare(300, 0.02, 1), rare(300, 0.02, 2))
    family, model, prepared, settings = trained("linear", data, tmp_path, epochs=1)
    history = [{"loss": 0.5, "seconds": 1.0, "score": None}]
    report = family.report(model, prepared, history, settings, tmp_path / "report")
    macro = f"{report['label']['macro_f1']:.4f}"
    page = (tmp_path / "report" / "report.md").read_text("utf-8")
    for text in (str(report), page):
        assert "macro_f1" in text and macro in text
        assert "The labels of `label` are imbalanced" in text
