"""Speed of `SparseMoE` relative to a dense network of the same active operations.

    python benchmarks/moe.py              # forward, gradients, SGD step: 16, 64, 256
    python benchmarks/moe.py --scaling    # tokens per expert held constant
    python benchmarks/moe.py --decode     # one token
    python benchmarks/moe.py --large      # a step with 1,024 experts, and its memory
    python benchmarks/moe.py --others     # keras-hub and PyTorch, 16 experts

All cases of a table take turns in one process; a ratio is the median over the rounds
of (case / dense). Its floor is the time of the matmuls at the dense network's own speed
plus that of moving the experts' weights at the machine's bandwidth: forward, one read;
backward, one read and one write of their gradient; SGD, a read of gradient and weights
and a write of the weights.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).parent)]

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from moe_others import keras_hub_layer, torch_case  # noqa: E402
from timing import bandwidth_case, interleave  # noqa: E402

from zoo.layers import SparseMoE  # noqa: E402

PARTS = ("forward", "gradients", "step")


def dense(width: int, hidden: int) -> keras.Model:
    """A feed-forward network of one hidden layer without biases."""
    options = {"use_bias": False}
    return keras.Sequential(
        [
            keras.layers.Dense(hidden, activation="relu", **options),
            keras.layers.Dense(width, **options),
        ]
    )


def case(layer, x, part: str):
    """Returns a call that runs one part of a step and waits for it."""
    layer.build(x.shape)
    optimizer = keras.optimizers.SGD(0.01)
    optimizer.build(layer.trainable_variables)

    @tf.function
    def run(x):
        if part == "forward":
            return tf.reduce_sum(layer(x, training=False))
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(layer(x, training=True) ** 2)
            loss += sum(layer.losses, 0.0)
        variables = layer.trainable_variables
        *found, d_x = tape.gradient(loss, [*[v.value for v in variables], x])
        total = tf.reduce_sum(d_x)
        if part == "gradients":
            parts = [g.values if isinstance(g, tf.IndexedSlices) else g for g in found]
            return total + sum(tf.reduce_sum(g[:1]) for g in parts if g is not None)
        optimizer.apply(
            [tf.zeros_like(v) if g is None else g for g, v in zip(found, variables)],
            variables,
        )
        return total

    return lambda: run(x).numpy()


def compare(args, experts: tuple[int, ...], tokens: int, forms=("auto",)) -> None:
    """Prints the table of one number of tokens."""
    x = tf.random.normal((tokens, args.width))
    move, moved = bandwidth_case()
    weights = {n: 4.0 * n * 2 * args.width * args.hidden for n in experts}
    factor = {"forward": 1, "gradients": 3, "step": 6}
    print(f"\n{tokens} tokens, width {args.width}, hidden {args.hidden}, k {args.k}\n")
    print("| experts | form | part | median ms | x dense | floor, x dense |")
    print("|---|---|---|---|---|---|")
    for part in PARTS:
        cases = {("dense", ""): case(dense(args.width, args.k * args.hidden), x, part)}
        for n in experts:
            for form in forms:
                if form == "dense" and n > 16:
                    continue
                layer = SparseMoE(n, args.k, args.hidden, form=form)
                cases[n, form] = case(layer, x, part)
        cases["bandwidth", ""] = move
        seconds = interleave(cases, args.rounds)
        base = seconds["dense", ""]
        speed = moved / np.median(seconds["bandwidth", ""])
        for (n, form), values in seconds.items():
            if n == "bandwidth":
                continue
            ratio, floor = np.median(values / base), 1.0
            if n in weights:
                floor += factor[part] * weights[n] / speed / np.median(base)
            print(
                f"| {n} | {form} | {part} | {1e3 * np.median(values):.1f} "
                f"| {ratio:.2f} | {floor:.2f} |",
                flush=True,
            )
        keras.backend.clear_session()
    print(f"\nbandwidth {speed / 1e9:.1f} GB/s (reads and writes)")


def others(args) -> None:
    """Times other libraries with 16 experts of the same size, on one sequence."""
    n, x = 16, tf.random.normal((args.tokens, args.width))
    print(f"\n{n} experts, {args.tokens} tokens, width {args.width}\n")
    print("| layer | part | median ms | x SparseMoE |\n|---|---|---|---|")
    for part in PARTS:
        cases = {"SparseMoE": case(SparseMoE(n, args.k, args.hidden), x, part)}
        layer = keras_hub_layer(n, args.k, args.width, args.hidden)
        if layer is not None:
            cases["keras-hub, Mixtral"] = case(layer, x, part)
        other = torch_case(n, args.width, args.hidden, x, part)
        if other is not None:
            cases["PyTorch, mixture-of-experts"] = other
        seconds = interleave(cases, args.rounds)
        for name, values in seconds.items():
            ratio = np.median(values / seconds["SparseMoE"])
            print(f"| {name} | {part} | {1e3 * np.median(values):.1f} | {ratio:.2f} |")


def scaling(args) -> None:
    """Prints the time per token with a constant number of tokens per expert."""
    per_expert = 32
    print(f"\n{per_expert} tokens per expert: gradients, microseconds per token\n")
    print("| experts | tokens | us a token | x 16 experts |\n|---|---|---|---|")
    cases, sizes = {}, {}
    for n in (16, 64, 256):
        sizes[n] = per_expert * n // args.k
        x = tf.random.normal((sizes[n], args.width))
        cases[n] = case(SparseMoE(n, args.k, args.hidden), x, "gradients")
    seconds = interleave(cases, args.rounds)
    each = {n: values / sizes[n] for n, values in seconds.items()}
    for n in cases:
        ratio = np.median(each[n] / each[16])
        print(f"| {n} | {sizes[n]} | {1e6 * np.median(each[n]):.1f} | {ratio:.2f} |")


def decode(args) -> None:
    """Times one token, which reads only its k experts."""
    x = tf.random.normal((1, args.width))
    cases = {
        n: case(SparseMoE(n, args.k, args.hidden), x, "forward") for n in (16, 64, 256)
    }
    print("\n| experts | one token, us |\n|---|---|")
    for n, values in interleave(cases, 20 * args.rounds).items():
        print(f"| {n} | {1e6 * np.median(values):.0f} |")


def large(args) -> None:
    """Times a step with 1,024 experts."""
    layer = SparseMoE(1024, args.k, args.hidden)
    step = case(layer, tf.random.normal((2048, args.width)), "step")
    values = interleave({"step": step}, 3)["step"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = sum(np.prod(kernel.shape) for kernel in layer.kernels) * 4 / 2**30
    print(
        f"\n1,024 experts, {size:.1f} GiB of weights: a step in "
        f"{np.median(values):.2f} s, peak memory {peak:.1f} GiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--hidden", type=int, default=1024)
    parser.add_argument("--k", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--decode", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--others", action="store_true")
    args = parser.parse_args()
    print(
        f"keras {keras.__version__}, tensorflow {tf.__version__}, "
        f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"
    )
    if args.scaling:
        scaling(args)
    elif args.decode:
        decode(args)
    elif args.large:
        large(args)
    elif args.others:
        others(args)
    else:
        compare(args, (16, 64, 256), args.tokens)
        compare(args, (16,), args.tokens, forms=("dense", "blocks"))


if __name__ == "__main__":
    main()
