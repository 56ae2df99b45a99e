"""A report that shows itself: as text, and with its plots in a notebook."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path

_IMAGE = re.compile(r"^!\[([^\]\n]*)\]\(([^)\n]+\.png)\)$", re.M)


@dataclass(frozen=True)
class Report:
    """The page of a run.

    Args:
        path: of the page, in Markdown, with its plots beside it.

    Example:
        >>> import pathlib, tempfile
        >>> page = pathlib.Path(tempfile.mkdtemp(), "report.md")
        >>> _ = page.write_text("# bilstm")
        >>> print(Report(page))
        # bilstm
    """

    path: Path

    def __str__(self) -> str:
        return self.path.read_text("utf-8")

    def __repr__(self) -> str:
        return f"Report({str(self.path)!r})"

    def _repr_markdown_(self) -> str:
        """The page with its plots inside, because a notebook is in another folder."""
        return _IMAGE.sub(self._inside, str(self))

    def _inside(self, image: re.Match) -> str:
        path = self.path.parent / image[2]
        if not path.is_file():
            return image[0]
        data = base64.b64encode(path.read_bytes()).decode()
        return f"![{image[1]}](data:image/png;base64,{data})"
