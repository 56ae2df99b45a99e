"""What a model remembers of how its data were read, and labels that it never met."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from zoo.cli.app import parser
from zoo.data import (
    DataError,
    Examples,
    Splits,
    encode_labels,
    learn_tasks,
    leave_out_single,
    leave_out_unknown,
)
from zoo.data.order import in_order
from zoo.data.unknown import never_said, with_unknown
from zoo.families import Family, get_family
from zoo.families.tables import read_labelled
from zoo.families.tagging.reading import recall_tags
from zoo.families.translation.reading import recall_pairs
from zoo.tasks import Task
from zoo.training.metrics import evaluate


def parse(*arguments):
    options = parser().parse_args([str(argument) for argument in arguments])
    options.verbose = True  # as in `zoo.api.reading.Reading`
    return options


def train(*arguments, task="classification"):
    """The parts that `zoo train` would read."""
    options = parse("train", "text_cnn", "--data", *arguments)
    return get_family(task).read(options)


def model_of(splits, tasks=None, **changes):
    """What `zoo.loading` would give of a run on these parts."""
    tasks = learn_tasks(splits.train) if tasks is None else tasks
    return SimpleNamespace(
        family="classification",
        tasks=tasks,
        metadata={"reading": splits.reading, **changes},
    )


def later(model, *arguments):
    """What `zoo evaluate` would read for a model."""
    return read_labelled(model, parse("evaluate", "run", "--data", *arguments))


def write(path, header, rows, encoding="utf-8"):
    path.write_text("\n".join([header, *rows]) + "\n", encoding)
    return path


@pytest.fixture
def tags(tmp_path):
    """Two kinds of labels, commas between them, in columns of odd names."""
    rows = [
        f'"it is \u20ac{row}","{["a, b", "a", "b", "-"][row % 4]}",{row % 2}.0'
        for row in range(40)
    ]
    return write(tmp_path / "tags.csv", "body,my tags,good?", rows, "cp1252")


OPTIONS = [
    "--text",
    "body",
    "--label",
    "my tags:multilabel",
    "--label",
    "good?",
    "--separator",
    ",",
    "--missing=-",
    "--encoding",
    "cp1252",
]


def test_evaluate_needs_no_options_of_the_training(tags):
    splits = train(tags, *OPTIONS)
    model = model_of(splits)
    assert model.tasks["my tags"].labels == ("a", "b")
    data = later(model, tags)
    assert len(data) == 40 and data.kinds == splits.train.kinds
    assert data.labels["my tags"][:4] == [("a", "b"), ("a",), ("b",), None]
    assert data.labels["good?"][:2] == ["0", "1"]
    assert data.texts[3] == "it is \u20ac3"


def test_the_kind_of_a_named_column_is_the_models(tags):
    model = model_of(train(tags, *OPTIONS))
    data = later(model, tags, "--label", "my tags")
    assert data.kinds == {"my tags": "multilabel"}
    with pytest.raises(ValueError, match="Accepted: my tags:multilabel.*Received: my"):
        later(model, tags, "--label", "my tags:categories")


def test_options_that_are_given_win(tags, tmp_path):
    model = model_of(train(tags, *OPTIONS))
    other = write(tmp_path / "later.csv", "said,my tags,good?", ["x,a;b,1", "y,?,NA"])
    data = later(
        model,
        other,
        "--text",
        "said",
        "--separator",
        ";",
        "--missing=?",
        "--missing=NA",
    )
    assert data.texts == ["x", "y"]
    assert data.labels == {"my tags": [("a", "b"), None], "good?": ["1", None]}


def test_the_encoding_is_that_of_the_file_if_it_needs_none(tags, tmp_path):
    model = model_of(train(tags, *OPTIONS))
    other = write(tmp_path / "new.csv", "body,my tags,good?", ["\u20ac,a,1"], "utf-8")
    assert later(model, other).texts == ["\u20ac"]


def test_quotes(tmp_path):
    rows = [f'say "no {row},{"yn"[row % 2]}' for row in range(40)]
    path = write(tmp_path / "a.csv", "text,label", rows)
    model = model_of(train(path, "--no-quotes"))
    assert later(model, path).texts[0] == 'say "no 0'
    path = write(tmp_path / "b.csv", "text,label", ['"no, no",y'])
    assert later(model, path, "--quotes").texts == ["no, no"]


def test_task_column(tmp_path):
    rows = [f"text {i},{'yn'[i % 2]},{'ab'[i // 20]}" for i in range(40)]
    path = write(tmp_path / "a.csv", "text,mood,shop", rows)
    splits = train(path, "--label", "mood", "--task-column", "shop")
    assert set(later(model_of(splits), path).labels) == {"a", "b"}
    # A model that was saved before needs the options, but not the kind.
    old = SimpleNamespace(
        family="classification", tasks=learn_tasks(splits.train), metadata={}
    )
    data = later(old, path, "--label", "mood", "--task-column", "shop")
    assert set(data.labels) == {"a", "b"} and data.kinds["a"] == "categories"


def test_a_model_that_was_saved_before(tmp_path):
    """Its labels are as CSV spelled them; they are still labels."""
    tasks = {
        "label": Task("categories", ("1.0", "NA", "True")),
        "tags": Task("multilabel", ("a", "a, b", "b", "c, a")),
    }
    model = SimpleNamespace(
        family="classification", tasks=tasks, metadata={"name": "text_cnn"}
    )
    rows = ['x,1.0,"a, b"', "y,NA,a", 'z,True,"c, a"', "w,nan,b"]
    data = later(model, write(tmp_path / "a.csv", "text,label,tags", rows))
    targets, weights = encode_labels(data, tasks)
    assert targets["label"].tolist() == [0, 1, 2, 0]
    assert weights["label"].tolist() == [1, 1, 1, 0]
    assert targets["tags"].argmax(1).tolist() == [1, 0, 3, 2]


def test_the_one_task_may_have_another_column(tmp_path):
    model = SimpleNamespace(
        family="classification",
        tasks={"sentiment": Task("categories", ("neg", "pos"))},
        metadata={},
    )
    path = write(tmp_path / "a.csv", "text,mood", ["x,pos", "y,neg"])
    data = later(model, path, "--label", "mood")
    assert data.labels == {"sentiment": ["pos", "neg"]}
    assert data.columns == {"sentiment": "mood"}  # as messages name it


def test_tagged_files(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text(
        "".join(f"# id\nRome{i}\tNNP\tB-LOC\nis\tVBZ\tO\n\n" for i in range(30))
    )
    labels = ["--label", "pos=1:none", "--label", "ner=2:BIO"]
    splits = train(path, *labels, "--comment", "#", task="tagging")
    options = parse("evaluate", "run", "--data", path)
    recall_tags(options, model_of(splits, {}))
    assert options.label == ["pos=1:none", "ner=2:BIO"] and options.comment == "#"
    options = parse("evaluate", "run", "--data", path, "--label", "ner=-1")
    recall_tags(options, model_of(splits, {}))
    assert options.label == ["ner=-1"] and options.comment == "#"
    options = parse("evaluate", "run", "--data", "b.jsonl")  # no numbers of columns
    recall_tags(options, model_of(splits, {}))
    assert options.label is None and options.comment is None
    with pytest.raises(ValueError, match="`comment`.*Accepted: .conll and .txt"):
        train(path.rename(tmp_path / "a.jsonl"), "--comment", "#", task="tagging")


@pytest.mark.parametrize("task", ["language", "encoding"])
def test_lines_of_a_text_file(tmp_path, task):
    path, held = tmp_path / "book.txt", tmp_path / "held.txt"
    lines = [f"line {number} of it" for number in range(40)]
    path.write_text("\n\n".join(lines) + "\n")
    held.write_text("one\ntwo\nthree\n")
    splits = train(path, task=task)
    parts = [part.texts for part in (splits.train, splits.valid, splits.test)]
    assert sorted(sum(parts, [])) == sorted(lines) and all(parts)
    assert (sum(parts, []) == lines) == (task == "language")  # others are shuffled
    assert any("39 blank" in note for note in splits.notes)
    splits = train(path, "--test", held, task=task)
    assert splits.test.texts == ["one", "two", "three"]
    options = parse("evaluate", "run", "--data", held)
    found = get_family(task).read_part(model_of(splits, {}), options)
    assert found.texts == ["one", "two", "three"]
    table = tmp_path / "texts.csv"
    table.write_text("text\n" + "\n".join(lines) + "\n")
    assert len(train(table, task=task).train) == len(parts[0])
    with pytest.raises(DataError, match="each line of a .txt, or .csv.*'book.doc'"):
        train(path.rename(tmp_path / "book.doc"), task=task)


def test_the_lines_of_a_book_stay_in_order(tmp_path):
    path, held = tmp_path / "book.txt", tmp_path / "held.txt"
    lines = ["Chapter", *(f"line {number}" for number in range(38)), "Chapter"]
    path.write_text("\n".join(lines) + "\n")
    held.write_text("one\ntwo\nthree\n")
    splits = train(path, task="language")
    assert splits.train.texts == lines[:32]
    assert splits.valid.texts == lines[32:36] and splits.test.texts == lines[36:]
    assert "last lines" in splits.notes[-1]
    splits = train(path, "--valid", held, task="language")
    assert splits.train.texts == lines[:36] and splits.test.texts == lines[36:]
    assert splits.valid.texts == ["one", "two", "three"]
    splits = train(path, "--valid", held, "--test", held, task="language")
    assert splits.train.texts == lines
    with pytest.raises(DataError, match="Accepted: 3 lines or more. Received: 2."):
        in_order(Examples(["one", "two"], {}))


def test_pairs(tmp_path):
    rows = [f"yes {i}\tja {i}" for i in range(30)]
    path = write(tmp_path / "a.tsv", "en\tde", [*rows, "\t", "\t\t"])
    splits = train(path, "--text", "en", "--label", "de", task="translation")
    assert splits.notes[0] == f"{path}: 2 blank rows are left out."
    options = parse("evaluate", "run", "--data", path)
    recall_pairs(options, model_of(splits, {}))
    assert options.text == "en" and options.label == ["de"]
    options = parse("evaluate", "run", "--data", "a.txt", "--target", "b.txt")
    recall_pairs(options, model_of(splits, {}))
    assert options.label is None


def test_a_recipe_keeps_it_with_the_model(tags):
    splits = train(tags, *OPTIONS)
    trained = SimpleNamespace(family="classification", metadata={"name": "x"})
    recipe = SimpleNamespace(
        settings_for=lambda *_: None,
        prepare=lambda *_: None,
        train=lambda *_, **__: (trained, []),
    )
    Family.trial(recipe, "x", splits, {}, {}, folder=None)
    assert trained.metadata["reading"]["separator"] == ","
    assert trained.metadata["reading"]["label"] == [
        "my tags:multilabel",
        "good?:categories",
    ]


# --- what the first lines say -----------------------------------------------------


def test_notes_of_all_parts_come_first(tmp_path):
    rows = [f"text {i},{'yn'[i % 2]}" for i in range(40)]
    path = write(tmp_path / "a.csv", "text,label", [*rows, "odd,NA", ","])
    test = write(tmp_path / "b.csv", "text,label", ["x,y", "z,n", "w,"])
    said = train(path, "--test", test).notes
    assert said[:3] == [
        f"{path}: 1 blank row is left out.",
        f"{path}, column 'label': 1 of 41 labels are missing (1 'NA').",
        f"{test}, column 'label': 1 of 3 labels are missing (1 empty).",
    ]
    assert said[-1].startswith("valid: 10 %")


def test_tags_that_look_alike(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("".join(f"Rome{i} B-LOC\n\nParis{i} B-Loc\n\n" for i in range(20)))
    said = train(path, task="tagging").notes
    assert said[0] == (
        f"{path}, column 'tags': labels that look alike are kept apart: 'B-LOC' "
        "(20 words) and 'B-Loc' (20 words)."
    )


# --- tasks that cannot be learnt --------------------------------------------------


def test_tasks_of_one_class(tmp_path):
    rows = [
        f"text {i},{'yn'[i % 2] if i < 40 else 'y'},{'ab'[i // 40]}" for i in range(60)
    ]
    path = write(tmp_path / "a.csv", "text,label,shop", rows)
    splits = train(path, "--task-column", "shop")
    with pytest.raises(DataError) as caught:
        learn_tasks(splits.train)
    for part in ("for task 'b'", "Accepted: ", "--on-single-class skip", "['y']"):
        assert part in str(caught.value)
    splits = train(path, "--task-column", "shop", "--on-single-class", "skip")
    assert set(splits.train.labels) == {"a"}
    assert sum(len(getattr(splits, p)) for p in ("train", "valid", "test")) == 40
    assert "task 'b' is left out: its training rows have 'y' only." in splits.notes
    data = later(model_of(splits), path)
    assert set(data.labels) == {"a"} and len(data) == 40


def test_columns_of_one_class(tmp_path):
    rows = [f"text {i},{'yn'[i % 2]},same," for i in range(40)]
    path = write(tmp_path / "a.csv", "text,mood,kind,stars", rows)
    labels = ["--label", "mood", "--label", "kind", "--label", "stars:regression"]
    splits = train(path, *labels, "--on-single-class", "skip")
    assert set(splits.train.labels) == {"mood"} and len(splits.train) == 32
    said = [note for note in splits.notes if "left out" in note]
    assert said == [
        "task 'kind' is left out: its training rows have 'same' only.",
        "task 'stars' is left out: its training rows have no label.",
    ]
    path = write(tmp_path / "later.csv", "text,mood", ["x,y"])
    assert later(model_of(splits), path).labels == {"mood": ["y"]}


def test_all_tasks_of_one_class_stay_an_error():
    data = Examples(["a", "b"], {"x": ["1", "1"], "y": ["2", None]})
    splits, said = leave_out_single(Splits(data, data, data))
    assert said == [] and set(splits.train.labels) == {"x", "y"}


# --- labels that training did not know --------------------------------------------

TASKS = {
    "mood": Task("categories", ("down", "up")),
    "tags": Task("multilabel", ("a", "b")),
}
DATA = Examples(
    list("vwxyz"),
    {
        "mood": ["up", "odd", None, "down", "odder"],
        "tags": [("a",), None, ("a", "c"), (), ("b",)],
    },
    [("t.csv", line) for line in range(2, 7)],
)


def test_unknown_labels_are_counted_in_the_error():
    with pytest.raises(DataError) as caught:
        encode_labels(DATA, TASKS)
    for part in (
        "t.csv, line 3, column 'mood'",
        "3 row(s) in all: 'odd' (1), 'c' (1), 'odder'",
        "--on-bad-rows skip",
        "--unknown-labels wrong",
    ):
        assert part in str(caught.value)


def test_unknown_labels_left_out():
    kept = leave_out_unknown(DATA, TASKS)
    assert kept.texts == ["v", "y"]
    assert [(row.line, row.received) for row in kept.skipped] == [
        (3, "'odd'"),
        (4, "'c'"),
        (6, "'odder'"),
    ]
    with pytest.raises(DataError, match="'odd'"):
        leave_out_unknown(DATA.select([1]), TASKS)
    other = Examples(["a", "b"], {"mood": ["up", None], "new": [None, "x"]})
    assert leave_out_unknown(other, TASKS).texts == ["a"]


def test_unknown_labels_count_as_wrong():
    """Four labelled moods of which two are right; of three tags in truth two."""
    wider = with_unknown(TASKS, DATA)
    assert wider["mood"].labels == ("down", "up", "odd", "odder")
    assert wider["tags"].labels == ("a", "b", "c")
    targets, weights = encode_labels(DATA, wider)
    says = {
        "mood": np.array([[0, 1], [0, 1], [0, 1], [1, 0], [0, 1]], "float32"),
        "tags": np.array([[1, -1], [1, 1], [1, -1], [-1, -1], [-1, 1]], "float32"),
    }
    outputs = never_said(says, wider)
    found = {
        name: evaluate(task, targets[name], weights[name], outputs[name])
        for name, task in wider.items()
    }
    assert found["mood"]["accuracy"] == 0.5 and found["mood"]["rows"] == 4
    assert found["tags"]["micro_f1"] == pytest.approx(2 * 3 / (2 * 3 + 1))


def test_given_parts_without_unknown_labels(tmp_path, capsys):
    rows = [f"text {i},{'yn'[i % 2]}" for i in range(40)]
    path = write(tmp_path / "a.csv", "text,label", rows)
    test = write(tmp_path / "b.csv", "text,label", ["x,y", "z,maybe"])
    splits = train(path, "--test", test, "--on-bad-rows", "skip")
    assert splits.test.texts == ["x"]
    said = capsys.readouterr().err
    assert "1 bad rows left out" in said and "line 3" in said and "'maybe'" in said
