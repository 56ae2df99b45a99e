"""The command line, from a user's table to answers, and what it says of bad input."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from zoo.cli import main

pytestmark = pytest.mark.tensorflow

SIZES = ["embedding_dim=4", "maps=2", "windows=[2]", "least_steps=1", "weights=none"]
TINY = ["--epochs", "1", "--set", "jit_compile=false", *SIZES]
NOISE = ("I0000", "E0000", "W0000", "WARNING", "oneDNN", "cuda", "Traceback", "Warning")


def rows(number=60, seed=0):
    """Texts whose words tell every label; some labels are missing."""
    generator = np.random.default_rng(seed)
    found = []
    for row in range(number):
        good, place = generator.integers(0, 2, 2)
        found.append(
            {
                "text": f"the {'bad good'.split()[good]} {'shop bar'.split()[place]}, "
                f"row {seed}.{row}",
                "sentiment": ["neg", "pos"][good] if row % 7 else None,
                "stars": float(good * 4 + 1) if row % 5 else None,
                "tags": ["food|city", "city"][place],
                "domain": ["shops", "b\u00e4rs \u5427"][place],
            }
        )
    return found


def write_csv(path, table, delimiter=","):
    lines = [list(table[0])]
    lines += [["" if v is None else str(v) for v in row.values()] for row in table]
    quoted = [
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in line)
        for line in lines
    ]
    path.write_text("\n".join(quoted) + "\n", "utf-8")


def write_parquet(path, table):
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table), path)


def write(path, table):
    if path.suffix == ".jsonl":
        lines = [json.dumps(row, ensure_ascii=False) for row in table]
        path.write_text("\n".join(lines), "utf-8")
    elif path.suffix == ".parquet":
        write_parquet(path, table)
    else:
        write_csv(path, table, "\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def command(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "zoo.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"},
        **options,
    )


LABELS = ["--label", "sentiment", "--label", "stars:regression"]
LABELS += ["--label", "tags:multilabel"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The whole main job in a real process, with XLA: folder, and what it said."""
    folder = tmp_path_factory.mktemp("first hour")
    write(folder / "reviews.csv", rows())
    process = command(
        "train",
        "text_cnn",
        "--data",
        "reviews.csv",
        *LABELS,
        "--epochs",
        "2",
        "--set",
        *SIZES,
        cwd=folder,
    )
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return folder, out, err


def test_the_main_job(trained):
    folder, out, err = trained
    assert not [word for word in NOISE if word in out + err], err
    assert [line.split()[:2] for line in err.splitlines()] == [
        ["epoch", "1/2"],
        ["epoch", "2/2"],
    ]
    for part in (
        "48 train, 6 valid, 6 test texts",
        "| sentiment |",
        "| **mean**",
        "linear",
    ):
        assert part in out
    made = sorted(path.name for path in (folder / "runs" / "text_cnn").iterdir())
    assert made == [
        "confusion.png",
        "errors.html",
        "learning_curves.png",
        "model",
        "reliability.png",
        "report.md",
        "results.json",
    ]
    assert [path.name for path in (folder / "saved_models/text_cnn").iterdir()] == ["1"]


def test_the_printed_line_predicts(trained, monkeypatch, capsys):
    folder, out, _ = trained
    line = next(
        line for line in out.splitlines() if line.startswith("Predict with it: ")
    )
    words = shlex.split(line.removeprefix("Predict with it: "))
    assert words[:3] == ["zoo", "predict", "saved_models/text_cnn"]
    monkeypatch.chdir(folder)
    code, answers, _ = run(capsys, *words[1:])
    answer = json.loads(answers)
    assert code == 0 and answer["text"] == words[3]
    assert set(answer["answers"]) == {"sentiment", "stars", "tags"}
    assert set(answer["answers"]["tags"]["scores"]) == {"food", "city"}


