"""A vocabulary as a lookup table that a SavedModel includes, and rows of ids."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.text.imports import tf
from zoo.text.vocabulary import (
    SPECIALS,
    UNKNOWN,
    check_vocabulary,
    write_vocabulary,
)

_FILE = "vocab.txt"


class LookupTable(tf.Module):
    """Maps tokens to the ids of a vocabulary, in Python and in the graph.

    Args:
        vocabulary: entries in the order of their ids; the first four are
            `zoo.text.SPECIALS`.

    Raises:
        ValueError: for an invalid vocabulary.

    Example:
        >>> table = LookupTable([*SPECIALS, "so", "good"])
        >>> table(tf.constant(["good", "bad", "[PAD]"])).numpy().tolist()
        [5, 1, 1]
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        super().__init__(name="lookup_table")
        self._entries = _Entries(check_vocabulary(vocabulary))
        # The table is read from its own file: a SavedModel copies it as an asset, even
        # if the folder that the vocabulary was loaded from no longer exists.
        folder = tempfile.mkdtemp(prefix="zoo-vocabulary-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / _FILE
        write_vocabulary(path, self._entries.tokens)
        self.table = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(path),
                key_dtype=tf.string,
                key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
                value_dtype=tf.int64,
                value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            default_value=UNKNOWN,
        )

    @property
    def entries(self) -> tuple[str, ...]:
        """The vocabulary in the order of the ids."""
        return self._entries.tokens

    def __call__(self, tokens: tf.Tensor) -> tf.Tensor:
        """Returns int32 ids of string tokens of any shape; `UNKNOWN` if not found."""
        ids = tf.cast(self.table.lookup(tokens), tf.int32)
        # A text may contain "[PAD]", which is a word there, not padding.
        return tf.where(ids < len(SPECIALS), UNKNOWN, ids)


@dataclass(frozen=True)
class _Entries:
    """Hides the vocabulary from TensorFlow's object graph, which would wrap it."""

    tokens: tuple[str, ...]


def fill_empty(rows: tf.RaggedTensor, unknown=UNKNOWN) -> tf.RaggedTensor:
    """Returns ids or tokens `[batch, (tokens)]`, one unknown in rows without any."""
    empty = tf.cast(tf.equal(rows.row_lengths(), 0), tf.int64)
    filler = tf.fill([tf.reduce_sum(empty)], unknown)
    return tf.concat([rows, tf.RaggedTensor.from_row_lengths(filler, empty)], 1)


def bear_no_rows(function: Callable) -> Callable:
    """Makes a function of rows also accept zero rows.

    Convolutions, loops and maxima need a row: zero rows are replaced by one of zeros,
    or of empty strings, which is removed from the outputs.

    Args:
        function: from tensors, all with an axis of rows except scalars, to such a
            tensor or a dict of them.

    Example:
        >>> mean = bear_no_rows(lambda x: x / tf.reduce_max(x))
        >>> mean(tf.constant([1.0, 2.0])).numpy().tolist()
        [0.5, 1.0]
        >>> mean(tf.zeros([0])).numpy().tolist()
        []
    """

    def bearing(*inputs):
        rows = tf.shape(inputs[0])[0]
        filled = [_with_a_row(x) if x.shape.rank else x for x in inputs]
        return tf.nest.map_structure(lambda y: y[:rows], function(*filled))

    return bearing


def _with_a_row(values: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(values)
    missing = tf.concat([tf.maximum(1 - shape[:1], 0), shape[1:]], axis=0)
    return tf.concat([values, tf.zeros(missing, values.dtype)], axis=0)


def filled_and_padded(ids: tf.RaggedTensor, most: int) -> tf.Tensor:
    """Returns `pad(fill_empty(ids[:, :most]))`, with a third of the operations.

    Launching them takes longer than their work if there are few rows.
    """
    longest = tf.reduce_max(ids.row_lengths())  # the least int64 without rows
    steps = tf.clip_by_value(longest, 1, most)
    padded = ids.to_tensor(shape=tf.stack([-1, steps]))
    # The ids of tokens are positive, so only an empty row begins with padding.
    return tf.concat([tf.maximum(padded[:, :1], UNKNOWN), padded[:, 1:]], axis=1)


def pad(ids: tf.RaggedTensor) -> tf.Tensor:
    """Returns ids `[batch, time]`, right-padded with 0, with at least one step."""
    dense = ids.to_tensor()  # [0, 0] without texts, but some models need a time step
    missing = tf.maximum(1 - tf.shape(dense)[1], 0)
    return tf.pad(dense, [[0, 0], [0, missing]])
