"""Tagging: from sentences with a tag a word to a model that tags raw texts.

`zoo train` calls `run`. Run as a module, it measures models over several seeds and
prints the table that the README shows:

    python -m recipes.tagging --data conll2003 --models bilstm_tagger bilstm_crf

Protocol: entity F1 as conlleval and seqeval count it, accuracy for labels of sentences
and for tags without a scheme. The epoch is chosen by the validation part, by the mean
over the tasks; the test part is read once.
"""

from __future__ import annotations

import argparse

import numpy as np
from zoo.reporting.markdown import markdown_table

from recipes import seeds
from zoo.data import load_named
from zoo.data.tagged_splits import PARTS, TaggedSplits, as_examples
from zoo.families.base import Recipe
from zoo.families.tagging.baselines import most_frequent
from zoo.families.tagging.fitting import (
    brief,
    learn_tag_tasks,
    main_score,
    mean_score,
    metrics_of,
)
from zoo.families.tagging.report import results_table, write_tagging_report
from zoo.families.tagging.settings import TaggingSettings
from zoo.families.tagging.train import evaluate, facts_of, prepare, train
from zoo.tuning.objective import named_scores, score_names


class Tagging(Recipe):
    """Sentences with a tag a word, and labels of whole sentences beside them."""

    settings = TaggingSettings
    invitation = "Tag with it"
    prepare, train, facts = map(staticmethod, (prepare, train, facts_of))

    def describe(self, name, prepared):
        sizes = [f"{len(prepared.data[part]):,} {part}" for part in PARTS]
        return f"{name} on {len(prepared.tasks)} task(s): {', '.join(sizes)} sentences"

    def tables(self, splits):
        return {part: as_examples(getattr(splits, part)) for part in PARTS}

    def report(self, text_model, prepared, history, settings, folder):
        name, tasks = text_model.metadata["name"], prepared.tasks
        facts = facts_of(text_model, prepared, history)
        baseline = most_frequent(tasks, prepared.data["train"], prepared.data["test"])
        write_tagging_report(
            name, tasks, prepared.data, facts, baseline, history, settings, folder
        )
        return results_table(tasks, {name: facts["test"], "most frequent": baseline})

    def brief(self, facts):
        return f"{brief(facts['valid'])} (valid)"

    def objectives(self, splits):
        """The mean over the tasks takes entity F1, the accuracy of tags without a
        scheme, and the accuracy of labels."""
        tasks = learn_tag_tasks(splits.train, splits.schemes)
        return score_names({name: metrics_of(task) for name, task in tasks.items()})

    def score(self, text_model, splits, part):
        results = evaluate(text_model, getattr(splits, part), splits.schemes)
        return named_scores(mean_score(text_model.tasks, results), results)

    def prompt(self, splits: TaggedSplits):
        texts = splits.valid.texts or splits.train.texts
        return min(texts, key=lambda text: abs(len(text) - 50))


RECIPE = Tagging()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    seeds.add_arguments(parser, models=["bilstm_tagger", "bilstm_crf"])
    options = parser.parse_args(arguments)
    splits = load_named(options.data)
    if not isinstance(splits, TaggedSplits):
        parser.error(
            f"{options.data} has no tags; accepted: conll2003, snips, treebank"
        )
    tasks = learn_tag_tasks(splits.train, splits.schemes)
    columns = [f"{name} {part}, %" for name in tasks for part in ("test", "valid")]
    rows = [[options.data, *columns, "parameters", "training, s"]]
    baseline = most_frequent(tasks, splits.train, splits.test)
    cells = [[f"{100 * main_score(t, baseline[n]):.1f}", ""] for n, t in tasks.items()]
    rows.append(["most frequent", *sum(cells, []), "", ""])
    for model in options.models:
        facts = seeds.measured(RECIPE, model, splits, options)
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
