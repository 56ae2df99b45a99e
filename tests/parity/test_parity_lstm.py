"""Peepholes and layer normalisation of the zoo's LSTM against tensorflow-addons."""

from __future__ import annotations

import numpy as np
import pytest
from golden import close, golden

from zoo.layers.recurrent.lstm import LSTM


def run_lstm(layer: LSTM, weights: dict, x, states):
    layer.build(x.shape)
    for name, value in weights.items():
        getattr(layer.cell, name).assign(value)
    return layer(x, initial_state=states)


def test_peephole_lstm():
    common, g = golden("cells"), golden("cells/peephole")
    peepholes = [
        g[f"{gate}_gate_peephole_weights"] for gate in ("input", "forget", "output")
    ]
    weights = {name: g[name] for name in ("kernel", "recurrent_kernel", "bias")}
    weights["peephole_kernel"] = np.stack(peepholes)
    layer = LSTM(4, peepholes=True, return_sequences=True, return_state=True)
    states = [common["h"], common["c"]]
    y, h, c = run_lstm(layer, weights, common["x"], states)
    close(y, g["y"])
    close([h, c], [g["last_h"], g["last_c"]])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normalise(x, gamma, beta, epsilon):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt(np.mean(x**2, -1, keepdims=True) + epsilon) * gamma + beta


@pytest.mark.parametrize(
    "name, epsilon", [("layer_norm", 1e-3), ("layer_norm_fine", 1e-5)]
)
def test_equations_of_the_layer_norm_lstm_of_addons(name, epsilon):
    """What LayerNormLSTMCell does, and `LSTM(layer_norm=True)` does not.

    It normalises `x W` and `h U` apart, each over all four gates at once, and the
    cell's normalised value is the state of the next step.
    """
    common, g = golden("cells"), golden(f"cells/{name}")

    def norm(x, which):
        scales = g[f"{which}_norm_gamma"], g[f"{which}_norm_beta"]
        return normalise(x, *scales, epsilon)

    h, c = common["h"], common["c"]
    for t in range(common["x"].shape[1]):
        a = norm(common["x"][:, t] @ g["kernel"], "kernel") + g["bias"]
        a = a + norm(h @ g["recurrent_kernel"], "recurrent")
        i, f, candidate, o = np.split(a, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        c = norm(c, "state")
        h = sigmoid(o) * np.tanh(c)
        close(h, g["y"][:, t])
    close([h, c], [g["last_h"], g["last_c"]])


@pytest.mark.parametrize("source", ["input", "state"])
def test_layer_norm_lstm_where_both_kinds_coincide(source):
    """One step, on inputs or a state alone, of gates that draw on the same sums.

    There the sum is the one part that addons normalises, and the statistics of all
    gates are those of each gate.
    """
    common, g = golden("cells"), golden(f"cells/layer_norm_{source}")
    x, h = common["x"][:, :1], common["h"]
    x, h = (x, 0 * h) if source == "input" else (0 * x, h)
    weights = {
        "kernel": g["kernel"],
        "recurrent_kernel": g["recurrent"],
        "bias": g["bias"],
        "scale": g["gamma"],
        "cell_scale": g["cell_gamma"],
        "cell_shift": g["cell_beta"],
    }
    layer = LSTM(4, layer_norm=True)
    close(run_lstm(layer, weights, x, [h, common["c"]]), g["y"])
