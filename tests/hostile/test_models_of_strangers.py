"""Model folders from strangers: nothing runs, and no more memory than stated is taken.

Each attack is a small file, or a sparse one; each is refused in three parts.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from saved import SAVED

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

import numpy as np  # noqa: E402

import zoo  # noqa: E402
from zoo.edge import EdgeModel  # noqa: E402
from zoo.families import keras_file  # noqa: E402
from zoo.serving import ServedModel  # noqa: E402
from zoo.text import objects, vocabulary  # noqa: E402
from zoo.training.kept import sha256_of  # noqa: E402

pytestmark = pytest.mark.tensorflow
PARTS = re.compile(r"must .*Received: ", re.DOTALL)


@pytest.fixture
def folder(tmp_path) -> Path:
    return shutil.copytree(SAVED / "classification", tmp_path / "model")


def sign(folder: Path, **values) -> None:
    """What a stranger does as well: the metadata name the sha256 of each file."""
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text("utf-8")) | values
    for name in metadata["sha256"]:
        metadata["sha256"][name] = sha256_of(folder / name)
    path.write_text(json.dumps(metadata), "utf-8")


def rewrite(path: Path, change=lambda config: config, **members: bytes) -> None:
    """A `.keras` file with another configuration, and further members."""
    with zipfile.ZipFile(path) as archive:
        whole = {name: archive.read(name) for name in archive.namelist()}
    whole["config.json"] = json.dumps(change(json.loads(whole["config.json"]))).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (whole | members).items():
            archive.writestr(name, content)


def refused(folder: Path, *said: str) -> str:
    with pytest.raises(ValueError) as caught:
        zoo.load(folder)
    message = str(caught.value)
    assert PARTS.search(message) and "\n" not in message
    for part in said:
        assert part in message
    return message


def layers_of(config) -> list:
    return config["config"]["layers"]


def other_class(**values):
    def change(config):
        layers_of(config)[1].update(values)
        return config

    return change


LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {
        "name": "run",
        "function": {"class_name": "__lambda__", "config": {"code": "4wAAAAAA"}},
    },
}
CLASSES = {
    "a Lambda": LAMBDA,
    "an unknown class": {"module": "os", "class_name": "system"},
    "a class that nobody registers": {"registered_name": "mine>Layer"},
    "a function of Keras that reads files": {
        "module": "keras.utils",
        "class_name": "get_file",
        "config": {"origin": "file:///etc/passwd"},
    },
}


@pytest.mark.parametrize("name", CLASSES)
def test_a_configuration_names_no_code(folder, name):
    values = {"registered_name": None, **CLASSES[name]}
    rewrite(folder / "model.keras", other_class(**values))
    sign(folder)
    refused(folder, f"{folder / 'model.keras'} must hold a Keras model. Accepted: ")


def test_layers_take_no_more_memory_than_the_file_holds(folder):
    def change(config):
        for layer in layers_of(config):
            if layer["class_name"] == "Embedding":
                layer["config"]["input_dim"] = 10**8  # 800 MB
                return config
        raise AssertionError

    rewrite(folder / "model.keras", change)
    sign(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(folder, "take", "and the file holds")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 100 * 1024  # KiB


def test_deep_configurations_and_other_files(folder):
    path = folder / "model.keras"
    for content in (b"", b"PK\x03\x04", b"\x80\x04N.", os.urandom(99)):
        path.write_bytes(content)
        sign(folder)
        refused(folder, str(path))
    shutil.copy(SAVED / "classification" / "model.keras", path)
    rewrite(path, **{"config.json": b"[" * 10**5})
    sign(folder)
    refused(folder, str(path))


def test_an_archive_that_declares_more_than_its_file_can_hold(folder, monkeypatch):
    monkeypatch.setattr(keras_file, "FREE", 10_000)
    path = folder / "model.keras"
    zoo.load(folder)
    rewrite(path, **{"assets/zeros": bytes(10**7)})
    sign(folder)
    refused(folder, str(path), "declare a content of")


def test_members_that_leave_the_archive_are_not_written(folder, tmp_path):
    target = tmp_path / "outside.txt"
    rewrite(
        folder / "model.keras",
        **{"../outside.txt": b"x", str(target): b"x", "assets/../../outside.txt": b"x"},
    )
    sign(folder)
    zoo.load(folder)
    assert not target.exists() and not (folder.parent / "outside.txt").exists()


def test_weights_that_are_links_to_other_files(folder, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["values"] = np.zeros((3, 2))
    with zipfile.ZipFile(folder / "model.keras") as archive:
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights, "r+") as file:
        names: list[str] = []
        file.visititems(
            lambda name, item: (
                names.append(name) if isinstance(item, h5py.Dataset) else None
            )
        )
        for name in names:
            del file[name]
            file[name] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "values")
    rewrite(folder / "model.keras", **{"model.weights.h5": weights.getvalue()})
    sign(folder)
    refused(folder, str(folder / "model.keras"))


@pytest.mark.parametrize("name", ["../model.keras", "/etc/passwd", "a/../../b"])
def test_metadata_that_name_files_elsewhere(folder, name):
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text("utf-8"))
    metadata["sha256"][name] = "0" * 64
    path.write_text(json.dumps(metadata), "utf-8")
    refused(folder, str(path), repr(name))


METADATA = {
    "deep": "[" * 10**5,
    "deep in an object": '{"format_version": ' + "[" * 10**5,
    "a long number": '{"format_version": ' + "9" * 9999 + "}",
    "no number": '{"format_version": Infinity, "sha256": {}, "tasks": {}}',
    "a bool": '{"format_version": true, "sha256": {}, "tasks": {}}',
}
VALUES = {
    "family": [["classification"], 3, {}],
    "name": [["bilstm"], {}],
    "reading": [[], "text"],
    "keywords": [[1]],
    "settings": ["none"],
    "format_version": ["2", 2.5, None, [2], True],
    "tasks": [{"a": 1}, {"a": {"kind": "categories", "labels": 7}}, []],
    "sha256": [{"model.keras": 7}, {"model.keras": None}],
}


@pytest.mark.parametrize("damage", METADATA)
def test_metadata_that_are_no_metadata(folder, damage):
    (folder / "metadata.json").write_text(METADATA[damage], "utf-8")
    refused(folder, str(folder / "metadata.json"))


@pytest.mark.parametrize("name", VALUES)
def test_metadata_of_other_types(folder, name):
    for value in VALUES[name]:
        path = folder / "metadata.json"
        metadata = json.loads(path.read_text("utf-8")) | {name: value}
        path.write_text(json.dumps(metadata), "utf-8")
        refused(folder, str(path))
        shutil.copy(SAVED / "classification" / "metadata.json", path)


def test_huge_files_are_not_read(folder, tmp_path, monkeypatch):
    """Sparse files: reading them would take their size in memory."""
    path = folder / "metadata.json"
    whole = path.read_bytes()
    os.truncate(path, 10**12)
    refused(folder, str(path), f"more than {objects.MOST_BYTES:,} bytes")
    path.write_bytes(whole)
    words = folder / "pipeline" / "vocab.txt"
    os.truncate(words, 10**12)
    monkeypatch.setattr("zoo.families.text_model.check_file", lambda *_: None)
    with pytest.raises(ValueError, match="of at most .* bytes. Received: ") as caught:
        zoo.load(folder)
    assert str(words) in str(caught.value)
    assert 10**12 > vocabulary.MOST_BYTES
    os.remove(path)
    os.mkfifo(path)  # which would be waited for
    with pytest.raises(ValueError, match="Received: "):
        zoo.load(folder)


def edge(**values) -> dict:
    return {
        "format": "zoo edge model",
        "format_version": 1,
        "runtime": "litert",
        "files": {"model.tflite": {"sha256": "0" * 64}},
        "input": {"length": 8},
        "tasks": {},
        **values,
    }


@pytest.mark.parametrize(
    "values",
    [
        {"runtime": "pickle"},
        {"runtime": ["litert"]},
        {"files": []},
        {"files": {"model.tflite": 3}},
        {"files": {"../model.tflite": {"sha256": "0" * 64}}},
        {"input": {}},
        {"input": {"length": "8"}},
        {"input": {"length": 0}},
        {"format_version": [1]},
        {"format": {}},
    ],
)
def test_metadata_of_devices(tmp_path, values):
    (tmp_path / "metadata.json").write_text(json.dumps(edge(**values)), "utf-8")
    with pytest.raises(ValueError, match="must hold an export of .*Received: "):
        EdgeModel(tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {"outputs": []},
        {"outputs": {"mood": 3}},
        {"outputs": {"mood": {"label": 3}}},
        {"tasks": []},
        {"tasks": {"mood": {"kind": "odd"}}},
        {"tasks": {"mood": 7}},
        {"sha256": {"../x": "0"}},
        {"model": []},
        {"signatures": 3},
        {"format_version": None},
    ],
)
def test_metadata_of_exports(tmp_path, values):
    place = tmp_path / "1"
    place.mkdir()
    (place / "saved_model.pb").write_bytes(b"")
    whole = {"format_version": 1, "outputs": {}, "tasks": {}, "sha256": {}, **values}
    (place / "metadata.json").write_text(json.dumps(whole), "utf-8")
    with pytest.raises(ValueError, match="must hold an export .*Received: ") as caught:
        ServedModel(tmp_path)
    assert str(place / "metadata.json") in str(caught.value)


def test_no_module_is_imported_for_a_stranger(folder, tmp_path, monkeypatch):
    """Not even one that lies where Python looks for modules."""
    (tmp_path / "evil.py").write_text("raise SystemExit('it ran')")
    monkeypatch.syspath_prepend(tmp_path)
    values = {"module": "evil", "class_name": "Layer", "registered_name": "evil>Layer"}
    rewrite(folder / "model.keras", other_class(**values))
    sign(folder)
    refused(folder)
    assert "evil" not in sys.modules
