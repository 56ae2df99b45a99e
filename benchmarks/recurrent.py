"""Speed of the recurrent layers relative to keras.layers.LSTM and torch.nn.LSTM.

    python benchmarks/recurrent.py              # one size: training and inference
    python benchmarks/recurrent.py --latency    # one sentence through a SavedModel
    python benchmarks/recurrent.py --grid       # the fastest layer at each size

All cases of a table take turns, round by round in random order, in one process; a
ratio is the median over the rounds of (better keras variant / case), so that other load
on the machine slows both. A training step is the forward pass, the loss mean(y^2) over
all steps, the gradients of weights and inputs, and an SGD update.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).parent)]

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from timing import interleave, peak_case  # noqa: E402

from zoo import layers  # noqa: E402

GRID = {
    "width": (64, 256, 512, 1024, 2048),
    "batch": (1, 16, 64, 256),
    "time": (8, 64, 512),
}


def make_layers(width: int, rank: int, groups: int, **options) -> dict:
    """The layers compared, all `width` to `width`."""
    rank, groups = min(rank, width), min(groups, width)
    return {
        "keras LSTM": keras.layers.LSTM(width, use_cudnn=False, **options),
        "LSTM": layers.LSTM(width, **options),
        f"FactorizedLSTM rank {rank}": layers.FactorizedLSTM(
            width, rank=rank, **options
        ),
        f"GroupLSTM {groups} groups": layers.GroupLSTM(width, groups=groups, **options),
        "SRU": layers.SRU(width, **options),
        "QRNN": layers.QRNN(width, **options),
        "MinLSTM": layers.MinLSTM(width, **options),
        "MinGRU": layers.MinGRU(width, **options),
    }


def matmul_flops(layer, batch: int, steps: int, train: bool) -> float:
    """Returns the floating point operations of the matmuls: two per weight and token,
    three times in training (forward, gradient of the input, gradient of the weight)."""
    weights = sum(w.shape.num_elements() for w in layer.weights if len(w.shape) > 1)
    return 2.0 * weights * batch * steps * (3 if train else 1)


def tensorflow_case(layer, x, train: bool, jit: bool):
    """Returns a call that runs one step and waits for it."""
    layer.build(x.shape)

    @tf.function(jit_compile=jit)
    def step(x):
        if not train:
            return tf.reduce_sum(layer(x))
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(layer(x, training=True) ** 2)
        variables = [v.value for v in layer.trainable_variables]
        *gradients, d_x = tape.gradient(loss, [*variables, x])
        for variable, gradient in zip(variables, gradients):
            variable.assign_sub(0.01 * gradient)
        return tf.reduce_sum(d_x)

    return lambda: step(x).numpy()


def torch_case(x, width: int, train: bool):
    """The same step with torch.nn.LSTM."""
    import torch

    lstm = torch.nn.LSTM(x.shape[-1], width, batch_first=True)
    x = torch.tensor(np.asarray(x), requires_grad=train)

    def step():
        if not train:
            with torch.no_grad():
                return float(lstm(x)[0].sum())
        lstm.zero_grad()
        x.grad = None
        lstm(x)[0].square().mean().backward()
        with torch.no_grad():
            for parameter in lstm.parameters():
                parameter -= 0.01 * parameter.grad
        return float(x.grad.sum())

    return step


def compare(args, width, batch, steps, train, rounds) -> list[dict]:
    """Returns the rows of one table: the cases of one size, training or inference."""
    x = tf.random.normal((batch, steps, width))
    cases, flops = {}, {}
    for name, layer in make_layers(
        width, args.rank, args.groups, return_sequences=True
    ).items():
        for mode in args.modes:
            key = name, mode
            cases[key] = tensorflow_case(layer, x, train, jit=mode == "XLA")
            flops[key] = matmul_flops(layer, batch, steps, train)
    if importlib.util.find_spec("torch"):
        cases["torch LSTM", ""] = torch_case(x, width, train)
        flops["torch LSTM", ""] = flops["keras LSTM", args.modes[0]]
    cases["matmul", "peak"], flops["matmul", "peak"] = peak_case()
    seconds = interleave(cases, rounds, turn=0.01)
    keras_modes = [("keras LSTM", mode) for mode in args.modes]
    base = min(keras_modes, key=lambda key: np.median(seconds[key]))
    peak = flops["matmul", "peak"] / seconds["matmul", "peak"].min() / 1e9
    rows = []
    for key, values in seconds.items():
        speed = flops[key] / np.median(values) / 1e9
        rows.append(
            {
                "layer": key[0],
                "mode": key[1],
                "step": "training" if train else "inference",
                "width": width,
                "batch": batch,
                "time": steps,
                "median_ms": 1e3 * float(np.median(values)),
                "min_ms": 1e3 * float(values.min()),
                "ratio": float(np.median(seconds[base] / values)),
                "ratio_of_min": float(seconds[base].min() / values.min()),
                "gflops": float(speed),
                "share_of_peak": float(speed / peak),
            }
        )
    return rows


def print_rows(rows: list[dict]) -> None:
    first = rows[0]
    print(
        f"\n{first['step']}, width {first['width']}, batch {first['batch']}, "
        f"time {first['time']}, float32\n"
    )
    print("| layer | mode | median ms | min ms | x keras | of min | GFLOP/s | peak |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['layer']} | {row['mode']} | {row['median_ms']:.1f} "
            f"| {row['min_ms']:.1f} | {row['ratio']:.2f} | {row['ratio_of_min']:.2f} "
            f"| {row['gflops']:.0f} | {row['share_of_peak']:.0%} |",
            flush=True,
        )


def grid(args) -> list[dict]:
    """Every size of the grid whose step stays below `--max-gflop`."""
    rows, skipped = [], []
    for train in (True, False):
        step = "training" if train else "inference"
        print(f"\n{step}: times faster than the better keras.layers.LSTM (medians)\n")
        names = list(make_layers(64, args.rank, args.groups))[1:]
        print("| width | batch | time | " + " | ".join(names) + " |")
        print("|---|---|---|" + "---|" * len(names))
        for width in GRID["width"]:
            for batch in GRID["batch"]:
                for steps in GRID["time"]:
                    gflop = 2e-9 * 8 * width**2 * batch * steps * (3 if train else 1)
                    if gflop > args.max_gflop:
                        skipped.append((width, batch, steps))
                        continue
                    table = compare(args, width, batch, steps, train, args.rounds)
                    best = {}
                    for row in table:
                        name = row["layer"].split()[0]
                        best[name] = max(best.get(name, 0.0), row["ratio"])
                    rows += table
                    cells = [f"{best[name.split()[0]]:.2f}" for name in names]
                    print(f"| {width} | {batch} | {steps} | {' | '.join(cells)} |")
                    sys.stdout.flush()
                    keras.backend.clear_session()
    print(f"\nskipped, above {args.max_gflop} GFLOP per step: {sorted(set(skipped))}")
    return rows


def latency(args) -> list[dict]:
    """One sentence at a time through the SavedModel's signature."""
    width, steps, calls = 256, 32, 100 * args.rounds
    cases, x = {}, tf.random.normal((1, steps, width))
    with tempfile.TemporaryDirectory() as folder:
        for name, layer in make_layers(width, args.rank, args.groups).items():
            inputs = keras.Input((None, width))
            path = str(Path(folder) / name.replace(" ", "_"))
            keras.Model(inputs, layer(inputs)).export(path, verbose=False)
            serve = tf.saved_model.load(path).signatures["serving_default"]
            argument = next(iter(serve.structured_input_signature[1]))
            cases[name] = lambda serve=serve, a=argument: serve(**{a: x})
        seconds = interleave(cases, calls)
    print(f"\nSavedModel, batch 1, time {steps}, width {width}, {calls} calls\n")
    print("| layer | p50 ms | p99 ms | x keras at p50 |\n|---|---|---|---|")
    rows = []
    for name, values in seconds.items():
        p50, p99 = 1e3 * np.percentile(values, [50, 99])
        ratio = float(np.median(seconds["keras LSTM"] / values))
        rows.append({"layer": name, "p50_ms": p50, "p99_ms": p99, "ratio": ratio})
        print(f"| {name} | {p50:.2f} | {p99:.2f} | {ratio:.2f} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--time", type=int, default=64)
    parser.add_argument("--rank", type=int, default=128, help="of FactorizedLSTM")
    parser.add_argument("--groups", type=int, default=4, help="of GroupLSTM")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--modes",
        nargs="+",
        choices=("XLA", "graph"),
        default=["XLA", "graph"],
        help="both; XLA compiles for seconds to minutes at each size of a grid",
    )
    parser.add_argument("--grid", action="store_true", help="many sizes")
    parser.add_argument("--max-gflop", type=float, default=200.0, help="limit per step")
    parser.add_argument("--latency", action="store_true", help="time a SavedModel")
    parser.add_argument("--json", help="output file for all rows")
    args = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    print(
        f"keras {keras.__version__}, tensorflow {tf.__version__}, {cores} cores, "
        f"{args.rounds} rounds, load {os.getloadavg()[0]:.1f}"
    )
    if args.grid:
        rows = grid(args)
    elif args.latency:
        rows = latency(args)
    else:
        rows = []
        for train in (True, False):
            sizes = args.width, args.batch, args.time
            table = compare(args, *sizes, train, args.rounds)
            print_rows(table)
            rows += table
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
