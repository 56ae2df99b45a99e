"""Metrics of a trained classifier on labelled texts."""

from __future__ import annotations

from zoo.data import Examples, encode_labels
from zoo.data.unknown import never_said, with_unknown
from zoo.families.classification.model import TextModel
from zoo.tasks import Task
from zoo.training.metrics import evaluate


def evaluate_examples(
    text_model: TextModel, examples: Examples, *, count_unknown: bool = False
) -> tuple[dict[str, Task], dict[str, dict]]:
    """Metrics of each task, as `zoo.training.metrics.evaluate` gives them.

    Args:
        text_model: the classifier.
        examples: texts with labels of all or some of its tasks.
        count_unknown: counts labels that the model does not know as wrong.

    Returns:
        The tasks, which have those labels as well then, and the metrics by task.

    Raises:
        DataError: for a label that the model does not know, unless these count.
    """
    tasks = text_model.tasks
    if count_unknown:
        tasks = with_unknown(tasks, examples)
    targets, weights = encode_labels(examples, tasks)
    outputs = never_said(text_model.logits(examples.texts), tasks)
    results = {
        name: evaluate(task, targets[name], weights[name], outputs[name])
        for name, task in tasks.items()
    }
    return tasks, results
