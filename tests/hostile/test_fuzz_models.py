"""Texts of any characters, and metadata of exports and models that were damaged."""

from __future__ import annotations

import json
import random
import shutil

import pytest
from fuzzing import SEED, damaged_json, fuzzed, told
from hypothesis import given
from saved import SAVED

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

import zoo  # noqa: E402
from zoo.families import text_model  # noqa: E402
from zoo.serving.served import read_metadata  # noqa: E402

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
PARTS = [
    *(
        "a",
        "good",
        "film",
        " ",
        "\n",
        "\t",
        "\0",
        "\u200d",
        "\ufeff",
        "\u0301",
        "\u202e",
    ),
    *("\u597d", "\U0001f600", "\ud800", "\ufffd", "[PAD]", "##s", "<0x41>", "x" * 500),
    *(chr(code) for code in range(1, 0x3000, 131)),
]


def texts(count: int) -> list[str]:
    generator = random.Random(SEED)
    return [
        "".join(generator.choices(PARTS, k=generator.randint(0, 12)))
        for _ in range(count)
    ]


@pytest.mark.parametrize("family", ["classification", "tagging"])
def test_every_text_has_an_answer(family):
    model, rows = zoo.load(SAVED / family), texts(1000)
    answers = model.predict(rows)
    assert len(answers) == len(rows)
    json.dumps(answers, allow_nan=False)


def test_metadata_of_exports(tmp_path):
    whole = {
        "format": "zoo served text model",
        "format_version": 1,
        "model": {"name": "bilstm", "reading": {"text": "text"}},
        "tasks": {"mood": {"kind": "categories", "labels": ["a", "b"]}},
        "outputs": {"mood": {"label": "label", "scores": "scores"}},
        "signatures": {"serving_default": {"inputs": {"text": [7, [-1]]}}},
        "sha256": {"saved_model.pb": "0" * 64},
    }

    @fuzzed(500)
    @given(damaged_json(whole))
    def check(content):
        (tmp_path / "metadata.json").write_bytes(content)
        with told():
            read_metadata(tmp_path)

    check()


@pytest.mark.parametrize("family", ["classification", "tagging"])
def test_folders_of_models(family, tmp_path, monkeypatch):
    """All but the network, which takes a tenth of a second to load."""
    folder = shutil.copytree(SAVED / family, tmp_path / "model")
    whole = json.loads((folder / "metadata.json").read_text("utf-8"))
    kind = type(zoo.load(folder))
    monkeypatch.setattr(text_model, "load_keras", lambda path: None)
    monkeypatch.setattr(kind.pipeline_class, "load", lambda folder: None)

    @fuzzed(400)
    @given(damaged_json(whole))
    def check(content):
        (folder / "metadata.json").write_bytes(content)
        with told():
            zoo.load(folder)

    check()
