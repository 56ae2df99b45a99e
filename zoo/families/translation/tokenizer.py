"""The tokenizer of a translation model: texts to ids of their pieces, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from zoo.text import normalize
from zoo.text import vocabulary as vocabularies
from zoo.text.imports import tf, tf_text
from zoo.text.normalize import SPACE
from zoo.text.table import LookupTable
from zoo.text.vocabulary import SPECIALS, UNKNOWN

TOKENIZERS = ("wordpiece", "whitespace")
_CONTINUED = "##"
_ALL = 2**31 - 1  # bytes read of a text
_CHUNK = 2048  # texts counted at once


class Tokenizer(tf.Module):
    """A vocabulary of pieces, for sources, targets or both.

    Texts are read whole, in NFKC and with single spaces (`zoo.text.normalize.clean`).
    `"wordpiece"` cuts words and marks into learned pieces, and a word after a space
    begins with `▁`; so `detokenize` restores the text exactly if its characters are
    known. `"whitespace"` splits texts that are already tokenized, at white space only.

    Args:
        vocabulary: pieces in the order of their ids; the first four are
            `zoo.text.SPECIALS`.
        tokenizer: `"wordpiece"` or `"whitespace"`.
        lowercase: whether to lower the case (letter by letter, which keeps `ß`; case
            folding would turn it into `ss`).

    Raises:
        ValueError: for an unknown tokenizer or an invalid vocabulary.

    Example:
        >>> side = Tokenizer.learn(["So good, so bad!"], vocab_size=40)
        >>> ids = side.ids(side.tokenize(["bad  so!", ""]))
        >>> side.detokenize(ids).numpy().tolist()
        [b'bad so!', b'']
    """

    def __init__(
        self,
        vocabulary: Sequence[str],
        *,
        tokenizer: str = "wordpiece",
        lowercase: bool = False,
    ) -> None:
        super().__init__(name="side")
        _check_tokenizer(tokenizer)
        self.tokenizer, self.lowercase = tokenizer, lowercase
        self._lookup = LookupTable(vocabulary)
        if tokenizer == "wordpiece":
            self._pieces = tf_text.WordpieceTokenizer(
                self._lookup.table,
                token_out_type=tf.string,
                unknown_token=SPECIALS[UNKNOWN],
                split_unknown_characters=True,
            )
        written = [self._written(name) for name in self._lookup.entries]
        self._texts = tf.constant([name.encode() for name in written], tf.string)

    @classmethod
    def learn(
        cls,
        texts: Iterable[str | bytes],
        *,
        vocab_size: int = 8000,
        min_count: int = 1,
        always: Collection[str] = (),
        tokenizer: str = "wordpiece",
        lowercase: bool = False,
    ) -> Tokenizer:
        """Learns a vocabulary; the order of the texts has no effect.

        Args:
            texts: sources, targets, or both if they share the vocabulary.
            vocab_size: maximum size, including the four special tokens.
            min_count: rarer words are ignored.
            always: words that are kept however rare they are, also unseen ones, as
                long as there is room; ignored by `"wordpiece"`.
            tokenizer, lowercase: see the class.

        Raises:
            ValueError: for an unknown tokenizer, or if no word occurs `min_count`
                times.
        """
        counts = cls.count(texts, tokenizer=tokenizer, lowercase=lowercase)
        sizes = {"vocab_size": vocab_size, "min_count": min_count}
        if tokenizer == "wordpiece":
            entries = vocabularies.word_pieces(counts, **sizes)
        else:
            entries = vocabularies.most_common(counts, **sizes, always=always)
        return cls(entries, tokenizer=tokenizer, lowercase=lowercase)

    @classmethod
    def count(
        cls,
        texts: Iterable[str | bytes],
        *,
        tokenizer: str = "wordpiece",
        lowercase: bool = False,
    ) -> Counter[bytes]:
        """Counts the words of texts, as UTF-8; arguments as for `learn`."""
        _check_tokenizer(tokenizer)
        texts = list(texts)
        counts: Counter[bytes] = Counter()
        for start in range(0, len(texts), _CHUNK):
            chunk = normalize.as_tensor(texts[start : start + _CHUNK])
            counts.update(_split(chunk, tokenizer, lowercase).values.numpy())
        return counts

    @property
    def vocabulary(self) -> list[str]:
        """The pieces in the order of their ids."""
        return list(self._lookup.entries)

    @property
    def vocab_size(self) -> int:
        return len(self._lookup.entries)

    def tokenize(self, texts) -> tf.RaggedTensor:
        """Returns the pieces of texts, a ragged string tensor `[batch, (pieces)]`.

        Args:
            texts: string tensor `[batch]`, or a list of `str` or `bytes`.
        """
        # Accelerators do not support strings, neither here nor in a server.
        with tf.device("CPU:0"):
            words = _split(normalize.as_tensor(texts), self.tokenizer, self.lowercase)
            if self.tokenizer == "wordpiece":
                words = self._pieces.tokenize(words).merge_dims(1, 2)
            return words

    def ids(self, pieces: tf.RaggedTensor) -> tf.RaggedTensor:
        """Returns int32 ids of the result of `tokenize`, without begin and end."""
        with tf.device("CPU:0"):
            return pieces.with_values(self._lookup(pieces.values))

    def detokenize(self, ids) -> tf.Tensor:
        """Returns the texts of ids; special tokens are dropped.

        Args:
            ids: int32 `[..., time]`, dense or ragged.

        Returns:
            string `[...]`.
        """
        with tf.device("CPU:0"):
            joined = tf.strings.reduce_join(tf.gather(self._texts, ids), axis=-1)
            return tf.strings.regex_replace(joined, "^ ", "")

    def words(self, pieces: Sequence[str]) -> tuple[list[str], list[int]]:
        """Returns the words that pieces make up, and the number of pieces of each.

        Args:
            pieces: of a text, with or without special tokens, which are words.

        Example:
            >>> Tokenizer([*SPECIALS, "a"]).words(["\u2581so", "\u2581go", "##od", "!"])
            (['so', 'good', '!'], [1, 2, 1])
        """
        found: list[list[str]] = []
        for piece in pieces:
            if found and self.tokenizer == "wordpiece" and _continues(piece):
                found[-1].append(piece.removeprefix(_CONTINUED))
            else:
                found.append([piece])
        words = ["".join(word) for word in found]
        if self.tokenizer == "wordpiece":
            words = [word.removeprefix(SPACE) or word for word in words]
        return words, [len(word) for word in found]

    def _written(self, entry: str) -> str:
        """Returns the text that a piece stands for."""
        if entry in SPECIALS:
            return ""
        if self.tokenizer == "whitespace":
            return f" {entry}"
        if _continues(entry):
            entry = entry.removeprefix(_CONTINUED)
        return entry.replace(SPACE, " ")


def _continues(piece: str) -> bool:
    """Returns whether a piece goes on with the word before it; `##` alone does not."""
    return piece.startswith(_CONTINUED) and piece != _CONTINUED


def _split(texts: tf.Tensor, tokenizer: str, lowercase: bool) -> tf.RaggedTensor:
    texts = normalize.clean(texts, max_bytes=_ALL, lowercase=False)
    if lowercase:
        texts = tf.strings.lower(texts, encoding="utf-8")
    if tokenizer == "whitespace":
        return normalize.split_spaces(texts)
    return normalize.split_marked(texts)


def _check_tokenizer(tokenizer) -> None:
    if tokenizer not in TOKENIZERS:
        raise ValueError(
            f"`tokenizer` for translation must be one of {', '.join(TOKENIZERS)}. "
            f"Received: tokenizer={tokenizer!r}."
        )
