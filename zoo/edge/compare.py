"""Compares the answers and the speed of a file with the model in Python."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np
from scipy.special import logit

from zoo.edge.graph import score_names
from zoo.tasks import Task, answers_of
from zoo.training.metrics import evaluate

_ROWS = 4  # of each length
_WARM, _ROUNDS = 5, 50
_TINY = 1e-12  # least probability whose logarithm is taken


def sample_tokens(vocab_size: int, length: int) -> list[np.ndarray]:
    """Returns unpadded rows of ids of length 1, of half of `length`, and of `length`.

    Example:
        >>> [rows.shape for rows in sample_tokens(50, 16)]
        [(4, 1), (4, 8), (4, 16)]
    """
    generator = np.random.default_rng(0)
    lengths = sorted({1, (length + 1) // 2, length})
    return [
        generator.integers(1, vocab_size, (_ROWS, size), "int32") for size in lengths
    ]


def scores_of(
    model: keras.Model, tasks: Mapping[str, Task], tokens: np.ndarray
) -> dict[str, np.ndarray]:
    """Returns Python's scores `[batch, outputs]` by output, of ids `[batch, time]`."""
    logits, names = model(tokens, training=False), score_names(tasks)
    rows = {
        name: answers_of(keras.ops.convert_to_numpy(logits[name]), task)
        for name, task in tasks.items()
    }
    return {
        names[name]: np.array([answer["scores"] for answer in answers])
        for name, answers in rows.items()
    }


def largest_difference(
    run: Callable,
    tasks: Mapping[str, Task],
    expected: Iterable[tuple[np.ndarray, Mapping]],
    length: int,
) -> float:
    """Returns the largest difference between a file and Python; infinite for NaN.

    For a regression it is relative to its targets' scale, or to its distance from their
    mean if that is larger, and excludes the rounding of its value to float32.

    Args:
        run: from ids `[batch, time]` to scores by output.
        tasks: the tasks.
        expected: ids without padding, and Python's scores of them.
        length: the ids are passed padded to this length, and unpadded as well.
    """
    worst, units = 0.0, {score_names(tasks)[name]: tasks[name] for name in tasks}
    for tokens, scores in expected:
        padding = [(0, 0), (0, length - tokens.shape[1])]
        for given in (tokens, np.pad(tokens, padding)):
            found = run(given)
            for name, wanted in scores.items():
                gap = np.abs(found[name] - wanted)
                if units[name].kind == "regression":
                    gap = _in_units(gap, wanted, units[name])
                worst = max(worst, float(np.nan_to_num(gap, nan=np.inf).max()))
    return worst


def _in_units(gap: np.ndarray, wanted: np.ndarray, task: Task) -> np.ndarray:
    rounding = 2 * np.finfo("float32").eps * np.maximum(np.abs(wanted), abs(task.mean))
    unit = np.maximum(np.abs(wanted - task.mean), task.scale)
    return np.maximum(gap - rounding, 0.0) / unit


def median_milliseconds(run: Callable, tokens: np.ndarray) -> float:
    """Returns the median time of a call, after a few warm-up calls."""
    seconds = []
    for _ in range(_WARM + _ROUNDS):
        start = time.perf_counter()
        run(tokens)
        seconds.append(time.perf_counter() - start)
    return 1e3 * float(np.median(seconds[_WARM:]))


def metrics_of(
    run: Callable,
    tasks: Mapping[str, Task],
    tokens: Iterable[np.ndarray],
    targets: Mapping[str, np.ndarray],
    weights: Mapping[str, np.ndarray],
) -> dict[str, dict]:
    """Returns metrics by task, from `zoo.training.metrics.evaluate`.

    Args:
        run: from ids `[batch, time]` to scores by output.
        tasks: the tasks.
        tokens: the ids of each text.
        targets: by task, what `zoo.data.encode_labels` returns.
        weights: likewise.
    """
    names = score_names(tasks)
    answers = [run(row[None]) for row in tokens]
    results = {}
    for name, task in tasks.items():
        scores = np.concatenate([answer[names[name]] for answer in answers])
        # `evaluate` expects model outputs.
        wide = scores.astype("float64")
        if task.kind == "regression":
            logits = task.standardised(wide)
        elif task.kind == "multilabel":
            logits = task.temperature * logit(np.clip(wide, _TINY, 1 - _TINY))
        else:
            logits = task.temperature * np.log(np.maximum(wide, _TINY))
        results[name] = evaluate(task, targets[name], weights[name], logits)
    return results
