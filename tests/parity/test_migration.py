"""What docs/migration.md names as a replacement exists."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "migration.md"
ROOTS = {"tf": "tensorflow"}  # other roots are their packages


def replacements() -> list[str]:
    """Full names in code spans, such as `keras.metrics.F1Score`."""
    packages = "zoo|keras|sklearn|scipy|tf|datetime"
    return sorted(set(re.findall(rf"`((?:{packages})\.[\w.]+)`", PAGE.read_text())))


def resolve(name: str):
    """The object of that name; its leading parts are modules."""
    root, *parts = name.split(".")
    path = ROOTS.get(root, root)
    found = importlib.import_module(path)
    for part in parts:
        path = f"{path}.{part}"
        if not hasattr(found, part):
            importlib.import_module(path)
        found = getattr(found, part)
    return found


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", replacements())
def test_replacement_exists(name):
    resolve(name)
