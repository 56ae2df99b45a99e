"""The models of the page: what they are, their answers, and what explains these."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from zoo.api.demo.refused import Refused
from zoo.api.explaining import can_explain, explain
from zoo.api.opening import Opened, is_export, open_model
from zoo.api.reading import columns_of_texts
from zoo.families.saved import saved_metadata
from zoo.reporting.parts import Part, looked_part, moved_parts, routed_parts
from zoo.text.characters import joined_surrogates
from zoo.text.pairs import INPUTS, joined
from zoo.weights.trained import is_trained, trained_card

# Keras traces a graph for the first text, and one for any length for the next one.
_FIRST_TEXTS = ("a", "a " * 20)


class Models:
    """Trained models by the name under which the page asks them.

    A model is opened when it is first needed. Several threads may ask at once.

    Args:
        places: names from `zoo list --trained`, or folders of runs and exports.
        trust: see `zoo.api.opening.open_model`.

    Raises:
        ValueError: for a place without a trained model.
    """

    def __init__(self, places: Iterable[str], *, trust: bool = False) -> None:
        self.summaries = {place: summary_of(place) for place in places}
        self._trust = trust
        self._opened: dict[str, Opened] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Opened:
        """Returns a model, ready to be asked.

        Raises:
            Refused: for a name that is not among the page's.
            ValueError: for a damaged model.
        """
        if name not in self.summaries:
            known = ", ".join(self.summaries)
            raise Refused(404, "`model` must be one of the page's", known, repr(name))
        if name not in self._opened:
            with self._lock:
                if name not in self._opened:
                    found = open_model(name, trust=self._trust)
                    for text in _FIRST_TEXTS:
                        _answer(found, [text] * len(_fields(found)))
                    self._opened[name] = found
        return self._opened[name]

    def describe(self, name: str) -> dict:
        """Returns what the page asks for: `fields` of texts, and `columns` of tables;
        and whether the model `explains` its answers."""
        found = self[name]
        columns = columns_of_texts(found.reading.get("text")) or [*INPUTS]
        columns = [columns] if isinstance(columns, str) else columns
        return {
            "fields": list(_fields(found)),
            "columns": columns[: 2 if found.pairs else 1],
            "explains": can_explain(found.model),
        }

    def answer(self, name: str, texts: Sequence[str]) -> list[Part]:
        """Returns the parts of a model's answer to a text for each of its fields."""
        found = self[name]
        return _answer(found, _checked(found, texts))

    def explain(self, name: str, texts: Sequence[str]) -> list[Part]:
        """Returns what explains the answer: words, attention and experts."""
        found = self[name]
        sides = _checked(found, texts)
        if not can_explain(found.model):
            accepted = "a classifier, a translation model or a model with experts, or "
            accepted += "an export of a classifier by `zoo export --explain`"
            raise Refused(400, "`model` does not explain its answers", accepted, name)
        [why] = explain(found.model, [joined(*sides) if sides[1:] else sides[0]])
        looked = [] if why.attention is None else [looked_part(why.attention)]
        routed = routed_parts(why.experts or ())
        return [*moved_parts(sides, why.words or {}), *looked, *routed]


def summary_of(place: str) -> str:
    """Returns a line on a model. Loads no TensorFlow.

    Raises:
        ValueError: for a place without a trained model.
    """
    if is_trained(place):
        return trained_card(place)["summary"]
    if is_export(Path(place)):
        return "An export for TensorFlow Serving."
    _, metadata = saved_metadata(
        place,
        "`models` must be names from `zoo list --trained`, or folders of runs or "
        "exports.",
    )
    tasks = metadata.get("tasks", {})
    name = metadata.get("name", "A model")
    if not tasks:
        return f"{name}."
    said = "task" if len(tasks) == 1 else "tasks"
    return f"{name}, with the {said} {', '.join(tasks)}."


def _fields(found: Opened) -> tuple[str, ...]:
    return found.family.fields(found.pairs)


def _answer(found: Opened, sides: Sequence[str]) -> list[Part]:
    return [*found.family.answer_parts(found.model.predict, found.tasks, sides)]


def _checked(found: Opened, texts: Sequence[str]) -> list[str]:
    if len(texts) != len(_fields(found)):
        accepted = f"{len(_fields(found))}, {' and '.join(_fields(found))}"
        raise Refused(
            400, "`texts` must be one for each field", accepted, str(len(texts))
        )
    return [joined_surrogates(text) for text in texts]
