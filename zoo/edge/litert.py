"""LiteRT, formerly TensorFlow Lite: one text at a time, of a fixed length."""

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
        function: the result of `zoo.edge.graph.score_function`.
        length: number of tokens of the file's input.
    """

    def __init__(self, function: Callable, length: int) -> None:
        need("ai_edge_litert.interpreter")  # fail before the conversion
        tokens = tf.TensorSpec([1, length], tf.int32, name="tokens")
        self._module = tf.Module()
        self._module.scores = tf.function(
            function, input_signature=[tokens], autograph=False
        )

    def float32(self) -> bytes:
        """Converts with float32 weights."""
        return self._converter().convert()

    def int8(self) -> bytes:
        """Converts with 8-bit weights, by LiteRT's dynamic-range quantisation."""
        converter = self._converter()
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        return converter.convert()

    def _converter(self):
        concrete = self._module.scores.get_concrete_function()
        return tf.lite.TFLiteConverter.from_concrete_functions([concrete], self._module)


class Runner:
    """Runs a file with the interpreter of devices, on one thread.

    Args:
        path: path of the file.
        length: number of tokens of its input.
    """

    def __init__(self, path: str | Path, length: int) -> None:
        interpreter = need("ai_edge_litert.interpreter")
        self._length = length
        # The runner does not keep the interpreter, whose memory it reads, alive.
        self._interpreter = interpreter.Interpreter(
            model_path=os.fspath(path), num_threads=1
        )
        self._run = self._interpreter.get_signature_runner()
        self._lock = threading.Lock()  # all callers share the memory of the tensors

    def __call__(self, tokens: np.ndarray) -> dict[str, np.ndarray]:
        """Returns scores `[batch, outputs]` by output, for ids `[batch, time]`."""
        padded = np.zeros((len(tokens), self._length), "int32")
        padded[:, : tokens.shape[1]] = tokens
        with self._lock:
            rows = [self._run(tokens=row[None]) for row in padded]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
