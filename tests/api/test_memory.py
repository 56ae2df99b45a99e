"""Data in memory are read as the same rows in a file, whatever holds them."""

from __future__ import annotations

import csv
import datetime
from types import SimpleNamespace

import numpy as np
import pytest

from zoo.data import DataError, read_table
from zoo.data.memory import Memory, from_python
from zoo.data.pairs import read_pair_table
from zoo.data.tagged_files import read_tagged

ROWS = [
    ("so good", "up", 4.5),
    ("so bad", "down", 1.0),
    ("", "up", 3.0),
    ("caf\u00e9", "down", 0.1),
]
NAMES = ("text", "mood", "stars")
KINDS = {"mood": "categories", "stars": "regression"}


class Dataset:
    """What a `datasets.Dataset` shows of itself."""

    def __init__(self, columns: dict, features: dict | None = None) -> None:
        self._columns, self.features = columns, features or {}
        self.column_names = list(columns)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def __getitem__(self, name: str) -> list:
        return self._columns[name]


class Streamed:
    """What a `datasets.IterableDataset` shows of itself: rows, and no columns."""

    def __init__(self, dataset: Dataset) -> None:
        self.features, self.column_names = dataset.features, dataset.column_names
        self._columns = dataset._columns

    def __iter__(self):
        for cells in zip(*self._columns.values()):
            yield dict(zip(self._columns, cells))


def columns() -> dict:
    return {name: list(cells) for name, cells in zip(NAMES, zip(*ROWS))}


def of_pandas():
    return pytest.importorskip("pandas").DataFrame(columns())


def of_polars():
    return pytest.importorskip("polars").DataFrame(columns())


def of_arrow():
    return pytest.importorskip("pyarrow").table(columns())


def of_tensors(batch: int = 0, named: bool = False):
    tf = pytest.importorskip("tensorflow")
    parts = columns() if named else tuple(columns().values())
    dataset = tf.data.Dataset.from_tensor_slices(parts)
    return dataset.batch(batch) if batch else dataset


HOLDERS = {
    "pairs": lambda: ROWS,
    "generator": lambda: (row for row in ROWS),
    "dicts": lambda: [dict(zip(NAMES, row)) for row in ROWS],
    "columns": columns,
    "array": lambda: np.array(ROWS, object),
    "pandas": of_pandas,
    "polars": of_polars,
    "polars, lazy": lambda: of_polars().lazy(),
    "pyarrow": of_arrow,
    "datasets": lambda: Dataset(columns()),
    "tensors": of_tensors,
    "batches": lambda: of_tensors(3),
    "named tensors": lambda: of_tensors(named=True),
}


def read(data, labels=KINDS, **options):
    return read_table(Memory(data, "data"), text="text", labels=labels, **options)


@pytest.mark.tensorflow
@pytest.mark.parametrize("holder", HOLDERS)
def test_rows_are_those_of_a_file(holder, tmp_path):
    path = tmp_path / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([NAMES, *ROWS])
    expected = read_table(path, text="text", labels=KINDS)
    found = read(HOLDERS[holder]())
    assert found.texts == expected.texts == [text for text, _, _ in ROWS]
    tolerance = 1e-7 if "tensors" in holder or holder == "batches" else 0.0
    assert found.labels["mood"] == expected.labels["mood"]
    assert found.labels["stars"] == pytest.approx(
        expected.labels["stars"], abs=tolerance
    )
    assert found.where == [("`data`", row) for row in range(1, 5)]
    assert found.notes == ["`data`, column 'text': 1 text is empty."]


LABELS = {
    "1": (1, 1.0, "1", "1.0", np.int64(1), np.float32(1)),
    "0.1": (0.1, "0.1", np.float32(0.1), np.float16(0.1)),
    "true": (True, "True", np.bool_(True)),
    "2024-01-31": (
        "2024-01-31T00:00:00",
        datetime.date(2024, 1, 31),
        np.datetime64("2024-01-31"),
    ),
    "up": ("up", b"up", np.str_("up"), np.bytes_(b"up"), np.array("up")),
}


