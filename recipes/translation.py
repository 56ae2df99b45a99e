"""Translation: from pairs of texts to a model that translates raw texts.

`zoo train` calls `run`. Run as a module, it measures models over several seeds and
prints the table that the README shows:

    python -m recipes.translation --data multi30k --models seq2seq moe_seq2seq --seeds 3

Protocol: BLEU by sacrebleu, of beam search; its signature is printed. The epoch is
chosen by the validation perplexity (teacher forcing); the test part is read once.
"""

from __future__ import annotations

import argparse

import numpy as np
from zoo.reporting.markdown import markdown_table

from recipes import seeds
from zoo.data import Examples, load_named
from zoo.data.pairs import PairSplits
from zoo.families.base import Recipe
from zoo.families.overrides import parse_overrides
from zoo.families.translation.report import table_of_test, write_translation_report
from zoo.families.translation.settings import TranslationSettings
from zoo.families.translation.train import (
    PARTS,
    evaluate,
    evaluate_baselines,
    facts_of,
    prepare,
    train,
)


class Translation(Recipe):
    """Pairs of texts."""

    settings = TranslationSettings
    invitation = "Translate with it"
    prepare, train, facts = map(staticmethod, (prepare, train, facts_of))

    def describe(self, name, prepared):
        sizes = [f"{len(prepared.part(part)):,} {part}" for part in PARTS]
        pieces = [f"{size:,}" for size in prepared.pipeline.sizes if size]
        line = f"{name}: {', '.join(sizes)} pairs, {' and '.join(pieces)} pieces"
        cut = prepared.encoded["train"].cut
        return f"{line}; {cut} training pair(s) cut to max_length" if cut else line

    def tables(self, splits):
        return {part: Examples(getattr(splits, part).sources, {}) for part in PARTS}

    def report(self, text_model, prepared, history, settings, folder):
        facts = facts_of(text_model, prepared, history)
        baselines = evaluate_baselines(prepared.splits, settings)
        write_translation_report(
            text_model, prepared, facts, baselines, history, settings, folder
        )
        table = table_of_test(text_model.metadata["name"], facts, baselines)
        return f"{table}\n{facts['test']['signature']}"

    def brief(self, facts):
        return f"BLEU {facts['valid']['bleu']:.2f} (valid), {facts['test']['bleu']:.2f}"

    def objectives(self, splits):
        """Perplexities of one vocabulary alone can be compared, BLEU of any."""
        return ["bleu", "perplexity"]

    def score(self, text_model, splits, part):
        found = evaluate(text_model, getattr(splits, part), tokenized=splits.tokenized)
        return {name: found[name] for name in self.objectives(splits)}

    def prompt(self, splits: PairSplits):
        texts = splits.test.texts or splits.train.texts
        return min(texts, key=lambda text: abs(len(text) - 50))


RECIPE = Translation()


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
    columns = ["test BLEU", "valid BLEU", "valid perplexity", "tokens/s"]
    rows = [[options.data, *columns, "parameters", "training, s"]]
    rows += [[n, f"{score:.1f}", *[""] * 5] for n, score in baselines.items()]
    for model in options.models:
        facts = seeds.measured(RECIPE, model, splits, options)
        rows.append([
            model,
            seeds.spread(np.array([fact["test"]["bleu"] for fact in facts])),
            seeds.spread(np.array([fact["valid"]["bleu"] for fact in facts])),
            seeds.spread(np.array([fact["valid"]["perplexity"] for fact in facts]), 2),
            seeds.spread(np.array([fact["tokens_per_second"] for fact in facts]), 0),
            *seeds.costs(facts),
        ])  # fmt: skip
    print(markdown_table(rows))
    print(f"\nmean ± standard deviation over {options.seeds} seed(s)")
    print(f"BLEU: {facts[0]['test']['signature']}")


if __name__ == "__main__":
    main()
