"""Taggers that learn from the distributions of others."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tagged_toys
from tagged_toys import SLOTS

import zoo
from zoo.api.teachers.base import TeacherError
from zoo.api.teachers.kept_tags import KeptTagger
from zoo.api.teachers.pool import read_sentences
from zoo.api.teachers.taggers import Tagger, joint_tasks, mean_shares
from zoo.api.teachers.tagging import TaggerTeaching
from zoo.data.parts import Splits
from zoo.data.sentences import TaggedSentences
from zoo.families.tagging.batches import TaggedBatches, encode_targets
from zoo.families.tagging.decoder import Decoder
from zoo.families.tagging.model import TaggingModel
from zoo.families.tagging.pipeline import TaggingPipeline
from zoo.families.tagging.soft import soft_losses, soft_targets
from zoo.tasks import TAGS, Task

pytestmark = pytest.mark.tensorflow
NER = Task(TAGS, ("O", "B-X", "I-X"), scheme="BIO")
MOOD = Task("categories", ("down", "up"))


class Fake:
    """A teacher that says what it was made with, whatever the words are."""

    def __init__(self, tasks, shares) -> None:
        self.source, self.tasks, self.shares = "fake", tasks, shares
        self.asked: list = []

    def identity(self) -> list:
        return [self.source]

    def ask(self, sentences, tasks):
        self.asked += sentences
        return {
            name: [
                np.tile(self.shares[name], (len(words), 1))
                if self.tasks[name].kind == TAGS
                else np.array(self.shares[name])
                for words in sentences
            ]
            for name in tasks
            if name in self.tasks
        }


def test_targets_and_batches():
    data = TaggedSentences(
        [["a", "b"], ["c"]],
        {"ner": [["B-X", "O"], ["O"]]},
        {"mood": ["up", "down"]},
        soft={
            "ner": [None, [{"B-X": 0.75, "B-Y": 0.25}]],
            "mood": [{"up": 0.25, "down": 0.75}, None],
        },
    )
    tasks = {"ner": NER, "mood": MOOD}
    ids = encode_targets(data, tasks)
    found = soft_targets(data, tasks, ids)
    assert found["ner"][0].tolist() == [[0, 1, 0], [1, 0, 0]]
    assert found["ner"][1].tolist() == [[0, 1, 0]]  # no label of the task
    assert [row.tolist() for row in found["mood"]] == [[0.75, 0.25], [1, 0]]
    assert list(soft_targets(data, tasks, ids, ["ner"])) == ["mood"]  # with a CRF
    sentences = TaggingPipeline.learn(data.tokens).encode(data.tokens)
    own = np.array([1.0, 2.0, 4.0])
    batches = TaggedBatches(
        sentences, found, batch_size=2, buckets=1, label_weights={"ner": own}
    )
    _, targets, weights = batches[0]
    length = targets["ner"].shape[1]
    assert targets["ner"].dtype == "float32" and targets["mood"].shape == (2, 2)
    order = batches.batches[0][0]
    for place, row in enumerate(order):
        count = len(data.tokens[row])
        np.testing.assert_array_equal(targets["ner"][place, :count], found["ner"][row])
        expected = [*(found["ner"][row] @ own), *[0.0] * (length - count)]
        np.testing.assert_allclose(weights["ner"][place], expected)
    # The loss is the cross-entropy with the distribution.
    loss = soft_losses(found, "none")["mood"]
    logits = np.array([[1.0, 3.0]])
    logs = logits - np.log(np.exp(logits).sum())
    assert float(loss(np.array([[0.75, 0.25]]), logits)) == pytest.approx(
        -(0.75 * logs[0, 0] + 0.25 * logs[0, 1]), rel=1e-5
    )
    with pytest.raises(ValueError, match="`imbalance` .*Received: 'focal'"):
        soft_losses(found, "focal")
    assert data.select([1]).soft["ner"] == [[{"B-X": 0.75, "B-Y": 0.25}]]


def test_the_mean_of_teachers_with_other_labels():
    more = Task(TAGS, ("O", "B-Y", "I-Y"), scheme="BIO")
    one = Fake({"ner": NER}, {"ner": [0.5, 0.5, 0.0]})
    two = Fake({"ner": more, "mood": MOOD}, {"ner": [0.0, 1.0, 0.0], "mood": [0, 1]})
    known = {"ner": NER, "mood": MOOD, "tone": MOOD}
    tasks = joint_tasks([one, two], known)
    assert tasks["ner"].labels == ("O", "B-X", "I-X", "B-Y", "I-Y")
    assert list(tasks) == ["ner", "mood"]
    said = mean_shares([one, two], tasks, [["a", "b"], []])
    assert said["ner"][0].tolist() == [[0.25, 0.25, 0, 0.5, 0]] * 2
    assert said["ner"][1].shape == (0, 5) and said["mood"][0].tolist() == [0, 1]
    other = Fake({"ner": Task(TAGS, ("O", "S-X"), scheme="BIOES")}, {})
    with pytest.raises(TeacherError, match="or scheme. Accepted: tags BIO"):
        joint_tasks([other], known)
    with pytest.raises(TeacherError, match="must have a task of the data"):
        joint_tasks([one], {"tone": MOOD})


def test_each_sentence_is_asked_once(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.api.teachers.kept_tags.BATCH", 2)
    shares = {"ner": [0.25, 0.5, 0.25], "mood": [1 / 3, 2 / 3]}
    tasks, said = {"ner": NER, "mood": MOOD}, []
    sentences = [["a b", "c"], [], ["\udc80"], ["a", "b c"], ["a b", "c"]]

    class Dies(Fake):
        def ask(self, sentences, tasks):
            if self.asked:
                raise TeacherError("It died.")
            return super().ask(sentences, tasks)

    first = Dies(tasks, shares)
    with pytest.raises(TeacherError, match="It died. 2 of 4 answers are kept"):
        KeptTagger(first, tmp_path, said.append).ask(sentences, tasks)
    second = Fake(tasks, shares)
    found = KeptTagger(second, tmp_path, said.append).ask(sentences, ["mood", "ner"])
    assert (first.asked, second.asked) == (sentences[:2], sentences[2:4])
    assert [len(rows) for rows in found["ner"]] == [2, 0, 1, 2, 2]
    assert found["ner"][1].shape == (0, 3)
    np.testing.assert_allclose(found["mood"], [[1 / 3, 2 / 3]] * 5, atol=1e-6)
    assert found["ner"][4].tolist() == [shares["ner"]] * 2
    # Another tagger has its own answers.
    other = Fake({"ner": NER}, shares)
    KeptTagger(other, tmp_path, said.append).ask(sentences[:1], ["ner"])
    assert other.asked == sentences[:1]


def test_what_is_learned():
    """Tags and distributions are mixed; further sentences have valid tags."""
    data = TaggedSentences([["a", "b"]], {"ner": [["O", "B-X"]]}, {"mood": ["up"]})
    teacher = Fake(
        {"ner": NER, "mood": MOOD}, {"ner": [0.25, 0.15, 0.6], "mood": [0.9, 0.1]}
    )
    course = TaggerTeaching(
        train=lambda *_: None,
        identity=[],
        splits=Splits(data, data, data, schemes={"ner": "BIO"}),
        tasks={"ner": NER, "mood": MOOD},
        taggers=[teacher],
        temperature=None,
        mixture=0.5,
        say=print,
    )
    pool = [["c", "d"]]
    found = course._with_answers(course._ask(data.tokens), course._ask(pool), pool)
    assert found.tokens == [["a", "b"], ["c", "d"]]
    assert found.tags["ner"] == [["O", "B-X"], ["B-X", "I-X"]]
    assert found.labels["mood"] == ["up", "down"]
    first, second = found.soft["ner"][0]
    assert first == pytest.approx({"O": 0.625, "B-X": 0.075, "I-X": 0.3})
    assert second == pytest.approx({"O": 0.125, "B-X": 0.575, "I-X": 0.3})
    assert found.soft["ner"][1] == [{"O": 0.25, "B-X": 0.15, "I-X": 0.6}] * 2
    assert found.soft["mood"][1] == {"down": 0.9, "up": 0.1}
    sharper = course._tempered(course._ask(pool), {"ner": 0.5, "mood": 1.0})
    squares = np.square([0.25, 0.15, 0.6])
    np.testing.assert_allclose(sharper["ner"][0][0], squares / squares.sum(), 1e-6)
    scores = course._teacher_scores(course._ask(data.tokens), "valid")
    assert scores == {"ner": 0.0, "mood": 0.0}


def test_the_scores_of_a_teacher_are_those_of_legal_tags():
    """Each word alone would have I-X, which nothing opens."""
    data = TaggedSentences([["a", "b"]], {"ner": [["O", "O"]]}, {})
    teacher = Fake({"ner": NER}, {"ner": [0.4, 0.0, 0.6]})
    course = TaggerTeaching(
        train=lambda *_: None,
        identity=[],
        splits=Splits(data, data, data, schemes={"ner": "BIO"}),
        tasks={"ner": NER},
        taggers=[teacher],
        temperature=None,
        mixture=0.5,
        say=print,
    )
    said = course._ask([["a", "b"]])
    assert course._with_answers(said, said, [["c", "d"]]).tags["ner"][1] == ["O", "O"]
    data.tags["ner"][0][:] = ["O", "B-X"]
    said = {"ner": [np.array([[0.35, 0.25, 0.4], [0.1, 0.8, 0.1]])]}
    assert course._teacher_scores(said, "valid") == {"ner": 1.0}


def test_distributions_are_traced_once(monkeypatch):
    """Each further pass over more texts took a graph of its own, and kept it."""
    made = []
    monkeypatch.setattr(
        "zoo.families.tagging.model.Decoder",
        lambda *args, **keywords: made.append(keywords) or Decoder(*args, **keywords),
    )
    tagger = teacher()
    for _ in range(3):
        tagger.distributions([["go", "to", "York"]])
    assert made == [{"distributions": True}]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bilstm_tagger", "bilstm_crf"])
def test_distributions_of_a_model(name):
    model = tagged_toys.build(name)
    tagger = TaggingModel(model, tagged_toys.pipeline(), tagged_toys.tasks())
    words = tagged_toys.sentences(5).tokens
    found, answers = tagger.distributions(words), tagger.predict(words)
    for row, answer in enumerate(answers):
        shares = found[SLOTS][row]
        assert shares.shape == (len(words[row]), len(tagger.tasks[SLOTS].labels))
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-4)
        places = [tagger.tasks[SLOTS].labels.index(t) for t in answer["tags"][SLOTS]]
        own = shares[np.arange(len(places)), places]
        np.testing.assert_allclose(own, answer["scores"][SLOTS], rtol=1e-4)
        scores = answer["labels"]["intent"]["scores"]
        np.testing.assert_allclose(found["intent"][row], [*scores.values()], rtol=1e-4)
    assert (
        "probabilities"
        not in Decoder(model, tagger.tasks)(
            {
                k: np.ones((1, 2, 3) if k == "characters" else (1, 2))
                for k in model.input
            }
        )[SLOTS]
    )


def test_sentences_of_the_pool(tmp_path):
    file = tmp_path / "texts.txt"
    file.write_text("go to Rome!\nso\n\nwhat now\n")
    found = read_sentences(file, "text", None, "unicode")
    assert found == [["go", "to", "Rome", "!"], ["so"], ["what", "now"]]
    assert read_sentences([["a b", "c"]], "text", None, "unicode") == [["a b", "c"]]
    with pytest.raises(ValueError, match="`teacher` .*must tag words.*command"):
        Tagger("command:true")


def teacher(name: str = "bilstm_crf") -> TaggingModel:
    """A model that was not trained, which costs nothing."""
    model = tagged_toys.build(name)
    return TaggingModel(model, tagged_toys.pipeline(), tagged_toys.tasks())


@pytest.mark.slow
def test_an_export_knows_the_probability_of_its_tags(tmp_path):
    model, words = teacher("bilstm_tagger"), [["go", "to", "York"], ["eat", "Apple1"]]
    exported = model.export(tmp_path / "served", ["go to York"]).parent
    said = Tagger(str(exported)).ask(words, [SLOTS, "intent"])
    labels = model.tasks[SLOTS].labels
    for own, answer in zip(said[SLOTS], model.predict(words), strict=True):
        places = [labels.index(tag) for tag in answer["tags"][SLOTS]]
        np.testing.assert_allclose(own.sum(axis=1), 1.0, rtol=1e-5)
        found = own[np.arange(len(places)), places]
        np.testing.assert_allclose(found, answer["scores"][SLOTS], atol=1e-4)
    expected = model.distributions(words)["intent"]
    np.testing.assert_allclose(said["intent"], expected, atol=1e-4)


@pytest.mark.slow
def test_a_student_learns_from_a_run(tmp_path):
    data = tagged_toys.sentences(40)
    rows = [
        {"tokens": words, SLOTS: tags, "intent": intent}
        for words, tags, intent in zip(
            data.tokens, data.tags[SLOTS], data.labels["intent"]
        )
    ]
    run = zoo.distill(
        "bilstm_tagger",
        rows,
        label={SLOTS: "BIO", "intent": "categories"},
        teacher=str(teacher().save(tmp_path / "run" / "model").parent),
        unlabelled=[["eat", "Pear1", "and", "Plum2"], ["eat", "Fig"]],
        out=tmp_path / "taught",
        weights="none",
        epochs=1,
        buckets=1,
        verbose=False,
        **tagged_toys.SIZES,
    )
    assert {"pear1", "plum2", "fig"} <= set(run.model.pipeline.vocabulary)
    found = json.loads((run.folder / "teaching.json").read_text("utf-8"))
    assert set(found["tasks"]) == {SLOTS, "intent"} and found["asked"] == 2
    assert found["tasks"][SLOTS]["metric"] == "f1" and found["untaught"] == []
    assert 0 < found["tasks"][SLOTS]["entropy"] <= 1
    assert "## Teacher" in (run.folder / "report.md").read_text("utf-8")


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="`budget` .*does not apply to .* tagging"):
        zoo.distill("bilstm_tagger", [], teacher="x", budget=3, out=tmp_path / "run")
