"""Trainings in several processes and on several devices, against a single one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from saved import ROOT

pytestmark = pytest.mark.slow
PROGRAM = Path(__file__).with_name("small_training.py")
TRAFFIC = PROGRAM.with_name("traffic.py")
LONG = 900  # seconds of a training on a machine that does other work
SECONDS = 60  # in which processes end once one of them is dead
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """JAX on CPUs, where TensorFlow cannot be imported."""
    pytest.importorskip("jax")
    folder = tmp_path_factory.mktemp("without")
    for name in ("tensorflow", "tensorflow_text"):
        broken = f"raise ModuleNotFoundError('no module named {name}', name='{name}')"
        (folder / f"{name}.py").write_text(broken)
    path = os.pathsep.join([str(folder), str(ROOT)])
    return {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": path}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def start(environment):
    """Starts the program in so many processes; none is left after the test."""
    started: list[subprocess.Popen] = []

    def start(processes: int = 1, flags: str = "", program=PROGRAM, **options):
        options |= {"processes": processes, "coordinator": f"127.0.0.1:{free_port()}"}
        flags = f"{environment.get('XLA_FLAGS', '')} {flags}"
        these = [
            subprocess.Popen(
                [sys.executable, str(program), json.dumps({**options, "rank": rank})],
                env={**environment, "XLA_FLAGS": flags},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in range(processes)
        ]
        started.extend(these)
        return these

    yield start
    for process in started:
        process.kill()
        process.communicate()


def results(processes: list[subprocess.Popen]) -> list[list[dict]]:
    """What each process printed, as many times as it trained."""
    ended = [process.communicate(timeout=LONG) for process in processes]
    for process, (_, errors) in zip(processes, ended, strict=True):
        assert process.returncode == 0, errors[-3000:]
    return [
        [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        for said, _ in ended
    ]


def assert_equal(found: dict, expected: dict) -> None:
    """Loss curves and final weights, which are far apart without training."""
    np.testing.assert_allclose(found["losses"], expected["losses"], **CLOSE)
    assert found["weights"].keys() == expected["weights"].keys()
    for path, weight in expected["weights"].items():
        np.testing.assert_allclose(
            found["weights"][path], weight, **CLOSE, err_msg=path
        )


def test_a_killed_run_of_four_continues_in_two(start, tmp_path):
    """Four processes share model and batches until one dies; two share the batches.

    Losses, with those that balance the experts over the whole batch, and final weights
    are those of one process.
    """
    [[alone]] = results(start(folder=None, epochs=2))
    run = {"folder": str(tmp_path / "run"), "epochs": 2}
    four = start(4, mode="model", replicas=2, dies=3, **run)
    four[3].wait(timeout=LONG)
    assert four[3].returncode == -signal.SIGKILL
    said = [process.communicate(timeout=SECONDS)[1] for process in four[:3]]
    assert all(process.returncode != 0 for process in four[:3])
    # JAX itself ends those that hear of it from the first process before gloo does.
    assert any("zoo: error: All processes must run" in text for text in said), said
    assert (tmp_path / "run" / "last-0.weights.h5").exists()

    for [found] in results(start(2, mode="data", **run)):
        assert found["shared"] == {}
        assert_equal(found, alone)


def test_devices_that_share_the_weights_compute_what_one_does(start):
    """G-LSTM, experts and words: four replicas, or two replicas in two parts each."""
    four = "--xla_force_host_platform_device_count=4"
    modes = [None, ["data"], ["model", 2]]
    [[alone, data, model]] = results(start(flags=four, modes=modes, epochs=1))
    assert_equal(data, alone)
    assert_equal(model, alone)
    assert alone["shared"] == data["shared"] == {}
    assert model["shared"] == {
        "embedding/embeddings": [10, 8],
        "lstm/cell/kernel": [1, 4, 16],
        "lstm/cell/recurrent_kernel": [1, 4, 16],
        "experts/kernel_0": [3, 8, 6],
        "experts/kernel_1": [3, 6, 8],
        "softmax/kernel": [10, 8],
        "softmax/bias": [10],
    }


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts of Linux")
@pytest.mark.parametrize("processes", [2, 4])
def test_a_step_sends_what_the_documentation_says(start, processes):
    """docs/scale.md, What is split; each number has 4 bytes."""
    share = (processes - 1) / processes
    for [found] in results(start(processes, program=TRAFFIC, mode="data", layers=[1])):
        sent = np.median(found["sent"]) / 4
        assert sent == pytest.approx(2 * share * found["weights"], rel=0.03)
    models = start(processes, program=TRAFFIC, mode="model", layers=[1, 2])
    for one, two in results(models):
        further = (np.median(two["sent"]) - np.median(one["sent"])) / 4
        assert further == pytest.approx(4 * share * one["outputs"], rel=0.1)
