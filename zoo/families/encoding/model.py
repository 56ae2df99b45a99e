"""A trained sentence encoder in one folder: vectors and similarities of strings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zoo.families.encoding.fitting import encode
from zoo.families.text_model import BaseTextModel
from zoo.models.encoders import OUTPUT
from zoo.text import TextPipeline
from zoo.text.inputs import as_texts, whole


@dataclass
class EncodingModel(BaseTextModel):
    """A trained sentence encoder, as `zoo.load` returns it.

    Args:
        model: a sentence encoder of the zoo.
        pipeline: strings to token ids.
        tasks: empty.
        metadata: further JSON values.
    """

    pipeline: TextPipeline

    family: ClassVar[str] = "encoding"
    pipeline_class: ClassVar[type] = TextPipeline

    def embed(self, texts: Iterable[str | bytes], batch_size: int = 64) -> np.ndarray:
        """Returns the vectors of texts, float32 `[texts, width]`, of length 1.

        Args:
            texts: any iterable of strings, of any length.
            batch_size: texts run at once.

        Raises:
            ValueError: for one text instead of several.
        """
        batch_size = whole("batch_size", batch_size, 1)
        tokens = self.pipeline.encode(texts)
        with self._lock:
            return encode(self.model, tokens, batch_size)

    def similarity(
        self, a: Iterable[str | bytes], b: Iterable[str | bytes]
    ) -> np.ndarray:
        """Returns the cosine of each text of `a` with each of `b`.

        Args:
            a: any iterable of strings.
            b: any iterable of strings.

        Returns:
            float32 `[texts of a, texts of b]`, from -1 to 1.

        Raises:
            ValueError: for one text instead of several.
        """
        left, right = as_texts(a, "a"), as_texts(b, "b")
        vectors = self.embed([*left, *right])
        return np.clip(vectors[: len(left)] @ vectors[len(left) :].T, -1.0, 1.0)

    def predict(self, texts: Iterable[str | bytes], batch_size: int = 64) -> list[dict]:
        """Returns `{"embedding": [float]}` of each text; arguments as of `embed`."""
        vectors = self.embed(as_texts(texts), batch_size)
        return [{OUTPUT: vector.tolist()} for vector in vectors]
