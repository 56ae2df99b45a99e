"""What several commands share: quiet TensorFlow, folders, checks of options."""

from __future__ import annotations

import argparse
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


def check_writable(folder: Path, option: str) -> None:
    """Fails before the training, not after it, if the results cannot be written."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryDirectory(prefix=".zoo-can-write-", dir=there):
            pass
    except OSError as error:
        raise OSError(
            f"`{option}` must be a folder that can be written, or a place where one "
            f"can be made. Received: {folder} ({error})."
        ) from None


def positive(text: str) -> int:
    """The type of an option that is a whole number from 1."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(
            f"must be a whole number from 1. Received: {text}"
        )
    return int(text)
