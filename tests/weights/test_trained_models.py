"""The trained models that ship: their files, their cards, and what they answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from marks import slow_but
from saved import ROOT

import zoo
from zoo.cli import main
from zoo.data.download import sha256_of
from zoo.reporting.card import card_page
from zoo.serving import ServedModel
from zoo.weights import trained, trained_models

NAMES = sorted(trained_models())
MOST, MOST_TOGETHER = 10_000_000, 45_000_000
# Largest difference of a score from the recorded one, on another machine.
TOLERANCE = 1e-4


MODEL = "{0[0]}@{0[1]}".format  # its identifier, as `zoo.load` has it
VERSIONS = [(name, n) for name in NAMES for n in trained._versions(name)]


def of_family(family: str) -> list:
    """Names and versions of the models of a family, as parameters.

    The first is asked with the slow tests, and the others before a release: their files
    are those of the card whatever the code is.
    """
    found = [
        version
        for version in VERSIONS
        if trained.read_card(*version)["family"] == family
    ]
    return slow_but([], found, found[:1])


def folder_of(name: str, version: int) -> Path:
    return trained._FOLDER / name / str(version)


def test_they_are_there_and_small():
    assert {
        "english",
        "sentiment-en",
        "emotion-en",
        "spam-en",
        "question-en",
        "intent-en",
        "language-id",
        "tags-en",
        "story-en",
    } <= {*NAMES}
    sizes = {
        name: sum(p.stat().st_size for p in folder_of(name, newest).rglob("*"))
        for name in NAMES
        for newest in trained._versions(name)[-1:]
    }
    assert max(sizes.values()) < MOST
    english = trained._FOLDER.parent / "english" / "vectors.npz"
    assert sum(sizes.values()) + english.stat().st_size < MOST_TOGETHER


@pytest.mark.parametrize("name, version", VERSIONS)
def test_the_card_is_of_these_files(name, version):
    folder = folder_of(name, version)
    card = json.loads((folder / "card.json").read_text("utf-8"))
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = {
        path.relative_to(folder).as_posix(): sha256_of(path.read_bytes())
        for path in files
        if path.stem != "card"
    }
    assert card["sha256"] == found
    assert (folder / "card.md").read_text("utf-8") == card_page(card)
    assert card["title"] == name and card["version"] == version
    for key in ("summary", "sources", "rows", "table", "uses", "limits", "command"):
        assert card[key]


@pytest.mark.tensorflow
@pytest.mark.parametrize("shipped", of_family("classification"), ids=MODEL)
def test_it_answers_its_check_set_as_recorded(shipped):
    name, version = shipped
    card = trained.read_card(name, version)
    model = zoo.load(name, version=version)
    answers = model.predict([check["text"] for check in card["checks"]])
    for check, answer in zip(card["checks"], answers, strict=True):
        assert_same(answer, check["answer"])


def assert_same(answer, recorded):
    assert answer.keys() == recorded.keys()
    for task, expected in recorded.items():
        assert (
            answer[task]["label" if "label" in expected else "labels"]
            == expected["label" if "label" in expected else "labels"]
        )
        for label, score in expected["scores"].items():
            assert answer[task]["scores"][label] == pytest.approx(score, abs=TOLERANCE)


@pytest.mark.tensorflow
@pytest.mark.parametrize("shipped", of_family("encoding"), ids=MODEL)
def test_its_similarities_are_those_recorded(shipped):
    name, version = shipped
    encoder = zoo.load(name, version=version)
    for check in trained.read_card(name, version)["checks"]:
        [found] = encoder.similarity([check["text"]], [check["near"], check["far"]])
        np.testing.assert_allclose(found, check["cosines"], atol=TOLERANCE)


@pytest.mark.tensorflow
@pytest.mark.parametrize("shipped", of_family("tagging"), ids=MODEL)
def test_its_tags_are_those_recorded(shipped):
    name, version = shipped
    checks = trained.read_card(name, version)["checks"]
    answers = zoo.load(name, version=version).predict([c["text"] for c in checks])
    right = total = 0
    for check, answer in zip(checks, answers, strict=True):
        expected = check["answer"]
        assert answer["tags"] == expected["tags"]
        assert answer["offsets"] == expected["offsets"]
        for task, scores in expected["scores"].items():
            np.testing.assert_allclose(answer["scores"][task], scores, atol=TOLERANCE)
            pairs = zip(answer["tags"][task], check["tags"][task], strict=True)
            right += sum(found == written for found, written in pairs)
            total += len(scores)
    assert right / total > 0.9


@pytest.mark.tensorflow
@pytest.mark.parametrize("shipped", of_family("language"), ids=MODEL)
def test_a_text_is_likelier_than_a_wrong_one_and_has_the_recorded_score(shipped):
    name, version = shipped
    model = zoo.load(name, version=version)
    for check in trained.read_card(name, version)["checks"]:
        found, worse = model.score([check["text"], check["worse"]])
        expected = check["answer"]
        assert found["tokens"] == expected["tokens"]
        assert found["log_probability"] == pytest.approx(
            expected["log_probability"], abs=TOLERANCE * found["tokens"]
        )
        assert worse["log_probability"] < found["log_probability"]


@pytest.mark.parametrize("name", NAMES)
def test_the_check_set_is_the_one_that_was_written(name):
    path = ROOT / "recipes" / "trained" / "checks" / f"{name}.jsonl"
    checks = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    recorded = trained.read_card(name, trained._versions(name)[-1])["checks"]
    assert [
        {key: check[key] for key in written}
        for check, written in zip(recorded, checks, strict=True)
    ] == checks


@pytest.mark.slow
@pytest.mark.tensorflow
def test_an_export_of_a_trained_model_answers_as_recorded(tmp_path):
    exported = zoo.export("spam-en", tmp_path / "spam-en")
    card = trained.read_card("spam-en", trained._versions("spam-en")[-1])
    texts = [check["text"] for check in card["checks"]]
    for check, answer in zip(card["checks"], ServedModel(exported).predict(texts)):
        for task, expected in check["answer"].items():
            assert answer[task]["label"] == expected["label"]
    extra = json.loads((exported / "assets.extra" / "card.json").read_text("utf-8"))
    assert extra["summary"] == card["summary"]


def test_the_command_line_lists_them(capsys):
    main(["list", "--trained"])
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines()] == NAMES
