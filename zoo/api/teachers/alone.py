"""The student without a teacher, which a later start does not train again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from zoo.data import Splits
from zoo.loading import load
from zoo.training.checkpoint import fingerprint
from zoo.training.kept import read_json, write_json

ALONE = "alone"  # its folder, in that of the run
_CLAIM = "alone.json"


def student_alone(
    train: Callable,
    splits: Splits,
    identity: Sequence,
    folder: Path,
    say: Callable[[str], object],
):
    """Returns the student without a teacher; one that is there is not repeated.

    Args:
        train: trains the student on a data set, in a folder, and may export it.
        splits: the labelled data.
        identity: what determines the student.
        folder: of the run that is to be taught.
        say: receives lines on the progress.
    """
    place, claim = folder / ALONE, {"student": fingerprint(identity)}
    path = place / _CLAIM
    if path.is_file() and read_json(path, f"Remove {place}.") == claim:
        return load(place)
    say("The student alone:")
    run = train(splits, place, None)
    write_json(path, claim)
    say("The student with its teacher:")
    return run.model
