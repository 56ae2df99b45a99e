"""Calibration error of a model's probabilities on held-out rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.special import expit, softmax

from zoo.families.classification.model import TextModel
from zoo.families.classification.train import Prepared
from zoo.tasks import Task
from zoo.training.chunks import chunks

BINS = 15


def confidences(task: Task, target, weight, logits) -> tuple[np.ndarray, np.ndarray]:
    """Returns the confidences of a model's answers, and whether they are correct.

    Returns:
        Probabilities `[answers]` and bools `[answers]`. Categories: one answer per row,
        the likeliest label. Multilabel: one per row and label, that the label applies.
    """
    target, logits = present_rows(target, weight, logits)
    if task.kind == "multilabel":
        confidence = expit(logits.astype("float64") / task.temperature)
        return confidence.ravel(), (target > 0).ravel()
    confidence = np.zeros(len(logits))
    for part in chunks(*logits.shape):
        scaled = logits[part].astype("float64") / task.temperature
        confidence[part] = softmax(scaled, axis=-1).max(-1)
    return confidence, logits.argmax(-1) == target


def reliability(confidence, right, bins: int = BINS) -> list[dict[str, float]]:
    """Compares confidence and accuracy in bins of equal width.

    Args:
        confidence: probabilities `[answers]`.
        right: bools `[answers]`.
        bins: number of bins between 0 and 1; empty ones are left out.

    Returns:
        For each bin the mean `confidence`, the `accuracy` and the number of `answers`.
    """
    confidence, right = np.asarray(confidence), np.asarray(right)
    # Bins are open on the left: 0.5 belongs to the lower one of two bins.
    places = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    return [
        {
            "confidence": float(confidence[places == place].mean()),
            "accuracy": float(right[places == place].mean()),
            "answers": int((places == place).sum()),
        }
        for place in np.unique(places)
    ]


def expected_calibration_error(confidence, right, bins: int = BINS) -> float:
    """`ECE = Σ_b (n_b / n) |accuracy_b - confidence_b|`; NaN without answers.

    Args:
        confidence: probabilities `[answers]`.
        right: bools `[answers]`.
        bins: number of bins of equal width.

    Example:
        >>> expected_calibration_error([0.9, 0.9, 0.9, 0.9], [1, 1, 1, 0]).__round__(6)
        0.15

    Source: Naeini et al. 2015; Guo et al. 2017, equation 3.
    """
    rows = reliability(confidence, right, bins)
    if not rows:
        return float("nan")
    gaps = [row["answers"] * abs(row["accuracy"] - row["confidence"]) for row in rows]
    return sum(gaps) / sum(row["answers"] for row in rows)


def describe_calibration(
    text_model: TextModel, prepared: Prepared, outputs: Mapping[str, np.ndarray]
) -> dict[str, dict]:
    """Returns the result of `describe` for each task on the test part, if defined.

    Args:
        text_model: the classifier.
        prepared: its data.
        outputs: of the test part, by task.
    """
    encoded = prepared.parts["test"]
    found = {
        name: describe(
            task, encoded.targets[name], encoded.weights[name], outputs[name]
        )
        for name, task in text_model.tasks.items()
    }
    return {name: facts for name, facts in found.items() if facts is not None}


def describe(task: Task, target, weight, logits) -> dict | None:
    """Describes the calibration of a task on held-out rows.

    Returns:
        `temperature`, `ece` and `ece_uncalibrated`, the `reliability`, and, for a task
        that may abstain, the share `answered` and the accuracy of these answers,
        `answered_accuracy`, NaN if there are none. `None` for a regression and
        without rows.
    """
    if task.kind == "regression" or not np.any(np.asarray(weight) > 0):
        return None
    answers = confidences(task, target, weight, logits)
    before = confidences(replace(task, temperature=1.0), target, weight, logits)
    facts = {
        "temperature": task.temperature,
        "ece": expected_calibration_error(*answers),
        "ece_uncalibrated": expected_calibration_error(*before),
        "reliability": reliability(*answers),
    }
    if task.abstain:
        confidence, right = answers
        said = right[confidence >= task.abstain]
        facts["answered"] = len(said) / len(right)
        facts["answered_accuracy"] = float(said.mean()) if len(said) else float("nan")
    return facts


def present_rows(target, weight, logits) -> tuple[np.ndarray, np.ndarray]:
    """Returns targets and logits of the rows with a label."""
    rows = np.asarray(weight) > 0
    return np.asarray(target)[rows], np.asarray(logits)[rows]
