"""The classifiers that the zoo is compared with, as functions from texts to labels.

scikit-learn is a dependency of the zoo; fastText needs `pip install -e '.[benchmark]'`,
and a sentence encoder in ONNX `pip install -e '.[teacher]'`.
"""

from __future__ import annotations

import importlib.util
import pickle
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from zoo.data import Examples, Splits, encode_labels
from zoo.families.classification.linear import fit_linear
from zoo.families.encoding.teacher import Teacher
from zoo.tasks import Task

# From texts to labels.
Answer = Callable[[Sequence[str]], list[str]]


class Classifier(NamedTuple):
    """A trained classifier of one task.

    Attributes:
        answer: from texts to labels.
        size: bytes of its files.
        files: names them; classifiers of several tasks may share them.
    """

    answer: Answer
    size: int
    files: str


_WORDS = re.compile(r"\w+|[^\w\s]")  # fastText itself only splits at white space
_MARK = "__label__"
_STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # C of a logistic regression on vectors


def majority(name: str, task: Task, splits: Splits) -> Classifier:
    """The most frequent label of the training part."""
    _, targets = _labelled(name, task, splits.train)
    best = task.labels[np.bincount(targets).argmax()]
    return Classifier(lambda texts: [best] * len(texts), 0, name)


def linear(name: str, task: Task, splits: Splits) -> Classifier:
    """scikit-learn's TF-IDF and logistic regression, the baseline of every report."""
    train, valid = (_encoded(name, task, part) for part in (splits.train, splits.valid))
    outputs = fit_linear(task, train, valid)
    size = len(pickle.dumps((outputs.vectorizers, outputs.model)))

    def answer(texts: Sequence[str]) -> list[str]:
        return [task.labels[best] for best in outputs(texts).argmax(axis=-1)]

    return Classifier(answer, size, name)


def encoder(path: Path, name: str, task: Task, splits: Splits) -> Classifier:
    """Logistic regression on the vectors of a sentence encoder in an ONNX file.

    `C` is chosen on the validation part.
    """
    read = Teacher(path)
    texts, targets = _labelled(name, task, splits.train)
    held_out, expected = _labelled(name, task, splits.valid)
    vectors, judged = read(texts), read(held_out)
    models = [
        LogisticRegression(C=strength, max_iter=2000).fit(vectors, targets)
        for strength in _STRENGTHS
    ]
    best = max(models, key=lambda model: model.score(judged, expected))

    def answer(texts: Sequence[str]) -> list[str]:
        return [task.labels[label] for label in best.predict(read(texts))]

    files = (read.path, read.tokenizer_path)
    size = sum(file.stat().st_size for file in files)
    return Classifier(answer, size, str(read.path))  # the heads are small


def fasttext(name: str, task: Task, splits: Splits) -> Classifier | None:
    """fastText's classifier of words and word pairs; `None` without the package.

    Number of epochs and step size are chosen on the validation part. It has one thread,
    so that a second run gives the same model.
    """
    if not importlib.util.find_spec("fasttext"):
        return None
    import fasttext as library

    def classifier(model, folder: Path) -> Classifier:
        def answer(texts: Sequence[str]) -> list[str]:
            # A list, because prediction on a single text fails with NumPy 2.
            found, _ = model.predict([_spaced(text) for text in texts])
            return [task.labels[int(best.removeprefix(_MARK))] for [best] in found]

        saved = folder / "model.bin"
        model.save_model(str(saved))
        return Classifier(answer, saved.stat().st_size, name)

    texts, targets = _labelled(name, task, splits.train)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "train.txt")
        lines = [
            f"{_MARK}{number} {_spaced(text)}\n"
            for number, text in zip(targets, texts, strict=True)
        ]
        path.write_text("".join(lines), "utf-8")
        classifiers = [
            classifier(
                library.train_supervised(
                    str(path),
                    epoch=epoch,
                    lr=rate,
                    wordNgrams=2,
                    bucket=200_000,
                    thread=1,
                    verbose=0,
                ),
                Path(place),
            )
            for epoch in (5, 25, 100)  # smaller data needs more
            for rate in (0.1, 0.5, 1.0)
        ]
    return max(classifiers, key=lambda one: accuracy(one.answer, name, splits.valid))


def accuracy(answer: Answer, name: str, examples: Examples) -> float:
    """Returns the share of the task's texts with the correct label."""
    texts, labels = of_task(name, examples)
    pairs = zip(answer(texts), labels, strict=True)
    return float(np.mean([said == label for said, label in pairs]))


def of_task(name: str, examples: Examples) -> tuple[list[str], list]:
    """Returns the texts that have a label of a task, and these labels."""
    pairs = zip(examples.texts, examples.labels[name], strict=True)
    texts, labels = zip(*[pair for pair in pairs if pair[1] is not None])
    return list(texts), list(labels)


def _encoded(name: str, task: Task, part: Examples):
    """Returns all texts, with targets and weights of one of the tasks."""
    alone = replace(part, labels={name: part.labels[name]})
    targets, weights = encode_labels(alone, {name: task})
    return part.texts, targets[name], weights[name]


def _labelled(name: str, task: Task, part: Examples) -> tuple[list[str], np.ndarray]:
    """Returns the texts that have a label of a task, and their targets."""
    texts, targets, weights = _encoded(name, task, part)
    rows = np.flatnonzero(weights)
    return [texts[row] for row in rows], targets[rows]


def _spaced(text: str) -> str:
    return " ".join(_WORDS.findall(text.lower()))
