"""The servable form of a translation model."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.families.translation.expected import translation_calls
from zoo.families.translation.search import Translator, search_options
from zoo.serving.graphs import tokens_endpoint
from zoo.serving.servable import Servable


def servable(model, pipeline, tasks, texts: Sequence[bytes], metadata) -> Servable:
    """See `zoo.families.base.Family.servable`; the tasks are ignored."""
    translator = Translator(model, pipeline, **search_options(metadata))
    return Servable(
        model,
        pipeline,
        translator,
        {**translator.endpoints, "tokens": tokens_endpoint(pipeline)},
        calls=translation_calls(model, pipeline, texts),
    )