@pytest.mark.parametrize("label", LABELS)
def test_a_label_of_any_type_is_written_as_in_files(label):
    rows = [(f"text {row}", value) for row, value in enumerate(LABELS[label])]
    assert read(rows, {"mood": "categories"}).labels["mood"] == [label] * len(rows)


def test_missing_values_are_missing_labels():
    pandas = pytest.importorskip("pandas")
    missing = [None, float("nan"), np.nan, pandas.NA, pandas.NaT, "", "NA"]
    rows = [(f"text {row}", value) for row, value in enumerate([*missing, "up"])]
    assert read(rows, {"mood": "categories"}).labels["mood"] == [None] * 7 + ["up"]
    frame = pandas.DataFrame({"text": ["a", "b"], "mood": [1, None]}).convert_dtypes()
    assert read(frame, {"mood": "categories"}).labels["mood"] == ["1", None]
    assert read(frame, {"mood": "regression"}).labels["mood"] == [1.0, None]


def test_a_float_of_32_bits_is_the_number_that_was_written():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a", "b"], "mood": [0.1, 2.5]})
    frame["mood"] = frame["mood"].astype("float32")
    assert read(frame, {"mood": "regression"}).labels["mood"] == [0.1, 2.5]


def test_ids_of_named_classes_become_their_names():
    mood = SimpleNamespace(names=["down", "up"])
    data = Dataset({"text": ["a", "b", "c"], "mood": [1, 0, -1]}, {"mood": mood})
    found = read(data, {"mood": "categories"})
    assert found.labels["mood"] == ["up", "down", None]
    found = read(Streamed(data), {"mood": "categories"})
    assert found.labels["mood"] == ["up", "down", None]


def test_several_labels_of_one_text():
    rows = [("a", ["x", "y"]), ("b", {"y"}), ("c", np.array(["x"])), ("d", [])]
    found = read(rows, {"tags": "multilabel"})
    assert found.labels["tags"] == [("x", "y"), ("y",), ("x",), ()]


def test_an_iterator_is_read_once_and_as_it_goes():
    taken = []

    def rows():
        for row in ROWS:
            taken.append(row)
            yield row

    found = Memory(rows(), "data").rows(NAMES)
    assert taken == []
    assert next(found) == (1, list(ROWS[0])) and len(taken) == 1


def test_names_of_sets_and_paths_stay(tmp_path):
    assert from_python(None, "data") is None
    assert from_python("trec", "data") == "trec"
    assert from_python(tmp_path / "a.csv", "data") == str(tmp_path / "a.csv")
    assert isinstance(from_python([], "valid"), Memory)


def endless():
    return of_tensors().repeat()


BAD = {
    "a number": (lambda: 3, r"`data` must hold rows.*Received: 3 of type int"),
    "bytes": (lambda: b"ab", r"`data` must hold rows.*of type bytes"),
    "one row": (lambda: {"text": "a", "mood": "b"}, r"`data` must hold rows.*of type"),
    "parts": (
        lambda: {"train": Dataset(columns()), "test": Dataset(columns())},
        r"one part of a set. Accepted: data=parts\['train'\].*'train', 'test'",
    ),
    "a short row": (
        lambda: [*ROWS, ("so", "up")],
        r"row 5 of `data`: the row holds 2 value\(s\). Accepted: \(text, mood, stars\)",
    ),
    "a text": (lambda: ["so", "bad"], r"row 1 of `data`: the row holds 1 value"),
    "no number": (
        lambda: [*ROWS, ("so", "up", "many")],
        r"row 5 of `data`, column 'stars': the label is not a number.*Received: 'many'",
    ),
    "no text": (
        lambda: [*ROWS, (None, "up", 3)],
        r"row 5 of `data`, column 'text': the text is missing",
    ),
    "no column": (
        lambda: [{"text": "a", "mod": "up", "stars": 1}],
        r"`data`, column 'mood': no such column.*Did you mean 'mod'\?",
    ),
    "no column of a frame": (
        lambda: of_pandas().rename(columns={"text": "texts"}),
        r"`data`, column 'text': no such column.*Did you mean 'texts'\?",
    ),
    "two columns": (
        lambda: of_pandas().set_axis(["text", "mood", "mood"], axis=1),
        r"`data`, column 'mood': the name is not unique.*Received: 2 columns",
    ),
    "uneven columns": (
        lambda: {**columns(), "mood": ["up"]},
        r"`data`: the columns differ in length.*4 in 'text', 1 in 'mood', 4 in 'stars'",
    ),
    "nothing": (lambda: [], r"`data`: there are no rows. Accepted: at least one row"),
    "an empty generator": (lambda: iter(()), r"`data`: there are no rows"),
    "an empty frame": (lambda: of_pandas()[:0], r"`data`: there are no rows"),
    "no labels": (
        lambda: [("a", None, None)],
        r"`data`, column 'mood': all labels are missing",
    ),
    "no end": (endless, r"`data` must come to an end.*`.take\(rows\)`"),
}


