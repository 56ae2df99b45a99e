"""Rare tags: weights of words, focal loss, and sentences that are drawn more often."""

from __future__ import annotations

import numpy as np
import pytest
from tagged_toys import SLOTS, build, pipeline, sentences, settings, tasks

from zoo.families.tagging.batches import TaggedBatches, encode_targets
from zoo.families.tagging.fitting import train_tagger
from zoo.families.tagging.imbalance import (
    by_label,
    check_imbalance,
    sentence_repeats,
)

pytestmark = pytest.mark.tensorflow


def test_words_have_the_weights_of_their_tags():
    known, data = tasks(), sentences(64)
    targets = encode_targets(data, known)
    weights = by_label(known, targets, "weights")
    ids = np.concatenate(targets[SLOTS])
    totals = np.bincount(ids, weights=weights[SLOTS][ids])
    seen = np.bincount(ids) > 0
    assert not seen.all()  # there is no I-food
    np.testing.assert_allclose(totals[seen], len(ids) / seen.sum())
    read = pipeline().encode(data.tokens)
    batches = TaggedBatches(
        read, targets, batch_size=64, buckets=1, label_weights=weights
    )
    inputs, true, found = batches[0]
    there = inputs["tokens"] > 0
    expected = np.where(there, weights[SLOTS][true["task_0"]], 0)
    np.testing.assert_allclose(found["task_0"], expected, rtol=1e-6)
    np.testing.assert_allclose(found["intent"], weights["intent"][true["intent"]])
    assert by_label(known, targets, "focal") == {}


def test_sentences_with_rare_tags_are_drawn_more_often():
    known, data = tasks(), sentences(64)
    for row, tags in enumerate(data.tags[SLOTS]):  # one sentence keeps its food
        if row != 63 and "B-food" in tags:
            data.tags[SLOTS][row] = ["O"] * len(tags)
    data.tags[SLOTS][63] = ["B-food"] * len(data.tags[SLOTS][63])
    targets = encode_targets(data, known)
    found = sentence_repeats(known, targets, "oversample")
    assert found.argmax() == 63 and found[63] > 2 * np.median(found)
    assert sentence_repeats(known, targets, "none") is None


@pytest.mark.parametrize("imbalance", ["weights", "focal"])
def test_a_crf_has_no_words_to_weigh(imbalance):
    model = build("bilstm_crf")
    message = f"`imbalance` must suit.*Accepted for a CRF.*'{imbalance}' for the CRF"
    with pytest.raises(ValueError, match=message):
        check_imbalance(model, tasks(), settings("bilstm_crf", imbalance=imbalance))
    check_imbalance(model, tasks(), settings("bilstm_crf", imbalance="oversample"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, options",
    [
        ("bilstm_tagger", {"imbalance": "weights"}),
        ("bilstm_tagger", {"imbalance": "focal", "loss_weights": "uncertainty"}),
        ("bilstm_crf", {"imbalance": "oversample", "loss_weights": "uncertainty"}),
    ],
)
def test_a_tagger_learns_with_each(name, options):
    data, valid, known = sentences(64), sentences(24, 1), pipeline()
    history = train_tagger(
        build(name),
        tasks(),
        (known.encode(data.tokens), data),
        (known.encode(valid.tokens), valid),
        settings(name, **options),
        verbose=False,
    )
    assert max(logs["val_score"] for logs in history) > 0.9
    learned = [key for key in history[-1] if key.endswith("_weight")]
    wanted = ["task_0_weight", "intent_weight"] if "loss_weights" in options else []
    assert learned == wanted and all(history[-1][key] != 1 for key in learned)
