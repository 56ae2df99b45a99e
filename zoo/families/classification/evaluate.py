"""Metrics of a trained classifier on labelled texts."""

from __future__ import annotations

from zoo.data import Examples, encode_labels
from zoo.families.classification.model import TextModel
from zoo.training.metrics import evaluate


def evaluate_examples(text_model: TextModel, examples: Examples) -> dict[str, dict]:
    """Metrics of each task, as `zoo.training.metrics.evaluate` gives them.

    Raises:
        DataError: for a label that the model does not know.
    """
    targets, weights = encode_labels(examples, text_model.tasks)
    outputs = text_model.logits(examples.texts)
    return {
        name: evaluate(task, targets[name], weights[name], outputs[name])
        for name, task in text_model.tasks.items()
    }
