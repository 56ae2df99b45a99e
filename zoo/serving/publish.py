"""Writes, checks in a fresh process, then renames: a version is complete or absent."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2

from zoo.reporting.card import described, write_card
from zoo.serving import ExportError, check, expected
from zoo.serving.deploy import BATCHING_FILE
from zoo.serving.folders import EXTRA
from zoo.serving.gradients import save_without_gradients
from zoo.serving.method_names import write_method_names
from zoo.serving.models_config import configured_versions
from zoo.serving.parts import layer_classes
from zoo.serving.render import render
from zoo.serving.servable import Servable
from zoo.serving.versions import TEMPORARY, check_keep, next_number, prune
from zoo.serving.warmup import warmup_requests
from zoo.serving.warmup_records import WARMUP_FILE, write_warmup
from zoo.text.locks import locked, take_lock
from zoo.text.writing import writing

FORMAT_VERSION = 1
# The oldest TensorFlow in which exports of all models passed their check (2.15.1).
# Servers link tensorflow-text's ops from 2.12 on, but in TensorFlow 2.12.1 a graph
# rewrite for oneDNN mistakes sigmoid(a) * b for a swish if a and b come from one split
# (tensorflow/tensorflow#60941; TF_ENABLE_ONEDNN_OPTS=0 avoids it).
MIN_SERVER = "2.15"
# Largest difference of a score: rounding, and the loss with 8 bits of mantissa.
_TOLERANCES = {"float32": 1e-5, "float64": 1e-5}
_LOW_PRECISION_TOLERANCE = 2e-2
_CHECK_SECONDS = 900


def publish(
    servable: Servable,
    folder: str | Path,
    *,
    examples: Sequence[bytes] = (),
    metadata: Mapping | None = None,
    keep: int | None = None,
) -> Path:
    """Writes, checks and publishes `<folder>/<next version>/`; see `zoo.export`.

    Args:
        servable: the servable model.
        folder: folder of the versions.
        examples: texts of the warmup requests.
        metadata: further entries under `model` in `metadata.json`.
        keep: number of versions to keep; `None` for all.

    Returns:
        The path of the new version.
    """
    if keep is not None:
        check_keep(keep)
        configured_versions(folder)  # fails early if it cannot be parsed
    folder = Path(folder)
    temporary = _temporary_folder(folder)
    try:
        with locked(temporary, "`folder`"):
            published = _fill(temporary, folder, servable, examples, metadata or {})
    finally:
        # Also after Ctrl-C; after success there is nothing left to remove.
        shutil.rmtree(temporary, ignore_errors=True)
    if keep is not None:
        prune(folder, keep)
    return published


def _fill(
    temporary: Path,
    folder: Path,
    servable: Servable,
    examples: Sequence[bytes],
    metadata: Mapping,
) -> Path:
    """Writes and checks a version in a folder of its own, then gives it its number."""
    with writing(folder):
        save_without_gradients(servable.module, temporary, servable.endpoints)
        if servable.method_names:
            write_method_names(temporary, servable.method_names)
        if servable.batchable:
            (temporary / BATCHING_FILE).write_text(render(BATCHING_FILE), "utf-8")
        name = folder.absolute().name
        _write_extra(temporary, name, servable, examples)
        model = dict(metadata)
        card = model.pop("card", None) or _plain_card(name, servable)
        write_card(temporary / EXTRA, card)
        described = _describe(temporary, servable, model)
        described["calls"] = list(servable.calls)
        _write_json(temporary / "metadata.json", described)
        described["milliseconds"] = _self_check(temporary)
        _write_json(temporary / "metadata.json", described)
        _synchronize(temporary)
        return _publish(temporary, folder)


def _temporary_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob(f"{TEMPORARY}*"):
            _remove_abandoned(path)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=folder))
        temporary.chmod(0o755)  # mkdtemp's 0700 would lock out the server's user
        return temporary
    except OSError as error:
        raise OSError(
            "`folder` must be a writable folder, or a path where one can be "
            f"created. Received: folder={str(folder)!r} ({error})."
        ) from error


def _remove_abandoned(folder: Path) -> None:
    """Removes a folder of an export that was killed: the others hold their locks."""
    try:
        lock = take_lock(folder)
    except OSError:
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _write_extra(
    folder: Path, name: str, servable: Servable, texts: Sequence[bytes]
) -> None:
    extra = folder / EXTRA
    extra.mkdir()
    labels = {task: list(spec.labels) for task, spec in servable.tasks.items()}
    _write_json(extra / "labels.json", labels)
    path = str(extra / WARMUP_FILE)
    requests = warmup_requests(
        _signatures(_meta_graph(folder)), expected.warmup_batches(texts)
    )
    write_warmup(path, requests, model=name)


def _plain_card(name: str, servable: Servable) -> dict:
    """Returns the card of a model about which no run reported."""
    return {
        "title": name,
        "tasks": described(servable.tasks),
        "facts": {"parameters": f"{servable.model.count_params():,}"},
    }


def _describe(folder: Path, servable: Servable, metadata: Mapping) -> dict:
    meta_graph = _meta_graph(folder)
    packages = ("tensorflow", "tensorflow-text", "keras")
    return {
        "format": "zoo served text model",
        "format_version": FORMAT_VERSION,
        "model": {
            "name": servable.model.name,
            "parameters": servable.model.count_params(),
            **metadata,
        },
        "layers": layer_classes(servable.model),
        "tasks": {name: task.to_config() for name, task in servable.tasks.items()},
        "outputs": servable.outputs,
        "pipeline": servable.pipeline.summary(),
        "signatures": _signatures(meta_graph),
        "versions": {
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
        "graph_producer": meta_graph.graph_def.versions.producer,
        "min_server": MIN_SERVER,
        "server_ops": sorted(check.server_ops()),
        "ops": sorted(check.graph_ops(meta_graph)),
        "sha256": check.file_hashes(folder),
        "tolerance": _tolerance(servable.model),
        "golden": list(servable.answers),
    }


def _tolerance(model) -> float:
    return max(
        _TOLERANCES.get(layer.compute_dtype, _LOW_PRECISION_TOLERANCE)
        for layer in model.layers
    )


def _meta_graph(folder: Path):
    content = (folder / "saved_model.pb").read_bytes()
    [meta_graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    return meta_graph


def _signatures(meta_graph) -> dict:
    """Returns input and output names with types and shapes, -1 for any size."""

    def describe(infos) -> dict:
        return {
            name: [info.dtype, [axis.size for axis in info.tensor_shape.dim]]
            for name, info in sorted(infos.items())
        }

    return {
        name: {
            "inputs": describe(signature.inputs),
            "outputs": describe(signature.outputs),
        }
        for name, signature in meta_graph.signature_def.items()
        if not name.startswith("__")  # TensorFlow's own signature for initialisation
    }


def _self_check(folder: Path) -> float | None:
    """Returns the milliseconds of a request of one text, unless there are problems."""
    problems, milliseconds = _checked(folder)
    if not problems:
        return milliseconds
    shown = [problem[:500] for problem in problems[:5]]
    raise ExportError(
        "The exported model must give the same answers as in Python, with ops that TF "
        "Serving links; nothing was published. "
        f"Received {len(problems)} problem(s): " + "; ".join(shown)
    )


def _checked(folder: Path) -> tuple[list[str], float | None]:
    """Returns what `zoo.serving.check` finds in a fresh process."""
    # No GPU: a server may have none. -P: do not import modules of the current folder.
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONIOENCODING": "utf-8",
    }
    command = [sys.executable, "-P", check.__file__, str(folder.absolute())]
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            timeout=_CHECK_SECONDS,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ExportError(
            f"The check of the export must finish within {_CHECK_SECONDS} s. "
            "Received: no answer. Nothing was published."
        ) from error
    try:
        found = json.loads(done.stdout.splitlines()[-1])
        return found["problems"], found["milliseconds"]
    except (IndexError, TypeError, ValueError):  # it crashed
        problems = [f"exit status {done.returncode}", *done.stderr.splitlines()[-5:]]
        return problems, None


def _synchronize(folder: Path) -> None:
    """Flushes everything to disk before the version gets its name."""
    for path in [*folder.rglob("*"), folder]:
        _fsync(path)


def _publish(temporary: Path, folder: Path) -> Path:
    number = next_number(folder)
    while True:
        target = folder / str(number)
        # Renaming onto an empty folder would succeed; another export may have
        # finished first.
        if not target.exists():
            try:
                os.rename(temporary, target)
                break
            except OSError:
                if not target.exists():
                    raise
        number += 1
    _fsync(folder)
    return target


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_json(path: Path, content: object) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8")
