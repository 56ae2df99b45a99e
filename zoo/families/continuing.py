"""Continues from a trained model: its words stay known, its weights are taken over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from zoo.families.earlier import Earlier, find_earlier
from zoo.families.pretrained import Start, choose_start, coverage
from zoo.families.taking_over import TakenOver, take_over
from zoo.families.text_model import BaseTextModel, read_text_model
from zoo.models import _registry
from zoo.tasks import Task
from zoo.text import TextPipeline
from zoo.text.vocabulary import SPECIALS, UNKNOWN
from zoo.training.settings import WHOLE_WORDS

# Of the different words that occur twice. Two sets in English share 0.74 to 0.96 with
# the 40,000 words of `glove-en`; German texts share 0.12, Chinese ones 0.01.
LEAST_SHARED = 0.2


@dataclass(frozen=True)
class Continued:
    """A trained model that another one continues from.

    Args:
        earlier: where it is.
        model: with its pipeline and tasks; not changed.
    """

    earlier: Earlier
    model: BaseTextModel

    def sized(self, name: str, keywords: Mapping) -> dict:
        """Returns arguments of a builder with the width of the model's embedding.

        Vectors may have determined it, which are not among the arguments.
        """
        keywords = dict(keywords)
        known = _registry.describe(name).keywords
        for layer in self.model.model.layers:
            if layer.name == "embedding" and "embedding_dim" in known:
                keywords.setdefault("embedding_dim", layer.output_dim)
        return keywords

    def summary(self) -> dict:
        """Returns what metadata record of it, JSON-ready."""
        return {"folder": self.earlier.name, "digest": self.earlier.digest}

    def given_to(
        self, model: keras.Model, tasks: Mapping[str, Task], pipeline, keywords: Mapping
    ) -> TakenOver:
        """Copies its weights into a new model; see `take_over`.

        Raises:
            ValueError: for a model of other sizes or with other layers, or one that is
                not trained by steps.
        """
        before = self.model
        if (paired := _paired(pipeline)) != _paired(before.pipeline):
            raise ValueError(
                "`text` (--text) must name as many columns as the model to continue "
                f"from reads. Accepted: {1 if paired else 2}. Received: "
                f"{2 if paired else 1}, with {self.earlier.name}."
            )
        if not model.trainable_weights:
            raise ValueError(
                "`weights` (--from) must be shipped weights for a model that is fitted "
                "to its optimum, whatever it starts from. Accepted: no folder. "
                f"Received: {self.earlier.name} for {model.name!r}."
            )
        taken = take_over(
            (model, tasks, pipeline), (before.model, before.tasks, before.pipeline)
        )
        if taken.differences:
            raise self._other_sizes(model.name, keywords, taken.differences)
        return taken

    def _other_sizes(
        self, name: str, keywords: Mapping, differences: Sequence[str]
    ) -> ValueError:
        defaults = _registry.describe(name).keywords
        before = {**defaults, **self.sized(name, self.earlier.keywords)}
        other = {
            key: value
            for key, value in keywords.items()
            if _plain(before.get(key)) != _plain(value)
        }
        shown = "; ".join(differences[:3])
        if not other:
            version = self.earlier.metadata.get("zoo")
            return ValueError(
                f"`weights` (--from) must be a model with the layers that {name!r} has "
                f"in this version of the zoo. Accepted: one that it trained. Received: "
                f"{self.earlier.name}, written by zoo {version} ({shown})."
            )
        accepted = ", ".join(f"{key}={before.get(key)!r}" for key in other)
        received = ", ".join(f"{key}={value!r}" for key, value in other.items())
        return ValueError(
            "The sizes of a model must be those of the one that it continues from. "
            f"Accepted: {accepted}, or no value. Received: {received} with "
            f"{self.earlier.name} ({shown})."
        )


def starting(
    settings: Any, counts: Mapping[bytes, int], text_model: type[BaseTextModel]
) -> Start:
    """Chooses the initial weights for some training texts; see `choose_start`.

    Args:
        settings: of the training; their `weights` may name a trained model.
        counts: number of occurrences of each token (UTF-8) of the training texts.
        text_model: class of the family's models.

    Raises:
        ValueError: as `choose_start`; for a damaged model, and for one that knows
            fewer than 20 % of the words.
    """
    earlier = find_earlier(settings.weights)
    if earlier is None:
        return choose_start(
            settings.weights,
            counts,
            tokenizer=settings.tokenizer,
            vectors=getattr(settings, "vectors", ""),
        )
    metadata = {k: v for k, v in earlier.metadata.items() if k != "family"}
    model = read_text_model(earlier.folder, text_model, metadata)
    entries = model.pipeline.vocabulary
    tokens, words = 1.0, 1.0
    if any(c.isalpha() for word in counts for c in word.decode("utf-8")):
        known = _known(counts, model.pipeline, settings.tokenizer)
        tokens, words = coverage(counts, frozenset(known))
    if words < LEAST_SHARED:
        raise ValueError(
            "`weights` (--from) must be a model that knows the words of the data, or "
            f"it would begin anew under its old name. Accepted: {LEAST_SHARED:.0%} of "
            "the different training words that occur at least twice. Received: "
            f"{words:.1%}, with {earlier.name}; other texts need a model of their own."
        )
    return Start(
        name=earlier.vectors,
        tokens=tokens,
        words=words,
        always=tuple(entries[len(SPECIALS) :]),
        earlier=Continued(earlier, model),
    )


def continue_from(
    start: Start,
    model: keras.Model,
    tasks: Mapping[str, Task],
    pipeline,
    keywords: Mapping,
    *,
    verbose: bool = True,
) -> None:
    """Copies the weights of the model to continue from into a new one, if there is one.

    Args:
        start: of the training texts.
        model: the new model, which receives the weights.
        tasks: its tasks.
        pipeline: its pipeline.
        keywords: arguments of its builder.
        verbose: whether to print what was taken over.

    Raises:
        ValueError: see `Continued.given_to`.
    """
    if start.earlier is None:
        return
    taken = start.earlier.given_to(model, tasks, pipeline, keywords)
    if verbose:
        print(taken)


def text_pipeline(
    counts: Counter[bytes], start: Start, reading: Mapping, **sizes: Any
) -> TextPipeline:
    """Learns the pipeline of some texts, with the words that a start knows.

    These are the words of the model to continue from, as far as there is room. Of word
    pieces its own stay the only ones, because they compose any word.

    Args:
        counts: of the training texts.
        start: of these texts.
        reading: `tokenizer`, `max_length`, `lowercase`, and of pairs of texts `pairs`.
        sizes: further arguments of `TextPipeline.of_counts`.
    """
    if start.earlier is not None and reading["tokenizer"] == "wordpiece":
        return TextPipeline(start.earlier.model.pipeline.vocabulary, **reading)
    return TextPipeline.of_counts(counts, always=start.always, **sizes, **reading)


def _known(counts: Mapping[bytes, int], pipeline, tokenizer: str) -> Sequence[str]:
    """Returns the words that a pipeline reads without an unknown token."""
    if tokenizer in WHOLE_WORDS:
        return pipeline.vocabulary
    reader = TextPipeline(
        pipeline.vocabulary, tokenizer=tokenizer, lowercase=pipeline.lowercase
    )
    words = [word.decode("utf-8") for word in counts]
    return [
        word
        for word, ids in zip(words, reader.encode(words), strict=True)
        if UNKNOWN not in ids
    ]


def _paired(pipeline) -> bool:
    return getattr(pipeline, "pairs", False)


def _plain(value):
    return list(value) if isinstance(value, (list, tuple)) else value
