"""Multi-task models over several seeds, each beside a model for each task alone.

python -m benchmarks.quality.multi_task --data mtl16 \\
        --models bilstm_mt mt_shared --alone
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path

from benchmarks.quality import seeds
from benchmarks.quality.text_classification import FAMILY, baseline_rows, row_of, table
from zoo.data import Splits, load_named
from zoo.families.classification import train as runs
from zoo.families.classification.settings import ClassificationSettings


def measure_alone(
    name: str,
    splits: Splits,
    settings: ClassificationSettings,
    keywords: Mapping,
    folder: Path,
) -> dict:
    """The same model trained on each task alone; parameters and seconds add up."""
    together = runs.prepare(splits, settings)
    facts = {"test": {}, "valid": {}, "parameters": 0, "epochs": 0, "seconds": 0.0}
    for index, task in enumerate(together.tasks):
        alone = together.only(task)
        text_model, history = FAMILY.train(
            name, alone, settings, keywords, folder=folder / str(index)
        )
        found = FAMILY.results(text_model, alone, history)
        for part in ("test", "valid"):
            facts[part].update(found[part])
        for cost in ("parameters", "epochs", "seconds"):
            facts[cost] += found[cost]
    for index in range(len(together.tasks)):
        shutil.rmtree(folder / str(index), ignore_errors=True)
    return facts


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["bilstm_mt", "mt_shared"])
    parser.add_argument("--alone", action="store_true", help="each task alone as well")
    parser.add_argument("--fine-tune", action="store_true", help="fine-tuned as well")
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    rows = baseline_rows(splits, options)
    for name in options.models:
        wanted = {f"{name} joint": {}}
        if options.fine_tune:
            wanted[f"{name} joint, then each task"] = {"fine_tune": True}
        if options.alone:
            wanted[f"{name} each task alone"] = {"measure": measure_alone}
        for row, how in wanted.items():
            facts = seeds.measured(FAMILY, name, splits, options, row=row, **how)
            rows.append(row_of(row, facts))
    print(table(options, rows))


if __name__ == "__main__":
    main()
