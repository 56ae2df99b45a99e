"""Locks of folders: of two processes that would write into one, the second is refused.

The operating system holds a lock, so it ends with the process that has it, also after
`kill -9`, and no file is left behind.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where folders are not locked
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(folder: Path, argument: str) -> Iterator[None]:
    """Holds the lock of a folder, which is created, and removed if it stays empty.

    Where the file system has no locks, such as some of networks, nothing is locked.

    Args:
        folder: what only this call may write meanwhile.
        argument: what names it, for messages.

    Raises:
        ValueError: if another process, or thread, holds it.

    Example:
        >>> import tempfile
        >>> with locked(Path(tempfile.mkdtemp(), "run"), "`out`"):
        ...     pass
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = take_lock(folder)
    except BlockingIOError:
        raise ValueError(
            f"{argument} must be a folder that nothing else is writing. Accepted: "
            "another folder, or this one once the other process has ended. Received: "
            f"{folder}, which another process is writing."
        ) from None
    except OSError:
        lock = None
    try:
        yield
    finally:
        with suppress(OSError):  # one that is not empty stays, and those around it
            for place in made:
                place.rmdir()
        if lock is not None:
            os.close(lock)


def take_lock(folder: Path) -> int:
    """Returns a descriptor that holds the lock of a folder until it is closed.

    Raises:
        BlockingIOError: if it is held.
        OSError: if there is no such folder, or there are no locks.
    """
    if fcntl is None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle
