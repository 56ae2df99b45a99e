"""`zoo.distill` with teachers that cost nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_teachers import command

import zoo
from zoo.api.teachers import teaching
from zoo.api.teachers.lesson import lesson_of
from zoo.api.teachers.outcome import NO_BETTER
from zoo.api.teachers.pool import pool_of, read_pool
from zoo.data import Examples, Splits
from zoo.families.classification.augmentation import variants
from zoo.families.classification.taught import (
    calibrating,
    entropy,
    taught_splits,
    tempered,
)
from zoo.tasks import Task

pytestmark = pytest.mark.tensorflow
WORDS = {"bad": "dull slow poor".split(), "good": "fine fast great".split()}
NEW = {"bad": "dire", "good": "superb"}  # words that only unlabelled texts have
TINY = {"epochs": 2, "maps": 2, "windows": [1], "embedding_dim": 4, "weights": "none"}


def rows(count: int = 60) -> list[tuple[str, str]]:
    labels = ["bad", "good"]
    return [
        (f"a {WORDS[labels[n % 2]][n % 3]} film {n}", labels[n % 2])
        for n in range(count)
    ]


def unlabelled(count: int = 60) -> list[str]:
    return [f"so {NEW[label]} a day {n}" for n in range(count // 2) for label in NEW]


TELLS = (
    '{"good": 0.95, "bad": 0.05} if any(w in line for w in '
    "('fine', 'fast', 'great', 'superb')) else {'good': 0.05, 'bad': 0.95}"
)


def test_targets():
    task = Task("categories", ("bad", "good"))
    soft = tempered(task, np.array([[0.8, 0.2], [1.0, 0.0]]), 2.0)
    assert soft[0].round(4).tolist() == [0.6667, 0.3333] and 0 < soft[1, 1] < 1e-3
    assert entropy(task, np.array([[0.5, 0.5], [1, 0]])).round(4).tolist() == [1.0, 0.0]
    # Sure answers of which a quarter is wrong ask for a higher temperature.
    said = np.array([[0.99, 0.01]] * 40)
    assert calibrating(task, said, np.array([0] * 30 + [1] * 10)) > 2
    part = Examples(["x", "y"], {"mood": ["bad", None]})
    given, more = np.array([[0.4, 0.6], [0.3, 0.7]]), np.array([[0.1, 0.9]])
    found = taught_splits(
        Splits(part, part, part),
        {"mood": task},
        {"mood": given},
        ["z"],
        {"mood": more},
        0.5,
    )
    assert found.train.texts == ["x", "y", "z"] and found.valid is part
    assert found.train.labels["mood"] == ["bad", None, None]
    soft = [[row["bad"], row["good"]] for row in found.train.soft["mood"]]
    np.testing.assert_allclose(soft, [[0.7, 0.3], [0.3, 0.7], [0.1, 0.9]])


def test_the_pool_has_no_held_out_text(tmp_path):
    train, held = (Examples([t], {"mood": ["bad"]}) for t in ("a long text", "Held !"))
    splits = Splits(train, held, held)
    file = tmp_path / "texts.txt"
    file.write_text("held!\nnew\n\nnew\nA long text\nother\n")
    texts = read_pool(file, "text", None)
    pool, said = pool_of(splits, texts, 0, 0)
    assert pool == ["new", "other"]
    assert said == (
        "Texts to label: 2; left out 3 copies, of which 1 are validation or test texts."
    )
    table = [{"body": "x"}, {"body": "y"}]
    assert read_pool(table, "body", None) == ["x", "y"]
    more, _ = pool_of(splits, [], 30, 0)
    assert more == variants(["a long text"], 30, 0) and "a long" in more
    assert "a long text" not in more
    assert variants(["a long text"], 30, 1) != more


def test_the_answer_is_the_mean_of_teachers_that_are_opened_once(tmp_path, monkeypatch):
    examples = Examples(["a", "b"], {"label": ["bad", "good"]})
    splits = Splits(examples, examples, examples)
    shares, opened = {"one": 0.75, "two": 0.25}, []

    class Sure(teaching.Teacher):
        def identity(self):
            return [self.source]

        def ask(self, texts):
            share = shares[self.source]
            yield {"label": np.tile([share, 1 - share], (len(texts), 1))}

    def open_teacher(source, lesson, say):
        opened.append(source)
        return Sure(source, lesson)

    monkeypatch.setattr(teaching, "open_teacher", open_teacher)
    taught = teaching.Teaching(
        train=lambda *_: None,
        identity=[],
        splits=splits,
        lesson=lesson_of(splits, tmp_path),
        teachers=["one", "one", "two", "two", "two"],
        temperature=None,
        mixture=0.5,
        say=lambda line: None,
    )
    for texts in (["x"], ["y", "z"]):
        found = taught.ask(texts)["label"]
        np.testing.assert_allclose(found, [[0.45, 0.55]] * len(texts), atol=1e-6)
    assert opened == list(taught.teachers)


@pytest.mark.slow
def test_a_student_learns_what_only_its_teacher_knows(tmp_path):
    """In rounds, with an ensemble; another start asks nothing."""
    source = command(tmp_path, TELLS)
    options = {
        "unlabelled": unlabelled(),
        "teacher": [source, source],
        "cache": tmp_path / "kept",
        "out": tmp_path / "run",
        "budget": 40,
        "rounds": 2,
        "verbose": False,
        "min_count": 1,
        "learning_rate": 0.05,
        **TINY,
    }
    run = zoo.distill("text_cnn", rows(), **options)
    said = [
        answer["label"]["label"] for answer in run.model.predict(list(NEW.values()))
    ]
    assert said == list(NEW)
    found = json.loads((run.folder / "teaching.json").read_text("utf-8"))
    assert found["asked"] == 40 and found["given"] == 60
    assert found["agreement"] == found["accuracy"]["teacher"]["test"] == 1.0
    assert set(found["accuracy"]) == {"alone", "teacher", "taught"}
    assert "## Teacher" in (run.folder / "report.md").read_text("utf-8")
    assert (run.folder / "round-1" / "model").is_dir()
    # The teacher is gone, and all its answers are kept; so is the student alone.
    (tmp_path / "teacher.py").unlink()
    before = (run.folder / "alone" / "model" / "metadata.json").stat().st_mtime_ns
    again = zoo.distill("text_cnn", rows(), **options)
    after = (run.folder / "alone" / "model" / "metadata.json").stat().st_mtime_ns
    assert before == after
    assert again.metrics["label"]["accuracy"] == run.metrics["label"]["accuracy"]


def test_targets_of_other_kinds_of_tasks():
    tasks = {
        "kinds": Task("multilabel", ("new", "used")),
        "stars": Task("regression", mean=3.0, scale=2.0),
    }
    odds = np.array([3.0, 1.0 / 3.0])
    found = tempered(tasks["kinds"], (odds / (1 + odds))[None], 2.0)
    np.testing.assert_allclose(found, [np.sqrt(odds) / (1 + np.sqrt(odds))])
    shares = np.array([[0.5, 1.0], [0.0, 1.0]])
    assert entropy(tasks["kinds"], shares).round(4).tolist() == [0.5, 0.0]
    stars = np.array([[4.0], [np.nan]])
    np.testing.assert_allclose(tempered(tasks["stars"], stars, 3.0), stars)
    assert calibrating(tasks["stars"], stars, np.zeros(2)) == 1.0
    part = Examples(
        ["x", "y", "z"],
        {"kinds": [("new",), None, ("used",)], "stars": [1.0, None, 5.0]},
        soft={"kinds": [None, {"used": 0.5}, None], "stars": [None, None, None]},
    )
    said = {
        "kinds": np.array([[0.5, 0.5], [0.25, 1.0], [np.nan] * 2]),
        "stars": np.array([[2.0], [4.0], [np.nan]]),
    }
    more = {"kinds": np.array([[1.0, 0.0]]), "stars": np.array([[np.nan]])}
    splits = Splits(part, part, part)
    train = taught_splits(splits, tasks, said, ["w"], more, 0.25).train
    # A distribution of the row's own is mixed as a label is; no answer changes nothing.
    kinds = train.soft["kinds"]
    assert kinds[0] == {"new": 0.625, "used": 0.375} and kinds[2] is None
    assert kinds[1] == {"new": 0.1875, "used": 0.875}
    assert kinds[3] == {"new": 1.0, "used": 0.0}
    assert train.soft["stars"] == [1.75, 4.0, None, None]
    assert train.labels["stars"] == [1.0, None, 5.0, None]
    assert train.kinds == {"kinds": "multilabel", "stars": "regression"}


OF_DOMAINS = (
    '{"film": {"good": 0.9, "bad": 0.1}, "book": {"good": 0.2, "bad": 0.8}}'
    " if 'odd' in line else {'film': 'bad', 'book': 'good'}"
)


@pytest.mark.slow
def test_each_task_of_a_task_column_learns_from_the_rows_of_the_others(tmp_path):
    """The teacher says the opposite of a film and of a book, and nothing of a song."""
    table = [
        {"text": f"{word} {domain} {n}", "label": label, "domain": domain}
        for n in range(20)
        for domain in ("film", "book", "song")
        for word, label in (("odd", "good"), ("even", "bad"))
    ]
    for row in table:
        if row["domain"] == "book":
            row["label"] = {"good": "bad", "bad": "good"}[row["label"]]
    run = zoo.distill(
        "text_cnn",
        table,
        task_column="domain",
        teacher=command(tmp_path, OF_DOMAINS),
        unlabelled=[f"{word} thing {n}" for n in range(30) for word in ("odd", "even")],
        cache=tmp_path / "kept",
        out=tmp_path / "run",
        verbose=False,
        min_count=1,
        learning_rate=0.05,
        **{**TINY, "maps": 8, "epochs": 4},
    )
    [odd, even] = run.model.predict(["odd thing", "even thing"])
    assert [odd[task]["label"] for task in ("film", "book")] == ["good", "bad"]
    assert [even[task]["label"] for task in ("film", "book")] == ["bad", "good"]
    found = json.loads((run.folder / "teaching.json").read_text("utf-8"))
    assert found["untaught"] == ["song"] and found["tasks"]["film"]["answered"] == 1.0
    assert found["tasks"]["book"]["scores"]["teacher"]["test"] == 1.0
    assert found["tasks"]["film"]["entropy"] != found["tasks"]["book"]["entropy"]
    scores = found["tasks"]
    for who in ("alone", "teacher", "taught"):
        mean = np.mean([scores[n]["scores"][who]["valid"] for n in ("film", "book")])
        assert found["accuracy"][who]["valid"] == pytest.approx(mean)
    page = (run.folder / "report.md").read_text("utf-8")
    assert "No answer was about song, learnt from labels alone." in page


@pytest.mark.slow
def test_a_teacher_that_is_no_better(tmp_path, capsys):
    arguments = [
        "distill",
        "text_cnn",
        "--data",
        str(tmp_path / "rows.csv"),
        "--teacher",
    ]
    lines = [f"{text},{label}" for text, label in rows()]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *lines]))
    told = '{"good": 0.6, "bad": 0.4}'
    from zoo.cli import main

    options = ["--out", str(tmp_path / "run"), "--no-export", "--augment", "1"]
    options += ["--answers", str(tmp_path / "kept"), "--epochs", "2", "--from", "none"]
    options += ["--set", "maps=2", "windows=[1]", "embedding_dim=4"]
    assert main([*arguments, command(tmp_path, told), *options]) == 0
    said = capsys.readouterr().out
    assert NO_BETTER in said and "no better than the student alone on" not in said
    [facts] = [line for line in said.splitlines() if line.startswith("| label | 0.5")]
    assert facts.rstrip(" |").endswith("100.0%")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"student": "lstm_lm"}, "`student` must be a model that can be taught"),
        ({"teacher": "no/where"}, "`teacher` .*must name a teacher"),
        ({"teacher": []}, "`teacher` .*must name a teacher"),
        ({"mixture": 1.5}, "`mixture`"),
        ({"rounds": 2}, "`rounds` .*divides the answers of `budget`"),
        ({"temperature": 0}, "`temperature`"),
    ],
)
def test_bad_arguments(tmp_path, options, said):
    options = {"student": "text_cnn", "teacher": "command:true", **options}
    with pytest.raises(ValueError, match=f"(?s){said}.*Received: "):
        zoo.distill(data=rows(), out=tmp_path / "run", verbose=False, **options)
    assert not (tmp_path / "run").exists()
