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
from pathlib import Path

import numpy as np
from zoo.reporting.markdown import markdown_table

from recipes import seeds
from recipes.seeds import spread
from zoo.data import Splits, load_named
from zoo.families.base import Recipe
from zoo.families.language.facts import facts_of
from zoo.families.language.perplexity import perplexity
from zoo.families.language.report import write_language_report
from zoo.families.language.settings import LanguageSettings
from zoo.families.language.stream import token_stream
from zoo.families.language.train import PARTS, prepare, train


class LanguageModeling(Recipe):
    """Texts of any kind; labels are not looked at."""

    settings = LanguageSettings
    invitation = "Continue a text with it"
    prepare, train = map(staticmethod, (prepare, train))

    def describe(self, name, prepared):
        sizes = [f"{len(prepared.streams[part]) - 1:,} {part}" for part in PARTS]
        words = f"{prepared.pipeline.vocab_size:,}"
        return f"{name}: {', '.join(sizes)} tokens, {words} in all"

    def tables(self, splits):
        return {part: getattr(splits, part).with_tasks([]) for part in PARTS}

    def report(self, text_model, prepared, history, settings, folder):
        return write_language_report(
            text_model.metadata["name"], prepared.streams,
            self.facts(text_model, prepared, history), history, settings, folder,
        )  # fmt: skip

    def facts(self, text_model, prepared, history):
        return facts_of(text_model.model, prepared.streams, history)

    def brief(self, facts):
        return f"{facts['valid']:.2f} (valid), {facts['test']:.2f} (test)"

    def objectives(self, splits):
        return ["perplexity"]

    def score(self, text_model, splits, part):
        """The perplexity of a part, as one stream."""
        stream = token_stream(text_model.pipeline, getattr(splits, part).texts)
        return {"perplexity": perplexity(text_model.model, stream)}

    def prompt(self, splits: Splits):
        """The first words of a text of the test part."""
        words = next((text for text in splits.test.texts if text.strip()), "The")
        return " ".join(words.split()[:4])


RECIPE = LanguageModeling()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["lstm_lm"])
    parser.add_argument("--plot", type=Path, help="PNG file of perplexity over time")
    parser.add_argument(
        "--capacity-plot", type=Path, help="PNG file of perplexity over weights"
    )
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    measured = {
        model: seeds.measured(RECIPE, model, splits, options)
        for model in options.models
    }
    if options.plot:
        from zoo.reporting import plots

        curves = {model: facts[0]["curve"] for model, facts in measured.items()}
        plots.write_perplexities(curves, options.plot)
    if options.capacity_plot:
        from zoo.reporting import plots

        plots.write_capacities(measured, options.capacity_plot)
    rows = [
        [options.data, "test", "valid", "weights", "operations", "max/mean load",
         "words/s", "parameters", "training, s"],
        *(row_of(model, facts) for model, facts in measured.items()),
    ]  # fmt: skip
    print(markdown_table(rows))
    print(
        f"\nperplexity, mean ± standard deviation over {options.seeds} seed(s); "
        "weights of matrices without embedding and softmax; operations: those that a "
        "token uses; load: of the busiest expert over the mean, in the last epoch"
    )


def row_of(model: str, facts: list[dict]) -> list[str]:
    """The row of a model: its seeds' figures as `mean ± standard deviation`."""

    def column(key: str, digits: int = 1) -> str:
        return spread(np.array([fact[key] for fact in facts]), digits)

    loads = np.array([list(fact["load"].values()) for fact in facts])
    busiest = spread(loads.max(axis=1), 2) if loads.size else ""
    return [
        model, column("test"), column("valid"),
        *(f"{facts[0][key]:,}" for key in ("weights", "operations")), busiest,
        column("words_per_second", 0), *seeds.costs(facts),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
