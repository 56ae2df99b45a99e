"""Quality of `SparseMoE` over its number of experts, on data that are a mixture.

    python benchmarks/mixture.py

Inputs fall into clusters, each with its own linear function. All layers cost the same
number of operations: one dense network, or two of n experts half as wide. The table has
the mean squared error on unseen rows, relative to predicting zero, as mean and standard
deviation over the seeds.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.quality.seeds import spread  # noqa: E402
from zoo.families.classification.report import markdown_table  # noqa: E402
from zoo.layers import SparseMoE  # noqa: E402

WIDTH, HIDDEN = 8, 32


def mixture(rows: int, functions: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns inputs in clusters and their targets, `[rows, 8]` each."""
    generator = np.random.default_rng(7)
    centres = 4.0 * generator.normal(size=(functions, WIDTH))
    matrices = generator.normal(size=(functions, WIDTH, WIDTH))
    generator = np.random.default_rng(seed)
    owner = generator.integers(0, functions, rows)
    offset = generator.normal(size=(rows, WIDTH))
    y = np.einsum("rd,rde->re", offset, matrices[owner])
    return (centres[owner] + offset).astype("float32"), y.astype("float32")


def error(experts: int, functions: int, *, rows: int, epochs: int, seed: int) -> float:
    """Returns the error of a layer trained on `rows` rows; 1 for predicting zero."""
    train, valid = (mixture(n, functions, s) for n, s in ((rows, 0), (1000, 1)))
    keras.utils.set_random_seed(seed)
    k, hidden = (1, HIDDEN) if experts == 1 else (2, HIDDEN // 2)
    layer = SparseMoE(experts, k, hidden)
    active = layer.count_weights(WIDTH)[1] - layer.gate.count_weights(WIDTH)[1]
    assert active == 2 * HIDDEN * WIDTH
    model = keras.Sequential([keras.Input((WIDTH,)), layer])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(*train, batch_size=200, epochs=epochs, verbose=0)
    missed = model.predict(valid[0], verbose=0) - valid[1]
    keras.backend.clear_session()
    return float(np.mean(missed**2) / np.mean(valid[1] ** 2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--experts", type=int, nargs="+", default=[4, 16, 64])
    parser.add_argument("--functions", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--rows", type=int, default=12000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    rows = [["functions", "dense", *(f"{n} experts" for n in options.experts)]]
    for functions in options.functions:
        cells = [
            np.array(
                [
                    error(
                        experts,
                        functions,
                        rows=options.rows,
                        epochs=options.epochs,
                        seed=seed,
                    )
                    for seed in range(options.seeds)
                ]
            )
            for experts in (1, *options.experts)
        ]
        rows.append([str(functions), *(spread(values, 3) for values in cells)])
    print(markdown_table(rows))


if __name__ == "__main__":
    main()
