"""The steps from raw bytes to words, as TensorFlow ops.

They are the same in Python, in tf.data and in a served model; the splits recognise
copies of a text by the same normal form (`zoo.text.characters.text_key`). Every op was
already in tensorflow-text 2.12.1, which TF Serving images up to 2.19 link.
"""

from __future__ import annotations

from zoo.text.branch import branch
from zoo.text.characters import APOSTROPHES, joined_surrogates
from zoo.text.imports import tf, tf_text
from zoo.text.inputs import each_text
from zoo.text.pairs import SEPARATOR

# Scripts without spaces between words: a token is one character with its marks.
UNSPACED_SCRIPTS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
UNSPACED = rf"[{UNSPACED_SCRIPTS}]\p{{M}}*"
# One token. Words keep inner apostrophes (don't) and numbers their separators (1,000),
# as in the word boundaries of Unicode Standard Annex 29; runs of marks are cut at
# three, so that !!! and !!!!!!! share a token; emoji and other symbols are separate
# tokens.
NUMBER = r"\p{N}+(?:[.,]\p{N}+)+"
MARKS = "|".join(
    [
        r"[:;=]'?-?[()\[\]]+",  # :) ;-( =] :'(
        r"[!?]{1,3}|\.{1,3}|-{1,3}|\*{1,3}",
        r"[\p{P}\p{S}]\p{M}*",
    ]
)
SPACE = "\u2581"  # precedes a token that follows white space
_TOKEN = "|".join([NUMBER, r"[\p{L}\p{N}\p{M}_]+(?:'[\p{L}\p{M}]+)*", MARKS])


def as_bytes(text: str | bytes) -> bytes:
    """Encodes a text as UTF-8; U+FFFD replaces lone surrogates, pairs are joined.

    Args:
        text: any Python string, or bytes, which are returned unchanged.

    Returns:
        The bytes of the text.

    Raises:
        TypeError: if `text` is neither `str` nor `bytes`.

    Example:
        >>> as_bytes("a\\ud800")
        b'a\\xef\\xbf\\xbd'
    """
    if isinstance(text, bytes):
        return bytes(text)
    if not isinstance(text, str):
        raise TypeError(
            "a text must be `str` or `bytes`. "
            f"Received: {text!r} of type {type(text).__name__}."
        )
    return joined_surrogates(text).encode("utf-8")


def as_tensor(texts) -> tf.Tensor:
    """Returns a string tensor `[batch]` from a tensor or any texts."""
    if not tf.is_tensor(texts):
        rows = [as_bytes(text) for text in each_text(texts)]
        texts = tf.constant(rows, tf.string, [len(rows)], name="texts")
    if texts.dtype != tf.string or texts.shape.rank not in (None, 1):
        raise ValueError(
            "`texts` must be a string tensor of shape [batch]. "
            f"Received: dtype={texts.dtype.name}, shape={texts.shape}."
        )
    return texts


