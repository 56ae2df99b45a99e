"""Explains the answers of a classifier: texts to words with their shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import keras

from zoo.families.classification.explaining.entrances import open_model
from zoo.families.classification.explaining.integral import Shares, shares_of
from zoo.reporting.explanation import Explanation, Word, target_of
from zoo.serving.graphs import check_backend
from zoo.tasks import Task, written
from zoo.text import TextPipeline
from zoo.text.characters import letters_before
from zoo.text.imports import tf
from zoo.text.places import Places, joined_marks, places_of

_CHUNK = 256  # texts that are split into words at once
INTEGRATED = "integrated gradients from zero embeddings"
LINEAR = "weights of n-grams"


class Explainer:
    """Explains answers of a classifier; its graphs are traced once.

    Args:
        model: ids `[batch, time]` to a dict of outputs by task.
        pipeline: texts to ids.
        tasks: the tasks by name.

    Raises:
        ValueError: for another backend than TensorFlow, and a model without an
            embedding or a bag of n-grams.
    """

    def __init__(
        self, model: keras.Model, pipeline: TextPipeline, tasks: Mapping[str, Task]
    ) -> None:
        check_backend()
        self.pipeline, self.tasks = pipeline, dict(tasks)
        opened, names = open_model(model), [*tasks]
        kinds = zip((False, True), (INTEGRATED, LINEAR))
        self.method = " and ".join(n for bag, n in kinds if bag in opened.bags)
        ids = tf.TensorSpec([1, None], tf.int32)
        total = sum(task.outputs for task in tasks.values())
        factors, against = tf.TensorSpec([total]), tf.TensorSpec([], tf.bool)
        self._shares = tf.function(
            lambda *given: shares_of(opened, names, *given),
            input_signature=[ids, ids, factors, against],
            autograph=False,
        )

    def __call__(
        self, texts: Sequence[str | bytes], names: Iterable[str] | None = None
    ) -> list[dict[str, Explanation]]:
        """Returns an explanation for each text and task.

        Args:
            texts: or pairs of texts as `zoo.text.pairs.joined` makes them.
            names: of the tasks to explain, by default all.

        Raises:
            ValueError: for an unknown task.
        """
        chosen, found = list(self.tasks if names is None else names), []
        if not set(chosen) <= set(self.tasks):
            raise ValueError(
                "`tasks` must be names of tasks of the model. Accepted: "
                f"{', '.join(self.tasks)}. Received: {', '.join(chosen)}."
            )
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            places = places_of(self.pipeline, chunk)
            marks = joined_marks(places).numpy()
            for row, ids in enumerate(self.pipeline.encode(chunk)):
                given = ids[None], marks[row : row + 1, : len(ids)]
                words = [*_words(places, row)]
                found.append(
                    {
                        name: self._explained(name, words, self.shares(name, *given))
                        for name in chosen
                    }
                )
        return found

    def shares(self, name: str, ids: tf.Tensor, marks: tf.Tensor) -> Shares:
        """Returns the shares of a text's words in the score of a task's answer.

        Args:
            name: of the task.
            ids: int32 `[1, time]` of a text, without padding.
            marks: int32 `[1, time]`, `zoo.text.places.joined_marks` of the text.

        Returns:
            The shares, of a regression in standard deviations; `output` is a number
            among the outputs of the task.
        """
        factors: list[float] = []
        for other, task in self.tasks.items():
            factor = 1.0 / task.temperature if other == name else 0.0
            factors += [factor] * task.outputs
        against = tf.constant(self.tasks[name].kind == "categories")
        found = self._shares(ids, marks, tf.constant(factors), against)
        return found._replace(output=found.output - factors.index(max(factors)))

    def _explained(
        self, name: str, words: Sequence[Word], shares: Shares
    ) -> Explanation:
        task = self.tasks[name]
        score, base = float(shares.score), float(shares.base)
        moved = shares.words.numpy().astype(float)
        if task.kind == "regression":
            score, base, moved = task.value(score), task.value(base), moved * task.scale
        return Explanation(
            label=task.labels[int(shares.output)] if task.labels else written(score),
            score=score,
            words=tuple(
                Word(word.text, word.start, word.end, share, word.second)
                for word, share in zip(words, moved.tolist(), strict=True)
            ),
            base=base,
            gap=float(shares.gap),
            steps=int(shares.steps),
            target=target_of(task),
            method=self.method,
        )


def _words(places: Sequence[Places], row: int) -> Iterator[Word]:
    """Yields the words of a text, or of both texts of a pair, without shares."""
    for side, place in enumerate(places):
        read = place.read[row].numpy()
        text = read.decode("utf-8")
        letters = letters_before(read)
        starts, ends = (
            [letters[byte] for byte in bounds[row].numpy().tolist()]
            for bounds in (place.starts, place.ends)
        )
        for start, end in zip(starts, ends, strict=True):
            yield Word(text[start:end], start, end, 0.0, bool(side))
