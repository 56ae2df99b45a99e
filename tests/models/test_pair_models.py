"""Classifiers of pairs of texts, made of those of one text."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from marks import first_of_each_file, slow_but
from small_models import CLASSIFIERS, NO_DROPOUT, SIZES, VOCAB_SIZE, tasks_of

import zoo
from zoo.models.pairs import of_pairs

QUICK = ("bilstm", "bilstm_mt", "text_cnn")
OF_PAIRS = [name for name in CLASSIFIERS if name != "linear"]
TOKENS = np.array([[7, 5, 3, 8, 0, 0], [6, 3, 9, 9, 4, 5], [8, 3, 7, 5, 0, 0]])


def small(name: str):
    known = zoo.describe(name).keywords
    options = {k: v for k, v in {**SIZES, **NO_DROPOUT}.items() if k in known}
    keras.utils.set_random_seed(0)
    return zoo.get(name, VOCAB_SIZE, tasks_of(name), **options)


def numbers(outputs) -> dict[str, np.ndarray]:
    return {name: keras.ops.convert_to_numpy(y) for name, y in outputs.items()}


@pytest.mark.parametrize(
    "name", slow_but(QUICK, OF_PAIRS, first_of_each_file(OF_PAIRS))
)
def test_both_texts_share_the_layers_of_the_model(name, tmp_path):
    tasks = tasks_of(name)
    single = small(name)
    model = of_pairs(single, tasks)
    assert model.name == single.name
    found = numbers(model(TOKENS))
    assert {n: y.shape for n, y in found.items()} == {
        n: (3, task.outputs) for n, task in tasks.items()
    }
    for task in tasks:
        head = next(
            layer for layer in model.layers if layer.output is model.output[task]
        )
        features = keras.Model(model.input, head.input)
        one, _, other = keras.ops.convert_to_numpy(features(TOKENS))
        u, v, difference, product = np.split(one, 4)
        np.testing.assert_allclose(difference, np.abs(u - v), atol=1e-6)
        np.testing.assert_allclose(product, u * v, atol=1e-6)
        # The third row is the first one with its texts exchanged.
        np.testing.assert_allclose(
            other, np.concatenate([v, u, difference, product]), atol=1e-5
        )
        assert np.abs(u - v).max() > 1e-4
    longer = np.pad(TOKENS, [(0, 0), (0, 9)])
    for task, values in numbers(model(longer)).items():
        np.testing.assert_allclose(values, found[task], atol=1e-5)
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path, compile=False)
    for task, values in numbers(again(TOKENS)).items():
        np.testing.assert_allclose(values, found[task], atol=1e-6)


def test_a_model_without_features_of_a_text_is_refused():
    with pytest.raises(ValueError, match="needs a head.*Received: 'linear'"):
        of_pairs(small("linear"), tasks_of("linear"))