def test_a_run_an_export_and_a_version_answer_alike(trained, monkeypatch, capsys):
    folder, *_ = trained
    texts = ["the good bar", "", "\u597d \U0001f600", "bad " * 500]
    found = []
    for place in (
        "runs/text_cnn",
        "runs/text_cnn/model",
        "saved_models/text_cnn",
        "saved_models/text_cnn/1",
    ):
        code, out, _ = run(capsys, "predict", folder / place, *texts)
        assert code == 0
        found.append([json.loads(line) for line in out.splitlines()])
    assert [answer["text"] for answer in found[0]] == texts
    for answers in found[1:]:
        for answer, expected in zip(answers, found[0], strict=True):
            answer, expected = answer["answers"], expected["answers"]
            for task in ("sentiment", "tags", "stars"):
                close = pytest.approx(expected[task]["scores"], abs=1e-4)
                assert answer[task]["scores"] == close
            assert answer["sentiment"]["label"] == expected["sentiment"]["label"]
    lines = io.TextIOWrapper(io.BytesIO(b"the good bar\nbad"))
    monkeypatch.setattr("sys.stdin", lines)
    code, out, _ = run(capsys, "predict", folder / "runs/text_cnn")
    assert json.loads(out.splitlines()[0]) == found[0][0] and len(out.splitlines()) == 2


def test_evaluate(trained, capsys, tmp_path):
    """The model's own tasks are the default; the numbers are those of `predict`."""
    folder, *_ = trained
    table = rows(30, seed=9)
    data = write(tmp_path / "new.csv", table)
    code, out, _ = run(capsys, "evaluate", folder / "runs/text_cnn", "--data", data)
    assert code == 0
    line = next(line for line in out.splitlines() if "sentiment" in line)
    _, answers, _ = run(
        capsys, "predict", folder / "runs/text_cnn", *(row["text"] for row in table)
    )
    answers = [json.loads(answer)["answers"] for answer in answers.splitlines()]
    labels = [answer["sentiment"]["label"] for answer in answers]
    right = [
        label == row["sentiment"]
        for label, row in zip(labels, table, strict=True)
        if row["sentiment"]
    ]
    assert f"| {len(right)} " in line and f"{np.mean(right):.4f}" in line
    wrong = write(tmp_path / "wrong.csv", [{"text": "x", "sentiment": "fair"}])
    code, _, err = run(
        capsys,
        "evaluate",
        folder / "runs/text_cnn",
        "--data",
        wrong,
        "--label",
        "sentiment",
    )
    assert (
        code == 2 and f"{wrong}, line 2, column 'sentiment'" in err and "'fair'" in err
    )


def test_export_is_the_next_version(trained, capsys, tmp_path, monkeypatch):
    """What the main job exported was checked; this is not, which takes seconds."""
    folder, *_ = trained
    monkeypatch.setattr("zoo.serving.publish._self_check", lambda folder: None)
    code, out, _ = run(
        capsys, "export", folder / "runs/text_cnn", "--to", tmp_path / "served"
    )
    assert code == 0 and out.strip() == str(tmp_path / "served" / "1")
    assert (tmp_path / "served/1/saved_model.pb").exists()


def train(capsys, data, *arguments):
    return run(
        capsys, "train", "text_cnn", "--data", data, "--no-export", *TINY, *arguments
    )


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".tsv", ".jsonl", ".parquet"])
def test_other_formats(place, capsys, suffix):
    data = write(place / f"reviews{suffix}", rows())
    code, out, err = train(capsys, data, "--label", "sentiment", "--out", "here")
    assert code == 0, err
    assert "text_cnn on 1 task(s)" in out and (place / "here/report.md").exists()
    assert not (place / "saved_models").exists()


@pytest.mark.slow
def test_task_column_and_given_parts(place, capsys):
    for name, seed in (("train", 0), ("valid", 1), ("test", 2)):
        write(place / f"{name}.csv", rows(40, seed))
    code, out, err = run(
        capsys,
        "train",
        "text_cnn",
        "--data",
        "train.csv",
        "--valid",
        "valid.csv",
        "--test",
        "test.csv",
        "--label",
        "sentiment",
        "--task-column",
        "domain",
        "--no-export",
        *TINY,
        'class_weights={"shops": "balanced"}',
        "seed=3",
    )
    assert code == 0, err
    assert "40 valid, 40 test texts" in out and "linear on all tasks" in out
    facts = json.loads((place / "runs/text_cnn/results.json").read_text("utf-8"))
    assert set(facts["results"]["text_cnn"]) == {"shops", "b\u00e4rs \u5427"}
    settings = facts["settings"]["settings"]
    assert settings["seed"] == 3 and settings["epochs"] == 1
    assert "seed 3" in (place / "runs/text_cnn/report.md").read_text("utf-8")


