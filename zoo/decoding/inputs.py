"""The inputs of the searches: checked and converted."""

from __future__ import annotations

import tensorflow as tf


def as_ids(name: str, value, ranks=(0, 1), vocab_size: int | None = None) -> tf.Tensor:
    """Returns ids of tokens as an int32 tensor.

    Raises:
        ValueError: if they are not integers of an accepted rank, or are known to be
            outside the vocabulary.
    """
    limit = tf.int32.max if vocab_size is None else vocab_size
    if _is_integer(value, ranks, 0, limit - 1):
        return tf.cast(value, tf.int32)
    size = "" if vocab_size is None else f" and below `vocab_size`={vocab_size}"
    rows = " or integers [batch]" if 1 in ranks else ""
    raise ValueError(
        f"`{name}` must be the id of a token. Accepted: an integer of at least 0{size}"
        f"{rows}. Received: {name}={value!r}."
    )


def _is_integer(value, ranks, least: int, most: int) -> bool:
    """Returns whether these are integers of some rank and, if known, in a range."""
    try:
        tensor = tf.convert_to_tensor(value)
    except (TypeError, ValueError):
        return False
    if not tensor.dtype.is_integer or tensor.shape.rank not in ranks:
        return False
    known = tf.get_static_value(tensor)
    return known is None or bool(((known >= least) & (known <= most)).all())


def check_weight(name: str, value) -> None:
    """Raises for a penalty that is known to be negative."""
    if not tf.is_tensor(value) and not value >= 0:
        raise ValueError(
            f"`{name}` must be at least 0; 0 disables it. Received: {name}={value!r}."
        )


def by_row(value, batch) -> tf.Tensor:
    """Returns a number for all rows, or one for each, as int32 `[batch]`."""
    return tf.broadcast_to(tf.cast(value, tf.int32), [batch])


def step_limits(max_steps, batch) -> tuple[int | tf.Tensor, tf.Tensor]:
    """Returns the most steps of any row, and those of each row, int32 `[batch]`.

    Raises:
        ValueError: if these are not integers, or are known not to be positive.
    """
    if not _is_integer(max_steps, (0, 1), 1, tf.int32.max):
        raise ValueError(
            "`max_steps` must be positive. Accepted: an integer, or integers [batch]. "
            f"Received: max_steps={max_steps!r}."
        )
    limits = tf.cast(max_steps, tf.int32)
    known = tf.get_static_value(limits)
    most = tf.reduce_max(limits) if known is None else int(known.max(initial=1))
    return most, by_row(limits, batch)


def repeat_rows(structure, times: int):
    """Repeats each row of tensors `[batch, ...]`: `[batch * times, ...]`.

    Example:
        >>> repeat_rows({"h": tf.constant([[1], [2]])}, 2)["h"].numpy().tolist()
        [[1], [1], [2], [2]]
    """
    return tf.nest.map_structure(lambda x: tf.repeat(x, times, axis=0), structure)


def as_state(state):
    """Returns a state as tensors, each with an axis of rows.

    Raises:
        ValueError: if a tensor has no such axis.
    """
    state = tf.nest.map_structure(tf.convert_to_tensor, () if state is None else state)
    for leaf in tf.nest.flatten(state):
        if leaf.shape.rank == 0:
            raise ValueError(
                "`state` must hold tensors [batch, ...], with one row for each row of "
                f"the batch. Received: a {leaf.dtype.name} without axes."
            )
    return state


def call_step(step, ids, state):
    """Runs `step`, and packs its state in the structure of the given one.

    Raises:
        ValueError: if it does not return the three parts, or returns a state of
            another structure or type.
    """
    result = step(ids, state)
    if not isinstance(result, (tuple, list)) or len(result) != 3:
        raise ValueError(
            "`step` must return three parts. Accepted: (log-probabilities, state, "
            f"attention or None). Received: {type(result).__name__}."
        )
    log_probabilities, new, attention = result
    new = as_state(new)
    try:
        tf.nest.assert_same_structure(state, new)
        new = tf.nest.map_structure(_like, state, new)
    except (TypeError, ValueError) as error:
        raise ValueError(
            "`step` must return a state of the structure, types and shapes that it "
            f"takes. Accepted: {_describe(state)}. Received: {_describe(new)}."
        ) from error
    return tf.cast(log_probabilities, tf.float32), new, attention


def _like(old: tf.Tensor, new: tf.Tensor) -> tf.Tensor:
    if old.dtype != new.dtype:
        raise TypeError("another type")
    return tf.ensure_shape(new, old.shape)


def _describe(state) -> str:
    show = tf.nest.map_structure(lambda x: f"{x.dtype.name}{list(x.shape)}", state)
    return str(show)
