"""Several classifiers as one: the sum of their logits, saved, served and explained."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import build, tasks_of

import zoo
from zoo.data import Examples, Splits
from zoo.families import get_family
from zoo.families.classification.ensemble import ensemble_of, read_alike
from zoo.families.classification.model import TextModel
from zoo.families.classification.stacking import PRIOR_ROWS, best_shares
from zoo.families.classification.train import prepare
from zoo.serving import ServedModel
from zoo.tasks import Task
from zoo.training.losses import mean_loss

pytestmark = pytest.mark.tensorflow

WORDS = [f"w{number}" for number in range(36)]
TEXTS = [" ".join(np.roll(WORDS, row)[: 3 + row % 9]) for row in range(48)]
LABELS = {
    "mood/1 \u597d": [("bad", "fair", "good")[row % 3] for row in range(48)],
    "tags": [[("a", "b\u00e9", "c d")[row % 3]] for row in range(48)],
    "price": [float(row % 5) for row in range(48)],
}
FAMILY = get_family("classification")


@pytest.fixture(scope="module")
def made():
    """Three members and their ensemble; each reads the same ids."""
    part = Examples(TEXTS, LABELS)
    data = Splits(part, part, part)
    settings = FAMILY.settings_for("text_cnn", data, {"weights": "none", "subwords": 0})
    prepared = prepare(data, settings)
    members = [
        TextModel(
            build((name, {}), seed=seed),
            prepared.pipeline,
            tasks_of(name),
            {"name": name, "keywords": {}, "settings": settings.to_config()},
        )
        for seed, name in enumerate(["text_cnn", "bilstm_mt", "lstm"])
    ]
    return members, prepared, settings, ensemble_of(members, prepared)


@pytest.mark.slow
def test_the_logits_are_a_weighted_sum(made):
    members, prepared, _, ensemble = made
    found = ensemble.logits(TEXTS[:5])
    each = [member.logits(TEXTS[:5]) for member in members]
    valid = [member.logits(TEXTS) for member in members]
    rows = prepared.parts["valid"]
    for name, task in prepared.tasks.items():
        labels = rows.targets[name], rows.weights[name]
        shares = best_shares(task, *labels, *(one[name] for one in valid))
        assert max(shares) - min(shares) > 1e-4, "or any order of them passes"
        wanted = sum(a * one[name] for a, one in zip(shares, each, strict=True))
        np.testing.assert_allclose(found[name], wanted, atol=1e-5)


def test_shares_of_three_have_the_lowest_loss():
    generator = np.random.default_rng(0)
    task, rows = Task("categories", ("a", "b", "c")), 300
    target = generator.integers(0, 3, rows)
    sure = np.eye(3)[target] + generator.normal(0, 0.6, (rows, 3))
    other = np.eye(3)[target] + generator.normal(0, 0.6, (rows, 3))
    noise = generator.normal(size=(rows, 3))
    shares = best_shares(task, target, np.ones(rows), sure, other, noise)
    assert min(shares[:2]) > 0.5 > 0.2 > shares[2] >= 0

    def loss(*given):
        mixed = sum(a * one for a, one in zip(given, (sure, other, noise)))
        far = np.square(np.subtract(given, 1 / 3)).sum()
        return mean_loss(task, target, np.ones(rows), mixed) * rows + PRIOR_ROWS * far

    near = [np.add(shares, step) for step in 0.02 * np.vstack([np.eye(3), -np.eye(3)])]
    assert loss(*shares) < min(loss(*one) for one in near if min(one) >= 0)
    nothing = best_shares(task, target, np.zeros(rows), sure, other, noise)
    np.testing.assert_allclose(nothing, 1 / 3)


@pytest.mark.slow
def test_it_is_saved_served_and_explained(made, tmp_path):
    members, prepared, settings, _ = made
    ensemble = ensemble_of(members[::2], prepared)
    texts = ["w1 w2 w3 w9", "", "unseen w4"]
    answers = ensemble.predict(texts)
    again = zoo.load(ensemble.save(tmp_path / "model"))
    assert again.predict(texts) == answers
    assert [one["name"] for one in again.metadata["members"]] == ["text_cnn", "lstm"]
    assert again.metadata["members"][0]["settings"] == settings.to_config()
    zoo.export(again, folder=tmp_path / "served")
    served = ServedModel(tmp_path / "served")
    for task, found in served.predict(texts)[0].items():
        assert found["label"] == answers[0][task]["label"]
        for label, score in found["scores"].items():
            np.testing.assert_allclose(score, answers[0][task]["scores"][label], 1e-5)
    for found in again.explain(texts[:1], ["price"])[0].values():
        total = sum(word.share for word in found.words)
        size = max(abs(found.score - found.base), 1e-3)
        assert abs(found.score - found.base - total) < 0.02 * size
    with pytest.raises(ValueError, match="no builder of the zoo has built"):
        zoo.train(
            "text_cnn", [("w1", "a"), ("w2", "b")] * 9, weights=tmp_path / "model"
        )


@pytest.mark.slow
def test_what_makes_no_ensemble(made):
    members, prepared, settings, _ = made
    linear = TextModel(
        build(("linear", {})), prepared.pipeline, tasks_of("linear"), {"name": "linear"}
    )
    assert FAMILY.ensemble([linear, members[0]], prepared, settings) is None
    other = zoo.TextPipeline(prepared.pipeline.vocabulary, max_length=7)
    odd = TextModel(members[1].model, other, tasks_of("bilstm_mt"), {"name": "odd"})
    assert not read_alike([members[0], odd])
    assert FAMILY.ensemble([members[0], odd], prepared, settings) is None
    with pytest.raises(ValueError, match="read texts in the same way.*text_cnn, odd"):
        ensemble_of([members[0], odd], prepared)
    assert FAMILY.ensemble(members[:2], prepared, settings).metadata["name"] == (
        "ensemble"
    )
