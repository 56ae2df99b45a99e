"""The signature `explain` gives what Python gives, by the loader of TF Serving."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
from tiny_export import TASKS, run

from zoo.cli import main
from zoo.families.classification.model import TextModel
from zoo.layers import MaskedMaxPooling, NGramBag, PaddingMask
from zoo.serving import ServedModel
from zoo.text import SPECIALS, TextPipeline

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

TEXTS = ["w1 w2s caf\u00e9", "", "W3 \U0001f600 w1 \u0130x", "w2 " * 40, b"\xff w1"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A model of words and n-grams, exported with its explanations."""
    entries = [*SPECIALS, "w1", "w2", "##s", "w3", "caf\u00e9", "x"]
    pipeline = TextPipeline(entries, max_length=30)
    keras.utils.set_random_seed(0)
    tokens = keras.Input((None,), dtype="int32")
    mask = PaddingMask()(tokens)
    words = keras.layers.Embedding(len(entries), 6, "random_normal")(tokens)
    words = keras.layers.Dense(5, activation="tanh")(words)
    pooled = MaskedMaxPooling()(words, mask=mask)
    bag = NGramBag(3, buckets=64, binary=True)(tokens, mask=mask)
    features = keras.layers.Concatenate()([pooled, bag])
    outputs = {n: keras.layers.Dense(t.outputs)(features) for n, t in TASKS.items()}
    model = TextModel(keras.Model(tokens, outputs), pipeline, TASKS)
    folder = tmp_path_factory.mktemp("explained") / "model"
    return model, model.export(folder, ["w1 w2"], explain=True)


def test_it_is_what_python_says(made):
    model, folder = made
    served = ServedModel(folder).explain(TEXTS)
    for one, other in zip(served, model.explain(TEXTS), strict=True):
        assert list(one) == list(other)
        for name, found in one.items():
            expected = dataclasses.asdict(other[name])
            found = dataclasses.asdict(found)
            words, theirs = (list(x.pop("words")) for x in (found, expected))
            np.testing.assert_allclose(
                [word.pop("share") for word in words],
                [word.pop("share") for word in theirs],
                rtol=1e-5,
                atol=1e-5,
            )
            assert words == theirs
            if model.tasks[name].kind == "regression":  # but for the last digits
                labels = float(found.pop("label")), float(expected.pop("label"))
                assert labels[0] == pytest.approx(labels[1], rel=1e-5)
            for key in ("score", "base", "gap"):
                value = expected.pop(key)
                np.testing.assert_allclose(found.pop(key), value, rtol=1e-5, atol=1e-5)
            assert found == expected


def test_offsets_are_bytes_and_a_text_is_explained_by_itself(made):
    _, folder = made
    texts = ["caf\u00e9 w1", "w2"]
    found = run(folder, texts, "explain")
    assert found["lengths"].tolist() == [2, 1]
    assert found["starts"].tolist() == [[0, 6], [0, 0]]
    assert found["ends"].tolist() == [[5, 8], [2, 0]]
    assert found["words"].tolist() == [["caf\u00e9".encode(), b"w1"], [b"w2", b""]]
    alone = run(folder, texts[1:], "explain")
    np.testing.assert_array_equal(found["price_shares"][1:, :1], alone["price_shares"])
    assert run(folder, [], "explain")["price_score"].shape == (0,)


def test_the_command_asks_the_export(made, capsys):
    model, folder = made
    assert main(["predict", str(folder), "w1 w3", "--explain"]) == 0
    assert '"explanation": {' in capsys.readouterr().out


def test_an_export_without_it_says_so(published, capsys):
    assert main(["predict", str(published), "good", "--explain"]) == 2
    said = capsys.readouterr().err
    assert "Accepted: the result of `zoo export RUN --explain`" in said
    assert "with the signatures classify" in said
