"""A family outside the package goes through every command, with no edit in `zoo/`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from killed import KILL_AT_SECOND_EPOCH

pytestmark = pytest.mark.tensorflow

HERE = Path(__file__).parent
WORDS = ["one", "two", "three", "four"]
GRID = ("--trials", "2", "--algorithm", "grid", "--range", "width=2,4")
GRID += ("--only", "width", "--fix", "epochs=1", "--no-export")


COMMANDS = """
import contextlib, io, json, sys
from zoo.cli import main
said = []
for command in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(command) == 0, command
    said.append(out.getvalue())
print(json.dumps(said))
"""


def run(place, code, *arguments, status=0):
    """Standard output of a process that knows the family as a plugin."""
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path, "ZOO_PLUGINS": "number_family"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    return done.stdout


def said_by(place, *commands):
    """What each of the commands printed."""
    return json.loads(run(place, COMMANDS, json.dumps(commands)).splitlines()[-1])


@pytest.mark.slow
def test_a_family_in_one_file(tmp_path):
    assert len((HERE / "number_family.py").read_text().splitlines()) <= 120
    rows = [f"{WORDS[n % 4]} {WORDS[n % 3]} {n},{n % 4}.5" for n in range(60)]
    (tmp_path / "data.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    data = ("--data", "data.csv", "--label", "label:regression")
    train = ("train", "text_number", *data)
    run(tmp_path, KILL_AT_SECOND_EPOCH, *train, status=-signal.SIGKILL)
    state = tmp_path / "runs/text_number/checkpoints/state.json"
    assert json.loads(state.read_text())["epoch"] == 0
    listed, described, trained, table, *answers, version, found = said_by(
        tmp_path,
        ("list", "*number*"),
        ("describe", "text_number"),
        train,
        ("evaluate", "runs/text_number", "--data", "data.csv"),
        ("predict", "runs/text_number", "one two three"),
        ("predict", "saved_models/text_number", "one two three"),
        ("export", "runs/text_number"),
        ("tune", "text_number", *data, *GRID),
    )
    assert "text_number  A mean of embeddings." in listed
    assert "learning_rate: 0.01 to 0.1" in described
    assert "Exported and checked: saved_models/text_number" in trained
    results = json.loads((tmp_path / "runs/text_number/results.json").read_text())
    assert len(results["history"]) == 3
    assert float(table.split("|")[-2]) == pytest.approx(results["valid"]["mae"], abs=1)
    of_run, served = (json.loads(answer)["answers"]["number"] for answer in answers)
    assert of_run == pytest.approx(served[0], abs=1e-5)
    assert version.split()[-1] == "saved_models/text_number/2"
    assert "2 trials by grid" in found and "valid mae" in found
