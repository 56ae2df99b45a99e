"""Exports for devices: what is in the folder, and what is refused."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_export import TASKS, TOPIC, MaskedMean, build

import zoo
from zoo.cli import main
from zoo.data import DataError, Examples, encode_labels
from zoo.edge import EdgeError, EdgeModel, fastest, publish
from zoo.edge.model import read_metadata
from zoo.edge.report import summary
from zoo.families.language.model import LanguageModel
from zoo.kernels.portable import is_portable
from zoo.tasks import Task
from zoo.training.metrics import evaluate

pytestmark = pytest.mark.tensorflow
WORDS = [f"word{number}" for number in range(300)]
LENGTH = 6
RUNTIMES = pytest.mark.parametrize("runtime", zoo.edge.RUNTIMES)


@keras.saving.register_keras_serializable(package="zoo_test")
class Treacherous(MaskedMean):
    """Answers otherwise once it is converted."""

    def call(self, inputs, ids):
        return super().call(inputs, ids) + (0.01 if is_portable() else 0.0)


@keras.saving.register_keras_serializable(package="zoo_test")
class Foreign(MaskedMean):
    """Has an operation that only TensorFlow knows."""

    def call(self, inputs, ids):
        return tf.math.igamma(1.0, tf.abs(super().call(inputs, ids)))


def text_model(pooling=MaskedMean) -> zoo.TextModel:
    pipeline = zoo.TextPipeline.learn(WORDS, min_count=1, max_length=8)
    tasks = {**TASKS, TOPIC: replace(TASKS[TOPIC], temperature=2.5)}
    model = build(pipeline.vocab_size, tasks, pooling)
    return zoo.TextModel(model, pipeline, tasks, {"name": "tiny"})


def labelled(rows=40) -> Examples:
    """Texts of up to six words, with labels at random and some missing."""
    generator = np.random.default_rng(0)
    topics, tags = TASKS[TOPIC].labels, TASKS["tags"].labels
    given = [generator.choice(WORDS, generator.integers(1, 7)) for _ in range(rows)]
    labels = {
        TOPIC: [str(generator.choice(topics)) if i % 5 else None for i in range(rows)],
        "tags": [tuple(t for t in tags if generator.random() < 0.5) for _ in given],
        "price": [float(generator.normal()) for _ in given],
    }
    kinds = {name: task.kind for name, task in TASKS.items()}
    return Examples([" ".join(words) for words in given], labels, kinds=kinds)


@pytest.fixture(scope="module")
def original():
    return text_model()


@pytest.fixture(scope="module")
def exports(original, tmp_path_factory):
    folder = tmp_path_factory.mktemp("edge")
    return {
        runtime: zoo.edge.export(
            original,
            folder / runtime,
            runtime=runtime,
            length=LENGTH,
            int8=True,
            examples=labelled(),
        )
        for runtime in zoo.edge.RUNTIMES
    }


def scores_of(answers, tasks) -> dict:
    """The scores of `TextModel.predict` as arrays by task."""
    return {n: [list(a[n]["scores"].values()) for a in answers] for n in tasks}


@RUNTIMES
def test_scores_are_the_probabilities_of_python(exports, original, runtime):
    edge = EdgeModel(exports[runtime])
    given = ["word1 word2", "word3", "nowhere word7 word8 word9 word10 word11", ""]
    found = edge(original.pipeline.encode(given))
    expected = scores_of(original.predict(given), original.tasks)
    for name, task in edge.metadata["tasks"].items():
        np.testing.assert_allclose(found[task["output"]], expected[name], atol=1e-5)


@RUNTIMES
def test_what_is_behind_the_length_is_not_read(exports, original, runtime):
    given = ["word1 " * LENGTH, "word1 " * LENGTH + "word2 word3"]
    ids = original.pipeline.encode(given)
    assert len(ids[1]) == LENGTH + 2
    for scores in EdgeModel(exports[runtime])(ids).values():
        np.testing.assert_array_equal(scores[0], scores[1])


@RUNTIMES
def test_the_folder_says_all_that_a_device_needs(exports, original, runtime):
    folder = exports[runtime]
    metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [*metadata["files"], "metadata.json", "vocabulary.txt"]
    )
    vocabulary = (folder / "vocabulary.txt").read_text("utf-8").splitlines()
    assert vocabulary == list(original.pipeline.vocabulary)
    given = metadata["input"]
    assert vocabulary[given["padding"]] == "[PAD]"
    assert vocabulary[given["unknown"]] == "[UNK]"
    assert given["length"] == LENGTH
    assert metadata["tokenizer"] == original.pipeline.summary()
    for name, task in metadata["tasks"].items():
        task.pop("output")
        assert Task.from_config(task) == original.tasks[name]
    for name, file in metadata["files"].items():
        content = (folder / name).read_bytes()
        assert file["bytes"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
    float32, int8 = metadata["files"].values()
    assert float32["largest_difference"] < 1e-5 < int8["largest_difference"] < 0.2
    assert int8["bytes"] < float32["bytes"]


@RUNTIMES
def test_the_texts_in_the_metadata_get_their_ids_and_scores(exports, runtime):
    edge = EdgeModel(exports[runtime])
    examples = edge.metadata["examples"]
    assert any("word" in example["text"] for example in examples)
    found = edge([example["ids"] for example in examples])
    for row, example in enumerate(examples):
        for name, scores in example["scores"].items():
            np.testing.assert_allclose(found[name][row], scores, atol=1e-5)


@RUNTIMES
def test_metrics_are_those_of_the_python_model(exports, original, runtime):
    examples = labelled()
    targets, weights = encode_labels(examples, original.tasks)
    logits = original.logits(examples.texts)
    float32, int8 = EdgeModel(exports[runtime]).metadata["files"].values()
    for name, task in original.tasks.items():
        expected = evaluate(task, targets[name], weights[name], logits[name])
        found = float32["metrics"][name]
        for counts in ("confusion", "by_label"):
            assert found.pop(counts, None) == expected.pop(counts, None)
        intervals = [scores.pop("interval", None) for scores in (found, expected)]
        assert intervals[0] == pytest.approx(intervals[1], abs=1e-6)
        assert found == pytest.approx(expected, abs=1e-6)
        assert int8["metrics"][name]["rows"] == expected["rows"]


def test_the_runtime_needs_no_tensorflow(exports):
    code = (
        "import sys; from zoo.edge import EdgeModel; "
        f"print(len(EdgeModel({str(exports['litert'])!r}, int8=True)([[1, 2]]))); "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(len(TASKS))


def test_a_form_that_answers_otherwise_is_refused(tmp_path):
    folder = tmp_path / "edge"
    zoo.edge.export(text_model(), folder, length=3)
    before = (folder / "metadata.json").read_bytes()
    with pytest.raises(EdgeError, match="litert form of the model 'tiny'.*difference"):
        zoo.edge.export(text_model(Treacherous), folder, length=3)
    assert (folder / "metadata.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["edge"]


@RUNTIMES
def test_an_operation_that_no_runtime_knows_is_named(tmp_path, runtime):
    with pytest.raises(EdgeError, match="(?is)model 'tiny' must.*igamma"):
        zoo.edge.export(text_model(Foreign), tmp_path / "a" / "b", runtime=runtime)
    assert not list(tmp_path.iterdir())


def test_other_folders_are_not_replaced(original, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(ValueError, match="`folder` must be missing, empty"):
        zoo.edge.export(original, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"runtime": "coreml"}, "`runtime` must be one of litert, onnx"),
        ({"length": 9}, "`length` must be a whole number from 1 to 8"),
        ({"length": 0}, "`length` must be a whole number from 1 to 8"),
    ],
)
def test_arguments_that_are_not_accepted(original, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        zoo.edge.export(original, tmp_path / "edge", **options)
    assert not list(tmp_path.iterdir())


def test_labels_that_the_model_does_not_know_end_it_at_once(original, tmp_path):
    with pytest.raises(DataError, match="strange"):
        zoo.edge.export(
            original, tmp_path / "edge", examples=Examples(["a"], {TOPIC: ["strange"]})
        )


def test_models_of_other_kinds_are_refused(original, tmp_path):
    other = LanguageModel(original.model, original.pipeline, {})
    with pytest.raises(ValueError, match="text classifiers. Received: a LanguageModel"):
        zoo.edge.export(other, tmp_path / "edge")


@RUNTIMES
@pytest.mark.parametrize("mean, scale", [(1.7e9, 200.0), (4.9e-7, 1e-7)])
def test_numbers_of_any_unit(runtime, mean, scale, tmp_path, monkeypatch):
    """To the seven digits of float32, and checked to the spread of their targets."""
    tasks = {"y": Task("regression", (), mean, scale)}
    pipeline = zoo.TextPipeline.learn(WORDS, min_count=1, max_length=8)
    made = zoo.TextModel(build(pipeline.vocab_size, tasks), pipeline, tasks)
    texts = ["word1 word2", "word3"]
    values = mean + scale * np.array([1.0, -0.5])
    examples = Examples(texts, {"y": values.tolist()})
    folder = zoo.edge.export(
        made, tmp_path / "e", runtime=runtime, length=2, examples=examples
    )
    found = EdgeModel(folder)(pipeline.encode(texts))["scores"][:, 0]
    expected = [answer["y"]["scores"]["value"] for answer in made.predict(texts)]
    rounding = 2.0**-23 * abs(mean)
    close = {"rtol": 0, "atol": 1e-5 * scale + 2 * rounding}
    np.testing.assert_allclose(found, expected, **close)
    [file] = read_metadata(folder)["files"].values()
    errors = np.abs(values - found.astype("float64"))
    assert file["metrics"]["y"]["mae"] == pytest.approx(errors.mean(), rel=1e-6)
    true = publish.scores_of
    by = 1e-3 * scale + 4 * rounding
    monkeypatch.setattr(
        publish,
        "scores_of",
        lambda *args: {k: v + by for k, v in true(*args).items()},
    )
    with pytest.raises(EdgeError, match="a difference of"):
        zoo.edge.export(made, tmp_path / "f", runtime=runtime, length=2, examples=None)


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    original, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[edge\]'"):
        zoo.edge.export(original, tmp_path / "edge", runtime="onnx")
    assert not list(tmp_path.iterdir())


def test_a_broken_export_is_not_loaded(exports, tmp_path):
    with pytest.raises(ValueError, match="must hold an export of `zoo export --edge`"):
        EdgeModel(tmp_path)
    with pytest.raises(ValueError, match="Accepted: model.tflite. Received: int8=True"):
        EdgeModel(zoo.edge.export(text_model(), tmp_path / "e", length=2), int8=True)


@pytest.fixture
def run_folder(original, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    original.save(tmp_path / "run")
    rows = ["text,price"]
    rows += [f"word{n} word{n + 1},{n}.5" for n in range(20)]
    (tmp_path / "data.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "run"


def test_the_command_prints_what_8_bits_change(run_folder, capfd):
    command = "export run --edge litert --length 4 --int8 --data data.csv"
    assert main([*command.split(), "--label", "price:regression"]) == 0
    printed = capfd.readouterr().out
    assert "edge/tiny-litert" in printed
    assert "model_int8.tflite" in printed
    assert "8-bit weights change accuracy and micro_f1 and r2, mean of the" in printed
    assert EdgeModel("edge/tiny-litert", int8=True).length == 4


@pytest.mark.parametrize(
    "options, message",
    [
        ("--int8", "`--int8` applies only to an export"),
        ("--length 4", "`--length` applies only to an export"),
        ("--edge onnx --int8", "`--int8` needs labelled data"),
        ("--edge onnx --keep 2", "`--keep` does not apply with --edge"),
    ],
)
def test_options_that_do_not_fit(tmp_path, capfd, options, message):
    assert main(["export", str(tmp_path / "none"), *options.split()]) == 2
    assert message in capfd.readouterr().err


def test_auto_keeps_the_fastest_runtime(original, tmp_path, monkeypatch):
    times = iter([2.0, 1.0, 3.0])
    monkeypatch.setattr(publish, "median_milliseconds", lambda *_: next(times))
    monkeypatch.setattr(fastest, "median_milliseconds", lambda *_: next(times))
    folder = zoo.edge.export(
        original, tmp_path / "new" / "auto", runtime="auto", length=LENGTH
    )
    edge = EdgeModel(folder)
    assert edge.metadata["runtime"] == "onnx"
    assert edge.metadata["compared_milliseconds"] == {
        "litert": 2.0,
        "onnx": 1.0,
        "tensorflow": 3.0,
    }
    assert [path.name for path in folder.parent.iterdir()] == ["auto"]
    assert "Fastest here: onnx (median ms: litert 2.00" in summary(folder)


def test_auto_needs_one_runtime(tmp_path):
    with pytest.raises(EdgeError, match=r"(?s)litert.*nothing was written.*onnx"):
        zoo.edge.export(text_model(Foreign), tmp_path / "auto", runtime="auto")
    assert not any(tmp_path.iterdir())
