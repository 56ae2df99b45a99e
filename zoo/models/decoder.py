"""The decoder of a translation model: all steps at once, or one step of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from zoo._lazy import keras

STATES = ("h", "c", "past")  # of recurrent cells, in the order in which they have them


class Memory(NamedTuple):
    """The memory of a decoder, the same at each step.

    Attributes:
        states: `[batch, time, width]`, of the encoder.
        mask: bool `[batch, time]`, true at the tokens of the source.
        keys: `[batch, time, units]`, prepared by the attention from the states.
    """

    states: Any
    mask: Any
    keys: Any


@dataclass(frozen=True)
class Decoder:
    """The layers of a decoder, and their combination.

        x_1 = x_0 + LSTM_1(x_0),  c = attention(x_1, memory),  x_1 += σ(MoE(x_1))
        x_l = x_{l-1} + LSTM_l(x_{l-1} ⊕ c),  logits = E tanh(W (x_L ⊕ c)) + b

    The same code builds a model and runs a search; the differences, running an LSTM and
    the attention's arguments, are passed in.

    Args:
        embed: from ids `[batch, time]` to `[batch, time, embedding_dim]`.
        stack: the LSTMs.
        attention: a `zoo.layers.attention.MemoryAttention`.
        experts: a `zoo.layers.SparseMoE` above the first LSTM, or `None`.
        readout: `W` with its tanh.
        softmax: from the readout to logits.
    """

    embed: Callable
    stack: Sequence
    attention: Any
    experts: Any
    readout: Any
    softmax: Any

    @classmethod
    def of(cls, model) -> Decoder:
        """The layers of a model that `seq2seq` or `moe_seq2seq` built."""
        named = {layer.name: layer for layer in model.layers}
        softmax, embedding = named["softmax"], named.get("target_embedding")

        def embed(ids):
            found = embedding(ids) if embedding else softmax(ids, embed=True)
            return scaled(found)

        count = sum(name.startswith("decoder_lstm_") for name in named)
        stack = [named[f"decoder_lstm_{index}"] for index in range(count)]
        return cls(
            embed,
            stack,
            named["attention"],
            named.get("decoder_experts"),
            named["readout"],
            softmax,
        )

    def run(self, ids, lstm: Callable, attend: Callable, dropout: Callable, mask=None):
        """Returns the logits of the token after each given one.

        Args:
            ids: `[batch, time]`.
            lstm: from the number of a layer and its inputs to its outputs.
            attend: from queries `[batch, time, width]` to contexts and weights.
            dropout: from states and the name of their dropout to states.
            mask: bool `[batch, time]`, true at tokens; only these are routed to
                experts.

        Returns:
            Logits float32 `[batch, time, vocab]` and the weights from `attend`.
        """
        join = keras.ops.concatenate
        x = dropout(self.embed(ids), "target_dropout")
        x = residual(x, dropout(lstm(0, x), "decoder_dropout_0"))
        context, weights = attend(x)
        if self.experts is not None:
            more = self.experts(x, mask=mask)
            x = x + dropout(more, "decoder_experts_dropout")
        for index in range(1, len(self.stack)):
            y = lstm(index, join([x, context], axis=-1))
            x = residual(x, dropout(y, f"decoder_dropout_{index}"))
        hidden = self.readout(join([x, context], axis=-1))
        return self.softmax(dropout(hidden, "hidden")), weights

    def zero_states(self, rows) -> list:
        """Returns zero states of each LSTM above the first, `[rows, units]`."""
        return [layer.cell.get_initial_state(rows) for layer in self.stack[1:]]

    def step(self, ids, states, memory: Memory):
        """Reads one token with the layers of the model.

        Args:
            ids: int `[rows]`; if `rows` is a multiple of the memory's batch, adjacent
                rows share a memory.
            states: states of each LSTM, `[h, c]` or as its cell has them.
            memory: memory of the sources.

        Returns:
            Logits `[rows, vocab]`, the new states, and the attention weights
            `[rows, time]`.
        """
        ops, new = keras.ops, []

        def lstm(index, x):
            y, state = self.stack[index].cell(x[:, 0], states[index])
            new.append(state)
            return ops.expand_dims(y, 1)

        def attend(queries):
            # All hypotheses of a source query together, so its memory is not repeated.
            batch = ops.shape(memory.mask)[0]
            beam = ops.shape(queries)[0] // batch
            together = ops.reshape(queries, (batch, beam, queries.shape[-1]))
            context, weights = self.attention(
                together, memory.states, mask=memory.mask, keys=memory.keys
            )
            flat = (batch * beam, 1, context.shape[-1])
            time = ops.shape(memory.mask)[1]
            return ops.reshape(context, flat), ops.reshape(weights, (-1, time))

        logits, weights = self.run(
            ops.expand_dims(ids, 1), lstm, attend, lambda x, name: x
        )
        return logits[:, 0], new, weights


def encoder_of(model):
    """Builds the encoder from the layers of a translation model.

    Returns:
        A functional `keras.Model`: int ids `[batch, time]` of the source to a dict of
        `memory` `[batch, time, width]`, `mask` bool `[batch, time]`, and those of
        `STATES` that the cell has, the first states of the decoder's first LSTM.
    """
    names = {"memory": "memory", "mask": "source_mask"}
    built = {layer.name for layer in model.layers}
    names |= {name: f"start_{name}" for name in STATES if f"start_{name}" in built}
    outputs = {key: model.get_layer(name).output for key, name in names.items()}
    return keras.Model(model.input["source"], outputs, name=f"{model.name}_encoder")


def scaled(embedded):
    """Scales embeddings `[..., dim]` by the square root of `dim`.

    Their initial norm of 1 suits the softmax that may share them, while LSTMs work best
    with elements near 1 (Vaswani et al. 2017, section 3.4).
    """
    return embedded * embedded.shape[-1] ** 0.5


def residual(x, y):
    """Returns `x + y` if their widths are equal, else `y`."""
    return x + y if x.shape[-1] == y.shape[-1] else y
