"""Where the words that a pipeline reads stand in the text, in TensorFlow ops.

The normal form of a text is that of its clusters, one after the other: a character with
the marks and invisible characters after it, which may compose with it, or the letters
of a Hangul syllable. So each letter of a token has the place of its cluster. Every op
was already in tensorflow-text 2.12.1.
"""

from __future__ import annotations

from typing import NamedTuple

from zoo.text import normalize
from zoo.text.imports import tf, tf_text
from zoo.text.pipeline import TextPipeline
from zoo.text.splitting import cleaned, split
from zoo.text.table import fill_empty, pad
from zoo.text.vocabulary import END, SPECIALS

# Parts of Hangul syllables, in all their forms, and what else attaches to a character:
# marks, halfwidth voicing marks, and characters that Unicode ignores by default.
_JAMO = r"\x{1100}-\x{11FF}\x{3131}-\x{318E}\x{A960}-\x{A97F}\x{D7B0}-\x{D7FF}"
_JAMO += r"\x{FFA0}-\x{FFDC}"
_ATTACHED = r"\p{M}\p{Cf}\x{FF9E}\x{FF9F}\x{2060}-\x{206F}\x{FFF0}-\x{FFF8}"
_ATTACHED += r"\x{E0000}-\x{E0FFF}"
_CLUSTER = rf"[\x{{AC00}}-\x{{D7A3}}{_JAMO}][{_JAMO}{_ATTACHED}]*|(?s:.)[{_ATTACHED}]*"
FIRST_MARK = len(SPECIALS)  # of the first word of a text


class Places(NamedTuple):
    """The words of texts that have a token, and which word each token belongs to.

    Words that share a cluster, such as those of a ligature of several words, are one.

    Args:
        read: string `[batch]`, what is read of each text, with U+FFFD in place of
            invalid UTF-8.
        starts: ragged int32 `[batch, (words)]`, byte offsets in `read`.
        ends: likewise, of the positions after the ends.
        marks: int32 `[batch, time]`, 4 plus the number of the word of each token, or
            the id of what is no word: padding, and the only token of an empty text.
    """

    read: tf.Tensor
    starts: tf.RaggedTensor
    ends: tf.RaggedTensor
    marks: tf.Tensor


def places_of(pipeline: TextPipeline, texts) -> list[Places]:
    """Finds the words of texts, or of both texts of each pair.

    Args:
        pipeline: that reads the texts.
        texts: string tensor `[batch]`, or a list of `str` or `bytes`.

    Returns:
        One `Places`, or two for a pipeline of pairs: of the first texts, and of the
        second ones.

    Example:
        >>> pipeline = TextPipeline.learn(["so good", "so"], min_count=1)
        >>> [places] = places_of(pipeline, ["So  g\\u00f6od"])
        >>> places.starts.to_list(), places.ends.to_list(), places.marks.numpy()
        ([[0, 4]], [[2, 9]], array([[4, 5]], dtype=int32))
    """
    texts = normalize.as_tensor(texts)
    sides = normalize.split_pairs(texts) if pipeline.pairs else [texts]
    with tf.device("CPU:0"):
        return [_of_side(pipeline, side) for side in sides]


def joined_marks(places: list[Places]) -> tf.Tensor:
    """Returns the marks of every id of a text, or of a pair with `END` in between.

    The numbers of the words of second texts follow those of the first text.

    Returns:
        int32 `[batch, time]`, the shape of the ids.
    """
    if len(places) == 1:
        return places[0].marks
    first, second = (
        tf.RaggedTensor.from_tensor(place.marks, padding=0) for place in places
    )
    counts = tf.cast(places[0].starts.row_lengths(), tf.int32)
    shift = tf.gather(counts, second.value_rowids())
    marks = second.values + tf.where(second.values < FIRST_MARK, 0, shift)
    between = tf.fill([first.nrows(), 1], END)
    return pad(tf.concat([first, between, second.with_values(marks)], axis=1))


