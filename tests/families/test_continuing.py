"""A training that continues from one's own earlier model: `--from FOLDER`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import tagged_toys
from killed import KILL_AT_SECOND_EPOCH

import zoo
from zoo.cli import main
from zoo.families.earlier import find_earlier

pytestmark = pytest.mark.tensorflow

FROZEN = {"epochs": 1, "least_steps": 1, "learning_rate": 1e-12, "verbose": False}
SMALL = {"maps": 2, "windows": [1, 2], "embedding_dim": 4, "weights": "none"}
OLD = {"up": "good fine fast", "down": "bad dull slow", "flat": "calm even still"}
NEW = {"up": "good fine warm", "down": "bad dull cold", "odd": "strange weird rare"}


def rows(words, count: int = 60) -> list[tuple[str, str]]:
    labels = list(words)
    return [
        (f"the {words[labels[n % 3]].split()[n // 3 % 3]} film was {n}", labels[n % 3])
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "old"
    trained = {**FROZEN, "learning_rate": 0.01, "subwords": 0, "min_count": 1}
    return zoo.train("text_cnn", rows(OLD), out=folder, **trained, **SMALL)


def entries(run, layer: str, names) -> dict:
    """The weights of a layer by word or label, as rows."""
    weights = run.model.model.get_layer(layer).get_weights()
    table = weights[0] if layer == "embedding" else np.vstack(weights).T
    return dict(zip(names, table, strict=True))


@pytest.mark.slow
def test_words_and_labels_that_both_have(old, tmp_path, capsys):
    quiet = {**FROZEN, "verbose": True}
    run = zoo.train("text_cnn", rows(NEW), weights=old, out=tmp_path / "new", **quiet)
    said = capsys.readouterr().out
    before, after = (one.model.pipeline.vocabulary for one in (old, run))
    assert set(before) < set(after), "what the old model knows stays known"
    assert "strange" in after and "strange" not in before
    then, now = entries(old, "embedding", before), entries(run, "embedding", after)
    for word in before:
        np.testing.assert_allclose(now[word], then[word], atol=1e-6)
    then = entries(old, "head_label", old.model.tasks["label"].labels)
    now = entries(run, "head_label", run.model.tasks["label"].labels)
    assert set(now) == {"up", "down", "odd"}
    for label in ("up", "down"):
        np.testing.assert_allclose(now[label], then[label], atol=1e-6)
    for layer in ("convolution_1", "convolution_2"):
        for one, other in zip(
            run.model.model.get_layer(layer).get_weights(),
            old.model.model.get_layer(layer).get_weights(),
            strict=True,
        ):
            np.testing.assert_allclose(one, other, atol=1e-6)
    assert f"Continues from {old.folder}, which covers" in said
    assert "Taken over: embedding, convolution_1, convolution_2, head_label;" in said
    assert "New: labels of label: odd.\nGone: labels of label: flat.\n" in said
    # Sizes and the reading of texts are those of the old model.
    metadata = run.model.metadata
    assert metadata["keywords"]["maps"] == 2 and metadata["settings"]["subwords"] == 0
    assert metadata["from"]["folder"] == str(old.folder)
    assert len(metadata["from"]["digest"]) == 64
    # It can be continued in its turn, and asked for other sizes.
    again = zoo.train(
        "text_cnn", rows(OLD), weights=run.folder, out=tmp_path / "again", **FROZEN
    )
    assert set(after) <= set(again.model.pipeline.vocabulary)
    message = "sizes.*Accepted: maps=2, or no value. Received: maps=3 with .*new"
    with pytest.raises(ValueError, match=message):
        zoo.train(
            "text_cnn", rows(OLD), weights=run, maps=3, out=tmp_path / "other", **FROZEN
        )


def refused(match: str, weights, model: str = "text_cnn", data=None, **settings):
    with pytest.raises(ValueError, match=match):
        zoo.train(
            model,
            rows(OLD) if data is None else data,
            weights=weights,
            **{"out": "elsewhere", "verbose": False, **settings},
        )


def test_what_cannot_be_continued(old, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = str(old.folder)
    refused(
        "Accepted: auto, none, english, glove-en, the folder.*no/such, which does",
        "no/such",
    )
    refused("Received: .*, which holds no model", str(tmp_path))
    refused(
        r"a model 'text_cnn' of .*: text_cnn\. Received: 'bilstm'", folder, "bilstm"
    )
    refused(r": text_cnn\. Received: 'auto'", folder, "auto")
    refused("shipped weights for this kind.*'seq2seq': auto", folder, "seq2seq")
    refused("`tokenizer` must be.*'unicode', or no.*'bytes'", folder, tokenizer="bytes")
    refused("`lowercase` must be.*lowercase=True, or no", folder, lowercase=False)
    refused("`out`.*must not hold the model.*-2", folder, out=old.folder)
    refused("`weights` .* must be omitted", folder, vectors="a.txt")
    assert not (tmp_path / "elsewhere").exists(), "nothing is half-written"
    other = [(f"ein anderes wort {n % 7}", "jaein"[n % 2 :]) for n in range(60)]
    refused("must be a model that knows.*20%.*Received: 0.0%", folder, data=other)
    (tmp_path / "a.csv").write_text("text,label\n" + "good,1\nbad,0\n" * 20)
    command = ["tune", "text_cnn", "--data", "a.csv", "--fix", f"weights={folder}"]
    assert main([*command, "--out", "search"]) == 2
    assert "`weights` cannot be a folder in a search" in capsys.readouterr().err


def test_models_that_are_damaged_or_of_other_versions(old, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "copy" / "metadata.json"

    def changed(**values):
        shutil.copytree(old.folder / "model", path.parent, dirs_exist_ok=True)
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

    changed(format_version=99, zoo="9.9")
    refused("format version 99, written by zoo 9.9; install", str(path.parent))
    changed(name="")
    refused("no builder of the zoo has built: no name", str(path.parent))
    changed(zoo="0.0.1", keywords={**old.model.metadata["keywords"], "maps": 3})
    refused("layers that 'text_cnn' has.*written by zoo 0.0.1", str(path.parent))
    changed()
    digest = find_earlier(str(path.parent)).digest
    assert digest == find_earlier(str(old.folder)).digest, "of the same model"
    changed(note="another")
    assert find_earlier(str(path.parent)).digest != digest
    changed()
    old_settings = old.model.metadata["settings"]
    changed(settings={**old_settings, "fine_tune": True})
    refused("one network for all tasks", str(path.parent))
    changed()
    (path.parent / "model.keras").write_bytes(b"PK")
    refused("model.keras must have the sha256", str(path.parent))
    path.write_text("{")
    refused("must be the JSON metadata of a saved model", str(path.parent))
    assert find_earlier("none") is find_earlier("glove-en") is None


@pytest.mark.slow
def test_a_model_that_is_fitted_to_its_optimum(tmp_path):
    small = {**FROZEN, "weights": "none", "ngram_buckets": 64}
    run = zoo.train("linear", rows(OLD), out=tmp_path / "old", **small)
    refused("fitted to its optimum", run, "linear", out=tmp_path / "new")


@pytest.mark.slow
def test_a_language_model(tmp_path, capsys):
    chosen = {"units": 4, "embedding_dim": 3, "depth": 1, "min_count": 1}
    chosen |= {"epochs": 1, "verbose": False, "window": 5, "batch_size": 2}
    texts = {"old": rows(OLD), "new": rows(NEW)}
    old = zoo.train(
        "lstm_lm", [t for t, _ in texts["old"]], out=tmp_path / "old", **chosen
    )
    new = zoo.train(
        "lstm_lm",
        [t for t, _ in texts["new"]],
        weights=old.folder,
        out=tmp_path / "new",
        epochs=1,
        learning_rate=1e-12,
    )
    assert "Taken over: embedding, lstm_0, softmax;" in capsys.readouterr().out
    before, after = (one.model.pipeline.vocabulary for one in (old, new))
    assert set(before) < set(after) and before[4:] != after[4 : len(before)]
    for layer in ("embedding", "softmax"):
        then, now = (
            one.model.model.get_layer(layer).get_weights() for one in (old, new)
        )
        for one, other in zip(then, now, strict=True):
            np.testing.assert_allclose(
                other[[after.index(word) for word in before]], one, atol=1e-6
            )


@pytest.mark.slow
def test_a_tagger(tmp_path, capsys):
    def sentences(count, place, seed):
        part = tagged_toys.sentences(count, seed, "slots")
        tags = [[t.replace("place", place) for t in row] for row in part.tags["slots"]]
        keys = zip(part.tokens, tags, part.labels["intent"], strict=True)
        return [{"tokens": w, "slots": t, "intent": i} for w, t, i in keys]

    label = {"slots": "BIO", "intent": "categories"}
    chosen = {"label": label, "epochs": 1, "buckets": 1, "verbose": False}
    sizes = {**tagged_toys.SIZES, "weights": "none"}
    old = zoo.train(
        "bilstm_crf", sentences(40, "place", 0), out=tmp_path / "old", **chosen, **sizes
    )
    chosen |= {"verbose": True, "learning_rate": 1e-12}
    more = [
        {
            "tokens": ["go", "to", "Z\u00fcrich"],
            "slots": ["O", "O", "B-town"],
            "intent": "travel",
        }
    ] * 3
    new = zoo.train(
        "bilstm_crf",
        [*sentences(40, "town", 1), *more],
        weights=old.folder,
        out=tmp_path / "new",
        **chosen,
    )
    said = capsys.readouterr().out
    assert "crf_slots" in said and "New: labels of slots: B-town, I-town." in said
    then, now = (run.model.tasks["slots"].labels for run in (old, new))
    both = [tag for tag in then if tag in now]
    assert {"O", "B-food"} <= set(both) and "B-place" not in both
    matrices = [
        run.model.model.get_layer("crf_slots").get_weights()[0] for run in (old, new)
    ]
    places = [[tags.index(tag) for tag in both] for tags in (then, now)]
    one, other = (m[np.ix_(p, p)] for m, p in zip(matrices, places, strict=True))
    np.testing.assert_allclose(one, other, atol=1e-6)
    before, after = (run.model.pipeline.alphabet for run in (old, new))
    assert "\u00fc" in after and set(before) < set(after)
    tables = [
        run.model.model.get_layer("letters").get_weights()[0] for run in (old, new)
    ]
    np.testing.assert_allclose(
        tables[1][[after.index(letter) for letter in before]], tables[0], atol=1e-6
    )


@pytest.mark.release
def test_a_killed_run_continues_from_the_same_model(old, tmp_path):
    data = tmp_path / "new.csv"
    lines = [f'"{text}",{label}' for text, label in rows(NEW)]
    data.write_text("\n".join(["text,label", *lines]) + "\n")

    def command(folder, program=("-m", "zoo.cli")):
        chosen = ["--from", str(tmp_path / "old"), "--out", str(tmp_path / folder)]
        line = [*program, "train", "text_cnn", "--data", str(data), *chosen]
        line += ["--epochs", "2", "--no-export", "--set", "least_steps=1"]
        return subprocess.run(
            [sys.executable, *line], capture_output=True, text=True, check=False
        )

    shutil.copytree(old.folder, tmp_path / "old")
    assert command("whole").returncode == 0
    killed = command("killed", ("-c", KILL_AT_SECOND_EPOCH))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    state = tmp_path / "killed" / "checkpoints" / "state.json"
    assert json.loads(state.read_text())["epoch"] == 0
    identity = json.loads(state.with_name("identity.json").read_text())
    digest = find_earlier(str(tmp_path / "old")).digest
    assert identity["from"]["digest"] == digest, "of another model it is another run"
    finished = command("killed")
    assert finished.returncode == 0 and "epoch 1/2" not in finished.stdout
    models = [zoo.load(tmp_path / folder).model for folder in ("whole", "killed")]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)
