"""Sentences per second, latency and accuracy of exported classifiers.

    python benchmarks/serving.py --data trec --models text_cnn bilstm:units=64
    python benchmarks/serving.py --data trec --exported saved_models/*

`--models` trains with the recipe, with default settings, and exports to
`runs/serving/DATA/exported/`; training is slow and may run on a busy machine, so the
second form times exports of an earlier run or of `zoo train`.

Texts go in and labels and scores come out: an export answers through the session of TF
Serving's core, without network; scikit-learn and fastText through Python, with the time
of splitting into words. All models take turns, round by round in random order, on the
same texts of the test part, which are drawn again for each round.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import re
import sys
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).parent)]

import numpy as np  # noqa: E402
from serving_others import (  # noqa: E402
    Answer,
    accuracy,
    fasttext_answer,
    linear_answer,
)
from timing import interleave  # noqa: E402

from benchmarks.quality.seeds import parse_model  # noqa: E402
from benchmarks.quality.text_classification import FAMILY  # noqa: E402
from zoo.data import Splits, learn_tasks, load_named  # noqa: E402
from zoo.families.catalogue import parse_overrides  # noqa: E402
from zoo.families.classification.report import markdown_table  # noqa: E402
from zoo.reporting.plots import write_speeds  # noqa: E402
from zoo.serving.served import read_metadata, version_folder  # noqa: E402
from zoo.serving.session import load_session  # noqa: E402
from zoo.tasks import Task  # noqa: E402
from zoo.text import as_bytes  # noqa: E402
from zoo.text.imports import tf  # noqa: E402


def only_task(splits: Splits, data: str) -> tuple[str, Task]:
    """Returns name and labels of the one task of a data set."""
    tasks = learn_tasks(splits.train)
    kinds = [task.kind for task in tasks.values()]
    if kinds != ["categories"]:
        raise SystemExit(
            "`--data` must have one task, with categories, such as trec or sst2. "
            f"Received: {data} with tasks of kind {', '.join(kinds)}."
        )
    return next(iter(tasks.items()))


def train_and_export(
    model: str, overrides: Sequence[str], splits: Splits, folder: Path
) -> Path:
    """Trains a model with the recipe; returns the folder of its versions."""
    name, own = parse_model(model)
    settings, keywords = parse_overrides([*overrides, *own], name)
    row = re.sub(r"[^\w.=-]+", "_", model)
    text_model, _ = FAMILY.trial(
        name, splits, settings, keywords, folder=folder / "runs" / row
    )
    place = folder / "exported" / row
    FAMILY.export(text_model, splits, place)
    print(f"exported: {place}", file=sys.stderr)
    return place


def served_answer(folder: Path, task: Task, threads: int) -> Answer:
    """Loads the newest version in a folder, with the loader of TF Serving's core.

    Args:
        folder: folder of an exported model.
        task: the task whose labels it must have.
        threads: threads per operation, and operations that run in parallel.
    """
    folder = version_folder(folder, None)
    tasks = read_metadata(folder)["tasks"]
    labels = next(iter(tasks.values()), {}).get("labels")
    if len(tasks) != 1 or set(labels) != set(task.labels):
        raise SystemExit(
            f"`--exported` must be trained on the data: one task of {task.labels}. "
            f"Received: {folder} with {tasks}."
        )
    session, signatures = load_session(folder, threads)
    signature = signatures["serving_default"]
    names = list(signature.outputs)
    run = session.make_callable(
        [signature.outputs[name].name for name in names],
        feed_list=[signature.inputs["text"].name],
    )
    scores = names.index("scores")  # the label is empty if a model abstains

    def answer(texts: Sequence[str]) -> list[str]:
        rows = np.array([as_bytes(text) for text in texts], object)
        return [labels[best] for best in run(rows)[scores].argmax(axis=-1)]

    return answer


def time_answers(
    answers: Mapping[str, Answer], texts: Sequence[str], size: int, rounds: int
) -> dict[str, np.ndarray]:
    """Returns seconds `[rounds]` that each model takes for `size` texts."""
    generator = random.Random(0)
    batches = [generator.choices(texts, k=size) for _ in range(rounds)]

    def case(answer: Answer):
        stream = cycle(batches)
        return lambda: answer(next(stream))

    return interleave({name: case(a) for name, a in answers.items()}, rounds)


def table(
    right: Mapping[str, float],
    seconds: Mapping[int, Mapping[str, np.ndarray]],
    data: str,
) -> str:
    """Returns Markdown: one row per model, with speed, p50 and p99 per batch size."""
    header = [data, "test, %"]
    for size in seconds:
        header += [f"batch {size}, texts/s", "p50 / p99, ms"]
    rows = [header]
    for name, share in right.items():
        row = [name.replace("|", "\\|"), f"{100 * share:.1f}"]
        for size, found in seconds.items():
            p50, p99 = np.percentile(found[name], [50, 99])
            row += [f"{size / p50:,.0f}", f"{1e3 * p50:.2f} / {1e3 * p99:.2f}"]
        rows.append(row)
    return markdown_table(rows)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", default="trec", help="named data set (default: trec)")
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="NAME[:KEY=VALUE,...]",
        help="registered models to train, each with its own settings or arguments",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="settings or builder arguments of all trained models",
    )
    parser.add_argument(
        "--exported",
        nargs="+",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="folders of exported models",
    )
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[1, 32, 256])
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument(
        "--threads",
        type=int,
        default=1,
        help="threads of TensorFlow; the others have one (default: 1)",
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/serving"))
    options = parser.parse_args(arguments)
    if not options.models and not options.exported:
        parser.error("`--models` or `--exported` must be given. Received: neither.")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    folder = options.folder / options.data
    splits = load_named(options.data)
    name, task = only_task(splits, options.data)
    exported = [
        train_and_export(model, options.overrides, splits, folder)
        for model in options.models
    ]
    places = [place.absolute() for place in [*exported, *options.exported]]
    common = os.path.commonpath([place.parent for place in places])
    answers = {
        str(place.relative_to(common)): served_answer(place, task, options.threads)
        for place in places
    }
    answers["TF-IDF, logistic regression"] = linear_answer(name, task, splits)
    if fasttext := fasttext_answer(name, task, splits):
        answers["fastText"] = fasttext
    right = {key: accuracy(a, name, splits.test) for key, a in answers.items()}
    texts = splits.test.texts
    print(
        f"tensorflow {tf.__version__}, {options.threads} thread(s), "
        f"{options.rounds} rounds, load {os.getloadavg()[0]:.1f}; {len(texts):,} texts "
        f"of {np.mean([len(text.split()) for text in texts]):.1f} words on average"
    )
    seconds = {
        size: time_answers(answers, texts, size, options.rounds)
        for size in options.batch_sizes
    }
    print(f"\n{table(right, seconds, options.data)}\n")
    if fasttext is None:
        print("fastText is not installed: pip install -e '.[benchmark]'")
    speeds = {
        size: {key: size / float(np.median(s)) for key, s in found.items()}
        for size, found in seconds.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_speeds(speeds, right, folder / "speeds.png")
    print(f"Plot: {folder / 'speeds.png'}")


if __name__ == "__main__":
    main()
