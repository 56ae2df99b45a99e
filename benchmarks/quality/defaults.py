"""Default settings on several data sets, from 100 rows to all, beside the baselines.

python -m benchmarks.quality.defaults --data sst2 trec --rows 100 1000 all

Of fewer rows nine tenths train and one tenth validates; the test part stays whole.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.quality import seeds
from zoo.data import load_named
from zoo.families import get_family
from zoo.families.catalogue import parse_overrides
from zoo.families.classification import baselines
from zoo.reporting.markdown import markdown_table
from zoo.training.metrics import mean_of_main

FAMILY = get_family("classification")
BASELINES = ("majority", "linear", "linear on all tasks")


def measured(name: str, splits, rows: str, options) -> dict[str, list[float]]:
    """Test scores by model and baseline, one for each seed."""
    found: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        part = splits if rows == "all" else seeds.fewer(splits, int(rows), seed)
        folder = options.folder / name / rows / str(seed)
        for model in options.models:
            overrides, keywords = parse_overrides(options.overrides, model)
            settings = FAMILY.settings_for(model, part, {**overrides, "seed": seed})
            place = folder / model
            _, facts = seeds.facts_of_seed(
                model, part, settings, keywords, place, FAMILY.measure
            )
            score = 100 * mean_of_main(facts["test"])
            found.setdefault(model, []).append(score)
            print(f"{name} {rows} {model} seed {seed}: {score:.1f}", file=sys.stderr)
        settings = FAMILY.settings_for(options.models[0], part, {"seed": seed})
        results = baselines.evaluate_baselines(FAMILY.prepare(part, settings), "test")
        for baseline, result in results.items():
            found.setdefault(baseline, []).append(100 * mean_of_main(result))
    return found


def rows_of(found: Mapping[tuple[str, str], Mapping], models: Sequence[str]):
    """The table, and the mean over the sets of what each model gains."""
    names = [*BASELINES[:2], *models]
    table = [["data", "rows", *names]]
    for (data, rows), scores in found.items():
        best = [max(pair) for pair in zip(*_linear(scores), strict=True)]
        cells = [seeds.spread(np.array(scores[name])) for name in names]
        cells[1] = seeds.spread(np.array(best))
        table.append([data, rows, *cells])
    for rows in dict.fromkeys(rows for _, rows in found):
        gains = [
            [
                np.mean(scores[name]) - np.mean(np.max(_linear(scores), axis=0))
                for (_, size), scores in found.items()
                if size == rows
            ]
            for name in models
        ]
        cells = [f"{np.mean(gain):+.1f}" for gain in gains]
        table.append(["mean over the baseline", rows, "", "", *cells])
    return table


def _linear(scores: Mapping[str, list[float]]) -> list[list[float]]:
    return [scores[name] for name in BASELINES[1:] if name in scores]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", nargs="+", required=True, help="named sets")
    parser.add_argument("--rows", nargs="+", default=["100", "1000", "all"])
    seeds.add_model_arguments(parser, models=["linear", "text_cnn", "bilstm_mt"])
    parser.set_defaults(folder=Path("runs/defaults"))
    options = parser.parse_args(arguments)
    found = {}
    for name in options.data:
        splits = load_named(name)
        for rows in options.rows:
            found[name, rows] = measured(name, splits, rows, options)
    print(markdown_table(rows_of(found, options.models)))
    print(f"\nTest scores, mean ± standard deviation over {options.seeds} seeds.")


if __name__ == "__main__":
    main()
