"""`zoo export --abstain` asks the family of the model, which may refuse."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import zoo
from zoo.cli import main
from zoo.families import get_family
from zoo.tasks import Task

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def export(monkeypatch):
    """The command, for a model that is not on disk."""

    def run(text_model):
        monkeypatch.setattr("zoo.api.trained.load", lambda folder: text_model)
        return main(["export", "runs/x", "--abstain", "0.5"])

    return run


@pytest.mark.parametrize("name", ["language", "tagging", "translation"])
def test_families_that_cannot_say_so(export, capsys, name):
    assert export(SimpleNamespace(family=name, metadata={}, tasks={})) == 2
    said = capsys.readouterr().err
    assert "`abstain` (--abstain) needs a model" in said
    assert "Accepted: a model of a family that can abstain" in said
    assert f"Received: 0.5 for a model of the family {name!r}." in said


def test_a_classifier_abstains_in_what_is_exported(export, monkeypatch, capsys):
    text_model = get_family("classification").text_model()
    exported = []
    monkeypatch.setattr("zoo.cli.export.after_export", lambda folder, options: None)

    def keep(self, folder, examples, **options):
        exported.append(self)
        return folder / "1"

    monkeypatch.setattr(text_model, "export", keep)
    pipeline = zoo.TextPipeline.learn(["so good"], min_count=1)

    def made(tasks):
        model = zoo.get("text_cnn", pipeline.vocab_size, tasks, maps=2, embedding_dim=4)
        return text_model(model, pipeline, tasks, {"name": "x"})

    given = made({"a": Task("categories", ("n", "y")), "b": Task("regression")})
    assert export(given) == 0
    assert {n: task.abstain for n, task in exported[0].tasks.items()} == {
        "a": 0.5,
        "b": 0.0,
    }
    assert given.tasks["a"].abstain == 0.0
    assert export(made({"b": Task("regression")})) == 2
    assert "with a task of categories" in capsys.readouterr().err
