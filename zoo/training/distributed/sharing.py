"""Each process's share of the batches, and outputs that every process has whole."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.training.distributed.context import current


class Share(keras.utils.PyDataset):
    """The rows of each batch that a process computes.

    Batches with weights are filled with rows of weight 0 to a multiple of the number of
    replicas; they count in no loss.

    Args:
        batches: the same batches in every process: tuples of nested arrays with equally
            many rows.
        shares: number of shares, one for each process or group of processes.
        index: the share of this process, from 0.
        replicas: number of replicas of the model, a multiple of the shares; by default
            as many.

    Raises:
        ValueError: for batches without weights, in `__getitem__`, whose rows the number
            of replicas does not divide.

    Example:
        >>> rows = np.arange(4)[:, None]
        >>> Share([(rows, rows, np.ones(4))], shares=2, index=1)[0][0].tolist()
        [[2], [3]]
    """

    def __init__(
        self, batches, shares: int, index: int, replicas: int | None = None
    ) -> None:
        super().__init__()
        self.batches, self.shares, self.index = batches, shares, index
        self.replicas = replicas or shares

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int):
        batch = self.batches[index]
        rows = len(keras.tree.flatten(batch)[0])
        missing = -rows % self.replicas
        if missing and len(batch) < 3:
            raise ValueError(
                "`batch_size` must be a multiple of the number of devices that share a "
                f"batch, {self.replicas}. Received: batches of {rows} rows."
            )
        size = (rows + missing) // self.shares
        mine = slice(self.index * size, (self.index + 1) * size)

        def cut(array):
            if missing:
                array = np.pad(array, [(0, missing), *[(0, 0)] * (array.ndim - 1)])
            return array[mine]

        return keras.tree.map_structure(cut, batch)


def shared(batches) -> Any:
    """Returns this process's share of batches; all of them in an ordinary training."""
    distribution = current()
    if distribution is None:
        return batches
    replicas = distribution.num_model_replicas
    shares = min(replicas, distribution.num_processes)
    index = distribution.data_shard_id if shares > 1 else 0
    return Share(batches, shares, index, replicas)


def predict_on_batch(model: keras.Model, inputs):
    """Returns the outputs of a model as NumPy arrays, whole in every process.

    Args:
        model: a Keras model.
        inputs: a whole batch, the same in every process.
    """
    distribution = current()
    if distribution is not None and "predict_step" not in vars(model):
        model.predict_step = _whole_outputs(model.predict_step, distribution)
    return model.predict_on_batch(inputs)


def _whole_outputs(step, distribution):
    def everywhere(output):
        layout = keras.distribution.TensorLayout(
            [None] * len(output.shape), distribution.device_mesh
        )
        return keras.distribution.distribute_tensor(output, layout)

    def predict_step(state, data):
        outputs, variables = step(state, data)
        return keras.tree.map_structure(everywhere, outputs), variables

    return predict_step
