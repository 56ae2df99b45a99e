"""Attention weights of a translation, for plots."""

from __future__ import annotations

import numpy as np

from zoo.families.translation.model import TranslationModel
from zoo.families.translation.search import Searcher
from zoo.text.imports import tf


def attention_of(
    text_model: TranslationModel, text: str
) -> tuple[np.ndarray, list[str], list[str]]:
    """Returns the attention weights of the best translation of a text.

    Args:
        text_model: the model.
        text: text of the source.

    Returns:
        float32 `[target pieces, source pieces]`, with rows that sum to 1, and the
        pieces of target and source, end tokens included.
    """
    pipeline = text_model.pipeline
    ids, _ = pipeline.read([text])
    found = Searcher(text_model.model)(
        pipeline.pad(ids),
        **text_model.search,
        max_steps=2 * tf.size(ids.values) + 8,
        return_attention=True,
    )
    assert found.attention is not None  # it was requested
    length = int(found.lengths[0, 0])
    names = [
        [side.vocabulary[place] for place in places]
        for side, places in (
            (pipeline.target, found.ids[0, 0, :length].numpy()),
            (pipeline.source, ids[0].numpy()),
        )
    ]
    return found.attention[0, 0, :length].numpy(), *names
