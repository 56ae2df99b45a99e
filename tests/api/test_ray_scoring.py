"""`zoo predict --engine ray`: real workers on an export, one of which is killed."""

from __future__ import annotations

import csv
import os
import signal
import threading
from importlib.util import find_spec

import pytest

if find_spec("ray") is None:
    reason = "Ray is not installed: pip install -e '.[score]'"
    pytest.skip(reason, allow_module_level=True)

from tiny_export import TASKS, TEXTS, build  # noqa: E402

import zoo  # noqa: E402
from zoo.api.labelling import label_file  # noqa: E402
from zoo.cli import main  # noqa: E402
from zoo.serving import ServedModel, publish  # noqa: E402
from zoo.text import TextPipeline  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]
ROWS, PARTS = 24_000, 12


@pytest.fixture
def exported(tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "_self_check", lambda folder: None)
    pipeline = TextPipeline.learn(TEXTS, min_count=1, max_length=64)
    model = build(pipeline.vocab_size, TASKS)
    place = tmp_path / "exported"
    return zoo.export(model, pipeline, place, tasks=TASKS, examples=TEXTS)


def killer(out, killed, done):
    """Kills whoever writes a part once two are finished; partial files name them."""
    while not done.wait(0.005):
        if len(list((out / "records").glob("part-*"))) < 2:
            continue
        for path in (out / "parts").glob(".partial-*"):
            pid = int(path.name.split("-")[1])
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
            return


def test_each_row_has_one_answer_though_a_worker_is_killed(exported, tmp_path, capsys):
    table, out = tmp_path / "a.csv", tmp_path / "scored"
    with table.open("w", newline="") as file:
        write = csv.writer(file).writerow
        write(["id", "text"])
        for number in range(ROWS):
            write([number, f"{TEXTS[number % len(TEXTS)]}\n{'day ' * (number % 7)}"])
    killed, done = [], threading.Event()
    thread = threading.Thread(target=killer, args=(out, killed, done))
    thread.start()
    try:
        words = ["predict", str(exported), "--data", str(table), "--out", str(out)]
        words += ["--engine", "ray", "--workers", "2"]
        assert main([*words, "--part-rows", str(ROWS // PARTS)]) == 0
    finally:
        done.set()
        thread.join()
    assert len(killed) == 1
    said = capsys.readouterr().out
    assert said.startswith(f"{out}: {ROWS:,} rows in {PARTS} parts\n")
    assert "rows a second with 2 workers" in said
    assert len(list((out / "parts").iterdir())) == PARTS  # no partial file is left
    plain = tmp_path / "plain.csv"
    label_file(ServedModel(exported).predict, table, plain, text="text")
    with plain.open(newline="") as file:
        expected = list(csv.DictReader(file))
    found = []
    for path in sorted((out / "parts").iterdir()):
        with path.open(newline="") as file:
            found += csv.DictReader(file)
    assert len(found) == ROWS
    for row, wanted in zip(found, expected, strict=True):
        assert list(row) == list(wanted)
        for name, value in wanted.items():
            if name.startswith("score_"):
                assert float(row[name]) == pytest.approx(float(value), abs=1e-5)
            else:
                assert row[name] == value
    assert main(words) == 0
    assert "All parts were finished before." in capsys.readouterr().out
