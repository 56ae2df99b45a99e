"""The likeliest tags that a scheme allows, beside all sequences of tags."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from zoo.data.tag_schemes import first_violation
from zoo.families.tagging.legal import legal_tags
from zoo.tasks import TAGS, Task

pytestmark = pytest.mark.tensorflow
LABELS = {
    "BIO": ("O", "B-X", "I-X", "B-Y", "I-Y"),
    "IOB1": ("O", "B-X", "I-X", "I-Y"),
    "BIOES": ("O", "B-X", "I-X", "E-X", "S-X"),
}


@pytest.mark.parametrize("scheme", LABELS)
def test_the_product_of_the_probabilities_is_the_highest(scheme, monkeypatch):
    monkeypatch.setattr("zoo.families.tagging.legal._BATCH", 4)
    task = Task(TAGS, LABELS[scheme], scheme=scheme)
    generator = np.random.default_rng(0)
    rows = [
        generator.dirichlet(np.full(len(task.labels), 0.5), size=size)
        for size in (4, 1, 3, 4, 2, 4)
    ]
    found = legal_tags(task, rows)
    alone = legal_tags(Task(TAGS, task.labels), rows)
    assert any(map(lambda tags: first_violation(tags, scheme), alone))
    for row, tags in zip(rows, found, strict=True):
        legal = [
            path
            for path in product(range(len(task.labels)), repeat=len(row))
            if first_violation([task.labels[p] for p in path], scheme) is None
        ]
        words = np.arange(len(row))
        best = max(legal, key=lambda path: row[words, list(path)].prod())
        assert tags == [task.labels[p] for p in best]


def test_no_sentences_and_no_words():
    task = Task(TAGS, LABELS["BIO"], scheme="BIO")
    assert legal_tags(task, []) == []
    assert legal_tags(task, [np.zeros((0, 5))]) == [[]]
    assert legal_tags(Task(TAGS, ("a", "b")), [np.array([[0.4, 0.6]])]) == [["b"]]
