"""What CONTRIBUTING.md and the hooks of commits name is there."""

from __future__ import annotations

import re

import pytest
import yaml
from saved import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PLACES = re.findall(r"`((?:zoo|tests|recipes|benchmarks|docs)/[\w./]*|\.ci/run)`", PAGE)


def test_it_names_places():
    assert len(PLACES) > 25


@pytest.mark.parametrize("place", sorted(set(PLACES)))
def test_the_place_is_there(place):
    path = ROOT / place
    assert path.is_dir() if place.endswith("/") else path.is_file()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE))))
def test_the_link_leads_somewhere(name):
    assert (ROOT / name).is_file()


def test_names_of_code_are_those_of_the_code():
    for name, place in (
        ("CELLS", "zoo/models/_cells.py"),
        ("HOLDERS", "tests/api/test_memory.py"),
        ("register_family", "zoo/families/__init__.py"),
        ("def register_format", "zoo/data/formats/registry.py"),
        ("def register_set", "zoo/data/sets/registry.py"),
    ):
        assert name.removeprefix("def ") in PAGE
        assert name in (ROOT / place).read_text("utf-8")


def test_the_hooks_are_the_checks():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {repo["repo"] for repo in config["repos"]} == {"local"}
    entries = [hook["entry"] for hook in hooks]
    assert entries == ["ruff check", "ruff format", "mypy", "lint-imports"]
    for entry in entries:
        assert re.search(rf"^{entry}\b|&& {entry}\b", PAGE, re.M), entry
