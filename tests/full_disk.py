"""Disks without room: a file system in memory, or a limit on the size of files."""

from __future__ import annotations

import contextlib
import resource
import subprocess
from pathlib import Path

import pytest

SIZE = 2**21  # bytes of the file system
_FILLER = ".filler"


class SmallDisk:
    """A file system of `SIZE` bytes, mounted at a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def full(self, room: int = 0):
        """Leaves so many bytes of room, in whole pages, within the context."""
        path = self.folder / _FILLER
        with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        with path.open("r+b") as file:
            file.truncate(max(path.stat().st_size - room, 0))
        try:
            yield
        finally:
            path.unlink()

    def names(self) -> list[str]:
        """All files and folders, hidden ones included."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*"))
        return sorted(map(str, found))


class LimitedFiles(SmallDisk):
    """Any folder; each file that this process writes has a largest size."""

    @contextlib.contextmanager
    def full(self, room: int = 0):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def small_disk(folder: Path):
    """Mounts a file system in memory, or skips the test where that is not permitted."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no mount here: {error}")
    if done.returncode:
        pytest.skip(f"mounting is not permitted: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
