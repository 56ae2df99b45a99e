"""Sentence encoders as a family: texts of any kind, and a teacher's vectors of them."""

from __future__ import annotations

from typing import Any

from zoo.families.base import Family
from zoo.families.encoding.settings import EncodingSettings
from zoo.families.text_files import read_part_of_texts, read_text_splits
from zoo.reporting.parts import Value, Vector


class Encoding(Family):
    """Texts of any kind, with or without labels, and a teacher in ONNX."""

    name = "encoding"
    content = "texts"
    reads = ("texts", "labels of texts")
    default_labels = ()
    default_data = "hutto"
    settings = EncodingSettings
    next_step = "Embed a text with it"

    def text_model(self):
        from zoo.families.encoding.model import EncodingModel

        return EncodingModel

    def settings_for(self, name, splits, overrides, keywords=None):
        settings: Any = super().settings_for(name, splits, overrides, keywords)
        if settings.token_weight or settings.neighbour_weight:
            from zoo.families.encoding.word_heads import check_states

            check_states(name, keywords or {})
        return settings

    def read_files(self, options):
        return read_text_splits(options, self)

    def read_part(self, text_model, options):
        return read_part_of_texts(text_model, options, self)

    def tables(self, splits):
        return {name: part.with_tasks([]) for name, part in splits.parts.items()}

    def fields(self, pairs):
        return ("Text", "Text to compare it with")

    def answer_parts(self, ask, tasks, sides):
        """Shows the vector of the first text and, if there is a second, the cosine."""
        asked = [side for side in sides if side] or [""]
        vectors = [answer["embedding"] for answer in ask(asked)]
        parts = [Vector("vector", tuple(vectors[0]))]
        if len(vectors) == 1:
            return parts
        cosine = sum(a * b for a, b in zip(*vectors, strict=True))
        return [Value("similarity (cosine)", f"{cosine:.3f}"), *parts]

    def run(self, name, splits, overrides, keywords, *, verbose=True, **options):
        """Asks the teacher about all texts, which may take long, and then trains."""
        if verbose:
            from zoo.families.encoding.train import prepare

            settings: Any = self.settings_for(name, splits, overrides, keywords)
            prepare(splits, settings, print)
        return super().run(
            name, splits, overrides, keywords, verbose=verbose, **options
        )

    def prepare(self, splits, settings):
        from zoo.families.encoding.train import prepare

        return prepare(splits, settings)

    def describe(self, name, prepared):
        sizes = [f"{len(rows):,} {part}" for part, rows in prepared.tokens.items()]
        words, teacher = f"{prepared.pipeline.vocab_size:,}", prepared.teacher
        return (
            f"{name}: {', '.join(sizes)} texts, {words} words; vectors of "
            f"{teacher.width} values by {teacher.path.name}{self._learned(prepared)}"
        )

    def _learned(self, prepared) -> str:
        weights = prepared.labels.weights.values()
        if not weights:
            return ""
        labels = sum(int((weight > 0).sum()) for weight in weights)
        return f"; {labels:,} labels of {len(weights)} task(s)"

    def train(self, name, prepared, settings, keywords, **options):
        from zoo.families.encoding.train import train

        return train(name, prepared, settings, keywords, **options)

    def report(self, text_model, prepared, history, settings, folder):
        from zoo.families.encoding.report import write_encoding_report
        from zoo.families.scores import Scores

        results = self.results(text_model, prepared, history)
        table = self.table({part: results[part] for part in ("valid", "test")})
        write_encoding_report(text_model, table, results, history, settings, folder)
        return Scores(results["test"], table)

    def objectives(self, splits):
        return ["cosine", "spearman", "pearson"]

    def score(self, text_model, splits, part):
        """Returns how close the vectors of a part come to those of the teacher."""
        from zoo.families.encoding.scoring import score_texts

        return score_texts(text_model, getattr(splits, part).texts)

    def servable(self, model, pipeline, tasks, texts, metadata):
        from zoo.families.encoding.servable import servable

        return servable(model, pipeline, tasks, texts, metadata)
