"""Translation as a family: pairs of texts."""

from __future__ import annotations

from zoo.families.base import Family
from zoo.families.reading import is_named, print_notes, read_named
from zoo.families.scores import Scores
from zoo.families.translation.settings import TranslationSettings
from zoo.reporting.parts import Passage, Value
from zoo.weights import NONE


class Translation(Family):
    """Pairs of texts."""

    name = "translation"
    content = "pairs of texts"
    reads = ("pairs of texts",)
    default_data = "messages"
    settings = TranslationSettings
    next_step = "Translate with it"

    def text_model(self):
        from zoo.families.translation.model import TranslationModel

        return TranslationModel

    def read_files(self, options):
        from zoo.families.translation.reading import read_pair_splits

        return read_pair_splits(options)

    def answer_parts(self, ask, tasks, sides):
        [answer] = ask([*sides])
        return [
            Passage("translation", answer["translation"]),
            Value("score of the search", f"{answer['score']:.2f}"),
        ]

    def tables(self, splits):
        from zoo.data import Examples

        parts = splits.parts.items()
        return {name: Examples(part.sources, {}) for name, part in parts}

    def prepare(self, splits, settings):
        from zoo.families.translation.train import prepare

        return prepare(splits, settings)

    def describe(self, name, prepared):
        parts = prepared.splits.parts.items()
        sizes = [f"{len(part):,} {name}" for name, part in parts]
        pieces = [f"{size:,}" for size in prepared.pipeline.sizes if size]
        line = f"{name}: {', '.join(sizes)} pairs, {' and '.join(pieces)} pieces"
        cut = prepared.encoded["train"].cut
        line += f"; {cut} training pair(s) cut to max_length" if cut else ""
        lines = [line, str(prepared.start)]
        if prepared.target_start.name != NONE:
            lines.append("They suit the targets as well; `tied=false` uses them there.")
        return "\n".join(filter(None, lines))

    def train(self, name, prepared, settings, keywords, **options):
        from zoo.families.translation.train import train

        return train(name, prepared, settings, keywords, **options)

    def report(self, text_model, prepared, history, settings, folder):
        from zoo.families.translation.report import (
            table_of_test,
            write_translation_report,
        )
        from zoo.families.translation.train import evaluate_baselines

        results = self.results(text_model, prepared, history)
        baselines = evaluate_baselines(prepared.splits, settings)
        write_translation_report(
            text_model, prepared, results, baselines, history, settings, folder
        )
        table = table_of_test(text_model.metadata["name"], results, baselines)
        return Scores(results["test"], f"{table}\n{results['test']['signature']}")

    def results(self, text_model, prepared, history):
        from zoo.families.translation.train import results_of

        return results_of(text_model, prepared, history)

    def summary(self, results):
        valid, test = (results[part]["bleu"] for part in ("valid", "test"))
        return f"BLEU {valid:.2f} (valid), {test:.2f}"

    def evaluate(self, text_model, options, name):
        from zoo.families.translation.reading import read_pair_file, recall_pairs
        from zoo.families.translation.report import results_table
        from zoo.families.translation.train import evaluate

        tokenized = False
        if is_named(options):
            splits = read_named(options, self)
            pairs, tokenized = splits.test, splits.tokenized
        else:
            recall_pairs(options, text_model)
            pairs = read_pair_file(options.data, options.target, options)
            print_notes(pairs, options)
        scores = evaluate(text_model, pairs, tokenized=tokenized)
        table = f"{results_table({name: scores})}\n{scores['signature']}"
        return Scores(scores, table)

    def objectives(self, splits):
        """BLEU is always comparable, perplexity only for the same vocabulary."""
        return ["bleu", "perplexity"]

    def score(self, text_model, splits, part):
        from zoo.families.translation.train import evaluate

        found = evaluate(text_model, getattr(splits, part), tokenized=splits.tokenized)
        return {name: found[name] for name in self.objectives(splits)}

    def servable(self, model, pipeline, tasks, texts, metadata):
        from zoo.families.translation.servable import servable

        return servable(model, pipeline, tasks, texts, metadata)
