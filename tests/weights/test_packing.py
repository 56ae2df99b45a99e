"""Packages of saved models: what is rounded, by how much, and what is kept exactly."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from saved import SAVED

import zoo
from zoo.data.download import hashes_of
from zoo.text import SPECIALS
from zoo.weights import packing, read_vectors, trained
from zoo.weights.shipped import known_words

FAMILIES = sorted(path.name for path in SAVED.iterdir() if path.is_dir())


def test_the_rows_of_large_tables_are_rounded_to_eight_bits():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(5000, 20)).astype("float32") * rng.uniform(
        0.01, 9, (5000, 1)
    )
    table = table.astype("float32")
    [(name, again)] = packing.restored_arrays(packing.rounded_array("table", table))
    assert name == "table" and again.dtype == "float32"
    # Half a step of the row, and the rounding of its scale to float16.
    steps = np.abs(table).max(axis=1, keepdims=True) / 127
    assert (
        np.abs(again - table) <= 0.5 * steps * (1 + 2**-10) + 2**-11 * 127 * steps
    ).all()
    assert not np.array_equal(again, table)


@pytest.mark.parametrize(
    "array, kind",
    [
        (np.ones((5000, 3), "float32"), "float16"),  # too narrow for a scale a row
        (np.full((100, 100), 0.1, "float32"), "float16"),
        (np.full(5000, 1e6, "float32"), "float32"),  # beyond float16
        (np.full((10, 10), 0.1, "float32"), "float32"),
        (np.arange(9000), "int64"),
    ],
)
def test_other_arrays_keep_what_they_need(array, kind):
    stored = packing.rounded_array("a", array)
    assert {str(values.dtype) for values in stored.values()} == {kind}
    [(_, again)] = packing.restored_arrays(stored)
    np.testing.assert_allclose(again, array, rtol=2**-11)


@pytest.mark.tensorflow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_small_model_of_every_family_comes_back_unchanged(family, tmp_path):
    packing.pack(SAVED / family, tmp_path / "package")
    packing.unpack(tmp_path / "package", tmp_path / "model")
    with np.load(tmp_path / "package" / packing.WEIGHTS) as file:
        assert not [name for name in file.files if name.startswith("optimizer")]
    before, after = zoo.load(SAVED / family), zoo.load(tmp_path / "model")
    assert before.tasks == after.tasks
    weights = zip(before.model.weights, after.model.weights, strict=True)
    for one, other in weights:
        assert one.path == other.path
        if one.shape.num_elements() < packing.LEAST_VALUES:
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def _table_of_words(words, folder, file=0):
    """The shipped vectors of a model's words, and zeros for the others."""
    (folder / "pipeline").mkdir()
    vocabulary = [*SPECIALS, *words]
    (folder / packing._WORDS[file]).write_text("\n".join(vocabulary) + "\n", "utf-8")
    return read_vectors("glove-en", vocabulary, scale=0.0)[0]


@pytest.mark.parametrize("file", [0, 1])
def test_rows_that_equal_shipped_vectors_are_not_stored(tmp_path, file):
    words = [*known_words("glove-en")[:5000], "qwxyzq"]
    table = _table_of_words(words, tmp_path, file)
    changed = [0, 77, 5004]
    table[changed] += np.random.default_rng(0).normal(size=(3, 100)).astype("float32")
    stored = packing.rounded_array("table", table)
    [(_, expected)] = packing.restored_arrays(stored)
    words = packing._words_of(tmp_path)
    less = packing._without_shipped("table", stored, words)
    assert str(less["table:shipped"]) == "glove-en"
    assert less["table:rows"].tolist() == changed
    assert less["table:values"].shape == (3, 100)
    [(name, again)] = packing.restored_arrays(less, words)
    assert name == "table"
    np.testing.assert_array_equal(again, expected)


def test_a_table_that_is_mostly_its_own_is_stored_whole(tmp_path):
    table = _table_of_words(known_words("glove-en")[:5000], tmp_path)
    table[300:] += 0.5
    stored = packing.rounded_array("table", table)
    words = packing._words_of(tmp_path)
    assert packing._without_shipped("table", stored, words) is stored


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A trained model of the package, `tiny`, in two versions."""
    monkeypatch.setattr(trained, "_FOLDER", tmp_path / "trained")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    for version in ("2", "10"):
        folder = tmp_path / "trained" / "tiny" / version
        packing.pack(SAVED / "classification", folder)
        card = {"summary": f"Version {version}.", "sha256": hashes_of(folder)}
        (folder / trained.CARD).write_text(json.dumps(card), "utf-8")
    return tmp_path / "trained" / "tiny"


def test_a_name_is_that_of_the_newest_version(package):
    assert zoo.weights.trained_models() == {
        "tiny": {"summary": "Version 10.", **_hashes(package / "10")}
    }
    assert trained.trained_folder("tiny").name.startswith("tiny-10-")
    assert trained.trained_folder("tiny@2").name.startswith("tiny-2-")
    assert trained.is_trained("tiny") and trained.is_trained("tiny@2")
    assert not trained.is_trained("other") and not trained.is_trained("../tiny")


def _hashes(folder):
    card = json.loads((folder / trained.CARD).read_text("utf-8"))
    return {"sha256": card["sha256"]}


@pytest.mark.tensorflow
def test_a_name_loads_like_a_folder(package):
    texts = ["good", ""]
    expected = zoo.load(SAVED / "classification").predict(texts)
    assert zoo.load("tiny").predict(texts) == expected
    assert zoo.load("tiny", version=2).predict(texts) == expected


def test_a_name_is_also_a_teacher(package):
    from zoo.api.teachers.opening import kind_of

    assert kind_of("tiny") == kind_of("tiny@2") == "trained"


def test_a_folder_of_that_name_precedes(package, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SAVED / "classification", tmp_path / "tiny")
    assert not trained.is_trained("tiny")


def test_a_damaged_copy_in_the_cache_is_written_again(package):
    folder = trained.trained_folder("tiny")
    whole = (folder / "model.keras").read_bytes()
    (folder / "model.keras").write_bytes(whole[:100])
    assert trained.trained_folder("tiny") == folder
    assert len((folder / "model.keras").read_bytes()) == len(whole)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_damaged_package_is_refused(package):
    path = package / "10" / packing.WEIGHTS
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"weights\.npz .*install the package again"):
        trained.trained_folder("tiny")


def test_unknown_names_and_versions(package):
    with pytest.raises(ValueError, match="Accepted: 2, 10. Received: '3'"):
        trained.trained_folder("tiny@3")
    with pytest.raises(ValueError, match="Accepted: tiny. Received: 'other'"):
        trained.trained_folder("other")
    with pytest.raises(ValueError, match="`version` belongs to a trained model"):
        trained.numbered(SAVED, 1)
    with pytest.raises(ValueError, match="a name from `zoo list --trained`"):
        zoo.load("other")


def test_a_cache_that_cannot_be_written(package, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(OSError, match="ZOO_CACHE"):
        trained.trained_folder("tiny")
