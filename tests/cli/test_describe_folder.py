"""`zoo describe` of a run or an export: its card, and its own layers."""

from __future__ import annotations

import json
import shutil

import pytest
from saved import SAVED

from zoo.cli import main

MODEL = SAVED / "classification"


def test_a_run_gives_the_card_in_its_metadata(tmp_path, capsys):
    shutil.copytree(MODEL, tmp_path / "run/model")
    path = tmp_path / "run/model/metadata.json"
    card = {"title": "moods", "rows": {"train": 90, "test": 10}}
    path.write_text(json.dumps({**json.loads(path.read_text()), "card": card}))
    assert main(["describe", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == card
    assert main(["describe", str(tmp_path / "run")]) == 0
    assert "Rows: 90 train, 10 test." in capsys.readouterr().out


def test_the_newest_version_of_an_export(tmp_path, capsys):
    for number, title in (("2", "old"), ("10", "new")):
        extra = tmp_path / number / "assets.extra"
        extra.mkdir(parents=True)
        (tmp_path / number / "saved_model.pb").touch()
        (extra / "card.json").write_text(json.dumps({"title": title}))
    for place, title in ((tmp_path, "new"), (tmp_path / "2", "old")):
        assert main(["describe", str(place), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"title": title}


def test_another_folder_is_an_error(tmp_path, capsys):
    (tmp_path / "1").mkdir()
    assert main(["describe", str(tmp_path)]) == 2
    assert "must be a run" in capsys.readouterr().err


@pytest.mark.tensorflow
def test_the_layers_are_those_of_the_trained_model(capsys):
    assert main(["describe", str(MODEL), "--layers", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    from zoo.loading import load

    model = load(MODEL).model
    assert found["total"]["parameters"] == model.count_params()
    named = {row["layer"] for row in found["layers"]}
    assert named == {layer.name for layer in model.layers if layer.weights}
