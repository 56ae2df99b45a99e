"""The baselines of a classifier: the most frequent label, and a linear model.

A model of the zoo that does not beat them is not worth its training time, so every
report shows them too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import logit

from zoo.data.parts import PARTS
from zoo.families.classification.constant import majority
from zoo.families.classification.counted import Counted
from zoo.families.classification.linear import (
    MOST_CHARACTERS,
    Linear,
    fit_linear,
)
from zoo.families.classification.ngram_weights import merge_labels
from zoo.families.classification.thresholds import tune_thresholds
from zoo.families.classification.train import Prepared
from zoo.reporting.timing import milliseconds
from zoo.tasks import Task
from zoo.training.metrics import evaluate


def evaluate_baselines(prepared: Prepared, part: str) -> dict[str, dict[str, dict]]:
    """Returns metrics of majority and linear baselines, by baseline and task."""
    return compare_baselines(prepared, part)[0]


def compare_baselines(
    prepared: Prepared, part: str
) -> tuple[dict[str, dict[str, dict]], dict[str, dict]]:
    """Returns metrics of the majority and the linear baselines, and their costs.

    If all tasks share their labels, one linear model on the union of the tasks is a
    third baseline, the hardest to beat with texts of many domains.

    Args:
        prepared: the data.
        part: name of the evaluated part.

    Returns:
        Metrics by baseline and task, and for each linear baseline a dict with
        `seconds` of fitting, `seconds_choosing`, `ms_a_text` and `chosen`, by task.
    """
    results: dict[str, dict[str, dict]] = {"majority": {}, "linear": {}}
    texts = getattr(prepared.splits, part).texts
    train_part, target_part = prepared.parts["train"], prepared.parts[part]
    fitted: dict[str, dict[str, Linear]] = {"linear": {}}
    counted = _shared_counts(prepared)
    for name, task in prepared.tasks.items():
        target, weight = target_part.targets[name], target_part.weights[name]
        output = majority(
            task, train_part.targets[name], train_part.weights[name], len(texts)
        )
        results["majority"][name] = evaluate(task, target, weight, output)
        seen, held_out = (_labelled(prepared, one, name) for one in PARTS[:2])
        model = fitted["linear"][name] = fit_linear(task, seen, held_out, counted)
        results["linear"][name] = _evaluate(task, model, prepared, name, part)
    if union_available(prepared.tasks):
        task = next(iter(prepared.tasks.values()))
        seen, held_out = (_union(prepared, one) for one in PARTS[:2])
        model = fit_linear(task, seen, held_out, counted)
        fitted["linear on all tasks"] = {"all": model}
        output = _logits(task, model(texts))
        results["linear on all tasks"] = {
            name: evaluate(
                task, target_part.targets[name], target_part.weights[name], output
            )
            for name in prepared.tasks
        }
    costs = {name: _costs(models, texts) for name, models in fitted.items()}
    return results, costs


def _shared_counts(prepared: Prepared) -> Counted | None:
    """Returns the counts that several tasks of short texts share."""
    splits = prepared.splits
    both = [*splits.train.texts, *splits.valid.texts]
    if len(prepared.tasks) < 2 or sum(map(len, both)) > MOST_CHARACTERS:
        return None
    return Counted(both)


def _evaluate(task: Task, model: Linear, prepared: Prepared, name: str, part: str):
    """Returns the metrics of a linear model, with thresholds tuned like the others'."""
    judged, valid = prepared.parts[part], prepared.parts["valid"]
    outputs = _logits(task, model(getattr(prepared.splits, part).texts))
    known = prepared.splits.valid.texts
    if task.kind == "multilabel" and len(known):
        rows = valid.targets[name], valid.weights[name]
        cuts = tune_thresholds(task, *rows, _logits(task, model(known)))
        task = replace(task, thresholds=cuts)
    return evaluate(task, judged.targets[name], judged.weights[name], outputs)


def _logits(task: Task, outputs: np.ndarray) -> np.ndarray:
    """Of a linear model's probabilities, from which it subtracts 0.5 for multilabel."""
    if task.kind == "regression":
        return outputs
    wide = outputs.astype("float64")
    if task.kind == "categories":
        return np.log(np.maximum(wide, 1e-30))
    return logit(np.clip(wide + 0.5, 1e-6, 1 - 1e-6))


def _costs(models: Mapping[str, Linear], texts: Sequence[str]) -> dict:
    """Returns outputs of the models of all tasks, each of which reads every text."""
    return {
        "seconds": sum(model.seconds for model in models.values()),
        "seconds_choosing": sum(model.seconds_choosing for model in models.values()),
        "ms_a_text": milliseconds(lambda t: [m(t) for m in models.values()], texts),
        "chosen": {name: model.chosen for name, model in models.items()},
    }


def _labelled(prepared: Prepared, part: str, task: str):
    encoded = prepared.parts[part]
    texts = getattr(prepared.splits, part).texts
    return texts, encoded.targets[task], encoded.weights[task]


def _union(prepared: Prepared, part: str):
    """Returns the texts of all tasks with the one label that each has."""
    encoded = prepared.parts[part]
    texts = getattr(prepared.splits, part).texts
    return texts, *merge_labels([*prepared.tasks], encoded.targets, encoded.weights)


def union_available(tasks: Mapping[str, Task]) -> bool:
    """Returns whether one linear model on the union of the tasks makes sense."""
    first, *rest = tasks.values()
    return bool(rest) and all(
        task.kind == first.kind == "categories"
        and task.labels == first.labels
        and not task.apart
        for task in rest
    )
