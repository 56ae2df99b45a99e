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


def run(place, *arguments, code=None, status=0):
    """Standard output of a command, in a process that knows the family as a plugin."""
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    command = [sys.executable, *(("-c", code) if code else ("-m", "zoo.cli"))]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path, "ZOO_PLUGINS": "number_family"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_family_in_one_file(tmp_path):
    assert len((HERE / "number_family.py").read_text().splitlines()) <= 120
    rows = [f"{WORDS[n % 4]} {WORDS[n % 3]} {n},{n % 4}.5" for n in range(60)]
    (tmp_path / "data.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    data = ("--data", "data.csv", "--label", "label:regression")
    assert "text_number  A mean of embeddings." in run(tmp_path, "list", "*number*")
    assert "learning_rate: 0.01 to 0.1" in run(tmp_path, "describe", "text_number")
    run(
        tmp_path,
        "train",
        "text_number",
        *data,
        code=KILL_AT_SECOND_EPOCH,
        status=-signal.SIGKILL,
    )
    state = tmp_path / "runs/text_number/checkpoints/state.json"
    assert json.loads(state.read_text())["epoch"] == 0
    said = run(tmp_path, "train", "text_number", *data)
    assert "Exported and checked: saved_models/text_number" in said
    results = json.loads((tmp_path / "runs/text_number/results.json").read_text())
    assert len(results["history"]) == 3
    table = run(tmp_path, "evaluate", "runs/text_number", "--data", "data.csv")
    assert float(table.split("|")[-2]) == pytest.approx(results["valid"]["mae"], abs=1)
    answers = [
        json.loads(run(tmp_path, "predict", folder, "one two three"))["answers"]
        for folder in ("runs/text_number", "saved_models/text_number")
    ]
    assert answers[0]["number"] == pytest.approx(answers[1]["number"][0], abs=1e-5)
    version = run(tmp_path, "export", "runs/text_number").split()[-1]
    assert version == "saved_models/text_number/2"
    found = run(
        tmp_path,
        "tune",
        "text_number",
        *data,
        "--trials",
        "2",
        "--algorithm",
        "grid",
        "--range",
        "width=2,4",
        "--only",
        "width",
        "--fix",
        "epochs=1",
        "--no-export",
    )
    assert "2 trials by grid" in found and "valid mae" in found
