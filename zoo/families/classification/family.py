"""Text classification as a family: labelled texts, one task or several."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from zoo.families.base import Family
from zoo.families.classification.settings import ClassificationSettings
from zoo.families.scores import Scores, named_scores, score_names
from zoo.reporting.parts import label_parts
from zoo.text.pairs import joined

# With so many training texts, and so many of each label, an epoch is long, and of the
# later ones seldom one better.
MANY_ROWS, MANY_OF_EACH, FEWER_EPOCHS = 20_000, 200, 5


class Classification(Family):
    """Labelled texts, one task or several."""

    name = "classification"
    content = "labels of texts"
    pairs = True
    weighs = True
    streams = True
    reads = ("labels of texts",)
    default_data = "hutto"
    settings = ClassificationSettings
    next_step = "Predict with it"

    def text_model(self):
        from zoo.families.classification.model import TextModel

        return TextModel

    def settings_for(self, name, splits, overrides, keywords=None):
        """With many training texts of each label there are fewer epochs."""
        from zoo.data import learn_tasks
        from zoo.models.linear import outputs_of

        settings: Any = super().settings_for(name, splits, overrides, keywords)
        rows = len(splits.train)
        if rows < MANY_ROWS or overrides.get("epochs") is not None:
            return settings
        if rows < MANY_OF_EACH * outputs_of(learn_tasks(splits.train)):
            return settings
        return replace(settings, epochs=min(settings.epochs, FEWER_EPOCHS))

    def answer_parts(self, ask, tasks, sides):
        [answer] = ask([sides[0] if len(sides) == 1 else joined(*sides)])
        return label_parts(answer, tasks)

    def prepare(self, splits, settings):
        from zoo.families.classification.calibration import with_abstain
        from zoo.families.classification.train import prepare

        if splits.stream is not None and settings.fine_tune:
            raise ValueError(
                "`fine_tune` (--fine-tune) reads the rows of each task from memory. "
                "Accepted: without `stream` (--stream). Received: fine_tune=True."
            )
        prepared = prepare(splits, settings)
        if settings.abstain is not None:  # rejects unsuitable tasks before training
            with_abstain(prepared.tasks, settings.abstain)
        return prepared

    def describe(self, name, prepared):
        from zoo.families.classification.soft import there

        parts = prepared.splits.parts.items()
        sizes = [f"{len(part):,} {name}" for name, part in parts]
        kind = "pairs of texts" if prepared.pipeline.pairs else "texts"
        line = f"{name} on {len(prepared.tasks)} task(s): {', '.join(sizes)} {kind}"
        counts: dict[int, list[str]] = {}
        for task, rows in prepared.parts["train"].soft.items():
            counts.setdefault(int(there(rows).sum()), []).append(task)
        said = [
            f"Of the training rows, {count:,} have a distribution or a value in place "
            f"of the label of {', '.join(map(repr, names))}."
            for count, names in counts.items()
        ]
        read = f"Of the test part, {prepared.coverage['test']}."
        return "\n".join(filter(None, (line, *said, str(prepared.start), read)))

    def train(
        self, name, prepared, settings, keywords, *, folder, callbacks=(), verbose=True
    ):
        """Trains jointly; then, if the settings say so, on each task alone, with its
        seconds added to the last epoch; then fits temperatures."""
        from zoo.families.classification import train
        from zoo.families.classification.calibration import calibrate
        from zoo.families.classification.fine_tuning import fine_tune_all

        text_model, history = train.train(
            name,
            prepared,
            settings,
            keywords,
            folder=folder,
            callbacks=callbacks,
            verbose=verbose,
        )
        if settings.fine_tune:
            start = time.perf_counter()
            text_model = fine_tune_all(text_model, prepared, settings)
            history[-1]["seconds"] += time.perf_counter() - start
        return calibrate(text_model, prepared, settings.abstain), history

    def report(self, text_model, prepared, history, settings, folder):
        from zoo.families.classification.report import (
            outcome_of,
            shown_results,
            write_report,
        )

        outcome = outcome_of(text_model, prepared, history)
        write_report(outcome, folder)
        scores = outcome.results[outcome.name]
        return Scores(scores, "\n\n".join(filter(None, shown_results(outcome))))

    def card_sections(self, text_model, scores):
        from zoo.families.classification.label_tables import label_table

        tasks = text_model.tasks.items()
        return [label_table(name, task, scores[name]) for name, task in tasks]

    def results(self, text_model, prepared, history):
        from zoo.families.classification.predicted import evaluate_part

        return {
            "test": evaluate_part(text_model, prepared, "test"),
            "valid": evaluate_part(text_model, prepared, "valid"),
            "parameters": text_model.model.count_params(),
            "epochs": len(history),
            "seconds": sum(logs["seconds"] for logs in history),
        }

    def summary(self, results):
        from zoo.training.metrics import mean_of_main

        valid, test = (mean_of_main(results[part]) for part in ("valid", "test"))
        return f"{valid:.4f} (valid), {test:.4f} (test)"

    def evaluate(self, text_model, options, name):
        from zoo.families.classification.chance import intervals
        from zoo.families.classification.evaluate import evaluate_examples
        from zoo.families.classification.label_tables import metrics_table
        from zoo.families.classification.report import results_table
        from zoo.families.tables import counts_unknown

        examples = self.read_part(text_model, options)
        tasks, results = evaluate_examples(
            text_model, examples, count_unknown=counts_unknown(options)
        )
        results_of = {name: results}
        shown = [
            results_table(tasks, results_of),
            intervals(tasks, results_of),
            metrics_table(tasks, results_of),
        ]
        return Scores(results, "\n\n".join(filter(None, shown)))

    def objectives(self, splits):
        """Depends on the kinds of the tasks; the mean over them uses the metric in
        `zoo.training.metrics.MAIN_METRIC`."""
        from zoo.data import learn_tasks
        from zoo.training.metrics import metrics_of

        tasks = learn_tasks(splits.train)
        return score_names({name: metrics_of(task) for name, task in tasks.items()})

    def score(self, text_model, splits, part):
        from zoo.families.classification.evaluate import evaluate_examples
        from zoo.training.metrics import mean_main_metric

        _, results = evaluate_examples(text_model, getattr(splits, part))
        return named_scores(mean_main_metric(text_model.tasks, results), results)

    def prompt(self, splits):
        texts = [text for text in splits.test.texts if 20 < len(text) < 80]
        if splits.test.pairs:
            return next(iter(texts), min(splits.train.texts, key=len))
        return next(iter(texts), "What a day!")

    def candidates(self, splits):
        from zoo.data import learn_tasks
        from zoo.models.linear import MOST_OUTPUTS, outputs_of

        few = outputs_of(learn_tasks(splits.train)) <= MOST_OUTPUTS
        few = few and not splits.train.pairs  # it has no features of a text to compare
        return [*(["linear"] if few else []), "text_cnn", "bilstm_mt"]

    def ensemble(self, models, prepared, settings):
        """Networks that read alike; the linear model is a part of each of them."""
        from zoo.families.classification.calibration import calibrate
        from zoo.families.classification.ensemble import ensemble_of, read_alike

        networks = [one for one in models if one.model.trainable_weights]
        if len(networks) < 2 or not read_alike(networks):
            return None
        combined = ensemble_of(networks, prepared)
        return calibrate(combined, prepared, settings.abstain)

    def with_abstain(self, text_model, probability):
        from zoo.families.classification.calibration import with_abstain

        return replace(text_model, tasks=with_abstain(text_model.tasks, probability))

    def servable(self, model, pipeline, tasks, texts, metadata):
        from zoo.families.classification.servable import servable

        return servable(model, pipeline, tasks, texts, metadata)

    def explaining(self, servable, texts):
        from zoo.families.classification.explaining.endpoint import with_explanations

        return with_explanations(servable, texts)
