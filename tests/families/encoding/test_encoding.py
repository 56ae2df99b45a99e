"""Encoders learn a teacher's vectors, and save, export and evaluate them."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from tiny_teacher import (
    WIDTH,
    make_teacher,
    results_of,
    table,
    texts,
    vectors_by_hand,
    write_model,
)

import zoo
from zoo.cli import main
from zoo.data import DataError
from zoo.families.encoding.fitting import TextsOnly
from zoo.families.encoding.loss import TeacherLoss
from zoo.families.encoding.metrics import closeness
from zoo.families.encoding.model import EncodingModel
from zoo.families.encoding.starting import start_from_words, words_of
from zoo.families.encoding.teacher import Teacher
from zoo.training import loop

pytestmark = pytest.mark.tensorflow

SMALL = {"min_count": 1, "batch_size": 8, "learning_rate": 0.05}
TINY = {"text_encoder": {"embedding_dim": 6, "units": 16}}
MODELS = ["static_encoder", "text_encoder"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a teacher and a text file, where commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    make_teacher(tmp_path / "teacher")
    (tmp_path / "texts.txt").write_text("\n".join(texts()) + "\n")
    return tmp_path


def train(name, place, **options):
    teacher = str(place / "teacher/model.onnx")
    given = {"epochs": 3, **SMALL, **TINY.get(name, {}), **options}
    return zoo.train(name, texts(), teacher=teacher, verbose=False, **given)


@pytest.mark.parametrize(
    ("name", "more"),
    [(MODELS[0], {}), (MODELS[1], {"units": 3}), (MODELS[1], {"units": 3, "depth": 2})],
)
def test_models_answer_with_vectors_of_length_1(name, more):
    keras.utils.set_random_seed(0)
    model = zoo.get(name, 20, width=5, embedding_dim=4, **more)
    tokens = np.array([[3, 4, 5], [6, 0, 0], [0, 0, 0]], "int32")
    found = model(tokens)["embedding"].numpy()
    assert found.shape == (3, 5) and found.dtype == "float32"
    lengths = np.linalg.norm(found, axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
    wide = model(np.pad(tokens, [[0, 0], [0, 9]]))["embedding"].numpy()
    np.testing.assert_allclose(wide, found, atol=1e-6)


def test_a_static_encoder_is_a_mean_of_weighted_vectors():
    model = zoo.get("static_encoder", 9, embedding_dim=4, width=3)
    weights = np.random.default_rng(0).normal(size=9)
    model.get_layer("word_weight").embeddings.assign(weights[:, None])
    vectors = model.get_layer("embedding").embeddings.numpy()
    kernel = model.get_layer("projection").kernel.numpy()
    row = [4, 7, 7, 5]
    expected = np.mean([np.exp(weights[t]) * vectors[t] for t in row], axis=0) @ kernel
    expected /= np.linalg.norm(expected)
    found = model(np.array([row]))["embedding"].numpy()[0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_word_vectors_that_ship_fit_an_encoder():
    words = ["[PAD]", "[UNK]", "[BEGIN]", "[END]", "cat", "qwxyz"]
    model = zoo.get("static_encoder", words, width=3, weights="glove-en")
    expected, _ = zoo.weights.read_vectors("glove-en", words)
    found = model.get_layer("embedding").embeddings.numpy()
    np.testing.assert_array_equal(found, expected)


def test_the_loss_is_that_of_its_equation():
    generator = np.random.default_rng(0)
    own, true = (generator.normal(size=(4, 3)).astype("float32") for _ in range(2))
    expected = []
    for one, other in zip(own, true, strict=True):
        pairs = np.mean((own @ one - true @ other) ** 2)
        expected.append(1 - one @ other + 0.5 * pairs)
    found = float(TeacherLoss(0.5)(true, own))
    assert found == pytest.approx(np.mean(expected), rel=1e-5)


def test_closeness_of_the_same_of_turned_and_of_equal_vectors():
    vectors = vectors_by_hand(texts(30))
    assert closeness(vectors, vectors) == pytest.approx(
        {"cosine": 1, "spearman": 1, "pearson": 1}, abs=1e-5
    )
    turned = closeness(-vectors, vectors)
    assert turned["cosine"] == pytest.approx(-1, abs=1e-5)
    assert turned["spearman"] == pytest.approx(1, abs=1e-5)
    assert list(closeness(vectors[:1], vectors[:1])) == ["cosine"]


def test_batches_hold_texts_only():
    tokens = [np.arange(1, 2 + n % 9) for n in range(21)]
    vectors = np.arange(21.0)[:, None].astype(np.float16)
    weights = {"embedding": np.ones(21)}
    batches = TextsOnly(
        tokens,
        {"embedding": vectors},
        weights,
        batch_size=8,
        buckets=[8, 16],
        shuffle=True,
    )
    seen = []
    for index in range(len(batches)):
        ids, targets, _ = batches[index]
        found = targets["embedding"][:, 0].astype(int)
        seen += found.tolist()
        for row, place in zip(ids, found, strict=True):
            assert row[row > 0].tolist() == tokens[place].tolist()
    assert sorted(seen) == list(range(21))


def test_a_start_from_words_is_the_teacher_on_single_words(place):
    teacher = Teacher(place / "teacher/model.onnx")
    pipeline = zoo.TextPipeline.learn(texts(), min_count=1)
    words = words_of(pipeline.vocabulary)
    sizes = {"embedding_dim": WIDTH, "width": WIDTH}
    model = zoo.get("static_encoder", pipeline.vocab_size, **sizes)
    vectors = teacher(words).astype("float32")
    start_from_words(model, vectors, np.full(pipeline.vocab_size, 1e-3))
    weights = np.exp(model.get_layer("word_weight").embeddings.numpy())
    np.testing.assert_allclose(weights, 0.5, rtol=1e-5)
    found = EncodingModel(model, pipeline, {}).embed(words)
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(found, centred, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_run_learns_saves_and_exports(place, name):
    run = train(name, place, epochs=12, export=place / "served")
    history = [logs["val_cosine"] for logs in run.history]
    assert max(history) > 0.85 and run.metrics["cosine"] > 0.75
    assert set(run.metrics) == {"cosine", "spearman", "pearson"}
    rows = ["so good", "", "a film\x00", "unknown words", "good " * 400]
    found = run.model.embed(rows)
    assert found.shape == (5, WIDTH) and found.dtype == "float32"
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    again = zoo.load(place / "runs" / name)
    assert isinstance(again, zoo.EncodingModel)
    np.testing.assert_allclose(again.embed(rows), found, atol=1e-6)
    alike = again.similarity(rows[:2], iter(rows))
    np.testing.assert_allclose(alike, found[:2] @ found.T, atol=1e-5)
    assert alike.shape == (2, 5) and alike.max() <= 1
    assert again.predict(rows[:1])[0]["embedding"] == pytest.approx(
        found[0].tolist(), abs=1e-6
    )
    assert again.embed([]).shape == (0, WIDTH)

    default = _served(place).predict(rows)
    np.testing.assert_allclose([one["embedding"] for one in default], found, atol=1e-5)
    scores = zoo.evaluate(run.folder, texts(), verbose=False)
    assert scores["cosine"] > 0.8


def _served(place):
    import tensorflow as tf

    from zoo.serving import ServedModel

    served = ServedModel(place / "served")
    embed = tf.saved_model.load(str(served.path)).signatures["embed"]
    outputs = embed(text=tf.constant(["so good", "a film, a day"]))
    expected = served.predict(["so good", "a film, a day"])
    for row, answer in zip(outputs["embedding"].numpy(), expected, strict=True):
        assert answer["embedding"] == pytest.approx(row.tolist(), abs=1e-6)
    assert outputs["length"].numpy().tolist() == [2, 5]
    none = embed(text=tf.constant([], tf.string))
    assert none["embedding"].shape == (0, WIDTH) and none["length"].shape == (0,)
    return served


class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.slow
def test_a_stopped_command_continues_bit_for_bit(place, capsys, monkeypatch):
    command = ["train", "text_encoder", "--data", "texts.txt", "--epochs", "3"]
    command += ["--teacher", "teacher/model.onnx", "--no-export", "--set"]
    sizes = {**SMALL, **TINY["text_encoder"]}
    command += [f"{name}={value}" for name, value in sizes.items()]
    fit = loop.fit

    def stopping(*arguments, **options):
        return fit(*arguments, **{**options, "callbacks": [Stop()]})

    with monkeypatch.context() as patch:
        patch.setattr(loop, "fit", stopping)
        assert main(command) == 130
    state = place / "runs/text_encoder/checkpoints/state.json"
    assert json.loads(state.read_text())["epoch"] == 0
    capsys.readouterr()
    assert main(command) == 0
    said = capsys.readouterr()
    assert "Embed a text with it: zoo predict runs/text_encoder" in said.out
    assert "continuing after epoch 1" in said.err
    assert main([*command, "--out", "whole"]) == 0
    assert "continuing" not in capsys.readouterr().err
    one, other = (zoo.load(path) for path in ("runs/text_encoder", "whole"))
    weights = zip(one.model.get_weights(), other.model.get_weights(), strict=True)
    for left, right in weights:
        np.testing.assert_array_equal(left, right)
    assert (
        results_of(place / "whole")["test"]
        == results_of(place / "runs/text_encoder")["test"]
    )


def refused(capsys, *command) -> str:
    assert main([*command]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"word " * 300_000, "line 1: the line is too long"),
        (b"\n\n\n", "the file is empty"),
        (b"one\n\n", "too few texts"),
        (bytes(range(256)) * 9, "not valid UTF-8"),
        (b"a\n\x00\x01\x02\x03\nb\n", "the line holds NUL"),
    ],
)
def test_bad_texts_leave_nothing(place, capsys, data, said):
    (place / "bad.txt").write_bytes(data)
    options = ["--data", "bad.txt", "--teacher", "teacher/model.onnx"]
    found = refused(capsys, "train", "static_encoder", *options)
    assert said in found and "Accepted: " in found and "Received: " in found
    assert not (place / "runs").exists() and not (place / "cache").exists()


def test_bad_teachers_leave_nothing(place, capsys):
    command = ["train", "static_encoder", "--data", "texts.txt"]
    assert "`teacher` (--teacher) must name a file" in refused(capsys, *command)
    command += ["--teacher", "texts.txt"]
    found = refused(capsys, *command, "--tokenizer", "teacher/tokenizer.json")
    assert "must be a model in ONNX" in found
    write_model(place / "bad/model.onnx", vectors=table() * np.nan)
    command[-1] = "bad/model.onnx"
    found = refused(capsys, *command, "--tokenizer", "teacher/tokenizer.json")
    assert "gives NaN or zeros for text 1" in found
    assert "(--tokenizer) must name a file" in refused(capsys, *command)
    write_model(place / "bad/model.onnx", vectors=table(3))
    found = refused(capsys, *command, "--tokenizer", "teacher/tokenizer.json")
    assert "must be the tokenizer of the teacher" in found
    assert not (place / "runs").exists()
    assert not (place / "cache").exists()


def test_options_of_an_encoder_are_refused_elsewhere(place, capsys):
    options = ["--data", "texts.txt", "--teacher", "teacher/model.onnx"]
    found = refused(capsys, "train", "text_cnn", *options)
    assert "`teacher` is not an argument of model 'text_cnn'" in found


@pytest.mark.slow
def test_another_width_and_another_teacher_are_refused(place):
    with pytest.raises(ValueError, match="`width` must be.*width=6.*width=7"):
        train("static_encoder", place, width=7)
    run = train("static_encoder", place, epochs=1)
    write_model(place / "teacher/model.onnx", vectors=-table())
    with pytest.raises(ValueError, match="must be the one that the model learned"):
        zoo.evaluate(run.folder, texts(), verbose=False)


def test_a_model_of_another_form_is_not_served(tmp_path):
    pipeline = zoo.TextPipeline.learn(texts(), min_count=1)
    tokens = keras.Input((None,), dtype="int32")
    states = keras.layers.Embedding(pipeline.vocab_size, 3)(tokens)
    model = keras.Model(tokens, {"embedding": states})
    with pytest.raises(ValueError, match="`model` must be a sentence encoder"):
        zoo.export(model, pipeline, tmp_path / "served", family="encoding")


def test_labels_of_a_table_are_read_if_asked_for(place):
    rows = [{"text": text, "label": "a"} for text in texts()]
    splits = zoo.read(rows, family="encoding", verbose=False)
    assert splits.train.labels == {}
    with pytest.raises(DataError, match="no such column"):
        zoo.read(rows, family="encoding", text="body")
    with pytest.raises(DataError, match="too few different labels"):
        zoo.train("static_encoder", rows, label="label", **asked(place))


def asked(place, **options):
    teacher = str(place / "teacher/model.onnx")
    return {"teacher": teacher, "verbose": False, "epochs": 3, **SMALL, **options}


@pytest.mark.slow
def test_a_search_takes_a_teacher(place, capsys):
    command = ["tune", "static_encoder", "--data", "texts.txt", "--no-export"]
    command += ["--trials", "2", "--algorithm", "grid", "--only", "similarities"]
    command += ["--range", "similarities=0.5,2", "--reevaluate", "0", "--fix"]
    command += ["teacher=teacher/model.onnx", "epochs=1", "min_count=1"]
    assert main(command) == 0
    found = capsys.readouterr().out
    assert "2 trials by grid" in found and "valid cosine" in found


def test_bad_settings_are_refused(place, capsys):
    command = ["train", "text_encoder", "--data", "texts.txt", "--set"]
    assert "`cell` must be" in refused(
        capsys, *command, "cell=rnn", "teacher=teacher/model.onnx", "min_count=1"
    )
    with pytest.raises(ValueError, match="`depth` must be at least 1.*depth=0"):
        zoo.get("text_encoder", 20, depth=0)
    found = refused(capsys, *command, "similarities=-1")
    assert "`similarities` must be a number above 0" in found
