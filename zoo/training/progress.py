"""Progress of a fit in the terminal: a bar per epoch, then a line with each task."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sized

import keras
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from zoo.tasks import Task
from zoo.training.metrics import MAIN_METRIC, UNDEFINED, log_prefixes, metric_names


class Progress(keras.callbacks.Callback):
    """Shows loss and per-task metrics; without a terminal, one line per epoch.

    Args:
        tasks: the tasks by name.
        epochs: maximum number of epochs.
        batches: batches of the training split; their number is that of the steps.
        done: epochs finished by an earlier run.
        what: text before the number of the epoch.
        console: output; standard error by default, so that standard output can be
            piped.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        epochs: int,
        batches: Sized,
        *,
        done: int = 0,
        what: str = "epoch",
        console: Console | None = None,
    ) -> None:
        super().__init__()
        self.tasks = tasks
        self.epochs = epochs
        self.batches = batches
        self.done = done
        self.what = what
        self.console = console or Console(stderr=True, highlight=False)

    def on_train_begin(self, logs=None) -> None:
        if self.done:
            self.console.print(f"continuing after epoch {self.done}", markup=False)

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self._start = time.perf_counter()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} batches"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}", markup=False),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._bar.start()
        name = f"{self.what} {epoch + 1}/{self.epochs}"
        self._row = self._bar.add_task(name, total=len(self.batches), metrics="")

    def on_train_batch_end(self, batch: int, logs=None) -> None:
        if not self._bar.disable:
            text = f"loss {logs['loss']:.3f} {self._metrics(logs, '')}"
            self._bar.update(self._row, completed=batch + 1, metrics=text)

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        self._bar.stop()
        seconds = time.perf_counter() - self._start
        line = (
            f"{self.what} {epoch + 1}/{self.epochs}  {seconds:.0f} s  "
            f"loss {logs['loss']:.4f}"
        )
        for key in ("perplexity", "val_perplexity"):  # of language models
            if key in logs:
                line += f"  {key.replace('val_', 'valid ')} {logs[key]:.2f}"
        if "val_score" in logs:  # of taggers
            score = logs["val_score"]
            shown = UNDEFINED if math.isnan(score) else f"{score:.4f}"
            line += f"  valid score {shown}"
        if "val_loss" in logs:
            line += (
                f"  valid loss {logs['val_loss']:.4f}  {self._metrics(logs, 'val_')}"
            )
        self.console.print(line, markup=False, soft_wrap=True)

    def on_train_end(self, logs=None) -> None:
        self._bar.stop()

    def _metrics(self, logs: Mapping[str, float], prefix: str) -> str:
        parts = {
            name: float(logs[prefix + key])
            for name, key in metric_names(self.tasks).items()
            if prefix + key in logs
        }
        known = [name for name, value in parts.items() if not math.isnan(value)]
        if len(known) > 6:  # too many for a line: show their mean and the extremes
            known.sort(key=parts.__getitem__)
            mean = sum(parts[name] for name in known) / len(known)
            low, high = known[0], known[-1]
            return (
                f"mean of {len(known)} tasks {mean:.3f} "
                f"(least {_shown(low)} {parts[low]:.3f}, "
                f"most {_shown(high)} {parts[high]:.3f})"
            )
        return "  ".join(
            self._part(name, value, logs, prefix) for name, value in parts.items()
        )

    def _part(self, name: str, value: float, logs: Mapping, prefix: str) -> str:
        metric = MAIN_METRIC[self.tasks[name].kind]
        if not math.isnan(value):
            return f"{_shown(name)} {metric} {value:.3f}"
        error = logs.get(f"{prefix}{log_prefixes(self.tasks)[name]}mae")
        instead = "" if error is None else f", mae {error:.5g}"
        return f"{_shown(name)} {metric} {UNDEFINED}{instead}"


def _shown(name: str) -> str:
    """Returns a name, which may hold line breaks, as one line."""
    return " ".join(name.split())
