"""Token ids back to text, in the graph."""

from __future__ import annotations

from zoo.text.imports import tf
from zoo.text.vocabulary import SPECIALS

# Spaces that a writer leaves out, by patterns of RE2: before some marks, after others,
# and around a hyphen or a slash after a word. Straight quotes may open or close, and
# keep theirs.
BEFORE, AFTER = r" ([.,;:!?%)\]}…’”])", r"([(\[{“‘$£€]) "
_COMPOUND = r"([\pL\pN]) ([-/]) "
_REWRITES = ((BEFORE, r"\1"), (AFTER, r"\1"), (_COMPOUND, r"\1\2"))


class Detokenizer(tf.Module):
    """Turns ids into the text that they stand for.

    Words are joined by spaces, pieces that begin with `##` and bytes by nothing; U+FFFD
    replaces invalid UTF-8. Special tokens are dropped. Where the tokenizer has taken
    punctuation off the words, it stands beside them as English writes it.

    Args:
        pipeline: the `TextPipeline` whose ids these are.

    Call arguments:
        ids: int32 `[batch, time]`.

    Returns:
        string `[batch]`.

    Example:
        >>> from zoo.text import TextPipeline
        >>> pipeline = TextPipeline.learn(["so good."], min_count=1)
        >>> ids = pipeline(["so good.", "good"])
        >>> Detokenizer(pipeline)(ids).numpy().tolist()
        [b'so good.', b'good']
    """

    def __init__(self, pipeline) -> None:
        super().__init__(name="detokenizer")
        self.tokenizer = pipeline.tokenizer
        names = [name.encode() for name in pipeline.vocabulary]
        if self.tokenizer == "bytes":
            names[len(SPECIALS) :] = [bytes([value]) for value in range(256)]
        self.names = tf.constant(names, tf.string)

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        with tf.device("CPU:0"):
            tokens = tf.gather(self.names, ids)
            tokens = tf.ragged.boolean_mask(tokens, ids >= len(SPECIALS))
            if self.tokenizer == "bytes":
                text = tf.strings.reduce_join(tokens, axis=-1)
                return tf.strings.unicode_transcode(text, "UTF-8", "UTF-8")
            text = tf.strings.reduce_join(tokens, axis=-1, separator=" ")
            if self.tokenizer == "wordpiece":
                text = tf.strings.regex_replace(text, " ##", "")
            if self.tokenizer != "whitespace":
                for pattern, rewrite in _REWRITES:
                    text = tf.strings.regex_replace(text, pattern, rewrite)
            return text
