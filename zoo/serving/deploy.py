"""The files that start TF Serving on a folder of exported models.

Loads no TensorFlow. Text protos are written by hand: the package tensorflow-serving-api
lacks two of the four messages, and the tests parse what is written here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from zoo.serving.versions import MODELS_CONFIG, configured_labels, versions

IMAGE = "tensorflow/serving:2.19.1"
STABLE, CANARY = "stable", "canary"
# In each exported version whose signatures all take a row a request: with the flag
# `--enable_per_model_batching_parameters` a server batches these models alone.
BATCHING_FILE = "batching_params.pbtxt"
BATCHING = """\
# Requests of several clients run together; texts of any lengths fit into one batch.
# A request of more rows than this is refused: clients send smaller ones. They cannot
# be split, since each part would be padded to the length of its own longest text.
max_batch_size { value: 256 }
batch_timeout_micros { value: 1000 }
# Behind so many waiting batches a request is refused at once, as UNAVAILABLE.
max_enqueued_batches { value: 100 }
"""
_THREADS = """\
# Threads that run batches, shared by all models: the number of cores is a good start.
# The rest of the parameters stands in each version's batching_params.pbtxt.
num_batch_threads {{ value: {threads} }}
"""
_MONITORING = """\
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""
POLL_SECONDS = 30  # within which changes of models.config take effect
_ARGUMENTS = (
    "--model_config_file=/models/models.config",
    f"--model_config_file_poll_wait_seconds={POLL_SECONDS}",
    "--allow_version_labels_for_unavailable_models=true",
    "--enable_batching=true",
    "--enable_per_model_batching_parameters=true",
    "--batching_parameters_file=/models/batching_parameters.txt",
    "--monitoring_config_file=/models/monitoring.config",
)
_COMPOSE = """\
# docker compose up: gRPC on port 8500, REST and metrics on port 8501.
services:
  tensorflow-serving:
    image: {image}
    command:
{arguments}
    ports: ["8500:8500", "8501:8501"]
    volumes: [".:/models:ro"]
    restart: unless-stopped
"""
_KUBERNETES = """\
# kubectl apply: a server for the models in the volume claim `saved-models`, which holds
# the content of this folder.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: tensorflow-serving
  labels: {{app: tensorflow-serving}}
spec:
  replicas: 1
  selector:
    matchLabels: {{app: tensorflow-serving}}
  template:
    metadata:
      labels: {{app: tensorflow-serving}}
      annotations:
        prometheus.io/scrape: "true"
        prometheus.io/port: "8501"
        prometheus.io/path: /monitoring/prometheus/metrics
    spec:
      containers:
        - name: tensorflow-serving
          image: {image}
          args:
{arguments}
          ports:
            - {{name: grpc, containerPort: 8500}}
            - {{name: rest, containerPort: 8501}}
          readinessProbe:
            httpGet: {{path: {path}, port: rest}}
          volumeMounts:
            - {{name: models, mountPath: /models, readOnly: true}}
      volumes:
        - name: models
          persistentVolumeClaim: {{claimName: saved-models, readOnly: true}}
---
apiVersion: v1
kind: Service
metadata:
  name: tensorflow-serving
spec:
  selector: {{app: tensorflow-serving}}
  ports:
    - {{name: grpc, port: 8500, targetPort: grpc}}
    - {{name: rest, port: 8501, targetPort: rest}}
"""


def write_serve_config(
    folder: str | Path,
    *,
    canary: bool = False,
    labels: Mapping[str, Mapping[str, int]] | None = None,
    threads: int = 2,
    image: str = IMAGE,
) -> list[Path]:
    """Writes `models.config` and what else a server needs beside the exported models.

    Args:
        folder: of the models, `saved_models`.
        canary: labels the newest version of each model `canary` and the one before it
            `stable`; else the newest one is `stable`.
        labels: by model, versions by label, instead of those; models that are not named
            keep the labels of an earlier call.
        threads: that run batches.
        image: of the server, for Docker and Kubernetes.

    Versions with a label are loaded, and so are those that had one before: a server
    moves a label only to a version that it has loaded, and the next call drops them.

    Returns:
        The files: `models.config`, `batching_parameters.txt`, `monitoring.config`,
        `compose.yaml` and `kubernetes.yaml`.

    Raises:
        ValueError: if the folder holds no exported model, or a label or the version or
            the model that it names cannot be.
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
    if labels is not None:  # the others stay as they are
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
    content = {
        MODELS_CONFIG: models_config(served, loaded),
        "batching_parameters.txt": _THREADS.format(threads=threads),
        "monitoring.config": _MONITORING,
        "compose.yaml": _COMPOSE.format(image=image, arguments=_arguments(6)),
        "kubernetes.yaml": _KUBERNETES.format(
            image=image, arguments=_arguments(12), path=path
        ),
    }
    try:
        for name, text in content.items():
            partial = folder / f".{name}"
            partial.write_text(text, "utf-8")
            partial.replace(folder / name)  # a server may be reading the old one
    except OSError as error:
        raise OSError(
            "`folder` must be a folder that can be written. "
            f"Received: {folder} ({error})."
        ) from error
    return [folder / name for name in content]


def choose_labels(found: list[int], canary: bool) -> dict[str, int]:
    """Versions by label, from the numbers of all versions, rising.

    Example:
        >>> choose_labels([3, 4], canary=True), choose_labels([3, 4], canary=False)
        ({'stable': 3, 'canary': 4}, {'stable': 4})
    """
    if canary and len(found) > 1:
        return {STABLE: found[-2], CANARY: found[-1]}
    return {STABLE: found[-1]}


def models_config(
    served: Mapping[str, Mapping[str, int]], loaded: Mapping[str, Iterable[int]]
) -> str:
    """The text of a ModelServerConfig.

    Args:
        served: by model, versions by label.
        loaded: by model, the versions to load.

    Example:
        >>> print(models_config({"m": {"stable": 3}}, {"m": [3]}), end="")
        model_config_list {
          config {
            name: "m"
            base_path: "/models/m"
            model_platform: "tensorflow"
            model_version_policy { specific { versions: 3 } }
            version_labels { key: "stable" value: 3 }
          }
        }
    """
    lines = ["model_config_list {"]
    for name, labels in served.items():
        numbers = " ".join(f"versions: {n}" for n in sorted(loaded[name]))
        lines += [
            "  config {",
            f"    name: {_quoted(name)}",
            f"    base_path: {_quoted(f'/models/{name}')}",
            '    model_platform: "tensorflow"',
            f"    model_version_policy {{ specific {{ {numbers} }} }}",
        ]
        for label, number in labels.items():
            entry = f"key: {_quoted(label)} value: {number}"
            lines.append(f"    version_labels {{ {entry} }}")
        lines.append("  }")
    return "\n".join([*lines, "}", ""])


def _check_labels(name: str, chosen: Mapping[str, int], there: Mapping) -> None:
    if name not in there:
        raise ValueError(
            f"`labels` must be of models in the folder. Accepted: {', '.join(there)}. "
            f"Received: {name!r}."
        )
    for label, number in chosen.items():
        if not re.fullmatch(r"\w+", label, re.ASCII):  # what the server's URLs take
            raise ValueError(
                "`labels` must be of ASCII letters, digits and underscores. "
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


def _arguments(indent: int) -> str:
    return "\n".join(f"{' ' * indent}- {argument}" for argument in _ARGUMENTS)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
