"""The objective of a search, a score of the validation part, and its budgets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COSTS = ("perplexity", "mae", "rmse")  # smaller is better
BUDGETS = ("parameters", "latency")
_UNITS = {"ms": 1.0, "s": 1000.0}


@dataclass(frozen=True)
class Objective:
    """A score of the validation part, by name.

    Args:
        name: a metric, for its mean over the tasks that have it; `TASK:METRIC`; or
            `"mean"`, the mean over the tasks of the metric that each is trained for.

    Example:
        >>> Objective("mood:macro_f1").minimise, Objective("perplexity").minimise
        (False, True)
    """

    name: str

    @property
    def metric(self) -> str:
        return self.name.rpartition(":")[2]

    @property
    def minimise(self) -> bool:
        return self.metric in COSTS

    def better(self, one: float, other: float) -> bool:
        return one < other if self.minimise else one > other

    def for_oracle(self, value: float) -> float:
        """Returns the value for the oracle: of a perplexity its log, for even steps."""
        return math.log(value) if self.metric == "perplexity" else value

    def check(self, accepted: list[str]) -> None:
        if self.name not in accepted:
            raise ValueError(
                "`objective` must be a score of this data. Accepted: "
                f"{', '.join(accepted)}. Received: {self.name!r}."
            )


def parse_budget(pairs: Mapping[str, float] | list[str]) -> dict[str, float]:
    """Parses budgets: `parameters`, and `latency` in milliseconds per text.

    Args:
        pairs: a mapping of numbers, or texts such as `parameters=2e6`, `latency=5ms`.

    Raises:
        ValueError: for another name, or a value that is not a number above 0.

    Example:
        >>> parse_budget(["parameters=2e6", "latency=0.005s"])
        {'parameters': 2000000.0, 'latency': 5.0}
    """
    given: Mapping[str, float | str]
    if isinstance(pairs, Mapping):
        given = pairs
    else:
        cut = (pair.partition("=") for pair in pairs)
        given = {name: value for name, _, value in cut}
    return {name: _amount(name, value) for name, value in given.items()}


def _amount(name: str, value) -> float:
    text, factor = str(value).strip(), 1.0
    if name == "latency":
        for unit, milliseconds in _UNITS.items():
            if text.endswith(unit):
                text, factor = text.removesuffix(unit), milliseconds
                break
    try:
        amount = float(text) * factor
    except ValueError:
        amount = math.nan
    if name not in BUDGETS or not amount > 0 or math.isinf(amount):
        raise ValueError(
            "`budget` must limit parameters=NUMBER or latency=TIME (per text, such "
            f"as 5ms). Received: {name}={value}."
        )
    return amount


def pareto_front(
    trials: Sequence[Mapping], objective: Objective, costs: tuple[str, ...] = BUDGETS
) -> list[Mapping]:
    """Returns the trials that no other one beats in the objective and in all costs.

    Args:
        trials: with `objective`, and with the measured costs.
        objective: defines which direction is better.
        costs: names of figures to be minimised.

    Example:
        >>> rows = [{"objective": 0.9, "parameters": 9}, {"objective": 0.8,
        ...         "parameters": 3}, {"objective": 0.7, "parameters": 5}]
        >>> [row["parameters"] for row in pareto_front(rows, Objective("mean"))]
        [3, 9]
    """
    sign = 1 if objective.minimise else -1

    def figures(trial: Mapping) -> list[float]:
        known = [trial[cost] for cost in costs if trial.get(cost) is not None]
        return [sign * trial["objective"], *known]

    def beaten(trial: Mapping) -> bool:
        own = figures(trial)
        return any(
            all(a <= b for a, b in zip(figures(other), own)) and figures(other) != own
            for other in trials
        )

    front = [trial for trial in trials if not beaten(trial)]
    return sorted(front, key=lambda trial: figures(trial)[1:] + figures(trial)[:1])
