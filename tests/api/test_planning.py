"""`zoo plan` against the tables of Shazeer et al. 2017 and against our own models."""

from __future__ import annotations

import subprocess
import sys

import pytest

from zoo.api.planning import Mixture, Plan
from zoo.cli import main

WORDS, NEWS = 793_471, 100_000  # vocabularies of tables 7 and 8; the second is derived
FLAT = {"k": 4}
LARGE = {"k": 2, "groups": 32, "width": 1024, "hidden": 2048}
PROJECTED = {"k": 2, "groups": 16, "width": 1024, "hidden": 8192, "cells": 4096}


def levels(groups: int) -> dict:
    return {"k": 2, "groups": groups}


# Experts, sizes, vocabulary; operations and weights in millions, all in billions.
TABLES = [
    (4, FLAT, WORDS, 8.4, 8.4, 0.8),
    (32, FLAT, WORDS, 8.4, 37.8, 0.9),
    (256, FLAT, WORDS, 8.6, 272.9, 1.1),
    (256, levels(16), WORDS, 8.4, 272.9, 1.1),
    (1024, levels(16), WORDS, 8.5, 1079.0, 1.9),
    (4096, levels(16), WORDS, 8.9, 4303.4, 5.1),
    (1024, LARGE, WORDS, 33.8, 4313.9, 6.0),
    (256, PROJECTED, WORDS, 142.7, 4371.1, 6.0),
    (32, FLAT, NEWS, 8.4, 37.8, 0.1),
    (256, levels(32), NEWS, 8.4, 272.9, 0.4),
    (1024, levels(32), NEWS, 8.5, 1079.0, 1.2),
    (4096, levels(64), NEWS, 8.6, 4303.4, 4.4),
    (16_384, levels(128), NEWS, 8.8, 17_201.0, 17.3),
    (65_536, levels(256), NEWS, 9.2, 68_791.0, 68.9),
    (131_072, levels(256), NEWS, 9.7, 137_577.6, 137.7),
]


@pytest.mark.parametrize(
    ("experts", "sizes", "words", "ops", "weights", "all_"), TABLES
)
def test_tables_7_and_8(experts, sizes, words, ops, weights, all_):
    model = Mixture(experts, vocabulary=words, **sizes)
    # The paper has 8.6 for 8.65, 4371.1 for 4371.02 and 6.0 for 5.94.
    assert model.operations / 1e6 == pytest.approx(ops, abs=0.06)
    assert model.weights / 1e6 == pytest.approx(weights, abs=0.1)
    assert (model.weights + model.ends) / 1e9 == pytest.approx(all_, abs=0.07)


def test_the_largest_model_fits_its_128_devices():
    """K40s have 12 GB, too few with Adam and kept hidden layers (appendix D)."""
    model = Mixture(131_072, k=2, groups=256)
    assert model.weights == 137_577_627_648
    sizes = {"devices": 128, "tokens": 2_500_000}
    plan = Plan(model, optimizer="factored", recompute=True, **sizes)
    assert plan.own_experts == 1024
    assert plan.tokens_an_expert == pytest.approx(76.3, abs=0.1)
    assert plan.memory < 12e9 < Plan(model, **sizes).memory


@pytest.mark.parametrize("groups", [0, 3])
def test_our_own_models_agree(groups):
    """Weights and operations of `moe_lm` and `moe_lm_h`, built small."""
    import zoo
    from zoo.families.language.costs import count_weights

    sizes = {"k": 2, "hidden": 5} | ({"groups": groups} if groups else {})
    name = "moe_lm_h" if groups else "moe_lm"
    built = zoo.get(name, 11, units=8, num_experts=6, **sizes)
    model = Mixture(6, width=8, vocabulary=11, **sizes)
    assert count_weights(built) == (model.weights, model.operations)
    # The embedding has no bias, the softmax has one for each word.
    assert built.count_params() == model.weights + model.ends


