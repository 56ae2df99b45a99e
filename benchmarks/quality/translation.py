"""Translation models measured over several seeds: the table that the README shows.

    python -m benchmarks.quality.translation --data multi30k \\
        --models seq2seq moe_seq2seq --seeds 3

Protocol: BLEU by sacrebleu, of beam search; its signature is printed. The epoch is
chosen by the validation perplexity (teacher forcing); the test part is read once.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.quality import seeds
from zoo.data import load_named, named_set
from zoo.families import get_family
from zoo.families.catalogue import parse_overrides
from zoo.families.translation.settings import TranslationSettings
from zoo.families.translation.train import (
    evaluate_baselines,
)
from zoo.reporting.markdown import markdown_table

FAMILY = get_family("translation")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["seq2seq", "moe_seq2seq"])
    options = parser.parse_args(arguments)
    if named_set(options.data).content not in FAMILY.reads:
        parser.error(f"{options.data} has no pairs; accepted: messages, multi30k")
    splits = load_named(options.data)
    first, _ = seeds.parse_model(options.models[0])
    overrides, _ = parse_overrides(options.overrides, first)
    baselines = evaluate_baselines(splits, TranslationSettings(**overrides))
    columns = ["test BLEU", "valid BLEU", "valid perplexity", "tokens/s"]
    rows = [[options.data, *columns, "parameters", "training, s"]]
    rows += [[n, f"{score:.1f}", *[""] * 5] for n, score in baselines.items()]
    for model in options.models:
        facts = seeds.measured(FAMILY, model, splits, options)
        rows.append(
            [
                model,
                seeds.spread(np.array([fact["test"]["bleu"] for fact in facts])),
                seeds.spread(np.array([fact["valid"]["bleu"] for fact in facts])),
                seeds.spread(
                    np.array([fact["valid"]["perplexity"] for fact in facts]), 2
                ),
                seeds.spread(
                    np.array([fact["tokens_per_second"] for fact in facts]), 0
                ),
                *seeds.costs(facts),
            ]
        )
    print(markdown_table(rows))
    print(f"\nmean ± standard deviation over {options.seeds} seed(s)")
    print(f"BLEU: {facts[0]['test']['signature']}")


if __name__ == "__main__":
    main()
