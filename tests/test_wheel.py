"""The wheel holds all that the package needs, and runs outside the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from saved import ROOT

import zoo


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder into which a wheel of a copy of the sources was unpacked."""
    source = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source / name)
    shutil.copytree(
        ROOT / "zoo", source / "zoo", ignore=shutil.ignore_patterns("__pycache__")
    )
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet"]
    subprocess.run(
        [*command, "--wheel-dir", str(source / "wheels"), str(source)],
        check=True,
        timeout=600,
    )
    [wheel] = (source / "wheels").glob("*.whl")
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def files_of(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in (folder / "zoo").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def run(installed, where, *command):
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "ZOO_CACHE": str(where / "cache"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    done = subprocess.run(
        [sys.executable, *command],
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_version_stands_in_one_place():
    assert "\nversion = attr: zoo.__version__\n" in (ROOT / "setup.cfg").read_text()
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## {re.escape(zoo.__version__)}\b", changes, re.M)


def test_the_notice_names_all_that_ships():
    notice = " ".join((ROOT / "NOTICE").read_text("utf-8").split())
    for card in (ROOT / "zoo/weights").glob("*/card.md"):
        assert f"zoo/weights/{card.parent.name}" in notice
    for name, card in zoo.weights.trained_models().items():
        [line] = re.findall(rf"- {name}: (.*?)(?:;|\. CC)", notice)
        for source in card["sources"]:
            assert source["name"].partition(":")[0] in line
            assert source["licence"] in line


@pytest.mark.slow
@pytest.mark.network  # pip fetches setuptools
def test_every_file_of_the_package_is_in_the_wheel(installed):
    assert files_of(installed) == files_of(ROOT)
    [metadata] = installed.glob("*.dist-info/METADATA")
    assert "Requires-Dist: tensorflow<2.22,>=2.21" in metadata.read_text("utf-8")
    assert f"\nVersion: {zoo.__version__}\n" in metadata.read_text("utf-8")
    for name in ("LICENSE", "NOTICE"):
        [licence] = installed.glob(f"*.dist-info/**/{name}")
        assert licence.read_text("utf-8") == (ROOT / name).read_text("utf-8")


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.tensorflow
def test_it_predicts_with_a_model_that_ships(installed, tmp_path):
    place = run(installed, tmp_path, "-c", "import zoo; print(zoo.__file__)")
    assert place.strip() == str(installed / "zoo" / "__init__.py")
    text = "URGENT! You have won a prize. Call now to claim"
    said = run(installed, tmp_path, "-m", "zoo.cli", "predict", "spam-en", text)
    assert json.loads(said)["answers"]["kind"]["label"] == "spam"
