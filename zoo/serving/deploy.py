"""The files that start TF Serving on a folder of exported models.

Importing it loads no TensorFlow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from zoo.serving.models_config import MODELS_CONFIG, configured_labels, models_config
from zoo.serving.render import render, yaml_string
from zoo.serving.versions import versions
from zoo.text.writing import write_text

IMAGE = "tensorflow/serving:2.19.1"
STABLE, CANARY = "stable", "canary"
# In each exported version whose signatures all take one row per example: with the flag
# `--enable_per_model_batching_parameters` a server batches only these models.
BATCHING_FILE = "batching_params.pbtxt"
POLL_SECONDS = 30  # delay after which changes of models.config take effect


def write_serve_config(
    folder: str | Path,
    *,
    canary: bool = False,
    labels: Mapping[str, Mapping[str, int]] | None = None,
    threads: int = 2,
    image: str = IMAGE,
) -> list[Path]:
    """Writes `models.config` and the other files that a server needs.

    Args:
        folder: folder of the models, `saved_models`.
        canary: whether to label the newest version of each model `canary` and the one
            before it `stable`; otherwise the newest one is `stable`.
        labels: by model, versions by label, instead of those; other models keep the
            labels of an earlier call.
        threads: number of threads that run batches.
        image: image of the server, for Docker and Kubernetes.

        An existing `models.config` keeps its other fields, and models in other folders,
        but no comments; the other files are overwritten.

        Versions with a label are loaded, and so are those that had one before: a server
        moves a label only to a loaded version, and the next call unloads the old one.

    Returns:
        The files: `models.config`, `batching_parameters.txt`, `monitoring.config`,
        `compose.yaml` and `kubernetes.yaml`.

    Raises:
        ValueError: if the folder holds no exported model, for an invalid label, version
            or model, or if the existing `models.config` would lose more than its
            comments.
        OSError: if the folder cannot be written.
    """
    folder = Path(folder)
    there = {
        path.name: found for path in _subfolders(folder) if (found := versions(path))
    }
    if not there:
        raise ValueError(
            "`folder` must hold exported models in folders of their own. "
            f"Received: {str(folder)!r} with none."
        )
    before = {name: configured_labels(folder / name) for name in there}
    served = {name: choose_labels(found, canary) for name, found in there.items()}
    if labels is not None:  # the others do not change
        served |= {
            name: old
            for name, old in before.items()
            if old and set(old.values()) <= set(there[name])
        }
    for name, chosen in (labels or {}).items():
        _check_labels(name, chosen, there)
        served[name] = dict(chosen)
    loaded = {
        name: {*chosen.values(), *before[name].values()} & {*there[name]}
        for name, chosen in served.items()
    }
    path = f"/v1/models/{quote(next(iter(served)), safe='')}"
    common = {"image": yaml_string(image), "poll_seconds": POLL_SECONDS}
    content = {
        MODELS_CONFIG: models_config(served, loaded, folder / MODELS_CONFIG),
        "batching_parameters.txt": render("batching_parameters.txt", threads=threads),
        "monitoring.config": render("monitoring.config"),
        "compose.yaml": render("compose.yaml", **common),
        "kubernetes.yaml": render("kubernetes.yaml", **common, path=yaml_string(path)),
    }
    try:
        for name, text in content.items():
            write_text(folder / name, text)  # a server may be reading the old one
    except OSError as error:
        raise OSError(
            f"`folder` must be a writable folder. Received: {folder} ({error})."
        ) from error
    return [folder / name for name in content]


def choose_labels(found: list[int], canary: bool) -> dict[str, int]:
    """Returns versions by label, from the ascending numbers of all versions.

    Example:
        >>> choose_labels([3, 4], canary=True), choose_labels([3, 4], canary=False)
        ({'stable': 3, 'canary': 4}, {'stable': 4})
    """
    if canary and len(found) > 1:
        return {STABLE: found[-2], CANARY: found[-1]}
    return {STABLE: found[-1]}


def _check_labels(name: str, chosen: Mapping[str, int], there: Mapping) -> None:
    if name not in there:
        raise ValueError(
            f"`labels` must name models in the folder. Accepted: {', '.join(there)}. "
            f"Received: {name!r}."
        )
    for label, number in chosen.items():
        if not re.fullmatch(r"\w+", label, re.ASCII):  # as the server's URLs require
            raise ValueError(
                "`labels` must consist of ASCII letters, digits and underscores. "
                f"Received: {label!r}."
            )
        if number not in there[name]:
            raise ValueError(
                f"`labels` of {name} must name its versions. "
                f"Accepted: {', '.join(map(str, there[name]))}. "
                f"Received: {label}={number!r}."
            )


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir())
