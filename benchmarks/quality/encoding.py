"""Logistic regression on frozen vectors of sentence encoders, from few rows and all.

python -m benchmarks.quality.encoding runs/static_encoder --teacher model.onnx
    --data trec subj sst2

Beside them are TF-IDF of words and of two words in a row, and the vectors of a teacher.
The regularisation is chosen on the validation part. Of several labels of a text the
first one counts. With `--speed` their texts a second are measured instead, in batches
of 32 on one core.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import zoo
from benchmarks.front import one_core
from benchmarks.quality.seeds import spread
from benchmarks.timing import interleave
from zoo.data import Examples, load_named
from zoo.families.encoding.cache import teacher_vectors
from zoo.families.encoding.teacher import Teacher
from zoo.reporting.markdown import markdown_table

STRENGTHS = (1.0, 4.0, 16.0, 64.0)  # of `C`
FEW = 8  # rows of each class
BATCH, BATCHES, ROUNDS = 32, 8, 15

Rows = tuple[list[str], np.ndarray]  # texts and labels


def rows_of(part: Examples, most: int | None) -> Rows:
    """Returns the texts of the first task that have a label, and the first label of it.

    Args:
        part: of a named set.
        most: maximum number of rows, drawn at random; `None` for all.
    """
    [labels, *_] = part.labels.values()
    several = isinstance(next(iter(labels)), (list, tuple))
    first = [one[0] if one else None for one in labels] if several else labels
    known = np.array([row for row, label in enumerate(first) if label is not None])
    if most is not None and len(known) > most:
        known = np.sort(np.random.default_rng(0).choice(known, most, replace=False))
    return [part.texts[r] for r in known], np.array([str(first[r]) for r in known])


def some_of_each(labels: np.ndarray, seed: int) -> np.ndarray:
    """Returns the places of 8 rows of each class, or of all that a class has."""
    order = np.random.default_rng(seed).permutation(len(labels))
    chosen = [order[labels[order] == name][:FEW] for name in np.unique(labels)]
    return np.sort(np.concatenate(chosen))


def accuracy(train, valid, test) -> float:
    """Returns the test accuracy in % with the `C` that is best on the validation rows.

    Each argument has the features and the labels of a part.
    """
    fitted = [LogisticRegression(C=c, max_iter=300).fit(*train) for c in STRENGTHS]
    best = max(fitted, key=lambda model: model.score(*valid))
    return 100 * best.score(*test)


def tf_idf(train, valid, test) -> list:
    """Features that are learned from the training texts."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(train)
    return [words.transform(texts) for texts in (train, valid, test)]


def measured(
    parts: Sequence[Rows], encoders: Mapping[str, Callable], draws: int
) -> dict[str, tuple[float, list[float]]]:
    """Returns the accuracy on all rows, and on few rows in each draw, by features.

    Args:
        parts: training, validation and test rows.
        encoders: by name, from texts to vectors.
        draws: number of draws of few rows.
    """
    texts, labels = zip(*parts, strict=True)
    every = np.arange(len(labels[0]))
    few = [some_of_each(labels[0], seed) for seed in range(draws)]

    def scores(features_of: Callable) -> tuple[float, list[float]]:
        found = []
        for rows in [every, *few]:
            answers = labels[0][rows], *labels[1:]
            pairs = zip(features_of(rows), answers, strict=True)
            found.append(accuracy(*pairs))
        return found[0], found[1:]

    def words_of(rows: np.ndarray) -> list:
        return tf_idf([texts[0][row] for row in rows], *texts[1:])

    found = {"TF-IDF": scores(words_of)}
    for name, encode in encoders.items():
        train, *rest = (np.asarray(encode(part), "float32") for part in texts)
        found[name] = scores(lambda rows, train=train, rest=rest: [train[rows], *rest])
    return found


def tables(
    found: Mapping[str, Mapping[str, tuple[float, list[float]]]], most: int | None
) -> list:
    """Returns the rows of the table of all rows, or so many, and of that of few."""
    header = [*found, "mean"]
    full = [["all rows" if most is None else f"{most:,} rows", *header]]
    few = [[f"{FEW} rows a class", *header]]
    for name in next(iter(found.values())):
        scores = [one[name][0] for one in found.values()]
        full.append([name, *(f"{score:.1f}" for score in [*scores, np.mean(scores)])])
        drawn = np.array([one[name][1] for one in found.values()])
        few.append([name, *map(spread, [*drawn, drawn.mean(axis=0)])])
    return [full, few]


def speeds(encoders: Mapping[str, Callable], texts: Sequence[str]) -> list:
    """Returns the rows of a table of texts a second, beside those of the last encoder.

    Args:
        encoders: by name, from texts to vectors; they take turns.
        texts: some of which are encoded.
    """
    places = np.random.default_rng(0).permutation(len(texts))[: BATCH * BATCHES]
    batches = [
        [texts[place] for place in places[start : start + BATCH]]
        for start in range(0, len(places), BATCH)
    ]

    def case(encode: Callable) -> Callable:
        return lambda: [encode(batch) for batch in batches]

    taken = interleave({name: case(one) for name, one in encoders.items()}, ROUNDS)
    *_, last = taken.values()
    rows = [["batches of 32", "texts/s", "ratio"]]
    for name, seconds in taken.items():
        speed, ratio = len(places) / np.median(seconds), np.median(last / seconds)
        rows.append([name, f"{speed:,.0f}", f"{ratio:.1f}"])
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("encoders", nargs="*", type=Path, help="folders of models")
    parser.add_argument("--teacher", help="an ONNX file")
    parser.add_argument("--tokenizer", default="", help="its tokenizer.json")
    parser.add_argument("--data", nargs="+", required=True, help="named sets")
    parser.add_argument("--most", type=int, help="maximum number of rows of a part")
    parser.add_argument("--draws", type=int, default=5, help="of few rows (5)")
    parser.add_argument("--speed", action="store_true", help="texts a second instead")
    options = parser.parse_args(arguments)
    if options.speed:
        with one_core():
            _print_speeds(options)
    else:
        _print_accuracies(options)


def _encoders(options: argparse.Namespace) -> dict[str, Callable]:
    return {folder.name: zoo.load(folder).embed for folder in options.encoders}


def _print_speeds(options: argparse.Namespace) -> None:
    encoders = _encoders(options)
    if options.teacher:
        encoders["teacher"] = Teacher(options.teacher, options.tokenizer)
    for name in options.data:
        print(f"{name}:\n")
        texts = load_named(name).test.texts
        print(markdown_table(speeds(encoders, texts)), end="\n\n")


def _print_accuracies(options: argparse.Namespace) -> None:
    warnings.simplefilter("ignore", ConvergenceWarning)  # 300 steps are enough
    encoders = _encoders(options)
    if options.teacher:
        teacher = Teacher(options.teacher, options.tokenizer)
        encoders["teacher"] = lambda texts: teacher_vectors(teacher, texts)
    found = {}
    for name in options.data:
        parts = load_named(name).parts.values()
        rows = [rows_of(part, options.most) for part in parts]
        found[name] = measured(rows, encoders, options.draws)
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    for table in tables(found, options.most):
        print(markdown_table(table), end="\n\n")
    print(f"Test accuracy in %; few rows: mean ± deviation over {options.draws} draws.")


if __name__ == "__main__":
    main()
