"""Opens a trained model to ask it: of the package, of a run, or an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.api.start import load_tensorflow
from zoo.families import get_family
from zoo.families.base import Family
from zoo.families.saved import family_before
from zoo.tasks import Task


@dataclass(frozen=True)
class Opened:
    """A trained model, and what there is to know before it is asked.

    Args:
        model: a `zoo.TextModel` or model of another family, or a
            `zoo.serving.ServedModel`.
        family: its family.
        tasks: its tasks by name; empty where it has none.
        pairs: whether it answers pairs of texts.
        reading: how the data of its training were read.
    """

    model: Any
    family: Family
    tasks: Mapping[str, Task]
    pairs: bool
    reading: Mapping


def is_export(folder: Path) -> bool:
    """Returns whether a folder holds a SavedModel, or versions of one."""
    return any(list(folder.glob(f"{deep}saved_model.pb")) for deep in ("", "*/"))


def open_model(place: str | Path, *, trust: bool = False) -> Opened:
    """Opens the model of a run, an export, or the package.

    Args:
        place: folder, or a name from `zoo list --trained`.
        trust: whether to load an export whose operations reach files, network or
            Python.

    Raises:
        ValueError: for a place without a model that can be asked.
    """
    load_tensorflow()
    if not is_export(Path(place)):
        from zoo.loading import load

        return opened(load(place))
    from zoo.serving import ServedModel

    served = ServedModel(place, trust=trust)
    described = served.metadata.get("model", {})
    return Opened(
        served,
        get_family(described.get("family") or family_before(described)),
        {n: Task.from_config(task) for n, task in served.metadata["tasks"].items()},
        served.pairs,
        described.get("reading", {}),
    )


def opened(model: Any) -> Opened:
    """Returns a loaded model as `open_model` returns those of folders."""
    return Opened(
        model,
        get_family(model.family),
        model.tasks,
        getattr(model.pipeline, "pairs", False),
        model.metadata.get("reading", {}),
    )
