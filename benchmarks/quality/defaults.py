"""Default settings on several data sets, from 100 rows to all, beside the baselines.

python -m benchmarks.quality.defaults --data sst2 trec --rows 100 1000 all

Of fewer rows nine tenths train and one tenth validates; the test part stays whole.
The column `auto` has the score of what `zoo train auto` takes of its candidates and
their ensemble, if all are among the models.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import zoo
from benchmarks.quality import seeds
from zoo.data import load_named
from zoo.families import get_family
from zoo.families.catalogue import parse_overrides
from zoo.families.choosing import select
from zoo.families.classification import baselines
from zoo.reporting.markdown import markdown_table
from zoo.training.metrics import mean_of_main

FAMILY = get_family("classification")
HONEST = "best linear baseline"
MODEL, ENSEMBLE = "model", "ensemble"


def measured(name: str, splits, rows: str, options) -> dict[str, list[float]]:
    """Test scores by model and baseline, one for each seed."""
    found: dict[str, list[float]] = {}
    for seed in range(options.seeds):
        part = splits if rows == "all" else seeds.fewer(splits, int(rows), seed)
        folder = options.folder / name / rows / str(seed)
        valid, scores = {}, {}
        for model in options.models:
            registered, own = seeds.parse_model(model)
            overrides, keywords = parse_overrides(
                [*options.overrides, *own], registered
            )
            settings = FAMILY.settings_for(
                registered, part, {**overrides, "seed": seed}
            )
            _, facts = seeds.facts_of_seed(
                registered, part, settings, keywords, folder / model, _kept
            )
            valid[model] = mean_of_main(facts["valid"])
            scores[model] = mean_of_main(facts["test"])
            print(
                f"{name} {rows} {model} {seed}: valid {valid[model]:.4f}, "
                f"test {scores[model]:.4f}",
                file=sys.stderr,
            )
        candidates = FAMILY.candidates(part)
        if set(candidates) <= set(valid):
            # Its members read texts as the overrides say.
            overrides, _ = parse_overrides(options.overrides, candidates[-1])
            settings = FAMILY.settings_for(
                candidates[-1], part, {**overrides, "seed": seed}
            )
            places = [str(folder / name / MODEL) for name in candidates]
            _, facts = seeds.facts_of_seed(
                ENSEMBLE, part, settings, {"of": places}, folder / ENSEMBLE, _together
            )
            compared = {name: valid[name] for name in candidates}
            compared[ENSEMBLE] = mean_of_main(facts["valid"])
            chosen = select(compared, len(part.valid), ENSEMBLE)
            scores["auto"] = {**scores, ENSEMBLE: mean_of_main(facts["test"])}[chosen]
        settings = FAMILY.settings_for(options.models[0], part, {"seed": seed})
        _, facts = seeds.facts_of_seed(
            "baselines", part, settings, {}, folder / "baselines", _baselines
        )
        scores["majority"] = facts["test"].pop("majority")
        scores[HONEST] = max(facts["test"].values())
        for one, score in scores.items():
            found.setdefault(one, []).append(100 * score)
    return found


def _kept(name, splits, settings, keywords, folder: Path) -> dict:
    """As `Family.measure`; keeps the model, for the ensemble."""
    return FAMILY.measure(
        name, splits, settings, keywords, folder, save_to=folder / MODEL
    )


def _together(_name, splits, settings, keywords, _folder) -> dict:
    prepared = FAMILY.prepare(splits, settings)
    models = [zoo.load(place) for place in keywords["of"]]
    model = FAMILY.ensemble(models, prepared, settings)
    if model is None:
        return {"test": {}, "valid": {}}
    return FAMILY.results(model, prepared, [])


def _baselines(_name, splits, settings, _keywords, _folder) -> dict:
    results = baselines.evaluate_baselines(FAMILY.prepare(splits, settings), "test")
    return {"test": {name: mean_of_main(result) for name, result in results.items()}}


def rows_of(found: Mapping[tuple[str, str], Mapping], models: Sequence[str]):
    """The table, and the mean over the sets of what each model gains."""
    names = [*models]
    if all("auto" in scores for scores in found.values()):
        names.append("auto")
    table = [["data", "rows", "majority", HONEST, *names]]
    for (data, rows), scores in found.items():
        shown = ["majority", HONEST, *names]
        cells = [seeds.spread(np.array(scores[name])) for name in shown]
        table.append([data, rows, *cells])
    for rows in dict.fromkeys(rows for _, rows in found):
        of_size = [scores for (_, size), scores in found.items() if size == rows]
        gains = [
            np.mean([np.mean(one[name]) - np.mean(one[HONEST]) for one in of_size])
            for name in names
        ]
        cells = [f"{gain:+.1f}" for gain in gains]
        table.append(["mean over the baseline", rows, "", "", *cells])
    return table


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
