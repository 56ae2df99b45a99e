"""The classifiers that the zoo is compared with, as functions from texts to labels.

scikit-learn is a dependency of the zoo; fastText needs `pip install -e '.[benchmark]'`.
"""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from zoo.data import Examples, Splits, encode_labels
from zoo.families.classification.linear import fit_linear
from zoo.tasks import Task

# A classifier as a function from texts to labels.
Answer = Callable[[Sequence[str]], list[str]]

_WORDS = re.compile(r"\w+|[^\w\s]")  # fastText itself only splits at white space
_MARK = "__label__"


def linear_answer(name: str, task: Task, splits: Splits) -> Answer:
    """scikit-learn's TF-IDF and logistic regression, the baseline of every report."""

    def part(examples: Examples):
        targets, weights = encode_labels(examples, {name: task})
        return examples.texts, targets[name], weights[name]

    outputs = fit_linear(task, part(splits.train), part(splits.valid))
    return lambda texts: [task.labels[best] for best in outputs(texts).argmax(axis=-1)]


def fasttext_answer(name: str, task: Task, splits: Splits) -> Answer | None:
    """fastText's classifier of words and word pairs; `None` without the package.

    Number of epochs and step size are chosen on the validation part. It has one thread,
    so that a second run gives the same model.
    """
    if not importlib.util.find_spec("fasttext"):
        return None
    import fasttext

    numbers = {label: number for number, label in enumerate(task.labels)}

    def answer_by(model) -> Answer:
        def answer(texts: Sequence[str]) -> list[str]:
            # A list, because prediction on a single text fails with NumPy 2.
            found, _ = model.predict([_spaced(text) for text in texts])
            return [task.labels[int(best.removeprefix(_MARK))] for [best] in found]

        return answer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.txt")
        pairs = zip(splits.train.labels[name], splits.train.texts, strict=True)
        lines = [f"{_MARK}{numbers[label]} {_spaced(text)}\n" for label, text in pairs]
        path.write_text("".join(lines), "utf-8")
        answers = [
            answer_by(
                fasttext.train_supervised(
                    str(path),
                    epoch=epoch,
                    lr=rate,
                    wordNgrams=2,
                    bucket=200_000,
                    thread=1,
                    verbose=0,
                )
            )
            for epoch in (5, 25, 100)  # smaller data needs more
            for rate in (0.1, 0.5, 1.0)
        ]
    return max(answers, key=lambda answer: accuracy(answer, name, splits.valid))


def accuracy(answer: Answer, name: str, examples: Examples) -> float:
    """Returns the share of texts with the correct label."""
    said = answer(examples.texts)
    return float(np.mean([a == b for a, b in zip(said, examples.labels[name])]))


def _spaced(text: str) -> str:
    return " ".join(_WORDS.findall(text.lower()))
