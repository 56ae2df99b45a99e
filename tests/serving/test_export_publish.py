"""Publishing an export: versions, the check, and what is left when anything fails."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

from tiny_export import (  # noqa: E402
    TASKS,
    TOPIC,
    Mean,
    build,
)

import zoo  # noqa: E402
from zoo.families.classification import expected  # noqa: E402
from zoo.serving import ExportError, ServedModel, check, publish, versions  # noqa: E402
from zoo.text.locks import locked  # noqa: E402

pytestmark = pytest.mark.tensorflow


def test_versions_count_up(model, pipeline, tmp_path, unchecked):
    folder = tmp_path / "name"
    for name in ("7", "abc", ".export-new", "09"):
        (folder / name).mkdir(parents=True)
    (folder / "12").write_text("a file is no version")
    assert versions.versions(folder) == [7, 9]
    assert zoo.export(model, pipeline, folder, tasks=TASKS).name == "10"
    assert zoo.export(model, pipeline, folder, tasks=TASKS).name == "11"
    assert zoo.export(model, pipeline, folder, tasks=TASKS).name == "13"
    assert ServedModel(folder).path.name == "13"
    assert ServedModel(folder, version=10).path.name == "10"
    with pytest.raises(ValueError, match="version 8.*9, 10, 11, 13"):
        ServedModel(folder, version=8)


def test_leftovers_go_and_those_in_use_stay(model, pipeline, tmp_path, unchecked):
    for name in (".export-left", ".export-used", "other"):
        (tmp_path / name).mkdir()
    past = time.time() - 2 * 24 * 3600  # the time says nothing: clocks jump
    for name in (".export-used", "other"):
        os.utime(tmp_path / name, (past, past))
    with locked(tmp_path / ".export-used", "`folder`"):
        zoo.export(model, pipeline, tmp_path, tasks=TASKS)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [".export-used", "1", "other"]


@pytest.mark.slow
def test_a_model_that_counts_padding_is_refused(pipeline, tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "_checked", check.check)  # spares an import
    model = build(pipeline.vocab_size, TASKS, pooling=Mean)
    with pytest.raises(ExportError, match="alone: .*nothing|nothing.*alone: "):
        zoo.export(model, pipeline, tmp_path / "m", tasks=TASKS)
    assert list((tmp_path / "m").iterdir()) == []


@pytest.mark.slow
def test_a_wrong_expected_answer_is_noticed(model, pipeline, tmp_path, monkeypatch):
    true = expected.expected_answers

    def swapped(*args):
        rows = true(*args)
        rows[2]["answers"][TOPIC]["label"] = "wrong"
        rows[3]["ids"][0] += 1
        rows[4]["answers"]["price"]["scores"][0] += 1e-3
        return rows

    monkeypatch.setattr(expected, "expected_answers", swapped)
    with pytest.raises(ExportError) as caught:
        zoo.export(model, pipeline, tmp_path, tasks=TASKS)
    for part in ("6 problem(s)", "Python's 'wrong'", "ids", "price scores"):
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_foreign_ops_are_refused(published, tmp_path):
    from tensorflow.core.protobuf import saved_model_pb2

    path = published / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    library = saved.meta_graphs[0].graph_def.library
    library.function[0].node_def.add(name="x", op="TFText>RoundRobinTrim")
    library.function[0].node_def.add(name="y", op="CudnnRNNV3")
    library.function[0].node_def.add(name="z", op="OpOfALaterTensorFlow")
    library.function[0].attr["_XlaMustCompile"].b = True
    (tmp_path / "saved_model.pb").write_bytes(saved.SerializeToString())
    metadata = {"sha256": check.file_hashes(tmp_path)}
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    command = [sys.executable, "-P", check.__file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    problems = json.loads(done.stdout)["problems"]
    assert done.returncode == 1 and len(problems) == 4
    for part in (
        "XLA must compile",
        "CudnnRNNV3",
        "TFText>RoundRobinTrim",
        "OpOfALaterTensorFlow",
    ):
        assert part in " ".join(problems)


def test_the_ops_of_the_oldest_server(published):
    linked = check.server_ops()
    core, text = sorted(linked)
    assert core.startswith(f"tensorflow {publish.MIN_SERVER}.") and "text" in text
    assert {"MatMul", "PartitionedCall", "LookupTableFindV2"} <= linked[core]
    assert {"CaseFoldUTF8", "NormalizeUTF8"} <= linked[text]
    assert not linked[core] & linked[text]
    metadata = json.loads((published / "metadata.json").read_text("utf-8"))
    assert metadata["server_ops"] == [core, text]
    assert set(metadata["ops"]) <= linked[core] | linked[text]


@pytest.mark.slow
def test_a_wrong_signature_is_noticed(published, tmp_path):
    copy = shutil.copytree(published, tmp_path / "1")
    metadata = json.loads((copy / "metadata.json").read_text("utf-8"))
    metadata["signatures"]["tokens"]["outputs"]["length"] = [9, [-1]]  # int64
    (copy / "metadata.json").write_text(json.dumps(metadata))
    assert "the outputs of tokens are" in check.check(copy)[0][0]


@pytest.mark.slow
def test_the_check_times_texts_alone(published):
    metadata = json.loads((published / "metadata.json").read_text("utf-8"))
    assert 0 < metadata["milliseconds"] < 1000
    problems, milliseconds = check.check(published)
    assert problems == [] and 0 < milliseconds < 1000


def test_a_changed_file_is_noticed(published):
    path = published / "assets.extra" / "labels.json"
    content = path.read_bytes()
    try:
        path.write_bytes(content + b" ")
        [problem], milliseconds = check.check(published)
        assert "metadata.json" in problem and milliseconds is None
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize(
    "step", ["_write_extra", "_describe", "_self_check", "_synchronize", "_publish"]
)
@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_whatever_fails_leaves_nothing(
    model, pipeline, tmp_path, monkeypatch, unchecked, step, error
):
    def fail(*args):
        raise error

    monkeypatch.setattr(publish, step, fail)
    with pytest.raises(type(error)):
        zoo.export(model, pipeline, tmp_path, tasks=TASKS)
    assert list(tmp_path.iterdir()) == []


def test_a_checker_that_crashes_is_a_failure(model, pipeline, tmp_path, monkeypatch):
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; sys.exit('out of luck')")
    monkeypatch.setattr(check, "__file__", str(broken))
    with pytest.raises(ExportError, match="exit status 1; out of luck"):
        zoo.export(model, pipeline, tmp_path / "m", tasks=TASKS)
    assert list((tmp_path / "m").iterdir()) == []


def test_a_race_for_the_next_number(model, pipeline, tmp_path, monkeypatch, unchecked):
    """Another export may take the number between our look and our rename."""
    rename = os.rename

    def other_first(source, target):
        if target.name == "1":
            target.mkdir()
            (target / "saved_model.pb").touch()
        rename(source, target)

    monkeypatch.setattr(publish.os, "rename", other_first)
    assert zoo.export(model, pipeline, tmp_path, tasks=TASKS).name == "2"


def test_folders_that_cannot_be_written(model, pipeline, tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="`folder` must be a writable .*Received"):
            zoo.export(model, pipeline, folder, tasks=TASKS)


@pytest.mark.parametrize(
    "tasks, message",
    [
        ({"other": 3}, "one output per task.*'other': 3.*Received"),
        ({**TASKS, TOPIC: 2}, "width"),
        ({**TASKS, TOPIC: ["a", "b", "\udc00"]}, "surrogates"),
    ],
)
def test_models_that_do_not_fit_the_tasks(model, pipeline, tmp_path, tasks, message):
    with pytest.raises(ValueError, match=message):
        zoo.export(model, pipeline, tmp_path / "m", tasks=tasks)
    assert not (tmp_path / "m").exists()
