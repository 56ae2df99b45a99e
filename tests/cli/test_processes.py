"""Options of a training in several processes, and how its processes end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from zoo.cli import main, processes


@pytest.fixture(autouse=True)
def backend(monkeypatch):
    """`zoo train --distribute` would set it for the tests after these."""
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--processes", "2"], "`--processes` needs --distribute.*--processes 2"),
        (["--rank", "0"], "`--rank` needs --distribute"),
        (
            ["--distribute", "data", "--processes", "2", "--rank", "1"],
            "belong together.*--coordinator None, --rank 1",
        ),
        (["--distribute", "data", "--fine-tune"], "trains one model.*--fine-tune"),
        (["--distribute", "data", "--stream"], "`--stream` must be omitted"),
        (
            ["--distribute", "data", "--set", "minutes=3"],
            "`minutes` must be omitted.*`epochs`.*minutes=3",
        ),
    ],
)
def test_options_that_do_not_fit(options, message, capsys):
    assert main(["train", "lstm_lm", *options]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error), error


def test_families_that_were_not_tried_are_refused(capsys):
    assert main(["train", "bilstm_tagger", "--distribute", "data"]) == 2
    assert "bilstm_tagger, of the family tagging" in capsys.readouterr().err


def test_one_model_is_trained(capsys):
    assert main(["train", "auto", "--distribute", "data"]) == 2
    assert "trains one model" in capsys.readouterr().err


def test_keras_must_run_on_jax(capsys):
    """In this process it runs on another backend, or on JAX without two devices."""
    pytest.importorskip("jax")
    options = ["--distribute", "model", "--replicas", "1000003"]
    assert main(["train", "lstm_lm", *options]) == 2
    error = capsys.readouterr().err
    assert "needs Keras on JAX" in error or "must divide the number" in error


def run_all(monkeypatch, programs: list[str]) -> None:
    """`start_all` of processes that run these programs in place of `zoo`."""

    def start(arguments, address, rank, output):
        with output.open("wb") as stream:
            return subprocess.Popen(
                [sys.executable, "-c", programs[rank]], stdout=stream, stderr=stream
            )

    monkeypatch.setattr(processes, "_start", start)
    processes.start_all(["train"], len(programs))


def test_all_processes_end_well(monkeypatch):
    run_all(monkeypatch, ["pass", "pass"])


def test_one_that_fails_ends_the_others(monkeypatch):
    """Even one that ignores being asked to; none is left."""
    monkeypatch.setattr(processes, "GRACE", 1.0)
    stubborn = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(os.getpid(), flush=True); time.sleep(600)"
    )
    fails = "import time; time.sleep(1); print('zoo: error: no room'); exit(2)"
    started = []
    wait = processes._wait
    monkeypatch.setattr(
        processes, "_wait", lambda those: started.extend(those) or wait(those)
    )
    with pytest.raises(RuntimeError) as caught:
        run_all(monkeypatch, [stubborn, fails])
    assert "All 2 processes must run until the training ends" in str(caught.value)
    assert "process 1 ended with exit status 2" in str(caught.value)
    assert str(caught.value).endswith("\n  zoo: error: no room")
    assert all(process.returncode is not None for process in started)
    assert started[0].returncode == -signal.SIGKILL


def test_an_error_that_the_first_process_has_printed_is_not_repeated(monkeypatch):
    with pytest.raises(SystemExit, match="2"):
        run_all(monkeypatch, ["exit(2)", "import time; time.sleep(1)"])


def test_a_killed_process_is_named(monkeypatch):
    dies = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(RuntimeError, match="process 0 ended with signal SIGKILL"):
        run_all(monkeypatch, [dies, "import time; time.sleep(1)"])


def test_each_process_gets_the_command_and_its_number(monkeypatch, tmp_path):
    given = {}

    def popen(command, *, env, stdout, stderr):
        given.update(command=command, env=env, stdout=stdout)

    monkeypatch.setattr(subprocess, "Popen", popen)
    processes._start(["train", "lstm_lm"], "127.0.0.1:5", 1, tmp_path / "out")
    assert given["command"][1:] == [
        *("-m", "zoo.cli", "train", "lstm_lm"),
        *("--coordinator", "127.0.0.1:5", "--rank", "1"),
    ]
    assert given["env"]["JAX_LOCAL_DEVICE_IDS"] == "1"
    assert given["env"].items() >= os.environ.items() - {"JAX_LOCAL_DEVICE_IDS"}
    assert given["stdout"] is not None
    processes._start(["train"], "127.0.0.1:5", 0, tmp_path / "first")
    assert given["stdout"] is None  # it has the terminal


def test_processes_are_started_where_none_is_given():
    options = SimpleNamespace(distribute="data", processes=2, coordinator=None)
    assert processes.starts_here(options)
    options.coordinator = "127.0.0.1:5"
    assert not processes.starts_here(options)
    assert not processes.starts_here(
        SimpleNamespace(distribute="data", processes=1, coordinator=None)
    )
