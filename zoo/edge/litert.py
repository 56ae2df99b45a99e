"""LiteRT, once TensorFlow Lite: one text at a time, of a length that is fixed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo._lazy import LazyModule
from zoo.edge.extra import need

tf = LazyModule("tensorflow")

SUFFIX = ".tflite"


class Converter:
    """Writes the file of a model.

    Args:
        function: what `zoo.edge.graph.score_function` returns.
        length: number of tokens that the file takes.
    """

    def __init__(self, function: Callable, length: int) -> None:
        need("ai_edge_litert.interpreter")  # sooner than after the conversion
        tokens = tf.TensorSpec([1, length], tf.int32, name="tokens")
        self._module = tf.Module()
        self._module.scores = tf.function(
            function, input_signature=[tokens], autograph=False
        )

    def float32(self) -> bytes:
        """The file as it is."""
        return self._converter().convert()

    def int8(self) -> bytes:
        """With weights in 8 bits; LiteRT's dynamic-range quantisation."""
        converter = self._converter()
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return converter.convert()

    def _converter(self):
        concrete = self._module.scores.get_concrete_function()
        return tf.lite.TFLiteConverter.from_concrete_functions([concrete], self._module)


class Runner:
    """Runs a file by the interpreter of devices, on one thread.

    Args:
        path: path of the file.
        length: number of tokens it takes.
    """

    def __init__(self, path: str | Path, length: int) -> None:
        interpreter = need("ai_edge_litert.interpreter")
        self._length = length
        # The runner does not keep the interpreter alive, whose memory it reads.
        self._interpreter = interpreter.Interpreter(
            model_path=os.fspath(path), num_threads=1
        )
        self._run = self._interpreter.get_signature_runner()
        self._lock = threading.Lock()  # one memory for the tensors of all callers

    def __call__(self, tokens: np.ndarray) -> dict[str, np.ndarray]:
        """Scores `[batch, outputs]` by output, of ids `[batch, time]`."""
        padded = np.zeros((len(tokens), self._length), "int32")
        padded[:, : tokens.shape[1]] = tokens
        with self._lock:
            rows = [self._run(tokens=row[None]) for row in padded]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
