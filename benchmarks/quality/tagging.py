"""Taggers measured over several seeds: the table that the README shows.

    python -m benchmarks.quality.tagging --data conll2003 \\
        --models bilstm_tagger bilstm_crf

Protocol: entity F1 as conlleval and seqeval count it, accuracy for labels of sentences
and for tags without a scheme. The epoch is chosen by the validation part, by the mean
over the tasks; the test part is read once.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.quality import seeds
from zoo.data import load_named, named_set
from zoo.families import get_family
from zoo.families.tagging.baselines import most_frequent
from zoo.families.tagging.fitting import (
    learn_tag_tasks,
    main_score,
)
from zoo.reporting.markdown import markdown_table

FAMILY = get_family("tagging")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["bilstm_tagger", "bilstm_crf"])
    parser.add_argument(
        "--rows", type=int, help="sentences of training and validation part together"
    )
    options = parser.parse_args(arguments)
    if named_set(options.data).content not in FAMILY.reads:
        parser.error(
            f"{options.data} has no tags; accepted: conll2003, snips, treebank"
        )
    splits = load_named(options.data)
    if options.rows:
        splits = seeds.fewer(splits, options.rows, 0)
        options.folder /= str(options.rows)
    tasks = learn_tag_tasks(splits.train, splits.schemes)
    columns = [f"{name} {part}, %" for name in tasks for part in ("test", "valid")]
    rows = [[options.data, *columns, "parameters", "training, s"]]
    baseline = most_frequent(tasks, splits.train, splits.test)
    cells = [[f"{100 * main_score(t, baseline[n]):.1f}", ""] for n, t in tasks.items()]
    rows.append(["most frequent", *sum(cells, []), "", ""])
    for model in options.models:
        facts = seeds.measured(FAMILY, model, splits, options)
        row = [model]
        for task, spec in tasks.items():
            for part in ("test", "valid"):
                values = [main_score(spec, fact[part][task]) for fact in facts]
                row.append(seeds.spread(100 * np.array(values)))
        rows.append([*row, *seeds.costs(facts)])
    print(markdown_table(rows))
    print(f"\nmean ± standard deviation over {options.seeds} seed(s)")


if __name__ == "__main__":
    main()
