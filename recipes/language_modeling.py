"""Language modelling: from texts to a model that continues and scores them.

`zoo train` calls `run`. Run as a module, it measures models over several seeds and
prints the table that the README shows:

    python -m recipes.language_modeling --data ptb --models lstm_lm

Protocol: word-level, every text followed by an end token that counts like a word, the
state carried through a whole split, full softmax, perplexity = exp(NLL / tokens). The
epoch is chosen by the validation part, which streams side by side read; the test part
is read once, as one stream.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import zoo
from recipes.seeds import spread
from zoo.artifact import TextModel
from zoo.checkpoint import claim, fingerprint
from zoo.data import Splits, load_named
from zoo.language.perplexity import perplexity
from zoo.language.stream import token_stream
from zoo.language.training import train_language_model
from zoo.report import markdown_table
from zoo.settings import LanguageSettings, parse_overrides
from zoo.text import TextPipeline
from zoo.training import seed_everything

PARTS = ("train", "valid", "test")
_LONGEST = 1_000_000  # tokens of a text that are read: all of them


@dataclass(frozen=True)
class Corpus:
    """The streams of a data set, int ids `[tokens]` by part, and their pipeline."""

    pipeline: TextPipeline
    streams: dict[str, np.ndarray]


def prepare(splits: Splits, settings: LanguageSettings) -> Corpus:
    """Learns the vocabulary of the training part and reads all parts with it."""
    texts = {part: getattr(splits, part).texts for part in PARTS}
    texts["train"] = [*texts["train"], *splits.unlabeled]
    pipeline = TextPipeline.learn(
        texts["train"], tokenizer=settings.tokenizer, vocab_size=settings.vocab_size,
        min_count=settings.min_count, max_length=_LONGEST, lowercase=settings.lowercase,
    )  # fmt: skip
    streams = {part: token_stream(pipeline, texts[part]) for part in PARTS}
    return Corpus(pipeline, streams)


def train(
    name: str,
    corpus: Corpus,
    settings: LanguageSettings,
    keywords: Mapping,
    *,
    folder: Path,
    verbose: bool = True,
) -> tuple[TextModel, list[dict]]:
    """Builds a registered language model and trains it.

    Args:
        name: of the model.
        corpus: what `prepare` returns.
        settings: how to train.
        keywords: arguments of the model's builder.
        folder: for checkpoints; a run that was killed there continues.
        verbose: shows progress.

    Returns:
        The model with its best weights, and one dict of logs an epoch.
    """
    seed_everything(settings.seed)
    model = zoo.get(name, corpus.pipeline.vocab_size, **keywords)
    metadata = {
        "name": name, "keywords": dict(keywords), "settings": settings.to_config()
    }  # fmt: skip
    valid = corpus.streams["valid"]
    read = [corpus.streams["train"], valid, corpus.pipeline.vocabulary]
    claim(folder, {**metadata, "data": fingerprint(read)})
    history = train_language_model(
        model, corpus.streams["train"], valid if len(valid) > 1 else None, settings,
        folder=folder, verbose=verbose,
    )  # fmt: skip
    return TextModel(model, corpus.pipeline, {}, metadata), history


def measure(
    name: str,
    splits: Splits,
    settings: LanguageSettings,
    keywords: Mapping,
    folder: Path,
    *,
    verbose: bool = True,
) -> dict:
    """One seed of one model: perplexities, cost, and how it got there."""
    corpus = prepare(splits, settings)
    text_model, history = train(
        name, corpus, settings, keywords, folder=folder / "checkpoints", verbose=verbose
    )
    start = time.perf_counter()
    test = perplexity(text_model.model, corpus.streams["test"])
    tokens = len(corpus.streams["train"]) - 1
    seconds = [logs["seconds"] for logs in history]
    facts = {
        "test": test,
        "valid": min(logs["val_perplexity"] for logs in history),
        "parameters": text_model.model.count_params(),
        "epochs": len(history),
        "seconds": sum(seconds),
        "words_per_second": tokens * len(history) / sum(seconds),
        "test_seconds": time.perf_counter() - start,
        "curve": [
            [float(at), logs["val_perplexity"]]
            for at, logs in zip(np.cumsum(seconds), history, strict=True)
        ],
    }
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return facts


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", required=True, help="name of a data set")
    parser.add_argument("--models", nargs="+", default=["lstm_lm"])
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, ... (1)")
    parser.add_argument("--folder", type=Path, default=Path("runs/seeds"))
    parser.add_argument("--row", help="name of the row, where one model has several")
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=VALUE", dest="overrides",
        help="settings or builder arguments",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    rows = [[options.data, "test", "valid", "parameters", "words/s", "training, s"]]
    for name in options.models:
        facts = [_kept(name, splits, options, seed) for seed in range(options.seeds)]
        columns = {key: np.array([fact[key] for fact in facts]) for key in
                   ("test", "valid", "words_per_second", "seconds")}  # fmt: skip
        rows.append([
            options.row or name, spread(columns["test"]), spread(columns["valid"]),
            f"{facts[0]['parameters']:,}", spread(columns["words_per_second"], 0),
            spread(columns["seconds"], 0),
        ])  # fmt: skip
    print(markdown_table(rows))
    print(f"\nperplexity, mean ± standard deviation over {options.seeds} seed(s)")


def _kept(name: str, splits: Splits, options, seed: int) -> dict:
    """The facts of one seed, measured or read back."""
    overrides, keywords = parse_overrides(options.overrides, name)
    overrides = {**splits.settings, **overrides, "seed": seed}
    settings = LanguageSettings.of(name, **overrides)
    folder = options.folder / options.data / (options.row or name) / str(seed)
    path = folder / "facts.json"
    identity = json.loads(json.dumps([settings.to_config(), keywords]))
    if path.exists():
        found = json.loads(path.read_text("utf-8"))
        if found["identity"] == identity:
            return found
    facts = {
        "identity": identity,
        **measure(name, splits, settings, keywords, folder),
    }
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(facts), "utf-8")
    os.replace(partial, path)
    print(f"{options.row or name} seed {seed}: {facts['test']:.2f}", file=sys.stderr)
    return facts


if __name__ == "__main__":
    main()
