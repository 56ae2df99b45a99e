"""Which pieces of the teacher's tokenizer belong to which of our tokens."""

from __future__ import annotations

import numpy as np

from zoo.text.vocabulary import CONTINUES


def placed(tokens: str) -> tuple[str, np.ndarray]:
    """Returns the text that tokens make, and where each of them lies in it.

    Args:
        tokens: of one text, separated by spaces; `##` begins those that continue a
            word.

    Returns:
        The words, separated by spaces; and int `[tokens, 2]`, the first character of
        each token and the one after its last.

    Example:
        >>> text, places = placed("so play ##ing !")
        >>> text, [text[start:end] for start, end in places]
        ('so playing !', ['so', 'play', 'ing', '!'])
    """
    parts: list[str] = []
    places, end = [], 0
    for token in tokens.split(" "):
        if token.startswith(CONTINUES) and token != CONTINUES:
            token = token[len(CONTINUES) :]
        elif parts:
            parts.append(" ")
            end += 1
        parts.append(token)
        places.append((end, end + len(token)))
        end += len(token)
    return "".join(parts), np.array(places)


def means_of_pieces(
    tokens: np.ndarray, pieces: np.ndarray, states: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the mean vector of the pieces that share a character with each token.

    Args:
        tokens: where each token lies, int `[tokens, 2]`.
        pieces: where each piece lies, int `[pieces, 2]`; those without a character,
            such as the one that begins a text, belong to no token.
        states: the vector of each piece, float `[pieces, width]`.

    Returns:
        The means `[tokens, width]`, zeros without a piece; and bool `[tokens]`, which
        tokens have one.

    Example:
        >>> pieces, states = np.array([[0, 0], [0, 2], [2, 3], [4, 5]]), np.eye(4)
        >>> means, known = means_of_pieces(np.array([[0, 3], [6, 7]]), pieces, states)
        >>> means.tolist(), known.tolist()
        ([[0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]], [True, False])
    """
    shared = (pieces[:, 0] < tokens[:, 1:]) & (pieces[:, 1] > tokens[:, :1])
    counts = shared.sum(axis=1, keepdims=True)
    means = shared.astype(states.dtype) @ states / np.maximum(counts, 1)
    return means, counts[:, 0] > 0
