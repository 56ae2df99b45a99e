"""Accuracy, latency, texts per second and size of classifiers, all in one run.

    python -m benchmarks.front --teacher minilm/model.onnx
    python -m benchmarks.front --data trec --models text_cnn bilstm:units=64
    python -m benchmarks.front --data trec --exported saved_models/*

Models are trained with their default settings and exported to
`runs/front/DATA/exported/`, where a later run takes them; training is slow and may run
on a busy machine, the measurement needs a quiet one.

Texts go in and labels come out, on one core: an export answers through the session of
TF Serving's core, without network; scikit-learn, fastText and the teacher through
Python, with the time of splitting into words. All take turns, round by round in random
order, on the same texts of the test part, which are drawn again for each round.

Where the data have several tasks, the accuracy is the mean over them. An export answers
all of them at once; of the others, which have one model for each task, the first is
timed, on its own texts.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np

from benchmarks import competitors
from benchmarks.competitors import Answer, Classifier, accuracy, of_task
from benchmarks.quality import seeds
from benchmarks.quality.text_classification import FAMILY
from benchmarks.timing import interleave
from zoo.data import Splits, learn_tasks, load_named
from zoo.families.catalogue import parse_overrides
from zoo.reporting.markdown import markdown_table
from zoo.reporting.plots import write_speeds
from zoo.serving.served import read_metadata, version_folder
from zoo.serving.session import load_session
from zoo.tasks import Task
from zoo.text import as_bytes

DATA = ("sst2", "snips_intent", "hutto", "imdb")
MODELS = (
    "linear:weights=none",
    "linear",
    "text_cnn",
    "bilstm",
    "bilstm:cell=sru",
    "flstm",
    "glstm",
    "bilstm_mt",
)


def category_tasks(splits: Splits, data: str) -> dict[str, Task]:
    """Returns the tasks of a data set, all of which must have categories."""
    tasks = learn_tasks(splits.train)
    kinds = {task.kind for task in tasks.values()}
    if kinds != {"categories"}:
        raise SystemExit(
            "`--data` must have tasks with categories, such as trec or hutto. "
            f"Received: {data} with tasks of kind {', '.join(sorted(kinds))}."
        )
    return tasks


def exported_by(
    model: str, overrides: Sequence[str], splits: Splits, folder: Path
) -> Path:
    """Returns the export of a model, which is trained unless an earlier run did."""
    name, own = seeds.parse_model(model)
    row = re.sub(r"[^\w.=-]+", "_", model)
    place = folder / "exported" / row
    if not place.exists():
        settings, keywords = parse_overrides([*overrides, *own], name)
        text_model, _ = FAMILY.trial(
            name, splits, settings, keywords, folder=folder / "runs" / row
        )
        FAMILY.export(text_model, splits, place)
        print(f"exported: {place}", file=sys.stderr)
    return place


def served(folder: Path, tasks: Mapping[str, Task]) -> dict[str, Classifier]:
    """Loads the newest version in a folder, with the loader of TF Serving's core.

    Args:
        folder: folder of an exported model.
        tasks: the tasks whose labels it must have.

    Returns:
        For each task a classifier; each call of one computes all tasks.
    """
    folder = version_folder(folder, None)
    metadata = read_metadata(folder)
    labels = {name: task.get("labels") for name, task in metadata["tasks"].items()}
    if {name: set(found or ()) for name, found in labels.items()} != {
        name: set(task.labels) for name, task in tasks.items()
    }:
        raise SystemExit(
            "`--exported` must be trained on the data: tasks "
            f"{ {name: task.labels for name, task in tasks.items()} }. "
            f"Received: {folder} with {labels}."
        )
    session, signatures = load_session(folder)
    signature = signatures["serving_default"]
    names = list(signature.outputs)
    run = session.make_callable(
        [signature.outputs[name].name for name in names],
        feed_list=[signature.inputs["text"].name],
    )

    def answer_of(task: str) -> Answer:
        # The label is empty if a model abstains.
        scores = names.index(metadata["outputs"][task]["scores"])

        def answer(texts: Sequence[str]) -> list[str]:
            rows = np.array([as_bytes(text) for text in texts], object)
            return [labels[task][best] for best in run(rows)[scores].argmax(axis=-1)]

        return answer

    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {name: Classifier(answer_of(name), size, str(folder)) for name in tasks}


def fitted(splits: Splits, tasks: Mapping[str, Task], teacher: Path | None) -> dict:
    """Returns the competitors by name, each with a classifier for each task."""
    makers: dict[str, Callable] = {
        "majority": competitors.majority,
        "TF-IDF, logistic regression": competitors.linear,
        "fastText": competitors.fasttext,
    }
    if teacher:
        makers["teacher, logistic regression"] = lambda *given: competitors.encoder(
            teacher, *given
        )
    found = {
        row: {name: make(name, task, splits) for name, task in tasks.items()}
        for row, make in makers.items()
    }
    return {row: by_task for row, by_task in found.items() if all(by_task.values())}


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
    sizes: Mapping[str, float],
    seconds: Mapping[int, Mapping[str, np.ndarray]],
    data: str,
) -> str:
    """Returns Markdown: a row per model, with speed, p50 and p99 per batch size."""
    header = [data, "test, %", "MB"]
    for size in seconds:
        header += [f"batch {size}, texts/s", "p50 / p99, ms"]
    rows = [header]
    for name, share in right.items():
        row = [name.replace("|", "\\|"), f"{100 * share:.1f}", f"{sizes[name]:.1f}"]
        for size, found in seconds.items():
            p50, p99 = np.percentile(found[name], [50, 99])
            row += [f"{size / p50:,.0f}", f"{1e3 * p50:.2f} / {1e3 * p99:.2f}"]
        rows.append(row)
    return markdown_table(rows)


def megabytes(by_task: Mapping[str, Classifier]) -> float:
    """Returns the size of a row's files; tasks of an export share them."""
    return sum({one.files: one.size for one in by_task.values()}.values()) / 1e6


