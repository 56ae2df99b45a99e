"""A text pipeline's settings and their JSON file. Pure Python."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from zoo.text.inputs import whole
from zoo.text.objects import DAMAGES, read_object
from zoo.text.writing import write_text

TOKENIZERS = ("unicode", "whitespace", "wordpiece", "bytes")
FORMAT_VERSION = 1
_CLASS = "zoo.text.TextPipeline"


@dataclass(frozen=True)
class TextSettings:
    """The settings of a `TextPipeline` besides its vocabulary; see there.

    Raises:
        ValueError: for a value that is not accepted.
    """

    tokenizer: str
    max_length: int
    lowercase: bool
    pairs: bool = False

    def __post_init__(self) -> None:
        if self.tokenizer not in TOKENIZERS:
            raise ValueError(
                f"`tokenizer` must be one of {', '.join(TOKENIZERS)}. "
                f"Received: tokenizer={self.tokenizer!r}."
            )
        length = whole("max_length", self.max_length, 1)
        object.__setattr__(self, "max_length", length)
        for name in ("lowercase", "pairs"):
            value = getattr(self, name)
            if type(value) is not bool:
                raise ValueError(
                    f"`{name}` must be True or False. Received: {name}={value!r}."
                )

    @property
    def max_bytes(self) -> int:
        """Number of bytes read of a text: far more than `max_length` tokens need."""
        return max(4096, 64 * self.max_length)


def write_settings(path: Path, values: Mapping) -> None:
    """Writes the file that `read_settings` reads, from `TextPipeline.summary`."""
    write_config(path, _CLASS, values)


def read_settings(path: Path) -> tuple[TextSettings, int]:
    """Reads the settings and the size of the vocabulary.

    Raises:
        ValueError: see `read_config`.
    """
    names = [field.name for field in fields(TextSettings)]
    older = [name for name in names if name != "pairs"]  # which they did not write
    config = read_config(path, _CLASS, [*older, "vocab_size"])
    given = {name: config[name] for name in names if name in config}
    return TextSettings(**given), config["vocab_size"]


def write_config(path: Path, kind: str, values: Mapping) -> None:
    """Writes the JSON file of a pipeline of class `kind`."""
    config = {"class": kind, "format_version": FORMAT_VERSION, **values}
    write_text(path, json.dumps(config, indent=2) + "\n")


def read_config(path: Path, kind: str, names: Iterable[str]) -> dict:
    """Reads the file that `write_config` wrote, with at least the values `names`.

    Raises:
        ValueError: if the file is missing, truncated, of another kind or of a newer
            format.
    """
    short = kind.rpartition(".")[2]
    try:
        config = read_object(path)
        if config["class"] != kind:
            raise ValueError(f"it describes {config['class']!r}")
        version = config["format_version"]
    except DAMAGES as error:
        raise ValueError(
            "`folder` must hold a text pipeline: pipeline.json and its vocabulary, as "
            f"`{short}.save` writes them. Received: {path} ({error!r})."
        ) from error
    if version != FORMAT_VERSION:
        raise ValueError(
            f"`folder` must hold a text pipeline of format {FORMAT_VERSION}; a newer "
            f"one needs a newer zoo. Received: {path} with format_version={version!r}."
        )
    missing = [name for name in names if name not in config]
    if missing:
        raise ValueError(
            f"pipeline.json must hold {', '.join(names)}. "
            f"Received: {path} without {', '.join(missing)}."
        )
    return config
