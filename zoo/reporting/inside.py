"""What layers inside a model chose: the form in which it is passed on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from zoo._lazy import numpy as np

TOKEN, TASK, TEXT, PLACE = "token", "task", "text", "place"


@dataclass(frozen=True, eq=False)
class Attention:
    """Weights of an attention layer: how much each row looked at each source token.

    Args:
        source: the tokens that were looked at; special ones as `[END]`.
        target: of a translation its tokens; of a model that pools by attention the
            names of the layers that do so.
        weights: float32 `[target, source]`; each row sums to 1.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray = field(repr=False)

    def to_json(self) -> dict:
        """Returns a dict that JSON holds."""
        names = {"source": list(self.source), "target": list(self.target)}
        return {**names, "weights": self.weights.tolist()}

    def strongest(self, row: int, count: int) -> list[tuple[str, float]]:
        """Returns the source tokens with the largest weights of a row, in order.

        Example:
            >>> weights = np.array([[0.25, 0.75]], "float32")
            >>> Attention(("so", "good"), ("gut",), weights).strongest(0, 1)
            [('good', 0.75)]
        """
        weights = self.weights[row]
        order = np.argsort(-weights, kind="stable")[:count]
        return [(self.source[place], float(weights[place])) for place in order]


@dataclass(frozen=True)
class Choice:
    """The experts of one token.

    Args:
        text: the token, or what `ExpertChoices.per` says.
        experts: numbers from 0, those with the largest gates first.
        gates: weights of their outputs, one for each.
    """

    text: str
    experts: tuple[int, ...]
    gates: tuple[float, ...]


@dataclass(frozen=True)
class ExpertChoices:
    """The experts that one layer chose for one text.

    Args:
        layer: name of the layer.
        num_experts: how many it has.
        per: what it chooses for: `"token"`, `"task"` (a layer with a gate for each
            task), `"text"`, or `"place"` along another axis.
        choices: in the order of the text, of the tasks or of the places.
    """

    layer: str
    num_experts: int
    per: str
    choices: tuple[Choice, ...] = field(repr=False)

    def to_json(self) -> dict:
        """Returns a dict that JSON holds."""
        return asdict(self)


def choice_of(text: str, experts: np.ndarray, gates: np.ndarray, count: int) -> Choice:
    """Returns the used slots of a token as a choice.

    Args:
        text: the token.
        experts: int32 `[slots]`; `count` for an unused slot.
        gates: float32 `[slots]`.
        count: number of experts.

    Example:
        >>> choice_of("so", np.array([3, 5, 1]), np.array([0.25, 0.0, 0.75]), 5)
        Choice(text='so', experts=(1, 3), gates=(0.75, 0.25))
    """
    order = [n for n in np.argsort(-gates, kind="stable") if experts[n] < count]
    return Choice(text, tuple(experts[order].tolist()), tuple(gates[order].tolist()))
