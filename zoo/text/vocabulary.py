"""Vocabularies: special ids, learning from counts, and the file they live in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path

from zoo.text.writing import write_text

PAD, UNKNOWN, BEGIN, END = range(4)
SPECIALS = ("[PAD]", "[UNK]", "[BEGIN]", "[END]")
MOST_BYTES = 2**28  # of a vocabulary's file
# A longer "word" is an encoded file or a missing space; it stays unknown.
MAX_TOKEN_BYTES = 100
# The word piece learner looks at all substrings of all words: it is given the most
# frequent ones only.
MAX_PIECE_WORDS = 20_000
# Begins a piece of a word that is not its first; no token of text begins so, for marks
# stand alone.
CONTINUES = "##"
# Longest piece of a rare word, in how many of them one must occur, and how many
# different characters have pieces of their own.
PIECE_LENGTH, PIECE_WORDS, PIECE_CHARACTERS = 6, 3, 500
BYTE_VOCABULARY = (*SPECIALS, *(f"<0x{value:02X}>" for value in range(256)))


def most_common(
    counts: Counter,
    *,
    vocab_size: int,
    min_count: int,
    always: Collection[str] = (),
    pieces: int = 0,
) -> list[str]:
    """Returns special tokens, then tokens by decreasing count, then by code point.

    Args:
        counts: how often each token (`bytes`, UTF-8) occurs.
        vocab_size: largest size, special tokens included.
        min_count: minimum number of occurrences of a token.
        always: tokens to keep even if they are rarer; those that do not occur come
            last, in this order.
        pieces: maximum number of pieces of rare words, which come after the words;
            `TextPipeline` composes unknown words of them.

    Returns:
        The vocabulary; a token's id is its position.

    Raises:
        ValueError: if no token is left.

    Example:
        >>> most_common(Counter([b"b", b"a", b"b"]), vocab_size=6, min_count=1)
        ['[PAD]', '[UNK]', '[BEGIN]', '[END]', 'b', 'a']
    """
    kept = [token for token, _ in _frequent(counts, min_count, always)]
    there = set(kept)
    kept += [token for token in always if token not in there]
    kept = kept[: vocab_size - len(SPECIALS)]
    if pieces:
        room = max(vocab_size - len(SPECIALS) - pieces, 1)
        kept = kept[:room]
        kept += pieces_of_rare(counts, set(kept), pieces)
    return [*SPECIALS, *kept]


def pieces_of_rare(counts: Counter, known: Collection[str], most: int) -> list[str]:
    """Returns pieces of the words that a vocabulary lacks, the most useful first.

    Single characters come first, then prefixes and inner parts of at least three of
    these words, by the number of letters that they cover.

    Args:
        counts: how often each token (`bytes`, UTF-8) occurs.
        known: the words of the vocabulary.
        most: maximum number of pieces.

    Returns:
        Pieces that are not words of the vocabulary; pieces that do not begin a word
        start with `##`.
    """
    letters: Counter = Counter()
    found: Counter = Counter()
    for token, count in counts.items():
        if len(token) > MAX_TOKEN_BYTES:
            continue
        word = token.decode("utf-8")
        letters.update(dict.fromkeys(word, count))
        if word in known or len(word) < 2:
            continue
        for start in range(len(word)):
            mark = CONTINUES if start else ""
            for end in range(start + 2, min(start + PIECE_LENGTH, len(word)) + 1):
                found[mark + word[start:end]] += 1
    alone = sorted(letters, key=lambda c: (-letters[c], c))[:PIECE_CHARACTERS]
    single = [mark + letter for letter in alone for mark in ("", CONTINUES)]
    covered = {
        piece: number * (len(piece) - len(CONTINUES) * piece.startswith(CONTINUES) - 1)
        for piece, number in found.items()
        if number >= PIECE_WORDS
    }
    longer = sorted(covered, key=lambda piece: (-covered[piece], piece))
    kept = (piece for piece in [*single, *longer] if piece not in known)
    return list(islice(kept, most))


def word_pieces(counts: Counter, *, vocab_size: int, min_count: int) -> list[str]:
    """Returns special tokens, characters and word pieces (`##` marks a continuation).

    Args:
        counts: how often each word (`bytes`, UTF-8) occurs.
        vocab_size: largest size, special tokens included.
        min_count: a word that occurs less often is not looked at.

    Returns:
        The vocabulary; a piece's id is its position.

    Raises:
        ValueError: if no word occurs `min_count` times.
    """
    from tensorflow_text.tools.wordpiece_vocab import (
        wordpiece_tokenizer_learner_lib as learner,
    )

    words = _frequent(counts, min_count)[:MAX_PIECE_WORDS]
    pieces = learner.learn(
        words,
        vocab_size=vocab_size,
        reserved_tokens=list(SPECIALS),
        max_token_length=20,
        upper_thresh=1024,
        slack_ratio=0.1,
        # A character takes up to two entries (alone and as a continuation).
        max_unique_chars=max(1, min(5_000, vocab_size // 4)),
    )
    return pieces[:vocab_size]


def _frequent(
    counts: Counter, min_count: int, always: Collection[str] = ()
) -> list[tuple[str, int]]:
    spared = {token.encode("utf-8") for token in always}
    kept = [
        (token, count)
        for token, count in counts.items()
        if (count >= min_count or token in spared) and len(token) <= MAX_TOKEN_BYTES
    ]
    kept.sort(key=lambda pair: (-pair[1], pair[0]))
    named = [(token.decode("utf-8"), count) for token, count in kept]
    named = [pair for pair in named if pair[0] not in SPECIALS]
    if not named:
        raise ValueError(
            f"`texts` must hold at least one token that occurs min_count={min_count} "
            f"times. Received: {counts.total()} tokens, {len(counts)} different ones."
        )
    return named


def check_vocabulary(vocabulary: Sequence[str]) -> tuple[str, ...]:
    """The vocabulary as a tuple.

    Raises:
        ValueError: if the special tokens are not in their places, or an entry is empty,
            repeated, or cannot stand on a line of its own.
    """
    entries = tuple(vocabulary)
    if entries[: len(SPECIALS)] != SPECIALS:
        raise ValueError(
            f"`vocabulary` must begin with {', '.join(SPECIALS)}. "
            f"Received: {list(entries[:4])}."
        )
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        if not entry or entry in seen or "\n" in entry or "\r" in entry:
            raise ValueError(
                "`vocabulary` must hold different tokens, none of them empty or with a "
                f"line break. Received: {entry!r} at position {position}."
            )
        seen.add(entry)
    return entries


def write_vocabulary(path: Path, vocabulary: Sequence[str]) -> None:
    """One token a line, UTF-8, line feed after each."""
    write_text(path, "".join(f"{token}\n" for token in vocabulary))


def read_vocabulary(path: Path, size: int) -> tuple[str, ...]:
    """Reads what `write_vocabulary` wrote.

    Raises:
        ValueError: if the file is missing, truncated, or not a vocabulary of `size`.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise OSError(f"it has {path.stat().st_size:,} bytes")
        content = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            "The vocabulary file must be a readable UTF-8 text of at most "
            f"{MOST_BYTES:,} bytes. Received: {path} ({error})."
        ) from error
    lines = content.split("\n")
    if lines.pop() or len(lines) != size:
        raise ValueError(
            f"The vocabulary file must hold {size} lines, each with a line feed; this "
            f"one was truncated or changed. Received: {path}, {len(lines)} whole lines."
        )
    return check_vocabulary(lines)
