"""Teachers of every kind, and what happens to a bad one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_teacher

from zoo.api.teachers.answers import Answers, ask
from zoo.api.teachers.base import Lesson, Teacher, TeacherError
from zoo.api.teachers.lesson import lesson_of
from zoo.api.teachers.opening import check_teacher, kind_of, open_teacher
from zoo.data import Examples, Splits
from zoo.training.checkpoint import fingerprint

pytestmark = pytest.mark.tensorflow
LABELS = ("bad", "good")
TEXTS = ["a good day", "a bad day", "the film", "so dull", "very fine", "good good"]


def lesson(folder: Path, labels=LABELS, **options) -> Lesson:
    """Texts with "good" or "fine" are good."""
    texts = tiny_teacher.texts(60)
    targets = [int("good" in t or "fine" in t) for t in texts]
    names = [labels[target] for target in targets]
    train, valid = (
        Examples(texts[rows], {"mood": names[rows]})
        for rows in (slice(0, 40), slice(40, None))
    )
    return lesson_of(Splits(train, valid, valid), folder, **options)


class Fake(Teacher):
    """Says 0.75 for good to texts with that word, some rows at a time."""

    def __init__(self, lesson, spoil=lambda rows: rows) -> None:
        super().__init__("fake", lesson)
        self.asked, self.spoil = [], spoil

    def identity(self) -> list:
        return ["fake"]

    def ask(self, texts):
        for start in range(0, len(texts), 2):
            chunk = texts[start : start + 2]
            self.asked += chunk
            share = [0.75 if "good" in text else 0.25 for text in chunk]
            yield {"mood": self.spoil(np.array([[1 - p, p] for p in share]))}


def answers(teacher, texts, say=print):
    """Those about the one task."""
    return ask(teacher, texts, say)["mood"]


def test_answers_are_kept_and_only_missing_ones_are_asked(tmp_path):
    teacher, said = Fake(lesson(tmp_path)), []
    found = answers(teacher, TEXTS[:3] + TEXTS[:1], said.append)
    assert found.tolist() == [[0.25, 0.75], [0.75, 0.25], [0.75, 0.25], [0.25, 0.75]]
    assert teacher.asked == TEXTS[:3] and said[-1].endswith("3 of 3 texts")
    # A kill may cut the last line; its text is asked again, and the line ended.
    [file] = tmp_path.glob("*/answers.jsonl")
    file.write_text(file.read_text("utf-8")[:-9], "utf-8")
    again = Fake(lesson(tmp_path))
    np.testing.assert_array_equal(answers(again, TEXTS), answers(again, TEXTS))
    assert again.asked == TEXTS[2:]
    assert Answers(file.parent, again.lesson.tasks).missing(TEXTS) == []


def test_answers_of_the_earlier_format_are_read(tmp_path):
    teacher = Fake(lesson(tmp_path))
    ask(teacher, TEXTS)
    [file] = tmp_path.glob("*/answers.jsonl")
    named = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    lines = [json.dumps([key, said["mood"]]) + "\n" for key, said in named]
    file.write_text("".join(lines), "utf-8")
    expected = fingerprint(["Fake", "fake", ["bad", "good"]])[:32]
    assert file.parent.name == expected
    again = Fake(lesson(tmp_path))
    np.testing.assert_array_equal(answers(again, TEXTS), answers(teacher, TEXTS))
    assert again.asked == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda rows: rows * 1.1, "an answer is no distribution"),
        (lambda rows: rows * np.nan, "an answer is no distribution"),
        (lambda rows: rows * [[-1, 1]] + [[1, 0]], "an answer is no distribution"),
        (lambda rows: rows[:, :1], "its answers have another shape"),
        (lambda rows: rows[:1], "it answered 3 of 6 texts"),
        (lambda rows: np.repeat(rows, 2, axis=0), "it gave more than 6 answers"),
    ],
)
def test_bad_answers(tmp_path, spoil, said):
    with pytest.raises(TeacherError, match="Accepted: .* Received: ") as error:
        ask(Fake(lesson(tmp_path), spoil), TEXTS)
    assert said in str(error.value)
    assert "the same command asks for the others" in str(error.value)


ECHO = """
import json, sys, time
for number, line in enumerate(sys.stdin):
    if number == {ends}:
        sys.exit("out of memory")
    print(json.dumps({answer}), flush=True)
