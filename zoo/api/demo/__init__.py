"""The page of `zoo demo`: trained models answer, explain and label on this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from zoo.api.demo.models import Models
from zoo.api.demo.server import HOST, DemoServer
from zoo.api.demo.tables import Tables
from zoo.weights.trained import trained_models

__all__ = ["demo_server"]


@contextmanager
def demo_server(
    models: Sequence[str] = (), *, port: int = 0, trust: bool = False
) -> Iterator[DemoServer]:
    """Gives the server of the page, which does not answer yet.

    The tables that users hand over are removed at the end.

    Args:
        models: names from `zoo list --trained`, or folders of runs and exports; by
            default the trained models of the package.
        port: to listen on, on this machine alone; 0 for any that is free.
        trust: whether to load exports whose operations reach files, network or Python.

    Raises:
        ValueError: for a place without a trained model.
        OSError: for a port that is taken, or may not be used.

    Example:
        >>> with demo_server(["spam-en"]) as server:
        ...     server.url.startswith("http://127.0.0.1:")
        True
    """
    known = Models(dict.fromkeys(models or trained_models()), trust=trust)
    with tempfile.TemporaryDirectory(prefix="zoo-demo-") as folder:
        try:
            server = DemoServer(known, Tables(Path(folder)), port)
        except OSError as error:
            raise OSError(
                f"`port` (--port) must be free on {HOST}. Accepted: another number, or "
                f"0 for any that is free. Received: {port} ({error.strerror})."
            ) from None
        with server:
            yield server
