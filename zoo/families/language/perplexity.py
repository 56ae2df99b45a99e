"""Log-probabilities of texts and the perplexity of a stream, with carried state."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from zoo.families.language.stream import streams
from zoo.text.vocabulary import PAD
from zoo.training.distributed.sharing import predict_on_batch

CONTEXT = 256  # tokens that set the state before a stream
_TOKENS_AT_ONCE = 4096  # 160 MB of logits with 10,000 words


def scorer(model: keras.Model) -> keras.Model:
    """Returns a model with the same weights that gives the loss of each token.

    Args:
        model: a language model of the zoo.

    Returns:
        A functional `keras.Model`: a dict of `tokens` and `targets`, int ids
        `[batch, time]`, and `state` `[batch, state]`, to a dict of `nll`, float32
        `[batch, time]`, in nats and 0 at padding, and the new `state`.
    """
    targets = keras.Input((None,), dtype="int32", name="targets")
    mask = model.get_layer("mask").output
    hidden = model.get_layer("hidden").output
    nll = model.get_layer("softmax")(hidden, targets, mask=mask)
    return keras.Model(
        {**model.input, "targets": targets},
        {"nll": nll, "state": model.output["state"]},
        name=f"{model.name}_scorer",
    )


def zero_state(model: keras.Model, rows: int) -> np.ndarray:
    """Returns the state before the first token, float32 `[rows, state]`."""
    return np.zeros((rows, model.input["state"].shape[-1]), "float32")


def perplexity(
    model: keras.Model, tokens: np.ndarray, *, batch_size: int = 1, window: int = 256
) -> float:
    """Returns `exp` of the mean negative log-likelihood of a token given all before it.

    Every token but the first counts, including end tokens, and the state is carried
    from window to window: the window only affects time and memory. Parallel streams
    are read in the same way; each but the first starts from the state after the 256
    tokens before it, because from a zero state a model with little training can be
    far off for hundreds of tokens.

    Args:
        model: a language model of the zoo.
        tokens: int ids `[tokens]`.
        batch_size: number of streams that the tokens are cut into; report 1.
        window: maximum number of steps computed at once; lower with many streams,
            because each token needs a row as wide as the vocabulary.

    Returns:
        The perplexity of the full softmax.
    """
    return stream_perplexity(
        scorer(model), tokens, batch_size=batch_size, window=window
    )


def stream_perplexity(
    score: keras.Model, tokens: np.ndarray, *, batch_size: int, window: int = 256
) -> float:
    """Computes `perplexity` with an existing `scorer` and its compiled graph."""
    inputs, targets = streams(tokens, batch_size)
    rows = len(inputs)
    window = max(1, min(window, _TOKENS_AT_ONCE // rows))
    state, total = zero_state(score, rows), 0.0

    def read(now: slice, inputs, targets) -> np.ndarray:
        nonlocal state
        inputs = inputs[:, now]
        result = predict_on_batch(
            score, {"tokens": inputs, "targets": targets[:, now], "state": state}
        )
        # The models treat a row without tokens as one padding token.
        some = (inputs != PAD).any(axis=1, keepdims=True)
        state = np.where(some, result["state"], state)
        return result["nll"]

    if rows > 1:
        before = _tokens_before(tokens, inputs, CONTEXT)
        for now in _windows(CONTEXT, window):
            read(now, before, np.zeros_like(before))
    for now in _windows(inputs.shape[1], window):
        total += float(np.sum(read(now, inputs, targets), dtype="float64"))
    with np.errstate(over="ignore"):  # infinite for a model that has diverged
        return float(np.exp(total / inputs.size))


def _windows(steps: int, window: int) -> list[slice]:
    return [slice(start, start + window) for start in range(0, steps, window)]


def _tokens_before(tokens, inputs, count: int) -> np.ndarray:
    """Returns the `count` tokens before each stream, left-padded."""
    rows, steps = inputs.shape
    places = steps * np.arange(rows)[:, None] + np.arange(-count, 0)
    before = np.where(places >= 0, tokens[np.maximum(places, 0)], PAD)
    return before.astype("int32")


def log_probabilities(
    model: keras.Model, texts: Sequence[np.ndarray], *, end: int
) -> list[np.ndarray]:
    """Returns the natural log-probability of each token of each text.

    Args:
        model: a language model of the zoo.
        texts: int ids `[tokens]` of each text, without end tokens.
        end: id of the end token, which precedes a text and is its last target.

    Returns:
        Float32 `[tokens + 1]` for each text; their sum is that of the whole text.
    """
    longest = max(map(len, texts), default=0) + 1
    inputs = np.zeros((len(texts), longest), "int32")
    targets = np.zeros_like(inputs)
    for row, ids in enumerate(texts):
        inputs[row, : len(ids) + 1] = [end, *ids]
        targets[row, : len(ids) + 1] = [*ids, end]
    result = scorer(model).predict_on_batch(
        {"tokens": inputs, "targets": targets, "state": zero_state(model, len(texts))}
    )
    return [-nll[: len(ids) + 1] for nll, ids in zip(result["nll"], texts, strict=True)]