@pytest.mark.tensorflow
@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_named_with_its_row(case):
    make, message = BAD[case]
    with pytest.raises(DataError, match=message):
        columns_of = {"mood": "categories", "stars": "regression"}
        if case == "two columns":
            columns_of = {"mood": "categories"}
        read(make(), columns_of)


def test_bad_rows_can_be_left_out():
    found = read([*ROWS, ("so", "up", "many"), 3], on_bad_rows="skip")
    assert len(found) == 4
    assert [row.line for row in found.skipped] == [5, 6]


@pytest.mark.parametrize("option", [{"encoding": "latin-1"}, {"quotes": False}])
def test_options_of_files_have_no_meaning_in_memory(option):
    with pytest.raises(DataError, match="must be left out for data in memory"):
        read(ROWS, **option)


def test_pairs_of_texts():
    for rows in (
        [("yes", "ja"), ("no", "nein")],
        [{"source": "yes", "target": "ja"}, {"target": "nein", "source": "no"}],
        {"source": ["yes", "no"], "target": ["ja", "nein"]},
    ):
        found = read_pair_table(Memory(rows, "data"))
        assert (found.sources, found.targets) == (["yes", "no"], ["ja", "nein"])
    with pytest.raises(DataError, match="row 2 of `data`, column 'target': an empty"):
        read_pair_table(Memory([("yes", "ja"), ("no", " ")], "data"))


def test_sentences_with_tags():
    words, tags = ["in", "Rome"], ["O", "B-LOC"]
    for rows in (
        [{"tokens": words, "tags": tags}],
        [(words, tags)],
        [(np.array(words), tuple(tags))],
        {"tokens": [words], "tags": [tags]},
    ):
        found, schemes = read_tagged(Memory(rows, "data"))
        assert found.tokens == [words] and found.tags == {"tags": [tags]}
        assert schemes == {"tags": "BIO"}
    with pytest.raises(DataError, match="row 2 of `data`, column 'tags': 1 tags for 2"):
        read_tagged(Memory([(words, tags), (words, ["O"])], "data"))
    with pytest.raises(DataError, match="`data`: there are no sentences"):
        read_tagged(Memory([], "data"))


def test_tags_of_named_classes_and_tensors():
    names = SimpleNamespace(feature=SimpleNamespace(names=["O", "B-LOC"]))
    columns = {"tokens": [["in", "Rome"]], "tags": [[0, 1]]}
    found, _ = read_tagged(Memory(Dataset(columns, {"tags": names}), "data"))
    assert found.tags == {"tags": [["O", "B-LOC"]]}


@pytest.mark.tensorflow
def test_sentences_of_tensors_are_not_batches():
    import tensorflow as tf

    rows = [(["in", "Rome"], ["O", "B-LOC"]), (["to"], ["O"])]
    words = tf.TensorSpec([None], tf.string)
    dataset = tf.data.Dataset.from_generator(
        lambda: iter(rows), output_signature=(words, words)
    )
    found, _ = read_tagged(Memory(dataset, "data"))
    assert found.tokens == [["in", "Rome"], ["to"]]
