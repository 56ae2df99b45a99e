"""Measures a model over several seeds; every finished seed is kept in a file.

A run that was killed goes on where it stopped: finished seeds are read back, and the
one that was running continues from its last epoch.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.data import Splits
from zoo.families import Family
from zoo.families.catalogue import parse_overrides
from zoo.training.kept import read_json, write_json


def add_arguments(parser: argparse.ArgumentParser, *, models: list[str]) -> None:
    parser.add_argument("--data", required=True, help="name of a data set")
    parser.add_argument(
        "--retrain",
        action="store_true",
        help="with as many epochs as were best on the validation part, train again on "
        "training and validation part",
    )
    add_model_arguments(parser, models=models)


def add_model_arguments(parser: argparse.ArgumentParser, *, models: list[str]) -> None:
    """What is measured, whatever it is measured on."""
    add_models(parser, models=models)
    parser.add_argument("--seeds", type=int, default=3, help="seeds 0, 1, ... (3)")
    parser.add_argument("--folder", type=Path, default=Path("runs/seeds"))


def add_models(parser: argparse.ArgumentParser, *, models: list[str]) -> None:
    """The models, and the settings of all of them."""
    parser.add_argument(
        "--models",
        nargs="+",
        default=models,
        metavar="NAME[:KEY=VALUE,...]",
        help="registered models, each with settings or arguments of its own",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="settings or builder arguments, as JSON values",
    )


def parse_model(text: str) -> tuple[str, list[str]]:
    """The name of a model and its own `KEY=VALUE` pairs.

    Example:
        >>> parse_model("flstm_lm:units=512,rank=64")
        ('flstm_lm', ['units=512', 'rank=64'])
        >>> parse_model("text_cnn:windows=[2,3],maps=50")
        ('text_cnn', ['windows=[2,3]', 'maps=50'])
    """
    name, _, pairs = text.partition(":")
    return name, re.split(r",(?=\w+=)", pairs) if pairs else []


def measured(
    family: Family,
    model: str,
    splits,
    options: argparse.Namespace,
    *,
    row: str | None = None,
    measure: Callable[..., dict] | None = None,
    **fixed,
) -> list[dict]:
    """The facts of each seed, measured or read back.

    Args:
        family: of the model.
        model: `NAME[:KEY=VALUE,...]`.
        splits: the data.
        options: of `add_arguments`.
        row: names the row of the table, and the folder; by default `model`.
        measure: measures a seed, by default the family.
        fixed: settings of this row.
    """
    name, own = parse_model(model)
    overrides, keywords = parse_overrides([*options.overrides, *own], name)
    row, facts = row or model, []
    if options.retrain:
        row = f"{row} retrained"
    if measure is None:
        measure = family.measure_retrained if options.retrain else family.measure
    for seed in range(options.seeds):
        chosen = {**overrides, **fixed, "seed": seed}
        settings = family.settings_for(name, splits, chosen)
        folder = options.folder / options.data / row.replace(" ", "_") / str(seed)
        new, found = facts_of_seed(name, splits, settings, keywords, folder, measure)
        facts.append(found)
        if new:
            print(f"{row} seed {seed}: {family.summary(found)}", file=sys.stderr)
    return facts


def fewer(splits: Splits, rows: int, seed: int) -> Splits:
    """Returns some rows of the training and the validation part, drawn by a seed.

    Nine tenths of them train and one tenth validates; the test part stays whole. As
    far as there are rows enough, each label has one in the training part.
    """
    generator = np.random.default_rng(seed)
    train = round(0.9 * rows)

    def some(part, number: int):
        order = generator.permutation(len(part)).tolist()
        if part is splits.train:
            order = _new_labels_first(part, order)
        return part.select(sorted(order[:number]))

    return replace(
        splits,
        train=some(splits.train, train),
        valid=some(splits.valid, rows - train),
        unlabeled=[],
    )


def _new_labels_first(part, order: Sequence[int]) -> list[int]:
    """Rows in an order, but first those with a label that none before them has."""
    seen: set[tuple[str, str]] = set()
    first = []
    for row in order:
        labels = _labels(part, row)
        if not seen.issuperset(labels):
            first.append(row)
            seen |= labels
    earlier = set(first)
    return first + [row for row in order if row not in earlier]


def _labels(part, row: int) -> set[tuple[str, str]]:
    """The labels of a row, each with its task."""
    found = set()
    for task, column in part.labels.items():
        several = isinstance(column[row], (list, tuple))
        values = column[row] if several else [column[row]]
        found |= {(task, value) for value in values if isinstance(value, str)}
    return found


def costs(facts: list[Mapping]) -> list[str]:
    """The cells of parameters and seconds of training."""
    seconds = np.array([fact["seconds"] for fact in facts])
    return [f"{facts[0]['parameters']:,}", spread(seconds, digits=0)]


def facts_of_seed(
    name, splits, settings, keywords, folder: Path, measure: Callable
) -> tuple[bool, dict]:
    """What `measure` gives, or gave in an earlier run of the same settings.

    Returns:
        Whether they are new, and the facts.
    """
    kept = folder / "facts.json"
    if kept.exists():
        found = read_json(kept, "Remove the file, and this seed is trained again.")
        if _are_of(found["identity"], settings, keywords):
            return False, found
    measured = measure(name, splits, settings, keywords, folder)
    facts = {"identity": [settings.to_config(), keywords], **measured}
    folder.mkdir(parents=True, exist_ok=True)
    write_json(kept, facts)
    return True, facts


def _are_of(identity: list, settings, keywords: Mapping) -> bool:
    """Whether facts are of these settings; a setting that is newer had its default."""
    try:
        old = type(settings)(**identity[0])
    except TypeError:  # a setting that is no more
        return False
    return old == settings and identity[1] == json.loads(json.dumps(keywords))


def spread(values: np.ndarray, digits: int = 1) -> str:
    """`mean ± standard deviation` of a sample; one value has no deviation.

    Example:
        >>> spread(np.array([80.0, 82.0])), spread(np.array([80.0]))
        ('81.0 ± 1.4', '80.0')
    """
    mean = f"{values.mean():.{digits}f}"
    return f"{mean} ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else mean
