"""A trained language model in one folder: continues and scores strings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from zoo.families.inside import Given, named
from zoo.families.language.generation import Generator
from zoo.families.language.perplexity import zero_state
from zoo.families.text_model import BaseTextModel
from zoo.text import TextPipeline
from zoo.text.imports import tf
from zoo.text.inputs import as_texts, fold_seed, real, whole
from zoo.text.normalize import as_tensor
from zoo.text.vocabulary import END, PAD, SPECIALS


@dataclass
class LanguageModel(BaseTextModel):
    """A trained language model, as `zoo.load` returns it.

    Args:
        model: a language model of the zoo.
        pipeline: strings to token ids.
        tasks: empty.
        metadata: further JSON values.
    """

    pipeline: TextPipeline

    family: ClassVar[str] = "language"
    pipeline_class: ClassVar[type] = TextPipeline

    @cached_property
    def _generator(self) -> Generator:
        return Generator(self.model, self.pipeline)

    @property
    def _endpoints(self) -> dict:
        with self._lock:  # shared by all threads
            return self._generator.endpoints

    def generate(
        self,
        prompts: Iterable[str | bytes],
        *,
        max_tokens: int = 32,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> list[str]:
        """Returns continuations of prompts, without the prompts.

        Args:
            prompts: any iterable of strings.
            max_tokens: maximum number of tokens of a continuation.
            temperature: 0 takes the likeliest token each time.
            top_k: samples among this many likeliest tokens; 0 among all.
            top_p: samples among the fewest tokens with this probability together.
            seed: seed of the samples, any whole number.

        Raises:
            ValueError: for one text instead of several, or a parameter out of its
                range.
        """
        result = self._endpoints["generate"](
            as_tensor(as_texts(prompts, "prompts")),
            tf.constant(whole("max_tokens", max_tokens, 1, 100_000)),
            tf.constant(real("temperature", temperature, 0)),
            tf.constant(whole("top_k", top_k, 0)),
            tf.constant(real("top_p", top_p, 0, 1)),
            tf.constant(fold_seed(seed)),
        )
        return [text.decode("utf-8") for text in result["text"].numpy()]

    def score(self, texts: Iterable[str | bytes]) -> list[dict]:
        """Returns for each text its `log_probability` in nats and count of `tokens`."""
        result = self._endpoints["score"](as_tensor(texts))
        pairs = zip(*(result[key].numpy() for key in ("log_probability", "tokens")))
        return [
            {"log_probability": float(total), "tokens": int(count)}
            for total, count in pairs
        ]

    def predict(self, texts: Iterable[str | bytes], batch_size: int = 64) -> list[dict]:
        """Returns for each text its continuation, log-probability and token count."""
        texts, batch_size = as_texts(texts), whole("batch_size", batch_size, 1)
        answers = []
        for start in range(0, len(texts), batch_size):
            chunk = texts[start : start + batch_size]
            pairs = zip(self.generate(chunk), self.score(chunk), strict=True)
            answers += [{"continuation": text, **score} for text, score in pairs]
        return answers

    def _given(self, texts: list) -> Given:
        # The end token begins a text, as in `score`.
        tokens = [[SPECIALS[END], *row] for row in named(self.pipeline.tokenize(texts))]
        ids = self._generator.ids(as_tensor(texts))
        ids = tf.concat([tf.fill([ids.nrows(), 1], END), ids], 1).to_tensor(PAD)
        state = zero_state(self.model, len(texts))
        inputs = {"tokens": ids.numpy(), "state": state}
        return Given(inputs, {"tokens": tokens})

    def logits(self, texts, batch_size=64):
        raise TypeError(
            "A language model has no tasks; use `generate`, `score` or `model`."
        )
