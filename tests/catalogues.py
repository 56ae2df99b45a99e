"""Compiled catalogues of messages."""

from __future__ import annotations

import struct


def compiled(pairs: dict[str, str], order: str = "<") -> bytes:
    """A .mo file, as the manual of GNU gettext lays it out."""
    texts = sorted((s.encode(), t.encode()) for s, t in pairs.items())
    count = len(texts)
    offset, tables, blob = 28 + 16 * count, [[], []], b""
    for side in (0, 1):
        for pair in texts:
            tables[side] += [len(pair[side]), offset + len(blob)]
            blob += pair[side] + b"\0"
    head = [0x950412DE, 0, count, 28, 28 + 8 * count, 0, 28 + 16 * count]
    numbers = [*head, *tables[0], *tables[1]]
    return struct.pack(f"{order}{len(numbers)}I", *numbers) + blob
