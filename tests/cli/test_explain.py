"""`zoo predict --explain`: lines of JSON in a pipe, coloured words in a terminal."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import redirect_stdout

import numpy as np
import pytest
from mixed_toys import mixed_model
from saved import SAVED

from zoo.cli import main
from zoo.reporting.explained import html_of, pieces, print_explained, strongest
from zoo.reporting.explanation import Explanation, Word
from zoo.reporting.inside import Attention, Choice, ExpertChoices
from zoo.reporting.inside_lines import attention_lines, expert_lines

pytestmark = pytest.mark.tensorflow

MODEL = SAVED / "classification"
TEXT = "a good day,\nnot so bad"
GREEN, RED = "32m", "31m"  # the ends of the codes


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch):
    """A screen, for `redirect_stdout`."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return Terminal()


def explanation(*words, score=1.0, base=0.5):
    return Explanation("good", score, words, base, 0.0, 8, "log-odds", "a method")


MOVED = explanation(
    Word("good", 2, 6, 1.0), Word("not", 12, 15, 0.01), Word("bad", 19, 22, -0.5)
)


def test_a_pipe_gets_lines_of_json(capsys):
    assert main(["predict", str(MODEL), TEXT, "--explain", ""]) == 0
    first, empty = map(json.loads, capsys.readouterr().out.splitlines())
    assert main(["predict", str(MODEL), TEXT]) == 0
    plain = json.loads(capsys.readouterr().out)
    explained = first.pop("explanation")
    assert first == plain and set(explained) == set(plain["answers"])
    for task, found in explained.items():
        assert found["label"] == plain["answers"][task]["label"]
        assert [w["text"] for w in found["words"]] == TEXT.replace(",", " ,").split()
        for word in found["words"]:
            assert set(word) == {"text", "start", "end", "share"}
            assert TEXT[word["start"] : word["end"]] == word["text"]
        total = found["base"] + sum(word["share"] for word in found["words"])
        assert total == pytest.approx(found["score"], abs=0.05)
    assert all(found["words"] == [] for found in empty["explanation"].values())


def test_a_terminal_gets_a_line_per_task(terminal):
    with redirect_stdout(terminal):
        assert main(["predict", str(MODEL), "--explain", TEXT]) == 0
    lines = terminal.getvalue().splitlines()
    tasks = json.loads((MODEL / "metadata.json").read_text("utf-8"))["tasks"]
    assert [line.partition(":")[0] for line in lines] == list(tasks)
    assert all(GREEN in line or RED in line for line in lines)


def test_colours_tell_sign_and_strength(terminal, monkeypatch):
    with redirect_stdout(terminal):
        print_explained([TEXT], {"mo\x1bod": MOVED})
    [line] = terminal.getvalue().splitlines()
    assert line.startswith("mo od: good +1.00 (base +0.50)  a \x1b[1;7;32mgood\x1b[0m")
    assert "\x1b[1;31mbad\x1b[0m" in line and " not so " in line
    assert line.endswith("(good +1.00, bad -0.50, not +0.01)")
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(Terminal()) as plain:
        print_explained([TEXT], {"mood": MOVED})
    assert not any(colour in plain.getvalue() for colour in (GREEN, RED))
    assert "(good +1.00, bad -0.50, not +0.01)" in plain.getvalue()


