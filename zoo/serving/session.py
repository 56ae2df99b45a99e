"""Loads an export into a session, as the core of TF Serving does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.text.imports import tf


def load_session(folder: Path, threads: int = 1) -> tuple[Any, Any]:
    """Returns a session with a version, and its signatures by name.

    Args:
        folder: folder of the version.
        threads: threads per operation, and operations that run in parallel.
    """
    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads,
        inter_op_parallelism_threads=threads,
        use_per_session_threads=True,
    )
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    with session.graph.as_default():
        loader = tf.compat.v1.saved_model.loader
        loaded = loader.load(session, ["serve"], str(folder))
    return session, loaded.signature_def
