"""The oracles of a search: ranges and values converted to and from keras-tuner.

keras-tuner sends the values of a trial between processes. So every choice is passed as
JSON text, and floats keep six digits, as many as single precision keeps.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from zoo.models._search_space import Choice, Int, Range, as_json, rounded
from zoo.tuning import keras_tuner_adapter
from zoo.tuning.searched import MODEL, Searched


def make_oracle(algorithm: str, searched: Searched, path: Path, **options):
    """Returns the oracle of an algorithm over our parameters.

    Args:
        algorithm: one of `zoo.tuning.searching.ALGORITHMS`.
        searched: the parameters.
        path: path of the file with its state.
        options: `minimise`, `epochs`, `trials`, `seconds` and `seed` of
            `zoo.tuning.keras_tuner_adapter.make_oracle`.
    """
    return keras_tuner_adapter.make_oracle(
        algorithm,
        keras_tuner_adapter.parameters(
            {
                key: (range_, _conditions(searched, range_))
                for key, _, range_ in _keyed(searched)
            }
        ),
        path,
        first=encoded(searched, searched.defaults()),
        combinations=lambda: (encoded(searched, row) for row in searched.grid()),
        **options,
    )


def drawn(algorithm: str, searched: Searched, seed: int, count: int) -> Iterator[dict]:
    """Yields the values of the first trials of a search, without running them."""
    with tempfile.TemporaryDirectory() as folder:
        oracle = make_oracle(
            algorithm,
            searched,
            Path(folder, "oracle.json"),
            minimise=False,
            epochs=10,
            trials=count,
            seconds=None,
            seed=seed,
        )
        for found in keras_tuner_adapter.first_values(oracle, Path(folder), count):
            yield decoded(searched, found)


def encoded(searched: Searched, values: Mapping) -> dict:
    """Encodes values for keras-tuner."""
    return {
        key: as_json(values[name]) if isinstance(range_, Choice) else values[name]
        for key, name, range_ in _keyed(searched)
        if searched.matters(range_, values)
    }


def decoded(searched: Searched, found: Mapping) -> dict:
    """Decodes the values that keras-tuner draws."""
    values: dict = {}
    for key, name, range_ in _keyed(searched):
        if key in found and searched.matters(range_, values):
            values[name] = _decoded(range_, found[key])
    return values


def _decoded(range_: Range, value):
    if isinstance(range_, Choice):
        return {as_json(known): known for known in range_.values}[value]
    return int(value) if isinstance(range_, Int) else rounded(value)


def _keyed(searched: Searched) -> Iterator[tuple[str, str, Range]]:
    """Gives each parameter a unique key: keras-tuner drops the value of one that
    applies if another of the same name does not."""
    seen: Counter = Counter()
    for name, range_ in searched.parameters:
        key = f"{name}#{seen[name]}" if seen[name] else name
        seen[name] += 1
        yield key, name, range_


def _conditions(searched: Searched, range_: Range) -> dict[str, list]:
    """Returns, by the keys of other parameters, the values that a range needs."""
    models = range_.when.get(MODEL, searched.models)
    return dict(
        _parent(searched, other, accepted, models)
        for other, accepted in range_.when.items()
    )


def _parent(searched: Searched, other: str, accepted, models) -> tuple[str, list]:
    """Returns the key of another parameter, and the accepted values in encoded form.

    If models differ in its range, `models` selects one.
    """
    for key, name, range_ in _keyed(searched):
        if name == other and set(models) <= set(range_.when.get(MODEL, models)):
            choice = isinstance(range_, Choice)
            return key, [as_json(value) if choice else value for value in accepted]
    raise ValueError(
        f"`when` must name a parameter that all models of a range have. "
        f"Received: {other!r}."
    )
