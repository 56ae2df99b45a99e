"""Asks a trained model what the layers inside it chose for texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.families.cutting import ATTENTION, EXPERTS, POOLING, Call, Inside
from zoo.reporting.inside import (
    PLACE,
    TASK,
    TEXT,
    TOKEN,
    Attention,
    ExpertChoices,
    choice_of,
)
from zoo.text.pairs import SEPARATOR
from zoo.text.vocabulary import END, SPECIALS
from zoo.training.distributed.sharing import predict_on_batch

_BATCH = 64  # texts that are read at once
_SHOWN = {SEPARATOR: SPECIALS[END]}  # of a pair: the id between its texts


@dataclass(frozen=True)
class Given:
    """Some texts as a model reads them.

    Args:
        inputs: of the Keras model, padded on the right.
        tokens: of each text its tokens, by the name of the model's input; none for a
            text that has none.
        written: of each text the tokens that the model writes, if it translates.
    """

    inputs: Any
    tokens: Mapping[str, Sequence[Sequence[str]]]
    written: Sequence[Sequence[str]] = ()


Read = Callable[[list], Given]


def experts_of(
    inside: Inside, texts: Sequence, read: Read, tasks: Sequence[str]
) -> list[list[ExpertChoices]]:
    """Returns of each text the choices of each layer of experts.

    Args:
        inside: the cut model.
        texts: any number.
        read: from some texts to what the model reads of them.
        tasks: names of the model's tasks.

    Raises:
        ValueError: for a layer that reads something else than a vector for each token,
            each task or each text.
    """
    calls = [call for call in inside.calls if isinstance(call.layer, EXPERTS)]
    return [
        [_choices(call, given, found[call.name], row, tasks) for call in calls]
        for given, found, row in _asked(inside, texts, read)
    ]


def pooling_of(inside: Inside, texts: Sequence, read: Read) -> list[Attention]:
    """Returns of each text the weights of each layer that pools its tokens.

    Args:
        inside: the cut model.
        texts: any number.
        read: from some texts to what the model reads of them.

    Raises:
        ValueError: for a layer that pools something else than tokens.
    """
    calls = [call for call in inside.calls if isinstance(call.layer, POOLING)]
    answers = []
    for given, found, row in _asked(inside, texts, read):
        source = [_tokens(call, given, found[call.name], row) for call in calls][0]
        target = [call.name for call in calls] if source else []
        weights = [found[name][row, : len(source)] for name in target]
        answers.append(_attention(source, target, weights))
    return answers


def attention_of(inside: Inside, texts: Sequence, read: Read) -> list[Attention]:
    """Returns of each source the attention of the translation that was written.

    Args:
        inside: the cut model.
        texts: any number of sources.
        read: from some sources to what the model reads of them and writes.
    """
    [call] = [call for call in inside.calls if isinstance(call.layer, ATTENTION)]
    answers = []
    for given, found, row in _asked(inside, texts, read):
        source, target = given.tokens["source"][row], given.written[row]
        weights = found[call.name][row, : len(target), : len(source)]
        answers.append(_attention(source, target, weights))
    return answers


def read_ids(model: keras.Model, pipeline: Any, texts: Sequence) -> Given:
    """Reads texts, or pairs of texts, for a model whose one input are their ids.

    Args:
        model: the Keras model.
        pipeline: with the steps of `zoo.text.TextPipeline`.
        texts: any number.
    """
    tokens = pipeline.tokenize(texts)
    ids = pipeline.pad(pipeline.ragged_ids(tokens)).numpy()
    return Given(ids, {model.inputs[0].name: named(tokens)})


def named(tokens) -> list[list[str]]:
    """Returns tokens of a pipeline, ragged `[batch, (tokens)]`, as lists of strings."""
    rows = [
        [token.decode("utf-8", "replace") for token in row] for row in tokens.to_list()
    ]
    return [[_SHOWN.get(token, token) for token in row] for row in rows]


def _asked(inside: Inside, texts: Sequence, read: Read) -> Iterator[tuple]:
    """Yields of each text what was read, what the layers chose, and its row in both."""
    for start in range(0, len(texts), _BATCH):
        chunk = [*texts[start : start + _BATCH]]
        given = read(chunk)
        found = predict_on_batch(inside.model, given.inputs)
        for row in range(len(chunk)):
            yield given, found, row


def _attention(source, target, weights) -> Attention:
    shape = len(target), len(source)
    array = np.reshape(np.asarray(weights, "float32"), shape)
    return Attention(tuple(source), tuple(target), array)


def _choices(call: Call, given: Given, found, row: int, tasks) -> ExpertChoices:
    experts, gates = (found[name][row] for name in ("experts", "gates"))
    if call.along is not None:
        names, per = _tokens(call, given, found["gates"], row), TOKEN
    elif not call.fixed:
        names, per, experts, gates = [""], TEXT, experts[None], gates[None]
    elif call.fixed == len(tasks):
        names, per = [*tasks], TASK
    else:
        names, per = [str(number) for number in range(call.fixed)], PLACE
    count = call.layer.num_experts
    # Padding has no names.
    chosen = (choice_of(*one, count) for one in zip(names, experts, gates))
    return ExpertChoices(call.name, count, per, tuple(chosen))


def _tokens(call: Call, given: Given, found, row: int) -> Sequence[str]:
    """Returns the tokens of a text, one for each vector that a layer reads of it."""
    inputs, along = given.inputs, call.along
    ids = inputs[along] if isinstance(inputs, Mapping) else inputs
    if along is None or found.shape[1] != ids.shape[1]:
        raise ValueError(
            f"`model` must give the layer {call.name!r} a vector for each token, to "
            f"show what it chose. Accepted: {ids.shape[1]} vectors for texts of as "
            f"many tokens. Received: {found.shape[1]}."
        )
    return given.tokens[along][row]
