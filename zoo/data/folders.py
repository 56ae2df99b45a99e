"""The tables in a folder, which are read one after the other."""

from __future__ import annotations

from pathlib import Path

from zoo.data.contents import check_file
from zoo.data.errors import DataError, problem
from zoo.data.files import format_of
from zoo.data.formats.registry import accepted_endings, find_format
from zoo.data.text_lines import is_zipped


def files_of(path: str | Path) -> list[Path]:
    """Returns a file, or the tables in a folder by name, that can be read row by row.

    Raises:
        DataError: for a folder without tables, and for a compressed file, which is
            read whole.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("b.csv", "a.csv", "notes.md"):
        ...     _ = (folder / name).write_text("text,label\\n")
        >>> [file.name for file in files_of(folder)]
        ['a.csv', 'b.csv']
    """
    path = Path(path)
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if find_format(file))
    if not files:
        raise DataError(
            problem(
                str(path),
                None,
                None,
                "the folder holds no table",
                f"files whose names end in {accepted_endings()}",
                "none of them",
            )
        )
    for file in files:
        check_file(file)
        if format_of(file).text and is_zipped(file):
            raise DataError(
                problem(
                    str(file),
                    None,
                    None,
                    "a compressed file is read whole",
                    "with stream (--stream) the unpacked file, or Parquet",
                    "gzip",
                )
            )
    return files
