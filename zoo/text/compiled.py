"""A function of texts that becomes one graph when it is called often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.text.imports import tf

# Calls until then are eager: tracing takes as long as some twenty of them.
EAGER_CALLS = 8


class CompiledLater:
    """Calls a function eagerly at first, then as a graph, which is faster.

    The object is not a `tf.function`, so that an export of its owner leaves it out.

    Args:
        function: of a string tensor `[batch]`, to a structure of tensors.

    Example:
        >>> lengths = CompiledLater(tf.strings.length)
        >>> [lengths(tf.constant(["ab"])).numpy().tolist() for _ in range(10)][-1]
        [2]
    """

    def __init__(self, function: Callable[[tf.Tensor], Any]) -> None:
        self._eager = function
        self._calls = 0
        self._graph = tf.function(
            function,
            input_signature=[tf.TensorSpec([None], tf.string)],
            autograph=False,
        )

    def __call__(self, texts: tf.Tensor):
        if self._calls < EAGER_CALLS:
            self._calls += 1
            return self._eager(texts)
        return self._graph(texts)
