"""Loads SavedModels: nothing else does, and each is checked before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo.serving.trust import check_trusted
from zoo.text.imports import tf


def load_saved_model(folder: Path, *, trust: bool = False) -> Any:
    """Returns a version as an object with its `signatures`.

    Args:
        folder: with `saved_model.pb`.
        trust: whether its operations may reach files, network or Python.

    Raises:
        ValueError: for a folder without a complete SavedModel; without `trust`, for one
            with such operations.
    """
    return _loaded(folder, lambda: tf.saved_model.load(str(folder)), trust)


def load_session(
    folder: Path, threads: int = 1, *, trust: bool = False
) -> tuple[Any, Any]:
    """Returns a session with a version, and its signatures, as TF Serving's core does.

    Args:
        folder: folder of the version.
        threads: threads per operation, and operations that run in parallel.
        trust: see `load_saved_model`.

    Raises:
        ValueError: see `load_saved_model`.
    """
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads,
        inter_op_parallelism_threads=threads,
        use_per_session_threads=True,
    )
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    loader = tf.compat.v1.saved_model.loader
    with session.graph.as_default():
        load = lambda: loader.load(session, ["serve"], str(folder))  # noqa: E731
        loaded = _loaded(folder, load, trust)
    return session, loaded.signature_def


def _loaded(folder: Path, load: Callable[[], Any], trust: bool) -> Any:
    if not trust:
        check_trusted(folder)
    try:
        return load()
    except Exception as error:  # TensorFlow raises many kinds for a broken file
        lines = str(error).strip().splitlines() or [""]
        raise ValueError(
            "`folder` must hold a complete SavedModel. Accepted: all its files as they "
            f"were exported. Received: {folder} "
            f"({type(error).__name__}: {lines[0][:300]})."
        ) from error
