"""Old public names still work, and warn; models saved under them still load."""

from __future__ import annotations

import keras
import pytest

import zoo
from zoo.families.base import Family
from zoo.families.classification import settings
from zoo.families.classification.family import Classification


@pytest.mark.parametrize(
    "module, old, new",
    [
        (zoo.layers, "SharedLSTM", "TaskSpecificLSTM"),
        (zoo.tuning, "Found", "SearchResult"),
        (settings, "Settings", "ClassificationSettings"),
    ],
)
def test_old_names_of_modules(module, old, new):
    with pytest.warns(DeprecationWarning, match=f"`{old}` was renamed to `{new}`"):
        assert getattr(module, old) is getattr(module, new)
    with pytest.raises(AttributeError, match="has no attribute 'Fond'"):
        module.Fond  # noqa: B018


def test_old_attributes_of_a_layer():
    bag = zoo.layers.NGramBag(2, buckets=8, weighted=True)
    bag.build((None, None))
    with pytest.warns(DeprecationWarning, match="`saliency` was renamed to"):
        assert bag.saliency is bag.ngram_weights
    layer = zoo.layers.SparseMoE(4, hidden=2)
    with pytest.warns(DeprecationWarning, match="`health` was renamed to"):
        assert layer.health is layer.routing_metrics
    assert "health" not in dir(layer)  # what Keras walks to save a model
    with pytest.raises(AttributeError, match="'SparseMoE' object has no .* 'wealth'"):
        layer.wealth  # noqa: B018


def test_old_names_of_a_family():
    family = zoo.families.get_family("classification")
    with pytest.warns(DeprecationWarning, match="`invitation` was renamed to"):
        assert family.invitation == "Predict with it"
    for old, new in Family.renamed.items():
        with pytest.warns(DeprecationWarning, match=f"`{old}` was renamed to `{new}`"):
            assert getattr(family, old) == getattr(family, new)


def test_a_family_that_overrides_old_names():
    with pytest.warns(DeprecationWarning) as warned:

        class Older(Classification):
            invitation = "Ask"

            def brief(self, results):
                return f"{results['test']} in all"

    assert len(warned) == 2
    older = Older()
    assert older.next_step == "Ask" and older.summary({"test": 3}) == "3 in all"


def test_a_layer_saved_under_its_old_name():
    config = {
        "module": "zoo.layers.recurrent.shared",
        "class_name": "SharedLSTM",
        "registered_name": "zoo>SharedLSTM",
        "config": {"tasks": 2, "units": 3, "peepholes": True},
    }
    layer = keras.saving.deserialize_keras_object(config)
    assert type(layer) is zoo.layers.TaskSpecificLSTM
    assert (layer.tasks, layer.units, layer.peepholes) == (2, 3, True)
    again = keras.saving.serialize_keras_object(layer)
    assert again["registered_name"] == "zoo>SharedLSTM"
