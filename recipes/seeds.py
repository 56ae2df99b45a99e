"""Measures a model over several seeds; every finished seed is kept in a file.

A run that was killed goes on where it stopped: finished seeds are read back, and the
one that was running continues from its last epoch.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from zoo import runs
from zoo.data import Splits
from zoo.metrics import MAIN_METRIC, mean_of_known
from zoo.report import markdown_table
from zoo.settings import Settings, parse_overrides


def add_arguments(parser: argparse.ArgumentParser, *, models: list[str]) -> None:
    parser.add_argument("--data", required=True, help="name of a data set")
    parser.add_argument(
        "--models", nargs="+", default=models, metavar="NAME[:KEY=VALUE,...]",
        help="registered models, each with settings or arguments of its own",
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... (3)")
    parser.add_argument("--folder", type=Path, default=Path("runs/seeds"))
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=VALUE", dest="overrides",
        help="settings or builder arguments, as JSON values",
    )  # fmt: skip


def parse_model(text: str) -> tuple[str, list[str]]:
    """The name of a model and its own `KEY=VALUE` pairs.

    Example:
        >>> parse_model("flstm_lm:units=512,rank=64")
        ('flstm_lm', ['units=512', 'rank=64'])
    """
    name, _, pairs = text.partition(":")
    return name, pairs.split(",") if pairs else []


def measure_seeds(
    row: str,
    model: str,
    splits: Splits,
    options: argparse.Namespace,
    measure: Callable[..., dict],
    **fixed,
) -> list[str]:
    """Runs `measure` for each seed and returns the row of the table."""
    name, own = parse_model(model)
    overrides, keywords = parse_overrides([*options.overrides, *own])
    facts = []
    for seed in range(options.seeds):
        settings = Settings.of(name, **{**overrides, **fixed, "seed": seed})
        folder = options.folder / options.data / row.replace(" ", "_") / str(seed)
        found = facts_of_seed(
            name, splits, settings, keywords, folder, measure,
            said=lambda new, seed=seed: f"{row} seed {seed}: {_means([new])[0]:.4f}",
        )  # fmt: skip
        facts.append(found)
    return [
        row,
        spread(100 * _means(facts)),
        spread(100 * _means(facts, "valid")),
        f"{facts[0]['parameters']:,}",
        spread(np.array([fact["seconds"] for fact in facts]), digits=0),
    ]


def facts_of_seed(
    name, splits, settings, keywords, folder: Path, measure: Callable, *, said: Callable
) -> dict:
    """What `measure` gives, or gave in an earlier run of the same settings.

    `said` makes of new facts the line that is printed when they are kept.
    """
    kept = folder / "facts.json"
    if kept.exists():
        found = json.loads(kept.read_text("utf-8"))
        if _are_of(found["identity"], settings, keywords):
            return found
    measured = measure(name, splits, settings, keywords, folder)
    facts = {"identity": [settings.to_config(), keywords], **measured}
    folder.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(".partial")
    partial.write_text(json.dumps(facts), "utf-8")
    os.replace(partial, kept)
    print(said(facts), file=sys.stderr)
    return facts


def _are_of(identity: list, settings, keywords: Mapping) -> bool:
    """Whether facts are of these settings; a setting that is newer had its default."""
    try:
        old = type(settings)(**identity[0])
    except TypeError:  # a setting that is no more
        return False
    return old == settings and identity[1] == json.loads(json.dumps(keywords))


def baseline_rows(splits: Splits, options: argparse.Namespace) -> list[list[str]]:
    """The rows of the baselines, which have no seed."""
    overrides, _ = parse_overrides(options.overrides)
    prepared = runs.prepare(splits, Settings(**{**overrides, "pretrain_epochs": 0}))
    results = runs.evaluate_baselines(prepared, "test")
    return [
        [name, f"{100 * _mean_of(result):.1f}", "", "", ""]
        for name, result in results.items()
    ]


def table(options: argparse.Namespace, rows: list) -> str:
    """The Markdown table; a list of rows may stand for a row."""
    header = [
        f"{options.data}", "test, %", "valid, %", "parameters", "training, s"
    ]  # fmt: skip
    flat = [header]
    for row in rows:
        flat += row if isinstance(row[0], list) else [row]
    note = f"mean ± standard deviation over {options.seeds} seeds"
    return f"{markdown_table(flat)}\n\n{note}"


def spread(values: np.ndarray, digits: int = 1) -> str:
    """`mean ± standard deviation` of a sample.

    Example:
        >>> spread(np.array([80.0, 82.0]))
        '81.0 ± 1.4'
    """
    deviation = values.std(ddof=1) if len(values) > 1 else 0.0
    return f"{values.mean():.{digits}f} ± {deviation:.{digits}f}"


def _means(facts: list[Mapping], part: str = "test") -> np.ndarray:
    return np.array([_mean_of(fact[part]) for fact in facts])


def _mean_of(results: Mapping[str, Mapping]) -> float:
    """Mean over tasks of whichever main metric each task has."""
    values = [
        next(result[metric] for metric in MAIN_METRIC.values() if metric in result)
        for result in results.values()
    ]
    return mean_of_known(values)
