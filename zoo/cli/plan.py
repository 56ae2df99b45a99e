"""The command `zoo plan`: what a mixture of experts takes on many devices, on paper."""

from __future__ import annotations

import argparse

from zoo.cli.answer import Answer
from zoo.cli.common import positive


def add_plan_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "plan",
        help="compute memory, traffic and time of a mixture of experts on many devices",
    )
    model = parser.add_argument_group("model: LSTM, experts, LSTM, as moe_lm_h")
    _number(model, "--experts", None, "number of experts", required=True)
    _number(model, "--groups", 0, "groups of experts to choose from first")
    _number(model, "--k", None, "choices, at each level", "2 with --groups, else 4")
    _number(model, "--width", 512, "width of every layer")
    _number(model, "--hidden", 1024, "hidden width of each expert")
    _number(model, "--cells", 0, "cells of each LSTM, projected", "--width")
    _number(model, "--vocabulary", 100_000, "words")
    _number(model, "--samples", 8192, "candidates of the sampled softmax; 0 for all")
    place = parser.add_argument_group("devices and training")
    _number(place, "--devices", 1, "number of devices")
    _number(place, "--tokens", 300_000, "tokens of a step, of all devices")
    place.add_argument(
        "--optimizer",
        default="adam",
        help="sgd, adagrad, adam or factored (default: adam)",
    )
    place.add_argument(
        "--recompute",
        action="store_true",
        help="compute the experts' hidden layers again in the backward pass",
    )
    for name, default, what in (
        ("--peak", 1e12, "floating point operations a second"),
        ("--network", 1e9, "bytes sent a second"),
        ("--memory-speed", 1e11, "bytes read or written a second"),
    ):
        place.add_argument(
            name,
            type=float,
            default=default,
            metavar="X",
            help=f"{what} of a device, such as {default:g} (default)",
        )
    parser.set_defaults(command=_plan)


def _number(group, name: str, default, what: str, shown="", required=False) -> None:
    shown = "" if required else f" (default: {shown or default})"
    group.add_argument(
        name,
        type=positive if default is None or default else _from_0,
        default=default,
        required=required,
        metavar="N",
        help=what + shown,
    )


def _from_0(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(
            f"must be a whole number of at least 0. Received: {text}"
        )
    return int(text)


def _plan(options) -> Answer:
    from zoo.api.planning import Mixture, Plan
    from zoo.reporting.markdown import markdown_table

    k = options.k or (2 if options.groups else 4)
    model = Mixture(
        options.experts,
        k=k,
        groups=options.groups,
        width=options.width,
        hidden=options.hidden,
        cells=options.cells,
        vocabulary=options.vocabulary,
        samples=options.samples,
    )
    plan = Plan(
        model,
        devices=options.devices,
        tokens=options.tokens,
        optimizer=options.optimizer,
        recompute=options.recompute,
        peak=options.peak,
        network=options.network,
        memory_speed=options.memory_speed,
    )
    rows = [
        ["the model", ""],
        ["weights between embedding and softmax", f"{model.weights:,}"],
        ["weights in all", f"{model.weights + model.ends:,}"],
        ["multiply-adds a token, without softmax", f"{model.operations:,}"],
        ["each device", ""],
        ["experts", f"{plan.own_experts:,}"],
        ["tokens a step", f"{plan.own_tokens:,.0f}"],
        ["tokens an expert and step", f"{plan.tokens_an_expert:,.1f}"],
        ["operations a token, training", _scaled(plan.operations, "FLOP")],
        ["operations a step", _scaled(plan.operations * plan.own_tokens, "FLOP")],
        ["memory of a device", _scaled(plan.memory, "B")],
        ["parameters", _scaled(plan.parameters, "B")],
        ["gradients", _scaled(plan.gradients, "B")],
        ["optimizer state", _scaled(plan.state, "B")],
        ["activations", _scaled(plan.activations, "B")],
        ["sent by a device in a step", ""],
        ["all-to-all, tokens and their gradients", _scaled(plan.all_to_all, "B")],
        ["all-reduce, gradients of dense layers", _scaled(plan.all_reduce, "B")],
        ["time of a step, nothing overlapped", f"{plan.seconds:.3g} s"],
        ["operations at --peak", f"{plan.compute_seconds:.3g} s"],
        ["exchanges at --network", f"{plan.network_seconds:.3g} s"],
        ["weights and state at --memory-speed", f"{plan.memory_seconds:.3g} s"],
    ]
    found = {
        "weights": model.weights + model.ends,
        "operations_a_token": plan.operations,
        "memory": plan.memory,
        "parameters": plan.parameters,
        "gradients": plan.gradients,
        "optimizer_state": plan.state,
        "activations": plan.activations,
        "all_to_all": plan.all_to_all,
        "all_reduce": plan.all_reduce,
        "seconds": plan.seconds,
    }
    return Answer(found, markdown_table(rows))


def _scaled(value: float, unit: str) -> str:
    """Returns a number with a prefix, in powers of 1000."""
    for prefix in ("", "k", "M", "G", "T"):
        if value < 1000:
            return f"{value:.4g} {prefix}{unit}"
        value /= 1000
    return f"{value:.4g} P{unit}"
