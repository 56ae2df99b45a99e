"""Text in, ids out: one pipeline for training, evaluation and the served model."""

from zoo.text.normalize import as_bytes
from zoo.text.pipeline import TextPipeline
from zoo.text.vocabulary import BEGIN, END, PAD, SPECIALS, UNKNOWN

__all__ = ["BEGIN", "END", "PAD", "SPECIALS", "UNKNOWN", "TextPipeline", "as_bytes"]
