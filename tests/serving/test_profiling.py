"""Where the time of a request goes: the parts of an export, and the command."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

tf = pytest.importorskip("tensorflow")
from tensorflow.python.framework import op_def_registry  # noqa: E402

pytest.importorskip("tensorflow_text")

import keras  # noqa: E402

from zoo.cli import main  # noqa: E402
from zoo.reporting.profiles import bars, times_by_part  # noqa: E402
from zoo.serving.parts import ANSWER, OTHER, TEXT, layer_classes, place_of  # noqa: E402
from zoo.serving.profiling import _spans, profile  # noqa: E402

pytestmark = pytest.mark.tensorflow

LAYERS = {
    "embedding": "keras.src.layers.core.embedding.Embedding",
    "head_task_1": "keras.src.layers.core.dense.Dense",
    "mine": "my.layers.Mine",
}


@pytest.fixture(scope="module")
def found(published):
    return profile(published, ["a good day", "bad"], batch_sizes=[1, 3], calls=6)


def rows_of(request, part):
    return [row for row in request["operations"] if row["part"] == part]


def test_the_times_of_the_operations_add_up_to_the_request(found):
    assert [request["batch_size"] for request in found["requests"]] == [1, 3]
    for request in found["requests"]:
        total = sum(row["milliseconds"] for row in request["operations"])
        assert total == pytest.approx(request["milliseconds"])
        assert request["milliseconds"] <= request["p99"]


def test_a_time_reaches_from_the_end_of_what_ran_before():
    def ran(name: str, start: int, nanoseconds: int, op: str = "Add"):
        label = f"{name} = {op}(x, y)" if name else ""
        return SimpleNamespace(
            node_name=name,
            timeline_label=label,
            all_start_nanos=start,
            all_end_rel_nanos=nanoseconds,
        )

    # The second begins late; the third ends before it; one has no label.
    nodes = [ran("b", 130, 20), ran("a", 100, 10), ran("c", 135, 5), ran("", 90, 3)]
    # What they run in: a conditional, and a function, whose name is its operation.
    nodes += [ran("d", 100, 60, "If"), ran("e", 100, 60, "branch_specialized_for_d")]
    stats = SimpleNamespace(dev_stats=[SimpleNamespace(node_stats=nodes)])
    found = list(_spans(stats))
    assert [name for name, _, _ in found] == ["a", "b", "c"]
    assert {op for _, op, _ in found} == {"Add"}
    assert [seconds for *_, seconds in found] == pytest.approx([1e-8, 4e-8, 0])


def test_operations_are_found_in_their_parts(found):
    for request in found["requests"]:
        text = {row["op"]: row["count"] for row in rows_of(request, TEXT)}
        assert text["NormalizeUTF8"] == text["CaseFoldUTF8"] == 1
        assert text["LookupTableFindV2"] == 1
        assert {row["layer"] for row in rows_of(request, "embedding")} == {"embedding"}
        heads = [r for r in rows_of(request, "heads") if r["op"].endswith("MatMul")]
        assert len({r["layer"] for r in heads}) == 3
        assert all(row["count"] == 1 for row in heads)
        assert "AsString" in {row["op"] for row in rows_of(request, ANSWER)}


@pytest.mark.parametrize(
    "node, place",
    [
        ("a/model/embedding_1/GatherV2", ("embedding", "embedding")),
        ("a/model/head_task_1/MatMul", ("heads", "head_task_1")),
        ("a/model/mine/Sum", (OTHER, "mine")),
        ("a/text_pipeline_2/Cast", (TEXT, "")),
        ("a/tagging_pipeline/Cast", (TEXT, "")),
        ("a/embedding", (ANSWER, "")),
    ],
)
def test_the_place_of_an_operation(node, place):
    assert place_of(node, LAYERS) == place


def test_operations_of_a_model_within_a_model_are_those_of_its_layers():
    inputs = keras.Input((3,))
    inner = keras.Model(
        inputs, keras.layers.Dense(1, name="head")(inputs), name="inner"
    )
    layers = layer_classes(keras.Model(inputs, inner(inputs)))
    assert place_of("call/inner_1/head_1/MatMul", layers) == ("heads", "head")


def test_bars_show_parts_and_layers_with_their_shares():
    rows = [
        ("recurrent", "shared", "While", 3.0),
        ("recurrent", "other\n", "While", 0.75),
        ("text", "", "StringSplitV2", 0.25),
    ]
    keys = ("part", "layer", "op", "milliseconds")
    operations = [{**dict(zip(keys, row)), "count": 20.0} for row in rows]
    request = {
        "batch_size": 1,
        "milliseconds": 4.0,
        "p99": 5.0,
        "texts_per_second": 250.0,
        "operations": operations,
    }
    assert list(times_by_part(request)) == ["recurrent", "text"]
    shown = bars(
        {"version": "m/1", "tensorflow": "2", "threads": 1, "requests": [request]},
        operations=1,
    ).splitlines()
    assert shown[2].startswith("batch 1: 4.00 ms a request (median; p99 5.00), 250")
    assert [line.split()[:4] for line in shown[3:7]] == [
        ["recurrent", "3.750", "ms", "93.8%"],
        ["shared", "3.000", "ms", "75.0%"],
        ["other", "0.750", "ms", "18.8%"],
        ["text", "0.250", "ms", "6.2%"],
    ]
    assert len(shown) == 9 and shown[8].split()[-3:] == ["While", "in", "shared"]


def test_the_command(published, tmp_path, capsys):
    png = tmp_path / "profile.png"
    options = ["--calls", "2", "--batch-sizes", "2", "--png", str(png)]
    assert main(["profile", str(published), *options]) == 0
    said = capsys.readouterr().out
    assert "batch 2:" in said and "embedding" in said and "longest operations" in said
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_command_with_texts_and_json(published, tmp_path, capsys):
    (tmp_path / "texts.txt").write_bytes(b"good\n\xff bad\n")
    options = ["--calls", "2", "--json", "--texts", str(tmp_path / "texts.txt")]
    assert main(["profile", str(published), *options]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [request["batch_size"] for request in told["requests"]] == [1, 32]
    for request in told["requests"]:
        found = {row["op"] for row in request["operations"]} - {"feed and fetch"}
        assert "If" not in found and all(map(op_def_registry.get, found))
        assert {"text", "embedding", "heads"} <= {*times_by_part(request)}
    assert told["version"] == str(published)


def test_what_the_command_cannot_do(published, tmp_path, capsys, monkeypatch):
    (tmp_path / "none.txt").touch()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "zoo.reporting.profile_plot", raising=False)
    monkeypatch.delitem(sys.modules, "zoo.reporting.plots", raising=False)
    for options, message in (
        ([str(tmp_path)], "`folder` must hold a version"),
        ([str(published), "--texts", str(tmp_path / "no")], "`--texts` must be a read"),
        ([str(published), "--texts", str(tmp_path / "none.txt")], "must hold a text"),
        ([str(published), "--calls", "1", "--png", "p.png"], "extra `report`"),
    ):
        assert main(["profile", *options]) == 2
        assert message in capsys.readouterr().err