def _of_side(pipeline: TextPipeline, texts: tf.Tensor) -> Places:
    settings = pipeline.settings
    read = normalize.valid(tf.strings.substr(texts, 0, 16 * settings.max_bytes))
    words, of_tokens = _words(pipeline, texts)
    starts, ends = _bounds(read, words, settings.lowercase)
    numbers, starts, ends = _merged(starts, ends)
    of_tokens = of_tokens[:, : settings.max_length]
    place = tf.gather(words.row_starts(), of_tokens.value_rowids())
    place += tf.cast(of_tokens.values, tf.int64)
    marks = FIRST_MARK + tf.gather(numbers, place)
    marks = pad(fill_empty(of_tokens.with_values(marks)))
    # Words beyond the tokens of a text are not read.
    counts = tf.maximum(tf.reduce_max(marks, axis=1) - (FIRST_MARK - 1), 0)
    rows = starts.value_rowids()
    ones = starts.with_values(tf.ones_like(starts.values))
    kept = _running(ones).values <= tf.gather(counts, rows)
    starts, ends = (
        tf.RaggedTensor.from_value_rowids(
            tf.boolean_mask(bounds.values, kept),
            tf.boolean_mask(rows, kept),
            bounds.nrows(),
        )
        for bounds in (starts, ends)
    )
    return Places(read, starts, ends, marks)


def _words(
    pipeline: TextPipeline, texts: tf.Tensor
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Returns words, and the number of the word of each token.

    A space among bytes belongs to the word after it.
    """
    settings = pipeline.settings
    if settings.tokenizer == "bytes":
        texts = cleaned(texts, settings)
        letters = normalize.split_bytes(texts)
        spaces = letters.with_values(tf.cast(letters.values == ord(" "), tf.int32))
        return normalize.split_spaces(texts), _running(spaces)
    words = split(texts, settings)
    ones = words.with_values(tf.ones_like(words.values, tf.int32))
    numbers = _running(ones, exclusive=True)
    pieces = pipeline.pieces_of(words)
    if pieces is None:
        return words, numbers
    repeated = tf.repeat(numbers.values, pieces.values.row_lengths())
    return words, pieces.with_flat_values(repeated).merge_dims(1, 2)


def _bounds(
    read: tf.Tensor, words: tf.RaggedTensor, lowercase: bool
) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Returns the offsets of words whose letters are those of `read`, in its order."""
    # The splitter takes a NUL for the end of the text; a space has the same length.
    read = tf.strings.regex_replace(read, r"\x00", " ")
    clusters, starts, ends = tf_text.regex_split_with_offsets(read, _CLUSTER, _CLUSTER)
    forms = normalize.normal(clusters.values, lowercase=lowercase)
    forms = tf.strings.regex_replace(forms, " ", "")
    # How many letters end with each cluster, counted through all texts.
    upto = tf.cumsum(tf.strings.length(forms, unit="UTF8_CHAR"))
    lengths = tf.strings.length(words.values, unit="UTF8_CHAR")
    rows = words.value_rowids()
    first, past = (
        tf.cast(tf.gather(bound, rows), tf.int32)
        for bound in (clusters.row_starts(), clusters.row_limits())
    )
    place = _running(words.with_values(lengths), exclusive=True).values
    place += tf.gather(tf.concat([[0], upto], axis=0), first)

    def cluster_of(letter: tf.Tensor) -> tf.Tensor:
        never_empty = tf.concat([upto, [tf.int32.max]], axis=0)
        found = tf.searchsorted(never_empty, letter, side="right")
        return tf.clip_by_value(found, first, past - 1)

    starts = tf.gather(starts.values, cluster_of(place))
    ends = tf.gather(ends.values, cluster_of(place + lengths - 1))
    return tuple(words.with_values(tf.cast(x, tf.int32)) for x in (starts, ends))


def _merged(starts: tf.RaggedTensor, ends: tf.RaggedTensor):
    """Joins words that overlap.

    Returns:
        The new number, within its text, of each word, and the new offsets.
    """
    rows = starts.value_rowids()
    first = tf.equal(
        tf.gather(starts.row_starts(), rows), tf.range(tf.size(rows, tf.int64))
    )
    before = tf.concat([[0], ends.values], axis=0)[:-1]
    new = tf.cast(first | (starts.values >= before), tf.int32)
    group = tf.cumsum(new) - 1
    parts = [
        tf.math.segment_min(rows, group),
        tf.math.segment_min(starts.values, group),
        tf.math.segment_max(ends.values, group),
    ]
    numbers = _running(starts.with_values(new)).values - 1
    joined = [
        tf.RaggedTensor.from_value_rowids(part, parts[0], starts.nrows())
        for part in parts[1:]
    ]
    return numbers, *joined


def _running(values: tf.RaggedTensor, exclusive: bool = False) -> tf.RaggedTensor:
    """Returns running totals that begin anew in each row."""
    before = tf.cumsum(values.values, exclusive=True)
    begin = tf.gather(values.row_starts(), values.value_rowids())
    total = before if exclusive else before + values.values
    return values.with_values(total - tf.gather(before, begin))
