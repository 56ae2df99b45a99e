"""Texts to ids: one pipeline for training, evaluation and the served model.

The pipeline loads TensorFlow on first use; ids do not need it.
"""

from zoo.text.vocabulary import BEGIN, END, PAD, SPECIALS, UNKNOWN

__all__ = ["BEGIN", "END", "PAD", "SPECIALS", "UNKNOWN", "TextPipeline", "as_bytes"]


def __getattr__(name: str):
    if name == "TextPipeline":
        from zoo.text.pipeline import TextPipeline

        return TextPipeline
    if name == "as_bytes":
        from zoo.text.normalize import as_bytes

        return as_bytes
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
