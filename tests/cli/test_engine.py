"""`zoo predict --engine`: what it takes, what it says, and how far it is."""

from __future__ import annotations

import io
import json
import re

import pytest
from saved import SAVED

from zoo.cli import engine, main

TABLES = ["--data", "a.csv", "--out", "scored", "--engine"]


@pytest.mark.parametrize(
    "words, message",
    [
        (["m", "--data", "a.csv", "b.csv"], "`--data` must be one file.*Received: 2"),
        (["--data", "a.csv", "m"], "`folder` or `--server` must be given"),
        (["m", "--workers", "2"], "`--workers` needs --engine.*--workers 2"),
        (["m", "--part-rows", "2"], "`--part-rows` needs --engine"),
        (["m", "--compare"], "`--compare` needs --engine.*Received: --compare"),
        (["m", "--engine", "ray"], "scores tables.*Received: no --data, no --out"),
        (["m", "a text", *TABLES, "ray"], "scores tables.*Received: texts"),
        (["m", "--explain", *TABLES, "ray"], "scores tables.*Received: explain"),
        (["m", *TABLES, "beam"], "Accepted: ray. Received: beam, which.*killed"),
        (["m", *TABLES, "ray"], "needs the extra `score`"),
    ],
)
def test_options_that_do_not_fit(words, message, capsys, monkeypatch):
    monkeypatch.setattr("zoo.api.scoring.engines.find_spec", lambda name: None)
    assert main(["predict", *words, "--json"]) == 2
    said = json.loads(capsys.readouterr().out)["error"]["message"]
    assert re.search(message, said), said


@pytest.mark.tensorflow
def test_what_it_says(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(engine, "engine_of", lambda name, workers: map)
    table, out = tmp_path / "a.jsonl", tmp_path / "scored"
    rows = [{"text": "a good day"}, {"text": None}, {"text": "not so bad"}]
    table.write_text("\n".join(map(json.dumps, rows)))
    words = ["predict", str(SAVED / "classification"), "--data", str(table)]
    words += ["--out", str(out), "--engine", "ray", "--workers", "1"]
    assert main([*words, "--part-rows", "2", "--compare"]) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[:2] == [
        f"{out}: 2 rows in 2 parts",
        f"{out}/bad.jsonl: 1 rows set aside",
    ]
    assert "rows a second with 1 worker;" in lines[2]
    assert "rows a second in one process" in lines[3]
    first, second, *_ = said.err.splitlines()
    assert first == "Reading 1 table (0.0 MB) for rows and hashes"
    assert second == "2 of 3 rows"
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == ["All parts were finished before."]


@pytest.mark.tensorflow
def test_out_is_a_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(engine, "engine_of", lambda name, workers: map)
    table = tmp_path / "a.csv"
    table.write_text("text\na good day\n")
    words = ["predict", str(SAVED / "classification"), "--data", str(table)]
    assert main([*words, "--out", str(table), "--engine", "ray"]) == 2
    assert "`out` (--out) must be a folder" in capsys.readouterr().err
    assert table.read_text() == "text\na good day\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_how_far_it_is(monkeypatch, stream):
    times = iter([0.0, 60.0, 70.0, 80.0])
    monkeypatch.setattr(engine.time, "monotonic", lambda: next(times))
    monkeypatch.setattr(engine.sys, "stderr", said := stream())
    with engine._Progress() as progress:
        progress.tell(0, 1000)
        progress.tell(100, 1000)  # after the start of the workers
        progress.tell(150, 1000)
        progress.tell(200, 1000)
    lines = [
        "0 of 1,000 rows",
        "100 of 1,000 rows",
        "150 of 1,000 rows, 5 rows a second, 3 min left",
        "200 of 1,000 rows, 5 rows a second, 3 min left",
    ]
    if stream is Terminal:
        assert said.getvalue() == "".join(f"\r{line}\033[K" for line in lines) + "\n"
    else:  # a line for each tenth
        assert said.getvalue().splitlines() == [lines[1], lines[3]]
