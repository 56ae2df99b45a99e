"""Batches of sentences: words, their characters and their tags, padded together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from zoo.data.sentences import TaggedSentences
from zoo.families.tagging.pipeline import Sentence
from zoo.tasks import TAGS, Task, safe_names
from zoo.text.vocabulary import UNKNOWN
from zoo.training.batching import CALL, TokenBatches, choose_buckets

_LETTERS = 4  # the letters' axis is a multiple of this


class TaggedBatches(TokenBatches):
    """Seeded, bucketed batches of a tagger's inputs, targets and weights.

    Args:
        sentences: what `TaggingPipeline.encode` returns.
        targets: by task the tag ids of each sentence, or one label id per sentence, or
            float distributions over them, `[words, tags]` or `[labels]`; empty to
            predict.
        batch_size: rows of every batch.
        buckets: maximum number of padded lengths.
        inputs: names of the model's inputs. If they include `<task>_ids` (by
            `zoo.tasks.safe_names`), the model ends in the task's CRF: it reads the
            tags, and its loss has one weight per sentence.
        shuffle: `True` for training; see `TokenBatches`.
        seed: seed of the order, and of the replaced words.
        rare: bool `[vocab]`, the words that are replaced ...
        replaced: ... by the unknown word, with this probability.
        label_weights: by task the weight of each of its tags or labels, 1 by default.
        preferred: see `TokenBatches`.

    Call returns: a dict of `tokens` int32 `[batch_size, bucket]`, `characters` int32
    `[batch_size, bucket, letters]` and tags int32 `[batch_size, bucket]`, those that
    `inputs` names; then dicts of targets and weights under safe names. Weights are
    `[batch_size, bucket]` for tags, else `[batch_size]`, and 0 at padding.
    """

    def __init__(
        self,
        sentences: Sequence[Sentence],
        targets: Mapping[str, Sequence] | None = None,
        *,
        batch_size: int,
        buckets: int,
        inputs: Collection[str] = ("tokens", "characters"),
        shuffle: bool = False,
        seed: int = 0,
        rare: np.ndarray | None = None,
        replaced: float = 0.0,
        label_weights: Mapping[str, np.ndarray] | None = None,
        preferred: np.ndarray | None = None,
    ) -> None:
        tokens = [sentence.tokens for sentence in sentences]
        super().__init__(
            tokens,
            {},
            {},
            batch_size=batch_size,
            buckets=choose_buckets(tokens, buckets, call=0 if targets else CALL),
            shuffle=shuffle,
            preferred=preferred,
            seed=seed,
        )
        self.characters = [sentence.characters for sentence in sentences]
        self.targets = dict(targets or {})
        self.inputs = frozenset(inputs)
        self.rare, self.replaced = rare, replaced
        self.label_weights = dict(label_weights or {})
        self._names = safe_names(self.targets)

    def __getitem__(self, index: int):
        rows, length = self.batches[index]
        letters = max(self.characters[row].shape[1] for row in rows)
        letters = -(-letters // _LETTERS) * _LETTERS
        shape = self._height(rows, length), length
        inputs = {"tokens": self._padded([self.tokens[row] for row in rows], shape)}
        if "characters" in self.inputs:
            spelled = [self.characters[row] for row in rows]
            inputs["characters"] = self._padded(spelled, (*shape, letters))
        real = inputs["tokens"] > 0
        if self.shuffle and self.replaced:
            generator = np.random.default_rng([self.seed, self.epoch, index])
            chosen = real & (generator.random(shape) < self.replaced)
            assert self.rare is not None  # the words that `replaced` refers to
            inputs["tokens"][self.rare[inputs["tokens"]] & chosen] = UNKNOWN
        if not self.targets:
            return (inputs,)
        targets, weights = {}, {}
        for task, values in self.targets.items():
            name, found = self._names[task], [values[row] for row in rows]
            kind = found[0].dtype.kind
            width = found[0].shape[-1:] if kind == "f" else ()
            tags = np.ndim(found[0]) > len(width)
            dtype = "float32" if width else "int32"
            sizes = (*(shape if tags else shape[:1]), *width)
            targets[name] = self._padded(found, sizes, dtype)
            by_sentence = not tags or f"{name}_ids" in self.inputs
            weights[name] = (real[:, 0] if by_sentence else real).astype("float32")
            if task in self.label_weights:
                own = self.label_weights[task]
                target = targets[name]
                weights[name] *= target @ own if width else own[target]
            if f"{name}_ids" in self.inputs:
                inputs[f"{name}_ids"] = targets[name]
        return inputs, targets, weights

    @staticmethod
    def _padded(
        arrays: Sequence[np.ndarray], shape: tuple[int, ...], dtype: str = "int32"
    ) -> np.ndarray:
        padded = np.zeros(shape, dtype)
        for row, array in enumerate(arrays):
            place: tuple = (row, *(slice(size) for size in np.shape(array)))
            padded[place] = array
        return padded


def encode_targets(data: TaggedSentences, tasks: Mapping[str, Task]) -> dict[str, list]:
    """Returns by task the ids of the tags of each sentence, or of its label.

    Args:
        data: sentences whose tags and labels all occur in `tasks`.
        tasks: the tasks by name.
    """
    targets: dict[str, list] = {}
    for name, task in tasks.items():
        ids = {label: number for number, label in enumerate(task.labels)}
        if task.kind == TAGS:
            targets[name] = [
                np.array([ids[tag] for tag in tags], "int32")
                for tags in data.tags[name]
            ]
        else:
            targets[name] = [np.int32(ids[label]) for label in data.labels[name]]
    return targets
