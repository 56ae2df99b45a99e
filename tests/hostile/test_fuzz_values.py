"""Settings, metadata, servers and teachers that say anything: a message or a value."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fuzzing import VALUES, WORDS, damaged_json, damaged_objects, fuzzed, told
from hypothesis import given
from hypothesis import strategies as st
from saved import SAVED

from zoo.api.teachers.base import Labelled, Lesson, Teacher
from zoo.api.teachers.json_answers import read_answer
from zoo.api.teachers.named_scores import NamedScores
from zoo.client import connect
from zoo.data.cells import CellError
from zoo.edge.model import read_metadata as read_edge
from zoo.families import family_of
from zoo.families.catalogue import parse_overrides
from zoo.families.saved import saved_metadata
from zoo.models._search_space import parse_range
from zoo.serving.models_config import configured_versions
from zoo.tasks import Task
from zoo.text.settings import read_settings
from zoo.text.vocabulary import read_vocabulary
from zoo.training.kept import read_json

pytestmark = pytest.mark.slow
TASKS = {
    "mood": Task("categories", ("good", "bad")),
    "tags": Task("multilabel", ("new", "used")),
    "stars": Task("regression"),
}
LESSONS = st.sampled_from([TASKS, {"mood": TASKS["mood"]}, {"s": TASKS["stars"]}])
MODELS = ["bilstm_mt", "text_cnn", "lstm_lm", "bilstm_tagger", "linear", "text_encoder"]


def test_settings():
    names = {
        model: [*family_of(model).settings.__dataclass_fields__, "units", "other"]
        for model in MODELS
    }
    texts = st.one_of(VALUES.map(json.dumps), WORDS, st.text(max_size=9))

    @fuzzed(700)
    @given(st.sampled_from(MODELS), st.lists(st.integers(0, 99)), st.lists(texts))
    def check(model, keys, values):
        known = names[model]
        pairs = [f"{known[k % len(known)]}={v}" for k, v in zip(keys, values)]
        with told():
            settings, _ = parse_overrides(pairs, model)
            family_of(model).settings.of(model, **settings)

    check()


def test_ranges_of_a_search():
    words = st.sampled_from(
        ["1,2", "1:9", "1e-3:1e9:log", "8:256:x2", "0:1:nan", "log", ",", ":", "9" * 99]
    )

    @fuzzed(700)
    @given(st.one_of(words, st.lists(words).map("".join), st.text()))
    def check(text):
        with told():
            parse_range(text)

    check()


@pytest.mark.parametrize("family", ["classification", "tagging"])
def test_metadata_of_saved_models(family, tmp_path):
    whole = json.loads((SAVED / family / "metadata.json").read_text("utf-8"))
    (tmp_path / "model.keras").touch()

    @fuzzed(600)
    @given(damaged_json(whole))
    def check(content):
        (tmp_path / "metadata.json").write_bytes(content)
        with told():
            saved_metadata(tmp_path)

    check()


def test_metadata_of_devices(tmp_path):
    whole = {
        "format": "zoo edge model",
        "format_version": 1,
        "runtime": "litert",
        "files": {"model.tflite": {"sha256": "0" * 64, "bytes": 7}},
        "input": {"length": 8},
        "tasks": {"mood": {"output": "scores", "labels": ["a", "b"]}},
    }

    @fuzzed(500)
    @given(damaged_json(whole))
    def check(content):
        (tmp_path / "metadata.json").write_bytes(content)
        with told():
            read_edge(tmp_path)

    check()


def test_pipelines(tmp_path):
    folder = SAVED / "classification" / "pipeline"
    whole = json.loads((folder / "pipeline.json").read_text("utf-8"))
    words = (folder / "vocab.txt").read_bytes()

    @fuzzed(400)
    @given(damaged_json(whole), st.binary(max_size=3), st.integers(0, len(words)))
    def check(content, piece, place):
        (tmp_path / "pipeline.json").write_bytes(content)
        with told():
            read_settings(tmp_path / "pipeline.json")
        (tmp_path / "vocab.txt").write_bytes(words[:place] + piece + words[place:])
        with told():
            read_vocabulary(tmp_path / "vocab.txt", whole["vocab_size"])

    check()


def test_states_of_runs(tmp_path):
    @fuzzed(300)
    @given(damaged_json({"epoch": 1, "history": [{"loss": 0.5}], "random": [[1, 2]]}))
    def check(content):
        (tmp_path / "state.json").write_bytes(content)
        with told():
            read_json(tmp_path / "state.json", "Remove it.")

    check()


def test_what_a_server_may_answer(monkeypatch):
    client = connect("http://localhost:1", retries=0)
    rows = {"predictions": [{"label": "a", "scores": [0.5, 0.5]}, {"label": "b"}]}
    columns = {"outputs": {"scores": [[0.5], [0.5]]}, "error": "no"}
    status = st.sampled_from([200, 200, 200, 400, 429, 503])

    @fuzzed(600)
    @given(damaged_json({**rows, **columns}), status, WORDS)
    def check(content, status, later):
        monkeypatch.setattr(client, "_exchange", lambda *_: (status, content, later))
        with told():
            assert len(client.predict(["one", "two"])) == 2
        with told():
            assert isinstance(client.call({"text": ["one"]}), dict)

    check()


def test_answers_of_programs():
    one = {"good": 0.9, "bad": 0.1}
    whole = {"mood": one, "tags": {"new": 0.7}, "stars": 3.5}

    @fuzzed(700)
    @given(st.one_of(damaged_json(whole), damaged_json(one)), LESSONS)
    def check(content, tasks):
        try:
            read_answer(content.decode("utf-8", "replace"), tasks)
        except CellError as error:
            assert error.args and all(map(str, error.args))

    check()


class Silent(Teacher):
    """Only its checks are asked."""

    def identity(self) -> list:
        return []

    def ask(self, texts):
        yield from ()


def test_scores_of_servers(tmp_path):
    none = Labelled([], {}, {})
    whole = {
        "scores": [0.5, 0.5],
        "label": "good",
        "mood_scores": [0.1, 0.9],
        "mood_classes": ["good", "bad"],
        "stars": 3.0,
    }

    @fuzzed(700)
    @given(damaged_objects(whole), LESSONS)
    def check(answer, tasks):
        teacher = Silent("server:1", Lesson(tasks, none, none, tmp_path))
        with told(), np.errstate(all="ignore"):
            teacher.checked(NamedScores(teacher)([answer]), ["a text"])

    check()


def test_models_of_a_server(tmp_path):
    config = tmp_path / "models.config"
    (tmp_path / "mood").mkdir()

    @fuzzed(300)
    @given(st.text(max_size=40), st.sampled_from(["model_config_list {", "}", ""]))
    def check(text, start):
        config.write_bytes((start + text).encode("utf-8", "surrogatepass"))
        with told():
            configured_versions(tmp_path / "mood")

    check()
