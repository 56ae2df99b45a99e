"""`zoo.export`: a trained model for TF Serving, or for a device."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo import edge as devices
from zoo.api.reading import Reading, check_further
from zoo.api.start import load_tensorflow
from zoo.api.trained import trained
from zoo.families import exporting, get_family
from zoo.families.reading import check_texts
from zoo.loading import load
from zoo.serving.versions import versions
from zoo.weights import trained_models


def export(
    model: Any,
    pipeline: Any = None,
    folder: str | Path | None = None,
    *,
    tasks: Any = None,
    examples: Iterable | None = None,
    metadata: Mapping | None = None,
    keep: int | None = None,
    family: str | None = None,
    abstain: float | None = None,
    explain: bool = False,
    edge: str | None = None,
    length: int | None = None,
    int8: bool = False,
    data: Any = None,
    label: str | Sequence[str] | Mapping[str, str] | None = None,
    text: str | Sequence[str] | None = None,
    task_column: str | None = None,
    **further: Any,
) -> Path:
    """Writes, checks and publishes `<folder>/<next version>/`, or a model for a device.

    `zoo.families.exporting.export` lists the signatures of the SavedModel.

    Args:
        model: what `zoo.train` or `zoo.load` returned, the folder of a run, or a
            `zoo.TextModel`; or else a Keras model with the `pipeline` it was trained
            with.
        pipeline: of a Keras model. A second argument that is a path is the folder.
        folder: of the versions, by default `saved_models/<name>`; of a model for a
            device `edge/<name>-<edge>`. A Keras model needs it.
        tasks: of a Keras model, what `zoo.tasks.as_tasks` reads.
        examples: texts of the kind the model will see, or pairs of texts, for warmup
            and for the check.
        metadata: of a Keras model, what else to write into `metadata.json`.
        keep: how many versions stay, the new one included; by default all.
        family: of a Keras model, by default told by its builder or its pipeline.
        abstain: probability that a label must reach to be given.
        explain: whether the SavedModel of a classifier also has the signature
            `explain`, with the share of each word in the answers.
        edge: `"litert"`, `"onnx"` or, for the fastest of them, `"auto"`: exports for a
            device instead.
        length: tokens of a text that a device reads.
        int8: for a device, also with weights in 8 bits.
        data: for a device, labelled data to measure on, as of `zoo.evaluate`, and so
            are `label`, `text`, `task_column` and `further`.

    Returns:
        The folder of the new version, or of the export for a device.

    Raises:
        ValueError: for a model or an argument that is not accepted.
        ExportError: if the check finds a difference or an op that servers lack.
        OSError: if the folder cannot be written.

    Example:
        >>> zoo.export("runs/bilstm", "saved_models/bilstm")  # doctest: +SKIP
        PosixPath('saved_models/bilstm/1')
    """
    check_further(further)
    _check(edge, "without `edge`", length=length, int8=int8 or None, data=data)
    _check(
        not edge, "with `edge`", keep=keep, examples=examples, explain=explain or None
    )
    if folder is None and isinstance(pipeline, (str, os.PathLike)):
        pipeline, folder = None, pipeline
    of_keras = {"tasks": tasks, "metadata": metadata, "family": family}
    if pipeline is not None:
        _check(False, "beside `pipeline`", edge=edge, abstain=abstain)
        if folder is None:
            raise ValueError(
                "`folder` must be given for a Keras model. Accepted: a folder, such as "
                "'saved_models/mine'. Received: folder=None."
            )
        given = {"examples": examples, "keep": keep, "explain": explain, **of_keras}
        return exporting.export(model, pipeline, folder, **given)
    _check(False, "without `pipeline`", **of_keras)
    load_tensorflow()
    text_model, called = trained(model)
    its_family = get_family(text_model.family)
    name = text_model.metadata.get("name", Path(called).name)
    if abstain is not None:
        text_model = its_family.with_abstain(text_model, abstain)
    if not edge:
        to = Path("saved_models", name) if folder is None else Path(folder)
        return text_model.export(to, examples or (), keep=keep, explain=explain)
    part = None
    if data is not None:
        reading = Reading(
            data=data,
            label=label,
            text=text,
            task_column=task_column,
            **further,
        )
        check_texts(reading, its_family)
        part = its_family.read_part(text_model, reading)
    to = Path("edge", f"{name}-{edge}") if folder is None else Path(folder)
    return devices.export(
        text_model, to, runtime=edge, length=length, int8=int8, examples=part
    )


def export_trained(folder: Path) -> Iterator[Path]:
    """Exports the trained models of the package that a folder of exports lacks.

    Args:
        folder: for the models; each has a folder of versions there.

    Yields:
        The folder of each new version.

    Raises:
        OSError: if the folder cannot be written.
    """
    for name in trained_models():
        if not versions(folder / name):
            yield load(name).export(folder / name)


def _check(fits: Any, place: str, **arguments: Any) -> None:
    """Raises if arguments are given in a place where they have no meaning."""
    for name, value in arguments.items():
        if value is not None and not fits:
            raise ValueError(
                f"`{name}` has no meaning {place}. Accepted: {name}=None there. "
                f"Received: {name}={value!r}."
            )
