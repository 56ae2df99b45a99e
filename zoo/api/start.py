"""Before the long part of a call: checks, and TensorFlow without its noise."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from zoo.training.allocator import keep_freed_memory


def load_tensorflow() -> None:
    """Imports TensorFlow without what it writes about itself to file descriptor 2.

    It writes some lines before it reads TF_CPP_MIN_LOG_LEVEL, and some when it looks
    for devices. Its Python part warns of graphs traced again, which we do on purpose.
    Before that, memory that steps free is set to stay with the process.
    """
    keep_freed_memory()
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            import tensorflow

            tensorflow.config.list_logical_devices()
            tensorflow.get_logger().setLevel("ERROR")
        except ImportError:
            said.seek(0)
            os.write(terminal, said.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def check_writable(folder: Path, argument: str) -> None:
    """Fails before the training, not after it, if the results cannot be written."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryDirectory(prefix=".zoo-can-write-", dir=there):
            pass
    except OSError as error:
        raise OSError(
            f"{argument} must be a folder that can be written, or a place where one "
            f"can be made. Received: {folder} ({error})."
        ) from None
