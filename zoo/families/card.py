"""The card of a trained model, which its exports carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.families.saved import METADATA
from zoo.models._registry import describe
from zoo.reporting.card import described
from zoo.reporting.markdown import without_nan
from zoo.training.kept import read_json, write_json

if TYPE_CHECKING:
    from zoo.families.scores import Scores
    from zoo.families.steps import Steps
    from zoo.families.text_model import BaseTextModel

CARD = "card"  # key in the metadata of a model
LIMITS = (
    "The figures are of one held-out part of the data above. Other texts, such as "
    "those of another time, topic or language, were not measured.",
    "A score is a property of these labels, whose annotators may have been wrong.",
)


def card_of(
    family: Steps,
    text_model: BaseTextModel,
    splits,
    scores: Scores,
    sections: Sequence[str] = (),
) -> dict:
    """Returns the card of a model that was trained and measured; JSON-ready.

    Args:
        family: its family.
        text_model: the model.
        splits: the data.
        scores: of the test part.
        sections: further parts of the results, in Markdown.
    """
    metadata = text_model.metadata
    return {
        "title": metadata["name"],
        "summary": _summary(metadata),
        "family": family.name,
        "tasks": described(text_model.tasks),
        "facts": {"parameters": f"{text_model.model.count_params():,}"},
        "rows": {part: len(rows) for part, rows in splits.parts.items()},
        "notes": list(splits.notes),
        "test": without_nan(scores),
        "table": scores.table,
        "sections": list(sections),
        "limits": list(LIMITS),
        "settings": without_nan(
            {key: metadata[key] for key in ("keywords", "settings") if key in metadata}
        ),
    }


def _summary(metadata: Mapping) -> str:
    """Returns what kind of model it is, and the paper that it is from."""
    if members := metadata.get("members"):
        names = ", ".join(member["name"] for member in members)
        return f"A fitted sum of the logits of {names} (Wolpert 1992)."
    builder = describe(metadata["name"])
    return f"{builder.summary} ({builder.paper})"


def add_card(folder: Path, text_model: BaseTextModel, card: Mapping) -> None:
    """Adds the card to a model and to the metadata of its folder."""
    path = folder / METADATA
    content = read_json(path, "Train the model again.")
    text_model.metadata[CARD] = dict(card)
    write_json(path, {**content, CARD: card})
