"""Describes the content of a folder, so that an error can name what opens it."""

from __future__ import annotations

from pathlib import Path

from zoo.text.objects import DAMAGES, read_object

TRAINED = "a trained model: use `zoo.load`, or `zoo predict`"
EXTRA = "assets.extra"  # of an export, for what the server does not read
_SHOWN = 5


def described(folder: Path) -> str:
    """Describes a folder or file of the wrong kind.

    Returns:
        Its path, its content, and what opens it.

    Example:
        >>> described(Path("no/such/place"))
        'no/such/place, which does not exist.'
    """
    return f"{folder}, which {_what(folder)}"


def _what(folder: Path) -> str:
    if not folder.exists():
        return "does not exist."
    if not folder.is_dir():
        return f"is a file; name the folder of the whole model: {_home(folder)}."
    if name := opener(folder):
        return f"is {name}."
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    known = [str(path) for path in inside if opener(path)]
    if known:
        more = ", ..." if len(known) > _SHOWN else ""
        return f"is not a model but holds some: {', '.join(known[:_SHOWN])}{more}."
    if (folder / "checkpoints").is_dir():
        return "is an unfinished run; the same `zoo train` continues it."
    return "holds no model."


def opener(folder: Path) -> str:
    """Returns the content of a folder, and what reads it, if known."""
    graphs = folder.glob("*/saved_model.pb")
    versions = [graph for graph in graphs if graph.parent.name.isdecimal()]
    if (folder / "saved_model.pb").is_file() or versions:
        return "an export: use `zoo.serving.ServedModel`, or `zoo predict`"
    if any((place / "model.keras").is_file() for place in (folder, folder / "model")):
        return TRAINED
    try:
        metadata = read_object(folder / "metadata.json")
        if metadata["format"] == "zoo edge model":
            return "an export for a device: use `zoo.edge.EdgeModel`"
    except DAMAGES:
        pass
    return ""


def _home(file: Path) -> Path:
    """Returns the first folder above a file that is known, or else its own."""
    return next((place for place in file.parents if opener(place)), file.parent)
