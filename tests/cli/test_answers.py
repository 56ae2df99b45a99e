"""`--quiet` and `--json` of every command, and what docs/cli.md says of them."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from saved import ROOT, SAVED
from test_report_command import write_run

from zoo.cli.answer import Answer, error_document
from zoo.cli.app import main, parser
from zoo.data.errors import BadRow, DataError, bad_rows_error
from zoo.families.run import Run
from zoo.families.scores import Scores
from zoo.reporting.report import Report
from zoo.tuning.searching import SearchResult

if keras.backend.backend() == "tensorflow":
    pytest.importorskip("tensorflow_text")
    from tiny_export import model, pipeline, published  # noqa: F401

PAGE = (ROOT / "docs/cli.md").read_text("utf-8")
COMMANDS = parser()._subparsers._group_actions[0].choices
TEXTS = "text,mood\na good day,good\na bad day,bad\n"
# Arguments by row of the table of documents; `{name}` is a path of the test.
LIGHT = {
    "list": ["list"],
    "list --data": ["list", "--data"],
    "list --trained": ["list", "--trained"],
    "describe": ["describe", "text_cnn"],
    "report": ["report", "{run}"],
    "plan": ["plan", "--experts", "256"],
    "demo": ["demo", "--port", "0", "--no-browser"],
    "completion": ["completion", "fish"],
    "rollback": ["rollback", "{models}/m"],
    "serve-config": ["serve-config", "{models}"],
    "train": ["train", "text_cnn", "--no-export"],
    "distill": ["distill", "text_cnn", "--teacher", "x", "--no-export"],
    "tune": ["tune", "text_cnn", "--no-export"],
    "export": ["export", "runs/x"],
    "export --edge": ["export", "runs/x", "--edge", "onnx"],
}
HEAVY = {
    "describe --layers": ["describe", "lstm", "--layers"],
    "evaluate": ["evaluate", str(SAVED / "classification"), "--data", "{table}"],
    "predict": ["predict", str(SAVED / "classification"), "a good day"],
    "predict --out": "predict {saved} --data {table} --out {out}".split(),
    "predict --engine": [
        *"predict {saved} --data {table} --out {parts}".split(),
        *("--engine", "ray"),
    ],
    "tune --dry-run": ["tune", "bilstm", "--dry-run", "--algorithm", "random"],
    "inspect": ["inspect", "{published}"],
    "profile": ["profile", "{published}", "--calls", "1", "--batch-sizes", "1"],
    "warmup": ["warmup", "{published}", "--lengths", "2", "--batch-sizes", "1"],
}


def documented():
    """The keys of each document, by row of the table."""
    table = PAGE.split("## Documents")[1].split("##")[0]
    rows = re.findall(r"^\| (`.*?) \| (`.*?) \|", table, re.M)
    return {
        command: re.findall(r"`(.*?)`", keys)
        for commands, keys in rows
        for command in re.findall(r"`(.*?)`", commands)
    }


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Files and folders that the arguments name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("zoo.cli.engine.engine_of", lambda name, workers: map)
    (tmp_path / "texts.csv").write_text(TEXTS, "utf-8")
    for version in "12":
        place = tmp_path / "models/m" / version
        place.mkdir(parents=True)
        (place / "saved_model.pb").touch()
    return {
        "models": tmp_path / "models",
        "table": tmp_path / "texts.csv",
        "out": tmp_path / "out.csv",
        "parts": tmp_path / "parts",
        "saved": SAVED / "classification",
        "run": write_run(tmp_path / "run"),
    }


class Named:
    family = "classification"
    metadata = {"name": "text_cnn"}


def trained(*_, **__):
    """What a training returns, after it has said something on both streams."""
    print("a note on standard output")
    print("a note on standard error", file=sys.stderr)
    scores = Scores({"mood": {"accuracy": math.nan}}, "| table |")
    folder = Path("runs/x")
    return Run(Named(), folder, scores, Report(folder / "report.md"), [], None, "a b")


@pytest.fixture
def no_work(monkeypatch, places):
    """The long work of commands is left out; what it returns stays."""
    found = SearchResult("1", "x", {}, {}, 0.5, {}, 1, {}, Path("runs/x"), None)
    version = places["models"] / "m/2"
    monkeypatch.setattr("zoo.api.training.train", trained)
    monkeypatch.setattr("zoo.api.distillation.distill", trained)
    monkeypatch.setattr("zoo.api.searching.tune", lambda *_, **__: found)
    monkeypatch.setattr("zoo.api.exporting.export", lambda *_, **__: version)
    monkeypatch.setattr("zoo.edge.model.read_metadata", lambda folder: {"files": {}})
    monkeypatch.setattr("zoo.edge.report.summary", str)
    monkeypatch.setattr("zoo.cli.demo._serve", lambda *_, **__: None)


def test_every_command_takes_both_options():
    for name, command in COMMANDS.items():
        flags = {flag for action in command._actions for flag in action.option_strings}
        assert {"--quiet", "--json"} <= flags, name


def test_every_command_has_a_documented_document():
    rows = documented()
    assert {row.split()[0] for row in rows} == set(COMMANDS)
    assert set(rows) == {*LIGHT, *HEAVY}


def check(row, arguments, capsys):
    """The document has its keys, and nothing else is on standard output."""
    assert main([*arguments, "--json"]) == 0
    loud = capsys.readouterr()
    assert list(json.loads(loud.out)) == documented()[row]
    return loud


@pytest.mark.parametrize("row", LIGHT)
def test_the_documents(row, places, capsys, no_work):
    check(row, [word.format(**places) for word in LIGHT[row]], capsys)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize("row", HEAVY)
def test_the_documents_of_models(row, places, capsys, published):  # noqa: F811
    words = [word.format(published=published, **places) for word in HEAVY[row]]
    if row == "evaluate":
        words += ["--label", "mood"]
    check(row, words, capsys)


def test_notes_are_on_standard_error(places, capsys, no_work):
    words = LIGHT["train"]
    loud = check("train", words, capsys)
    found = json.loads(loud.out)
    assert found["next"] == "zoo predict runs/x 'a b'" and found["exported"] is None
    assert found["scores"] == {"mood": {"accuracy": None}}, "JSON has no NaN"
    assert "note on standard output\na note on standard error\n" in loud.err
    assert main([*words, "--json", "--quiet"]) == 0
    quiet = capsys.readouterr()
    assert quiet.out == loud.out and quiet.err == ""


def test_quiet_leaves_the_answer(places, capsys, no_work):
    assert main([*LIGHT["train"], "--quiet"]) == 0
    said = capsys.readouterr()
    assert said.out == "Predict with it: zoo predict runs/x 'a b'\n"
    assert said.err == ""
    assert main(LIGHT["train"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("a note on standard output\nPredict with it")
    assert said.err == "a note on standard error\n"


def test_quiet_is_about_child_processes_too(monkeypatch, capfd):
    def command(options):
        code = "import sys; print('from a child', file=sys.stderr)"
        subprocess.run([sys.executable, "-c", code], check=True)
        return Answer(text="done")

    monkeypatch.setattr("zoo.cli.list._list", command)
    assert main(["list", "--quiet"]) == 0
    assert capfd.readouterr() == ("done\n", "")
    assert main(["list"]) == 0
    assert capfd.readouterr() == ("done\n", "from a child\n")


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_errors(capsys, quiet):
    assert main(["describe", "text_cn", "--json", *quiet]) == 2
    said = capsys.readouterr()
    error = json.loads(said.out)["error"]
    assert error["kind"] == "argument" and "did you mean 'text_cnn'" in error["problem"]
    assert error["accepted"].split(", ")[:2] == ["biglstm_lm", "bilstm"]
    assert error["received"] == "name='text_cn'"
    assert said.err == f"zoo: error: {error['message']}\n"
    assert main(["describe", "text_cn", *quiet]) == 2
    assert capsys.readouterr() == ("", said.err)


def test_errors_of_usage(capsys):
    with pytest.raises(SystemExit) as end:
        main(["tune", "bilstm", "--algorithm", "luck", "--json"])
    assert end.value.code == 2
    said = capsys.readouterr()
    error = json.loads(said.out)["error"]
    assert error["kind"] == "usage" and error["received"] is None
    assert "--algorithm: invalid choice: 'luck'" in error["problem"]
    assert error["accepted"].startswith("zoo tune [-h]")
    assert said.err.startswith("usage: zoo tune")
    with pytest.raises(SystemExit):
        main(["predict", "--nope", "--", "--json"])
    assert capsys.readouterr().out == "", "what follows -- is no option"


def test_errors_of_data():
    row = BadRow("a.csv", 7, "stars", "no number", "a number", "'x'", " Hint?")
    found = error_document(bad_rows_error([row, row]))["error"]
    assert found["kind"] == "data"
    assert [found[key] for key in ("problem", "accepted", "received")] == [
        "no number",
        "a number",
        "'x'",
    ]
    assert [one["line"] for one in found["rows"]] == [7, 7]
    plain = error_document(DataError("a.csv: empty. Accepted: rows. Received: none."))
    assert plain["error"]["problem"] == "a.csv: empty"
    assert plain["error"]["received"] == "none" and "rows" not in plain["error"]


@pytest.mark.parametrize(
    "error, code, kind",
    [
        (OSError("no place"), 2, "file"),
        (ImportError("no package"), 2, "package"),
        (RuntimeError("the server left"), 2, "failure"),
        (MemoryError(), 2, "argument"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_exit_codes(monkeypatch, capsys, error, code, kind):
    def command(options):
        raise error

    monkeypatch.setattr("zoo.cli.list._list", command)
    assert main(["list", "--json"]) == code
    found = json.loads(capsys.readouterr().out)["error"]
    assert found["kind"] == kind and f"`{kind}`" in PAGE
    assert f"\n| {code} | " in PAGE


def test_a_mistake_of_the_package_is_raised(monkeypatch, capsys):
    """Python then ends with code 1 and a traceback."""

    def command(options):
        return {}["key"]

    monkeypatch.setattr("zoo.cli.list._list", command)
    with pytest.raises(KeyError):
        main(["list", "--json"])
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "bug"
