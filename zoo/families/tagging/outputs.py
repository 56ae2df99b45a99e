"""Names of the outputs of a served tagger."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.serving.answers import answer_keys
from zoo.tasks import TAGS, Task


def tagger_outputs(tasks: Mapping[str, Task]) -> dict[str, dict[str, str]]:
    """Returns the names of the outputs of a served tagger, for each task.

    Example:
        >>> tasks = {"ner": Task("tags", ("O", "B")), "intent": Task("regression")}
        >>> tagger_outputs(tasks)["ner"]
        {'tags': 'tags', 'scores': 'tag_scores'}
        >>> tagger_outputs(tasks)["intent"]
        {'label': 'intent_label', 'scores': 'intent_scores'}
    """
    alone = sum(task.kind == TAGS for task in tasks.values()) == 1
    names = {}
    for name, task in tasks.items():
        if task.kind == TAGS:
            start = "" if alone else f"{name}_"
            names[name] = {"tags": f"{start}tags", "scores": f"{start}tag_scores"}
        else:
            names[name] = {key: f"{name}_{key}" for key in answer_keys(task)}
    return names
