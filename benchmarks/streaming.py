"""Memory and speed of a training whose rows stay in their file, beside one in memory.

python -m benchmarks.streaming --data sst2 --rows 100000 1000000

The rows are those of a set, repeated with a number of their own. Each training is a
process that ends after some steps; the seconds are those of a step.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path


def write_rows(data: str, rows: int, path: Path) -> None:
    """Writes a CSV file of so many rows, from those of a named set."""
    from zoo.data import load_named

    train = load_named(data).train
    [labels] = train.labels.values()
    pairs = list(zip(train.texts, labels, strict=True))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(rows):
            text, label = pairs[number % len(pairs)]
            writer.writerow([f"{text} {number}", label])


def measure(path: Path, model: str, stream: bool, steps: int) -> tuple[float, ...]:
    """Returns seconds before the first step, seconds a step, and megabytes."""
    import keras

    import zoo

    class Done(Exception):
        """Ends the training."""

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == steps // 3:  # all shapes were compiled
                self.start = time.perf_counter()
            if batch == steps - 1:
                self.seconds = time.perf_counter() - self.start
                raise Done

        def on_train_begin(self, logs=None):
            self.began = time.perf_counter()

    watch, start = Watch(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            zoo.train(
                model,
                path,
                stream=stream,
                out=Path(folder, "run"),
                callbacks=[watch],
                verbose=False,
            )
        except Done:
            pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return watch.began - start, watch.seconds / (steps - 1 - steps // 3), peak


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", default="sst2", help="name of a set of one task")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--model", default="text_cnn")
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args(arguments)
    print("| rows | file, MB | read | before the first step, s | step, ms | peak, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "rows.csv")
            write_rows(options.data, rows, path)
            for stream in (False, True):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    job = path, options.model, stream, options.steps
                    before, step, peak = pool.apply(measure, job)
                cells = [f"{rows:,}", f"{path.stat().st_size / 1e6:.0f}"]
                cells += ["stream" if stream else "memory", f"{before:.0f}"]
                cells += [f"{1000 * step:.2f}", f"{peak:,.0f}"]
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
