"""Classifiers and the baselines over several seeds: the table that the README shows.

python -m benchmarks.quality.text_classification --data trec \\
        --models text_cnn bilstm
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from benchmarks.quality import seeds
from zoo.data import Splits, load_named
from zoo.families import get_family
from zoo.families.catalogue import parse_pairs
from zoo.families.classification import baselines
from zoo.families.classification import train as runs
from zoo.families.classification.settings import ClassificationSettings
from zoo.reporting.markdown import markdown_table
from zoo.training.metrics import mean_of_main

FAMILY = get_family("classification")


def baseline_rows(splits: Splits, options: argparse.Namespace) -> list[list[str]]:
    """The rows of the baselines, which have no seed."""
    names = {field.name for field in fields(ClassificationSettings)}
    given = parse_pairs(options.overrides)
    overrides = {name: value for name, value in given.items() if name in names}
    prepared = runs.prepare(
        splits, ClassificationSettings(**{**overrides, "pretrain_epochs": 0})
    )
    results = baselines.evaluate_baselines(prepared, "test")
    return [
        [name, f"{100 * mean_of_main(result):.1f}", "", "", ""]
        for name, result in results.items()
    ]


def row_of(name: str, facts: list[Mapping]) -> list[str]:
    """A row of the table, from the facts of each seed."""
    scores = [
        seeds.spread(100 * np.array([mean_of_main(fact[part]) for fact in facts]))
        for part in ("test", "valid")
    ]
    return [name, *scores, *seeds.costs(facts)]


def table(options: argparse.Namespace, rows: list[list[str]]) -> str:
    """The Markdown table, and what its figures are."""
    header = [options.data, "test, %", "valid, %", "parameters", "training, s"]
    note = f"mean ± standard deviation over {options.seeds} seeds"
    return f"{markdown_table([header, *rows])}\n\n{note}"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["text_cnn", "lstm", "bilstm"])
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    rows = baseline_rows(splits, options)
    for model in options.models:
        rows.append(row_of(model, seeds.measured(FAMILY, model, splits, options)))
    print(table(options, rows))


if __name__ == "__main__":
    main()
