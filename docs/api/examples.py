"""Lets the pages of the API show the doctests under "Example:" as code.

griffe reads them as code under the title "Examples:" only.
"""

import re

import griffe


class Examples(griffe.Extension):
    """Renames the section in every docstring."""

    def on_object(self, *, obj: griffe.Object, **_) -> None:
        if obj.docstring is not None:
            found = obj.docstring.value
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", found, flags=re.M)
