"""The pipeline of a translation model: source texts to ids, and ids to target texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo.data.pairs import Pairs
from zoo.families.translation.tokenizer import Tokenizer
from zoo.text import vocabulary as vocabularies
from zoo.text.imports import tf
from zoo.text.inputs import whole
from zoo.text.settings import read_config, write_config
from zoo.text.table import pad
from zoo.text.vocabulary import BEGIN, END

_CONFIG = "pipeline.json"
_CLASS = "zoo.translation.TranslationPipeline"
_SETTINGS = ("tokenizer", "lowercase", "max_source")
_SHARED, _SOURCE, _TARGET = "vocab.txt", "source.txt", "target.txt"
_CHUNK = 2048
MAX_SOURCE = 2048


class EncodedPairs(NamedTuple):
    """Pairs as ids.

    Attributes:
        sources: int32 `[pieces + 1]` each, with the end token.
        targets: int32 `[pieces + 2]` each, from the begin token to the end token.
        cut: number of pairs that were cut; a cut target has no end token, because
            its end is missing.
    """

    sources: list[np.ndarray]
    targets: list[np.ndarray]
    cut: int


class TranslationPipeline(tf.Module):
    """Turns texts into ids and back; owns one shared vocabulary or two.

    Ids 0 to 3 are padding, unknown, begin and end in both. A source ends with the end
    token, so none is empty.

    Args:
        source: tokenizer of the sources.
        target: tokenizer of the targets; the same object if they share a vocabulary.
        max_source: maximum number of pieces read from a source when translating. A
            longer one is cut, and `cut` reports it.

    Raises:
        ValueError: if the two tokenizers differ in kind or case, or `max_source` is not
            a positive integer.

    Example:
        >>> pairs = Pairs(["so"], ["also"])
        >>> pipeline = TranslationPipeline.learn(pairs, tokenizer="whitespace")
        >>> ids, count = pipeline.read(["", "so"])
        >>> pipeline.shared, ids[0].numpy().tolist(), count.numpy().tolist()
        (True, [3], [0, 1])
    """

    def __init__(
        self, source: Tokenizer, target: Tokenizer, *, max_source: int = MAX_SOURCE
    ) -> None:
        super().__init__(name="translation_pipeline")
        kinds = [(side.tokenizer, side.lowercase) for side in (source, target)]
        if kinds[0] != kinds[1]:
            raise ValueError(
                "`source` and `target` must have the same tokenizer and case. "
                f"Received: {kinds[0]} and {kinds[1]}."
            )
        self.source, self.target = source, target
        self.max_source = whole("max_source", max_source, 1)

    @classmethod
    def learn(
        cls,
        pairs: Pairs,
        *,
        shared: bool = True,
        max_source: int = MAX_SOURCE,
        always: Collection[str] = (),
        **options,
    ) -> TranslationPipeline:
        """Learns the vocabularies of training pairs.

        Args:
            pairs: the training pairs.
            shared: whether sources and targets share one vocabulary.
            max_source: see the class.
            always: words of the source's own vocabulary, seen or not.
            options: options of `Tokenizer.learn`; `vocab_size` applies to each
                vocabulary.
        """
        if shared:
            source = target = Tokenizer.learn(
                [*pairs.sources, *pairs.targets], **options
            )
        else:
            source = Tokenizer.learn(pairs.sources, always=always, **options)
            target = Tokenizer.learn(pairs.targets, **options)
        return cls(source, target, max_source=max_source)

    @property
    def shared(self) -> bool:
        """Whether sources and targets share one vocabulary."""
        return self.source is self.target

    @property
    def sizes(self) -> tuple[int, int | None]:
        """The leading arguments of a builder: both sizes, `None` for a shared one."""
        return self.source.vocab_size, None if self.shared else self.target.vocab_size

    def summary(self) -> dict:
        """Returns the settings and sizes, for metadata."""
        return {
            "tokenizer": self.source.tokenizer,
            "lowercase": self.source.lowercase,
            "max_source": self.max_source,
            "shared": self.shared,
            "source_size": self.source.vocab_size,
            "target_size": self.target.vocab_size,
        }

    def tokenize(self, texts) -> tf.RaggedTensor:
        """Returns the pieces that are read of sources, ragged `[batch, (pieces)]`."""
        return self.source.tokenize(texts)[:, : self.max_source]

    def ragged_ids(self, pieces: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the ids of the result of `tokenize`, each with the end token."""
        with tf.device("CPU:0"), self.name_scope:
            ids = self.source.ids(pieces)
            return tf.concat([ids, tf.fill([ids.nrows(), 1], END)], axis=1)

    def read(self, texts) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """Returns the ids of sources with the end token, and their numbers of pieces.

        Args:
            texts: string tensor `[batch]`, or a list of `str` or `bytes`.

        Returns:
            Ragged int32 `[batch, (pieces + 1)]`, of at most `max_source` pieces, and
            int32 `[batch]`, the number of pieces of the whole text.
        """
        with self.name_scope:
            pieces = self.source.tokenize(texts)
            count = tf.cast(pieces.row_lengths(), tf.int32)
            return self.ragged_ids(pieces[:, : self.max_source]), count

    def pad(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns ids `[batch, time]` of `ragged_ids`, with at least one step."""
        with tf.device("CPU:0"), self.name_scope:
            return pad(ids)

    def encode(self, pairs: Pairs, *, max_length: int) -> EncodedPairs:
        """Encodes pairs for training.

        Args:
            pairs: pairs that fit in memory.
            max_length: maximum number of pieces kept of a source or target.
        """
        sources, sources_cut = _encode(self.source, pairs.sources, max_length)
        targets, targets_cut = _encode(self.target, pairs.targets, max_length)
        end, begin = np.array([END], "int32"), np.array([BEGIN], "int32")
        return EncodedPairs(
            [np.concatenate([ids, end]) for ids in sources],
            [
                np.concatenate([begin, ids] if cut else [begin, ids, end])
                for ids, cut in zip(targets, targets_cut)
            ],
            sum(one or other for one, other in zip(sources_cut, targets_cut)),
        )

    def save(self, folder: str | Path) -> None:
        """Writes `pipeline.json` and the vocabularies into `folder`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for file, side in self._files(self.shared, (self.source, self.target)):
            vocabularies.write_vocabulary(folder / file, side.vocabulary)
        write_config(folder / _CONFIG, _CLASS, self.summary())

    @classmethod
    def load(cls, folder: str | Path) -> TranslationPipeline:
        """Reads the files that `save` wrote.

        Raises:
            ValueError: if a file is missing, truncated, of another kind or of a newer
                format, or a vocabulary lacks a special token.
        """
        folder, names = Path(folder), ("shared", "source_size", "target_size")
        config = read_config(folder / _CONFIG, _CLASS, [*_SETTINGS, *names])
        sizes = config["source_size"], config["target_size"]
        options = {name: config[name] for name in ("tokenizer", "lowercase")}
        sides = [
            Tokenizer(vocabularies.read_vocabulary(folder / file, size), **options)
            for file, size in cls._files(config["shared"], sizes)
        ]
        return cls(sides[0], sides[-1], max_source=config["max_source"])

    @staticmethod
    def _files(shared: bool, parts: Sequence) -> list[tuple]:
        if shared:
            return [(_SHARED, parts[0])]
        return [(_SOURCE, parts[0]), (_TARGET, parts[1])]


def _encode(side: Tokenizer, texts: Sequence[str], most: int):
    """Returns at most `most` ids of each text, and whether it had more."""
    rows, cut = [], []
    for start in range(0, len(texts), _CHUNK):
        pieces = side.tokenize(texts[start : start + _CHUNK])
        cut += (pieces.row_lengths().numpy() > most).tolist()
        ids = side.ids(pieces[:, :most])
        rows += np.split(ids.values.numpy(), ids.row_splits.numpy()[1:-1])
    return rows, cut
