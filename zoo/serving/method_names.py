"""The names of the server's API methods for `tf.Example` messages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zoo.text import as_bytes
from zoo.text.imports import tf
from zoo.text.pairs import INPUTS


def write_method_names(folder: Path, apis: Mapping[str, str]) -> None:
    """Sets the API of each signature in a SavedModel; TensorFlow sets only predict.

    Servers can be told to compare the names.

    Args:
        folder: folder of the SavedModel.
        apis: `"classify"` or `"regress"` by signature.
    """
    definitions = tf.compat.v1.saved_model.signature_def_utils
    updater = definitions.MethodNameUpdater(str(folder))
    for signature, api in apis.items():
        updater.replace_method_name(
            signature_key=signature,
            method_name=getattr(
                tf.compat.v1.saved_model.signature_constants,
                f"{api.upper()}_METHOD_NAME",
            ),
        )
    updater.save()


def as_example(text: str | bytes, text_pair: str | bytes | None = None) -> bytes:
    """Returns a text, or two, as the serialized `tf.Example` of these signatures.

    Example:
        >>> list(tf.train.Example.FromString(as_example("good")).features.feature)
        ['text']
    """
    texts = dict(zip(INPUTS, (text, text_pair)))
    feature = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[as_bytes(value)]))
        for name, value in texts.items()
        if value is not None
    }
    example = tf.train.Example(features=tf.train.Features(feature=feature))
    return example.SerializeToString()
