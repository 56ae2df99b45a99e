"""`--stream`: files in a folder, of which only a selection is in memory."""

import json

import numpy as np
import pytest

import zoo
from zoo.data import dealing
from zoo.families.classification import streaming

pytestmark = pytest.mark.tensorflow

SMALL = {
    "epochs": 2,
    "weights": "none",
    "embedding_dim": 8,
    "maps": 4,
    "learning_rate": 0.01,
    "verbose": False,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two tables of 400 rows each, and little room in memory."""
    monkeypatch.setattr(dealing, "ROWS", 100)  # and an empty last part
    monkeypatch.setattr(dealing, "SELECTED", 100)
    monkeypatch.setattr(streaming, "SHARD_ROWS", 150)
    place = tmp_path / "data"
    place.mkdir()
    for name, start in (("a.csv", 0), ("b.csv", 400)):
        rows = ["text,label,note"]
        for n in range(start, start + 400):
            word, label = ("fine", "up") if n % 2 else ("poor", "down")
            rows.append(f"a {word} day {n % 37} of {n},{label},x")
        (place / name).write_text("\n".join(rows) + "\n")
    (place / "readme.md").write_text("Not a table.")
    return place


def test_a_folder_trains_on_all_of_its_rows(folder, tmp_path, monkeypatch):
    added = []
    plain = streaming.Shards.add

    def add(self, tokens, columns):
        added.extend(columns["target label"].tolist())
        plain(self, tokens, columns)

    monkeypatch.setattr(streaming.Shards, "add", add)
    run = zoo.train("text_cnn", folder, stream=True, out=tmp_path / "run", **SMALL)
    assert run.metrics["label"]["accuracy"] > 0.95
    assert added.count(0) + added.count(1) > 500  # and the selection is of 100
    assert min(added.count(0), added.count(1)) > 250
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert "read from the files in passes" in run.report.path.read_text()


@pytest.mark.slow
def test_an_interrupted_run_continues_as_if_it_had_not_been(folder, tmp_path):
    def weights(out, **changed):
        settings = {**SMALL, **changed}
        run = zoo.train("text_cnn", folder, stream=True, out=out, **settings)
        return run.model.model.get_weights()

    import keras

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights(tmp_path / "b", callbacks=[Stop()])
    assert list((tmp_path / "b").rglob("*.rows"))
    for one, other in zip(
        weights(tmp_path / "a"), weights(tmp_path / "b"), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_several_tasks_pairs_and_weights(tmp_path):
    rows = ["a\tb\tsame\tstars\tcount"]
    for n in range(300):
        one, other = f"day {n % 5} {n}", f"day {(n + n % 2) % 5}"
        rows.append(f"{one}\t{other}\t{'no' if n % 2 else 'yes'}\t{n % 5}\t{1 + n % 2}")
        rows.append(f"alone {n}\tx\t\t\t1")
    file = tmp_path / "pairs.tsv"
    file.write_text("\n".join(rows) + "\n")
    run = zoo.train(
        "text_cnn",
        file,
        text=["a", "b"],
        label={"same": "categories", "stars": "regression"},
        weight="count",
        stream=True,
        out=tmp_path / "run",
        **SMALL,
    )
    assert {*run.metrics} == {"same", "stars"}


def test_words_are_counted_in_bounded_memory(monkeypatch):
    from zoo.data import Examples

    monkeypatch.setattr(streaming, "MOST_WORDS", 20)
    parts = [
        Examples([f"often often word{n}" for n in range(i, i + 10)], {})
        for i in range(0, 100, 10)
    ]
    counts = streaming.count_words(parts, {"tokenizer": "unicode"})
    assert counts[b"often"] == 200 and len(counts) <= 20


@pytest.mark.parametrize(
    ("model", "data", "further", "received"),
    [
        ("text_cnn", "hutto", {}, "the named set hutto"),
        ("text_cnn", [("good", "up")], {}, "rows in memory"),
        ("bilstm_crf", "a.conll", {}, "a model of tagging"),
        ("text_cnn", "a.csv", {"encoding": "latin-1"}, "encoding='latin-1'"),
    ],
)
def test_what_cannot_be_streamed_is_refused(model, data, further, received, tmp_path):
    with pytest.raises(ValueError, match=r"`stream` \(--stream\)") as error:
        zoo.train(model, data, stream=True, out=tmp_path, **further)
    assert received in str(error.value)


def test_fine_tuning_is_refused(folder, tmp_path):
    with pytest.raises(ValueError, match=r"`fine_tune`.*without `stream`"):
        zoo.train(
            "text_cnn", folder, stream=True, fine_tune=True, out=tmp_path, **SMALL
        )


def test_compressed_files_and_empty_folders_are_refused(tmp_path):
    import gzip

    place = tmp_path / "data"
    place.mkdir()
    with pytest.raises(ValueError, match="the folder holds no table"):
        zoo.train("text_cnn", place, stream=True, out=tmp_path / "run")
    (place / "a.csv.gz").write_bytes(gzip.compress(b"text,label\na,b\n"))
    with pytest.raises(ValueError, match="a compressed file is read whole"):
        zoo.train("text_cnn", place, stream=True, out=tmp_path / "run")


def test_distributions_are_refused(tmp_path):
    labels = ["x", "y"] * 30 + [{"x": 0.5, "y": 0.5}] * 9
    rows = [{"text": f"day {n}", "label": label} for n, label in enumerate(labels)]
    file = tmp_path / "soft.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(ValueError, match="Received: rows with distributions"):
        zoo.train("text_cnn", file, stream=True, out=tmp_path / "run", **SMALL)
