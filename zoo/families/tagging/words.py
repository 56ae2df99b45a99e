"""Words of raw texts with their byte offsets, in TensorFlow ops.

The raw text is split first and each word is normalised by itself afterwards, so the
offsets are those of the raw bytes, even where normalisation changes lengths. Every op
was already in tensorflow-text 2.12.1.
"""

from __future__ import annotations

from zoo.text import normalize
from zoo.text.imports import tf, tf_text
from zoo.text.vocabulary import MAX_TOKEN_BYTES

TOKENIZERS = ("unicode", "whitespace")
# A word consists of characters other than white space, controls, marks, symbols and the
# characters of scripts without spaces, each of which is a word. Format characters such
# as the soft hyphen may occur inside.
_PART = rf"(?:[^\p{{Z}}\p{{C}}\p{{P}}\p{{S}}{normalize.UNSPACED_SCRIPTS}]|_)"
_RUN = rf"{_PART}(?:{_PART}|\p{{Cf}})*"
_WORD = rf"{_RUN}(?:['\x{{2018}}\x{{2019}}]{_RUN})*"
_TOKEN = "|".join([normalize.UNSPACED, normalize.NUMBER, _WORD, normalize.MARKS])
# The separators of words, and those among them that are words.
_SPLITS = {
    "unicode": (rf"{_TOKEN}|[\p{{Cc}}\p{{Z}}\p{{Cf}}]+", _TOKEN),
    "whitespace": (r"[\p{Cc}\p{Z}]+", ""),
}
# A longer word is an encoded file; it is unknown whatever follows this prefix.
_READ_BYTES = 16 * MAX_TOKEN_BYTES


def split_in_place(texts: tf.Tensor, tokenizer: str):
    """Splits texts into words with offsets.

    Args:
        texts: string `[batch]`, any bytes.
        tokenizer: `"unicode"` splits as the tokenizer of that name of a `TextPipeline`
            does, `"whitespace"` only at white space and control characters.

    Returns:
        Ragged `[batch, (words)]`: the words, as bytes of the text, and the int32 byte
        offsets of their starts and of the positions after their ends.

    Example:
        >>> words, starts, ends = split_in_place(tf.constant(["Go, now"]), "unicode")
        >>> words.to_list()[0], starts.to_list()[0], ends.to_list()[0]
        ([b'Go', b',', b'now'], [0, 2, 4], [2, 3, 7])
    """
    # The splitter takes a NUL for the end of the text; a space has the same length.
    texts = tf.strings.regex_replace(texts, r"\x00", " ")
    words, starts, ends = tf_text.regex_split_with_offsets(texts, *_SPLITS[tokenizer])
    return words, tf.cast(starts, tf.int32), tf.cast(ends, tf.int32)


def normal_words(words: tf.Tensor, *, lowercase: bool) -> tf.Tensor:
    """Returns the form in which words are looked up: NFKC, plain apostrophes, case.

    Args:
        words: string tensor `[words]`.
        lowercase: whether to fold case.
    """
    clean = normalize.clean(words, max_bytes=_READ_BYTES, lowercase=lowercase)
    return normalize.straighten(clean)


def letters(words: tf.Tensor, most: int) -> tf.RaggedTensor:
    """Returns the first characters of words that `normal_words` returned.

    Args:
        words: string tensor `[words]`.
        most: maximum number of characters per word.

    Returns:
        Ragged string `[words, (characters)]`.
    """
    return tf.strings.unicode_split(words, "UTF-8")[:, :most]


def readable(words: tf.Tensor) -> tf.Tensor:
    """Returns words as valid UTF-8, with U+FFFD for invalid bytes."""
    return tf.strings.unicode_transcode(words, "UTF-8", "UTF-8", errors="replace")
