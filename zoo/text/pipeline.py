"""The text pipeline: converts strings to ids, in training and in serving."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from zoo.text import normalize
from zoo.text import vocabulary as vocabularies
from zoo.text.compiled import CompiledLater
from zoo.text.imports import tf, tf_text
from zoo.text.inputs import whole
from zoo.text.pairs import SEPARATOR
from zoo.text.settings import TextSettings, read_settings, write_settings
from zoo.text.splitting import chunks, count_tokens, split
from zoo.text.table import LookupTable, fill_empty, filled_and_padded, pad
from zoo.text.vocabulary import CONTINUES, END, SPECIALS, UNKNOWN

_CONFIG = "pipeline.json"
_TOKENS = "vocab.txt"


class TextPipeline(tf.Module):
    """Turns texts into ids; owns its vocabulary.

    Steps, all of them TensorFlow ops: the first `max(4096, 64 * max_length)` bytes are
    read, invalid UTF-8 is replaced by U+FFFD, then NFKC, case folding, the tokenizer,
    the first `max_length` tokens, and their ids. Ids 0 to 3 are padding, unknown, begin
    and end; a text without a token is one unknown token, so that no row is empty.

    Tokenizers:

    * `"unicode"`: words, numbers, marks and symbols; Chinese, Japanese, Thai, Lao,
      Khmer and Burmese by character. Where the vocabulary has pieces (`##ing`), a word
      that it lacks is put together from the longest entries that fit, from the left.
    * `"whitespace"`: what white space parts, for texts that were tokenized before.
    * `"wordpiece"`: the tokens of `"unicode"` in learned pieces (Schuster and Nakajima
      2012, as `tensorflow_text.WordpieceTokenizer` applies them).
    * `"bytes"`: ids 4 to 259 are the bytes 0 to 255; nothing to learn.

    With `pairs`, a text is a pair that `zoo.text.pairs.joined` made. It becomes the ids
    of the first text, the id of `[END]`, and the ids of the second, from 1 to
    `max_length` of each; `zoo.layers.SplitPairs` takes them apart.

    Args:
        vocabulary: tokens in the order of their ids; the first four are
            `zoo.text.SPECIALS`. Not used by `"bytes"`.
        tokenizer: one of the above.
        max_length: number of tokens kept of each text.
        lowercase: whether to fold case.
        pairs: whether it reads pairs of texts.

    Call arguments:
        texts: string tensor `[batch]`, or a list of `str` or `bytes`.

    Returns:
        int32 tensor `[batch, time]` with 1 <= time <= `max_length`, or up to twice that
        and 1 of pairs, padded on the right with 0. Eagerly, in `tf.data.Dataset.map` on
        batches, and in a SavedModel.

    Raises:
        ValueError: for an unknown tokenizer or a vocabulary that cannot be used.

    Example:
        >>> pipeline = TextPipeline.learn(["so good", "so bad"], min_count=1)
        >>> pipeline.vocabulary[4:]
        ['so', 'bad', 'good']
        >>> pipeline(["Good", "so\\tnew", ""]).numpy().tolist()
        [[6, 0], [4, 1], [1, 0]]
    """

    def __init__(
        self,
        vocabulary: Sequence[str] = (),
        *,
        tokenizer: str = "unicode",
        max_length: int = 256,
        lowercase: bool = True,
        pairs: bool = False,
    ):
        super().__init__(name="text_pipeline")
        self._settings = TextSettings(tokenizer, max_length, lowercase, pairs)
        if tokenizer == "bytes":
            vocabulary = vocabularies.BYTE_VOCABULARY
        self._lookup = LookupTable(vocabulary)
        self._pieces = None
        if tokenizer == "wordpiece" or self._has_pieces():
            self._pieces = tf_text.WordpieceTokenizer(
                self._lookup.table,
                token_out_type=tf.string,
                unknown_token=SPECIALS[UNKNOWN],
            )
        self._ragged_ids_of = CompiledLater(
            lambda texts: self.ragged_ids(self.tokenize(texts))
        )

    @classmethod
    def learn(
        cls,
        texts: Iterable[str | bytes],
        *,
        tokenizer: str = "unicode",
        vocab_size: int = 20000,
        min_count: int = 2,
        max_length: int = 256,
        lowercase: bool = True,
    ) -> TextPipeline:
        """Learns a vocabulary, the same one whatever the order of the texts.

        It counts every token within the bytes that the pipeline reads, also those
        beyond `max_length`. It reads the texts once, in chunks. Learning word pieces
        takes minutes if there are many words.

        Args:
            texts: the training texts; any iterable.
            tokenizer: see the class. `"bytes"` reads no text.
            vocab_size: largest size, with the four special tokens.
            min_count: minimum number of occurrences of a token.
            max_length: see the class.
            lowercase: see the class.

        Returns:
            A `TextPipeline`.

        Raises:
            ValueError: for one text instead of several, if there is no text, or if no
                token occurs `min_count` times.
            TypeError: if a text is neither `str` nor `bytes`.
        """
        settings = TextSettings(tokenizer, max_length, lowercase)
        return cls.of_counts(
            Counter() if tokenizer == "bytes" else count_tokens(texts, settings),
            vocab_size=vocab_size,
            min_count=min_count,
            **asdict(settings),
        )

    @classmethod
    def count(
        cls,
        texts: Iterable[str | bytes],
        *,
        tokenizer: str = "unicode",
        max_length: int = 256,
        lowercase: bool = True,
    ) -> Counter[bytes]:
        """Counts the words of some texts, as UTF-8; arguments as for `learn`.

        Words of `"wordpiece"` are whole; `"bytes"` has no words to count.
        """
        settings = TextSettings(tokenizer, max_length, lowercase)
        return Counter() if tokenizer == "bytes" else count_tokens(texts, settings)

    @classmethod
    def of_counts(
        cls,
        counts: Counter[bytes],
        *,
        tokenizer: str = "unicode",
        vocab_size: int = 20000,
        min_count: int = 2,
        always: Collection[str] = (),
        pieces: int = 0,
        max_length: int = 256,
        lowercase: bool = True,
        pairs: bool = False,
    ) -> TextPipeline:
        """Learns a vocabulary, as `learn`, from the counts that `count` returned.

        Args:
            counts: of the training texts, with the same tokenizer and case.
            always: words to keep however rare they are, also unseen ones, as long as
                `vocab_size` has room; ignored by `"wordpiece"`.
            pieces: maximum number of entries that are pieces of rare words; only for
                `"unicode"`.
            pairs: see the class; the counts are of both texts of each pair.
            tokenizer, vocab_size, min_count, max_length, lowercase: see `learn`.

        Raises:
            ValueError: if no token is left.

        Example:
            >>> counts = TextPipeline.count(["so good", "so bad"])
            >>> TextPipeline.of_counts(counts, always={"bad"}).vocabulary[4:]
            ['so', 'bad']
        """
        settings = TextSettings(tokenizer, max_length, lowercase, pairs)
        vocab_size = whole("vocab_size", vocab_size, len(SPECIALS) + 1)
        min_count = whole("min_count", min_count, 1)
        entries: Sequence[str] = ()
        sizes = {"vocab_size": vocab_size, "min_count": min_count}
        if tokenizer == "wordpiece":
            entries = vocabularies.word_pieces(counts, **sizes)
        elif tokenizer != "bytes":
            pieces = pieces if tokenizer == "unicode" else 0
            entries = vocabularies.most_common(
                counts, **sizes, always=always, pieces=pieces
            )
        return cls(entries, **asdict(settings))

    @property
    def settings(self) -> TextSettings:
        return self._settings

    @property
    def tokenizer(self) -> str:
        return self._settings.tokenizer

    @property
    def max_length(self) -> int:
        return self._settings.max_length

    @property
    def lowercase(self) -> bool:
        return self._settings.lowercase

    @property
    def pairs(self) -> bool:
        return self._settings.pairs

    @property
    def vocabulary(self) -> list[str]:
        """The tokens in the order of their ids."""
        return list(self._lookup.entries)

    @property
    def vocab_size(self) -> int:
        return len(self._lookup.entries)

    def _has_pieces(self) -> bool:
        return self.tokenizer == "unicode" and any(
            entry.startswith(CONTINUES) and entry != CONTINUES
            for entry in self._lookup.entries
        )

    def summary(self) -> dict:
        """Returns its settings and size, for metadata."""
        return {**asdict(self._settings), "vocab_size": self.vocab_size}

    def __call__(self, texts) -> tf.Tensor:
        if self.pairs:
            return self.pad(self.ragged_ids(self.tokenize(texts)))
        texts = normalize.as_tensor(texts)
        with tf.device("CPU:0"), self.name_scope:
            tokens = self._all_tokens(texts)
            ids = tokens.with_values(self._lookup(tokens.values))
            return filled_and_padded(ids, self.max_length)

    def of_one(self, text: tf.Tensor) -> tf.Tensor:
        """Returns the ids of one text, from string `[1]` int32 `[1, time]`.

        They are those of `__call__`, with a third of the operations, whose launch takes
        longer than their work.
        """
        if self.pairs:
            return self(text)
        with tf.device("CPU:0"), self.name_scope:
            ids = self._lookup(self._all_tokens(text).flat_values)
            steps = tf.clip_by_value(tf.size(ids), 1, self.max_length)
            return tf.concat([ids, [UNKNOWN]], axis=0)[tf.newaxis, :steps]

    def tokenize(self, texts) -> tf.RaggedTensor:
        """Returns the tokens that `__call__` looks up; between a pair `SEPARATOR`.

        Args:
            texts: string tensor `[batch]`, or a list of `str` or `bytes`.

        Returns:
            A ragged string tensor `[batch, (tokens)]`; no token for an empty text.
        """
        texts = normalize.as_tensor(texts)
        # Strings have no place on an accelerator, neither here nor in a server.
        with tf.device("CPU:0"), self.name_scope:
            if not self.pairs:
                return self._all_tokens(texts)[:, : self.max_length]
            unknown = SPECIALS[UNKNOWN]
            first, second = (
                fill_empty(self._all_tokens(side)[:, : self.max_length], unknown)
                for side in normalize.split_pairs(texts)
            )
            between = tf.fill([tf.shape(texts)[0], 1], SEPARATOR)
            return tf.concat([first, between, second], axis=1)

    def _all_tokens(self, texts: tf.Tensor) -> tf.RaggedTensor:
        tokens = split(texts, self._settings)
        pieces = self.pieces_of(tokens)
        return tokens if pieces is None else pieces.merge_dims(1, 2)

    def pieces_of(self, words: tf.RaggedTensor) -> tf.RaggedTensor | None:
        """Returns words in pieces, `[batch, (words), (pieces)]`, if it has pieces."""
        return None if self._pieces is None else self._pieces.tokenize(words)

    def ragged_ids(self, tokens: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns the ids of the tokens from `tokenize`, at least one per row.

        Args:
            tokens: ragged string tensor `[batch, (tokens)]`.

        Returns:
            A ragged int32 tensor `[batch, (tokens)]`.
        """
        with tf.device("CPU:0"), self.name_scope:
            ids = self._lookup(tokens.values)
            if self.pairs:  # no text has this token
                ids = tf.where(tokens.values == SEPARATOR, END, ids)
            return fill_empty(tokens.with_values(ids))

    def pad(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Pads the ids from `ragged_ids` to `[batch, time]`; time is at least 1."""
        with tf.device("CPU:0"), self.name_scope:
            return pad(ids)

    def encode(self, texts: Iterable[str | bytes]) -> list[np.ndarray]:
        """Returns the ids of texts that fit in memory, without padding.

        Args:
            texts: any iterable of texts.

        Returns:
            One int32 array `[tokens]` per text, 1 <= tokens <= `max_length`.

        Example:
            >>> TextPipeline(tokenizer="bytes").encode(["a", ""])[0].tolist()
            [101]
        """
        rows: list[np.ndarray] = []
        for chunk in chunks(texts):
            ids = self._ragged_ids_of(normalize.as_tensor(chunk))
            values, splits = ids.values.numpy(), ids.row_splits.numpy()
            rows.extend(np.split(values, splits[1:-1]))
        return rows

    def save(self, folder: str | Path) -> None:
        """Writes `pipeline.json` and `vocab.txt` into `folder`, made if missing."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        vocabularies.write_vocabulary(folder / _TOKENS, self._lookup.entries)
        write_settings(folder / _CONFIG, self.summary())

    @classmethod
    def load(cls, folder: str | Path) -> TextPipeline:
        """Reads what `save` wrote.

        Raises:
            ValueError: if a file is missing, truncated, of another kind or of a newer
                format.
        """
        settings, size = read_settings(Path(folder) / _CONFIG)
        entries = vocabularies.read_vocabulary(Path(folder) / _TOKENS, size)
        return cls(entries, **asdict(settings))
