"""Named sets: the folder ZOO_DATA, the cache, and what can go wrong on the way."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

from zoo.data import (
    DataError,
    encode_labels,
    learn_tasks,
    load_named,
    named_set,
    named_sets,
    text_key,
)
from zoo.data.download import Source
from zoo.data.sets import sst
from zoo.data.sets.mtl16 import TASKS

REAL = os.environ.get("ZOO_DATA")
# train, valid, test, unlabeled, tasks
SIZES = {
    "sst1": (8544, 1101, 2210, 0, 1),
    "sst1_phrases": (159_274, 1101, 2210, 0, 1),
    "sst2": (6920, 872, 1821, 0, 1),
    "sst2_phrases": (77_616, 872, 1821, 0, 1),
    "trec": (4907, 545, 500, 0, 1),
    "trec_fine": (4907, 545, 500, 0, 2),
    "subj": (8000, 1000, 1000, 0, 1),
    "snips_intent": (13_084, 700, 700, 0, 1),
    "imdb": (22_501, 2499, 25_000, 0, 1),
    "mtl16": (22_179, 3200, 6400, 30_475, 16),
    "uci_sentences": (2400, 300, 300, 0, 3),
    "waimai_zh": (9589, 1199, 1199, 0, 1),
    "pros_cons": (33_360, 4171, 4171, 0, 1),
    "sms_spam": (4458, 558, 558, 0, 1),
    "goemotions": (43_410, 5426, 5427, 0, 1),
}


def parts_of(splits):
    return (splits.train, splits.valid, splits.test)


def write(folder, name, *lines, encoding="utf-8"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(f"{line}\n" for line in lines).encode(encoding)
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)


def write_parts(folder, *columns):
    for part in ("train", "valid", "test"):
        rows = (
            "\t".join([str(i % 2), *columns, f"{folder.name} {part} {i}"])
            for i in range(4)
        )
        write(folder, f"{part}.tsv", *rows)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder for ZOO_DATA, and a cache of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("ZOO_DATA", str(folder))
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return folder


def need(*names):
    lacking = [name for name in names if not (Path(REAL) / name).exists()]
    if lacking:
        pytest.skip(f"ZOO_DATA lacks {', '.join(lacking)}")


def test_every_set_has_one_line():
    names = dict(named_sets())
    assert {*SIZES, "liu4", "hutto"} <= set(names)
    assert all(line and "\n" not in line for line in names.values())


def test_unknown_name():
    with pytest.raises(
        DataError, match="Accepted: hutto, .*'sts2'. Did you mean 'sst2'"
    ):
        load_named("sts2")


def test_plain_sets(data):
    for name, task, label in (
        ("sst2", "sentiment", "positive"),
        ("sst1", "sentiment", "negative"),
        ("subj", "subjectivity", "subjective"),
        ("waimai_zh", "sentiment", "positive"),
        ("pros_cons", "opinion", "pro"),
        ("sms_spam", "kind", "1"),
    ):
        write_parts(data / name)
        splits = load_named(name)
        assert [part.texts[1] for part in parts_of(splits)] == [
            f"{name} {part} 1" for part in ("train", "valid", "test")
        ]
        assert splits.train.labels[task][1] == label
        assert splits.train.where[1] == (str(data / name / "train.tsv"), 2)


def test_phrases_are_for_training_only(data):
    write_parts(data / "sst2")
    write(data / "sst2", "train_phrases.tsv", "1\tgood", "0\tsst2 test 3", "0\tbad")
    splits = load_named("sst2_phrases")
    assert splits.train.texts == ["good", "sst2 test 3", "bad"]
    assert splits.test.texts[0] == "sst2 test 0"
    assert splits.notes[0].startswith("1 training phrases equal")


def test_trec_has_one_head_or_two(data):
    rows = [f"NUM\tNUM:{'abc'[i % 3]}\thow many {i}" for i in range(30)]
    rows += [f"LOC\tLOC:{'abc'[i % 3]}\twhere {i}" for i in range(30)]
    write(data / "trec", "train_full.tsv", *rows)
    write(data / "trec", "test.tsv", *rows[:2])
    splits = load_named("trec_fine")
    assert list(splits.train.labels) == ["coarse", "fine"] and len(splits.valid) == 6
    assert splits.test.labels == {"coarse": ["NUM"] * 2, "fine": ["NUM:a", "NUM:b"]}
    coarse = load_named("trec")
    assert list(coarse.train.labels) == ["coarse"]
    assert coarse.valid.texts == splits.valid.texts


def test_snips_and_uci(data):
    for part in ("train", "valid", "test"):
        write(data / "snips", f"{part}.tsv", "Play\tplay it\tO O", "Book\ta b\tO O")
        write(data / "uci_sentences", f"{part}.tsv", "1\tyelp\tgood", "0\timdb\tbad")
    splits = load_named("snips_intent")
    assert splits.test.texts == ["play it", "a b"]
    assert splits.test.labels == {"intent": ["Play", "Book"]}
    splits = load_named("uci_sentences")
    assert splits.train.labels == {
        "imdb": [None, "negative"],
        "yelp": ["positive", None],
    }


def test_goemotions_names_its_labels(data):
    write(data / "goemotions", "labels.txt", "0\tjoy", "1\tanger", "27\tneutral")
    for part in ("train", "valid", "test"):
        write(data / "goemotions", f"{part}.tsv", "27\tso so", "0,1\thow, then")
    splits = load_named("goemotions")
    assert splits.test.texts == ["so so", "how, then"]
    assert splits.test.labels == {"emotions": [["neutral"], ["joy", "anger"]]}


def test_mtl16_keeps_tasks_apart_and_reads_unlabelled_texts(data):
    for task in TASKS:
        for part in ("train", "valid", "test"):
            name = f"{task}.{part}.tsv"
            write(data / "mtl16", name, f"0\t{task} {part}", "1\tthe same")
        write(data / "mtl16", f"{task}.unlabeled.txt.gz", f"{task} one", f"{task} two")
    splits = load_named("mtl16")
    assert list(splits.train.labels) == list(TASKS) and len(splits.train) == 32
    assert (
        splits.train.labels["baby"]
        == [None, None, "negative", "positive"] + [None] * 28
    )
    assert len(splits.unlabeled) == 32 and splits.unlabeled[2] == "baby one"
    assert splits.notes[0].startswith("mtl16: 16 of 32 test texts")


def imdb(data, count=40):
    for part in ("train", "test"):
        rows = (f"{i % 2}\ta long review {part} {i}" for i in range(count))
        write(data / "imdb", f"{part}.tsv.gz", *rows)


def test_imdb_holds_out_a_tenth_of_train(data):
    imdb(data)
    splits = load_named("imdb")
    assert [len(part) for part in parts_of(splits)] == [36, 4, 40]
    assert all(" train " in text for text in splits.valid.texts)


def test_liu4_trains_on_no_text_that_any_task_is_judged_on(data):
    imdb(data)
    for name in ("sst1", "sst2", "subj"):
        write_parts(data / name)
    write(data / "sst2", "train.tsv", "1\tSST1 test  0", "0\tsst1 valid 1", "1\tfine")
    splits = load_named("liu4")
    assert list(splits.train.labels) == ["sst1", "sst2", "subj", "imdb"]
    held = {text_key(t) for p in (splits.valid, splits.test) for t in p.texts}
    assert not held & {text_key(text) for text in splits.train.texts}
    assert "liu4: 2 training rows dropped" in splits.notes[-1]
    assert "fine" in splits.train.texts


def test_a_file_is_missing_in_the_folder(data):
    write_parts(data / "sst2")
    (data / "sst2" / "valid.tsv").unlink()
    with pytest.raises(DataError) as caught:
        load_named("sst2")
    assert f"{data / 'sst2' / 'valid.tsv'}: no such file" in str(caught.value)


@pytest.mark.parametrize("name", ["mtl16", "imdb", "liu4", "waimai_zh"])
def test_sets_without_a_public_file(name, tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    with pytest.raises(DataError) as caught:
        load_named(name)
    for part in (
        f"{name!r} has no public file",
        "ZOO_DATA is not set",
        "yourself, put",
    ):
        assert part in str(caught.value)
    if name != "liu4":
        monkeypatch.setenv("ZOO_DATA", str(tmp_path))
        with pytest.raises(DataError) as caught:
            load_named(name)
        assert f"no folder {tmp_path / name}" in str(caught.value)


@pytest.mark.real_data
@pytest.mark.parametrize("name", SIZES)
def test_real_sets(name):
    need(named_set(name).folder)
    splits = load_named(name)
    sizes = [len(part) for part in (*parts_of(splits), splits.unlabeled)]
    assert (*sizes, len(splits.train.labels)) == SIZES[name]
    tasks = learn_tasks(splits.train)
    for part in parts_of(splits):
        for weights in encode_labels(part, tasks)[1].values():
            assert weights.sum() > 0


@pytest.mark.real_data
def test_real_liu4_leaks_nothing():
    need("sst1", "sst2", "subj", "imdb")
    splits = load_named("liu4")
    held = {text_key(t) for p in (splits.valid, splits.test) for t in p.texts}
    assert not held & {text_key(text) for text in splits.train.texts}


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["sst1", "sst2"])
def test_real_converter_rebuilds_the_phrases(name, monkeypatch, tmp_path):
    """The trees beside the set, through the converter for the public files."""
    need(name, "sst1/trees_train.ptb.txt.gz")
    cache = tmp_path / "sst"
    pins = {}
    for part, file in (("train", "train"), ("dev", "valid"), ("test", "test")):
        trees = Path(REAL) / "sst1" / f"trees_{file}.ptb.txt.gz"
        write(cache, part, *gzip.decompress(trees.read_bytes()).decode().splitlines())
        pins[part] = hashlib.sha256((cache / part).read_bytes()).hexdigest()
    monkeypatch.setattr(sst, "SOURCE", Source("sst", "unused", pins))
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    there = load_named(f"{name}_phrases")
    monkeypatch.delenv("ZOO_DATA")
    rebuilt = load_named(f"{name}_phrases")
    for one, other in zip(parts_of(there), parts_of(rebuilt), strict=True):
        assert one.texts == other.texts and one.labels == other.labels
