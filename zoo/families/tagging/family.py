"""Tagging as a family: sentences with a tag for every word."""

from __future__ import annotations

from zoo.families.base import Family
from zoo.families.reading import is_named, read_named
from zoo.families.scores import Scores, named_scores, score_names
from zoo.families.tagging.settings import TaggingSettings


class Tagging(Family):
    """Sentences with one tag per word, and labels of whole sentences."""

    name = "tagging"
    content = "tags of words"
    reads = ("tags of words",)
    default_data = "treebank"
    settings = TaggingSettings
    next_step = "Tag with it"

    def text_model(self):
        from zoo.families.tagging.model import TaggingModel

        return TaggingModel

    def read_files(self, options):
        from zoo.families.tagging.reading import read_tagged_splits

        return read_tagged_splits(options)

    def tables(self, splits):
        from zoo.data.tagged_splits import as_examples

        return {name: as_examples(part) for name, part in splits.parts.items()}

    def answer_parts(self, ask, tasks, sides):
        from zoo.families.tagging.shown import tagged_parts

        [answer] = ask([*sides])
        return tagged_parts(sides[0], answer, tasks)

    def prepare(self, splits, settings):
        from zoo.families.tagging.train import prepare

        return prepare(splits, settings)

    def describe(self, name, prepared):
        sizes = [f"{len(data):,} {part}" for part, data in prepared.data.items()]
        line = f"{name} on {len(prepared.tasks)} task(s): {', '.join(sizes)} sentences"
        read = f"Of the test part, {prepared.coverage['test']}."
        return "\n".join(filter(None, (line, str(prepared.start), read)))

    def train(self, name, prepared, settings, keywords, **options):
        from zoo.families.tagging.train import train

        return train(name, prepared, settings, keywords, **options)

    def report(self, text_model, prepared, history, settings, folder):
        from zoo.families.tagging.baselines import most_frequent
        from zoo.families.tagging.report import results_table, write_tagging_report

        name, tasks = text_model.metadata["name"], prepared.tasks
        results = self.results(text_model, prepared, history)
        baseline = most_frequent(tasks, prepared.data["train"], prepared.data["test"])
        write_tagging_report(
            name,
            tasks,
            prepared.data,
            results,
            baseline,
            history,
            settings,
            folder,
            coverage=prepared.coverage,
        )
        shown = {name: results["test"], "most frequent": baseline}
        return Scores(results["test"], results_table(tasks, shown))

    def results(self, text_model, prepared, history):
        from zoo.families.tagging.train import results_of

        return results_of(text_model, prepared, history)

    def summary(self, results):
        from zoo.families.tagging.fitting import summary

        return f"{summary(results['valid'])} (valid)"

    def evaluate(self, text_model, options, name):
        from zoo.families.tagging.reading import read_to_evaluate
        from zoo.families.tagging.report import results_table
        from zoo.families.tagging.train import evaluate

        if is_named(options):
            splits = read_named(options, self)
            data, schemes = splits.test, splits.schemes
        else:
            data, schemes = read_to_evaluate(text_model, options)
        scores = evaluate(text_model, data, schemes, unknown=options.unknown_labels)
        return Scores(scores, results_table(text_model.tasks, {name: scores}))

    def objectives(self, splits):
        """Includes a mean over the tasks of entity F1, of the accuracy of tags without
        a scheme, and of the accuracy of labels."""
        from zoo.families.tagging.fitting import learn_tag_tasks, metrics_of

        tasks = learn_tag_tasks(splits.train, splits.schemes)
        return score_names({name: metrics_of(task) for name, task in tasks.items()})

    def score(self, text_model, splits, part):
        from zoo.families.tagging.fitting import mean_score
        from zoo.families.tagging.train import evaluate

        results = evaluate(text_model, getattr(splits, part), splits.schemes)
        return named_scores(mean_score(text_model.tasks, results), results)

    def prompt(self, splits):
        texts = splits.valid.texts or splits.train.texts
        return min(texts, key=lambda text: abs(len(text) - 50))

    def servable(self, model, pipeline, tasks, texts, metadata):
        from zoo.families.tagging.servable import servable

        return servable(model, pipeline, tasks, texts, metadata)
