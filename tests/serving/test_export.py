"""The export: what a server answers, and the files beside the graph."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

import keras  # noqa: E402
from saved import ROOT  # noqa: E402
from tiny_export import (  # noqa: E402
    EXTRA,
    TASKS,
    TEXTS,
    TOPIC,
    answers_of_python,
    build,
    run,
)

import zoo  # noqa: E402
from zoo.serving import ServedModel, check, warmup_records  # noqa: E402
from zoo.serving.expected import ODD  # noqa: E402
from zoo.tasks import (  # noqa: E402
    Task,
    as_tasks,
    written,  # noqa: E402
)
from zoo.text import as_bytes  # noqa: E402

pytestmark = pytest.mark.tensorflow


def test_answers_are_those_of_python(published, model, pipeline):
    texts = [text.encode() for text in TEXTS] + EXTRA
    served = run(published, texts)
    expected = answers_of_python(model, pipeline, texts)
    assert set(served) == {f"{t}_{o}" for t in TASKS for o in ("label", "scores")}
    for task, (labels, scores) in expected.items():
        np.testing.assert_allclose(served[f"{task}_scores"], scores, atol=1e-5)
        if task != "price":
            assert served[f"{task}_scores"].dtype == np.float32
            found = [label.decode("utf-8") for label in served[f"{task}_label"]]
            assert found == labels
    values = served["price_scores"][:, 0]
    assert values.dtype == np.float64
    labels = [label.decode() for label in served["price_label"]]
    assert labels == [*map(written, values)]
    # The stand-in's weights must make the test tell labels apart.
    assert len(set(expected[TOPIC][0])) > 1 and len(set(expected["tags"][0])) > 2


def test_answers_do_not_depend_on_batch_mates(published):
    texts = [as_bytes(text) for text in ODD] + EXTRA
    together = run(published, texts)
    for row, text in enumerate(texts):
        alone = run(published, [text]) if row % 7 == 0 else None
        for key in alone or ():
            if key.endswith("scores"):
                np.testing.assert_allclose(alone[key][0], together[key][row], atol=1e-5)


def test_any_batch_size_and_any_length(published):
    assert run(published, [])[f"{TOPIC}_scores"].shape == (0, 3)
    assert run(published, [b"good"] * 4096)["price_scores"].shape == (4096, 1)
    assert run(published, [b"good " * 200_000])["tags_scores"].shape == (1, 3)


def test_the_tokens_signature(published, pipeline):
    texts = [b"a GOOD day", b"", b"day " * 900, b"unseen"]
    served = run(published, texts, "tokens")
    assert served["ids"].dtype == np.int32 and served["ids"].shape == (4, 64)
    np.testing.assert_array_equal(served["ids"], pipeline(texts).numpy())
    assert served["length"].tolist() == [3, 1, 64, 1]
    assert served["tokens"][0, :4].tolist() == [b"a", b"good", b"day", b""]
    assert served["tokens"].shape == served["ids"].shape


def test_types_and_shapes_of_the_signatures(published):
    metadata = json.loads((published / "metadata.json").read_text("utf-8"))
    string, float32, float64, int32 = (
        t.as_datatype_enum for t in (tf.string, tf.float32, tf.float64, tf.int32)
    )
    assert metadata["signatures"] == {
        "serving_default": {
            "inputs": {"text": [string, [-1]]},
            "outputs": {
                f"{TOPIC}_label": [string, [-1]],
                f"{TOPIC}_scores": [float32, [-1, 3]],
                "tags_label": [string, [-1]],
                "tags_scores": [float32, [-1, 3]],
                "price_label": [string, [-1]],
                "price_scores": [float64, [-1, 1]],
            },
        },
        **dict.fromkeys(
            ("classify", "classify_task_0", "classify_tags"),
            {
                "inputs": {"inputs": [string, [-1]]},
                "outputs": {"classes": [string, [-1, 3]], "scores": [float32, [-1, 3]]},
            },
        ),
        **dict.fromkeys(
            ("regress", "regress_price"),
            {
                "inputs": {"inputs": [string, [-1]]},
                "outputs": {"outputs": [float32, [-1, 1]]},
            },
        ),
        "tokens": {
            "inputs": {"text": [string, [-1]]},
            "outputs": {
                "ids": [int32, [-1, -1]],
                "length": [int32, [-1]],
                "tokens": [string, [-1, -1]],
            },
        },
    }


def test_metadata_and_files(published):
    metadata = json.loads((published / "metadata.json").read_text("utf-8"))
    assert metadata["model"]["name"] == "tiny" and metadata["model"]["seed"] == 3
    assert metadata["model"]["family"] == "classification"
    assert metadata["tasks"][TOPIC]["labels"] == list(TASKS[TOPIC].labels)
    assert metadata["sha256"] == check.file_hashes(published)
    assert {"CaseFoldUTF8", "NormalizeUTF8", "LookupTableFindV2"} <= set(
        metadata["ops"]
    )
    labels = json.loads((published / "assets.extra" / "labels.json").read_text("utf-8"))
    assert labels == {name: list(task.labels) for name, task in TASKS.items()}
    assert [path.name for path in published.parent.iterdir()] == ["1"]
    assert os.stat(published).st_mode & 0o055 == 0o055
    files = {path.name for path in published.rglob("*") if path.is_file()}
    assert "vocab.txt" in files


def test_no_optimizer_no_path_of_this_machine(model, pipeline, tmp_path, unchecked):
    model.compile("adam", loss={name: "mse" for name in TASKS})
    model.optimizer.build(model.trainable_variables)
    path = zoo.export(model, pipeline, tmp_path, tasks=TASKS)
    reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    sizes = [np.prod(s) for s in reader.get_variable_to_shape_map().values() if s]
    assert sum(sizes) == model.count_params()
    content = (path / "saved_model.pb").read_bytes()
    assert os.fsencode(ROOT) not in content


def test_warmup_records(published):
    path = str(published / "assets.extra" / "tf_serving_warmup_requests")
    requests = {}
    for name, inputs in warmup_records.read_warmup(path):
        [values] = inputs.values()
        requests.setdefault(name, []).append(values)
    batches = requests.pop("serving_default")
    assert [len(texts) for texts in batches] == [1, 1, 1, 8, 8, 8]
    assert {name: [len(v) for v in values] for name, values in requests.items()} == {
        name: [8]
        for name in (
            "classify",
            "classify_tags",
            "classify_task_0",
            "regress",
            "regress_price",
            "tokens",
        )
    }
    lengths = [len(texts[0]) for texts in batches[:3]]
    assert lengths == sorted(lengths) and lengths[0] < lengths[2]


def test_warmup_messages_are_those_of_tensorflow_serving(tmp_path):
    """Field numbers of the three .proto files, read from the wire format by hand."""
    path = str(tmp_path / "warmup")
    asked = ("serving_default", {"text": [b"\xff text"]})
    warmup_records.write_warmup(path, [asked], model="m")
    [record] = tf.data.TFRecordDataset(path).as_numpy_iterator()

    def parts(message):
        """(number, bytes) of a message that has length-delimited fields only."""
        found = {}
        while message:
            assert message[0] & 7 == 2 and message[1] < 128
            found[message[0] >> 3] = message[2 : 2 + message[1]]
            message = message[2 + message[1] :]
        return found

    request = parts(parts(record)[6])[1]  # PredictionLog.predict_log.request
    fields = parts(request)
    assert parts(fields[1]) == {1: b"m", 3: b"serving_default"}  # ModelSpec
    entry = parts(fields[2])  # map<string, TensorProto> inputs
    assert entry[1] == b"text"
    tensor = tf.make_tensor_proto([b"\xff text"]).SerializeToString()
    assert entry[2] == tensor
    assert list(warmup_records.read_warmup(path)) == [asked]


def test_warmup_parses_with_tensorflow_serving_api(published):
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    path = str(published / "assets.extra" / "tf_serving_warmup_requests")
    for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
        request = logs.PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "tiny"
        assert all(
            tf.make_ndarray(value).ndim == 1 for value in request.inputs.values()
        )


@pytest.mark.slow
def test_a_fresh_process_without_keras_and_zoo_loads_it(published):
    script = (
        "import sys\n"
        "sys.modules['keras'] = sys.modules['zoo'] = None\n"
        "import runpy; sys.argv = sys.argv[1:]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally: print(sorted(m for m in sys.modules if m.split('.')[0] in "
        "('keras', 'zoo') and sys.modules[m]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, check.__file__, str(published)],
        capture_output=True,
        text=True,
        check=False,
        cwd=published,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found, loaded = done.stdout.splitlines()
    assert json.loads(found)["problems"] == [] and loaded == "[]"


@pytest.mark.parametrize(
    "spec, width",
    [(["no", "yes"], 2), (Task("multilabel", ("x",)), 1), ("regression", 1)],
)
def test_single_task_names(pipeline, tmp_path, unchecked, spec, width):
    tasks = as_tasks({"label": spec})
    model = build(pipeline.vocab_size, tasks)
    path = zoo.export(model, pipeline, tmp_path, tasks=tasks)
    served = run(path, [b"good", b""])
    assert set(served) == {"label", "scores"}
    assert served["scores"].shape == (2, width) and served["label"].shape == (2,)


def test_predict_from_an_export(published, model, pipeline):
    served = ServedModel(published.parent)
    assert repr(served).endswith("/1')") and served.tasks == list(TASKS)
    texts = ["a good day", "", "lone \ud800", b"\xff"]
    answers = served.predict(texts)
    expected = answers_of_python(model, pipeline, texts)
    for row, answer in enumerate(answers):
        assert list(answer) == list(TASKS)
        for task in (TOPIC, "tags"):
            labels, scores = expected[task]
            assert answer[task]["label"] == labels[row]
            assert list(answer[task]["scores"]) == list(TASKS[task].labels)
            np.testing.assert_allclose(
                list(answer[task]["scores"].values()), scores[row], atol=1e-5
            )
        value = answer["price"]["scores"]["value"]
        assert value == pytest.approx(expected["price"][1][row, 0], abs=1e-5)
    assert served.predict([]) == []
    assert len(served.predict(text for text in ["x"] * 600)) == 600
    assert served.tokens(["A day", ""]) == [["a", "day"], []]
    assert served.tokens([]) == []


@pytest.mark.slow
def test_low_precision_has_a_wider_tolerance(pipeline, tmp_path):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(pipeline.vocab_size, TASKS, scale=1.0)
    finally:
        keras.config.set_dtype_policy(policy)
    path = zoo.export(model, pipeline, tmp_path, tasks=TASKS)
    assert run(path, [b"good"])[f"{TOPIC}_scores"].dtype == np.float32
    metadata = json.loads((path / "metadata.json").read_text("utf-8"))
    assert metadata["tolerance"] == 0.02


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "metadata.json").unlink(),
        lambda folder: (folder / "metadata.json").write_text('{"format_version": 2}'),
        lambda folder: (folder / "saved_model.pb").write_bytes(b"\x00\x01"),
        lambda folder: (folder / "assets" / "vocab.txt").unlink(),
    ],
)
def test_damaged_exports(model, pipeline, tmp_path, unchecked, damage):
    path = zoo.export(model, pipeline, tmp_path, tasks=TASKS)
    damage(path)
    with pytest.raises(ValueError, match="`folder` must hold .*Received"):
        ServedModel(tmp_path)


def test_importing_the_package_loads_no_tensorflow():
    code = "import sys, zoo.serving; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
