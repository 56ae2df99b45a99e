"""A training whose label columns have names that paths, tables and streams dislike."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

import zoo
from zoo.cli import main
from zoo.reporting.markdown import in_cell
from zoo.training.metrics import metric_names
from zoo.training.progress import Progress

pytestmark = pytest.mark.tensorflow

NAMES = [
    "caf\u00e9/type",
    "a:b",
    "..",
    "../../up",
    "/tmp/zoo-odd-column",
    "n" * 300,
    "two\nlines",
    "|",
    "[/red]",
    "-dash",
    "**mean**",
    "\u597d \U0001f600",
]
PLOTS = ["confusion.png", "learning_curves.png", "reliability.png"]
MADE = sorted([*PLOTS, "errors.html", "model", "report.md", "results.json"])
TINY = [
    "jit_compile=false",
    "least_steps=1",
    "embedding_dim=4",
    "maps=2",
    "windows=[1]",
    "ngrams=[]",  # which would leave no error to show
]
LABELS = ["a|b", "caf\u00e9"]


def write_table(path):
    """Two classes whose words tell them apart; texts that a shell would run."""
    generator = np.random.default_rng(5)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["text", *NAMES])
        for row in range(60):
            word = generator.integers(0, 2)
            text = f'`touch pwned`, $(touch pwned): it\'s "{"bad good".split()[word]}"'
            table.writerow([f"{text}!\nrow {row}", *[LABELS[word]] * len(NAMES)])


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The run, what it printed to a stream of ASCII, and all files that are there."""
    top = tmp_path_factory.mktemp("odd")
    place = top / "one" / "two"
    place.mkdir(parents=True)
    write_table(place / "odd.csv")
    labels = [f"--label={name}:categories" for name in NAMES]
    found = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    before = files_below(top)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr("sys.stdout", found)
        code = main(
            [
                "train",
                "text_cnn",
                "--data",
                "odd.csv",
                *labels,
                "--no-export",
                "--epochs",
                "1",
                "--set",
                *TINY,
            ]
        )
    return SimpleNamespace(
        place=place,
        code=code,
        said=found.buffer.getvalue().decode("ascii"),
        made=sorted(files_below(top) - before),
        run=place / "runs" / "text_cnn",
    )


@pytest.mark.slow
def test_the_run_ends(trained):
    assert trained.code == 0
    assert f"text_cnn on {len(NAMES)} task(s)" in trained.said
    assert r"| caf\xe9/type " in trained.said, "what ASCII lacks is escaped"
    assert r"| \u597d \U0001f600 " in trained.said
    assert "Report: runs/text_cnn/report.md" in trained.said


@pytest.mark.slow
def test_all_files_stand_in_the_folder_of_the_run(trained):
    inside = "one/two/runs/text_cnn/"
    outside = [name for name in trained.made if not name.startswith(inside)]
    assert outside == ["one/two/runs", "one/two/runs/text_cnn"]
    assert sorted(path.name for path in trained.run.iterdir()) == MADE
    for name in trained.made:
        assert len(name) < 100 and name.isascii(), "no file is named after a column"
    for name in PLOTS:
        assert (trained.run / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_results_hold_the_names(trained):
    facts = json.loads((trained.run / "results.json").read_text("utf-8"))
    for results in facts["results"].values():
        assert list(results) == NAMES
    assert list(facts["calibration"]) == NAMES
    for name in NAMES:
        assert facts["results"]["text_cnn"][name]["rows"] == 6


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables(page):
    """The tables of a page, each a list of rows of cells."""
    return [
        [cells(line) for line in block.splitlines()]
        for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
    ]


@pytest.mark.slow
def test_the_report_holds_the_names(trained):
    page = (trained.run / "report.md").read_text("utf-8")
    found = tables(page)
    for table in found:
        assert {len(row) for row in table} == {len(table[0])}, table[0]
        assert set("".join(table[1])) == {"-"}
    written = [in_cell(name) for name in NAMES]
    results = next(table for table in found if table[0][:2] == ["task", "metric"])
    assert [row[0] for row in results[2:]] == [*written, "**mean**"]
    calibration = next(table for table in found if table[0][1] == "temperature")
    assert [row[0] for row in calibration[2:]] == written
    headings = re.findall("^### (.*)", page, re.MULTILINE)
    assert headings[: len(NAMES)] == written
    classes = [table for table in found if table[0][:2] == ["label", "rows"]]
    assert len(classes) == len(NAMES)
    for table in classes:
        assert sorted(row[0] for row in table[2:]) == [r"a\|b", "caf\u00e9"]
    shares = [table for table in found if table[0][:2] == ["task", "class"]]
    assert {row[0] for table in shares for row in table[2:]} <= set(written) | {""}
    settings = re.search("```json\n(.*?)\n```", page, re.DOTALL)[1]
    assert json.loads(settings)["name"] == "text_cnn"


@pytest.mark.slow
def test_the_model_answers_by_these_names(trained, capsys):
    text_model = zoo.load(trained.run)
    [answer] = text_model.predict(["a good day"])
    assert list(answer) == NAMES
    for found in answer.values():
        assert set(found["scores"]) == set(LABELS)
    data = trained.place / "odd.csv"
    assert main(["evaluate", str(trained.run), "--data", str(data)]) == 0
    rows = next(t for t in tables(capsys.readouterr().out) if t[0][0] == "task")
    assert [row[0] for row in rows[2:]][: len(NAMES)] == list(map(in_cell, NAMES))


@pytest.mark.slow
def test_the_printed_line_runs_no_text(trained, tmp_path):
    """A program in the place of `zoo` gets the text as it stands, on one line."""
    (program := tmp_path / "zoo").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    program.chmod(0o755)
    (folder := tmp_path / "empty").mkdir()
    [line] = re.findall("^Predict with it: (.*)", trained.said, re.MULTILINE)
    done = subprocess.run(
        ["sh", "-c", f"PATH={shlex.quote(str(tmp_path))}:$PATH; {line}"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stderr == ""
    command, place, text = done.stdout.splitlines()
    assert (command, place) == ("predict", "runs/text_cnn")
    assert re.fullmatch(
        r"`touch pwned`, \$\(touch pwned\): it's \"(bad|good)\"! row \d+", text
    )
    assert list(folder.iterdir()) == []


def test_the_bar_of_a_terminal_takes_names_as_they_stand():
    """On a terminal, rich reads `[...]` as markup."""
    tasks = {
        name: zoo.Task("categories", ("no", "yes"))
        for name in ("[/red]", "[bold]", "caf\u00e9", "two\nlines")
    }
    found = io.StringIO()
    console = Console(file=found, force_terminal=True, width=200, highlight=False)
    progress = Progress(tasks, 1, range(2), console=console)
    progress.on_train_begin()
    progress.on_epoch_begin(0)
    logs = {"loss": 0.5}
    logs |= {key: 0.25 for key in metric_names(tasks).values()}
    progress.on_train_batch_end(0, logs)
    progress._bar.refresh()
    progress.on_epoch_end(0, logs | {f"val_{key}": 0.5 for key in logs})
    *_, last = found.getvalue().splitlines()
    for name in ("[/red]", "[bold]", "caf\u00e9", "two lines"):
        assert found.getvalue().count(f"{name} accuracy 0.250") >= 1
        assert f"{name} accuracy 0.500" in last, "one line an epoch"
