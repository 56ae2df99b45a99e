"""Packs the tokens of padded rows by step, on TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf


class Packing:
    """The order of the tokens of a mask: by step, and longest row first in each.

    The tokens of a row are those where the mask is true, wherever they are.

    Args:
        mask: bool `[batch, time]`.
    """

    def __init__(self, mask: tf.Tensor) -> None:
        real = tf.cast(mask, tf.int32)
        lengths = tf.reduce_sum(real, axis=1)
        self.order = tf.argsort(lengths, direction="DESCENDING", stable=True)
        self.places = tf.argsort(self.order)  # of each row in the order
        self._shape = tf.shape(mask)
        steps = tf.range(tf.reduce_max(tf.concat([lengths, [0]], 0)))
        longer = steps[:, None] < lengths
        self.counts = tf.reduce_sum(tf.cast(longer, tf.int32), axis=1)
        self._starts = tf.cumsum(self.counts, exclusive=True)
        self._until, self._before = tf.cumsum(real, 1), tf.cumsum(real, 1, True)
        tokens = tf.where(mask)  # [tokens, 2], row by row
        rows, step = tokens[:, 0], tf.gather_nd(self._before, tokens)
        packed = tf.gather(self._starts, step) + tf.gather(self.places, rows)
        self._tokens = tf.gather(tokens, tf.argsort(packed))

    def pack(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the tokens `[tokens, features]` of `[batch, time, features]`."""
        return tf.gather_nd(x, self._tokens)

    def sort(self, state: tf.Tensor) -> tf.Tensor:
        """Returns a state `[batch, units]` in the order of the rows."""
        return tf.gather(state, self.order)

    def unsort(self, state: tf.Tensor) -> tf.Tensor:
        """Returns a state `[batch, units]` in the order of the batch again."""
        return tf.gather(state, self.places)

    def unpack(self, states: tf.Tensor, reverse: bool) -> tf.Tensor:
        """Returns the output at every position, masked ones included.

        Args:
            states: `[steps + 1, batch, units]`, from `scan`.
            reverse: whether the scan ran from the last token to the first.

        Returns:
            `[batch, time, units]`; at masked positions the state of the position read
            before, or the initial state.
        """
        step = self._before if reverse else self._until
        flat = tf.reshape(states, [-1, states.shape[-1]])
        return tf.gather(flat, step * self._shape[0] + self.places[:, None])

    def scan(
        self,
        step: Callable,
        carry: Sequence[tf.Tensor],
        sequences: Sequence[tf.Tensor],
        reverse: bool = False,
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Runs `step(carry, elements) -> (carry, outputs)` over the rows with a token.

        As the `scan` of `zoo.kernels._tensorflow`, but for packed tokens.

        Args:
            step: the body of the loop, whose outputs are the first of the new states.
            carry: the states before the first step, each `[..., batch, units]`, in the
                order of the rows.
            sequences: tensors `[..., tokens, features]`, packed.
            reverse: whether to run from the last token of each row to its first.

        Returns:
            The last carry, and the outputs of all rows, `[steps + 1, ..., batch,
            units]`: those before the first step stand first, or last with `reverse`.
        """
        carry, length = list(carry), tf.shape(self.counts)[0]
        first, by = (length, -1) if reverse else (0, 1)
        # One step on no rows tells how many outputs there are; graphs drop it.
        none = [s[..., :0, :] for s in (*carry, *sequences)]
        _, outputs = step(none[: len(carry)], none[len(carry) :])
        arrays = [
            tf.TensorArray(state.dtype, size=length + 1, element_shape=state.shape)
            for state in carry[: len(outputs)]
        ]
        arrays = [a.write(first, s) for a, s in zip(arrays, carry)]
        ranks = sorted({len(sequence.shape) for sequence in sequences})
        table, widths = self._table(ranks)

        def body(now, *state):
            size, *places = tf.split(tf.gather(table, now), widths)
            of_rank = {rank: places[2 * n : 2 * n + 2] for n, rank in enumerate(ranks)}
            elements = [tf.slice(s, *of_rank[len(s.shape)]) for s in sequences]
            split = [tf.split(s, size, -2, num=2) for s in state[: len(carry)]]
            new, _ = step([active for active, _ in split], elements)
            new = [tf.concat([n, rest], -2) for n, (_, rest) in zip(new, split)]
            for tensor, start in zip(new, carry):
                tensor.set_shape(start.shape)
            after = now + by
            place = now if reverse else after
            written = [a.write(place, n) for a, n in zip(state[len(carry) :], new)]
            return (after, *new, *written)

        _, *state = tf.while_loop(
            (lambda now, *_: now >= 0) if reverse else (lambda now, *_: now < length),
            body,
            (length - 1 if reverse else tf.constant(0), *carry, *arrays),
        )
        stacked = [array.stack() for array in state[len(carry) :]]
        return state[: len(carry)], stacked

    def _table(self, ranks: Sequence[int]) -> tuple[tf.Tensor, list[int]]:
        """Returns a row of numbers for each step, and how many belong together.

        They are the rows with and without a token, and for each rank begin and size of
        the step in a packed tensor. In one table, because launching an operation takes
        as long as much of the arithmetic of a step.
        """
        none, every = tf.zeros_like(self.counts), tf.fill(tf.shape(self.counts), -1)
        columns, widths = [self.counts, self._shape[0] - self.counts], [2]
        for rank in ranks:
            columns += [*[none] * (rank - 2), self._starts, none]
            columns += [*[every] * (rank - 2), self.counts, every]
            widths += [rank, rank]
        return tf.stack(columns, axis=1), widths
