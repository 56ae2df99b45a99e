"""Translation: from pairs of texts to a model that translates raw texts.

`zoo train` calls `run`. Run as a module, it measures models over several seeds and
prints the table that the README shows:

    python -m recipes.translation --data multi30k --models seq2seq moe_seq2seq --seeds 3

Protocol: BLEU by sacrebleu, of beam search; its signature is printed. The epoch is
chosen by the validation perplexity (teacher forcing); the test part is read once.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import keras
import numpy as np

import zoo
from recipes import seeds
from zoo.artifact import TextModel
from zoo.data import load_named
from zoo.report import markdown_table
from zoo.settings import TranslationSettings, parse_overrides
from zoo.translation.pairs import PairSplits
from zoo.translation.report import table_of_test, write_translation_report
from zoo.translation.runs import (
    PARTS,
    evaluate,
    evaluate_baselines,
    facts_of,
    prepare,
    train,
)


def run(
    name: str,
    splits: PairSplits,
    overrides: Mapping,
    keywords: Mapping,
    *,
    folder: Path,
    export_to: Path | None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """What `zoo train` does, with its messages: train, report, export.

    Args:
        name: of a registered translation model.
        splits: the data.
        overrides: settings that differ from the model's defaults.
        keywords: arguments of the model's builder.
        folder: of the run; gets `model/`, `report.md`, `results.json` and the plots.
        export_to: folder of the exported versions, or `None`.
        callbacks: further Keras callbacks.
    """
    settings = TranslationSettings.of(name, **overrides)
    for note in splits.notes:
        print(note)
    corpus = prepare(splits, settings)
    sizes = [f"{len(corpus.part(part)):,} {part}" for part in PARTS]
    vocabularies = " and ".join(f"{size:,}" for size in corpus.pipeline.sizes if size)
    print(f"{name}: {', '.join(sizes)} pairs, {vocabularies} pieces")
    if corpus.encoded["train"].cut:
        print(
            f"{corpus.encoded['train'].cut} training pair(s) cut to "
            f"max_length={settings.max_length} pieces"
        )
    checkpoints = folder / "checkpoints"
    text_model, history = train(
        name, corpus, settings, keywords, folder=checkpoints, callbacks=callbacks
    )
    facts = facts_of(text_model, corpus, history)
    baselines = evaluate_baselines(splits, settings)
    text_model.save(folder / "model")
    write_translation_report(
        text_model, corpus, facts, baselines, history, settings, folder
    )
    print(table_of_test(name, facts, baselines))
    print(facts["test"]["signature"])
    print(f"Report: {folder / 'report.md'}")
    shutil.rmtree(checkpoints, ignore_errors=True)
    place = folder
    if export_to is not None:
        place = zoo.export(
            text_model.model, text_model.pipeline, export_to,
            examples=splits.valid.sources[:1000], metadata=text_model.metadata,
        ).parent  # fmt: skip
        print(f"Exported and checked: {place}")
    shown = min(splits.test.sources, key=lambda text: abs(len(text) - 50))
    print(f"Translate with it: zoo predict {place} {json.dumps(shown)}")


def objectives(splits: PairSplits) -> list[str]:
    """What `zoo tune` can look for; perplexities of one vocabulary alone compare."""
    return ["bleu", "perplexity"]


def trial(
    name: str,
    splits: PairSplits,
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
    settings = TranslationSettings.of(name, **overrides)
    return train(
        name, prepare(splits, settings), settings, keywords, folder=folder,
        callbacks=callbacks, verbose=False,
    )  # fmt: skip


def score(text_model: TextModel, splits: PairSplits, part: str) -> dict[str, float]:
    """BLEU and perplexity of a part."""
    found = evaluate(text_model, getattr(splits, part), tokenized=splits.tokenized)
    return {name: found[name] for name in objectives(splits)}


def measure(
    name: str, splits: PairSplits, settings: TranslationSettings, keywords, folder: Path
) -> dict:
    """One seed of one model: scores of both parts, and the cost."""
    corpus = prepare(splits, settings)
    text_model, history = train(
        name, corpus, settings, keywords, folder=folder / "checkpoints"
    )
    facts = facts_of(text_model, corpus, history)
    text_model.save(folder / "model")
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return facts


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["seq2seq", "moe_seq2seq"])
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    if not isinstance(splits, PairSplits):
        parser.error(f"{options.data} has no pairs; accepted: messages, multi30k")
    first, _ = seeds.parse_model(options.models[0])
    overrides, _ = parse_overrides(options.overrides, first)
    baselines = evaluate_baselines(splits, TranslationSettings(**overrides))
    columns = ["test BLEU", "valid BLEU", "valid perplexity", "parameters"]
    rows = [[options.data, *columns, "tokens/s", "training, s"]]
    rows += [[n, f"{score:.1f}", *[""] * 5] for n, score in baselines.items()]
    for model in options.models:
        facts = [_kept(model, splits, options, seed) for seed in range(options.seeds)]
        found = [
            np.array([fact["test"]["bleu"] for fact in facts]),
            np.array([fact["valid"]["bleu"] for fact in facts]),
            np.array([fact["valid"]["perplexity"] for fact in facts]),
        ]
        cost = [np.array([fact[k] for fact in facts])
                for k in ("tokens_per_second", "seconds")]  # fmt: skip
        rows.append([
            model, seeds.spread(found[0]), seeds.spread(found[1]),
            seeds.spread(found[2], 2), f"{facts[0]['parameters']:,}",
            *(seeds.spread(values, 0) for values in cost),
        ])  # fmt: skip
    print(markdown_table(rows))
    print(f"\nmean ± standard deviation over {options.seeds} seed(s)")
    print(f"BLEU: {facts[0]['test']['signature']}")


def _kept(model: str, splits: PairSplits, options, seed: int) -> dict:
    """The facts of one seed, measured or read back."""
    name, own = seeds.parse_model(model)
    overrides, keywords = parse_overrides([*options.overrides, *own], name)
    settings = TranslationSettings.of(name, **{**overrides, "seed": seed})
    folder = options.folder / options.data / model / str(seed)
    return seeds.facts_of_seed(
        name, splits, settings, keywords, folder, measure,
        said=lambda facts: f"{model} seed {seed}: BLEU {facts['valid']['bleu']:.2f} "
        f"(valid), {facts['test']['bleu']:.2f} (test)",
    )  # fmt: skip


if __name__ == "__main__":
    main()
