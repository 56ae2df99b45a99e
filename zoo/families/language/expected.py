"""Expected answers of a language model, computed in Python to check its export."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from zoo.families.language.perplexity import log_probabilities, zero_state
from zoo.serving import expected
from zoo.text import as_bytes
from zoo.text.detokenize import AFTER, BEFORE
from zoo.text.vocabulary import END, SPECIALS

_TOKENS = 6  # of each continuation


def expected_calls(model, pipeline, examples: Sequence[bytes]) -> list[dict]:
    """Returns requests and the answers that the served model must give.

    They are computed without the served graph: greedy continuations read the whole
    text again for each token, without a carried state; scores come from the model's
    own loss.

    Returns:
        JSON-ready records of `signature`, `inputs` and `outputs`, each of them a dict
        from name to what `to_json` writes.
    """
    texts = [as_bytes(text) for text in (*expected.ODD, *examples)]
    tokens = pipeline.tokenize(texts)
    ids = [
        np.array(row if count else [], "int32")
        for row, count in zip(
            pipeline.ragged_ids(tokens).to_list(),
            tokens.row_lengths().numpy(),
            strict=True,
        )
    ]
    names = np.array(pipeline.vocabulary, object)
    calls = []
    answers = log_probabilities(model, ids, end=END)
    calls.append(
        expected.call(
            "score",
            {"text": texts},
            {
                "log_probability": np.array([row.sum() for row in answers], "float32"),
                "tokens": np.array([len(row) for row in answers], "int32"),
            },
        )
    )
    grown = [list(row) for row in ids]
    width = max(map(len, grown)) + 1 + _TOKENS  # one shape, one graph
    for _ in range(_TOKENS):
        for row, chosen in zip(grown, _likeliest(model, grown, width), strict=True):
            if len(row) == 0 or row[-1] != END:
                row.append(chosen)
    new = np.zeros((len(texts), _TOKENS), "int32")
    for number, (row, start) in enumerate(zip(grown, ids, strict=True)):
        grown_by = [token for token in row[len(start) :] if token != END]
        new[number, : len(grown_by)] = grown_by
    outputs: dict = {"ids": new}
    if pipeline.tokenizer in ("unicode", "whitespace"):
        found = [" ".join(names[row[row > 0]]) for row in new]
        written = _beside_words if pipeline.tokenizer == "unicode" else str
        outputs["text"] = [written(text).encode() for text in found]
    parameters = {
        "max_tokens": np.int32(_TOKENS),
        "temperature": np.float32(0),
        "top_k": np.int32(0),
        "top_p": np.float32(1),
        "seed": np.int32(0),
    }
    calls.append(expected.call("generate", {"text": texts, **parameters}, outputs))
    tokens = np.array([[END, 5 % len(names), 4 % len(names)], [END, 0, 0]], "int32")
    state = zero_state(model, 2)
    result = model.predict_on_batch({"tokens": tokens, "state": state})
    calls.append(expected.call("step", {"ids": tokens, "state": state}, result))
    return calls


def _beside_words(text: str) -> str:
    """Returns a text with its marks beside the words, as the served graph writes it."""
    text = re.sub(AFTER, r"\1", re.sub(BEFORE, r"\1", text))
    return re.sub(r"([^\W_]) ([-/]) ", r"\1\2", text)


def _likeliest(model, rows: list[list[int]], width: int) -> list[int]:
    tokens = np.zeros((len(rows), width), "int32")
    for number, row in enumerate(rows):
        tokens[number, : len(row) + 1] = [END, *row]
    state = zero_state(model, len(rows))
    logits = model.predict_on_batch({"tokens": tokens, "state": state})["logits"]
    last = logits[np.arange(len(rows)), [len(row) for row in rows]].copy()
    last[:, [special for special in range(len(SPECIALS)) if special != END]] = -np.inf
    return last.argmax(axis=-1).tolist()
