"""`zoo train seq2seq`: files and tables, what comes out, bad input, kill and resume."""

from __future__ import annotations

import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from translated_toys import pairs

import zoo
from benchmarks.quality import translation
from zoo.cli import main
from zoo.data import DataError, load_named
from zoo.data.pairs import Pairs, PairSplits, read_pair_table
from zoo.data.sets import hutto
from zoo.families.translation.search import NOTHING
from zoo.families.translation.settings import TranslationSettings
from zoo.families.translation.train import prepare, train
from zoo.serving import ServedModel

pytestmark = pytest.mark.tensorflow

TINY = [
    "units=32",
    "embedding_dim=32",
    "dropout=0.0",
    "encoder_depth=1",
    "warmup=0",
    "decoder_depth=1",
    "vocab_size=160",
    "learning_rate=0.01",
    "beam=3",
    "batch_tokens=128",
    "label_smoothing=0.0",
    "max_source=40",
]
MIX = ["One and two!", "", "Three!", "One and two!", "four and one and two!", "\u00e9"]


def write(folder, name: str, data: Pairs) -> list[str]:
    """Two files of lines; returns their paths."""
    paths = []
    for side, texts in (("en", data.sources), ("de", data.targets)):
        paths.append(str(folder / f"{name}.{side}"))
        (folder / f"{name}.{side}").write_text("".join(f"{t}\n" for t in texts))
    return paths


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The whole job on two files: folder, and the run in it."""
    folder = tmp_path_factory.mktemp("translation")
    options = []
    for number, (part, count) in enumerate({"": 200, "valid": 30, "test": 30}.items()):
        files = write(folder, part or "train", pairs(count, number))
        beside = (
            ("--data", "--target") if not part else (f"--{part}", f"--{part}-target")
        )
        options += [item for pair in zip(beside, files) for item in pair]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        command = ["train", "seq2seq", *options, "--epochs", "10"]
        assert main([*command, "--set", *TINY]) == 0
    return folder, folder / "runs" / "seq2seq"


@pytest.mark.slow
def test_the_report(trained):
    _, run = trained
    made = {path.name for path in run.iterdir()}
    assert made == {
        "attention.png",
        "model",
        "perplexity.png",
        "report.md",
        "results.json",
    }
    report = (run / "report.md").read_text("utf-8")
    for part in (
        "translation memory",
        "copy of the source",
        "nrefs:1|case:mixed",
        "![Attention",
        "| 10 ",
    ):
        assert part in report
    facts = json.loads((run / "results.json").read_text("utf-8"))
    assert facts["test"]["bleu"] > 30 > facts["baselines"]["copy of the source"]
    perplexities = [logs["val_perplexity"] for logs in facts["history"]]
    assert facts["valid"]["perplexity"] == pytest.approx(min(perplexities), rel=1e-4)


@pytest.mark.slow
def test_evaluate_says_what_the_report_says(trained, capsys):
    folder, run = trained
    facts = json.loads((run / "results.json").read_text("utf-8"))
    command = ["evaluate", str(run), "--data", str(folder / "test.en")]
    assert main([*command, "--target", str(folder / "test.de")]) == 0
    said = capsys.readouterr().out
    assert f"{facts['test']['bleu']:.2f}" in said
    assert f"{facts['test']['perplexity']:.3f}" in said and "tok:13a" in said


@pytest.mark.slow
def test_a_run_and_its_export_answer_alike_whatever_the_batch(trained, capsys):
    folder, run = trained
    model, served = zoo.load(run), ServedModel(folder / "saved_models" / "seq2seq")
    expected = model.predict(MIX)
    assert expected[0] == expected[3] and expected[1]["translation"] == ""
    assert expected[1]["score"] == 0.0 and "und" in expected[0]["translation"]
    alone = [model.predict([text])[0] for text in MIX]
    for found in (alone, model.predict(MIX, batch_size=2), served.predict(MIX)):
        for one, other in zip(found, expected, strict=True):
            assert one["translation"] == other["translation"]
            assert one["score"] == pytest.approx(other["score"], abs=1e-4)
    assert served.predict([]) == model.predict([]) == []
    for place in (run, folder / "saved_models" / "seq2seq"):
        assert main(["predict", str(place), MIX[0]]) == 0
        answer = json.loads(capsys.readouterr().out)["answers"]
        assert answer["translation"] == expected[0]["translation"]


@pytest.mark.slow
def test_the_signature_translate(trained):
    folder, run = trained
    loaded = tf.saved_model.load(str(folder / "saved_models" / "seq2seq" / "1"))

    def ask(texts, beam=3, n_best=2, **more):
        numbers = {"length_penalty": 0.0, "coverage_penalty": 0.0, "max_tokens": 0}
        numbers = {"beam": beam, "n_best": n_best, **numbers, **more}
        return loaded.signatures["translate"](
            text=tf.constant(texts, tf.string),
            **{name: tf.constant(value) for name, value in numbers.items()},
        )

    found = ask(["One!", ""])
    assert found["translation"].shape == (2, 2)
    assert found["translation"].numpy()[1].tolist() == [b"", b""]
    assert found["score"].numpy()[1].tolist() == [0.0, NOTHING]
    scores = found["score"].numpy()[0]
    assert scores[0] > scores[1] > -50
    np.testing.assert_allclose(scores, found["log_probability"].numpy()[0])
    listed = zoo.load(run).n_best(["One!", ""], 2, beam=3, length_penalty=0.0)
    assert [one["translation"].encode() for one in listed[0]] == (
        found["translation"].numpy()[0].tolist()
    )
    assert len(listed[1]) == 1
    short = ask(["One and two and three!"], max_tokens=1, coverage_penalty=0.2)
    assert len(short["translation"].numpy()[0, 0]) < 6
    long = ask(["One and two! " * 80_000, "One!"], max_tokens=3)  # 1 MB
    assert long["cut"].numpy().tolist() == [True, False]
    assert ask([])["translation"].shape == (0, 2)
    with pytest.raises(tf.errors.InvalidArgumentError, match="1 <= n_best <= beam"):
        ask(["One!"], beam=1, n_best=2)


@pytest.mark.slow
def test_odd_texts(trained):
    _, run = trained
    model = zoo.load(run)
    odd = ["\u4f60\u597d", "[END] ##", " \t ", "a" * 5000, "\ud800", "x\x00y"]
    found = model.translate(odd, max_tokens=4)
    assert len(found) == 6 and found[2] == ""
    with pytest.warns(
        UserWarning, match="1 text.*max_source=40.*First text numbers: 1"
    ):
        model.translate(["One!", "One and two! " * 50], max_tokens=2)
    for said, options in (
        ("`texts` must be a list", {"texts": "One!", "count": 1}),
        ("`beam` must be a whole number from 3.*beam=2", {"count": 3, "beam": 2}),
        ("`count` must be a whole number from 1", {"count": 0}),
        ("`max_tokens` must be a whole number from 0", {"count": 1, "max_tokens": -1}),
    ):
        with pytest.raises(ValueError, match=said):
            model.n_best(**{"texts": ["One!"], **options})
    with pytest.raises(TypeError, match="has no tasks"):
        model.logits(["One!"])


@pytest.mark.slow
def test_a_vocabulary_of_another_model_is_refused(trained, tmp_path):
    _, run = trained
    model = zoo.load(run)
    other = zoo.get("seq2seq", 9, units=2, embedding_dim=2)
    with pytest.raises(ValueError, match="vocabularies of the model's sizes.*9 for"):
        zoo.export(other, model.pipeline, tmp_path / "x")


class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.mark.release
def test_a_killed_training_goes_on_as_if_it_had_not_been(tmp_path):
    chosen = TranslationSettings(
        epochs=2, batch_tokens=96, warmup=3, vocab_size=80, shared_vocabulary=False
    )
    corpus = prepare(PairSplits(pairs(30), pairs(6, 1), pairs(6, 2)), chosen)
    keywords = {"units": 4, "embedding_dim": 4, "encoder_depth": 1, "decoder_depth": 1}

    def run(folder, **more):
        return train(
            "seq2seq",
            corpus,
            chosen,
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
    assert [logs["loss"] for logs in again] == [logs["loss"] for logs in history]


def test_tables(tmp_path):
    rows = [
        {"en": "yes", "de": "ja"},
        {"en": "NA", "de": "null"},
        {"en": "", "de": "x"},
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"source": "en", "target": "de"}
    with pytest.raises(DataError, match="line 3, column 'en': an empty side"):
        read_pair_table(path, **columns)
    found = read_pair_table(path, **columns, on_bad_rows="skip")
    assert found.sources == ["yes", "NA"] and found.targets == ["ja", "null"]
    assert [row.line for row in found.skipped] == [3]
    with pytest.raises(DataError, match="'fr'"):
        read_pair_table(path, source="en", target="fr")
    (tmp_path / "bad.csv").write_bytes(b"source,target\na,b\xff\nc,d\n")
    with pytest.raises(DataError, match="not valid UTF-8: byte 0xff"):
        read_pair_table(tmp_path / "bad.csv")
    skipped = read_pair_table(tmp_path / "bad.csv", on_bad_rows="skip")
    assert skipped.sources == ["c"]


@pytest.mark.parametrize(
    ("files", "arguments", "said"),
    [
        (
            {"a": "1\n2\n", "b": "1\n"},
            ["--data", "a", "--target", "b"],
            "a, line 2: the line is unpaired: b ends before it",
        ),
        (
            {"a": "1\n\n", "b": "1\n2\n"},
            ["--data", "a", "--target", "b"],
            "a, line 2: an empty side",
        ),
        (
            {"a.en": "one\n", "b": "eins\n"},
            ["--data", "a.en", "--target", "b"],
            "`valid`=0.1 leaves it without rows. Accepted: more rows",
        ),
        (
            {"a.en": "one\n"},
            ["--data", "a.en"],
            "`--data` needs translations. Accepted: --target FILE",
        ),
        (
            {"a": "1\n", "b": "1\n", "v": "1\n"},
            ["--data", "a", "--target", "b", "--valid", "v"],
            "--valid-target FILE",
        ),
        (
            {"a.csv": "source,target\na,b\n"},
            ["--data", "a.csv", "--label", "x", "--label", "y"],
            "Received: x, y",
        ),
        (
            {"a": "1\n", "b": "1\n"},
            ["--data", "a", "--target", "b", "--label", "x"],
            "Received: both, x and b",
        ),
        ({}, ["--data", "hutto"], "must hold pairs of texts for this model"),
        ({}, ["--set", "label_smoothing=1"], "`label_smoothing` must be a number from"),
    ],
)
def test_bad_input(tmp_path, monkeypatch, capsys, files, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hutto, "_files", lambda folder: pytest.fail("it was read"))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert main(["train", "seq2seq", "--no-export", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.release
def test_seeds_are_kept(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "data" / "multi30k"
    folder.mkdir(parents=True)
    for number, part in enumerate(("train", "val", "test_2016_flickr")):
        write(folder, f"{part}.lc.norm.tok", pairs(24, number))
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    splits = load_named("multi30k")
    assert splits.tokenized and splits.test.sources == pairs(24, 2).sources
    arguments = ["--data", "multi30k", "--models", "seq2seq", "--seeds", "1", "--set"]
    arguments += [*TINY, "epochs=1", "tokenizer=whitespace"]
    translation.main(arguments)
    said = capsys.readouterr()
    assert "| translation memory |" in said.out and "tok:none" in said.out
    assert re.search(r"seq2seq seed 0: BLEU \d+\.\d+ \(valid\)", said.err)

    def fail(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(translation.FAMILY, "train", fail)
    translation.main(arguments)
    assert capsys.readouterr().out == said.out
    with pytest.raises(AssertionError, match="trained again"):
        translation.main([*arguments, "learning_rate=0.5"])
