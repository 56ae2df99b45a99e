"""The texts of the self-check, and Python's own answers to them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from zoo.text import TextPipeline, as_bytes

# Each one once broke a text pipeline.
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
_EXAMPLES = 8
_EXAMPLE_CHARACTERS = 4000


def sample(examples: Iterable[str | bytes] | None) -> list[bytes]:
    """Returns up to eight of the examples, from the shortest to the longest."""
    texts = {as_bytes(text[:_EXAMPLE_CHARACTERS]) for text in examples or ()}
    ordered = sorted(texts, key=lambda text: (len(text), text))
    if len(ordered) <= _EXAMPLES:
        return ordered
    places = np.linspace(0, len(ordered) - 1, _EXAMPLES).round().astype(int)
    return [ordered[place] for place in places]


def warmup_batches(examples: Sequence[bytes]) -> list[list[bytes]]:
    """Returns batches of short, median and long texts, alone and in eights."""
    texts = examples or [as_bytes(text) for text in (ODD[2], ODD[3], "more " * 40)]
    chosen = [texts[0], texts[len(texts) // 2], texts[-1]]
    return [[text] * size for size in (1, 8) for text in chosen]


def eager_lengths(pipeline: TextPipeline, texts: Sequence[bytes]) -> np.ndarray:
    """Returns the number of ids of each text, int32 `[texts]`, without any graph."""
    ids = pipeline.ragged_ids(pipeline.tokenize(texts))
    return ids.row_lengths().numpy().astype("int32")


def call(signature: str, inputs: Mapping, outputs: Mapping) -> dict:
    """Returns a request and its answer as JSON-ready records, for any signature.

    Args:
        signature: name of the signature.
        inputs: arrays, of `bytes` as objects, or lists of `bytes`, by name.
        outputs: the expected outputs, likewise; others are not compared.
    """
    sides = {"inputs": inputs, "outputs": outputs}
    records = {
        side: {name: to_json(value) for name, value in values.items()}
        for side, values in sides.items()
    }
    return {"signature": signature, **records}


def to_json(value) -> dict:
    """Returns `dtype`, `shape` and flat `values`, which are base64 for strings."""
    value = np.array(value, object) if isinstance(value, list) else np.asarray(value)
    if value.dtype == object:
        values = [base64.b64encode(item).decode() for item in value.ravel()]
        return {"dtype": "string", "shape": list(value.shape), "values": values}
    flat = value.ravel().tolist()
    if value.dtype == "float32":
        flat = [float(f"{number:.9g}") for number in flat]
    return {"dtype": value.dtype.name, "shape": list(value.shape), "values": flat}
