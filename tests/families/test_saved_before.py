"""Models saved before `metadata.json` named their family still load and answer."""

from __future__ import annotations

import json
import shutil

import pytest
from saved import SAVED

import zoo

pytestmark = pytest.mark.tensorflow

FAMILIES = ("classification", "language", "tagging", "translation")


def rounded(value):
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-5)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value


@pytest.mark.parametrize("family", FAMILIES)
def test_models_of_every_family(family, tmp_path):
    assert "family" not in json.loads((SAVED / family / "metadata.json").read_text())
    text_model = zoo.load(SAVED / family)
    assert text_model.family == family
    expected = json.loads((SAVED / "answers.json").read_text("utf-8"))[family]
    found = json.loads(json.dumps(text_model.predict(["a good day", ""])))
    assert found == rounded(expected)
    again = text_model.save(tmp_path / "again")
    assert json.loads((again / "metadata.json").read_text())["family"] == family
    assert zoo.load(again).family == family


def test_an_unknown_family_is_named(tmp_path):
    folder = shutil.copytree(SAVED / "classification", tmp_path / "model")
    metadata = json.loads((folder / "metadata.json").read_text())
    text = json.dumps({**metadata, "family": "clasification"})
    (folder / "metadata.json").write_text(text)
    with pytest.raises(ValueError, match="mean 'classification'.*ZOO_PLUGINS"):
        zoo.load(folder)
