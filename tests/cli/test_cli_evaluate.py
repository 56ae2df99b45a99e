"""`zoo evaluate` after `zoo train`: no options again, and labels that are new."""

from __future__ import annotations

import json
import re

import pytest

from zoo.cli import main

pytestmark = pytest.mark.tensorflow

TINY = [
    "--epochs",
    "1",
    "--set",
    "jit_compile=false",
    "embedding_dim=4",
    "maps=2",
    "windows=[1]",
    "least_steps=1",
]


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def scores(table):
    """Rows and main metric of each task, from the printed table."""
    found = re.findall(r"^\| (\S+) +\| \S+ +\| (\d+) +\| ([\d.]+)", table, re.M)
    return {task: (int(rows), float(score)) for task, rows, score in found}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on a file that needs every option, and the file."""
    folder = tmp_path_factory.mktemp("evaluate")
    data = folder / "data.csv"
    rows = [f"say \u20ac{i},{'yn'[i % 2]},{'ab'[i // 30]}" for i in range(60)]
    rows += [f"hm {i},-,{'ab'[i % 2]}" for i in range(6)]
    data.write_text("\n".join(["body,mood,shop", *rows]) + "\n", "cp1252")
    code = main(
        [
            "train",
            "text_cnn",
            "--data",
            str(data),
            "--text",
            "body",
            "--label",
            "mood",
            "--task-column",
            "shop",
            "--missing=-",
            "--encoding",
            "cp1252",
            "--out",
            str(folder / "run"),
            "--no-export",
            *TINY,
        ]
    )
    assert code == 0
    return folder / "run", data


def test_the_run_says_what_is_missing(trained, capsys):
    page = (trained[0] / "report.md").read_text("utf-8")
    assert "column 'mood': 6 of 66 labels are missing (6 '-')." in page


def test_no_options(trained, capsys):
    folder, data = trained
    code, out, err = run(capsys, "evaluate", folder, "--data", data)
    assert code == 0, err
    assert {task: rows for task, (rows, _) in scores(out).items()} == {"a": 30, "b": 30}
    assert "read as cp1252, as in training" in err and "6 of 66 labels" in err


def test_a_run_that_remembers_nothing(trained, capsys):
    """As older versions saved them: the options of the training are needed."""
    folder, data = trained
    path = folder / "model" / "metadata.json"
    kept = path.read_text("utf-8")
    metadata = json.loads(kept)
    del metadata["reading"]
    path.write_text(json.dumps(metadata), "utf-8")
    try:
        code, _, err = run(capsys, "evaluate", folder, "--data", data)
        assert code == 2 and "--encoding cp1252" in err
        code, out, err = run(
            capsys,
            "evaluate",
            folder,
            "--data",
            data,
            "--text",
            "body",
            "--label",
            "mood",
            "--task-column",
            "shop",
            "--missing=-",
            "--encoding",
            "cp1252",
        )
        assert code == 0 and set(scores(out)) == {"a", "b"}
    finally:
        path.write_text(kept, "utf-8")


def test_labels_that_are_new(trained, capsys, tmp_path):
    """Two rows of ten have a label that training never met."""
    folder, _ = trained
    data = tmp_path / "later.csv"
    rows = [f"say {i},{'yn'[i % 2]},a" for i in range(8)]
    rows += ["odd,fraud,a", "odder,fraud,a"]
    data.write_text("\n".join(["body,mood,shop", *rows]) + "\n")
    command = ["evaluate", folder, "--data", data]
    code, _, err = run(capsys, *command)
    assert code == 2 and "2 row(s) in all: 'fraud' (2)" in err
    code, out, err = run(capsys, *command, "--on-bad-rows", "skip")
    assert code == 0 and "2 bad rows left out" in err and "line 10" in err
    rows, right = scores(out)["a"]
    assert rows == 8
    code, out, _ = run(capsys, *command, "--unknown-labels", "wrong")
    assert code == 0
    assert scores(out)["a"] == (10, pytest.approx(right * 8 / 10, abs=1e-4))


@pytest.mark.slow
def test_tags_that_are_new(capsys, tmp_path):
    """A tagger that learnt X and Y; a Z is left out, or wrong."""
    path, later = tmp_path / "a.conll", tmp_path / "b.conll"
    path.write_text("".join(f"# {i}\nw{i} X\nv{i} Y\n\n" for i in range(30)))
    later.write_text("# 1\nw1 X\nv1 Y\n\n# 2\nw2 Z\nv2 Z\n\n")
    folder = tmp_path / "run"
    code, _, err = run(
        capsys,
        "train",
        "bilstm_tagger",
        "--data",
        path,
        "--label",
        "kind=1:none",
        "--comment",
        "#",
        "--out",
        folder,
        "--no-export",
        "--epochs",
        "1",
        "--set",
        "units=4",
        "embedding_dim=4",
        "characters=none",
        "min_count=1",
        "jit_compile=false",
    )
    assert code == 0, err
    command = ["evaluate", folder, "--data", later]
    code, _, err = run(capsys, *command)
    assert code == 2 and "'Z' of token 1" in err
    found = {}
    for option in (["--on-bad-rows", "skip"], ["--unknown-labels", "wrong"]):
        code, out, err = run(capsys, *command, *option)
        assert code == 0 and ("line 6" in err) == ("skip" in option), err
        found[option[1]] = float(re.search(r"\| kind .*?([\d.]+) +\|\n", out)[1])
    assert found["wrong"] == pytest.approx(found["skip"] / 2, abs=0.01)
