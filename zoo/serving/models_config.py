"""Reads and writes the entries of models in TF Serving's `models.config`.

The file is a ModelServerConfig in protobuf's text format. The whole message is defined
here without the package tensorflow-serving-api, so no field of a user's file is lost.
Importing it loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

MODELS_CONFIG = "models.config"
_HEADER = "# `zoo serve-config` keeps the fields of this file, but no comments.\n"


def configured_versions(folder: str | Path) -> list[int]:
    """Returns the versions of a model that `models.config` next to its folder serves.

    Raises:
        ValueError: if the file cannot be parsed.
    """
    numbers = set()
    for entry in _entries_of(Path(folder).absolute()):
        numbers.update(entry.model_version_policy.specific.versions)
    return sorted(numbers)


def configured_labels(folder: str | Path) -> dict[str, int]:
    """Returns the labels that this file gives to versions, oldest version first.

    Raises:
        ValueError: if the file cannot be parsed.
    """
    found: dict[str, int] = {}
    for entry in _entries_of(Path(folder).absolute()):
        found.update(entry.version_labels)
    return dict(sorted(found.items(), key=lambda item: (item[1], item[0])))


def models_config(
    served: Mapping[str, Mapping[str, int]],
    loaded: Mapping[str, Iterable[int]],
    place: Path | None = None,
) -> str:
    """Returns the text of a `models.config`.

    Each model of an existing file keeps its other fields, such as `logging_config`, and
    so do models whose `base_path` is in another folder. Comments are lost.

    Args:
        served: by model, versions by label.
        loaded: by model, the versions to load.
        place: path of the existing file, or `None`.

    Raises:
        ValueError: if that file cannot be parsed, or has an unknown field, which would
            be lost.

    Example:
        >>> print(models_config({"m": {"stable": 3}}, {"m": [3]}))
        # `zoo serve-config` keeps the fields of this file, but no comments.
        model_config_list {
          config {
            name: "m"
            base_path: "/models/m"
            model_platform: "tensorflow"
            model_version_policy {
              specific {
                versions: 3
              }
            }
            version_labels {
              key: "stable"
              value: 3
            }
          }
        }
        <BLANKLINE>
    """
    from google.protobuf import text_format

    old = [] if place is None else _entries(place, strict=True)
    by_name = {entry.name: entry for entry in reversed(old)}
    config = model_server_config()()
    for name, labels in served.items():
        entry = config.model_config_list.config.add()
        if name in by_name:
            entry.CopyFrom(by_name[name])
        entry.name = name
        entry.base_path = entry.base_path or _base_path(name)
        if not entry.model_type:  # servers accept it in place of the platform
            entry.model_platform = entry.model_platform or "tensorflow"
        entry.ClearField("model_version_policy")
        entry.model_version_policy.specific.versions.extend(sorted(loaded[name]))
        entry.ClearField("version_labels")
        entry.version_labels.update(labels)
    config.model_config_list.config.extend(
        entry
        for entry in old
        if entry.name not in served
        and entry.base_path.rstrip("/") != _base_path(entry.name)  # else removed
    )
    return _HEADER + text_format.MessageToString(config, as_utf8=True)


@cache
def model_server_config() -> type:
    """Returns the class of the message `tensorflow.serving.ModelServerConfig`."""
    from google.protobuf import (
        any_pb2,
        descriptor_pb2,
        descriptor_pool,
        message_factory,
        text_format,
    )

    path = files("zoo.serving").joinpath("protos", "model_server_config.pbtxt")
    file = text_format.Parse(
        path.read_text("utf-8"), descriptor_pb2.FileDescriptorProto()
    )
    # A separate pool, because tensorflow-serving-api may be imported too.
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    described = pool.FindMessageTypeByName(f"{file.package}.ModelServerConfig")
    return message_factory.GetMessageClass(described)


def _entries_of(folder: Path) -> list:
    """Returns the entry of a model; fields of newer servers are ignored."""
    found = _entries(folder.parent / MODELS_CONFIG, strict=False)
    return [entry for entry in found if entry.name == folder.name]


def _entries(path: Path, *, strict: bool) -> list:
    """Returns the ModelConfig messages of a file; none if it does not exist.

    Args:
        path: path of the file.
        strict: whether to reject fields that would be lost on rewriting the file.
    """
    from google.protobuf import text_format

    config = model_server_config()()
    try:
        text = path.read_bytes().decode("utf-8")
        text_format.Parse(text, config, allow_unknown_field=not strict)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise ValueError(
            f"`{MODELS_CONFIG}` must be a ModelServerConfig in protobuf's text format, "
            f"as TF Serving reads it. Received: {path}: {error}"
        ) from error
    if strict and config.HasField("custom_model_config"):
        raise ValueError(
            f"`{MODELS_CONFIG}` must hold a model_config_list to be rewritten. "
            f"Received: {path} with a custom_model_config."
        )
    return list(config.model_config_list.config)


def _base_path(name: str) -> str:
    """Returns the path of a model for the server, where the folder is mounted."""
    return f"/models/{name}"