@contextmanager
def one_core() -> Iterator[None]:
    """Keeps this process on one core, and libraries with threads of their own."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def loaded(
    places: Sequence[Path], tasks: Mapping[str, Task]
) -> dict[str, dict[str, Classifier]]:
    """Returns the exports by name, or by where their paths differ."""
    if not places:
        return {}
    names = [place.name for place in places]
    if len({*names}) < len(names):
        common = os.path.commonpath([place.parent for place in places])
        names = [str(place.relative_to(common)) for place in places]
    found = [served(place, tasks) for place in places]
    return dict(zip(names, found, strict=True))


def mean_accuracy(by_task: Mapping[str, Classifier], splits: Splits) -> float:
    """Returns the mean over the tasks of the accuracy on the test part."""
    found = [accuracy(one.answer, task, splits.test) for task, one in by_task.items()]
    return float(np.mean(found))


def measure(data: str, options: argparse.Namespace) -> None:
    """Trains, times and prints the classifiers of one data set."""
    folder = options.folder / data
    splits = load_named(data)
    tasks = category_tasks(splits, data)
    trained = [
        exported_by(model, options.overrides, splits, folder)
        for model in options.models
    ]
    places = [place.absolute() for place in [*trained, *options.exported]]
    first = next(iter(tasks))
    texts, _ = of_task(first, splits.test)
    with one_core():
        models = fitted(splits, tasks, options.teacher)
        models |= loaded(places, tasks)
        right = {row: mean_accuracy(found, splits) for row, found in models.items()}
        print(
            f"{data}: one core, {options.rounds} rounds, load "
            f"{os.getloadavg()[0]:.1f}; {len(texts):,} texts of "
            f"{np.mean([len(t.split()) for t in texts]):.1f} words on average"
        )
        answers = {row: found[first].answer for row, found in models.items()}
        seconds = {
            size: time_answers(answers, texts, size, options.rounds)
            for size in options.batch_sizes
        }
    sizes = {row: megabytes(found) for row, found in models.items()}
    text = table(right, sizes, seconds, data)
    print(f"\n{text}\n")
    if "fastText" not in models:
        print("fastText is not installed: pip install -e '.[benchmark]'")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "front.md").write_text(text + "\n", "utf-8")
    speeds = {
        size: {
            row: size / float(np.median(found[row]))
            for row in right
            if row != "majority"  # so fast that the others could not be told apart
        }
        for size, found in seconds.items()
    }
    write_speeds(speeds, right, folder / "front.png")
    print(f"Plot: {folder / 'front.png'}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--data", nargs="+", default=DATA, help=f"named sets ({' '.join(DATA)})"
    )
    seeds.add_models(parser, models=[])
    parser.add_argument(
        "--exported",
        nargs="+",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="folders of exported models; without any, and without --models, these "
        f"are trained: {' '.join(MODELS)}",
    )
    parser.add_argument(
        "--teacher", type=Path, help="the ONNX file of a sentence encoder"
    )
    parser.add_argument("--batch-sizes", nargs="+", type=int, default=[1, 32, 256])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--folder", type=Path, default=Path("runs/front"))
    options = parser.parse_args(arguments)
    if not options.models and not options.exported:
        options.models = MODELS
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    for data in options.data:
        measure(data, options)


if __name__ == "__main__":
    main()
