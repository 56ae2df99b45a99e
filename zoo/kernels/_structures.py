"""Nested structures of tensors: flattening and packing."""

from __future__ import annotations

from keras import ops, tree

from zoo.kernels._backend import vjp


def empty(structure) -> bool:
    """Returns whether a structure has no tensors."""
    return not tree.flatten(structure)


def rank(structure) -> int:
    """Returns the number of axes of its first tensor."""
    return len(tree.flatten(structure)[0].shape)


def unflatten(structure, flat):
    """Packs a list of tensors into a structure."""
    return tree.pack_sequence_as(structure, list(flat))


def like(gradients, values):
    """Casts the tensors of one structure to the types of another."""
    return tree.map_structure(lambda g, v: ops.cast(g, v.dtype), gradients, values)


def as_rows(structure):
    """Reshapes `[time, ..., batch, features]` to `[..., time * batch, features]`."""

    def merge(x):
        if len(x.shape) > 3:
            x = ops.moveaxis(x, 0, -3)
        return ops.reshape(x, (*x.shape[:-3], -1, x.shape[-1]))

    return tree.map_structure(merge, structure)


def as_steps(x, shape):
    """Inverts `as_rows`; `shape` begins with time and has batch before last."""
    x = ops.reshape(x, (*x.shape[:-2], shape[0], shape[-2], x.shape[-1]))
    return ops.moveaxis(x, -3, 0) if len(x.shape) > 3 else x


def pull(function, primals, cotangents):
    """Vector-Jacobian product over nested structures."""

    def flat(*tensors):
        return tree.flatten(function(*unflatten(primals, tensors)))

    gradients = vjp(flat, tree.flatten(primals), tree.flatten(cotangents))
    return unflatten(primals, gradients)
