"""The pipeline of a tagger: texts or words to ids of words and characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo.families.tagging import words as splitting
from zoo.text import normalize
from zoo.text import vocabulary as vocabularies
from zoo.text.imports import tf
from zoo.text.inputs import each_item, whole
from zoo.text.settings import read_config, write_config
from zoo.text.table import LookupTable, fill_empty, pad
from zoo.text.vocabulary import UNKNOWN

_CONFIG, _WORDS, _CHARACTERS = "pipeline.json", "words.txt", "characters.txt"
_CLASS = "zoo.tagging.TaggingPipeline"


class Sentence(NamedTuple):
    """One sentence as the input of a tagger; one unknown word if it has no words.

    Args:
        tokens: int32 word ids `[time]`.
        characters: int32 `[time, letters]`, 0 for padding on the right.
        words: number of the `time` steps that are words: all, or none.
    """

    tokens: np.ndarray
    characters: np.ndarray
    words: int


@dataclass(frozen=True)
class _Settings:
    tokenizer: str
    lowercase: bool
    max_letters: int

    def __post_init__(self) -> None:
        if self.tokenizer not in splitting.TOKENIZERS:
            raise ValueError(
                f"`tokenizer` of a tagger must be one of "
                f"{', '.join(splitting.TOKENIZERS)}. "
                f"Received: tokenizer={self.tokenizer!r}."
            )
        letters = whole("max_letters", self.max_letters, 1)
        object.__setattr__(self, "max_letters", letters)


class TaggingPipeline(tf.Module):
    """Turns texts, or sentences of words, into ids; owns both vocabularies.

    No word is ever dropped: a sentence of any length keeps all of its words, and every
    byte of a text is read. Words are looked up in NFKC and, with `lowercase`, in folded
    case; characters keep their case. Only the first `max_letters` characters of a word
    are read. All steps are TensorFlow ops.

    Args:
        words: entries in the order of their ids; the first four are
            `zoo.text.SPECIALS`.
        characters: likewise.
        tokenizer: splits raw texts, `"unicode"` or `"whitespace"`; see
            `zoo.families.tagging.words.split_in_place`.
        lowercase: whether to fold case before a word is looked up.
        max_letters: characters read per word.

    Raises:
        ValueError: for a setting or a vocabulary that cannot be used.

    Example:
        >>> pipeline = TaggingPipeline.learn([["To", "Rome"], ["to", "Bari"]])
        >>> inputs = pipeline.inputs(tf.ragged.constant([["To"], ["in", "Rome"]]))
        >>> inputs["tokens"].numpy().tolist(), inputs["characters"].shape
        ([[4, 0], [1, 6]], TensorShape([2, 2, 4]))
    """

    def __init__(
        self,
        words: Sequence[str],
        characters: Sequence[str],
        *,
        tokenizer: str = "unicode",
        lowercase: bool = True,
        max_letters: int = 24,
    ) -> None:
        super().__init__(name="tagging_pipeline")
        self._settings = _Settings(tokenizer, lowercase, max_letters)
        self._words, self._characters = LookupTable(words), LookupTable(characters)

    @classmethod
    def learn(
        cls,
        sentences: Iterable[Sequence[str]],
        *,
        vocab_size: int = 30000,
        min_count: int = 1,
        always: Collection[str] = (),
        letters: Collection[str] = (),
        tokenizer: str = "unicode",
        lowercase: bool = True,
        max_letters: int = 24,
    ) -> TaggingPipeline:
        """Learns both vocabularies; the order of the sentences has no effect.

        Args:
            sentences: the words of each.
            vocab_size: maximum size of the vocabulary of words.
            min_count: rarer words are unknown; every character is kept.
            always: words that are kept however rare they are.
            letters: characters that are kept, seen or not.
            tokenizer, lowercase, max_letters: see the class.

        Raises:
            ValueError: if no word occurs `min_count` times.
        """
        settings = _Settings(tokenizer, lowercase, max_letters)
        raw = Counter(word for words in _sentences(sentences) for word in words)
        words = _counted(raw, lowercase)
        characters: Counter[bytes] = Counter()
        cased = splitting.normal_words(tf.constant([*raw], tf.string), lowercase=False)
        spelled = splitting.letters(cased, max_letters).to_list()
        for spelling, count in zip(spelled, raw.values()):
            for letter in spelling:
                characters[letter] += count
        most_common = vocabularies.most_common
        return cls(
            most_common(
                words, vocab_size=vocab_size, min_count=min_count, always=always
            ),
            most_common(characters, vocab_size=vocab_size, min_count=1, always=letters),
            **asdict(settings),
        )

    @classmethod
    def count(
        cls, sentences: Iterable[Sequence[str]], *, lowercase: bool = True
    ) -> Counter[bytes]:
        """Counts each word as it is looked up, in UTF-8."""
        raw = Counter(word for words in _sentences(sentences) for word in words)
        return _counted(raw, lowercase)

    @property
    def vocabulary(self) -> list[str]:
        """The words in the order of their ids."""
        return list(self._words.entries)

    @property
    def vocab_size(self) -> int:
        return len(self._words.entries)

    @property
    def alphabet(self) -> list[str]:
        """The characters in the order of their ids."""
        return list(self._characters.entries)

    @property
    def character_count(self) -> int:
        """Size of the vocabulary of characters."""
        return len(self._characters.entries)

    def summary(self) -> dict:
        """Returns the settings and sizes, for metadata."""
        sizes = {"vocab_size": self.vocab_size, "characters": self.character_count}
        return {**asdict(self._settings), **sizes}

    def split(self, texts):
        """Splits raw texts into words with byte offsets; an empty text has none.

        Args:
            texts: string tensor `[batch]`, or a list of `str` or `bytes`.

        Returns:
            The result of `zoo.families.tagging.words.split_in_place`.
        """
        with tf.device("CPU:0"), self.name_scope:
            texts = normalize.as_tensor(texts)
            return splitting.split_in_place(texts, self._settings.tokenizer)

    def tokenize(self, texts) -> tf.RaggedTensor:
        """Returns the words of raw texts as looked up, ragged `[batch, (words)]`."""
        words, _, _ = self.split(texts)
        return words.with_values(self._looked_up(words.values))

    def ragged_ids(self, words: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the ids of the result of `tokenize`, at least one per row."""
        with tf.device("CPU:0"), self.name_scope:
            return fill_empty(words.with_values(self._words(words.values)))

    def pad(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Returns ids `[batch, time]` of `ragged_ids`, with at least one step."""
        with tf.device("CPU:0"), self.name_scope:
            return pad(ids)

    def inputs(self, words: tf.RaggedTensor) -> dict[str, tf.Tensor]:
        """Returns the inputs of a tagger.

        Args:
            words: ragged string `[batch, (words)]`, as written.

        Returns:
            `tokens` int32 `[batch, time]` and `characters` int32
            `[batch, time, letters]`, 0 for padding on the right; both axes are at
            least 1, and a sentence without words is one unknown word.
        """
        with tf.device("CPU:0"), self.name_scope:
            tokens = self.ragged_ids(words.with_values(self._looked_up(words.values)))
            tokens = self.pad(tokens)
            letters = self._letters(words.values)
            # The maximum of no words is the least int64.
            width = tf.maximum(tf.reduce_max(letters.row_lengths()), 1)
            letters = letters.to_tensor(shape=tf.stack([-1, width]))
            time = tf.shape(tokens, tf.int64)[1]
            rows = tf.stack([words.nrows(), time, width])
            return {
                "tokens": tokens,
                "characters": words.with_values(letters).to_tensor(shape=rows),
            }

    def encode(self, sentences: Iterable[Sequence[str]]) -> list[Sentence]:
        """Encodes sentences of words as arrays; reads each different word once."""
        listed = list(_sentences(sentences))
        known = {word: i for i, word in enumerate({w for s in listed for w in s})}
        if not known:
            known = {b"": 0}
        values = tf.constant([*known], tf.string)
        with tf.device("CPU:0"):
            ids = self._words(self._looked_up(values)).numpy()
            spelled = self._letters(values).to_tensor().numpy()
        rows = []
        for words in listed:
            places = np.array([known[word] for word in words], int)
            tokens, letters = ids[places], spelled[places]
            if not words:
                tokens = np.array([UNKNOWN], "int32")
                letters = np.zeros((1, 1), "int32")
            used = (letters > 0).any(axis=0).sum()
            rows.append(Sentence(tokens, letters[:, : max(used, 1)], len(words)))
        return rows

    def save(self, folder: str | Path) -> None:
        """Writes `pipeline.json`, `words.txt` and `characters.txt` into `folder`."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        vocabularies.write_vocabulary(folder / _WORDS, self._words.entries)
        vocabularies.write_vocabulary(folder / _CHARACTERS, self._characters.entries)
        write_config(folder / _CONFIG, _CLASS, self.summary())

    @classmethod
    def load(cls, folder: str | Path) -> TaggingPipeline:
        """Reads the files that `save` wrote.

        Raises:
            ValueError: if a file is missing, truncated, of another kind or of a newer
                format.
        """
        folder = Path(folder)
        names = [field.name for field in fields(_Settings)]
        sizes = ["vocab_size", "characters"]
        config = read_config(folder / _CONFIG, _CLASS, [*names, *sizes])
        entries = [
            vocabularies.read_vocabulary(folder / file, config[size])
            for file, size in zip((_WORDS, _CHARACTERS), sizes)
        ]
        return cls(*entries, **{name: config[name] for name in names})

    def _looked_up(self, words: tf.Tensor) -> tf.Tensor:
        return splitting.normal_words(words, lowercase=self._settings.lowercase)

    def _letters(self, words: tf.Tensor) -> tf.RaggedTensor:
        """Returns int32 character ids, ragged `[words, (letters)]`."""
        clean = splitting.normal_words(words, lowercase=False)
        letters = splitting.letters(clean, self._settings.max_letters)
        return letters.with_values(self._characters(letters.values))


def _counted(raw: Counter[bytes], lowercase: bool) -> Counter[bytes]:
    """Returns the counts by the looked-up form of each word; some are empty then."""
    words: Counter[bytes] = Counter()
    looked_up = tf.constant([*raw], tf.string)
    looked_up = splitting.normal_words(looked_up, lowercase=lowercase).numpy()
    for word, count in zip(looked_up, raw.values()):
        words[word] += count
    del words[b""]
    return words


def _sentences(sentences: Iterable[Iterable[str]]) -> Iterator[list[bytes]]:
    """Returns the words of each sentence; rejects a text in place of words."""
    rows = each_item(sentences, "sentences", "a list of lists of words")
    for row, words in enumerate(rows):
        listed = each_item(words, f"sentences[{row}]", "a list of words")
        yield [normalize.as_bytes(word) for word in listed]
