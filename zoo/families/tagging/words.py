"""Words of raw texts with their places in the bytes, all of it TensorFlow ops.

The text is split as it was written, and each word is normalised on its own behind
that: so the places are those of the raw bytes, whatever the normalisation makes longer
or shorter. Every op was already in tensorflow-text 2.12.1.
"""

from __future__ import annotations

from zoo.text import normalize
from zoo.text.imports import tf, tf_text
from zoo.text.vocabulary import MAX_TOKEN_BYTES

TOKENIZERS = ("unicode", "whitespace")
# What a word is made of: neither white space, control, mark nor symbol, nor a character
# of a script without spaces, which is a word of its own. Format characters such as the
# soft hyphen may stand inside.
_PART = rf"(?:[^\p{{Z}}\p{{C}}\p{{P}}\p{{S}}{normalize.UNSPACED_SCRIPTS}]|_)"
_RUN = rf"{_PART}(?:{_PART}|\p{{Cf}})*"
_WORD = rf"{_RUN}(?:['\x{{2018}}\x{{2019}}]{_RUN})*"
_TOKEN = "|".join([normalize.UNSPACED, normalize.NUMBER, _WORD, normalize.MARKS])
# What parts the words, and which part of that is a word itself.
_SPLITS = {
    "unicode": (rf"{_TOKEN}|[\p{{Cc}}\p{{Z}}\p{{Cf}}]+", _TOKEN),
    "whitespace": (r"[\p{Cc}\p{Z}]+", ""),
}
# A longer word is an encoded file; it is unknown whatever stands behind this.
_READ_BYTES = 16 * MAX_TOKEN_BYTES


def split_in_place(texts: tf.Tensor, tokenizer: str):
    """Words of texts, and where they stand.

    Args:
        texts: string `[batch]`, any bytes.
        tokenizer: `"unicode"` splits as the tokenizer of that name of a `TextPipeline`
            does, `"whitespace"` at white space and control characters alone.

    Returns:
        Ragged `[batch, (words)]`: the words, bytes as they stand in the text, and int32
        byte offsets of their beginnings and of the places behind their ends.

    Example:
        >>> words, starts, ends = split_in_place(tf.constant(["Go, now"]), "unicode")
        >>> words.to_list()[0], starts.to_list()[0], ends.to_list()[0]
        ([b'Go', b',', b'now'], [0, 2, 4], [2, 3, 7])
    """
    # The splitter takes a NUL for the end of the text; a space is as long.
    texts = tf.strings.regex_replace(texts, r"\x00", " ")
    words, starts, ends = tf_text.regex_split_with_offsets(texts, *_SPLITS[tokenizer])
    return words, tf.cast(starts, tf.int32), tf.cast(ends, tf.int32)


def normal_words(words: tf.Tensor, *, lowercase: bool) -> tf.Tensor:
    """What a word is looked up by: NFKC, plain apostrophes, perhaps folded case.

    Args:
        words: string tensor `[words]`.
        lowercase: whether to fold case.
    """
    clean = normalize.clean(words, max_bytes=_READ_BYTES, lowercase=lowercase)
    return normalize.straighten(clean)


def letters(words: tf.Tensor, most: int) -> tf.RaggedTensor:
    """The first characters of words as `normal_words` returns them.

    Args:
        words: string tensor `[words]`.
        most: so many characters of each word.

    Returns:
        Ragged string `[words, (characters)]`.
    """
    return tf.strings.unicode_split(words, "UTF-8")[:, :most]


def readable(words: tf.Tensor) -> tf.Tensor:
    """Words as valid UTF-8, with U+FFFD for what is none."""
    return tf.strings.unicode_transcode(words, "UTF-8", "UTF-8", errors="replace")
