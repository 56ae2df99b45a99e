"""The layers of a model as rows: shapes, weights, and what a token costs in each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import keras

from zoo.layers import CRF, SparseMoE, TiedSoftmax

_EACH = TOKEN, LETTER, TEXT = "token", "letter", "text"
_HEADS = ("layer", "kind", "output", "weights", "parameters", "multiplications")


@dataclass(frozen=True)
class LayerRow:
    """A layer with weights.

    Args:
        layer: its name.
        kind: its class.
        output: shape of its first output, such as `"[batch, time, 128]"`.
        weights: shapes by name, in the order of the layer.
        parameters: number of its weights.
        multiplications: for one of `each`, in the forward pass of training. A matrix is
            used once; of experts, those that a token is sent to; a row that is looked
            up costs none.
        each: `"token"`, `"letter"` or `"text"`.
    """

    layer: str
    kind: str
    output: str
    weights: Sequence[tuple[str, tuple[int, ...]]]
    parameters: int
    multiplications: int
    each: str

    def to_json(self) -> dict:
        """Returns a dict that JSON holds."""
        return asdict(self)

    def cells(self) -> list[str]:
        """Returns the cells of a table, under `layer_heads`."""
        sizes = (f"{name} {_times(shape)}" for name, shape in self.weights)
        cost = f"{self.multiplications:,} a {self.each}" if self.multiplications else ""
        count = f"{self.parameters:,}"
        return [self.layer, self.kind, self.output, ", ".join(sizes), count, cost]


def layer_heads() -> list[str]:
    """Returns the heads of the table of layers."""
    return [*_HEADS]


def layer_rows(model: keras.Model) -> list[LayerRow]:
    """Returns the layers with weights of a functional model in their order.

    The multiplications of attention that compare each token with all others, and
    element-wise ones without weights, are not counted.

    Example:
        >>> import zoo
        >>> rows = layer_rows(zoo.get("lstm", 10, 3, embedding_dim=2, units=4))
        >>> [(row.layer, row.parameters, row.multiplications) for row in rows]
        [('embedding', 20, 0), ('forward', 112, 96), ('head_label', 15, 12)]

    Source: Shazeer et al. 2017, section 5, which counts operations in this way.
    """
    return [_row(layer) for layer in model.layers if layer.weights]


def total(rows: Sequence[LayerRow]) -> dict[str, int]:
    """Returns the parameters of all layers, and multiplications by what they are of."""
    costs: dict[str, int] = {}
    for row in rows:
        if row.multiplications:
            costs[row.each] = costs.get(row.each, 0) + row.multiplications
    return {"parameters": sum(row.parameters for row in rows), **costs}


def said(sums: Mapping[str, int]) -> str:
    """Returns the sums of `total` as a sentence.

    Example:
        >>> print(said({"parameters": 4000, "token": 1200, "text": 20}))
        4,000 parameters; multiplications: 1,200 a token, 20 a text.
    """
    costs = [f"{count:,} a {each}" for each, count in sums.items() if each in _EACH]
    return (
        f"{sums['parameters']:,} parameters; multiplications: "
        f"{', '.join(costs) or 'none'}."
    )


def _row(layer: keras.layers.Layer) -> LayerRow:
    given, made = (
        keras.tree.flatten(tensors)[0] for tensors in (layer.input, layer.output)
    )
    cost, each = _cost(layer, given)
    return LayerRow(
        layer=layer.name,
        kind=type(layer).__name__,
        output=_shape(made.shape),
        weights=[
            (weight.path.rsplit("/", 1)[-1], tuple(weight.shape))
            for weight in layer.weights
        ],
        parameters=layer.count_params(),
        multiplications=cost,
        each=each,
    )


def _cost(layer: keras.layers.Layer, given) -> tuple[int, str]:
    """Returns multiplications, and what they are for."""
    each = {4: LETTER, 3: TOKEN}.get(len(given.shape), TEXT)
    if each == TOKEN and given.shape[1] is not None:  # a text as a sequence of one
        each = TEXT
    if isinstance(layer, TiedSoftmax):  # it looks words up too
        return math.prod(layer.weights[0].shape), TOKEN
    if "int" in str(given.dtype) or isinstance(layer, CRF):
        return 0, TOKEN  # looked up, or added only
    if isinstance(layer, SparseMoE):
        return layer.count_weights(given.shape[-1])[1], each
    shapes = (weight.shape for weight in layer.weights)
    return sum(math.prod(shape) for shape in shapes if len(shape) > 1), each


def _shape(shape: Sequence[int | None]) -> str:
    free = iter(("batch", "time", "letters"))
    sizes = (next(free, "?") if size is None else str(size) for size in shape)
    return f"[{', '.join(sizes)}]"


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
