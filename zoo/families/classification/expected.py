"""Expected answers of a classifier, computed in Python to check its export."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import keras
import numpy as np

from zoo.families.classification.embedding import sentence_features
from zoo.families.classification.examples import example_signatures
from zoo.serving.expected import ODD, call, eager_lengths
from zoo.serving.method_names import as_example
from zoo.tasks import Task, answers_of
from zoo.text import TextPipeline, as_bytes
from zoo.text.pairs import by_input, joined

_LONG = (b"a long text never ends ", 3000)


def expected_answers(
    model: keras.Model,
    pipeline: TextPipeline,
    tasks: Mapping[str, Task],
    examples: Sequence[bytes],
) -> list[dict]:
    """Returns the answers that the served model must give.

    They are computed without the served graph: ids come from the pipeline and logits
    from the model, both eagerly; softmax, sigmoid and label names from NumPy and
    Python.

    Returns:
        JSON-ready records: `text` (base64), or a pair of texts as one, to be repeated
        `repeat` times, `ids`, `tokens` and `answers`, a dict from task to `label` and
        `scores`.
    """
    odd = (*odd_texts(pipeline), *examples)
    repeated = [(as_bytes(text), 1) for text in odd] + [_LONG]
    texts = [text * repeat for text, repeat in repeated]
    tokens = pipeline.tokenize(texts)
    ids = pipeline.ragged_ids(tokens).to_list()
    words = tokens.to_list()
    outputs = model(pipeline(texts), training=False)
    answers = {name: _answers(outputs[name], task) for name, task in tasks.items()}
    return [
        {
            "text": base64.b64encode(text).decode(),
            "repeat": repeat,
            "ids": ids[row],
            "tokens": [token.decode("utf-8") for token in words[row]],
            "answers": {name: rows[row] for name, rows in answers.items()},
        }
        for row, (text, repeat) in enumerate(repeated)
    ]


def signature_calls(
    model: keras.Model,
    pipeline: TextPipeline,
    tasks: Mapping[str, Task],
    examples: Sequence[bytes],
) -> list[dict]:
    """Returns requests and answers for `classify`, `regress` and `embed`."""
    texts = [as_bytes(text) for text in (*odd_texts(pipeline)[:6], *examples)]
    ids = pipeline(texts)
    outputs = model(ids, training=False)
    asked = by_input(texts, pipeline.pairs)
    inputs = {"inputs": [as_example(*row) for row in zip(*asked.values())]}
    calls = []
    for signature, name in example_signatures(tasks).items():
        task = tasks[name]
        answers = _answers(outputs[name], task)
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
        lengths = eager_lengths(pipeline, texts)
        expected = {"embedding": vectors, "length": lengths}
        calls.append(call("embed", asked, expected))
    return calls


def odd_texts(pipeline: TextPipeline) -> list[str | bytes]:
    """Returns texts that once broke a pipeline, or pairs of them."""
    if not pipeline.pairs:
        return list(ODD)
    odd: list[str | bytes] = list(ODD)
    return [joined(*pair) for pair in zip(odd, odd[3:] + odd[:3])]


def _answers(output: np.ndarray, task: Task) -> list[dict]:
    """Rounds to the digits that a comparison needs: there may be 10,000 labels."""
    answers = answers_of(keras.ops.convert_to_numpy(output), task)
    if task.kind != "regression":
        for answer in answers:
            answer["scores"] = [round(score, 8) for score in answer["scores"]]
    return answers
