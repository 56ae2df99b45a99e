"""Weights on the devices that share them, and back on one for what follows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from zoo.training.distributed.context import MODEL, Finished, current, leads
from zoo.training.distributed.layouts import BY_RULE, layout


def place(model: keras.Model) -> None:
    """Splits the weights of a model over the devices of the current distribution.

    Optimizers that are built later keep their state where the weights are.

    Args:
        model: a model whose optimizer is not built.

    Warns:
        UserWarning: names weights that every device has because they are not even, or
            because their layer has no rule.
    """
    distribution = current()
    if not isinstance(distribution, keras.distribution.ModelParallel):
        return
    mesh = distribution.device_mesh
    places = layout(model, mesh.shape[list(mesh.axis_names).index(MODEL)])
    for placed in places:
        if placed.axis is not None:
            axes = placed.axes(MODEL)
            variable = placed.variable
            variable._layout = keras.distribution.TensorLayout(axes, mesh)
            variable.assign(variable.value)
    odd = [p for p in places if p.axis is None and p.reason != BY_RULE]
    if odd and leads():
        named = ", ".join(f"{p.variable.path} ({p.reason})" for p in odd)
        warnings.warn(f"Whole on every device: {named}.", stacklevel=2)


@contextmanager
def whole(model: keras.Model) -> Iterator[bool]:
    """Gives the variables of a model and its optimizer their whole values, on the host.

    It is for saving, not for computing. All processes must enter it.

    Args:
        model: a model, compiled or not.

    Yields:
        Whether this is the first process, which writes files, or the only one.
    """
    if current() is None:
        yield True
        return
    from zoo.kernels import processes

    optimizer = getattr(model, "optimizer", None)  # compiled models have one
    variables = [*model.variables, *getattr(optimizer, "variables", [])]
    kept = [variable._value for variable in variables]
    for variable, value in zip(variables, kept, strict=True):
        variable._value = processes.to_host(value)
    try:
        # What one process does alone here must not wait for the others, as new
        # variables of a distribution would; Keras makes some when it saves.
        with no_distribution():
            yield processes.rank() == 0
    finally:
        for variable, value in zip(variables, kept, strict=True):
            variable._value = value


@contextmanager
def no_distribution() -> Iterator[None]:
    """Lets this process make variables of its own within."""
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def settle(model: keras.Model) -> None:
    """Ends the distribution: the first process has the whole model on one device.

    Args:
        model: a trained model without an optimizer.

    Raises:
        Finished: in all processes but the first, which `distributed` catches.
    """
    if current() is None:
        return
    from zoo.kernels import processes

    with whole(model):
        values = [variable._value for variable in model.variables]
    first = processes.rank() == 0
    processes.leave()
    keras.distribution.set_distribution(None)
    if not first:
        raise Finished
    for variable, value in zip(model.variables, values, strict=True):
        variable._layout = None
        variable.assign(value)
    if "predict_step" in vars(model):  # of `sharing.predict_on_batch`
        del model.predict_step
    # Compiled for the weights' former places.
    model.train_function = model.test_function = model.predict_function = None
