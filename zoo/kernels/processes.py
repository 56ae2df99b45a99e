"""Several processes that compute together, and what each of them does alone, on JAX."""

from __future__ import annotations

import hashlib

import jax
import numpy as np
from jax.experimental import multihost_utils


def join(coordinator: str, rank: int, count: int, seconds: int) -> None:
    """Joins the processes that train together; the first one coordinates them.

    Args:
        coordinator: `host:port` of the first process.
        rank: number of this process, from 0.
        count: number of processes.
        seconds: after which a process that does not answer is taken for dead.
    """
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # Gloo pairs messages by their order, which programs that overlap may change.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.distributed.initialize(
        coordinator,
        count,
        rank,
        cluster_detection_method="deactivate",
        heartbeat_timeout_seconds=seconds,
    )


def leave() -> None:
    """Waits for all processes and ends their connections; local work may follow."""
    if jax.distributed.is_initialized():
        jax.distributed.shutdown()


def rank() -> int:
    """Returns the number of this process, 0 for the first or the only one."""
    return jax.process_index()


def count() -> int:
    """Returns the number of processes."""
    return jax.process_count()


def wait() -> None:
    """Waits until all processes have come here."""
    if count() > 1:
        multihost_utils.sync_global_devices("zoo")


def agree(value: str) -> bool:
    """Returns whether all processes call it with the same text."""
    if count() == 1:
        return True
    digest = np.frombuffer(hashlib.sha256(value.encode()).digest(), "uint8")
    every = multihost_utils.process_allgather(digest)
    return bool((every == digest).all())


def to_host(array: jax.Array) -> np.ndarray:
    """Returns the whole of an array whose parts may be in several processes.

    All processes must call it.
    """
    if not array.is_fully_addressable and not array.is_fully_replicated:
        return multihost_utils.process_allgather(array, tiled=True)
    return np.asarray(array)
