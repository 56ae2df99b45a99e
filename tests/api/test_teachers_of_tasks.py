"""Teachers that answer about several tasks, or about some of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny_teacher
from test_teachers import command

from zoo.api.teachers.answers import ask
from zoo.api.teachers.base import Labelled, Lesson, Teacher, TeacherError
from zoo.api.teachers.json_answers import read_answer
from zoo.api.teachers.lesson import lesson_of
from zoo.api.teachers.named_scores import NamedScores
from zoo.api.teachers.opening import open_teacher
from zoo.api.teachers.trained import chosen_tasks
from zoo.data import Examples, Splits
from zoo.data.cells import CellError
from zoo.tasks import Task

pytestmark = pytest.mark.tensorflow
TASKS = {
    "mood": Task("categories", ("bad", "good")),
    "kinds": Task("multilabel", ("film", "day")),
    "stars": Task("regression", mean=3.0, scale=2.0),
}
NONE = Labelled([], {}, {})


def lesson(folder: Path, tasks=TASKS, train=NONE, valid=NONE) -> Lesson:
    return Lesson(tasks, train, valid, folder)


def labelled(texts) -> Labelled:
    """Every third row lacks the label of one task."""
    says = [
        [word in text.split() for word in ("good", "film", "day")] for text in texts
    ]
    good, film, day = np.array(says, "float32").T
    targets = {
        "mood": good.astype("int32"),
        "kinds": np.stack([film, day], axis=1),
        "stars": 2.0 * good - 1.0,
    }
    rows = np.arange(len(texts))
    weights = {
        name: np.float32(rows % 3 != number) for number, name in enumerate(targets)
    }
    return Labelled(texts, targets, weights)


def test_a_command_answers_some_tasks_of_some_texts(tmp_path):
    told = (
        '{"mood": {"good": 0.9, "bad": 0.1}, "stars": 4, "odd": 1} if "good" in line '
        'else {"mood": None, "kinds": ["film"]}'
    )
    source = command(tmp_path, told)
    found = ask(open_teacher(source, lesson(tmp_path), print), ["so good", "dull"])
    np.testing.assert_allclose(found["mood"], [[0.1, 0.9], [np.nan] * 2])
    np.testing.assert_allclose(found["kinds"], [[np.nan] * 2, [1.0, 0.0]])
    np.testing.assert_allclose(found["stars"], [[4.0], [np.nan]])
    # All is kept, what is absent too.
    (tmp_path / "teacher.py").unlink()
    again = ask(open_teacher(source, lesson(tmp_path), print), ["dull", "so good"])
    for name, rows in again.items():
        np.testing.assert_array_equal(rows, found[name][::-1])


def test_answers_of_tasks_with_the_same_labels_do_not_mix(tmp_path):
    told = '{"mood": "good", "tone": "bad"}'
    source, mood = command(tmp_path, told), TASKS["mood"]
    for name, label in (("mood", "good"), ("tone", "bad"), ("mood", "good")):
        teacher = open_teacher(source, lesson(tmp_path, {name: mood}), print)
        found = ask(teacher, ["a text"])[name]
        assert mood.labels[found[0].argmax()] == label
    # Both tasks of the one folder are kept by now.
    (tmp_path / "teacher.py").unlink()
    teacher = open_teacher(source, lesson(tmp_path, {"tone": mood}), print)
    assert ask(teacher, ["a text"])["tone"].tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize(
    ("line", "tasks", "expected"),
    [
        ('{"good": 1}', ["mood"], {"mood": {"good": 1.0}}),
        ('"good"', ["mood"], {"mood": {"good": 1.0}}),
        ('{"mood": "good"}', ["mood"], {"mood": {"good": 1.0}}),
        ('["film"]', ["kinds"], {"kinds": {"film": 1.0}}),
        ('{"film": 0.7, "day": 0.6}', ["kinds"], {"kinds": {"film": 0.7, "day": 0.6}}),
        ("[]", ["kinds"], {"kinds": {}}),
        ("3.5", ["stars"], {"stars": {"value": 3.5}}),
        ('{"stars": 3.5}', ["stars"], {"stars": {"value": 3.5}}),
        ('{"stars": 3, "mood": null}', TASKS, {"stars": {"value": 3.0}, "mood": None}),
    ],
)
def test_lines(line, tasks, expected):
    assert read_answer(line, {name: TASKS[name] for name in tasks}) == expected


@pytest.mark.parametrize(
    ("line", "tasks", "said"),
    [
        ("{", TASKS, "some of the tasks 'mood', 'kinds', 'stars' to answers"),
        ('{"good": 1}', TASKS, "some of the tasks"),
        ("[1]", ["mood"], 'a label as a "string"'),
        ('{"stars": "4"}', TASKS, "a finite number"),
        ("NaN", ["stars"], "a finite number"),
        ('{"film": 1.5}', ["kinds"], "a number from 0 to 1"),
        ('{"good": 0.5}', ["mood"], "add up to 1"),
    ],
)
def test_lines_that_are_no_answer(line, tasks, said):
    with pytest.raises(CellError) as error:
        read_answer(line, {name: TASKS[name] for name in tasks})
    assert said in error.value.accepted and error.value.received


class Any(Teacher):
    """Says what it was made with."""

    def __init__(self, folder, said) -> None:
        super().__init__("any", lesson(folder))
        self.said = said

    def identity(self) -> list:
        return ["any"]

    def ask(self, texts):
        yield {name: np.array(rows, float) for name, rows in self.said.items()}


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"mood": [[0.5, 0.6]]}, "an answer about the task 'mood' is no distribution"),
        ({"kinds": [[0.5, 1.6]]}, "about the task 'kinds' is no list of probabilities"),
        ({"stars": [[np.inf]]}, "an answer about the task 'stars' is no number"),
        ({"mood": [[0.5, np.nan]]}, "is no distribution"),
        ({"stars": [[np.nan]]}, "a text has no answer about any task .*one of 'mood'"),
        ({"stars": [[1.0, 2.0]]}, "the task 'stars' have another shape"),
    ],
)
def test_answers_that_cannot_be_used(tmp_path, said, wrong):
    with pytest.raises(TeacherError, match=f"(?s){wrong}"):
        ask(Any(tmp_path, said), ["a text"])
    found = ask(Any(tmp_path, {"kinds": [[0.5, 1.0]], "stars": [[np.nan]]}), ["a text"])
    assert found["kinds"].tolist() == [[0.5, 1.0]] and np.isnan(found["mood"]).all()


def test_which_tasks_a_model_answers(tmp_path):
    mood, other = ("categories", ("good", "bad")), ("categories", ("cold", "warm"))
    several, one = Any(tmp_path, {}), Any(tmp_path, {})
    one.lesson = lesson(tmp_path, {"mood": TASKS["mood"]})
    # Of several tasks by name alone: others may mean something else.
    assert chosen_tasks(several, {"mood": mood, "stars": ("regression", ())}) == {
        "mood": "mood",
        "stars": "stars",
    }
    for known in ({"tone": mood}, {"mood": other}, {"mood": ("multilabel", mood[1])}):
        with pytest.raises(TeacherError, match="its tasks are not those of the data"):
            chosen_tasks(several, known)
    assert chosen_tasks(one, {"tone": mood, "x": other}) == {"mood": "tone"}
    assert chosen_tasks(one, {"tone": mood, "mood": mood}) == {"mood": "mood"}
    with pytest.raises(TeacherError, match="its tasks are not that of the data"):
        chosen_tasks(one, {"tone": mood, "pitch": mood})


def test_a_server_of_one_task_need_not_name_it(tmp_path):
    said = [0.25, 0.75]
    for name, answer, expected in (
        ("mood", {"probs": said, "confidence": 0.75, "id": 3}, said),
        ("mood", {"scores": said, "more": [0.5, 0.5]}, said),
        ("stars", {"outputs": 4.5}, [4.5]),
        ("kinds", {"scores": said, "label": "day"}, said),
    ):
        teacher = Any(tmp_path, {})
        teacher.lesson = lesson(tmp_path, {name: TASKS[name]})
        assert NamedScores(teacher)([answer])[name].tolist() == [expected]


def test_a_server_names_the_tasks_of_its_outputs(tmp_path):
    read = NamedScores(Any(tmp_path, {}))
    found = read(
        [
            {"mood_scores": [0.2, 0.8], "mood_label": "good", "stars": 4.5},
            {"kinds_scores": [0.75, 0.25], "stars": [1.5], "mood_scores": [1.0, 0.0]},
        ]
    )
    np.testing.assert_allclose(found["mood"], [[0.2, 0.8], [1.0, 0.0]])
    np.testing.assert_allclose(found["kinds"], [[np.nan] * 2, [0.75, 0.25]])
    np.testing.assert_allclose(found["stars"], [[4.5], [1.5]])
    with pytest.raises(TeacherError, match="'mood_scores', 'kinds_scores'.*Received"):
        read([{"scores": [0.2, 0.8]}])
    with pytest.raises(TeacherError, match="about the task 'mood' are other ones"):
        read([{"mood_scores": [0.2, 0.8], "mood_label": b"bad"}])


@pytest.mark.slow
def test_a_run_of_several_tasks(tmp_path):
    from zoo import TextModel, TextPipeline, get

    pipeline = TextPipeline.learn(tiny_teacher.texts(), min_count=1)
    small = {"maps": 2, "windows": [1], "embedding_dim": 4}
    model = TextModel(
        get("text_cnn", pipeline.vocab_size, TASKS, **small), pipeline, TASKS
    )
    run, texts = model.save(tmp_path / "run" / "model").parent, ["a good day", "dull"]
    found = ask(open_teacher(str(run), lesson(tmp_path / "kept"), print), texts)
    for name, task in TASKS.items():
        labels = task.labels or ("value",)
        scores = [answer[name]["scores"] for answer in model.predict(texts)]
        expected = [[score[label] for label in labels] for score in scores]
        np.testing.assert_allclose(found[name], expected, atol=1e-5)


def test_an_encoder_has_a_regression_for_each_task(tmp_path):
    path = tiny_teacher.make_teacher(tmp_path / "onnx")
    texts = tiny_teacher.texts(120)
    train, valid = labelled(texts[:80]), labelled(texts[80:])
    taught = lesson(tmp_path / "kept", train=train, valid=valid)
    found = ask(open_teacher(str(path), taught, print), texts[:80])
    rows, targets = train.of("mood")
    assert rows.tolist() == [row for row in range(80) if row % 3]
    assert np.mean(found["mood"][rows].argmax(axis=1) == targets) > 0.75
    rows, targets = train.of("kinds")
    assert np.mean((found["kinds"][rows] > 0.5) == targets) > 0.75
    rows, targets = train.of("stars")
    values = TASKS["stars"].value(targets)  # 1 or 5
    assert np.corrcoef(found["stars"][rows, 0], values)[0, 1] > 0.5
    assert 1.0 < found["stars"].mean() < 5.0


def test_the_loss_of_a_network_with_several_heads(tmp_path):
    torch = tiny_teacher.torch_or_skip()
    from zoo.api.teachers.heads import Heads

    heads, part = Heads(TASKS), labelled(tiny_teacher.texts(12))
    assert heads.width == 5 and heads.places["kinds"] == [2, 3]
    outputs = np.random.default_rng(0).normal(size=(6, 5))
    rows = np.array([3, 4, 5, 7, 8, 11])
    mood = [o[:2] - np.log(np.exp(o[:2]).sum()) for o in outputs]
    mood = [
        -mood[n][part.targets["mood"][row]] for n, row in enumerate(rows) if row % 3
    ]
    sigmoids = 1 / (1 + np.exp(-outputs[:, 2:4]))
    true = part.targets["kinds"][rows]
    kinds = -np.log(np.where(true > 0, sigmoids, 1 - sigmoids))[rows % 3 != 1]
    stars = ((outputs[:, 4] - part.targets["stars"][rows]) ** 2)[rows % 3 != 2]
    expected = np.mean(mood) + np.mean(kinds) + np.mean(stars)
    found = heads.loss(torch, torch.tensor(outputs), part, rows)
    assert float(found) == pytest.approx(expected, rel=1e-5)
    said = heads.answers(outputs)
    np.testing.assert_allclose(said["kinds"], sigmoids)
    np.testing.assert_allclose(said["stars"][:, 0], 3.0 + 2.0 * outputs[:, 4])
    right = np.zeros((12, 5))
    right[np.arange(12), part.targets["mood"]] = 1.0
    right[:, 2:4], right[:, 4] = 2 * part.targets["kinds"] - 1, part.targets["stars"]
    assert heads.score(right, part) == 1.0


@pytest.mark.release
def test_a_transformer_of_several_tasks(tmp_path):
    torch = tiny_teacher.torch_or_skip()
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *tiny_teacher.WORDS]
    place = tmp_path / "model"
    place.mkdir()
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.BertConfig(
        vocab_size=len(words), intermediate_size=16, **sizes
    )
    torch.manual_seed(0)
    config.num_labels = 3  # of another task, whose last layer is replaced
    transformers.BertForSequenceClassification(config).save_pretrained(place)
    transformers.BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(place)
    texts = tiny_teacher.texts(60)
    parts = labelled(texts[:40]), labelled(texts[40:])
    taught, said = lesson(tmp_path / "kept", TASKS, *parts), []
    found = ask(open_teacher(str(place), taught, said.append), texts)
    assert {name: rows.shape for name, rows in found.items()} == {
        "mood": (60, 2),
        "kinds": (60, 2),
        "stars": (60, 1),
    }
    assert said[2].split(", ")[0].endswith("epoch 3 of 3")
    [file] = (tmp_path / "kept").glob("*/answers.jsonl")
    assert list(json.loads(file.read_text("utf-8").splitlines()[0])[1]) == [*TASKS]


def test_the_lesson_of_rows_that_lack_labels(tmp_path):
    rows = Examples(
        list("abcd"), {"x": ["1", None, "2", None], "y": [None, "3", "4", None]}
    )
    found = lesson_of(Splits(rows, rows.select([3]), rows), tmp_path)
    assert found.train.texts == list("abc") and found.valid.texts == []
    assert found.train.weights["y"].tolist() == [0.0, 1.0, 1.0]
    assert found.only is None and [*found.tasks] == ["x", "y"]
