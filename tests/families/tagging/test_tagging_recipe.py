"""`zoo train` of taggers: files, named sets, bad input, kill and resume, seeds."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from tagged_toys import SIZES, SLOTS, sentences, settings, splits

import zoo
from benchmarks.quality import tagging
from zoo.cli import main
from zoo.data import DataError, load_named
from zoo.data.sentences import TaggedSentences
from zoo.data.tagged_files import read_tagged
from zoo.data.tagged_splits import TaggedSplits, assemble_tagged
from zoo.families import get_family
from zoo.families.tagging.fitting import learn_tag_tasks
from zoo.families.tagging.train import prepare, train

pytestmark = pytest.mark.tensorflow

TINY = [f"{key}={value}" for key, value in SIZES.items()]
TINY += ["characters=none", "learning_rate=0.03", "batch_size=8", "buckets=1"]


def conll(data: TaggedSentences, task: str) -> str:
    blocks = (
        "".join(f"{word}\t{tag}\n" for word, tag in zip(words, tags))
        for words, tags in zip(data.tokens, data.tags[task])
    )
    return "\n".join(blocks)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """ZOO_DATA with a tiny `conll2003` and a tiny `snips`."""
    for number, (part, count) in enumerate(
        {"train": 60, "valid": 20, "test": 20}.items()
    ):
        data = sentences(count, number)
        lines = [
            f"{intent}\t{' '.join(words)}\t{' '.join(tags)}\n"
            for intent, words, tags in zip(
                data.labels["intent"], data.tokens, data.tags[SLOTS]
            )
        ]
        for name, text in (
            ("conll2003", conll(data, SLOTS)),
            ("snips", "".join(lines)),
        ):
            (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "data" / name / f"{part}.tsv").write_text(text)
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_named_sets(place):
    snips, news = load_named("snips"), load_named("conll2003")
    assert [len(p) for p in (snips.train, snips.valid, snips.test)] == [60, 20, 20]
    assert set(snips.train.labels) == {"intent"} and snips.schemes == {"slots": "BIO"}
    assert news.train.tokens == snips.train.tokens
    assert news.train.tags["ner"] == snips.train.tags["slots"]


@pytest.mark.slow
def test_the_command_line(place, capsys):
    command = ["train", "bilstm_tagger", "--data", "snips", "--no-export"]
    assert main([*command, "--set", *TINY, "epochs=4", "scheme=BIOES"]) == 0
    out = capsys.readouterr().out
    assert "| slots  | f1 " in out and "| intent | accuracy" in out
    report = (place / "runs/bilstm_tagger/report.md").read_text("utf-8")
    assert "most frequent" in report and "| food " in report and "| 4 " in report
    facts = json.loads((place / "runs/bilstm_tagger/results.json").read_text("utf-8"))
    assert facts["test"]["slots"]["f1"] > facts["baseline"]["slots"]["f1"] * 0.5
    assert main(["predict", "runs/bilstm_tagger", "eat Apple1"]) == 0
    answer = json.loads(capsys.readouterr().out)["answers"]
    assert answer["offsets"] == [[0, 3], [4, 10]] and len(answer["tags"]["slots"]) == 2
    assert main(["evaluate", "runs/bilstm_tagger", "--data", "snips"]) == 0
    shown = f"{100 * facts['test']['slots']['f1']:.2f}"
    assert shown in capsys.readouterr().out
    for model, data in (("bilstm", "snips"), ("bilstm_crf", "hutto")):
        assert main(["train", model, "--data", data]) == 2
        assert f"Received: {data}" in capsys.readouterr().err


@pytest.mark.release
def test_seeds_are_kept(place, capsys, monkeypatch):
    arguments = ["--data", "conll2003", "--models", "bilstm_tagger", "--seeds", "1"]
    arguments += ["--set", *TINY, "epochs=1"]
    tagging.main(arguments)
    said = capsys.readouterr()
    assert "| conll2003 " in said.out and "| most frequent |" in said.out
    assert "bilstm_tagger seed 0: ner f1 " in said.err

    def fail(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(tagging.FAMILY, "train", fail)
    tagging.main(arguments)
    assert capsys.readouterr().out == said.out
    with pytest.raises(AssertionError, match="trained again"):
        tagging.main([*arguments, "learning_rate=0.5"])


class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.release
def test_a_killed_training_goes_on_as_if_it_had_not_been(tmp_path):
    tagged = prepare(splits(), settings("bilstm_tagger"))
    options = {"epochs": 8, "average": 0.5, "patience": 8}
    keywords = {**SIZES, "characters": "none"}

    def run(folder, **more):
        return train(
            "bilstm_tagger",
            tagged,
            settings("bilstm_tagger", **options),
            keywords,
            folder=tmp_path / folder,
            verbose=False,
            **more,
        )

    whole, history = run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("killed", callbacks=[Kill()])
    resumed, again = run("killed")
    for one, other in zip(whole.model.get_weights(), resumed.model.get_weights()):
        np.testing.assert_array_equal(one, other)
    losses = [[logs["loss"] for logs in part] for part in (history, again)]
    assert losses[0] == losses[1] and len(again) == 8
    assert max(logs["val_score"] for logs in again) == 1.0  # it learns the language


def test_an_unseen_tag_is_named_with_its_place(tmp_path):
    (tmp_path / "train.conll").write_text("Rome B-LOC\nis O\n\nRome B-LOC\n")
    (tmp_path / "test.conll").write_text("in O\n\nit O\nJo B-PER\n")
    train_part, schemes = read_tagged(tmp_path / "train.conll")
    test_part, _ = read_tagged(tmp_path / "test.conll")
    parts = TaggedSplits(train_part, train_part, test_part, schemes=schemes)
    with pytest.raises(DataError, match=r"test.conll, line 3, column 'tags': 'B-PER'"):
        prepare(parts, settings("bilstm_crf"))


def test_a_type_of_entity_brings_all_tags_of_its_scheme():
    """The test part has entities of two words, of which training saw one-word ones."""
    one = TaggedSentences([["in", "Rome"]] * 20, {"ner": [["O", "B-LOC"]] * 20})
    two = TaggedSentences([["New", "York"]], {"ner": [["B-LOC", "I-LOC"]]})
    parts = TaggedSplits(one, one, two, schemes={"ner": "BIO"})
    prepared = prepare(parts, settings("bilstm_crf"))
    assert prepared.tasks["ner"].labels == ("O", "B-LOC", "I-LOC")
    assert learn_tag_tasks(two, {})["ner"].labels == ("B-LOC", "I-LOC")


def test_a_tag_that_breaks_its_scheme_is_named_with_its_place(tmp_path, capsys):
    path = tmp_path / "train.conll"
    path.write_text("Rome B-LOC\n\nis O\nhere I-LOC\n")
    assert main(["train", "bilstm_crf", "--data", str(path)]) == 2
    said = capsys.readouterr().err
    assert f"{path}, line 4, column 'tags'" in said and "I-LOC follows O" in said


def test_files_by_their_suffix(tmp_path):
    row = "1\tRome\tRome\tPROPN\tNNP\t_\t0\troot\t_\tNER=B-LOC\n"
    (tmp_path / "a.conllu").write_text(row)
    line = {"words": ["Rome"], "tags": ["B-LOC"], "intent": "go"}
    (tmp_path / "a.jsonl").write_text(json.dumps(line))
    (tmp_path / "a.txt").write_text("Rome NNP I-LOC\n")
    data, schemes = read_tagged(tmp_path / "a.conllu")
    assert data.tags == {"UPOS": [["PROPN"]]} and schemes == {"UPOS": ""}
    data, schemes = read_tagged(
        tmp_path / "a.conllu", labels=["ner=MISC:NER", "XPOS:none"]
    )
    assert data.tags == {"ner": [["B-LOC"]], "XPOS": [["NNP"]]}
    assert schemes == {"ner": "BIO", "XPOS": ""}
    labels = ["tags", "intent:categories"]
    data, _ = read_tagged(tmp_path / "a.jsonl", labels=labels, tokens="words")
    assert data.tokens == [["Rome"]] and data.labels == {"intent": ["go"]}
    data, schemes = read_tagged(tmp_path / "a.txt", labels=["ner=2:IOB1", "pos=1:none"])
    assert data.tags["ner"] == [["I-LOC"]] and schemes["ner"] == "IOB1"


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("a.csv", None, "Received: '.csv'"),
        ("a.conll", ["ner"], "are named by number.*'ner'"),
        ("a.conll", ["x=1:categories"], "no labels of sentences"),
        ("a.jsonl", ["ner=tags"], "Received: ner=tags"),
    ],
)
def test_wrong_files(tmp_path, name, labels, message):
    (tmp_path / name).write_text("Rome B-LOC\n")
    with pytest.raises(DataError, match=message):
        read_tagged(tmp_path / name, labels=labels)


def test_parts_split_off_hold_no_tag_of_their_own():
    data = sentences(40)
    tags = [list(row) for row in data.tags[SLOTS]]
    for row, found in enumerate(tags):
        found[0] = f"B-rare{row}"  # each occurs once
    odd = TaggedSentences(data.tokens, {SLOTS: tags}, data.labels)
    with pytest.raises(DataError, match="leaves it without rows"):
        assemble_tagged(odd, schemes={SLOTS: "BIO"})
    again = assemble_tagged(data, sentences(10, 5), schemes={SLOTS: "BIO"})
    assert len(again.valid) == 10 and again.notes


def english() -> TaggedSplits:
    """Words with and without vectors; those of the test part are mostly new."""
    rows = [["The", "cat", "sat"], ["the", "dog", "qwxyz"]]
    train_part = TaggedSentences(rows * 8, {"pos": [["D", "N", "V"]] * 16})
    new = TaggedSentences(
        [["THE", "Elephant", "qwxyzq"], ["the", "1997", "sat"]],
        {"pos": [["D", "N", "V"]] * 2},
    )
    return TaggedSplits(train_part, new, new, schemes={})


def test_the_vocabulary_holds_all_words_that_have_a_vector():
    found = prepare(english(), settings("bilstm_tagger", weights="glove-en"))
    words = found.pipeline.vocabulary
    known = set(zoo.weights.known_words("glove-en"))
    assert known <= set(words) and words[4:6] == ["the", "cat"]
    assert len(words) == 4 + 40_000 + 1, "and one that has none"
    # Words are looked up in folded case.
    [one, two] = found.sentences["test"]
    assert [words[i] for i in one.tokens] == ["the", "elephant", "[UNK]"]
    # The vectors have no numbers, so a number that training lacks is unknown.
    assert [words[i] for i in two.tokens] == ["the", "[UNK]", "sat"]


@pytest.mark.slow
def test_the_share_of_unknown_words_is_stated(tmp_path):
    family = get_family("tagging")
    for weights, share in (("glove-en", "33.33%"), ("none", "50.00%")):
        chosen = settings("bilstm_tagger", weights=weights, epochs=1)
        found = prepare(english(), chosen)
        line = f"Of the test part, {share} of the words are unknown, and without their"
        assert family.describe("bilstm_tagger", found).splitlines()[-1].startswith(line)
    sizes = {key: value for key, value in SIZES.items() if "embedding_dim" not in key}
    model, history = train(
        "bilstm_tagger", found, chosen, sizes, folder=tmp_path / "one", verbose=False
    )
    family.report(model, found, history, chosen, tmp_path)
    page = (tmp_path / "report.md").read_text()
    [row] = [line for line in page.splitlines() if line.startswith("| test ")]
    assert [cell.strip() for cell in row.split("|")[-3:-1]] == ["66.7%", "50.0%"]
