"""The recurrent cells, by the names that builders accept as `cell`.

A new cell is a file in `zoo/layers/recurrent` and a name here. Layers are called `lstm`
whatever their cell, so that each place in a model has one name.
"""

from __future__ import annotations

from collections.abc import Mapping

from zoo._lazy import layers
from zoo.models._search_space import Choice

CELLS = {  # layers of `zoo.layers`
    "lstm": "LSTM",
    "factorized": "FactorizedLSTM",
    "group": "GroupLSTM",
    "gru": "GRU",
    "sru": "SRU",
    "qrnn": "QRNN",
    "mingru": "MinGRU",
    "minlstm": "MinLSTM",
}
# Conditions of ranges that apply to one cell only.
IF_LSTM, IF_FACTORIZED, IF_GROUP = (
    {"cell": (word,)} for word in ("lstm", "factorized", "group")
)
CELL_SPACE = {"cell": Choice(*CELLS)}
# Off by default. Other arguments, such as `rank`, are only for the cells that have
# them; the others ignore them.
_FEATURES = ("projection", "peepholes", "forget_bias")


def recurrent(cell: str, units: int, of_cell: Mapping, **options):
    """Builds a recurrent layer of the zoo.

    Args:
        cell: one of `CELLS`.
        units: units of the layer.
        of_cell: a builder's arguments for cells, by the names in the cells; each cell
            takes those that it has.
        options: options of `zoo.layers.RecurrentLayer`, and the layer's name.

    Raises:
        ValueError: for an unknown cell, or a projection, peepholes or a forget bias for
            a cell without it.
    """
    known = known_to(cell)
    for name in _FEATURES:
        if of_cell.get(name) and name not in known:
            having = [word for word in CELLS if name in known_to(word)]
            raise ValueError(
                f"`{name}` must be omitted with cell={cell!r}, which has none. "
                f"Accepted with: {', '.join(having)}. "
                f"Received: {name}={of_cell[name]!r}."
            )
    taken = {name: value for name, value in of_cell.items() if name in known}
    return getattr(layers, CELLS[cell])(units, **taken, **options)


def states_of(cell: str) -> tuple[str, ...]:
    """Returns the names of a cell's states.

    They are among `h`, the output; `c`, a cell state; and `past`, of earlier inputs.
    """
    return getattr(layers, CELLS[cell]).cell_class.STATES


def known_to(cell: str) -> tuple[str, ...]:
    """Returns the names of a cell's arguments.

    Raises:
        ValueError: for an unknown cell.

    Example:
        >>> "projection" in known_to("lstm"), "projection" in known_to("gru")
        (True, False)
    """
    if cell not in CELLS:
        raise ValueError(
            f"`cell` must be one of {', '.join(CELLS)}. Received: cell={cell!r}."
        )
    return getattr(layers, CELLS[cell]).cell_class.ARGUMENTS
