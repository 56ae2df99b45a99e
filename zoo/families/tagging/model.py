"""A trained tagger in one folder: tags strings and sentences of words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from zoo.families.inside import Given, named
from zoo.families.tagging.decoder import Decoder
from zoo.families.tagging.fitting import tag_sentences
from zoo.families.tagging.pipeline import TaggingPipeline
from zoo.families.text_model import BaseTextModel
from zoo.tasks import TAGS, answers_of, named_scores
from zoo.text import as_bytes
from zoo.text.imports import tf
from zoo.text.inputs import as_texts, each_item, unwrapped, whole

_ACCEPTED = "a list of strings or of lists of words"


@dataclass
class TaggingModel(BaseTextModel):
    """A trained tagger, as `zoo.load` returns it.

    Args:
        model: a tagger of the zoo.
        pipeline: texts or words to ids of words and characters.
        tasks: the tasks by name.
        metadata: further JSON values.
    """

    pipeline: TaggingPipeline

    family: ClassVar[str] = "tagging"
    pipeline_class: ClassVar[type] = TaggingPipeline

    @cached_property
    def _decoder(self) -> Decoder:
        return Decoder(self.model, self.tasks)

    @cached_property
    def _distributing(self) -> Decoder:
        return Decoder(self.model, self.tasks, distributions=True)

    def predict(self, texts: Iterable, batch_size: int = 64) -> list[dict]:
        """Returns tags for each text.

        Args:
            texts: any iterable of strings, which the pipeline splits, or of lists of
                words, which are used unchanged; of any length.
            batch_size: sentences run at once.

        Returns:
            For each text a dict with

            * `tokens`: its words.
            * `offsets`: for a string, `[start, end]` of each word in its UTF-8 bytes.
            * `tags`: the tag of each word, by task; `scores`: the probability of each
              tag, by task.
            * `labels`: the `label` and `scores` of each task of whole sentences.

        Raises:
            ValueError: for one text instead of several.
        """
        words, offsets = self._split(texts)
        sentences = self.pipeline.encode(words)
        batch_size = whole("batch_size", batch_size, 1)
        with self._lock:
            found = tag_sentences(self._decoder, sentences, batch_size)
        answers = []
        for row, tokens in enumerate(words):
            answer = {
                "tokens": [as_bytes(t).decode("utf-8", "replace") for t in tokens]
            }
            if offsets[row] is not None:
                answer["offsets"] = offsets[row]
            answers.append({**answer, **self._answer(found, row)})
        return answers

    def distributions(
        self, sentences: Sequence[Sequence[str]], batch_size: int = 64
    ) -> dict[str, list[np.ndarray]]:
        """Returns the probabilities of all tags and labels.

        Args:
            sentences: lists of words.
            batch_size: sentences run at once.

        Returns:
            By task and sentence float64 `[words, tags]`, or `[labels]` of a task of
            whole sentences. Those of a CRF are its marginals.
        """
        encoded = self.pipeline.encode(sentences)
        batch_size = whole("batch_size", batch_size, 1)
        with self._lock:
            found = tag_sentences(self._distributing, encoded, batch_size)
        shares: dict[str, list[np.ndarray]] = {}
        for name, task in self.tasks.items():
            rows = found.get(name, [])
            if task.kind == TAGS:
                shares[name] = [row["probabilities"].astype(float) for row in rows]
            else:
                scores = answers_of(np.reshape(rows, (-1, task.outputs)), task)
                shares[name] = [np.array(answer["scores"]) for answer in scores]
        return shares

    def _read(self, texts: Iterable) -> list:
        words, _ = self._split(texts)
        return [[as_bytes(word) for word in row] for row in words]

    def _given(self, texts: list) -> Given:
        words = tf.RaggedTensor.from_row_lengths(
            tf.constant([word for row in texts for word in row], tf.string),
            [len(row) for row in texts],
        )
        found = self.pipeline.inputs(words)
        inputs = {name: found[name].numpy() for name in self.model.input}
        return Given(inputs, {"tokens": named(words)})

    def _split(self, texts: Iterable) -> tuple[list, list]:
        """Returns the words of each text, and their offsets or `None`."""
        items = each_item(texts, accepted=_ACCEPTED)
        words = [
            text if isinstance(text, (str, bytes)) else as_texts(text, f"texts[{row}]")
            for row, text in enumerate(map(unwrapped, items))
        ]
        offsets: list = [None for _ in words]
        raw = [row for row, text in enumerate(words) if isinstance(text, (str, bytes))]
        ragged = self.pipeline.split([words[row] for row in raw])
        parts = (part.to_list() for part in ragged)
        for row, tokens, starts, ends in zip(raw, *parts, strict=True):
            words[row] = tokens
            offsets[row] = [[start, end] for start, end in zip(starts, ends)]
        return words, offsets

    def _answer(self, found: Mapping, row: int) -> dict:
        answer: dict = {"tags": {}, "scores": {}}
        for name, task in self.tasks.items():
            if task.kind == TAGS:
                ids, scores = (found[name][row][key] for key in ("ids", "scores"))
                answer["tags"][name] = [task.labels[i] for i in ids]
                answer["scores"][name] = np.asarray(scores, float).tolist()
            else:
                labels = answer.setdefault("labels", {})
                answers = answers_of(np.asarray(found[name][row])[None], task)
                [labels[name]] = named_scores(answers, task)
        return answer

    def logits(self, texts, batch_size=64):
        raise TypeError(
            "A tagger has logits for each word; use `predict`, or `model` on "
            "`pipeline.inputs`."
        )
