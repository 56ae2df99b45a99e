"""Timing for all benchmarks: cases in turn, and the limits of the machine."""

from __future__ import annotations

import random
import time

import numpy as np
import tensorflow as tf


def interleave(cases: dict, rounds: int, turn: float = 0.0) -> dict:
    """Returns the seconds of every case in every round, `[rounds]`, after a warm-up.

    All cases take turns in random order, so that other load on the machine slows all of
    them; compare within a round. A case that is shorter than a `turn`, in seconds, is
    called several times in each, and the mean counts.
    """
    calls = {}
    for name, case in cases.items():
        case()
        calls[name] = max(1, round(turn / _seconds(case, 1)))
    seconds = {name: [] for name in cases}
    for _ in range(rounds):
        for name in random.sample(list(cases), len(cases)):
            seconds[name].append(_seconds(cases[name], calls[name]))
    return {name: np.array(values) for name, values in seconds.items()}


def _seconds(case, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        case()
    return (time.perf_counter() - start) / calls


def peak_case():
    """Returns a large matmul, for the machine's peak; and its operations."""
    a, b = tf.random.normal((4096, 512)), tf.random.normal((512, 2048))
    multiply = tf.function(lambda: tf.reduce_max(tf.matmul(a, b)))
    return lambda: multiply().numpy(), 2.0 * 4096 * 512 * 2048


def bandwidth_case(megabytes: int = 512):
    """Returns a read and write of a large array; and the number of bytes."""
    x = tf.Variable(tf.zeros((megabytes * 2**18,)))
    one = tf.ones(())

    @tf.function
    def add():
        x.assign(x * one)  # reads and writes the array once

    return add, 2.0 * megabytes * 2**20