@pytest.mark.slow
def test_odd_cells_that_are_fine(place, capsys):
    """BOM, quoted newlines, numbers, empty and huge texts, and labels called NaN."""
    table = rows(40)
    odd = ['several\nlines, and "quotes"', "", "", "12", "3.5e7", "a" * 1_000_000]
    for row, text in zip(table, [*odd, "word " * 200_000, "\U0001f600"], strict=False):
        row["text"] = text
    table[20]["sentiment"] = table[21]["sentiment"] = "nan"
    data = write(place / "odd.csv", table)
    data.write_bytes(b"\xef\xbb\xbf" + data.read_bytes())
    code, out, err = train(capsys, data, "--label", "sentiment")
    assert code == 0, err
    page = (place / "runs/text_cnn/report.md").read_text("utf-8")
    assert "| neg" in page and "| nan" not in page
    assert "labels are missing (5 empty, 2 'nan')" in page


GOOD = b"text,label\n" + b"".join(
    b"the %s one %d,%s\n" % (word, row, label)
    for row in range(20)
    for word, label in ((b"good", b"yes"), (b"bad", b"no"))
)
BAD = {
    "empty file": (b"", [], ["reviews.csv: the file is empty", "0 bytes"]),
    "blank file": (b" \n\n", [], ["reviews.csv: the file is empty"]),
    "header only": (b"text,label\n", [], ["reviews.csv: the file has no rows"]),
    "missing column": (
        b"text,labels\na,b\n",
        [],
        ["reviews.csv, line 1", "'label'", "'labels'"],
    ),
    "one class": (
        GOOD.replace(b",no", b",yes"),
        [],
        ["reviews.csv, column 'label'", "['yes']"],
    ),
    "bad encoding": (
        GOOD + b"caf\xe9,yes\n",
        [],
        ["reviews.csv, line 42", "0xe9", "--encoding"],
    ),
    "ragged row": (GOOD + b"a,b,yes\n", [], ["reviews.csv, line 42"]),
    "no label at all": (
        b"text,label\n" + b"a,nan\n" * 9,
        [],
        ["column 'label'", "all labels are missing"],
    ),
    "no number": (
        GOOD,
        ["--label", "label:regression"],
        ["reviews.csv, line 2, column 'label'", "'yes'"],
    ),
    "too few rows": (b"text,label\na b,x\na b,y\n", [], ["valid", "Received: 2 rows"]),
    "no such file": (None, [], ["reviews.csv: no such file"]),
    "unknown set": (GOOD, ["--data", "trecc"], ["'trecc'", "Did you mean 'trec'"]),
    "unknown format": (GOOD, ["--data", "reviews.xlsx"], ["reviews.xlsx", ".csv"]),
    "unknown keyword": (
        GOOD,
        ["--set", "mapss=3"],
        ["`mapss`", "did you mean 'maps'", "mapss=3"],
    ),
    "unknown setting": (GOOD, ["--set", "epoch=3"], ["`epoch`", "mean 'epochs'"]),
    "wrong setting": (GOOD, ["--set", "epochs=two"], ["`epochs` must be", "'two'"]),
    "wrong argument": (GOOD, ["--set", "variant=big"], ["`variant` must be", "'big'"]),
    "no pair": (GOOD, ["--set", "epochs"], ["KEY=VALUE", "'epochs'"]),
    "unknown optimizer": (GOOD, ["--set", "optimizer=magic"], ["magic"]),
    "unknown class weight": (
        GOOD,
        ["--set", 'class_weights={"label": {"maybe": 2}}'],
        ["maybe", "no, yes"],
    ),
    "unknown loss weight": (
        GOOD,
        ["--set", 'loss_weights={"lable": 2}'],
        ["`loss_weights`", "lable"],
    ),
    "unknown sampling": (GOOD, ["--set", "sampling=often"], ["`sampling`", "'often'"]),
    "no word is frequent": (
        b"text,label\n" + b"".join(b"w%d,%d\n" % (i, i % 2) for i in range(40)),
        [],
        ["min_count=2"],
    ),
    "out is a file": (
        GOOD,
        ["--out", "reviews.csv/run"],
        ["`out` (--out)", "reviews.csv/run"],
    ),
    "export is a file": (
        GOOD,
        ["--export", "reviews.csv"],
        ["`export` (--export)", "reviews.csv/text_cnn"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_explained_and_leaves_nothing(place, capsys, name):
    content, arguments, parts = BAD[name]
    if content is not None:
        (place / "reviews.csv").write_bytes(content)
    code, out, err = run(
        capsys, "train", "text_cnn", "--data", "reviews.csv", *arguments
    )
    assert code == 2
    assert err.startswith("zoo: error: ") and "Traceback" not in err
    for part in parts:
        assert part in err
    left = [path.name for path in place.iterdir()]
    assert left == (["reviews.csv"] if content is not None else [])


def test_labels_of_the_test_table_unknown_to_training(place, capsys):
    (place / "train.csv").write_bytes(GOOD)
    (place / "test.csv").write_bytes(b"text,label\nfine,yes\nso so,maybe\n")
    code, _, err = train(capsys, "train.csv", "--test", "test.csv")
    assert code == 2 and "test.csv, line 3, column 'label'" in err and "'maybe'" in err
    assert sorted(path.name for path in place.iterdir()) == ["test.csv", "train.csv"]


def test_bad_rows_can_be_left_out(place, capsys):
    (place / "reviews.csv").write_bytes(GOOD + b"a,b,yes\n")
    code, _, err = train(capsys, "reviews.csv", "--on-bad-rows", "skip")
    assert code == 0 and "1 bad rows left out" in err and "line 42" in err


def test_unknown_names_elsewhere(place, capsys):
    for arguments, part in (
        (["train", "text_cn"], "mean 'text_cnn'"),
        (["describe", "text_cn"], "mean 'text_cnn'"),
        (["list", "x*"], "'x*'"),
        (["predict", "nowhere", "a"], "nowhere, which does not exist"),
        (["export", "nowhere"], "nowhere, which does not exist"),
        (["evaluate", "nowhere"], "nowhere, which does not exist"),
    ):
        code, out, err = run(capsys, *arguments)
        assert code == 2 and part in err and not out
    assert not list(place.iterdir())
    with pytest.raises(SystemExit) as end:
        main(["train"])
    assert end.value.code == 2
    code, out, _ = run(capsys, "list", "--data")
    assert code == 0 and "hutto" in out


def test_interruption_and_traceback(place, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.cli.describe._describe", interrupt)
    code, _, err = run(capsys, "describe", "text_cnn")
    assert code == 130 and "run the same command to continue" in err
    monkeypatch.undo()
    monkeypatch.setenv("ZOO_TRACEBACK", "1")
    with pytest.raises(ValueError, match="text_cn"):
        main(["describe", "text_cn"])


@pytest.mark.slow
def test_an_interrupted_run_continues(place, capsys):
    """The same command; another seed, or a run that was finished, starts over."""
    write(place / "reviews.csv", rows(300))
    arguments = [
        "train",
        "text_cnn",
        "--data",
        "reviews.csv",
        "--label",
        "sentiment",
        "--no-export",
        "--epochs",
        "8",
        "--set",
        "jit_compile=false",
        "patience=9",
        *SIZES,
    ]
    process = command(*arguments, cwd=place)
    state = place / "runs/text_cnn/checkpoints/state.json"
    deadline = time.monotonic() + 300
    while not state.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = json.loads(state.read_text())["epoch"] + 1
    assert done < 8 and not (place / "runs/text_cnn/model").exists()
    shutil.copytree(place / "runs/text_cnn", place / "other")
    code, _, err = run(capsys, *arguments)
    assert code == 0 and f"continuing after epoch {done}" in err
    assert "epoch 1/8" not in err and f"epoch {done + 1}/8" in err
    assert not (place / "runs/text_cnn/checkpoints").exists()
    history = json.loads(Path("runs/text_cnn/results.json").read_text("utf-8"))[
        "history"
    ]
    assert len(history) == 8
    code, _, err = run(capsys, *arguments, "--seed", "1", "--out", "other")
    assert code == 0 and "epoch 1/8" in err and "continuing" not in err
    code, _, err = run(capsys, *arguments)
    assert code == 0 and "epoch 1/8" in err and "continuing" not in err
