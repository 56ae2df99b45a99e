"""Softmax over a large vocabulary, with a sampled loss for training."""

from __future__ import annotations

import math

import keras
from keras import ops

from zoo.layers.padding import ConsumesMask


@keras.saving.register_keras_serializable(package="zoo")
class SampledSoftmax(ConsumesMask):
    """Negative log-likelihood of the next token, from `samples` candidates in training.

    Candidates are drawn once a batch from the log-uniform (Zipf) distribution
    `Q(id) = (ln(id + 2) - ln(id + 1)) / ln(vocab_size + 1)`, with replacement, so ids
    must be sorted by decreasing frequency. With `o` the expected count `samples * Q` of
    an id, the loss is the cross-entropy over `{target} + candidates` of the logits
    `h w + b - ln o`. Candidates that equal the target count like others: drawn with
    replacement, they are the target's share of the full softmax, whose gradient this
    one tends to with many samples. Without `training` the loss is that of the full
    softmax.

    Args:
        vocab_size: number of ids.
        samples: candidates in training; 0 for the full softmax there too.
        seed: of the candidates.

    Call arguments:
        hidden: `[batch, time, dim]`.
        targets: int ids `[batch, time]`.
        mask: bool `[batch, time]`; `False` steps have a loss of 0.
        training: samples if `True`.

    Returns:
        Negative log-likelihood in nats, float32 `[batch, time]`.

    Source: Jean et al. 2015, section 3; Bengio and Senécal 2008 for the candidates.
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        samples: int = 1024,
        seed: int | None = None,
        **keywords,
    ) -> None:
        super().__init__(**keywords)
        self.vocab_size = vocab_size
        self.samples = samples
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def build(self, hidden_shape, *_) -> None:
        self.kernel = self.add_weight(
            (self.vocab_size, hidden_shape[-1]), "glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight((self.vocab_size,), "zeros", name="bias")

    def call(self, hidden, targets, mask=None, training=False):
        hidden = ops.cast(hidden, "float32")
        if training and self.samples:
            loss = self._sampled(hidden, targets)
        else:
            loss = self._full(hidden, targets)
        return loss if mask is None else ops.where(mask, loss, 0.0)

    def _full(self, hidden, targets):
        logits = ops.matmul(hidden, ops.transpose(self.kernel)) + self.bias
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

    def compute_output_shape(self, hidden_shape, *_, **__):
        return hidden_shape[:-1]

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "vocab_size": self.vocab_size,
            "samples": self.samples,
            "seed": self.seed,
        }
