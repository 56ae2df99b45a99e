"""The servable form of a language model."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.families.language.expected import expected_calls
from zoo.families.language.generation import Generator
from zoo.serving.graphs import tokens_endpoint
from zoo.serving.servable import Servable


def servable(model, pipeline, tasks, texts: Sequence[bytes], metadata) -> Servable:
    """See `zoo.families.base.Family.servable`; the tasks are ignored."""
    generator = Generator(model, pipeline)
    return Servable(
        model,
        pipeline,
        generator,
        {**generator.endpoints, "tokens": tokens_endpoint(pipeline)},
        calls=expected_calls(model, pipeline, texts),
    )
