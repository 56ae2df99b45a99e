"""Continues and scores texts in the graph, for serving."""

from __future__ import annotations

from collections.abc import Callable

import keras

from zoo.families.language.perplexity import scorer
from zoo.text import TextPipeline
from zoo.text.detokenize import Detokenizer
from zoo.text.imports import tf
from zoo.text.table import bear_no_rows
from zoo.text.vocabulary import END, PAD, SPECIALS

SERVED_TOKENS = 32  # length of a continuation by `serving_default`


class Generator(tf.Module):
    """A language model with its text pipeline, as TensorFlow functions.

    Args:
        model: a language model of the zoo.
        pipeline: the one that it was trained with.
    """

    def __init__(self, model: keras.Model, pipeline: TextPipeline) -> None:
        super().__init__(name="generator")
        self.pipeline, self.detokenizer = pipeline, Detokenizer(pipeline)
        # Keep the weights, not the model: it holds layers and random seeds.
        self.weights = [variable.value for variable in model.weights]
        self._model, self._scorer = _Hidden(model), _Hidden(scorer(model))
        self._state = model.input["state"].shape[-1]
        self.endpoints = self._endpoints()

    def _endpoints(self) -> dict:
        """Returns the functions with fixed signatures, described in `zoo.export`."""
        text = tf.TensorSpec([None], tf.string, name="text")
        numbers = {
            "max_tokens": tf.int32,
            "temperature": tf.float32,
            "top_k": tf.int32,
            "top_p": tf.float32,
            "seed": tf.int32,
        }
        scalars = [tf.TensorSpec([], kind, name=name) for name, kind in numbers.items()]
        ids = tf.TensorSpec([None, None], tf.int32, name="ids")
        state = tf.TensorSpec([None, self._state], tf.float32, name="state")

        def serve(text):
            return self.generate(text, SERVED_TOKENS, 0.0, 0, 1.0, 0)

        def step(ids, state):
            time = tf.shape(ids)[1]  # the loops take at least one step
            read = self.step(tf.pad(ids, [[0, 0], [0, tf.maximum(1 - time, 0)]]), state)
            return {**read, "logits": read["logits"][:, :time]}

        functions: dict[str, tuple[Callable, list]] = {
            "serving_default": (serve, [text]),
            "generate": (self.generate, [text, *scalars]),
            "score": (self.score, [text]),
            "step": (step, [ids, state]),
        }
        return {
            name: tf.function(
                bear_no_rows(function), input_signature=signature, autograph=False
            )
            for name, (function, signature) in functions.items()
        }

    def ids(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Returns the token ids of each text; a text may have none."""
        tokens = self.pipeline.tokenize(text)
        ids = self.pipeline.ragged_ids(tokens)
        empty = tf.equal(tokens.row_lengths(), 0)
        return tf.ragged.boolean_mask(ids, _rows(~empty, ids))

    def step(self, ids: tf.Tensor, state: tf.Tensor) -> dict[str, tf.Tensor]:
        """Reads tokens and updates the state.

        Args:
            ids: int32 `[batch, time]`, 0 for padding on the right.
            state: float32 `[batch, state]`, zeros at first.

        Returns:
            `logits` float32 `[batch, time, vocab]` of the token after each, and the
            new `state`.
        """
        return self._model.value({"tokens": ids, "state": state}, training=False)

    def score(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        """Scores whole texts.

        Args:
            text: string `[batch]`.

        Returns:
            `log_probability` float32 `[batch]`, in nats, of all tokens and the end;
            `tokens` int32 `[batch]`, their number.
        """
        ids = self.ids(text)
        end = tf.fill([ids.nrows(), 1], END)
        result = self._scorer.value(
            {
                "tokens": tf.concat([end, ids], 1).to_tensor(PAD),
                "targets": tf.concat([ids, end], 1).to_tensor(PAD),
                "state": tf.zeros([ids.nrows(), self._state]),
            },
            training=False,
        )
        return {
            "log_probability": -tf.reduce_sum(result["nll"], axis=1),
            "tokens": tf.cast(ids.row_lengths(), tf.int32) + 1,
        }

    def generate(
        self, text, max_tokens, temperature, top_k, top_p, seed
    ) -> dict[str, tf.Tensor]:
        """Continues texts until the end token or a number of tokens is reached.

        A continuation depends on its prompt and the seed, not on the rest of the batch:
        all rows of a step use the same noise, so equal prompts continue equally.

        Args:
            text: string `[batch]`, the prompts; an empty one begins a text.
            max_tokens: int32, maximum number of tokens of a continuation.
            temperature: float32; 0 takes the likeliest token each time.
            top_k: int32; samples among this many likeliest tokens; 0 among all.
            top_p: float32; samples among the fewest tokens with this probability
                together; 1 among all.
            seed: int32, seed of the samples.

        Returns:
            `text` string `[batch]`, the continuations without the prompts; `ids` int32
            `[batch, max_tokens]`, 0 after the end; `log_probability` float32
            `[batch]` of the chosen tokens, the end included.
        """
        prompt = self.ids(text)
        rows = tf.cast(prompt.nrows(), tf.int32)
        prompt = tf.concat([tf.fill([rows, 1], END), prompt], 1)
        read = self.step(prompt.to_tensor(PAD), tf.zeros([rows, self._state]))
        last = tf.cast(prompt.row_lengths(), tf.int32) - 1
        logits = tf.gather(read["logits"], last, batch_dims=1)

        def body(count, logits, state, done, total, ids):
            noise = tf.random.stateless_uniform(
                [tf.shape(logits)[-1]], tf.stack([seed, count]), minval=1e-20
            )
            chosen = _choose(logits, temperature, top_k, top_p, noise)
            probability = tf.nn.log_softmax(logits)
            gained = tf.gather(probability, chosen, batch_dims=1)
            total += tf.where(done, 0.0, gained)
            chosen = tf.where(done, PAD, chosen)
            word = tf.where(tf.equal(chosen, END), PAD, chosen)
            ids = tf.tensor_scatter_nd_update(ids, [[count]], [word])
            done |= tf.equal(chosen, END)
            read = self.step(chosen[:, None], state)
            return count + 1, read["logits"][:, 0], read["state"], done, total, ids

        ids = tf.zeros([max_tokens, rows], tf.int32)
        start = (0, logits, read["state"], tf.zeros([rows], bool), tf.zeros([rows]))
        *_, done, total, ids = tf.while_loop(
            lambda count, logits, state, done, total, ids: (
                (count < max_tokens) & ~tf.reduce_all(done)
            ),
            body,
            (*start, ids),
        )
        ids = tf.transpose(ids)
        return {"text": self.detokenizer(ids), "ids": ids, "log_probability": total}


class _Hidden:
    """Hides a Keras model from TensorFlow's object graph."""

    def __init__(self, value) -> None:
        self.value = value


def _rows(keep: tf.Tensor, ids: tf.RaggedTensor) -> tf.RaggedTensor:
    """Returns `keep` `[batch]` for each value of `ids`."""
    return ids.with_values(tf.gather(keep, ids.value_rowids()))


def _choose(logits, temperature, top_k, top_p, noise):
    """Returns one id per row: the likeliest, or a sample of them (Gumbel-max)."""
    size = tf.shape(logits)[-1]
    special = tf.range(size) < len(SPECIALS)
    allowed = ~special | tf.equal(tf.range(size), END)
    logits = tf.where(allowed, logits, -float("inf"))
    scaled = logits / tf.maximum(temperature, 1e-6)
    order = tf.argsort(scaled, axis=-1, direction="DESCENDING", stable=True)
    ranked = tf.gather(scaled, order, batch_dims=1)
    before = tf.cumsum(tf.nn.softmax(ranked), axis=-1, exclusive=True)
    limit = tf.where(top_k > 0, top_k, size)
    kept = (tf.range(size) < limit) & (before < tf.maximum(top_p, 1e-9))
    gumbel = -tf.math.log(-tf.math.log(noise))
    noisy = ranked + tf.gather(gumbel, order)
    place = tf.argmax(tf.where(kept, noisy, -float("inf")), axis=-1)
    place = tf.where(temperature > 0, place, tf.zeros_like(place))
    return tf.gather(order, place, batch_dims=1)
