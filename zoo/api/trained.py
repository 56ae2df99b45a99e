"""Trained models, in the forms in which users have them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.families.run import Run
from zoo.loading import load

if TYPE_CHECKING:
    from zoo.families.text_model import BaseTextModel


def trained(model: Any) -> tuple[BaseTextModel, str]:
    """A trained model, and how to call it.

    Args:
        model: a run, a trained model, or the folder of either.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(model, Run):
        return model.model, str(model.folder)
    if isinstance(model, (str, os.PathLike)):
        return load(Path(model)), str(model)
    from zoo.families.text_model import BaseTextModel  # loads Keras

    if isinstance(model, BaseTextModel):
        return model, model.metadata.get("name", model.model.name)
    raise ValueError(
        "`model` must be a trained model with its text pipeline. Accepted: what "
        "zoo.train returns, what zoo.load returns, the folder of a run, or "
        f"zoo.TextModel(model, pipeline, tasks). Received: {type(model).__name__}."
    )
