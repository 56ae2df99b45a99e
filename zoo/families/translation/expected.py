"""Expected answers of a translation model, computed in Python to check its export."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from zoo.families.translation.pipeline import TranslationPipeline
from zoo.serving import expected
from zoo.text import as_bytes
from zoo.text.imports import tf
from zoo.text.vocabulary import BEGIN, END, SPECIALS

_TOKENS = 6  # of each translation
_NEVER = [place for place in range(len(SPECIALS)) if place != END]
_SEARCHES = (
    {"beam": 1, "n_best": 1, "length_penalty": 0.0},
    {"beam": 3, "n_best": 2, "length_penalty": 1.0},
)


def translation_calls(
    model: keras.Model, pipeline: TranslationPipeline, examples: Sequence[bytes]
) -> list[dict]:
    """Returns requests and the answers that the served model must give.

    They are computed without the served graph: by a beam search in NumPy for one text
    at a time, which reads each hypothesis again at each step, without a carried state.

    Returns:
        JSON-ready records, see `zoo.serving.expected.call`.
    """
    texts = [as_bytes(text) for text in (*expected.ODD, *examples)]
    counts = pipeline.read(texts)[1].numpy()
    spoken = [text for text, count in zip(texts, counts) if count]
    long = b"a long text never ends, " * (pipeline.max_source // 4)
    ids = tf.TensorSpec([None, None], tf.int32)

    @tf.function(input_signature=[ids, ids])  # one graph for texts of all lengths
    def logits(source, target):
        return model({"source": source, "target": target}, training=False)

    calls = [_call(logits, pipeline, spoken, options) for options in _SEARCHES]
    return [*calls, _call(logits, pipeline, [b"", *spoken[:2], long], _SEARCHES[0])]


def _call(logits, pipeline, texts: list[bytes], options: dict) -> dict:
    ids, counts = pipeline.read(texts)
    rows = [
        _search(logits, row, **options) if count else [((END,), 0.0, 0.0)]
        for row, count in zip(ids.to_list(), counts.numpy())
    ]
    written = pipeline.target.detokenize
    outputs = {
        "translation": np.array(
            [[written([list(ids)]).numpy()[0] for ids, _, _ in row] for row in rows],
            object,
        ),
        "score": np.array([[score for _, score, _ in row] for row in rows], "float32"),
        "log_probability": np.array([[p for *_, p in row] for row in rows], "float32"),
        "cut": counts.numpy() > pipeline.max_source,
    }
    inputs = {
        "text": texts,
        "beam": np.int32(options["beam"]),
        "n_best": np.int32(options["n_best"]),
        "length_penalty": np.float32(options["length_penalty"]),
        "coverage_penalty": np.float32(0),
        "max_tokens": np.int32(_TOKENS),
    }
    return expected.call("translate", inputs, outputs)


def _search(read, source: list[int], beam: int, n_best: int, length_penalty: float):
    """Returns `(ids, score, log-probability)` of the best hypotheses of one source."""

    def finished(ids, total):
        return ids, total / ((5 + len(ids)) / 6) ** length_penalty, total

    live, ended = [((), 0.0)], []
    for _ in range(_TOKENS):
        targets = np.array([[BEGIN, *ids] for ids, _ in live], "int32")
        sources = np.repeat([source], len(live), axis=0)
        logits = read(sources.astype("int32"), targets).numpy()
        logits = logits[:, -1].astype("float64")
        logits[:, _NEVER] = -np.inf
        top = logits.max(axis=-1, keepdims=True)
        sums = np.array([[total] for _, total in live]) + logits - top
        sums -= np.log(np.exp(logits - top).sum(axis=-1, keepdims=True))
        places = np.argsort(-sums, axis=None, kind="stable")[:beam]
        grown = [
            ((*live[row][0], int(token)), float(sums[row, token]))
            for row, token in zip(*np.unravel_index(places, sums.shape))
            if np.isfinite(sums[row, token])
        ]
        ended += [finished(*one) for one in grown if one[0][-1] == END]
        live = [one for one in grown if one[0][-1] != END]
        if not live:
            break
    ended.sort(key=lambda one: -one[1])
    cut = sorted((finished(*one) for one in live), key=lambda one: -one[1])
    return [*ended, *cut][:n_best]
