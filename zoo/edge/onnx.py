"""ONNX for onnxruntime: any number of texts of any length."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo._lazy import LazyModule
from zoo.edge.extra import need

tf = LazyModule("tensorflow")

SUFFIX = ".onnx"
_OPSET = 17  # supported by onnxruntime 1.12 and later


class Converter:
    """Writes the file of a model.

    Args:
        function: the result of `zoo.edge.graph.score_function`.
        length: not used: the file takes any number of tokens.
    """

    def __init__(self, function: Callable, length: int) -> None:
        self._tf2onnx = need("tf2onnx", "onnx", "onnxruntime")
        self._function = tf.function(function, autograph=False)

    def float32(self) -> bytes:
        """Converts with float32 weights."""
        return self._float32

    @cached_property
    def _float32(self) -> bytes:
        tokens = tf.TensorSpec([None, None], tf.int32, name="tokens")
        found, _ = self._tf2onnx.convert.from_function(
            self._function, [tokens], opset=_OPSET
        )
        return found.SerializeToString()

    def int8(self) -> bytes:
        """Converts with 8-bit weights, by onnxruntime's dynamic quantisation."""
        quantization = need("onnxruntime.quantization", "onnx")
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
            source.write_bytes(self._float32)
            # Unsigned: onnxruntime has no convolution with signed weights.
            quantization.quantize_dynamic(
                source,
                target,
                weight_type=quantization.QuantType.QUInt8,
                extra_options={"EnableSubgraph": True},
            )
            return target.read_bytes()


class Runner:
    """Runs a file with onnxruntime on the CPU, on one thread.

    Args:
        path: path of the file.
        length: number of tokens that are read; the file accepts more.
    """

    def __init__(self, path: str | Path, length: int) -> None:
        onnxruntime = need("onnxruntime")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            os.fspath(path), options, providers=["CPUExecutionProvider"]
        )
        self._names = [output.name for output in self._session.get_outputs()]

    def __call__(self, tokens: np.ndarray) -> dict[str, np.ndarray]:
        """Returns scores `[batch, outputs]` by output, for ids `[batch, time]`."""
        values = self._session.run(self._names, {"tokens": tokens})
        return dict(zip(self._names, values, strict=True))
