"""Language modelling: from texts to a model that continues and scores them.

`zoo train` calls `run`. Run as a module, it measures models over several seeds and
prints the table that the README shows:

    python -m recipes.language_modeling --data ptb --models lstm_lm flstm_lm:rank=40

Protocol: word-level, every text followed by an end token that counts like a word, the
state carried through a whole split, full softmax, perplexity = exp(NLL / tokens). The
epoch is chosen by the validation part; validation and test figures are those of one
stream (batch 1), and the test part is read once.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

import zoo
from recipes import seeds
from recipes.seeds import spread
from zoo.artifact import TextModel
from zoo.checkpoint import claim, fingerprint
from zoo.data import Splits, load_named
from zoo.language.perplexity import perplexity
from zoo.language.report import write_language_report
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


def run(
    name: str,
    splits: Splits,
    overrides: Mapping,
    keywords: Mapping,
    *,
    folder: Path,
    export_to: Path | None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """What `zoo train` does, with its messages: train, report, export.

    Args:
        name: of a registered language model.
        splits: the texts; labels are not looked at.
        overrides: settings that differ from the model's defaults.
        keywords: arguments of the model's builder.
        folder: of the run; gets `model/`, `report.md`, `results.json` and the plot.
        export_to: folder of the exported versions, or `None`.
        callbacks: further Keras callbacks.
    """
    settings = LanguageSettings.of(name, **{**splits.settings, **overrides})
    corpus = prepare(splits, settings)
    sizes = [f"{len(corpus.streams[part]) - 1:,} {part}" for part in PARTS]
    print(f"{name}: {', '.join(sizes)} tokens, {corpus.pipeline.vocab_size:,} in all")
    checkpoints = folder / "checkpoints"
    text_model, history = train(
        name, corpus, settings, keywords, folder=checkpoints, callbacks=callbacks
    )
    facts = _facts(text_model, corpus, history)
    text_model.save(folder / "model")
    print(write_language_report(name, corpus.streams, facts, history, settings, folder))
    shutil.rmtree(checkpoints, ignore_errors=True)
    place = folder
    if export_to is not None:
        place = zoo.export(
            text_model.model, text_model.pipeline, export_to,
            examples=splits.valid.texts[:1000], metadata=text_model.metadata,
        ).parent  # fmt: skip
        print(f"Exported and checked: {place}")
    words = next((text for text in splits.test.texts if text.strip()), "The").split()
    prompt = json.dumps(" ".join(words[:4]), ensure_ascii=False)
    print(f"Continue a text with it: zoo predict {place} {prompt}")


def train(
    name: str,
    corpus: Corpus,
    settings: LanguageSettings,
    keywords: Mapping,
    *,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> tuple[TextModel, list[dict]]:
    """Builds a registered language model and trains it.

    Args:
        name: of the model.
        corpus: what `prepare` returns.
        settings: how to train.
        keywords: arguments of the model's builder.
        folder: for checkpoints; a run that was killed there continues.
        callbacks: further Keras callbacks.
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
        folder=folder, callbacks=callbacks, verbose=verbose,
    )  # fmt: skip
    return TextModel(model, corpus.pipeline, {}, metadata), history


def objectives(splits: Splits) -> list[str]:
    """What `zoo tune` can look for."""
    return ["perplexity"]


def trial(
    name: str,
    splits: Splits,
    overrides: Mapping,
    keywords: Mapping,
    *,
    folder: Path,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[TextModel, list[dict]]:
    """One trial of `zoo tune`: a training whose checkpoints stay in `folder`.

    Returns:
        The model of the best epoch, and one dict of logs an epoch with its `score`.
    """
    settings = LanguageSettings.of(name, **{**splits.settings, **overrides})
    corpus = prepare(splits, settings)
    return train(
        name, corpus, settings, keywords, folder=folder, callbacks=callbacks,
        verbose=False,
    )  # fmt: skip


def score(text_model: TextModel, splits: Splits, part: str) -> dict[str, float]:
    """The perplexity of a part, as one stream."""
    stream = token_stream(text_model.pipeline, getattr(splits, part).texts)
    return {"perplexity": perplexity(text_model.model, stream)}


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
    facts = _facts(text_model, corpus, history)
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return facts


def _facts(text_model: TextModel, corpus: Corpus, history: list[dict]) -> dict:
    seconds = [logs["seconds"] for logs in history]
    tokens = sum(logs["tokens"] for logs in history)
    found = {
        part: perplexity(text_model.model, corpus.streams[part])
        if len(corpus.streams[part]) > 1
        else float("nan")
        for part in ("valid", "test")
    }
    return {
        **found,
        "parameters": text_model.model.count_params(),
        "epochs": len(history),
        "seconds": sum(seconds),
        "words_per_second": tokens / sum(seconds),
        "curve": [
            [float(at), logs["val_perplexity"]]
            for at, logs in zip(np.cumsum(seconds), history, strict=True)
            if "val_perplexity" in logs
        ],
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["lstm_lm"])
    parser.add_argument("--plot", type=Path, help="PNG file of perplexity over time")
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    rows = [[options.data, "test", "valid", "parameters", "words/s", "training, s"]]
    curves = {}
    for model in options.models:
        facts = [_kept(model, splits, options, seed) for seed in range(options.seeds)]
        curves[model] = facts[0]["curve"]
        columns = {key: np.array([fact[key] for fact in facts]) for key in
                   ("test", "valid", "words_per_second", "seconds")}  # fmt: skip
        rows.append([
            model, spread(columns["test"]), spread(columns["valid"]),
            f"{facts[0]['parameters']:,}", spread(columns["words_per_second"], 0),
            spread(columns["seconds"], 0),
        ])  # fmt: skip
    if options.plot:
        from zoo import plots

        plots.write_perplexities(curves, options.plot)
    print(markdown_table(rows))
    print(f"\nperplexity, mean ± standard deviation over {options.seeds} seed(s)")


def _kept(model: str, splits: Splits, options, seed: int) -> dict:
    """The facts of one seed, measured or read back."""
    name, own = seeds.parse_model(model)
    overrides, keywords = parse_overrides([*options.overrides, *own], name)
    overrides = {**splits.settings, **overrides, "seed": seed}
    settings = LanguageSettings.of(name, **overrides)
    folder = options.folder / options.data / model / str(seed)
    return seeds.facts_of_seed(
        name, splits, settings, keywords, folder, measure,
        said=lambda facts: f"{model} seed {seed}: {facts['test']:.2f}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