def test_the_parts_of_a_step():
    """Each formula once more, for numbers that can be followed by hand."""
    model = Mixture(8, k=2, width=4, hidden=6, vocabulary=20, samples=0)
    plan = Plan(model, devices=2, tokens=100, peak=1e3, network=1e3, memory_speed=1e3)
    lstm, gate, expert = 4 * 8 * 4, 2 * 4 * 8, 2 * 4 * 6
    own = 2 * lstm + gate + 4 * expert + 10 * (2 * 4 + 1)
    assert plan.parameters == plan.gradients == 4 * own
    assert plan.state == 8 * own  # Adam
    # Embedding 4, LSTMs 2 (20 + 4), mixture 4, logits 20; 2 pairs of 4 + 6 + 4.
    assert plan.activations == 4 * 50 * (4 + 48 + 4 + 20 + 2 * 14)
    assert plan.memory == 16 * own + plan.activations
    # Half of the tokens' copies leave the device, four times in a step.
    assert plan.all_to_all == 4 * 4 * (2 * 4 * 50) / 2
    assert plan.all_reduce == 4 * (2 * lstm + gate)
    operations = 6 * (2 * lstm + gate + 2 * expert + 4 * 20)
    assert plan.operations == operations
    assert plan.compute_seconds == pytest.approx(50 * operations / 1e3)
    assert plan.network_seconds == (plan.all_to_all + plan.all_reduce) / 1e3
    assert plan.memory_seconds == 4 * own * (4 + 2 + 4) / 1e3
    assert plan.seconds == (
        plan.compute_seconds + plan.network_seconds + plan.memory_seconds
    )
    assert plan.intensity == model.hidden


def test_one_device_sends_nothing():
    plan = Plan(Mixture(8, k=2), tokens=10)
    assert plan.all_to_all == plan.all_reduce == plan.network_seconds == 0


def test_what_appendix_d_saves():
    model, sizes = Mixture(8, width=4, hidden=6, samples=9), {"tokens": 10}
    plain, saving = (Plan(model, **sizes, recompute=again) for again in (False, True))
    assert plain.activations - saving.activations == 4 * 10 * 4 * 6
    assert saving.operations - plain.operations == 2 * 4 * 4 * 6
    every, rows = (
        Plan(model, **sizes, optimizer=name) for name in ("adagrad", "factored")
    )
    assert every.state - rows.state == 4 * 8 * (model.expert - 2 * (4 + 6))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"experts": 0}, "`experts` must be a whole number from 1.*Received"),
        ({"experts": 8, "groups": 3}, "`groups` must divide.*groups=3, experts=8"),
        ({"experts": 8, "k": 9}, "`k` must be at most 8.*Received: k=9"),
    ],
)
def test_sizes_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        Mixture(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "lion"}, "`optimizer` must be one of sgd, .*'lion'"),
        ({"peak": 0.0}, "`peak` must be a number above 0.*peak=0.0"),
        ({"devices": 8, "tokens": 7}, "`tokens` must be .*from 8.*tokens=7"),
    ],
)
def test_devices_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        Plan(Mixture(8), **options)


def test_the_command_prints_the_plan(capsys):
    largest = ["--experts", "131072", "--groups", "256", "--devices", "128"]
    assert main(["plan", *largest, "--tokens", "2500000"]) == 0
    printed = capsys.readouterr().out
    for part in ("137,577,627,648", "9,699,328", "1,024", "76.3", "317.5 MB"):
        assert part in printed
    assert main(["plan", "--experts", "9", "--groups", "2"]) == 2
    assert "`groups` must divide" in capsys.readouterr().err


def test_the_command_loads_neither_tensorflow_nor_keras():
    code = (
        "import sys; from zoo.cli import main; main(['plan', '--experts', '8']);"
        "sys.exit(bool({'tensorflow', 'keras', 'jax', 'numpy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