def split_pairs(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the first and the second text of pairs, strings `[batch]` each."""
    both = tf.strings.split(texts, SEPARATOR, maxsplit=1)
    both = both.to_tensor("", shape=[None, 2])
    return both[:, 0], both[:, 1]


def join_pairs(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Returns pairs of texts as `zoo.text.pairs.joined` does, in the graph."""
    texts = [tf.strings.regex_replace(text, SEPARATOR, " ") for text in (first, second)]
    return tf.strings.join(texts, SEPARATOR)


def clean(texts: tf.Tensor, *, max_bytes: int, lowercase: bool) -> tf.Tensor:
    """Returns valid, normalised UTF-8 without control characters or line breaks.

    Only the first `max_bytes` bytes are read, so a huge text costs no more than a long
    one; a run of spaces in the first 16 times as many counts as one byte. U+FFFD
    replaces invalid UTF-8; then follow NFKC and case folding (`Straße` and `STRASSE`
    both give `strasse`); format characters (zero-width joiner, soft hyphen, byte order
    mark) are removed, and control characters and separators become spaces.

    Args:
        texts: string tensor `[batch]`.
        max_bytes: number of bytes to read of each text.
        lowercase: whether to fold case.

    Returns:
        A string tensor `[batch]`.
    """
    long = tf.strings.length(texts) > max_bytes
    # Few requests have a long text; the others are spared the operations for it.
    readable = branch(
        tf.reduce_any(long), lambda: _cut(texts, long, max_bytes), lambda: valid(texts)
    )
    return normal(readable, lowercase=lowercase)


def normal(texts: tf.Tensor, *, lowercase: bool) -> tf.Tensor:
    """Returns the normal form of valid UTF-8, which `clean` gives of what it reads."""
    texts = tf_text.normalize_utf8(texts, "NFKC")
    if lowercase:
        texts = tf_text.case_fold_utf8(texts)
    texts = tf.strings.regex_replace(texts, r"\p{Cf}+", "")
    return tf.strings.regex_replace(texts, r"[\p{Cc}\p{Z}]+", " ")


def valid(texts: tf.Tensor) -> tf.Tensor:
    """Returns texts with U+FFFD in place of invalid UTF-8."""
    return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")


def _cut(texts: tf.Tensor, long: tf.Tensor, max_bytes: int) -> tf.Tensor:
    """Returns valid texts of which the long ones are cut.

    Their long runs of invisible characters are shortened first: otherwise, a text after
    thousands of spaces would be read as empty.
    """
    places = tf.where(long)
    chosen = tf.strings.substr(tf.gather_nd(texts, places), 0, 16 * max_bytes)
    chosen = tf.strings.regex_replace(chosen, r"[\p{Z}\p{Cf}\s]{2,}", " ")
    texts = tf.tensor_scatter_nd_update(texts, places, chosen)
    read = valid(tf.strings.substr(texts, 0, max_bytes))
    # The cut may have split a character; this is not an error of the text.
    mended = tf.strings.regex_replace(read, "\ufffd+$", "")
    return tf.where(tf.strings.length(texts) > max_bytes, mended, read)


def straighten(texts: tf.Tensor) -> tf.Tensor:
    """Replaces typographic apostrophes by plain ones."""
    return tf.strings.regex_replace(texts, f"[{APOSTROPHES}]", "'")


def split_words(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits cleaned texts into words, numbers, marks; unspaced scripts by character.

    `tensorflow_text.UnicodeScriptTokenizer` is not used: it joins parts separated by
    white space if neither has a script (`1 2` and `12` are the same to it) and splits
    vowel marks from Arabic words.

    Args:
        texts: string tensor `[batch]`, as `clean` returns it.

    Returns:
        A ragged string tensor `[batch, (words)]`.
    """
    texts = straighten(texts)
    texts = tf.strings.regex_replace(texts, UNSPACED, r" \0 ")
    texts = tf.strings.regex_replace(texts, _TOKEN, r" \0 ")
    return split_spaces(texts)


def split_marked(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits texts like `split_words`, with the white space between the words.

    Joined, the words of a text are the text with a space at its start and `SPACE` for
    each space. A `SPACE` in a text is read as a space; apostrophes are kept.

    Args:
        texts: string tensor `[batch]`, as `clean` returns it.

    Returns:
        A ragged string tensor `[batch, (words)]`.
    """
    texts = tf.strings.strip(tf.strings.regex_replace(texts, SPACE, " "))
    texts = tf.strings.regex_replace(texts, "^(.)", r" \1")
    texts = tf.strings.regex_replace(texts, " +", SPACE)
    texts = tf.strings.regex_replace(texts, f"{SPACE}?{UNSPACED}", r" \0 ")
    texts = tf.strings.regex_replace(texts, f"{SPACE}?(?:{_TOKEN})", r" \0 ")
    return split_spaces(texts)


def split_spaces(texts: tf.Tensor) -> tf.RaggedTensor:
    """Splits at white space, `[batch, (words)]`."""
    return tf.strings.split(texts)


def split_bytes(texts: tf.Tensor) -> tf.RaggedTensor:
    """Returns the bytes without surrounding white space, int32 `[batch, (bytes)]`."""
    raw = tf.strings.bytes_split(tf.strings.strip(texts))
    values = tf.reshape(tf.io.decode_raw(raw.values, tf.uint8), [-1])
    return raw.with_values(tf.cast(values, tf.int32))
