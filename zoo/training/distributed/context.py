"""The processes of a training and the devices that they share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

HEARTBEAT = 30  # seconds after which a silent process is taken for dead
BATCH, MODEL = "batch", "model"  # axes of the devices
MODES = ("data", "model")


class Finished(Exception):
    """The training is over in a process that writes nothing."""


@contextmanager
def distributed(
    mode: str,
    *,
    processes: int = 1,
    rank: int = 0,
    coordinator: str | None = None,
    replicas: int = 1,
) -> Iterator[None]:
    """Lets models be built and trained within on all devices of several processes.

    It must precede all computations on JAX. Each process runs the same program on the
    same data, of which it computes its share. After the training of `zoo.train` the
    block ends in all processes but the first, which has the whole model, reports on it
    and exports it.

    Args:
        mode: `"data"`: every device has the whole model and its share of each batch;
            `"model"`: the devices share the weights, as `layouts` says.
        processes: number of processes.
        rank: number of this process, from 0; the first one writes all files.
        coordinator: `host:port` of the first process; needed for several processes.
        replicas: for `"model"`, how many times the model is there: each batch is split
            over the replicas, the weights over the devices of a replica.

    Raises:
        ValueError: for arguments that do not fit each other or the devices.
        RuntimeError: if Keras runs on another backend than JAX.
    """
    _check(mode, processes, rank, coordinator, replicas)
    from zoo.kernels import processes as kernel

    if processes > 1:
        kernel.join(str(coordinator), rank, processes, HEARTBEAT)
    try:
        with distribution(mode, replicas).scope():
            yield
    except Finished:
        pass


def distribution(mode: str, replicas: int = 1) -> keras.distribution.Distribution:
    """Returns how models and batches are spread over all devices; see `distributed`."""
    devices = keras.distribution.list_devices()
    if mode == "data":
        return keras.distribution.DataParallel(
            devices=devices, auto_shard_dataset=False
        )
    if len(devices) % replicas:
        raise ValueError(
            "`replicas` (--replicas) must divide the number of devices. "
            f"Received: replicas={replicas}, {len(devices)} devices."
        )
    mesh = keras.distribution.DeviceMesh(
        (replicas, len(devices) // replicas), (BATCH, MODEL), devices
    )
    # Weights are placed by `zoo.training.distributed.placing`, once their layers are
    # known; until then every device has them.
    return keras.distribution.ModelParallel(
        layout_map=keras.distribution.LayoutMap(mesh),
        batch_dim_name=BATCH,
        auto_shard_dataset=False,
    )


def _check(mode, processes, rank, coordinator, replicas) -> None:
    if mode not in MODES:
        raise ValueError(
            f"`mode` (--distribute) must be {' or '.join(MODES)}. Received: {mode!r}."
        )
    if keras.backend.backend() != "jax":
        raise RuntimeError(
            "Training in several processes needs Keras on JAX. Accepted: "
            "KERAS_BACKEND=jax; the export still runs on TensorFlow. "
            f"Received: KERAS_BACKEND={keras.backend.backend()}."
        )
    if not 0 <= rank < processes:
        raise ValueError(
            f"`rank` (--rank) must be from 0 to {processes - 1}, one less than "
            f"`processes`. Received: rank={rank}."
        )
    if processes > 1 and coordinator is None:
        raise ValueError(
            "`coordinator` (--coordinator) must be the address of the first process, "
            "as HOST:PORT. Received: none."
        )
    if replicas != 1 and mode == "data":
        raise ValueError(
            "`replicas` (--replicas) needs the mode 'model'; with 'data' every device "
            f"is one. Received: replicas={replicas}."
        )


def current() -> keras.distribution.Distribution | None:
    """Returns the distribution of this training, `None` in an ordinary one."""
    if keras.backend.backend() != "jax":
        return None
    return keras.distribution.distribution()


def leads() -> bool:
    """Returns whether this process writes the files; true in an ordinary training."""
    if current() is None:
        return True
    from zoo.kernels import processes

    return processes.rank() == 0


def wait_for_all() -> None:
    """Waits until all processes have come here; returns at once in an ordinary one."""
    if current() is not None:
        from zoo.kernels import processes

        processes.wait()


def check_agreement(value: str, message: str) -> None:
    """Raises a `ValueError` unless all processes have the same text here.

    Args:
        value: any text.
        message: the message of the error.
    """
    if current() is not None:
        from zoo.kernels import processes

        if not processes.agree(value):
            raise ValueError(message)
