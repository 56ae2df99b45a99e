"""Regressions of any unit come out of an export with all their digits."""

from __future__ import annotations

import json

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

from tiny_export import TEXTS, build, run  # noqa: E402

import zoo  # noqa: E402
from zoo.families.classification import expected  # noqa: E402
from zoo.families.classification.model import TextModel  # noqa: E402
from zoo.serving import ExportError, ServedModel  # noqa: E402
from zoo.tasks import Task, written  # noqa: E402

pytestmark = pytest.mark.tensorflow
TASKS = {
    "date": Task("regression", mean=1_700_302_400.5, scale=90.0),
    "tiny": Task("regression", mean=4.9e-7, scale=1e-7),
    "plain": Task("regression"),
}


@pytest.fixture(scope="module")
def small(pipeline):
    return build(pipeline.vocab_size, TASKS, scale=3.0)


@pytest.mark.slow
def test_one_number_from_the_run_and_its_export(small, pipeline, tmp_path):
    """In float64 and in letters, and to the second where that is what it counts."""
    path = zoo.export(small, pipeline, tmp_path, tasks=TASKS)
    served = run(path, TEXTS)
    answers = ServedModel(path).predict(TEXTS)
    of_run = TextModel(small, pipeline, TASKS).predict(TEXTS)
    outputs = {name: np.array(o) for name, o in small(pipeline(TEXTS)).items()}
    for name, task in TASKS.items():
        exact = task.mean + task.scale * outputs[name].astype("float64")
        np.testing.assert_allclose(
            served[f"{name}_scores"], exact, rtol=0, atol=1e-5 * task.scale
        )
        labels = [label.decode() for label in served[f"{name}_label"]]
        assert labels == [written(value) for value in served[f"{name}_scores"][:, 0]]
        assert len(set(labels)) == len(TEXTS)
        assert [answer[name]["label"] for answer in answers] == labels
        for answer, value in zip(of_run, exact[:, 0], strict=True):
            found = answer[name]["scores"]["value"]
            assert found == pytest.approx(value, rel=0, abs=1e-5 * task.scale)
            assert answer[name]["label"] == written(found)
            assert json.loads(json.dumps(answer[name]["scores"]))["value"] == found


@pytest.mark.slow
def test_small_errors_of_small_numbers_are_noticed(
    small,
    pipeline,
    tmp_path,
    monkeypatch,
):
    """The tolerance is relative to the scale of each target: 1e-12 for the tiny one."""
    answers, calls = expected.expected_answers, expected.signature_calls

    def bent_answers(*args):
        rows = answers(*args)
        for name in ("date", "tiny"):
            rows[2]["answers"][name]["scores"][0] += 1e-4 * TASKS[name].scale
        return rows

    def bent_calls(*args):
        made = calls(*args)
        [call] = [call for call in made if call["signature"] == "regress_tiny"]
        call["outputs"]["outputs"]["values"][0] += 1e-4 * TASKS["tiny"].scale
        return made

    monkeypatch.setattr(expected, "expected_answers", bent_answers)
    monkeypatch.setattr(expected, "signature_calls", bent_calls)
    with pytest.raises(ExportError) as caught:
        zoo.export(small, pipeline, tmp_path, tasks=TASKS)
    # Each in a batch and alone.
    for part in ("6 problem(s)", "date scores", "tiny scores", "regress_tiny, row"):
        assert part in str(caught.value)
