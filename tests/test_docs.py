"""The site of docs/: its pages are there, and the API has every public name."""

from __future__ import annotations

import importlib
import re

import pytest
import yaml
from saved import ROOT

DOCS = ROOT / "docs"
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
MODULES = ("client", "data", "decoding", "edge", "families", "layers", "models")
MODULES += ("serving", "text", "tuning", "weights")


def pages(entries):
    """The files that a navigation names, in its order."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for inside in entry.values():
                yield from pages([inside] if isinstance(inside, str) else inside)


def names_of(page):
    """The last parts of the names that a page of the API shows."""
    text = (DOCS / "api" / f"{page}.md").read_text("utf-8")
    shown = re.findall(r"^::: ([\w.]+)$", text, re.M)
    for row in re.findall(r"^\| (.*?) \|", text, re.M):
        shown += re.findall(r"`([\w.]+)`", row)
    return {name.rpartition(".")[2] for name in shown}


def test_the_navigation_leads_to_pages():
    found = list(pages(CONFIG["nav"]))
    assert len(found) == len(set(found)) > 30
    assert [page for page in found if not (DOCS / page).is_file()] == []
    assert {f"api/{name}.md" for name in (*MODULES, "zoo")} <= set(found)


@pytest.mark.parametrize("module", MODULES)
def test_the_api_has_every_public_name(module):
    public = importlib.import_module(f"zoo.{module}").__all__
    assert names_of(module) == set(public)


def test_the_api_has_every_name_of_zoo():
    assert names_of("zoo") == set(importlib.import_module("zoo").__all__)


def test_every_shown_name_is_there():
    """The pages are read from the sources; a wrong name would only show in the site."""
    for page in (*MODULES, "zoo"):
        text = (DOCS / "api" / f"{page}.md").read_text("utf-8")
        for name in re.findall(r"^::: ([\w.]+)$", text, re.M):
            module, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), name


def test_links_from_the_readme_lead_to_pages():
    readme = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(r"\]\((docs/[\w./-]+)", readme)
    assert links and [link for link in links if not (ROOT / link).is_file()] == []
