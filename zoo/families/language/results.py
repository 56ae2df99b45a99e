"""The results of a trained language model; needs no text and no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from zoo.families.language.costs import count_weights
from zoo.families.language.perplexity import perplexity
from zoo.training.callbacks import SHARES


def results_of(
    model: keras.Model, streams: Mapping[str, np.ndarray], history: list[dict]
) -> dict:
    """Returns perplexities of one stream, their cost, and the training curve."""
    seconds = [logs["seconds"] for logs in history]
    tokens = sum(logs["tokens"] for logs in history)
    found = {
        part: perplexity(model, streams[part])
        if len(streams[part]) > 1
        else float("nan")
        for part in ("valid", "test")
    }
    weights, operations = count_weights(model)
    return {
        **found,
        "parameters": model.count_params(),
        "weights": weights,
        "operations": operations,
        "load": _loads(history[-1]) if history else {},
        "epochs": len(history),
        "seconds": sum(seconds),
        "words_per_second": tokens / sum(seconds),
        "curve": _curve(history),
    }


def _curve(history: list[dict]) -> list[list[float]]:
    """Returns pairs of seconds of training and validation perplexity."""
    points, begun = [], 0.0
    for logs in history:
        points += [[begun + at, found] for at, found in logs.get("midway", [])]
        begun += logs["seconds"]
        if "val_perplexity" in logs:
            points.append([begun, logs["val_perplexity"]])
    return points


def _loads(logs: Mapping) -> dict[str, float]:
    """Returns, by layer of experts, the largest load of an epoch over the mean."""
    return {
        name.removesuffix(SHARES): float(np.max(shares) * len(shares))
        for name, shares in logs.items()
        if name.endswith(SHARES)
    }
