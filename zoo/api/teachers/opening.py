"""Finds out what a teacher is from its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zoo.api.teachers.base import Lesson, Teacher
from zoo.api.teachers.command import PREFIX
from zoo.api.teachers.server import ADDRESS
from zoo.families.saved import METADATA
from zoo.serving.folders import described
from zoo.weights.trained import folder_of

ACCEPTED = (
    "a name from `zoo list --trained`; the folder of a run or an export of the zoo, "
    "of a SavedModel or of a transformer; "
    "the ONNX file of a sentence encoder; HOST:PORT/MODEL of a TensorFlow Serving; or "
    f"'{PREFIX}PROGRAM ARGUMENTS'"
)


def check_teacher(source: str, *, trust: bool = False) -> None:
    """Raises unless a teacher can be opened, before anything long begins.

    Args:
        source: see `ACCEPTED`.
        trust: whether its operations may reach files, network or Python.

    Raises:
        ValueError: for something else, or without `trust` for such operations.
    """
    if kind_of(source) in ("exported", "saved model") and not trust:
        from zoo.serving.served import version_folder
        from zoo.serving.trust import check_trusted

        check_trusted(version_folder(Path(source), None), "`teacher` (--teacher)")


def open_teacher(source: str, lesson: Lesson, say: Callable[[str], object]) -> Teacher:
    """Returns the teacher that a user named.

    Args:
        source: see `ACCEPTED`.
        lesson: the labels, and rows to learn from.
        say: receives lines on the progress of a fine-tuning.

    Raises:
        ValueError: for something else.
    """
    kind = kind_of(source)
    if kind == "command":
        from zoo.api.teachers.command import CommandTeacher

        return CommandTeacher(source, lesson)
    if kind == "server":
        from zoo.api.teachers.server import ServerTeacher

        return ServerTeacher(source, lesson)
    if kind == "encoder":
        from zoo.api.teachers.encoder import EncoderTeacher

        return EncoderTeacher(source, lesson)
    if kind == "transformer":
        from zoo.api.teachers.transformer import TransformerTeacher

        return TransformerTeacher(source, lesson, say)
    if kind == "trained":
        from zoo.api.teachers.trained import TrainedTeacher

        return TrainedTeacher(source, lesson)
    if kind == "exported":
        from zoo.api.teachers.trained import ExportedTeacher

        return ExportedTeacher(source, lesson)
    from zoo.api.teachers.saved_model import SavedModelTeacher

    return SavedModelTeacher(source, lesson)


def kind_of(source: str) -> str:
    """Returns the kind of a teacher, from its name and the files that are there.

    Raises:
        ValueError: for something that is no teacher.

    Example:
        >>> kind_of("localhost:8501/bilstm"), kind_of("command:./label.py --all")
        ('server', 'command')
    """
    folder = folder_of(source)
    if source.startswith(PREFIX) and source.removeprefix(PREFIX).strip():
        return "command"
    if folder.suffix == ".onnx" and folder.is_file():
        return "encoder"
    if folder.is_dir():
        if any((folder / place / METADATA).is_file() for place in ("", "model")):
            if any(folder.rglob("model.keras")):
                return "trained"
        if _is_export(folder):
            return "exported"
        if (folder / "saved_model.pb").is_file():
            return "saved model"
        inner = "config.json", "0_Transformer/config.json"
        if any((folder / name).is_file() for name in inner):
            return "transformer"
    elif ADDRESS.fullmatch(source):
        return "server"
    raise ValueError(
        f"`teacher` (--teacher) must name a teacher. Accepted: {ACCEPTED}. "
        f"Received: {described(folder)}"
    )


def _is_export(folder: Path) -> bool:
    """Whether the zoo has exported it: a version, or a folder of versions."""
    from zoo.serving.served import read_metadata, version_folder

    try:
        read_metadata(version_folder(folder, None))
    except (ValueError, OSError):
        return False
    return True
