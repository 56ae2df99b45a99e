"""The texts of the self-check, and Python's own answers to them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

import keras
import numpy as np

from zoo.families.classification.embedding import sentence_features
from zoo.families.classification.examples import example_signatures
from zoo.serving.answers import SEPARATOR, THRESHOLD
from zoo.serving.method_names import as_example
from zoo.tasks import Task, written
from zoo.text import TextPipeline, as_bytes

# Each one broke a text pipeline somewhere.
ODD = (
    "",
    " \t\r\n",
    "good",
    "Not bad at all: 3.5 of 5, don't you think?! :)",
    "nul\x00byte",
    b"\xff\xfe invalid \xe4\xb8",
    b"\xed\xa0\x80 surrogate",
    "cafe\u0301 caf\u00e9 Stra\u00dfe STRASSE \u0130stanbul",
    "\uff26\uff35\uff2c\uff2c \uff11\uff12 \ufb01ne \u2460",
    "\u8fd9\u5bb6\u9910\u5385\u5f88\u597d\uff0cok",
    "\u3053\u308c\u306f\u30c6\u30b9\u30c8 \ud55c\uad6d\uc5b4",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u200fx",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f44d\U0001f3fd",
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0939\u093f\u0928\u094d\u0926\u0940",
    "[PAD] [UNK] ##ing",
)
_LONG = (b"a long text never ends ", 3000)
_EXAMPLES = 8
_EXAMPLE_CHARACTERS = 4000


def sample(examples: Iterable[str] | None) -> list[bytes]:
    """Up to eight of the examples, from the shortest to the longest."""
    texts = {as_bytes(text[:_EXAMPLE_CHARACTERS]) for text in examples or ()}
    ordered = sorted(texts, key=lambda text: (len(text), text))
    if len(ordered) <= _EXAMPLES:
        return ordered
    places = np.linspace(0, len(ordered) - 1, _EXAMPLES).round().astype(int)
    return [ordered[place] for place in places]


def warmup_batches(examples: list[bytes]) -> list[list[bytes]]:
    """Short, median and long texts, alone and by eight."""
    texts = examples or [as_bytes(text) for text in (ODD[2], ODD[3], "more " * 40)]
    chosen = [texts[0], texts[len(texts) // 2], texts[-1]]
    return [[text] * size for size in (1, 8) for text in chosen]


def golden_answers(
    model: keras.Model,
    pipeline: TextPipeline,
    tasks: Mapping[str, Task],
    examples: list[bytes],
) -> list[dict]:
    """What the served model must answer, by another way than the served graph.

    Ids come from the pipeline and logits from the model, both eagerly; softmax,
    sigmoid and label names are NumPy's and Python's.

    Returns:
        JSON-ready records: `text` (base64) to be taken `repeat` times, `ids`, `tokens`
        and `answers`, a dict from task to `label` and `scores`.
    """
    pairs = [(as_bytes(text), 1) for text in (*ODD, *examples)] + [_LONG]
    texts = [text * repeat for text, repeat in pairs]
    tokens = pipeline.tokenize(texts).to_list()
    ids = pipeline.encode(texts)
    outputs = model(pipeline(texts), training=False)
    answers = {
        name: answers_of(keras.ops.convert_to_numpy(outputs[name]), task)
        for name, task in tasks.items()
    }
    return [
        {
            "text": base64.b64encode(text).decode(),
            "repeat": repeat,
            "ids": ids[row].tolist(),
            "tokens": [token.decode("utf-8") for token in tokens[row]],
            "answers": {name: rows[row] for name, rows in answers.items()},
        }
        for row, (text, repeat) in enumerate(pairs)
    ]


def signature_calls(
    model: keras.Model,
    pipeline: TextPipeline,
    tasks: Mapping[str, Task],
    examples: list[bytes],
) -> list[dict]:
    """Requests and answers of the signatures `classify`, `regress` and `embed`."""
    texts = [as_bytes(text) for text in (*ODD[:6], *examples)]
    ids = pipeline(texts)
    outputs = model(ids, training=False)
    inputs = {"inputs": [as_example(text) for text in texts]}
    calls = []
    for signature, name in example_signatures(tasks).items():
        task = tasks[name]
        answers = answers_of(keras.ops.convert_to_numpy(outputs[name]), task)
        scores = np.array([answer["scores"] for answer in answers], "float32")
        if task.kind == "regression":
            made = call(signature, inputs, {"outputs": scores})
            calls.append({**made, "mean": task.mean, "scale": task.scale})
            continue
        row = np.array([as_bytes(label) for label in task.labels], object)
        expected = {"classes": np.tile(row, (len(texts), 1)), "scores": scores}
        calls.append(call(signature, inputs, expected))
    features = sentence_features(model, tasks)
    if features is not None:
        vectors = keras.Model(model.input, features)(ids, training=False)
        vectors = keras.ops.convert_to_numpy(vectors).astype("float32")
        lengths = np.array([len(row) for row in pipeline.encode(texts)], "int32")
        expected = {"embedding": vectors, "length": lengths}
        calls.append(call("embed", {"text": texts}, expected))
    return calls


def answers_of(output: np.ndarray, task: Task) -> list[dict]:
    """Label and scores of each row of logits `[rows, outputs]`."""
    output = output.astype(np.float64)
    if task.kind == "regression":
        values = task.value(output[:, 0]).tolist()
        return [{"label": written(value), "scores": [value]} for value in values]
    output = output / task.temperature
    if task.kind == "categories":
        powers = np.exp(output - output.max(axis=-1, keepdims=True))
        scores = powers / powers.sum(axis=-1, keepdims=True)
        labels = [task.labels[row.argmax()] for row in output]
    else:
        scores = 0.5 * (1 + np.tanh(0.5 * output))
        labels = [
            SEPARATOR.join(np.array(task.labels, object)[row > THRESHOLD])
            for row in scores
        ]
    answers = [
        {"label": label, "scores": _numbers(row)}
        for label, row in zip(labels, scores, strict=True)
    ]
    if task.abstain:
        for answer in answers:
            answer["abstained"] = max(answer["scores"]) < task.abstain
            answer["label"] = "" if answer["abstained"] else answer["label"]
    return answers


def _numbers(row: np.ndarray) -> list[float]:
    """With the digits that a comparison needs: there may be 10,000 labels."""
    return [round(value, 8) for value in row.tolist()]


def call(signature: str, inputs: Mapping, outputs: Mapping) -> dict:
    """A request and its answer as JSON-ready records, for any signature.

    Args:
        signature: name of the signature.
        inputs: arrays, of `bytes` as objects, or lists of `bytes`, by name.
        outputs: what must come back, alike; other outputs are not compared.
    """
    sides = {"inputs": inputs, "outputs": outputs}
    records = {
        side: {name: to_json(value) for name, value in values.items()}
        for side, values in sides.items()
    }
    return {"signature": signature, **records}


def to_json(value) -> dict:
    """`dtype`, `shape` and flat `values`, which are base64 for strings."""
    value = np.array(value, object) if isinstance(value, list) else np.asarray(value)
    if value.dtype == object:
        values = [base64.b64encode(item).decode() for item in value.ravel()]
        return {"dtype": "string", "shape": list(value.shape), "values": values}
    flat = value.ravel().tolist()
    if value.dtype == "float32":
        flat = [float(f"{number:.9g}") for number in flat]
    return {"dtype": value.dtype.name, "shape": list(value.shape), "values": flat}
