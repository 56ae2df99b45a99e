"""Translates texts in the graph, for serving."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras

from zoo.decoding import Hypotheses, beam_search
from zoo.families.translation.pipeline import TranslationPipeline
from zoo.models.decoder import STATES, Decoder, Memory, encoder_of
from zoo.text.imports import tf
from zoo.text.table import bear_no_rows
from zoo.text.vocabulary import BEGIN, END, SPECIALS

_NEVER = [place for place in range(len(SPECIALS)) if place != END]


# Score of a missing translation: JSON, and so a server's answer, has no infinity.
NOTHING = tf.float32.min


class Searcher:
    """The beam search on the layers of a model, from ids to ids.

    Padding, unknown and begin are never generated: the probabilities are those of the
    other ids.

    Args:
        model: a translation model of the zoo.
    """

    def __init__(self, model: keras.Model) -> None:
        self.encoder, self.decoder = encoder_of(model), Decoder.of(model)
        self.vocab_size = model.output.shape[-1]

    def __call__(self, ids: tf.Tensor, **options) -> Hypotheses:
        """Returns likely targets of sources.

        Args:
            ids: int32 `[batch, time]` of the sources with their end tokens, 0 for
                padding on the right.
            options: of `zoo.decoding.beam_search`: `beam`, `n_best`, `max_steps`,
                `length_penalty`, `coverage_penalty`, `return_attention`.
        """
        seen = self.encoder(ids, training=False)
        keys = self.decoder.attention.prepare(seen["memory"], seen["mask"])
        memory = Memory(seen["memory"], seen["mask"], keys)
        batch = tf.shape(ids)[0]
        first = [seen[name] for name in STATES if name in seen]
        start = [first, *self.decoder.zero_states(batch)]

        def step(ids, states):
            logits, states, weights = self.decoder.step(ids, states, memory)
            return self.log_probabilities(logits), states, weights

        return beam_search(
            step,
            start,
            batch=batch,
            vocab_size=self.vocab_size,
            begin=BEGIN,
            end=END,
            memory_mask=seen["mask"],
            **options,
        )

    def log_probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """Masks the ids that are never generated with -inf; float32 `[rows, vocab]`."""
        never = tf.reduce_any(tf.equal(tf.range(self.vocab_size)[:, None], _NEVER), 1)
        return tf.nn.log_softmax(tf.where(never, -float("inf"), logits))


class Translator(tf.Module):
    """A translation model with its pipeline, as TensorFlow functions.

    Args:
        model: a translation model of the zoo.
        pipeline: the one that it was trained with.
        beam: number of hypotheses of `serving_default`.
        length_penalty: length penalty of `serving_default`.

    Raises:
        ValueError: if the vocabularies do not have the model's sizes.
    """

    def __init__(
        self,
        model: keras.Model,
        pipeline: TranslationPipeline,
        *,
        beam: int = 5,
        length_penalty: float = 1.0,
    ) -> None:
        super().__init__(name="translator")
        check_sizes(model, pipeline)
        self.pipeline = pipeline
        # Keep the weights, not the model: it holds layers and random seeds.
        self.weights = [variable.value for variable in model.weights]
        self._hidden = _Hidden(Searcher(model))
        self.defaults = {"beam": beam, "length_penalty": float(length_penalty)}
        self.endpoints = self._endpoints()

    def _endpoints(self) -> dict:
        """Returns the functions with fixed signatures, described in `zoo.export`."""
        text = tf.TensorSpec([None], tf.string, name="text")
        numbers = {
            "beam": tf.int32,
            "n_best": tf.int32,
            "length_penalty": tf.float32,
            "coverage_penalty": tf.float32,
            "max_tokens": tf.int32,
        }
        scalars = [tf.TensorSpec([], kind, name=name) for name, kind in numbers.items()]

        def serve(text):
            found = self.translate(text, n_best=1, **self.defaults)
            return {
                name: value if value.shape.rank == 1 else value[:, 0]
                for name, value in found.items()
            }

        functions: dict[str, tuple[Callable, list]] = {
            "serving_default": (serve, [text]),
            "translate": (self.translate, [text, *scalars]),
        }
        return {
            name: tf.function(
                bear_no_rows(function), input_signature=signature, autograph=False
            )
            for name, (function, signature) in functions.items()
        }

    def translate(
        self, text, beam, n_best, length_penalty, coverage_penalty=0.0, max_tokens=0
    ) -> dict[str, tf.Tensor]:
        """Returns the best translations of texts.

        A translation does not depend on the other texts. A text without tokens is
        translated by the empty text, with a score of 0.

        Args:
            text: string `[batch]`.
            beam: int32, hypotheses kept at each step.
            n_best: int32, translations of each text, at most `beam`.
            length_penalty: float32, α of `zoo.decoding.beam_search`.
            coverage_penalty: float32, its β.
            max_tokens: int32, maximum number of pieces of a translation; 0 for twice
                those of the source plus ten.

        Returns:
            `translation` string, `score` float32 and `log_probability` float32, all
            `[batch, n_best]`, the best first; missing ones are empty texts with scores
            of `NOTHING`. `cut` bool `[batch]`, true if the source has more pieces than
            `max_source` of the pipeline, so that its end was not read.
        """
        if tf.is_tensor(beam):
            accepted = "1 <= n_best <= beam"
            checks = [
                tf.debugging.assert_positive(n_best, accepted),
                tf.debugging.assert_less_equal(n_best, beam, accepted),
            ]
            with tf.control_dependencies(checks):
                text = tf.identity(text)
        ids, count = self.pipeline.read(text)
        found = self.search(
            ids,
            max_tokens,
            beam=beam,
            n_best=n_best,
            length_penalty=length_penalty,
            coverage_penalty=coverage_penalty,
        )
        empty = tf.equal(count, 0)[:, None]
        first = tf.range(n_best) == 0
        nothing = tf.where(first, 0.0, NOTHING)[None]
        return {
            "translation": tf.where(
                empty, "", self.pipeline.target.detokenize(found.ids)
            ),
            "score": tf.where(empty, nothing, tf.maximum(found.scores, NOTHING)),
            "log_probability": tf.where(
                empty, nothing, tf.maximum(found.log_probabilities, NOTHING)
            ),
            "cut": count > self.pipeline.max_source,
        }

    def search(self, ids: tf.RaggedTensor, max_tokens=0, **options) -> Hypotheses:
        """Returns likely targets of sources, as ids.

        Args:
            ids: ragged int32 `[batch, (time)]`, as `TranslationPipeline.read` gives
                them.
            max_tokens: as of `translate`.
            options: of `Searcher`.
        """
        limits = 2 * tf.cast(ids.row_lengths(), tf.int32) + 8  # the end is counted
        limits = tf.where(max_tokens > 0, max_tokens, limits)
        padded = self.pipeline.pad(ids)
        return self._hidden.value(padded, max_steps=limits, **options)


def search_options(metadata: Mapping | None) -> dict:
    """Returns `beam` and `length_penalty` of the settings a model was trained with."""
    settings = (metadata or {}).get("settings", {})
    return {
        "beam": settings.get("beam", 5),
        "length_penalty": float(settings.get("length_penalty", 1.0)),
    }


class _Hidden:
    """Hides a Keras model from TensorFlow's object graph."""

    def __init__(self, value) -> None:
        self.value = value


def check_sizes(model: keras.Model, pipeline: TranslationPipeline) -> None:
    """Raises a `ValueError` unless the vocabularies have the model's sizes."""
    named = {layer.name: layer for layer in model.layers}
    target = model.output.shape[-1]
    source = target
    if "source_embedding" in named:
        source = named["source_embedding"].input_dim
    found = pipeline.source.vocab_size, pipeline.target.vocab_size
    if found != (source, target):
        raise ValueError(
            "`pipeline` must have vocabularies of the model's sizes. Accepted: "
            f"{source} for the source, {target} for the target. "
            f"Received: {found[0]} and {found[1]}."
        )
