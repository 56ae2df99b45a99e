"""Exports answer alike where TensorFlow is as old as that of released servers.

Each release is installed into an environment of its own, from the package index.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from saved import SAVED, TESTS

import zoo
from zoo.serving import check

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.release]
# The oldest release whose operations exports keep to, and the newest with a server.
RELEASES = {"2.15": ("2.15.1", "2.15.0"), "2.19": ("2.19.1", "2.19.0")}
FAMILIES = ["classification", "language", "tagging", "translation"]
TEXTS = ["a good day", "", "nothing at all, really", "\u5f88\u597d"]
# Their kernels round otherwise: over the 1,500 tokens of the longest example, the
# probabilities of a CRF differ by 4e-5.
TOLERANCE = 1e-4


@pytest.fixture(scope="module", params=RELEASES)
def python(request, tmp_path_factory):
    """The interpreter of an environment with a release."""
    folder = tmp_path_factory.mktemp(f"tensorflow-{request.param}")
    venv.create(folder, with_pip=True)
    tensorflow, text = RELEASES[request.param]
    found = folder / "bin" / "python"
    wanted = [f"tensorflow-cpu=={tensorflow}", f"tensorflow-text=={text}"]
    install = [found, "-m", "pip", "install", "--quiet", *wanted]
    subprocess.run(install, check=True)
    return found


@pytest.fixture(scope="module", params=[*FAMILIES, "english"])
def exported(request, tmp_path_factory):
    """An export of a model of each family, whose check allows other rounding."""
    place = SAVED / request.param if request.param in FAMILIES else request.param
    folder = tmp_path_factory.mktemp("exported") / request.param
    version = zoo.load(place).export(folder, TEXTS)
    path = version / "metadata.json"
    path.write_text(
        json.dumps({**json.loads(path.read_text()), "tolerance": TOLERANCE})
    )
    return version


def checked(python: Path, version: Path) -> list[str]:
    """The problems that the check of an export finds with an interpreter."""
    command = [python, check.__file__, version]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout)["problems"]


def test_an_export_passes_its_check(python, exported):
    assert checked(python, exported) == []


def test_another_answer_is_a_problem_there_too(python, exported, tmp_path):
    copy = shutil.copytree(exported, tmp_path / exported.name)
    path = copy / "metadata.json"
    metadata = json.loads(path.read_text())
    for call in metadata["calls"]:
        for output in call["outputs"].values():
            if output["dtype"] == "float32":
                output["values"] = [value + 0.01 for value in output["values"]]
    for row in metadata["golden"]:
        for answer in row["answers"].values():
            answer["scores"] = [score + 0.01 for score in answer["scores"]]
    path.write_text(json.dumps(metadata))
    assert checked(python, copy)


def test_the_contract_holds_there(python):
    environment = {**os.environ, "SERVING_STUB_PYTHON": str(python)}
    tests = TESTS / "serving" / "test_export_contract.py"
    command = [sys.executable, "-m", "pytest", "-m", "slow", "-n", "0", tests]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout and " failed" not in done.stdout
