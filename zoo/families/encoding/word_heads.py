"""What an encoder learns at each word: the teacher's vector, and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import keras
from keras import ops

from zoo.families.encoding.heads import Head
from zoo.layers import SampledSoftmax
from zoo.models import _registry
from zoo.models.encoders import state_layers
from zoo.text.vocabulary import SPECIALS
from zoo.training.losses import REDUCTION

VECTORS, NEIGHBOURS = "token_vectors", "neighbours"
SAMPLES = 256  # candidates of a batch


@keras.saving.register_keras_serializable(package="zoo")
class SquaredLength(keras.losses.Loss):
    """Squared distance of the vectors of tokens, summed over their values.

    Call arguments:
        y_true: `[batch, time, size]`.
        y_pred: `[batch, time, size]`.

    Returns:
        The mean over tokens, by their weights `[batch, time]`.
    """

    def __init__(self, name: str = "squared_length", reduction=REDUCTION, **keywords):
        super().__init__(name=name, reduction=reduction, **keywords)

    def call(self, y_true, y_pred):
        return ops.sum(ops.square(y_true - y_pred), axis=-1)


@keras.saving.register_keras_serializable(package="zoo")
class OwnLoss(keras.losses.Loss):
    """The loss that the output is, `[batch, time]`; its mean by the weights."""

    def __init__(self, name: str = "own_loss", reduction=REDUCTION, **keywords):
        super().__init__(name=name, reduction=reduction, **keywords)

    def call(self, y_true, y_pred):
        return y_pred


def check_states(name: str, keywords: Mapping) -> None:
    """Raises for a model that learns nothing at each word.

    Args:
        name: name of a registered sentence encoder.
        keywords: arguments of its builder.

    Raises:
        ValueError: for an encoder without states.
    """
    if not state_layers(_registry.get(name, len(SPECIALS) + 1, **keywords)):
        raise ValueError(
            "`token_weight` and `neighbour_weight` need states at each word. "
            f"Accepted: 0 for both, or the model text_encoder. Received: {name}."
        )


def vector_head(model: keras.Model, size: int, factor: float) -> Head:
    """Returns a head that predicts the teacher's vectors of tokens.

    It is a linear function of the states of the last layer.

    Args:
        model: a recurrent sentence encoder.
        size: width of the vectors.
        factor: of the loss.
    """
    dense = keras.layers.Dense(size, dtype="float32", name=VECTORS)
    return Head(dense(state_layers(model)[-1].output), SquaredLength(), factor)


def neighbour_head(model: keras.Model, vocab_size: int, factor: float) -> Head:
    """Returns a head that predicts the word on each side of a word.

    The forward state at a word predicts the next one, and the backward state the one
    before, by one softmax over sampled words. The states are those of the first layer:
    a second one has seen the neighbours.

    Args:
        model: a recurrent sentence encoder.
        vocab_size: number of token ids, by decreasing frequency.
        factor: of the loss.
    """
    forward, backward = state_layers(model)[0].input
    softmax = SampledSoftmax(vocab_size, samples=SAMPLES, name=NEIGHBOURS)
    hidden = ops.concatenate([forward[:, :-1], backward[:, 1:]], axis=1)
    losses = softmax(hidden, neighbours(model.input))
    softmax.kernel.by_rows = True  # a batch has few of the words: `RowAdam`
    return Head(losses, OwnLoss(), factor)


def neighbours(tokens):
    """Returns the targets `[batch, 2 * (time - 1)]` of tokens `[batch, time]`.

    Example:
        >>> tokens = ops.convert_to_tensor([[5, 6, 7]])
        >>> ops.convert_to_numpy(neighbours(tokens)).tolist()
        [[6, 7, 5, 6]]
    """
    return ops.concatenate([tokens[:, 1:], tokens[:, :-1]], axis=1)
