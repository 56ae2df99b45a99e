"""Rows of a request in groups of similar length, so that little of it is padding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.kernels.packed import packed
from zoo.kernels.single import single
from zoo.text import TextPipeline
from zoo.text.branch import branch
from zoo.text.imports import tf

# Steps of a group, padding included, and its rows: large enough for products of
# matrices, small enough that one long text does not lengthen many short ones.
MOST_STEPS, MOST_ROWS = 1024, 64
PACKED_STEPS, PACKED_ROWS = 4096, 128
# A single text of at most so many steps has a graph of its own, with fewer operations.
# This is a window of the recurrent classifiers.
SHORT = 128


def lengths_of(ids: tf.Tensor) -> tf.Tensor:
    """Returns the number of tokens of padded rows, int32 `[rows]`."""
    return tf.reduce_sum(tf.cast(ids != 0, tf.int32), axis=1)


def of_texts(pipeline: TextPipeline, compute: Callable):
    """Returns a `tf.function` of texts whose rows are computed in groups.

    A request of one short text has a graph of its own; see `zoo.kernels.single`.

    Args:
        pipeline: from string `[batch]` to int32 ids `[batch, time]`, 0 for padding.
        compute: from such ids to a dict of tensors with an axis of rows, which padding
            does not change.

    Returns:
        A function from string `[batch]`, which may be empty, to the dict.
    """

    def traced(rows: int | None):
        ids = tf.TensorSpec([rows, None], tf.int32, name="ids")
        graph = tf.function(compute, input_signature=[ids], autograph=False)
        return graph.get_concrete_function()

    with packed() as packings:
        computed = traced(None)
    # Layers that compute no padding gain from more rows at a time.
    sizes = {"steps": PACKED_STEPS, "rows": PACKED_ROWS} if packings else {}
    with single(SHORT):
        alone = traced(1)

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="text")],
        autograph=False,
    )
    def run(text: tf.Tensor) -> dict:
        one = tf.equal(tf.size(text), 1)
        ids = branch(
            one,
            lambda: pipeline.of_one(tf.reshape(text, [1])),
            lambda: pipeline(text),
        )
        short = one & (tf.shape(ids)[1] <= SHORT)
        # Cut, as TensorFlow would else take all ids for those of one row.
        return branch(
            short, lambda: alone(ids[:1]), lambda: in_groups(computed, ids, **sizes)
        )

    return run


def in_groups(
    function: Any, ids: tf.Tensor, *, steps: int = MOST_STEPS, rows: int = MOST_ROWS
):
    """Returns the outputs of a function of padded rows, computed in groups.

    The rows are sorted by length; each group is as large as fits, and at least one row.
    The outputs are in the order of the rows.

    The function is called at one place: TensorFlow optimizes every call by itself when
    a server loads the model, which takes seconds for a recurrent one.

    Args:
        function: a concrete function from int32 `[rows, time]`, 0 for padding on the
            right, to a structure of tensors `[rows, ...]`, which padding does not
            change.
        ids: int32 `[rows, time]`; without rows the function is not called.
        steps: maximum of rows times steps of a group of several rows.
        rows: maximum number of rows of a group.

    Example:
        >>> ids = tf.constant([[3, 4, 5], [6, 0, 0]])
        >>> spec = tf.TensorSpec([None, None], tf.int32)
        >>> total = tf.function(lambda x: tf.reduce_sum(x, axis=1))
        >>> in_groups(total.get_concrete_function(spec), ids, rows=1).numpy().tolist()
        [12, 6]
    """
    lengths = lengths_of(ids)
    order = tf.argsort(lengths, stable=True)
    lengths = tf.maximum(tf.gather(lengths, order), 1)
    count = tf.shape(lengths)[0]
    structure = function.structured_outputs
    outputs = [
        tf.TensorArray(
            part.dtype,
            0,
            dynamic_size=True,
            infer_shape=False,
            element_shape=[None, *part.shape[1:]],
        )
        for part in tf.nest.flatten(structure)
    ]

    def group(start, number, arrays):
        # Of rows sorted by length, how many fit with padding to the last one.
        taken = lengths[start : start + rows]
        place = tf.range(1, tf.shape(taken)[0] + 1)
        fits = tf.reduce_sum(tf.cast(place * taken <= steps, tf.int32))
        end = start + tf.maximum(fits, 1)
        chosen = tf.gather(ids, order[start:end])[:, : lengths[end - 1]]
        found = tf.nest.flatten(function(chosen))
        written = [a.write(number, x) for a, x in zip(arrays, found, strict=True)]
        return end, number + 1, written

    *_, outputs = tf.while_loop(
        lambda start, number, arrays: start < count, group, [0, 0, outputs]
    )
    back = tf.argsort(order)
    found = [tf.gather(array.concat(), back) for array in outputs]
    return tf.nest.pack_sequence_as(structure, found)
