"""A trained classifier in one folder: predicts labels of strings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from zoo.families.classification.agreement import as_classifier
from zoo.families.text_model import BaseTextModel
from zoo.models.classifiers import WINDOW
from zoo.tasks import answers_of, as_tasks, named_scores
from zoo.text import TextPipeline
from zoo.text.inputs import as_texts, whole
from zoo.text.pairs import TextOrPair, each_pair
from zoo.training.batching import CALL, TokenBatches, choose_buckets
from zoo.training.fit import predict

if TYPE_CHECKING:
    from zoo.families.classification.explaining.explainer import Explainer
    from zoo.reporting.explanation import Explanation


@dataclass
class TextModel(BaseTextModel):
    """A Keras model with its text pipeline and its tasks; predicts on strings.

    This call makes one of your own functional model, fitted with plain Keras: it then
    predicts, saves, loads and exports like those of the zoo. Several threads may use it
    at once.

    Args:
        model: token ids `[batch, time]` of any time, 0 for padding, to a dict from task
            to logits; of a single task also the logits alone.
        pipeline: strings to token ids.
        tasks: the tasks by name, in any form that `zoo.tasks.as_tasks` reads.
        metadata: anything else that JSON holds, such as the registered name.

    Raises:
        ValueError: if model, pipeline and tasks do not belong together.

    Example:
        >>> import keras
        >>> pipeline = TextPipeline.learn(["so good", "so bad"], min_count=1)
        >>> tokens = keras.Input((None,), dtype="int32")
        >>> states = keras.layers.Embedding(pipeline.vocab_size, 4)(tokens)
        >>> pooled = keras.layers.GlobalMaxPooling1D()(states)
        >>> model = keras.Model(tokens, keras.layers.Dense(2)(pooled))
        >>> text_model = TextModel(model, pipeline, ["bad", "good"])
        >>> sorted(text_model.predict(["so so"])[0]["label"]["scores"])
        ['bad', 'good']
    """

    pipeline: TextPipeline
    _explainer: Explainer | None = field(
        default=None, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        self.tasks = as_tasks(self.tasks)
        self.model = as_classifier(self.model, self.pipeline, self.tasks)

    family: ClassVar[str] = "classification"
    pipeline_class: ClassVar[type] = TextPipeline

    def logits(
        self, texts: Iterable[TextOrPair], batch_size: int = 64
    ) -> dict[str, np.ndarray]:
        """Returns the model's outputs `[texts, outputs]` by task."""
        batch_size = whole("batch_size", batch_size, 1)
        tokens = self.pipeline.encode(self._read(texts))
        if not tokens:
            return {
                n: np.zeros((0, t.outputs), "float32") for n, t in self.tasks.items()
            }
        batches = TokenBatches(
            tokens,
            {},
            {},
            batch_size=min(batch_size, len(tokens)),
            buckets=choose_buckets(tokens, window=WINDOW, call=CALL),
        )
        with self._lock:
            return predict(self.model, batches)

    def predict(self, texts: Iterable[TextOrPair], batch_size: int = 64) -> list[dict]:
        """Returns answers for each text.

        Args:
            texts: any iterable of strings, of any length; of a model of pairs, of
                `(first, second)`.
            batch_size: texts run at once.

        Returns:
            For each text a dict from task to
            `{"label": str, "scores": {label: float}}`;
            several labels of one text are joined by `|`; a regression has the number
            as its label and under `"value"` among its scores. A task that may abstain
            also has `"abstained"`; if that is true, the label is empty.

        Raises:
            ValueError: for one text instead of several.
            TypeError: for an item that is no text, or no pair of texts.
        """
        texts = self._read(texts)
        answers: list[dict] = [{} for _ in texts]
        for name, logits in self.logits(texts, batch_size).items():
            task = self.tasks[name]
            found = named_scores(answers_of(logits, task), task)
            for answer, part in zip(answers, found, strict=True):
                answer[name] = part
        return answers

    def explain(
        self, texts: Iterable[TextOrPair], tasks: Iterable[str] | None = None
    ) -> list[dict[str, Explanation]]:
        """Returns which words moved each answer, by integrated gradients.

        `zoo.families.classification.explaining` says what is divided over the words.
        The first call also traces a graph of the gradients.

        Args:
            texts: as of `predict`.
            tasks: names of the tasks to explain, by default all.

        Returns:
            For each text a dict from task to a `zoo.reporting.explanation.Explanation`
            of the likeliest label: its `score` is the sum of `base` and of the `share`
            of each of its `words`, up to `gap`.

        Raises:
            ValueError: as `predict`; on another backend than TensorFlow; and for a
                model of one's own without an embedding of the ids.

        Source: Sundararajan, Taly and Yan 2017, Axiomatic Attribution for Deep
        Networks, section 3.
        """
        from zoo.families.classification.explaining.explainer import Explainer

        texts = self._read(texts)
        with self._lock:
            if self._explainer is None:
                self._explainer = Explainer(self.model, self.pipeline, self.tasks)
            return self._explainer(texts, tasks)

    def _read(self, texts: Iterable) -> list[str | bytes]:
        return [*each_pair(texts)] if self.pipeline.pairs else as_texts(texts)
