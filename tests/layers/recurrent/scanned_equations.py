"""The equations of the cells whose products read inputs only, in NumPy."""

from __future__ import annotations

import numpy as np
from keras import ops

from zoo.layers.recurrent.min_gru import MinGRUCell
from zoo.layers.recurrent.min_lstm import MinLSTMCell
from zoo.layers.recurrent.qrnn import QRNNCell
from zoo.layers.recurrent.sru import SRUCell


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step_of_min_gru(cell, W, b, x, c, past):
    z, g = np.split(x @ W + b, 2)
    c = (1 - sigmoid(z)) * c + sigmoid(z) * g
    return c, c, past


def step_of_min_lstm(cell, W, b, x, c, past):
    i, f, g = np.split(x @ W + b, 3)
    i, f = sigmoid(i), sigmoid(f)
    c = f / (f + i) * c + i / (f + i) * g
    return c, c, past


def step_of_sru(cell, W, b, x, c, past):
    n = cell.units
    f, r = np.split(sigmoid(x @ W[:, : 2 * n] + b), 2)
    c = f * c + (1 - f) * (x @ W[:, 2 * n : 3 * n])
    around, g = (x, c) if len(x) == n else (x @ W[:, 3 * n :], np.tanh(c))
    return r * g + (1 - r) * around, c, past


def step_of_qrnn(cell, W, b, x, c, past):
    """`past` holds what the inputs before add to this step and to those after it."""
    sums = [*past, np.zeros(3 * cell.units)]
    sums = [a + x @ kernel for a, kernel in zip(sums, W, strict=True)]
    z, f, o = np.split(sums[0] + b, 3)
    c = sigmoid(f) * c + (1 - sigmoid(f)) * np.tanh(z)
    return sigmoid(o) * c, c, sums[1:]


STEPS = {
    MinGRUCell: step_of_min_gru,
    MinLSTMCell: step_of_min_lstm,
    SRUCell: step_of_sru,
    QRNNCell: step_of_qrnn,
}


def reference(layer, x, mask, start, reverse=False):
    """The equations row by row and step by step, in float64."""
    cell = layer.cell
    W = ops.convert_to_numpy(cell.kernel).astype("float64")
    b = ops.convert_to_numpy(cell.bias) if cell.use_bias else np.zeros(W.shape[-1])
    if not cell.use_bias and isinstance(cell, SRUCell):
        b = b[: 2 * cell.units]
    step, outputs = STEPS[type(cell)], np.zeros((*x.shape[:2], cell.units))
    ends = [s.astype("float64") for s in start]
    for row in range(len(x)):
        c, past = ends[0][row], []
        if len(ends) > 1:
            past = list(ends[1][row].reshape(-1, 3 * cell.units))
        shown = c if isinstance(cell, (MinGRUCell, MinLSTMCell)) else 0 * c
        for t in range(x.shape[1])[:: -1 if reverse else 1]:
            if mask[row, t]:
                shown, c, past = step(cell, W, b, x[row, t], c, past)
            outputs[row, t] = shown
        ends[0][row] = c
        if past:
            ends[1][row] = np.concatenate(past)
    return [outputs, *ends]
