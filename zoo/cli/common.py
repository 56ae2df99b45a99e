"""Helpers shared by several commands: quiet TensorFlow, checks of options."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from zoo.training.allocator import keep_freed_memory


def load_tensorflow() -> None:
    """Imports TensorFlow and hides what it writes to file descriptor 2.

    It writes some lines before it reads TF_CPP_MIN_LOG_LEVEL, and some when it looks
    for devices. Its Python part warns about retracing, which is intended here. First,
    the allocator is set to keep freed memory within the process.
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
    """Fails before the training, not after it, if results cannot be written."""
    try:
        there = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryDirectory(prefix=".zoo-can-write-", dir=there):
            pass
    except OSError as error:
        raise OSError(
            f"`{option}` must be a writable folder, or a path where one can be "
            f"created. Received: {folder} ({error})."
        ) from None


def positive(text: str) -> int:
    """The type of an option that takes a positive whole number."""
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(
            f"must be a whole number of at least 1. Received: {text}"
        )
    return int(text)
