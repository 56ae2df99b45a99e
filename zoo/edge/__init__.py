"""Exports a classifier as one file for LiteRT or onnxruntime, without TensorFlow.

Importing this loads no TensorFlow.
"""

from __future__ import annotations

from pathlib import Path

from zoo._lazy import LazyModule

__all__ = ["DEFAULT_LENGTH", "RUNTIMES", "EdgeError", "EdgeModel", "export"]

RUNTIMES = ("litert", "onnx")
AUTO = "auto"  # the fastest of them
DEFAULT_LENGTH = 128

_model = LazyModule("zoo.edge.model")
_publish = LazyModule("zoo.edge.publish")
_fastest = LazyModule("zoo.edge.fastest")


class EdgeError(RuntimeError):
    """The model could not be converted, or its answers differ; nothing was written."""


def export(
    text_model,
    folder: str | Path,
    *,
    runtime: str = "litert",
    length: int | None = None,
    int8: bool = False,
    examples=None,
) -> Path:
    """Writes a classifier for a device, after comparing it with Python.

    The folder receives

    * `model.tflite` or `model.onnx`: `tokens` int32 to, for a single task, `scores`
      float32 `[batch, labels]`, for several `<task>_scores` each: the calibrated
      probabilities of the served model, or the value of a regression. LiteRT takes
      `[1, length]`, padded on the right with 0; onnxruntime any `[batch, time]`.
    * with `int8`, `model_int8.tflite` or `model_int8.onnx`: 8-bit weights, and
      float32 arithmetic otherwise (dynamic-range quantisation).
    * `vocabulary.txt`: one token per line; the id of the first is 0.
    * `metadata.json`: tasks, labels and names of the outputs; length, padding and
      unknown id; the tokenizer's settings; texts with their expected ids and scores;
      size, sha256, largest difference from Python, latency, and metrics on `examples`
      of each file.

    Strings do not run on the device, which must turn texts into tokens like
    `zoo.TextPipeline`. The texts in `metadata.json` test that.

    Args:
        text_model: a `zoo.TextModel` whose pipeline gives token ids and whose tasks are
            about whole texts.
        folder: output folder; may be missing, empty, or an earlier export, which is
            replaced.
        runtime: `"litert"`, `"onnx"`, or `"auto"` for the one that answers a text of
            full length fastest on this machine; `compared_milliseconds` in
            `metadata.json` then has the times, and that of TensorFlow.
        length: number of tokens read per text, at most the pipeline's `max_length`; by
            default that, or 128 if it is longer.
        int8: whether to write a file with 8-bit weights as well.
        examples: labelled `zoo.data.Examples` to compute metrics on.

    Returns:
        The folder.

    Raises:
        ValueError: for a model or an argument that is not accepted.
        EdgeError: if the model cannot be converted, or a float32 answer differs by
            more than 1e-4 from Python's.
        ImportError: if a package of the extra `edge` is missing.
        OSError: if the folder cannot be written.

    Example:
        >>> export(zoo.load("runs/bilstm"), "edge/bilstm")  # doctest: +SKIP
        PosixPath('edge/bilstm')
        >>> EdgeModel("edge/bilstm")([[17, 4, 9]])["scores"]  # doctest: +SKIP
        array([[0.02, 0.98]], dtype=float32)
    """
    options = {"length": length, "int8": int8, "examples": examples}
    if runtime == AUTO:
        return _fastest.export_fastest(text_model, folder, **options)
    return _publish.export(text_model, folder, runtime=runtime, **options)


def __getattr__(name: str):
    if name == "EdgeModel":
        return _model.EdgeModel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
