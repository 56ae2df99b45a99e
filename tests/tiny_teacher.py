"""A tiny ONNX sentence encoder with its tokenizer, made here for the tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from zoo.api.teachers.pytorch import import_torch

WIDTH = 6
WORDS = "a the good fine bad dull film day was so very 1 2 3 4 5 6 7 8 9".split()


def texts(count: int = 120) -> list[str]:
    """Different texts over the words of the tokenizer."""
    generator = np.random.default_rng(0)
    return [
        " ".join(generator.choice(WORDS, 3 + number % 5)) for number in range(count)
    ]


def make_teacher(folder: Path, **options) -> Path:
    """Writes `model.onnx` and `tokenizer.json`, and returns the path of the model."""
    write_tokenizer(folder / "tokenizer.json")
    return write_model(folder / "model.onnx", **options)


def table(rows: int | None = None) -> np.ndarray:
    """The vector of each token, `[tokens, WIDTH]`."""
    count = len(WORDS) + 1 if rows is None else rows
    return np.random.default_rng(1).normal(size=(count, WIDTH)).astype("float32")


def write_model(
    path: Path,
    *,
    vectors: np.ndarray | None = None,
    inputs=("input_ids", "attention_mask"),
    kind: str = "INT64",
    pooled: bool = False,
) -> Path:
    """A table of vectors: each token's, or the sum over the tokens if `pooled`."""
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    vectors = table() if vectors is None else vectors
    given = [
        helper.make_tensor_value_info(name, getattr(types, kind), ["batch", "time"])
        for name in inputs
    ]
    nodes = [helper.make_node("Gather", ["vectors", inputs[0]], ["states"])]
    name, shape = "states", ["batch", "time", WIDTH]
    weights = [onnx.numpy_helper.from_array(vectors, "vectors")]
    if pooled:
        name, shape = "sentence_embedding", ["batch", WIDTH]
        weights.append(onnx.numpy_helper.from_array(np.array([1], "int64"), "axes"))
        nodes.append(
            helper.make_node("ReduceSum", ["states", "axes"], [name], keepdims=0)
        )
    result = helper.make_tensor_value_info(name, types.FLOAT, shape)
    graph = helper.make_graph(nodes, "tiny", given, [result], weights)
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def write_tokenizer(path: Path, words=WORDS) -> Path:
    pytest.importorskip("onnxruntime")
    tokenizers = pytest.importorskip("tokenizers")
    known = {word: place for place, word in enumerate(["[UNK]", *words])}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(known, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(str(path))
    return path


def vectors_by_hand(rows, vectors: np.ndarray | None = None) -> np.ndarray:
    """What the teacher must answer: the mean of the vectors of words, of length 1."""
    vectors = table() if vectors is None else vectors
    places = {word: place for place, word in enumerate(["[UNK]", *WORDS])}
    means = [
        np.mean([vectors[places.get(word, 0)] for word in text.split()], axis=0)
        for text in rows
    ]
    return np.stack([mean / np.linalg.norm(mean) for mean in means])


def results_of(folder: Path) -> dict:
    return json.loads((folder / "results.json").read_text("utf-8"))


def torch_or_skip():
    """Returns the module `torch`, imported as teachers do, or skips the test."""
    try:
        return import_torch()
    except ImportError as error:
        return pytest.skip(str(error))
