"""Thresholds of multilabel tasks: tuned on held-out rows, and used by every answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

import zoo
from zoo.data import Examples, Splits
from zoo.data.unknown import with_unknown
from zoo.edge.compare import metrics_of
from zoo.families import family_of
from zoo.families.classification import thresholds
from zoo.families.classification.baselines import evaluate_baselines
from zoo.families.classification.calibration import calibrate
from zoo.families.classification.evaluate import evaluate_examples
from zoo.families.classification.predicted import evaluate_part
from zoo.families.classification.thresholds import LIMITS, tune_thresholds
from zoo.loading import load
from zoo.serving import ServedModel
from zoo.serving.check import _same_label
from zoo.tasks import Task, answers_of
from zoo.training.metrics import evaluate

ONE = Task("multilabel", ("a",))


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def drawn(rows, share, noise, seed=0):
    """Rows of a rare label, whose logits are too low and blurred."""
    generator = np.random.default_rng(seed)
    target = (generator.random((rows, 1)) < share).astype(float)
    return target, 3 * target - 5 + noise * generator.normal(size=(rows, 1))


def test_a_label_below_a_half_gets_a_threshold_that_finds_it():
    target, logits = drawn(2000, 0.05, 1.0)
    [cut] = tune_thresholds(ONE, target, np.ones(2000), logits)
    fresh, judged = drawn(2000, 0.05, 1.0, seed=1)
    grid = np.linspace(0.01, 0.6, 200)
    best = max(f1_score(fresh, sigmoid(judged) > t) for t in grid)
    found = f1_score(fresh, sigmoid(judged) > cut)
    assert found > 0.95 * best > 0.5 > f1_score(fresh, sigmoid(judged) > 0.5) + 0.3


@pytest.mark.parametrize(
    "rows, share, noise, low, high",
    [
        (2000, 0.0, 1.0, 0.5, 0.5),
        (2000, 1.0, 1.0, 0.5, 0.5),
        (2000, 0.05, 9.0, *LIMITS),
    ],
)
def test_noise_does_not_decide(rows, share, noise, low, high):
    target, logits = drawn(rows, share, noise)
    cuts = tune_thresholds(ONE, target, np.ones(rows), logits) or (0.5,)
    assert low <= cuts[0] <= high


def rare_labels(seed, labels=30, rows=1500):
    """Calibrated logits of labels that few rows have, some more than others."""
    generator = np.random.default_rng(seed)
    shares = np.geomspace(0.004, 0.1, labels)
    logits = np.log(shares) - 2 + 2 * generator.normal(size=(rows, labels))
    return (generator.random((rows, labels)) < sigmoid(logits)).astype(float), logits


def test_the_thresholds_of_rare_labels_are_drawn_together(monkeypatch):
    task = Task("multilabel", tuple(map(str, range(30))))
    gains = []
    for seed in range(5):
        target, logits = rare_labels(seed)
        drawn = np.array(tune_thresholds(task, target, np.ones(1500), logits))
        with monkeypatch.context() as patched:
            patched.setattr(thresholds, "_nearer_to_one", lambda own, *_: own)
            own = np.array(tune_thresholds(task, target, np.ones(1500), logits))
        tuned = own != 0.5
        assert tuned.sum() > 10 and (drawn[~tuned] == 0.5).all()
        assert 0.2 < drawn[tuned].std() / own[tuned].std() < 0.8, "halfway"
        fresh, chances = rare_labels(seed + 100)
        chances = sigmoid(chances)
        scores = [
            f1_score(fresh, chances > cuts, average="micro") for cuts in (own, drawn)
        ]
        gains.append(scores[1] - scores[0])
    assert np.mean(gains) > 0.005


def test_thresholds_stay_where_a_common_one_would_cost():
    generator = np.random.default_rng(0)
    target = (generator.random((2000, 2)) < [0.05, 0.5]).astype(float)
    # One label is far below a half, one far above.
    logits = 3 * target + [-5, 2] + 0.5 * generator.normal(size=target.shape)
    low, high = tune_thresholds(
        Task("multilabel", ("a", "b")), target, np.ones(2000), logits
    )
    said = sigmoid(logits) > [low, high]
    assert low < 0.3 and high > 0.9
    assert f1_score(target, said, average="micro") > 0.97


@pytest.mark.parametrize("positives", [4, 5])
def test_a_label_of_few_rows_keeps_a_half(positives):
    target = np.arange(100)[:, None] < positives
    logits = 3.0 * target - 5
    cuts = tune_thresholds(ONE, target, np.ones(100), logits)
    assert cuts == () if positives < 5 else cuts[0] < 0.1


def test_labels_that_a_half_separates_keep_it():
    generator = np.random.default_rng(0)
    target = (generator.random((500, 3)) < 0.3).astype(float)
    logits = 8 * target - 4 + generator.normal(size=target.shape)
    task = Task("multilabel", ("a", "b", "c"))
    assert tune_thresholds(task, target, np.ones(500), logits) == ()


def test_equal_scores_and_odd_outputs_are_no_errors():
    target, logits = drawn(100, 0.3, 1.0)
    for odd in (np.zeros_like(logits), np.full_like(logits, np.nan)):
        assert tune_thresholds(ONE, target, np.ones(100), odd) == ()
    assert tune_thresholds(ONE, target, np.zeros(100), logits) == ()
    weight = np.repeat([1.0, 0.0], 50)
    alone = tune_thresholds(ONE, target[:50], weight[:50], logits[:50])
    logits[50:] = np.nan
    assert tune_thresholds(ONE, target, weight, logits) == alone != ()


def test_metrics_count_the_labels_that_are_predicted():
    task = Task("multilabel", ("a", "b"), temperature=2.0, thresholds=(0.2, 0.7))
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=3, size=(300, 2))
    target = generator.integers(0, 2, (300, 2)).astype("float32")
    said = [answer["label"].split("|") for answer in answers_of(logits, task)]
    applies = np.array([[label in row for label in "ab"] for row in said])
    assert (applies == (sigmoid(logits / 2) > [0.2, 0.7])).all()
    found = evaluate(task, target, np.ones(300), logits)
    assert found["micro_f1"] == f1_score(target, applies, average="micro")
    assert found["macro_f1"] == f1_score(target, applies, average="macro")
    true = target > 0
    assert found["by_label"] == [
        [n, true[:, n].sum(), applies[:, n].sum(), (true & applies)[:, n].sum()]
        for n in range(2)
    ]


RARE, USUAL = "siren", "market"


def part(seed, rows):
    """A label that a word tells, and one that another word makes somewhat likely."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(rows):
        words = [*generator.choice("one two three four five six".split(), 4)]
        usual, hint = generator.random() < 0.5, generator.random() < 0.15
        rare = generator.random() < (0.3 if hint else 0.02)
        words += [USUAL] * usual + [RARE] * hint
        texts.append(" ".join(generator.permutation(words)))
        labels.append(("usual",) * usual + ("rare",) * rare)
    return Examples(texts, {"label": labels}, kinds={"label": "multilabel"})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data = Splits(part(0, 600), part(1, 400), part(2, 400))
    family = family_of("linear")
    settings = family.settings_for("linear", data, {"epochs": 1, "weights": "none"}, {})
    prepared = family.prepare(data, settings)
    folder = tmp_path_factory.mktemp("run")
    model, _ = family.train(
        "linear", prepared, settings, {}, folder=folder, verbose=False
    )
    return data, prepared, model