"""


def command(tmp_path, answer: str, ends: int = -1) -> str:
    script = tmp_path / "teacher.py"
    script.write_text(ECHO.format(answer=answer, ends=ends))
    return f"command:{sys.executable} {script}"


def test_a_command(tmp_path):
    told = '{"good": 0.9, "bad": 0.1} if "good" in line else "bad"'
    teacher = open_teacher(command(tmp_path, told), lesson(tmp_path), print)
    texts = ["so good", "two\nlines", "bad"]
    np.testing.assert_allclose(answers(teacher, texts), [[0.1, 0.9], [1, 0], [1, 0]])


@pytest.mark.parametrize(
    ("answer", "ends", "said"),
    [
        ('{"good": 1.0}', 4, "it ended after 4 of 6 answers.*out of memory"),
        ('{"good": 0.9, "bad": 0.9}', -1, "answer 1 .*add up to 1.8"),
        ('{"good": float("nan")}', -1, "answer 1 .*the probability of 'good'"),
        ('"fair"', -1, "an answer names a label|its labels are not those"),
        ("[1, 2]", -1, "its answer 1 cannot be read"),
        ('time.sleep(60) or "good"', -1, "no answer 1 within its deadline"),
    ],
)
def test_bad_commands(tmp_path, answer, ends, said):
    taught = lesson(tmp_path, deadline=0.5 if "sleep" in answer else 60.0)
    source = command(tmp_path, answer, ends)
    with pytest.raises(TeacherError, match=f"(?s){said}"):
        ask(open_teacher(source, taught, print), TEXTS)
    if ends > 0:  # the next start asks only what is missing
        command(tmp_path, '{"bad": 1.0}')
        found = answers(open_teacher(source, taught, print), TEXTS)
        assert found.argmax(axis=1).tolist() == [1, 1, 1, 1, 0, 0]


@pytest.mark.slow
def test_a_run_and_its_export(tmp_path):
    from zoo import TextModel, TextPipeline, get

    pipeline = TextPipeline.learn(tiny_teacher.texts(), min_count=1)
    labels = {"a": ["yes", "no"], "b": ["good", "bad"]}
    small = {"maps": 2, "windows": [1], "embedding_dim": 4}
    model = get("text_cnn", pipeline.vocab_size, labels, **small)
    model = TextModel(model, pipeline, labels)
    expected = [
        [answer["b"]["scores"][label] for label in LABELS]
        for answer in model.predict(TEXTS)
    ]
    run = model.save(tmp_path / "run" / "model").parent
    exported = model.export(tmp_path / "export", TEXTS).parent
    for folder, kind in ((run, "trained"), (exported, "exported")):
        assert kind_of(str(folder)) == kind
        teacher = open_teacher(str(folder), lesson(tmp_path / "kept"), print)
        np.testing.assert_allclose(answers(teacher, TEXTS), expected, atol=1e-5)
    other = lesson(tmp_path / "other", labels=("cold", "warm"))
    with pytest.raises(TeacherError, match="its tasks are not that of the data"):
        ask(open_teacher(str(run), other, print), TEXTS)


class Client:
    """Of a server that gives no names, beside the one of the likeliest label."""

    batch_size = 4

    def __init__(self, *address, timeout):
        self.address = address

    def predict(self, texts):
        found = [["bad", [0.6, 0.4]], ["good", [0.2, 0.8]]]
        rows = [found["good" in text] for text in texts]
        if self.address[1] == "other":
            rows = [[label, scores[::-1]] for label, scores in rows]
        return [{"mood_label": label, "mood_scores": s} for label, s in rows]


def test_a_server(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.api.teachers.server.connect", Client)
    found = answers(open_teacher("host:8501/mood", lesson(tmp_path), print), TEXTS)
    np.testing.assert_allclose(found[:2], [[0.2, 0.8], [0.6, 0.4]])
    with pytest.raises(TeacherError, match="other ones, or in another order"):
        ask(open_teacher("host:8501/other", lesson(tmp_path), print), TEXTS)


@pytest.mark.slow
def test_a_transformer(tmp_path):
    torch = tiny_teacher.torch_or_skip()
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *tiny_teacher.WORDS]
    place = tmp_path / "model"
    place.mkdir()
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.BertTokenizer(str(tmp_path / "vocab.txt"))
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.BertConfig(
        vocab_size=len(words), intermediate_size=16, hidden_dropout_prob=0.0, **sizes
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(place)
    tokenizer.save_pretrained(place)
    taught, said = lesson(tmp_path / "kept", epochs=3), []
    teacher = open_teacher(str(place), taught, said.append)
    found = answers(teacher, TEXTS)
    learnt = [line.split(": ")[1] for line in said[:6]]
    assert learnt[::2] == [f"epoch {epoch} of 3, 50%" for epoch in (1, 2, 3)]
    assert [line.split(", ")[0] for line in learnt[1::2]] == [
        f"epoch {epoch} of 3" for epoch in (1, 2, 3)
    ]
    # Another start takes the weights that are kept, and gives the same answers.
    [file] = (tmp_path / "kept").glob("*/answers.jsonl")
    file.unlink()
    del said[:]
    again = answers(open_teacher(str(place), taught, said.append), TEXTS)
    np.testing.assert_allclose(again, found, atol=1e-6)
    assert not any("epoch" in line for line in said)
    # A folder with a classifier of the same labels learns nothing.
    named = transformers.BertForSequenceClassification.from_pretrained(
        place, id2label={0: "good", 1: "bad"}
    )
    named.save_pretrained(place)
    flipped = answers(open_teacher(str(place), taught, said.append), ["so good", "the"])
    batch = tokenizer(["so good", "the"], padding=True, return_tensors="pt")
    logits = named.eval()(**batch).logits.detach().numpy()
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(flipped, shares[:, ::-1], atol=1e-5)


def test_a_saved_model(tmp_path):
    import tensorflow as tf

    class Any(tf.Module):
        def __init__(self, scale=1.0):
            super().__init__()
            self.scale = scale

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, words):
            good = tf.cast(tf.strings.regex_full_match(words, ".*good.*"), tf.float32)
            names = tf.repeat([["good", "bad"]], tf.shape(words)[0], axis=0)
            shares = tf.stack([good, 1 - good], axis=1) * self.scale
            return {"probabilities": shares, "labels": names}

    for name, scale in (("fine", 1.0), ("logits", 3.0)):
        module = Any(scale)
        tf.saved_model.save(module, str(tmp_path / name), {"ask": module.serve})
    teacher = open_teacher(str(tmp_path / "fine"), lesson(tmp_path / "kept"), print)
    assert type(teacher).__name__ == "SavedModelTeacher"
    assert answers(teacher, TEXTS).argmax(axis=1).tolist() == [1, 0, 0, 0, 0, 1]
    wrong = open_teacher(str(tmp_path / "logits"), lesson(tmp_path / "kept"), print)
    with pytest.raises(TeacherError, match="an answer is no distribution"):
        ask(wrong, TEXTS)


def test_a_saved_model_of_a_stranger(tmp_path):
    """It runs in no teacher without trust: neither at the check nor when asked."""
    import tensorflow as tf

    class Stranger(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, words):
            tf.io.write_file(str(tmp_path / "written"), "x")
            names = tf.repeat([["good", "bad"]], tf.shape(words)[0], axis=0)
            return {"probabilities": tf.fill(tf.shape(names), 0.5), "labels": names}

    module, place = Stranger(), str(tmp_path / "stranger")
    tf.saved_model.save(module, place, {"ask": module.serve})
    with pytest.raises(ValueError, match=r"`teacher` .*`--trust`.*WriteFile \("):
        check_teacher(place)
    with pytest.raises(ValueError, match=r"`--trust`.*WriteFile \("):
        ask(open_teacher(place, lesson(tmp_path / "kept"), print), ["so"])
    assert not (tmp_path / "written").exists()
    check_teacher(place, trust=True)
    trusted = open_teacher(place, lesson(tmp_path / "kept", trust=True), print)
    assert answers(trusted, ["so"]).tolist() == [[0.5, 0.5]]
    assert (tmp_path / "written").exists()


def test_an_encoder_with_a_logistic_regression(tmp_path):
    path = tiny_teacher.make_teacher(tmp_path / "onnx")
    taught = lesson(tmp_path / "kept")
    teacher = open_teacher(str(path), taught, print)
    found = answers(teacher, taught.train.texts)
    assert np.mean(found.argmax(axis=1) == taught.train.targets["mood"]) > 0.75
    assert not np.array_equal(found, np.round(found))  # probabilities, not labels


def test_what_is_no_teacher(tmp_path):
    assert kind_of("localhost:8501") == kind_of("grpc://host:8500/mood") == "server"
    (tmp_path / "config.json").write_text("{}")
    assert kind_of(str(tmp_path)) == "transformer"
    for source in ("no/such/folder", "command:", str(tmp_path / "config.json")):
        with pytest.raises(ValueError, match="`teacher` .*Accepted: .*Received: "):
            kind_of(source)


def test_data_that_no_teacher_can_label(tmp_path):
    rows = Examples(["a\x1fb"] * 2, {"stars": [1.0, 2.0]}, pairs=True)
    with pytest.raises(ValueError, match="single texts. Received: pairs of texts"):
        lesson_of(Splits(rows, rows, rows), tmp_path)
