"""The calls that the commands are: `zoo.train`, `evaluate`, `tune` and `export`."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import tagged_toys

import zoo
from zoo.api.reading import Reading
from zoo.api.training import train
from zoo.cli import main
from zoo.data import DataError

pytestmark = pytest.mark.tensorflow

TINY = {"epochs": 2, "batch_size": 8, "least_steps": 1, "weights": "none"}
TINY |= {"maps": 2, "windows": [1], "embedding_dim": 4}
WORDS = {"down": "bad dull slow".split(), "up": "good fine fast".split()}


def rows(count: int = 60) -> list[tuple[str, str]]:
    """Texts whose second word tells the label."""
    labels = ["down", "up"]
    return [
        (f"a {WORDS[labels[n % 2]][n % 3]} film, {n}", labels[n % 2])
        for n in range(count)
    ]


def numbers(metrics) -> dict:
    """The scores of the one task, ready to compare."""
    return json.loads(json.dumps(metrics["label"]))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = [f'"{text}",{label}' for text, label in rows()]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    return tmp_path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return zoo.train("text_cnn", rows(), out=folder, seed=3, verbose=False, **TINY)


def test_a_run_holds_what_a_notebook_needs(run):
    assert isinstance(run.model, zoo.TextModel)
    assert run.model.predict(["so good"])[0]["label"]["label"] in ("down", "up")
    assert set(numbers(run.metrics)) >= {"accuracy", "macro_f1"}
    assert run.metrics["label"]["rows"] == 6
    assert [set(logs) >= {"loss", "seconds"} for logs in run.history] == [True, True]
    assert run.exported is None
    page = (run.folder / "report.md").read_text("utf-8")
    assert str(run.report) == page and page.startswith("# text_cnn\n")
    assert str(run.metrics) in page
    assert zoo.load(run.folder).model.count_params() == run.model.model.count_params()


def test_a_notebook_shows_the_report_with_its_plots(run):
    pytest.importorskip("matplotlib")
    shown = run._repr_markdown_()
    assert shown == run.report._repr_markdown_()
    plot = (run.folder / "learning_curves.png").read_bytes()
    data = base64.b64encode(plot).decode()
    assert f"![Learning curves](data:image/png;base64,{data})" in shown
    assert ".png)" not in shown


def test_the_command_line_gives_the_same_bit_for_bit(place, run):
    settings = [f"{name}={json.dumps(value)}" for name, value in TINY.items()]
    command = ["train", "text_cnn", "--data", "rows.csv", "--seed", "3", "--no-export"]
    assert main([*command, "--out", "command", "--set", *settings]) == 0
    found = json.loads((place / "command/results.json").read_text("utf-8"))
    expected = json.loads((run.folder / "results.json").read_text("utf-8"))
    assert found["results"]["text_cnn"] == expected["results"]["text_cnn"]
    assert found["results"]["text_cnn"]["label"] == numbers(run.metrics)
    weights = zoo.load("command").model.get_weights()
    for one, other in zip(weights, run.model.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_what_holds_the_rows_does_not_matter(place, run):
    frame = pytest.importorskip("pandas").DataFrame(rows(), columns=["text", "label"])
    for number, data in enumerate((frame, iter(rows()), "rows.csv")):
        found = zoo.train(
            "text_cnn", data, out=f"run{number}", seed=3, verbose=False, **TINY
        )
        assert numbers(found.metrics) == numbers(run.metrics)


@pytest.mark.slow
def test_parts_kinds_and_export(place, capfd):
    table = [
        {"body": text, "mood": label, "stars": n % 5}
        for n, (text, label) in enumerate(rows())
    ]
    found = zoo.train(
        "text_cnn",
        table[:40],
        text="body",
        label={"mood": "categories", "stars": "regression"},
        valid=table[40:50],
        test=iter(table[50:]),
        export="served",
        verbose=False,
        **TINY,
    )
    assert capfd.readouterr() == ("", "")
    assert found.folder.as_posix() == "runs/text_cnn"
    assert found.metrics["mood"]["rows"] == found.metrics["stars"]["rows"] == 10
    assert {name: task.kind for name, task in found.model.tasks.items()} == {
        "mood": "categories",
        "stars": "regression",
    }
    assert found.exported.as_posix() == "served/1"
    assert zoo.export("runs/text_cnn", "served", keep=1).as_posix() == "served/2"
    assert not (place / "served/1").exists()


def test_exports_of_a_run_a_model_and_a_folder(run, place, monkeypatch):
    calls = []

    def publish(servable, folder, **options):
        calls.append((str(folder), servable.model.name, options["keep"]))
        return folder

    monkeypatch.setattr("zoo.serving.publish.publish", publish)
    zoo.export(run)
    zoo.export(run.folder, "one", keep=2)
    zoo.export(run.model, folder="two", examples=["so good"])
    zoo.export(run.model.model, run.model.pipeline, "three", tasks=run.model.tasks)
    assert calls == [
        ("saved_models/text_cnn", "text_cnn", None),
        ("one", "text_cnn", 2),
        ("two", "text_cnn", None),
        ("three", "text_cnn", None),
    ]


@pytest.mark.slow
def test_it_prints_what_the_command_prints(place, capfd):
    zoo.train("text_cnn", rows(), **TINY)
    out, err = capfd.readouterr()
    assert "valid and test: 10 % of the rows each" in out
    assert "text_cnn on 1 task(s): 48 train, 6 valid, 6 test texts" in out
    assert "Report: runs/text_cnn/report.md" in out and "zoo predict" not in out
    assert "epoch 2" in err


def test_evaluate(run, place):
    scores = zoo.evaluate(run, rows(20))
    assert scores["label"]["rows"] == 20
    assert f"{scores['label']['accuracy']:.4f}" in str(scores)
    assert scores._repr_markdown_() == str(scores)
    for model in (run.folder, str(run.folder), run.model):
        for data in (rows(20), {"text": [t for t, _ in rows(20)], "label": LABELS}):
            assert numbers(zoo.evaluate(model, data)) == numbers(scores)
    new = [*rows(20), ("a new one", "odd")]
    with pytest.raises(DataError, match="row 21 of `data`, column 'label'.*'odd'"):
        zoo.evaluate(run, new)
    assert zoo.evaluate(run, new, unknown_labels="wrong")["label"]["rows"] == 21
    skipped = zoo.evaluate(run, new, on_bad_rows="skip", verbose=False)
    assert numbers(skipped) == numbers(scores)


LABELS = [label for _, label in rows(20)]


@pytest.mark.slow
def test_tune(place):
    pytest.importorskip("keras_tuner")
    fixed = {key: value for key, value in TINY.items() if key != "maps"}
    found = zoo.tune(
        "text_cnn",
        rows(),
        out="search",
        trials=2,
        algorithm="random",
        ranges={"maps": "2:4"},
        only=["maps"],
        fixed=fixed,
        reevaluate=0,
    )
    assert found.settings["epochs"] == 2 and found.keywords["maps"] in (2, 3, 4)
    assert found.trial in found.table and "maps" in found.table.splitlines()[0]
    assert found.table in str(found) and found.table in str(found.report)
    assert found.exported is None
    assert zoo.evaluate(found.folder, rows(20))["label"]["rows"] == 20


WRONG = {
    "an unknown model": (("text_cn", []), {}, "registered model.*text_cnn"),
    "a Keras model": ((3, []), {}, "`model` must be a name.*zoo.TextModel.*int"),
    "an unknown setting": (("text_cnn", []), {"epoch": 3}, "did you mean 'epochs'"),
    "no labels": (("text_cnn", []), {"label": []}, "`label` must name the columns"),
    "a number for a label": (("text_cnn", []), {"label": 3}, "`label` must name"),
    "an unknown kind": (
        ("text_cnn", [("a", 1)]),
        {"label": {"label": "number"}},
        r"`label\['label'\]` must be a kind of task.*regression.*Received: 'number'",
    ),
    "on_bad_rows": (
        ("text_cnn", []),
        {"on_bad_rows": "drop"},
        "`on_bad_rows` must be one of 'error', 'skip'. Received: on_bad_rows='drop'",
    ),
    "no rows": (("text_cnn", []), {}, "`data`: there are no rows"),
    "an empty generator": (("text_cnn", iter(())), {}, "`data`: there are no rows"),
    "a bad row": (
        ("text_cnn", [*rows(), ("a",)]),
        {},
        "row 61 of `data`: the row holds 1 value",
    ),
    "a bad row of a part": (
        ("text_cnn", rows()),
        {"valid": [3]},
        "row 1 of `valid`: the row holds 1 value",
    ),
    "a set of another kind": (
        ("text_cnn", "treebank"),
        {},
        "must hold labels of texts.*treebank, with tags of words",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_before_anything_is_written(case, place):
    arguments, settings, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        train(*arguments, verbose=False, **settings)
    assert not (place / "runs").exists()


def test_labels_of_one_class(place):
    with pytest.raises(DataError, match=r"`data`, column 'label': too few different"):
        zoo.train("text_cnn", [(text, "up") for text, _ in rows()], verbose=False)


def test_an_argument_that_no_call_knows():
    with pytest.raises(TypeError, match="must be among target.*Received: sep"):
        zoo.evaluate("runs/none", [], sep="|")
    with pytest.raises(TypeError, match="must be among target.*Received: epochs"):
        zoo.tune("text_cnn", [], epochs=3)


EXPORTS = {
    "another object": ((3,), {}, "`model` must be a trained model"),
    "a pipeline alone": ((3, object()), {}, "`folder` must be given"),
    "int8 without edge": (("runs/a",), {"int8": True}, "`int8` has no meaning without"),
    "keep with edge": (("runs/a",), {"edge": "onnx", "keep": 1}, "`keep` has no mea"),
    "tasks of a run": (("runs/a",), {"tasks": 3}, "`tasks` has no meaning without"),
}


@pytest.mark.parametrize("case", EXPORTS)
def test_exports_of_no_use(case, place):
    arguments, options, message = EXPORTS[case]
    with pytest.raises(ValueError, match=message):
        zoo.export(*arguments, **options)


def test_labels_are_kept_as_the_command_line_gives_them():
    assert Reading(label="mood").label == ["mood"]
    assert Reading(label=("mood", "stars:regression")).label[1] == "stars:regression"
    assert Reading(label={"ner": "BIO"}).label == ["ner:BIO"]
    assert Reading(missing="-").missing == ["-"]


@pytest.mark.slow
def test_a_tagger_learns_from_lists_of_words(place):
    data = tagged_toys.sentences(60)
    table = [
        {"tokens": words, "slots": tags, "intent": intent}
        for words, tags, intent in zip(
            data.tokens, data.tags[tagged_toys.SLOTS], data.labels["intent"]
        )
    ]
    found = zoo.train(
        "bilstm_tagger",
        table,
        label={"slots": "BIO", "intent": "categories"},
        epochs=1,
        buckets=1,
        weights="none",
        verbose=False,
        **tagged_toys.SIZES,
    )
    assert set(found.metrics) == {"slots", "intent"}
    assert found.metrics["slots"]["f1"] >= 0
    scores = zoo.evaluate(found, table[:10])
    assert set(scores) == {"slots", "intent"}


@pytest.mark.slow
def test_a_translation_model_learns_from_pairs(place, capfd):
    pairs = [(f"one {n} two", f"eins {n} zwei") for n in range(60)]
    found = zoo.train(
        "seq2seq",
        iter(pairs),
        epochs=1,
        buckets=1,
        encoder_depth=1,
        units=8,
        embedding_dim=8,
        vocab_size=60,
        verbose=False,
    )
    assert capfd.readouterr() == ("", "")
    assert found.metrics["bleu"] >= 0
    assert "bleu" in zoo.evaluate(found, pairs[:5])
    assert len(found.model.predict(["one 3 two"])) == 1


@pytest.mark.slow
def test_a_language_model_learns_from_texts(place, capfd):
    texts = [f"the film number {n} was good" for n in range(60)]
    sizes = {"units": 8, "embedding_dim": 8}
    found = zoo.train("lstm_lm", texts, epochs=1, verbose=False, **sizes)
    assert capfd.readouterr() == ("", "")
    assert found.metrics["perplexity"] > 1
    again = zoo.evaluate(found, ({"text": text} for text in texts[:5]))
    assert again["perplexity"] > 1
    with pytest.raises(DataError, match="row 1 of `data`: the row holds 2 value"):
        zoo.train("lstm_lm", [("a text", "a label")], verbose=False)
