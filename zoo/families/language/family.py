"""Language modelling as a family: texts of any kind, whose labels are ignored."""

from __future__ import annotations

from zoo.families.base import Family
from zoo.families.language.settings import LanguageSettings
from zoo.families.scores import Scores
from zoo.families.text_files import read_part_of_texts, read_text_splits
from zoo.reporting.parts import Passage, Value


class LanguageModeling(Family):
    """Texts of any kind; labels are ignored."""

    name = "language"
    content = "texts"
    reads = ("texts", "labels of texts")
    default_labels = ()
    default_data = "hutto"
    in_order = True
    settings = LanguageSettings
    next_step = "Continue a text with it"

    def text_model(self):
        from zoo.families.language.model import LanguageModel

        return LanguageModel

    def answer_parts(self, ask, tasks, sides):
        [answer] = ask([*sides])
        nats, tokens = answer["log_probability"], answer["tokens"]
        return [
            Passage("continuation", answer["continuation"], before=sides[0]),
            Value("log-probability of the text", f"{nats:.1f} nats, {tokens} tokens"),
        ]

    def read_files(self, options):
        return read_text_splits(options, self)

    def tables(self, splits):
        return {name: part.with_tasks([]) for name, part in splits.parts.items()}

    def prepare(self, splits, settings):
        from zoo.families.language.train import prepare

        return prepare(splits, settings)

    def describe(self, name, prepared):
        streams = prepared.streams.items()
        sizes = [f"{len(stream) - 1:,} {part}" for part, stream in streams]
        words = f"{prepared.pipeline.vocab_size:,}"
        line = f"{name}: {', '.join(sizes)} tokens, {words} in all"
        return "\n".join(filter(None, (line, str(prepared.start))))

    def train(self, name, prepared, settings, keywords, **options):
        from zoo.families.language.train import train

        return train(name, prepared, settings, keywords, **options)

    def report(self, text_model, prepared, history, settings, folder):
        from zoo.families.language.report import write_language_report

        results = self.results(text_model, prepared, history)
        name = text_model.metadata["name"]
        table = write_language_report(
            name, prepared.streams, results, history, settings, folder
        )
        return Scores({"perplexity": results["test"]}, table)

    def results(self, text_model, prepared, history):
        from zoo.families.language.results import results_of

        return results_of(text_model.model, prepared.streams, history)

    def summary(self, results):
        return f"{results['valid']:.2f} (valid), {results['test']:.2f} (test)"

    def objectives(self, splits):
        return ["perplexity"]

    def score(self, text_model, splits, part):
        """Returns the perplexity of a part, as one stream."""
        from zoo.families.language.perplexity import perplexity
        from zoo.families.language.stream import token_stream

        stream = token_stream(text_model.pipeline, getattr(splits, part).texts)
        return {"perplexity": perplexity(text_model.model, stream)}

    def read_part(self, text_model, options):
        return read_part_of_texts(text_model, options, self)

    def prompt(self, splits):
        """Returns the first words of a text of the test part."""
        words = next((text for text in splits.test.texts if text.strip()), "The")
        return " ".join(words.split()[:4])

    def servable(self, model, pipeline, tasks, texts, metadata):
        from zoo.families.language.servable import servable

        return servable(model, pipeline, tasks, texts, metadata)
