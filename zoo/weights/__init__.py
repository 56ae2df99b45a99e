"""Pre-trained weights that ship in the package: nothing is fetched at run time.

Each is a folder beside this file, with a card that says what it was made of, by which
command, and under which licence.
"""

from __future__ import annotations

from zoo.weights.shipped import AUTO, NAMES, NONE, WIDTH, known_words, read_vectors

__all__ = ["AUTO", "NAMES", "NONE", "WIDTH", "known_words", "read_vectors"]