@pytest.mark.tensorflow
def test_a_rare_label_is_predicted_after_training(trained):
    data, prepared, model = trained
    rare, usual = model.tasks["label"].cuts
    assert model.tasks["label"].labels == ("rare", "usual")
    assert rare < 0.45 and usual == 0.5
    untuned = replace(
        model, tasks={"label": replace(model.tasks["label"], thresholds=())}
    )
    for name in ("valid", "test"):
        before = evaluate_part(untuned, prepared, name)["label"]["macro_f1"]
        after = evaluate_part(model, prepared, name)["label"]["macro_f1"]
        assert after > before + 0.1, name
    _, found = evaluate_examples(model, data.test)
    assert found == evaluate_part(model, prepared, "test")
    said = [answer["label"]["label"] for answer in model.predict(data.test.texts)]
    wanted = [count for _, _, count, _ in found["label"]["by_label"]]
    assert [sum(label in row for row in said) for label in ("rare", "usual")] == wanted
    assert calibrate(model, prepared).tasks == model.tasks


@pytest.mark.tensorflow
@pytest.mark.slow
def test_the_linear_baseline_has_thresholds_too(trained):
    _, prepared, _ = trained
    found = evaluate_baselines(prepared, "test")
    silent, rare = found["majority"]["label"], found["linear"]["label"]
    assert rare["macro_f1"] > 0.6 > silent["macro_f1"]
    assert [row[2] for row in rare["by_label"]][0] > 20


