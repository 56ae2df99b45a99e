"""Attention and experts as parts of the page."""

from __future__ import annotations

import numpy as np
import pytest
from demo_toys import FOLDERS

from zoo.reporting.inside import Attention
from zoo.reporting.parts import MOST_LOOKED, looked_part

pytestmark = pytest.mark.tensorflow


@pytest.mark.slow
def test_a_translation_shows_where_it_looked(server, ask):
    [part] = ask("translation", "a good", what="explanation")
    [seen] = server.models[FOLDERS["translation"]].model.attention(["a good"])
    assert part["kind"] == "looked" and part["title"] == "attention"
    assert part["columns"] == [*seen.source] == ["a", "good", "[END]"]
    assert part["of"] == [len(seen.target), 3]
    assert [row for row, _ in part["rows"]] == [*seen.target]
    weights = np.array([weights for _, weights in part["rows"]])
    assert weights == pytest.approx(seen.weights, abs=1e-6)
    [empty] = ask("translation", "", what="explanation")
    assert empty["rows"] == [] and empty["of"] == [0, 0]


def test_the_experts_of_each_token(server, ask):
    moved, looked, part = ask("experts", "so good day", what="explanation")
    assert (moved["kind"], looked["kind"], part["kind"]) == (
        "moved",
        "looked",
        "routed",
    )
    [[layer]] = server.models["experts"].model.experts(["so good day"])
    assert part["title"] == "experts" and part["num_experts"] == 9
    assert part["per"] == "token"
    assert [token for token, _ in part["tokens"]] == ["so", "good", "day"]
    for (_, pairs), choice in zip(part["tokens"], layer.choices, strict=True):
        assert [number for number, _ in pairs] == [*choice.experts]
        assert [gate for _, gate in pairs] == pytest.approx(choice.gates, abs=1e-6)
    assert ask("experts", "", what="explanation")[2]["tokens"] == []


def test_a_table_of_attention_has_a_largest_size():
    weights = np.full((MOST_LOOKED + 1, MOST_LOOKED + 2), 0.5, "float32")
    names = [tuple(map(str, range(size))) for size in weights.shape]
    part = looked_part(Attention(names[1], names[0], weights))
    assert part.of == weights.shape and part.columns == names[1][:MOST_LOOKED]
    assert [len(row) for _, row in part.rows] == [MOST_LOOKED] * MOST_LOOKED
