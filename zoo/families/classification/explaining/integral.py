"""Integrated gradients of one text, in TensorFlow ops.

    share_i = x_i · ∫_0^1 ∂F(b + α x) / ∂x_i dα

`b` is the baseline and `x` what the words add to it; the mean of the gradients is taken
at the points of Gauss and Legendre, twice as many until the shares add up. A bag enters
as its result, whose gradient is constant where the model is linear in it.

Source: Sundararajan, Taly and Yan 2017, Axiomatic Attribution for Deep Networks,
sections 3 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.families.classification.explaining.entrances import Opened
from zoo.text.imports import tf
from zoo.text.places import FIRST_MARK

# Points at first, which are computed at once, and how often they are doubled until the
# gap is small enough.
FEWEST_STEPS, DOUBLINGS, GOAL = 8, 5, 0.01


class Shares(NamedTuple):
    """What a score adds up to.

    Args:
        words: float32 `[words]`.
        base: float32 scalar, the score of the baseline.
        score: float32 scalar.
        gap: float32 scalar, see `zoo.reporting.explanation.Explanation`.
        steps: int32 scalar, number of points.
        output: int32 scalar, the output that is explained.
    """

    words: tf.Tensor
    base: tf.Tensor
    score: tf.Tensor
    gap: tf.Tensor
    steps: tf.Tensor
    output: tf.Tensor


def shares_of(
    opened: Opened,
    names: Sequence[str],
    ids: tf.Tensor,
    marks: tf.Tensor,
    factors: tf.Tensor,
    against: tf.Tensor,
) -> Shares:
    """Divides the score of the largest output of a task over the words of a text.

    Args:
        opened: the classifier.
        names: of its tasks.
        ids: int32 `[1, time]`, without padding.
        marks: int32 `[1, time]`, `zoo.text.places.joined_marks` of the text.
        factors: float32 `[outputs]`, of the outputs of all tasks in the order of
            `names`; 0 for those of other tasks.
        against: bool scalar, whether the mean of the other outputs is subtracted.
    """
    path = _Path(opened, names, ids, marks)
    count = tf.maximum(tf.reduce_max(marks) - (FIRST_MARK - 1), 0)
    ends = path.outputs(tf.constant([0.0, 1.0]))
    own = factors != 0
    output = tf.argmax(tf.where(own, ends[1], tf.float32.min), output_type=tf.int32)
    one = tf.one_hot(output, tf.size(factors))
    others = tf.cast(own, tf.float32) - one
    others /= tf.maximum(tf.reduce_sum(others), 1.0)
    factors *= one - tf.where(against, others, 0.0)
    base, score = tf.unstack(tf.linalg.matvec(ends, factors))
    points, weights = _rules()
    # Smaller distances may be rounding.
    least = tf.maximum(tf.abs(score - base), 1e-4 * tf.reduce_max(tf.abs(ends)))
    least = tf.maximum(least, 1e-12)

    def refined(doublings, *_):
        groups = 2**doublings
        rule = points[doublings, :groups], weights[doublings, :groups]
        words = path.by_word(path.mean_slopes(*rule, factors), count)
        missing = tf.abs(score - base - tf.reduce_sum(words))
        size = tf.maximum(tf.reduce_sum(tf.abs(words)), least)
        return doublings + 1, groups * FEWEST_STEPS, words, missing / size

    zero = tf.constant(0)
    _, steps, words, gap = tf.while_loop(
        lambda doublings, steps, words, gap: (
            (count > 0) & (gap > GOAL) & (doublings <= DOUBLINGS)
        ),
        refined,
        (zero, zero, tf.zeros([count]), tf.constant(np.inf, tf.float32)),
        shape_invariants=(zero.shape, zero.shape, tf.TensorShape([None]), zero.shape),
    )
    gap, base = tf.where(count > 0, gap, 0.0), tf.where(count > 0, base, score)
    return Shares(words, base, score, gap, steps, output)


class _Path:
    """The straight line from the baseline of a text to the text.

    Args: as of `shares_of`.
    """

    def __init__(self, opened: Opened, names, ids, marks) -> None:
        self.opened, self.names, self.ids = opened, names, ids
        found = opened.before(ids, training=False)
        given_marks = opened.ids(marks, training=False)["ids"]
        owners = [given - FIRST_MARK for given in given_marks]
        masks = iter(found["masks"])
        self.owners, self.parts, self.bases, self.wholes = owners, [], [], []
        for layer, bag, given, value, owner in zip(
            opened.layers, opened.bags, found["ids"], found["values"], owners
        ):
            of_word = tf.cast(owner >= 0, value.dtype)[..., None]
            if bag:
                part = tf.cast(layer.by_token(given, next(masks)), value.dtype)
                part *= of_word
                whole = tf.reduce_sum(part, axis=1)
            else:
                part = whole = value * of_word
            self.parts.append(part)
            self.wholes.append(whole)
            self.bases.append(value - whole)

    def outputs(self, places: tf.Tensor, points=None) -> tf.Tensor:
        """Returns the outputs of all tasks at places from 0 to 1, `[places, outputs]`.

        Args:
            places: float32 `[places]`.
            points: the values of each entrance there, if they are known.
        """
        points = self._points(places) if points is None else points
        ids = tf.repeat(self.ids, tf.size(places), axis=0)
        found = self.opened.after([ids, *points], training=False)
        outputs = [tf.cast(found[name], tf.float32) for name in self.names]
        return tf.concat(outputs, axis=-1)

    def mean_slopes(self, places, weights, factors) -> list[tf.Tensor]:
        """Returns the weighted sum of the gradients at places, by entrance.

        Args:
            places: float32 `[groups, 8]`.
            weights: likewise.
            factors: float32 `[outputs]`.
        """

        def add(group, *totals):
            found = self._slopes(places[group], weights[group], factors)
            return group + 1, *(a + b for a, b in zip(totals, found))

        zeros = [tf.zeros_like(whole, tf.float32) for whole in self.wholes]
        _, *totals = tf.while_loop(
            lambda group, *_: group < tf.shape(places)[0], add, (tf.constant(0), *zeros)
        )
        return totals

    def by_word(self, slopes: Sequence[tf.Tensor], count: tf.Tensor) -> tf.Tensor:
        """Returns the share of each of `count` words, given the mean gradients."""
        total = tf.zeros([count])
        for bag, part, slope, owner in zip(
            self.opened.bags, self.parts, slopes, self.owners
        ):
            slope = slope[:, None] if bag else slope
            shares = tf.reduce_sum(tf.cast(part, tf.float32) * slope, axis=-1)
            total += tf.math.unsorted_segment_sum(
                tf.reshape(shares, [-1]), tf.reshape(owner, [-1]), count
            )
        return total

    def _points(self, places: tf.Tensor) -> list[tf.Tensor]:
        """Returns the values of each entrance, with an axis of `rows * places`."""
        number, points = tf.size(places), []
        for base, whole in zip(self.bases, self.wholes):
            rows = tf.shape(base)[0]  # two for a pair of texts
            factor = tf.cast(tf.tile(places, [rows]), base.dtype)
            factor = tf.reshape(factor, [-1] + [1] * (base.shape.rank - 1))
            base, whole = (tf.repeat(x, number, axis=0) for x in (base, whole))
            points.append(base + factor * whole)
        return points

    def _slopes(self, places, weights, factors) -> list[tf.Tensor]:
        points = self._points(places)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(points)
            scores = tf.linalg.matvec(self.outputs(places, points), factors)
            total = tf.reduce_sum(scores * weights)
        found = tape.gradient(
            total, points, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        sums = []
        for slope, whole in zip(found, self.wholes):
            shape = tf.concat([[-1, tf.size(places)], tf.shape(whole)[1:]], axis=0)
            slope = tf.reshape(tf.cast(slope, tf.float32), shape)
            total = tf.reduce_sum(slope, axis=1)
            total.set_shape(whole.shape)
            sums.append(total)
        return sums


def _rules() -> tuple[tf.Tensor, tf.Tensor]:
    """Returns points and weights of each number of steps, `[doublings + 1, most, 8]`.

    There are `2**doublings` groups of eight; the others are zeros.
    """
    found = np.zeros((2, DOUBLINGS + 1, 2**DOUBLINGS, FEWEST_STEPS), "float32")
    for doublings in range(DOUBLINGS + 1):
        points, weights = np.polynomial.legendre.leggauss(FEWEST_STEPS * 2**doublings)
        both = np.stack([(points + 1) / 2, weights / 2])
        found[:, doublings, : 2**doublings] = both.reshape(2, -1, FEWEST_STEPS)
    return tf.constant(found[0]), tf.constant(found[1])
