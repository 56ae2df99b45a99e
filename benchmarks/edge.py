"""Every classifier on LiteRT and onnxruntime: size, difference from Python, latency.

    python benchmarks/edge.py                     # all classifiers
    python benchmarks/edge.py text_cnn bilstm     # these
    python benchmarks/edge.py --length 128

Models have their default sizes, a vocabulary of 20,000 and two tasks; weights are
random. Latency is the median of 50 calls with one text of full length, from ids to
scores, on one thread each, with the processor time in brackets. The SavedModel holds
the same function of ids, called in this process: as for the others, strings and a
server's work are excluded.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

import zoo  # noqa: E402
from zoo.edge.compare import sample_tokens  # noqa: E402
from zoo.edge.model import read_metadata  # noqa: E402
from zoo.serving.answers import probabilities  # noqa: E402
from zoo.tasks import as_tasks  # noqa: E402
from zoo.text.vocabulary import SPECIALS  # noqa: E402

VOCAB_SIZE = 20_000
TASKS = as_tasks({"mood": 2, "topic": 6})


def text_model(name: str, length: int) -> zoo.TextModel:
    """Returns a model with random weights, and a pipeline of its size."""
    words = [f"word{number}" for number in range(VOCAB_SIZE - len(SPECIALS))]
    pipeline = zoo.TextPipeline([*SPECIALS, *words], max_length=length)
    return zoo.TextModel(zoo.get(name, VOCAB_SIZE, TASKS), pipeline, TASKS)


def saved_model(model, folder: str):
    """Returns a call of the SavedModel from ids to scores."""
    tokens = tf.TensorSpec([None, None], tf.int32, name="tokens")
    module = tf.Module()
    module.weights = [variable.value for variable in model.weights]

    @tf.function(input_signature=[tokens], autograph=False)
    def scores(tokens):
        outputs = model(tokens, training=False)
        return {name: probabilities(outputs[name], TASKS[name]) for name in TASKS}

    tf.saved_model.save(module, folder, signatures=scores)
    # The signature does not keep the loaded object alive.
    loaded = tf.saved_model.load(folder)
    return lambda row: (loaded.signatures["serving_default"](tokens=row), loaded)[0]


def measure(calls: dict, row, rounds: int = 50) -> dict[str, str]:
    """Returns the median milliseconds of each call, and of processor time.

    Calls take turns, so that other load on the machine slows all of them.
    """
    found = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter(), time.process_time()
            call(row)
            end = time.perf_counter(), time.process_time()
            found[name].append([b - a for a, b in zip(start, end)])
    medians = {name: 1e3 * np.median(values, axis=0) for name, values in found.items()}
    return {name: f"{wall:.2f} ({cpu:.2f})" for name, (wall, cpu) in medians.items()}


def table_row(name: str, length: int) -> list[str]:
    """Returns the cells of a model, or the reason why a runtime cannot run it."""
    model, files, reasons = text_model(name, length), {}, {}
    with tempfile.TemporaryDirectory() as folder:
        calls = {"SavedModel": saved_model(model.model, f"{folder}/saved_model")}
        for runtime in zoo.edge.RUNTIMES:
            target = Path(folder, runtime)
            try:
                zoo.edge.export(model, target, runtime=runtime, length=length)
            except zoo.edge.EdgeError as error:
                reasons[runtime] = [str(error), "", ""]
                continue
            [files[runtime]] = read_metadata(target)["files"].values()
            calls[runtime] = zoo.edge.EdgeModel(target)
        times = measure(calls, sample_tokens(VOCAB_SIZE, length)[-1][:1])
    cells = [f"`{name}`", times["SavedModel"]]
    for runtime in zoo.edge.RUNTIMES:
        cells += reasons.get(runtime) or [
            f"{files[runtime]['bytes'] / 2**20:.1f}",
            f"{files[runtime]['largest_difference']:.0e}",
            times[runtime],
        ]
    return cells


def main() -> None:
    names = [
        name
        for name in zoo.list_models()
        if "text classification" in zoo.describe(name).task
    ]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=names)
    parser.add_argument("--length", type=int, default=32)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    print(
        "| model | SavedModel, ms | LiteRT, MiB | difference | ms | "
        "ONNX, MiB | difference | ms |"
    )
    print("| --- " * 8 + "|")
    for name in options.models:
        print(f"| {' | '.join(table_row(name, options.length))} |", flush=True)


if __name__ == "__main__":
    main()
