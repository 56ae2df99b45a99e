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


def start(environment, processes: int = 1, **options) -> list[subprocess.Popen]:
    options |= {"processes": processes, "coordinator": f"127.0.0.1:{free_port()}"}
    return [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps({**options, "rank": rank})],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(processes)
    ]


def results(processes: list[subprocess.Popen]) -> list[list[dict]]:
    """What each process printed, as many times as it trained."""
    ended = [process.communicate(timeout=300) for process in processes]
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


def test_a_killed_run_of_four_continues_in_two(environment, tmp_path):
    """Four processes share model and batches until one dies; two share the batches.

    Losses, with those that balance the experts over the whole batch, and final weights
    are those of one process.
    """
    [[alone]] = results(start(environment, folder=None, epochs=2))
    run = {"folder": str(tmp_path / "run"), "epochs": 2}
    four = start(environment, 4, mode="model", replicas=2, dies=3, **run)
    four[3].wait(timeout=240)
    assert four[3].returncode == -signal.SIGKILL
    for process in four[:3]:  # JAX's own timeout ends some of them at times
        assert "All processes must run" in process.communicate(timeout=SECONDS)[1]
        assert process.returncode == 2
    assert (tmp_path / "run" / "last-0.weights.h5").exists()

    for [found] in results(start(environment, 2, mode="data", **run)):
        assert found["shared"] == {}
        assert_equal(found, alone)


def test_devices_that_share_the_weights_compute_what_one_does(environment):
    """G-LSTM, experts and words in two parts, of two replicas that share the batch."""
    flags = environment.get("XLA_FLAGS", "")
    devices = {
        **environment,
        "XLA_FLAGS": f"{flags} --xla_force_host_platform_device_count=4",
    }
    modes = [None, ["model", 2]]
    [[alone, model]] = results(start(devices, modes=modes, epochs=1))
    assert_equal(model, alone)
    assert alone["shared"] == {}
    assert model["shared"] == {
        "embedding/embeddings": [10, 8],
        "lstm/cell/kernel": [1, 4, 16],
        "lstm/cell/recurrent_kernel": [1, 4, 16],
        "experts/kernel_0": [3, 8, 6],
        "experts/kernel_1": [3, 6, 8],
        "softmax/kernel": [10, 8],
        "softmax/bias": [10],
    }
