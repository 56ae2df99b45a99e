"""Multi-task learning: one model for several tasks, beside one model for each.

`zoo train` calls `run`. Run as a module, it measures multi-task models over several
seeds, each beside the same model trained on each task alone:

    python -m recipes.multi_task --data mtl16 --models bilstm_mt mt_shared --alone
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path

from recipes import seeds, text_classification
from zoo import runs
from zoo.data import Splits, load_named
from zoo.settings import Settings

run = text_classification.run
measure = text_classification.measure
objectives = text_classification.objectives
trial = text_classification.trial
score = text_classification.score


def measure_alone(
    name: str, splits: Splits, settings: Settings, keywords: Mapping, folder: Path
) -> dict:
    """The same model trained on each task alone; parameters and seconds add up."""
    together = runs.prepare(splits, settings)
    facts = {"test": {}, "valid": {}, "parameters": 0, "epochs": 0, "seconds": 0.0}
    for index, task in enumerate(together.tasks):
        alone = together.only(task)
        text_model, history, seconds = text_classification.fit(
            name, alone, settings, keywords, folder=folder / str(index), verbose=False
        )
        for part in ("test", "valid"):
            facts[part][task] = runs.evaluate_part(text_model, alone, part)[task]
        facts["parameters"] += text_model.model.count_params()
        facts["epochs"] += len(history)
        facts["seconds"] += seconds
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
    rows = [seeds.baseline_rows(splits, options)]
    for name in options.models:
        rows.append(
            seeds.measure_seeds(f"{name} joint", name, splits, options, measure)
        )
        if options.fine_tune:
            row = f"{name} joint, then each task"
            rows.append(
                seeds.measure_seeds(row, name, splits, options, measure, fine_tune=True)
            )
        if options.alone:
            row = f"{name} each task alone"
            rows.append(seeds.measure_seeds(row, name, splits, options, measure_alone))
    print(seeds.table(options, rows))


if __name__ == "__main__":
    main()
