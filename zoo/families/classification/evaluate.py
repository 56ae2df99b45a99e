"""Metrics of a trained classifier on labelled texts."""

from __future__ import annotations

from zoo.data import DataError, Examples, encode_labels
from zoo.data.unknown import never_said, with_unknown
from zoo.families.classification.model import TextModel
from zoo.tasks import Task
from zoo.training.metrics import evaluate


def evaluate_examples(
    text_model: TextModel, examples: Examples, *, count_unknown: bool = False
) -> tuple[dict[str, Task], dict[str, dict]]:
    """Returns the metrics of each task, by `zoo.training.metrics.evaluate`.

    Args:
        text_model: the classifier.
        examples: texts with labels of all or some of its tasks.
        count_unknown: whether to count labels unknown to the model as wrong.

    Returns:
        The tasks, including such labels then, and the metrics by task.

    Raises:
        DataError: for a label unknown to the model, unless these are counted, and for
            single texts where the model reads pairs, or the other way round.
    """
    if examples.pairs != text_model.pipeline.pairs:
        wanted, found = "two columns", "one column"
        if examples.pairs:
            wanted, found = found, wanted
        raise DataError(
            f"`text` (--text) must name {wanted}, as in the training of the model. "
            f"Accepted: {wanted}. Received: {found}."
        )
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
