"""Training that is killed at any moment ends as if it had not been.

What a kill leaves is what is on the disk then. So one training is watched: before and
after each file takes its place, in the midst of its writing, and at some steps, its
folder is copied. From each of the copies, some of them drawn by a seed, training goes
on, and its weights, history and scores must be those of the training that was watched,
bit for bit. `tests/training/test_checkpoint.py` kills a process in earnest.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

import keras  # noqa: E402
from tiny_teacher import make_teacher, texts  # noqa: E402

from zoo.data import Examples, Splits  # noqa: E402
from zoo.data.pairs import Pairs  # noqa: E402
from zoo.data.sentences import TaggedSentences  # noqa: E402
from zoo.families import family_of  # noqa: E402
from zoo.text import writing  # noqa: E402

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
SEED = int(os.environ.get("ZOO_KILL_SEED", "0"))
MOMENTS = int(os.environ.get("ZOO_KILL_MOMENTS", "1"))  # of each family
ROWS = texts(48)
FEW = ROWS[:18]  # for models whose steps are loops


@pytest.fixture(autouse=True)
def eager():
    """Such small trainings take less time than the tracing of their graphs."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def labelled(rows) -> Examples:
    marks = ["yes" if "good" in text or "fine" in text else "no" for text in rows]
    return Examples(list(rows), {"mood": marks})


def parts(make, rows=ROWS) -> Splits:
    sixth = len(rows) // 6
    train, others = rows[: 4 * sixth], rows[4 * sixth :]
    return Splits(make(train), make(others[:sixth]), make(others[sixth:]))


def classifier(folder):
    own = {"epochs": 2, "batch_size": 8, "weights": "none", "min_count": 1}
    own |= {"least_steps": 8}
    return "text_cnn", parts(labelled), own, {"embedding_dim": 4, "maps": 2}


def encoder(folder):
    teacher = str(make_teacher(folder / "teacher"))
    own = {"epochs": 2, "batch_size": 8, "min_count": 1, "teacher": teacher}
    return "static_encoder", parts(lambda rows: Examples(list(rows), {})), own, {}


def tagger(folder):
    def tagged(rows) -> TaggedSentences:
        words = [text.split() for text in rows]
        tags = [["B-X" if "o" in word else "O" for word in one] for one in words]
        return TaggedSentences(words, {"ner": tags})

    own = {"epochs": 2, "batch_size": 8, "weights": "none", "min_count": 1}
    sizes = {"embedding_dim": 4, "units": 4, "characters": "none"}
    return (
        "bilstm_tagger",
        replace(parts(tagged, FEW), schemes={"ner": "BIO"}),
        own,
        sizes,
    )


def language_model(folder):
    own = {"epochs": 2, "batch_size": 2, "window": 10, "min_count": 1, "average": 0.5}
    sizes = {"embedding_dim": 4, "units": 4, "depth": 1}
    return "lstm_lm", parts(lambda rows: Examples(list(rows), {}), FEW), own, sizes


def translator(folder):
    def pairs(rows) -> Pairs:
        return Pairs(list(rows), [text.upper() for text in rows])

    own = {"epochs": 2, "batch_tokens": 240, "warmup": 3, "vocab_size": 80}
    sizes = {"units": 4, "embedding_dim": 4, "encoder_depth": 1, "decoder_depth": 1}
    return "seq2seq", parts(pairs, FEW), own, sizes


SUBJECTS = {
    "classification": classifier,
    "encoding": encoder,
    "tagging": tagger,
    "language": language_model,
    "translation": translator,
}


class Witness(keras.callbacks.Callback):
    """Copies the folder of a training at moments that a seed draws."""

    def __init__(self, folder: Path, to: Path, name: str) -> None:
        super().__init__()
        self.folder, self.to, self.seen = folder, to, 0
        self.random = random.Random(f"{SEED} {name}")
        self.kept: list[tuple[str, Path]] = []

    def moment(self, what: str) -> None:
        """Each moment is kept with the same chance (reservoir sampling)."""
        self.seen += 1
        copy = self.to / str(self.seen)
        place = self.random.randrange(self.seen)
        if len(self.kept) < MOMENTS:
            self.kept.append((f"{self.seen}: {what}", copy))
        elif place < MOMENTS:
            self.kept[place] = f"{self.seen}: {what}", copy
        else:
            return
        copy.mkdir(parents=True)
        if self.folder.exists():
            shutil.copytree(self.folder, copy, dirs_exist_ok=True)

    def on_train_batch_end(self, batch, logs=None) -> None:
        self.moment(f"step {batch}")

    def replace(self, source, target) -> None:
        whole = Path(source).read_bytes()
        Path(source).write_bytes(whole[: self.random.randrange(len(whole) + 1)])
        self.moment(f"in the midst of {Path(target).name}")
        Path(source).write_bytes(whole)
        self.moment(f"before {Path(target).name}")
        os.rename(source, target)
        self.moment(f"after {Path(target).name}")


def trained(subject, folder: Path, callbacks=()):
    """Weights of a training in a folder for checkpoints, its history and scores."""
    name, splits, own, keywords = subject
    keras.backend.clear_session()
    family = family_of(name)
    model, history = family.trial(
        name, splits, own, keywords, folder=folder, callbacks=callbacks
    )
    for logs in history:
        logs.pop("seconds")
    told = json.dumps([history, family.score(model, splits, "valid")])
    return model.model.get_weights(), told


@pytest.mark.parametrize("kind", SUBJECTS)
def test_a_training_killed_anywhere_ends_alike(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    subject = SUBJECTS[kind](tmp_path)
    folder = tmp_path / "checkpoints"
    witness = Witness(folder, tmp_path / "copies", kind)
    with monkeypatch.context() as watched:
        watched.setattr(writing.os, "replace", witness.replace)
        weights, told = trained(subject, folder, [witness])
    print(f"ZOO_KILL_SEED={SEED}", [what for what, _ in witness.kept])
    assert witness.seen > 12 and len(witness.kept) == MOMENTS
    for what, copy in witness.kept:
        again, said = trained(subject, copy)
        assert said == told, what
        assert all(map(np.array_equal, again, weights)), what
        assert len(again) == len(weights) >= 1
