"""A trained language model in one folder: continues and scores strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from zoo.families.language.generation import Generator
from zoo.families.text_model import BaseTextModel
from zoo.text import TextPipeline, as_bytes
from zoo.text.imports import tf


@dataclass
class LanguageModel(BaseTextModel):
    """What `zoo.load` returns for a language model.

    Args:
        model: a language model of the zoo.
        pipeline: strings to token ids.
        tasks: empty.
        metadata: anything else that JSON holds.
    """

    pipeline: TextPipeline

    family: ClassVar[str] = "language"
    pipeline_class: ClassVar[type] = TextPipeline

    @cached_property
    def _endpoints(self) -> dict:
        self._generator = Generator(self.model, self.pipeline)  # keeps the tables alive
        return self._generator.endpoints

    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_tokens: int = 32,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> list[str]:
        """Continuations of prompts, without the prompts.

        Args:
            prompts: any number of strings.
            max_tokens: the most tokens of a continuation.
            temperature: 0 takes the likeliest token each time.
            top_k: samples among so many likeliest tokens; 0 among all.
            top_p: samples among the fewest tokens with this probability together.
            seed: of the samples.

        Raises:
            ValueError: for a parameter outside its range.
        """
        for name, value, least, most in (
            ("max_tokens", max_tokens, 1, 100_000),
            ("temperature", temperature, 0, float("inf")),
            ("top_k", top_k, 0, float("inf")),
            ("top_p", top_p, 0, 1),
        ):
            if not least <= value <= most:
                raise ValueError(
                    f"`{name}` must be from {least} to {most}. "
                    f"Received: {name}={value!r}."
                )
        result = self._endpoints["generate"](
            _strings(prompts), tf.constant(max_tokens), tf.constant(float(temperature)),
            tf.constant(top_k), tf.constant(float(top_p)), tf.constant(seed),
        )  # fmt: skip
        return [text.decode("utf-8") for text in result["text"].numpy()]

    def score(self, texts: Sequence[str]) -> list[dict]:
        """For each text its `log_probability` in nats and the number of `tokens`."""
        result = self._endpoints["score"](_strings(texts))
        pairs = zip(*(result[key].numpy() for key in ("log_probability", "tokens")))
        return [
            {"log_probability": float(total), "tokens": int(count)}
            for total, count in pairs
        ]

    def predict(self, texts: Sequence[str], batch_size: int = 64) -> list[dict]:
        """For each text how it goes on, its log-probability and number of tokens."""
        answers = []
        for start in range(0, len(texts), batch_size):
            chunk = texts[start : start + batch_size]
            pairs = zip(self.generate(chunk), self.score(chunk), strict=True)
            answers += [{"continuation": text, **score} for text, score in pairs]
        return answers

    def logits(self, texts, batch_size=64):
        raise TypeError(
            "A language model has no tasks; use `generate`, `score` or `model`."
        )


def _strings(texts: Sequence[str]) -> tf.Tensor:
    return tf.constant([as_bytes(text) for text in texts], tf.string, [len(texts)])
