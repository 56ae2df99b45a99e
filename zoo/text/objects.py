"""Reads objects from files of JSON that may come from a stranger. Pure Python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MOST_BYTES = 16 * 2**20
# What `read_object`, and asking its answer for values, raise for a damaged file.
DAMAGES = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
)


def parse_json(text: str | bytes) -> Any:
    """Returns the value of a JSON text from a stranger.

    Raises:
        ValueError: for another text, and for values that are nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("its values are nested too deeply") from None


def read_object(path: Path, kinds: Mapping[str, type | tuple] | None = None) -> dict:
    """Returns the object of a file, whose size and depth are bounded.

    Args:
        path: a file in UTF-8 of at most `MOST_BYTES`.
        kinds: the types of some values by name; a value may be absent.

    Raises:
        OSError, ValueError, TypeError: for another file, or a value of another type.

    Example:
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp(), "metadata.json")
        >>> _ = file.write_text('{"name": "bilstm"}')
        >>> read_object(file, {"name": str})
        {'name': 'bilstm'}
    """
    if path.exists() and not path.is_file():
        raise OSError("it is no regular file")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    found = parse_json(content.decode("utf-8"))
    if not isinstance(found, dict):
        raise TypeError(f"it holds {json.dumps(found)[:40]}")
    for name, kind in (kinds or {}).items():
        # A bool is an int in Python, and is none here.
        if name in found and (
            not isinstance(found[name], kind)
            or (isinstance(found[name], bool) and kind is not bool)
        ):
            raise TypeError(f"its {name!r} is {json.dumps(found[name])[:40]}")
    return found