@pytest.mark.tensorflow
@pytest.mark.slow
def test_the_export_gives_the_same_labels(trained, tmp_path):
    data, _, model = trained
    own = load(model.save(tmp_path / "saved"))
    assert own.tasks == model.tasks and own.tasks["label"].thresholds
    expected = [answer["label"]["label"] for answer in model.predict(data.test.texts)]
    path = zoo.export(own, tmp_path / "export")
    served = ServedModel(path).predict(data.test.texts)
    assert [answer["label"]["label"] for answer in served] == expected
    assert any("rare" in label for label in expected)


def test_labels_that_the_model_does_not_know_keep_the_thresholds():
    tasks = {"label": Task("multilabel", ("a", "b"), thresholds=(0.25, 0.75))}
    data = Examples(["x"], {"label": [("a", "new")]}, kinds={"label": "multilabel"})
    assert with_unknown(tasks, data)["label"].cuts == (0.25, 0.75, 0.5)
    plain = {"label": Task("multilabel", ("a", "b"))}
    assert with_unknown(plain, data)["label"].thresholds == ()


def test_a_check_of_an_export_knows_the_thresholds():
    """Only a score that rounding may move over its threshold excuses another label."""
    task = Task("multilabel", ("a", "b"), thresholds=(0.25, 0.75)).to_config()
    for scores, excused in (([0.25, 0.5], True), ([0.5, 0.5], False)):
        expected = {"label": "a", "scores": scores}
        assert _same_label("", scores, expected, task, 1e-5) == excused
    plain = Task("multilabel", ("a", "b")).to_config()
    assert _same_label(
        "", [0.5, 0.9], {"label": "a", "scores": [0.5, 0.9]}, plain, 1e-5
    )


def test_metrics_of_a_device_use_the_thresholds():
    task = Task("multilabel", ("a", "b"), temperature=1.5, thresholds=(0.2, 0.7))
    logits = np.random.default_rng(0).normal(scale=3, size=(60, 2))
    target = np.random.default_rng(1).integers(0, 2, (60, 2)).astype("float32")
    scores = np.array([answer["scores"] for answer in answers_of(logits, task)])
    run = lambda rows: {"scores": scores[rows[0]]}  # noqa: E731
    ones, tokens = {"label": np.ones(60)}, np.arange(60)[:, None]
    found = metrics_of(run, {"label": task}, tokens, {"label": target}, ones)["label"]
    expected = evaluate(task, target, np.ones(60), logits)
    assert found.pop("by_label") == expected.pop("by_label")
    assert found.pop("interval") == pytest.approx(expected.pop("interval"))
    assert found == pytest.approx(expected)
