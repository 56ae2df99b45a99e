"""Softmax over a large vocabulary, with a sampled loss for training."""

from __future__ import annotations

import math

import keras
from keras import ops

from zoo.layers.padding import ConsumesMask


@keras.saving.register_keras_serializable(package="zoo")
class SampledSoftmax(ConsumesMask):
    """Softmax over the vocabulary: logits, or the loss of given targets.

        logits = h Wᵀ + b                  W [vocab_size, dim]
        loss = -log softmax(logits)[target]

    With `samples` the training loss is computed on that many candidates, not all ids.
    Candidates are drawn once per batch from the log-uniform (Zipf) distribution
    `Q(id) = (ln(id + 2) - ln(id + 1)) / ln(vocab_size + 1)`, with replacement, so ids
    must be sorted by decreasing frequency. With `o` the expected count `samples * Q` of
    an id, the loss is the cross-entropy over `{target} + candidates` of the logits
    `h w + b - ln o`. Candidates that equal the target are kept: drawn with replacement,
    they represent the target's share of the full softmax, whose gradient this one
    approaches with many samples. Without `training` the loss is that of the full
    softmax.

    Args:
        vocab_size: number of ids.
        samples: number of candidates in training; 0 for the full softmax.
        seed: seed of the candidates.

    Call arguments:
        hidden: `[batch, time, dim]`.
        targets: int ids `[batch, time]`, or `None` for the logits.
        mask: bool `[batch, time]`; `False` steps have a loss of 0.
        training: whether to sample.

    Returns:
        Without targets logits, float32 `[batch, time, vocab_size]`; with them the
        negative log-likelihood in nats, float32 `[batch, time]`.

    Source: Jean et al. 2015, section 3; Bengio and Senécal 2008 for the candidates.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        samples: int = 1024,
        seed: int | None = None,
        kernel_initializer="glorot_uniform",
        **keywords,
    ) -> None:
        super().__init__(**keywords)
        self.vocab_size = vocab_size
        self.samples = samples
        self.seed = seed
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, hidden_shape, *_) -> None:
        # No policy casts them: logits are float32 under every policy.
        self.kernel = self.add_weight(
            (self.vocab_size, hidden_shape[-1]),
            self.kernel_initializer,
            name="kernel",
            autocast=False,
        )
        self.bias = self.add_weight(
            (self.vocab_size,), "zeros", name="bias", autocast=False
        )

    def call(self, hidden, targets=None, mask=None, training=False):
        hidden = ops.cast(hidden, "float32")
        if targets is None:
            return self._logits(hidden)
        if training and self.samples:
            loss = self._sampled(hidden, targets)
        else:
            loss = self._full(hidden, targets)
        return loss if mask is None else ops.where(mask, loss, 0.0)

    def _logits(self, hidden):
        return ops.matmul(hidden, ops.transpose(self.kernel)) + self.bias

    def _full(self, hidden, targets):
        logits = self._logits(hidden)
        return keras.losses.sparse_categorical_crossentropy(
            targets, logits, from_logits=True
        )

    def _sampled(self, hidden, targets):
        candidates = self._candidates()
        true = ops.sum(hidden * ops.take(self.kernel, targets, axis=0), axis=-1)
        true += ops.take(self.bias, targets, axis=0) - self._log_expected(targets)
        other = ops.matmul(
            hidden, ops.transpose(ops.take(self.kernel, candidates, axis=0))
        )
        other += ops.take(self.bias, candidates, axis=0) - self._log_expected(
            candidates
        )
        logits = ops.concatenate([ops.expand_dims(true, -1), other], axis=-1)
        return ops.logsumexp(logits, axis=-1) - true

    def _candidates(self):
        uniform = keras.random.uniform((self.samples,), seed=self.generator)
        ids = ops.exp(uniform * math.log(self.vocab_size + 1)) - 1.0
        return ops.minimum(ops.cast(ids, "int32"), self.vocab_size - 1)

    def _log_expected(self, ids):
        ids = ops.cast(ids, "float32")
        share = ops.log1p(1.0 / (ids + 1.0)) / math.log(self.vocab_size + 1)
        return ops.log(share * self.samples)

    def compute_output_shape(self, hidden_shape, targets_shape=None, *_, **__):
        if targets_shape is None:
            return (*hidden_shape[:-1], self.vocab_size)
        return hidden_shape[:-1]

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "vocab_size": self.vocab_size,
            "samples": self.samples,
            "seed": self.seed,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="zoo")
class TiedSoftmax(SampledSoftmax):
    """`SampledSoftmax` whose matrix is also the embedding of the tokens.

    Args:
        vocab_size: number of ids.
        dim: width of the embedding and of the hidden states.
        options: those of `SampledSoftmax`.

    Call arguments:
        inputs: int ids `[batch, time]` with `embed=True`, else as in `SampledSoftmax`.
        embed: whether to look the ids up.

    Returns:
        `[batch, time, dim]` with `embed`, else as in `SampledSoftmax`.

    Source: Press and Wolf 2017; Inan et al. 2017.
    """

    def __init__(self, vocab_size: int, dim: int, **options) -> None:
        super().__init__(vocab_size, **options)
        self.dim = dim

    def build(self, *_) -> None:
        super().build((None, None, self.dim))

    def call(self, inputs, targets=None, mask=None, training=False, embed=False):
        if embed:
            return ops.cast(ops.take(self.kernel, inputs, axis=0), self.compute_dtype)
        return super().call(inputs, targets, mask=mask, training=training)

    def compute_output_spec(
        self, inputs, targets=None, mask=None, training=False, embed=False
    ):
        if embed:
            shape = (*inputs.shape, self.dim)
            return keras.KerasTensor(shape, dtype=self.compute_dtype)
        wide = () if targets is not None else (self.vocab_size,)
        return keras.KerasTensor((*inputs.shape[:-1], *wide), dtype="float32")

    def get_config(self) -> dict:
        return {**super().get_config(), "dim": self.dim}