def test_pieces_are_the_whole_text_and_html_is_escaped():
    found = list(pieces([TEXT], MOVED))
    assert "".join(piece for piece, _ in found) == TEXT
    shares = [("good", 1.0), ("not", 0.01), ("bad", -0.5)]
    assert [piece for piece in found if piece[1]] == shares
    both = explanation(Word("<b>", 0, 3, 2.0), Word("so", 1, 3, -1.0, second=True))
    page = html_of(["<b> x", " so"], both)
    green = "background: rgba(46, 160, 67, 0.75)"
    assert page.startswith(f'<span style="{green}">&lt;b&gt;</span>')
    assert " x |  <span" in page and strongest(both) == "<b> +2.00, so -1.00"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([SAVED / "tagging", "x", "--explain"], "needs a classifier.*'tagging'"),
        ([SAVED / "language", "x", "--explain"], "with experts.*'language'"),
        (["--server", "localhost:1", "--explain", "x"], "no meaning beside `--server`"),
    ],
)
def test_what_cannot_explain(arguments, message, capsys):
    assert main(["predict", *map(str, arguments)]) == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A saved classifier with experts that pools by attention."""
    return mixed_model().save(tmp_path_factory.mktemp("mixed") / "model")


def test_experts_and_attention_have_keys_of_their_own(mixed, capsys):
    assert main(["predict", str(mixed), "so good", "", "--explain"]) == 0
    first, empty = map(json.loads, capsys.readouterr().out.splitlines())
    assert set(first) == {"text", "answers", "explanation", "attention", "experts"}
    assert set(first["explanation"]) == {"mood"}
    [layer] = first["experts"]
    assert (layer["layer"], layer["num_experts"], layer["per"]) == (
        "experts",
        5,
        "token",
    )
    assert [choice["text"] for choice in layer["choices"]] == ["so", "good"]
    for choice in layer["choices"]:
        assert len(choice["experts"]) == 2
        assert sum(choice["gates"]) == pytest.approx(1.0)
    assert first["attention"]["source"] == ["so", "good"]
    assert sum(first["attention"]["weights"][0]) == pytest.approx(1.0)
    assert empty["experts"][0]["choices"] == [] == empty["attention"]["weights"]


def test_a_terminal_gets_lines_of_attention_and_experts(mixed, terminal):
    with redirect_stdout(terminal):
        assert main(["predict", str(mixed), "so good", "--explain"]) == 0
    words, title, row, layer = terminal.getvalue().splitlines()
    assert words.startswith("mood: ") and title == "attention"
    assert re.fullmatch(r"  features: (so|good) 0\.\d\d, (so|good) 0\.\d\d", row)
    number = r"\(\d 0\.\d\d, \d 0\.\d\d\)"
    assert re.fullmatch(rf"experts, of 5: so {number}, good {number}", layer)


@pytest.mark.slow
def test_the_document_has_the_same_keys(mixed, capsys):
    arguments = ["predict", str(mixed), "so good", "", "--explain"]
    assert main(arguments) == 0
    lines = [*map(json.loads, capsys.readouterr().out.splitlines())]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"] == lines


@pytest.mark.slow
def test_a_translation_is_explained_by_its_attention(terminal, capsys):
    model = str(SAVED / "translation")
    assert main(["predict", model, "a good", "--explain"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert set(record) == {"text", "answers", "attention"}
    seen = record["attention"]
    assert seen["source"] == ["a", "good", "[END]"]
    for weights in seen["weights"]:
        assert sum(weights) == pytest.approx(1.0, abs=1e-5) and len(weights) == 3
    with redirect_stdout(terminal):
        assert main(["predict", model, "a good", "--explain"]) == 0
    answer, title, *rows = terminal.getvalue().splitlines()
    assert json.loads(answer) == {k: record[k] for k in ("text", "answers")}
    assert title == "attention"
    assert [row.split(":")[0].strip() for row in rows] == seen["target"]


def test_lines_hold_no_control_characters():
    weights = np.array([[1.0]], "float32")
    *_, row = attention_lines(Attention(("a\x1b[2J",), ("b\r",), weights))
    assert row == "  b: a [2J 1.00"
    chosen = Choice("a\x1bb", (1,), (1.0,)), Choice("", (0,), (0.5,))
    [line] = expert_lines([ExpertChoices("moe", 3, "text", chosen)])
    assert line == "moe, of 3: a b (1 1.00), (0 0.50)"


@pytest.mark.slow
def test_a_real_terminal():
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo.cli", "predict", str(MODEL), "good", "--explain"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**environment, "TERM": "xterm"},
    )
    assert process.wait(timeout=300) == 0, process.stderr.read()
    said = os.read(ours, 10_000).decode()
    assert "good" in said and "\x1b[" in said
