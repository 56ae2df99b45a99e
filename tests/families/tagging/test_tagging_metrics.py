"""Scores of entities: by hand, and against seqeval."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from zoo.families.tagging.fitting import mean_score, score_tags
from zoo.families.tagging.metrics import entity_scores
from zoo.tasks import TAGS, Task

TRUE = [
    ["B-PER", "I-PER", "O", "B-LOC"],
    ["O", "B-ORG", "I-ORG", "O"],
    ["B-LOC"],
]
PREDICTED = [
    ["B-PER", "I-PER", "O", "B-ORG"],  # one right, one of the wrong type
    ["O", "B-ORG", "O", "O"],  # cut short
    ["B-LOC"],
]


def test_scores_by_hand():
    scores = entity_scores(TRUE, PREDICTED)
    by_type = scores.pop("by_type")
    assert scores == {
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "support": 4,
        "token_accuracy": 7 / 9,
    }
    assert list(by_type) == ["LOC", "ORG", "PER"]
    loc = {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2}
    assert by_type["LOC"] == loc
    assert by_type["ORG"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert by_type["PER"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}


def test_nothing_there_scores_zero():
    for tags in ([], [[]], [["O", "O"]]):
        scores = entity_scores(tags, tags)
        assert scores["f1"] == scores["precision"] == scores["recall"] == 0.0
        assert scores["by_type"] == {}
    assert entity_scores([["O"]], [["O"]])["token_accuracy"] == 1.0
    assert entity_scores([["B"]], [["B"]])["by_type"]["_"]["f1"] == 1.0


def test_without_a_true_entity_f1_is_undefined():
    """And the mean over tasks leaves it out; the tags themselves can be right."""
    ner, pos = Task(TAGS, ("O", "B-X"), scheme="BIO"), Task(TAGS, ("O", "B-X"))
    true, said = [["O", "O"], ["O", "O"]], [["O", "B-X"], ["O", "O"]]
    found = {"ner": score_tags(ner, true, said), "pos": score_tags(pos, true, said)}
    assert np.isnan(found["ner"]["f1"]) and found["ner"]["token_accuracy"] == 0.75
    assert mean_score({"ner": ner, "pos": pos}, found) == 0.75
    assert np.isnan(mean_score({"ner": ner}, found))
    assert score_tags(ner, said, true)["f1"] == 0.0


def test_entities_do_not_join_across_sentences():
    assert entity_scores([["B-X"], ["I-X"]], [["B-X"], ["I-X"]])["support"] == 2


def test_lengths_must_match():
    with pytest.raises(ValueError, match="`predicted`.*Accepted: 2 sent.*Received: 1"):
        entity_scores([["O"], ["O"]], [["O"]])
    with pytest.raises(ValueError, match=r"`predicted\[1\]`.*`true\[1\]`.*2 tags.*: 1"):
        entity_scores([["O"], ["O", "O"]], [["O"], ["O"]])


@pytest.mark.parametrize("prefixes", ["BI", "BIES"])
@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_seqeval_on_any_tags(seed, prefixes):
    seqeval = pytest.importorskip("seqeval.metrics")
    generator = np.random.default_rng(seed)
    names = ["O", *(f"{p}-{t}" for p in prefixes for t in ("PER", "LOC", "A-B"))]
    names += list(prefixes)
    lengths = generator.integers(1, 12, size=60)
    true = [generator.choice(names, n).tolist() for n in lengths]
    keep = 0.7
    predicted = [
        [t if generator.random() < keep else str(generator.choice(names)) for t in tags]
        for tags in true
    ]
    scores = entity_scores(true, predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = seqeval.classification_report(true, predicted, output_dict=True)
        accuracy = seqeval.accuracy_score(true, predicted)
    assert scores["token_accuracy"] == pytest.approx(accuracy)
    expected = {
        name: {("f1" if k == "f1-score" else k): v for k, v in row.items()}
        for name, row in report.items()
    }
    for row in ("macro avg", "weighted avg"):
        del expected[row]
    micro = expected.pop("micro avg")
    assert {key: scores[key] for key in micro} == pytest.approx(micro)
    assert set(scores["by_type"]) == set(expected)
    for kind, row in expected.items():
        assert scores["by_type"][kind] == pytest.approx(row), kind
