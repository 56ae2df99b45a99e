"""The arrows between the packages, and the rooms at the top of `zoo/`."""

from __future__ import annotations

import re
from pathlib import Path

from importlinter import configuration
from importlinter.application import use_cases

import zoo

ROOT = Path(zoo.__file__).parent
configuration.configure()


def test_imports_run_one_way(capsys):
    passed = use_cases.lint_imports(config_filename=str(ROOT.parent / "setup.cfg"))
    assert passed == use_cases.SUCCESS, capsys.readouterr().out


def test_few_entries_at_the_top():
    marks = {"__pycache__", "py.typed"}  # no rooms: neither holds code
    entries = [path for path in ROOT.iterdir() if path.name not in marks]
    assert len(entries) <= 20, sorted(path.name for path in entries)


def test_only_kernels_name_a_backend():
    """Of what trains on JAX alone: imports of TensorFlow and JAX, by any name."""
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in ("layers", "models")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if re.search(r"^\s*(import|from) (tensorflow|jax)\b", path.read_text(), re.M)
    ]
    assert found == []
