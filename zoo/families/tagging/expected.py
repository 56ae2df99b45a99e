"""Expected answers of a tagger, computed in Python to check its export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from zoo.families.tagging.decoder import Decoder
from zoo.families.tagging.fitting import tag_sentences
from zoo.families.tagging.outputs import tagger_outputs
from zoo.families.tagging.pipeline import TaggingPipeline
from zoo.serving import expected
from zoo.tasks import TAGS, Task, answers_of
from zoo.text import as_bytes

_LONG = b"a long text never ends " * 300


def tagging_calls(
    model: keras.Model,
    pipeline: TaggingPipeline,
    tasks: Mapping[str, Task],
    examples: Sequence[bytes],
) -> list[dict]:
    """Returns requests and the answers that the served tagger must give.

    They are computed without the served graph: words become ids one by one in Python,
    in batches as in training.

    Returns:
        JSON-ready records, see `zoo.serving.expected.call`.
    """
    texts = [as_bytes(text) for text in (*expected.ODD, *examples)]
    words, _, _ = (part.to_list() for part in pipeline.split(texts))
    calls = [_raw(model, pipeline, tasks, rows) for rows in (texts, [_LONG])]
    width = max(map(len, words)) + 2  # so that the longest is padded as well
    padded = np.full((len(words), width), b"", object)
    for row, sentence in enumerate(words):
        padded[row, : len(sentence)] = sentence
    outputs = _outputs(model, pipeline, tasks, words, width)
    return [*calls, expected.call("words", {"words": padded}, outputs)]


def _raw(model, pipeline, tasks, texts: list[bytes]) -> dict:
    words, starts, ends = (part.to_list() for part in pipeline.split(texts))
    width = max(map(len, words))
    columns = {"tokens": [[_readable(w) for w in row] for row in words]}
    columns.update(starts=starts, ends=ends)
    outputs = _outputs(model, pipeline, tasks, words, width)
    for name, rows in columns.items():
        outputs[name] = np.zeros((len(rows), width), "int32")
        if name == "tokens":
            outputs[name] = np.full((len(rows), width), b"", object)
        for row, values in enumerate(rows):
            outputs[name][row, : len(values)] = values
    return expected.call("serving_default", {"text": texts}, outputs)


def _readable(word: bytes) -> bytes:
    return word.decode("utf-8", "replace").encode("utf-8")


def _outputs(model, pipeline, tasks, words: list, width: int) -> dict:
    """Returns all outputs of the tasks, and `lengths`, padded to `width`."""
    sentences = pipeline.encode(words)
    found = tag_sentences(Decoder(model, tasks), sentences)
    outputs: dict = {"lengths": np.array([len(row) for row in words], "int32")}
    for name, outs in tagger_outputs(tasks).items():
        task, rows = tasks[name], found[name]
        if task.kind != TAGS:
            answers = answers_of(np.array(rows), task)
            said = [answer["scores"] for answer in answers]
            outputs[outs["scores"]] = np.array(said, "float32")
            outputs[outs["label"]] = [as_bytes(answer["label"]) for answer in answers]
            continue
        names = np.array([as_bytes(label) for label in task.labels], object)
        tags = np.full((len(rows), width), b"", object)
        scores = np.zeros((len(rows), width), "float32")
        for row, answer in enumerate(rows):
            tags[row, : len(answer["ids"])] = names[answer["ids"]]
            scores[row, : len(answer["ids"])] = answer["scores"]
        outputs[outs["tags"]], outputs[outs["scores"]] = tags, scores
    return outputs
