"""Language models measured over several seeds: the table that the README shows.

    python -m benchmarks.quality.language_modeling --data ptb \\
        --models lstm_lm flstm_lm:rank=40

Protocol: word-level, every text followed by an end token that counts like a word, the
state carried through a whole split, full softmax, perplexity = exp(NLL / tokens). The
epoch is chosen by the validation part; validation and test figures are those of one
stream (batch 1), and the test part is read once.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.quality import seeds
from benchmarks.quality.seeds import spread
from zoo.data import load_named
from zoo.families import get_family
from zoo.reporting.markdown import markdown_table

FAMILY = get_family("language")


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
        model: seeds.measured(FAMILY, model, splits, options)
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
        [
            options.data,
            "test",
            "valid",
            "weights",
            "operations",
            "max/mean load",
            "words/s",
            "parameters",
            "training, s",
        ],
        *(row_of(model, facts) for model, facts in measured.items()),
    ]
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
        model,
        column("test"),
        column("valid"),
        *(f"{facts[0][key]:,}" for key in ("weights", "operations")),
        busiest,
        column("words_per_second", 0),
        *seeds.costs(facts),
    ]


if __name__ == "__main__":
    main()
