"""A bag of word n-grams, hashed inside the model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo._lazy import RenamedAttributes
from zoo.kernels._backend import distinct, take_rows
from zoo.kernels.single import is_whole
from zoo.layers.padding import ConsumesMask

# Odd, so that a power of two of buckets keeps all single words apart; their fractions
# of a power of two are far from simple ratios, so that small (frequent) ids spread.
_FACTORS = (2654435761, 2246822519, 3266489917, 668265263, 374761393)
_MAX_BUCKETS = 2**22  # keeps the integers of `multiply_modulo` below 2**31
_ADAPT_ROWS, _ADAPT_CLASSES = 256, 8  # texts and classes counted at once by `adapt`
_COMBINERS = ("sqrtn", "mean", "sum")


@keras.saving.register_keras_serializable(package="zoo")
class NGramBag(RenamedAttributes, ConsumesMask):
    """Sum of one learned vector for each n-gram of the text: a linear model.

        b(t, n) = (n · F_0 + Σ_{k<n} id[t+k] · F_{k+1}) mod buckets
        y = Σ_{n-grams} E[b] / sqrt(number of n-grams)

    Only n-grams of tokens count, so padding has no effect. N-grams that share a row of
    the table share its vector. With `outputs` equal to the number of labels the layer
    is a linear classifier on n-grams without its bias; a wider one followed by a Dense
    layer is fastText. Ids hash to the same rows on TensorFlow, on JAX and under XLA.

    Args:
        outputs: width of the result.
        buckets: rows of the table, at most 2**22.
        n: the lengths of n-grams, each from 1 to 4.
        combiner: divisor of the sum: `"sqrtn"`, the square root of the number of
            n-grams, `"mean"`, that number, or `"sum"`, none.
        binary: whether to count each distinct n-gram of a text once (up to shared
            rows).
        weighted: whether each row has a fixed weight `s_b`, 1 until `adapt` sets it:
            `y = Σ s_b E[b] / sqrt(Σ s_b²)` with the combiner `"sqrtn"`.
        embeddings_initializer: initializer of the table.

    Call arguments:
        tokens: int ids `[batch, time]`.
        mask: bool `[batch, time]`, true at tokens.

    Returns:
        `[batch, outputs]`; zeros for a text without n-grams of these lengths.

    Raises:
        ValueError: for an argument outside the ranges above.

    Source: Joulin et al. 2016, Bag of Tricks for Efficient Text Classification,
    section 2.2; Wang and Manning 2012, Baselines and Bigrams, for `binary` and
    `weighted`.

    Example:
        >>> import numpy as np
        >>> bag = NGramBag(2, buckets=64, n=(1, 2))
        >>> bag(np.array([[7, 5, 0]]), mask=np.array([[True, True, False]])).shape[1]
        2
    """

    renamed = {"saliency": "ngram_weights"}

    def __init__(
        self,
        outputs: int,
        *,
        buckets: int = 2**17,
        n: Sequence[int] = (1, 2),
        combiner: str = "sqrtn",
        binary: bool = False,
        weighted: bool = False,
        embeddings_initializer="uniform",
        **keywords,
    ) -> None:
        super().__init__(**keywords)
        if outputs < 1:
            raise ValueError(
                f"`outputs` must be positive. Received: outputs={outputs!r}."
            )
        if not 1 <= buckets <= _MAX_BUCKETS:
            raise ValueError(
                f"`buckets` must be from 1 to {_MAX_BUCKETS}. "
                f"Received: buckets={buckets!r}."
            )
        n = tuple(n)
        if not n or len(set(n)) < len(n) or not set(n) <= {1, 2, 3, 4}:
            raise ValueError(
                f"`n` must hold different lengths, each from 1 to 4. Received: n={n!r}."
            )
        if combiner not in _COMBINERS:
            raise ValueError(
                f"`combiner` must be one of {', '.join(_COMBINERS)}. "
                f"Received: combiner={combiner!r}."
            )
        self.outputs = outputs
        self.buckets = buckets
        self.n = n
        self.combiner = combiner
        self.binary = binary
        self.weighted = weighted
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, tokens_shape) -> None:
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.buckets, self.outputs),
            initializer=self.embeddings_initializer,
            autocast=False,  # it would cast every row for the few that are used
        )
        self.embeddings.by_rows = True  # see `zoo.training.row_adam.RowAdam`
        if self.weighted:
            self.ngram_weights = self.add_weight(
                name="ngram_weights",
                shape=(self.buckets,),
                initializer="ones",
                trainable=False,
                autocast=False,  # the sums below are in float32
            )

    def adapt(self, tokens: Sequence[np.ndarray], classes: np.ndarray) -> None:
        """Sets the weight of each row to its importance for a class.

            s_b = max_c |log(p_cb / Σ_b p_cb) - log(q_cb / Σ_b q_cb)|

        where `p_cb` is 1 plus the count of row b in texts of class c (once per text if
        `binary`), and `q_cb` likewise for the other texts: the ratio of NB-SVM.

        Args:
            tokens: one int array of ids per text.
            classes: float `[texts, classes]`, 1 in the class, 0 outside, NaN unknown.

        Raises:
            ValueError: if the layer is not `weighted`.
        """
        if not self.weighted:
            raise ValueError(
                "`adapt` needs a layer created with weighted=True. "
                f"Received: weighted={self.weighted!r}."
            )
        weights = np.zeros(self.buckets)
        for start in range(0, classes.shape[1], _ADAPT_CLASSES):
            counts = self._counts(tokens, classes[:, start : start + _ADAPT_CLASSES])
            for inside, outside in counts:
                ratio = np.log(inside / inside.sum())
                ratio -= np.log(outside / outside.sum())
                np.maximum(weights, np.abs(ratio), out=weights)
        self.ngram_weights.assign(weights)

    def _counts(self, tokens: Sequence[np.ndarray], classes: np.ndarray) -> np.ndarray:
        """Returns 1 plus the count of each row, `[classes, in or outside, rows]`."""
        counts = np.ones((classes.shape[1], 2, self.buckets), "int32")
        for start in range(0, len(tokens), _ADAPT_ROWS):
            chunk = tokens[start : start + _ADAPT_ROWS]
            padded = np.zeros((len(chunk), max(map(len, chunk))), "int32")
            for row, ids in enumerate(chunk):
                padded[row, : len(ids)] = ids
            rows, real = map(ops.convert_to_numpy, self.rows(padded, padded > 0))
            labels = classes[start : start + _ADAPT_ROWS].T
            for count, label in zip(counts, labels, strict=True):
                for side, chosen in enumerate((label == 1, label == 0)):
                    hit, times = np.unique(
                        rows[chosen][real[chosen]], return_counts=True
                    )
                    count[side, hit] += times.astype("int32")
        return counts

    def call(self, tokens, mask):
        rows, real = self.rows(tokens, mask)
        vectors = self._weighted(rows, ops.cast(real, "float32"))
        return ops.cast(ops.sum(vectors, axis=1), self.compute_dtype)

    def by_token(self, tokens, mask):
        """What each token adds to the result: an equal part of each of its n-grams.

        Args:
            tokens: int ids `[batch, time]`.
            mask: bool `[batch, time]`.

        Returns:
            float32 `[batch, time, outputs]`, whose sum over time is the result of a
            call. With `binary` the places of an n-gram that occurs several times, or
            of several with the same row, share what it adds.
        """
        parts = self._hashed(tokens, mask)
        rows, real = self._joined(parts)
        times = ops.cast(real, "float32")
        if self.binary:
            same = ops.equal(rows[:, :, None], rows[:, None, :])
            same = ops.logical_and(same, real[:, None, :])
            times = times / ops.maximum(ops.sum(ops.cast(same, "float32"), axis=2), 1.0)
        vectors = self._weighted(ops.where(real, rows, 0), times)
        total, start = 0.0, 0
        for n, (part, _) in zip(self.n, parts, strict=True):
            end = start + ops.shape(part)[1]
            of_n = vectors[:, start:end] / n
            for offset in range(n):
                total += ops.pad(of_n, [[0, 0], [offset, n - 1 - offset], [0, 0]])
            start = end
        return total

    def _weighted(self, rows, times):
        """Returns the terms of the sum, float32 `[batch, n-grams, outputs]`.

        Args:
            rows: of the table, `[batch, n-grams]`.
            times: how often each counts, float32 `[batch, n-grams]`.
        """
        count, weight = ops.sum(times, axis=1, keepdims=True), times
        if self.weighted:
            chosen = take_rows(self.ngram_weights, rows)
            weight = times * chosen
            if self.combiner == "sqrtn":
                count = ops.sum(weight * chosen, axis=1, keepdims=True)
        count = ops.maximum(count, 1e-6)
        if self.combiner == "sqrtn":
            weight = weight / ops.sqrt(count)
        elif self.combiner == "mean":
            weight = weight / count
        # In float32: half precision is too coarse here.
        vectors = ops.cast(take_rows(self.embeddings, rows), "float32")
        return vectors * ops.expand_dims(weight, -1)

    def rows(self, tokens, mask):
        """Returns the table row of each n-gram, and whether it counts.

        Args:
            tokens: int ids `[batch, time]`.
            mask: bool `[batch, time]`.

        Returns:
            int32 rows and bool, both `[batch, n-grams]`; rows that do not count are 0.
        """
        rows, real = self._joined(self._hashed(tokens, mask))
        if self.binary and is_whole(mask):
            rows = ops.expand_dims(distinct(rows[0]), 0)
            return rows, ops.ones_like(rows, "bool")
        if self.binary:
            # Sorted, equal rows are neighbours; rows that do not count come last.
            rows = ops.sort(ops.where(real, rows, self.buckets), axis=1)
            new = ops.not_equal(rows[:, 1:], rows[:, :-1])
            new = ops.concatenate([ops.ones_like(real[:, :1]), new], axis=1)
            real = ops.logical_and(new, rows < self.buckets)
        return ops.where(real, rows, 0), real

    def _hashed(self, tokens, mask) -> list[tuple]:
        """Returns rows and whether they count, one column an n-gram, for each length.

        Rows are up to multiples of `buckets`; `binary` makes no difference.
        """
        tokens = ops.cast(tokens, "int32")
        products = [
            multiply_modulo(tokens, factor, self.buckets)
            for factor in _FACTORS[1 : max(self.n) + 1]
        ]
        parts = []
        for n in self.n:
            row = n * _FACTORS[0] % self.buckets
            full = _at(mask, 0, n)
            for offset in range(n):
                row = row + _at(products[offset], offset, n)
                if offset and not is_whole(mask):
                    full = ops.logical_and(full, _at(mask, offset, n))
            parts.append((row, full))
        return parts

    def _joined(self, parts: list[tuple]) -> tuple:
        rows, real = (ops.concatenate(both, axis=1) for both in zip(*parts))
        return ops.mod(rows, self.buckets), real

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "outputs": self.outputs,
            "buckets": self.buckets,
            "n": self.n,
            "combiner": self.combiner,
            "binary": self.binary,
            "weighted": self.weighted,
            "embeddings_initializer": keras.initializers.serialize(
                self.embeddings_initializer
            ),
        }


def multiply_modulo(ids, factor: int, modulus: int):
    """Returns `ids * factor % modulus`, exact although the product may exceed int32.

    A product that overflows loses multiples of 2**32, which a modulus that is a power
    of two does not see. For another modulus, `ids` is split into digits so small that a
    digit times a residue stays below 2**30, and the sums of two terms below 2**31.

    Args:
        ids: non-negative int32, any shape.
        factor: any non-negative integer.
        modulus: from 1 to 2**22.

    Returns:
        int32 of the shape of `ids`, from 0 to `modulus - 1`.

    Example:
        >>> import numpy as np
        >>> int(multiply_modulo(np.int32(2**31 - 1), 10**9, 1000)) == (
        ...     (2**31 - 1) * 10**9 % 1000)
        True
    """
    if modulus & (modulus - 1) == 0:
        return ops.mod(ops.multiply(ids, factor % modulus), modulus)
    base = 2 ** (30 - math.ceil(math.log2(modulus)))
    total = ops.zeros_like(ids)
    for digit in range(math.ceil(31 / math.log2(base))):
        residue = factor * base**digit % modulus
        part = ops.mod(ops.floor_divide(ids, base**digit), base)
        total = ops.mod(total + part * residue, modulus)
    return total


def _at(values, offset: int, n: int):
    """Returns the values at this offset in each n-gram, `[batch, time - n + 1]`."""
    after = n - 1 - offset
    return values[:, offset:-after] if after else values[:, offset:]
