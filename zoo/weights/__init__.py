"""Pre-trained weights that ship in the package: nothing is downloaded at run time.

Each has a folder here, with a card that states its source, the command that created it,
and its licence.
"""

from __future__ import annotations

from zoo.weights.shipped import (
    AUTO,
    DEFAULT,
    LINEAR,
    NAMES,
    NONE,
    WIDTHS,
    known_words,
    read_vectors,
    vocabulary,
)
from zoo.weights.trained import trained_models

__all__ = [
    "AUTO",
    "DEFAULT",
    "LINEAR",
    "NAMES",
    "NONE",
    "WIDTHS",
    "known_words",
    "read_vectors",
    "trained_models",
    "vocabulary",
]
