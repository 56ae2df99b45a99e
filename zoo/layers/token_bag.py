"""A bag of tokens whose vectors are computed before training."""

from __future__ import annotations

import keras
from keras import ops

from zoo.kernels._backend import take_rows
from zoo.layers.padding import ConsumesMask, kept

_COMBINERS = ("norm", "mean")


@keras.saving.register_keras_serializable(package="zoo")
class TokenBag(ConsumesMask):
    """Sum of one vector for each token, divided by the length of the text's features.

        y = b + Σ_t E[id_t] / sqrt(Σ_t l[id_t]²)      combiner "norm"
        y = b + Σ_t E[id_t] / Σ_t l[id_t]             combiner "mean"

    A linear model over features `x[id]` of each token, such as the n-grams of its
    letters or a pre-trained vector, needs no more than this once it is fitted: `E` is
    `x W` and `l` is the length of `x[id]`, or 1 for tokens that have features. So the
    weights are set, not trained.

    Args:
        outputs: width of the result.
        vocab_size: number of token ids.
        combiner: `"norm"` or `"mean"`.

    Call arguments:
        tokens: int ids `[batch, time]`.
        mask: bool `[batch, time]`, true at tokens.

    Returns:
        float32 `[batch, outputs]`; `b` for a text whose tokens have no features.

    Raises:
        ValueError: for a size below 1 or an unknown combiner.

    Example:
        >>> import numpy as np
        >>> bag = TokenBag(1, 8, combiner="mean")
        >>> bag.build((None, None))
        >>> bag.set_features(np.arange(8.0)[:, None], np.ones(8), np.array([10.0]))
        >>> y = bag(np.array([[7, 5, 0]]), mask=np.array([[True, True, False]]))
        >>> float(y[0, 0])
        16.0
    """

    def __init__(
        self, outputs: int, vocab_size: int, *, combiner: str = "norm", **keywords
    ) -> None:
        keywords.setdefault("dtype", "float32")  # long sums go astray in half precision
        super().__init__(**{**keywords, "trainable": False})
        if outputs < 1 or vocab_size < 1:
            raise ValueError(
                "`outputs` and `vocab_size` must be positive. "
                f"Received: outputs={outputs!r}, vocab_size={vocab_size!r}."
            )
        if combiner not in _COMBINERS:
            raise ValueError(
                f"`combiner` must be one of {', '.join(_COMBINERS)}. "
                f"Received: combiner={combiner!r}."
            )
        self.outputs, self.vocab_size, self.combiner = outputs, vocab_size, combiner

    def build(self, tokens_shape) -> None:
        def zeros(name, *shape):
            return self.add_weight(
                name=name, shape=shape, initializer="zeros", trainable=False
            )

        self.embeddings = zeros("embeddings", self.vocab_size, self.outputs)
        self.lengths = zeros("lengths", self.vocab_size)
        self.bias = zeros("bias", self.outputs)

    def set_features(self, embeddings, lengths, bias) -> None:
        """Sets the weights.

        Args:
            embeddings: `[vocab_size, outputs]`, the features of each token times the
                weights of a linear model.
            lengths: `[vocab_size]`, 0 for tokens without features.
            bias: `[outputs]`.
        """
        self.embeddings.assign(embeddings)
        self.lengths.assign(lengths)
        self.bias.assign(bias)

    def call(self, tokens, mask):
        total = ops.sum(self._vectors(tokens, mask), axis=1)
        return self.bias + ops.divide_no_nan(total, self._size(tokens, mask))

    def by_token(self, tokens, mask):
        """What each token adds to the result of a call, beside `bias`.

        Args:
            tokens: int ids `[batch, time]`.
            mask: bool `[batch, time]`.

        Returns:
            float32 `[batch, time, outputs]`.
        """
        size = ops.expand_dims(self._size(tokens, mask), -1)
        return ops.divide_no_nan(self._vectors(tokens, mask), size)

    def _vectors(self, tokens, mask):
        return kept(take_rows(self.embeddings, tokens), mask)

    def _size(self, tokens, mask):
        """Returns the length of the features of each text, `[batch, 1]`."""
        lengths = kept(take_rows(self.lengths, tokens), mask)
        if self.combiner == "norm":
            return ops.sqrt(ops.sum(ops.square(lengths), axis=1, keepdims=True))
        return ops.sum(lengths, axis=1, keepdims=True)

    def compute_output_shape(self, tokens_shape):
        return tokens_shape[0], self.outputs

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "outputs": self.outputs,
            "vocab_size": self.vocab_size,
            "combiner": self.combiner,
        }
