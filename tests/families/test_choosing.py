"""`zoo train auto`: which candidate is kept, and what is written."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

import zoo
from zoo.cli import main
from zoo.cli.train import run_answer
from zoo.families import choosing, get_family
from zoo.families.choosing import Candidate, select, train_best

WORDS = {"good": "lovely fine great warm", "bad": "awful poor dull cold"}


def table(rows: int = 120) -> list[tuple[str, str]]:
    return [
        (f"the {WORDS[label].split()[row % 4]} day {row}", label)
        for row, label in enumerate(["good", "bad"] * (rows // 2))
    ]


def small(monkeypatch, scores, names=("linear", "text_cnn")):
    """A choice among small models whose validation scores are given."""
    family = get_family("classification")
    found = iter(scores)
    monkeypatch.setattr(type(family), "candidates", lambda self, splits: list(names))
    score = type(family).score

    def given(self, model, splits, part):
        return (
            {"mean": next(found)}
            if part == "valid"
            else score(self, model, splits, part)
        )

    monkeypatch.setattr(type(family), "score", given)


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("scores", "best"), [((0.5, 0.9), "text_cnn"), ((0.9, 0.9), "linear")]
)
def test_the_best_is_kept_and_of_equal_ones_the_cheapest(
    scores, best, tmp_path, monkeypatch, capsys
):
    small(monkeypatch, scores)
    run = zoo.train(
        "auto",
        table(),
        epochs=1,
        least_steps=1,
        weights="none",
        out=tmp_path / "run",
        export=tmp_path / "exported",
    )
    assert run.model.metadata["name"] == best
    assert zoo.load(tmp_path / "run").metadata["name"] == best
    assert run.exported == tmp_path / "exported/1"
    printed = capsys.readouterr().out
    assert f"| **{best}**" in printed and "| candidate" in printed
    page = (tmp_path / "run/report.md").read_text("utf-8")
    assert page.startswith(f"# {best}") and "## Candidates" in page
    assert json.loads((tmp_path / "run/results.json").read_text())["name"] == best
    assert not (tmp_path / "run/candidates").exists()


@pytest.mark.parametrize(
    ("first", "second", "rows", "best"),
    [
        # One standard error of 0.8 on 16 rows is 0.1.
        (0.71, 0.8, 16, "cheap"),
        (0.69, 0.8, 16, "costly"),
        (0.79, 0.8, 200, "costly"),
        (0.8, 0.8, 200, "cheap"),
        (float("nan"), 0.1, 16, "costly"),
        (float("-inf"), float("-inf"), 0, "cheap"),
    ],
)
def test_on_few_rows_a_small_difference_does_not_decide(first, second, rows, best):
    assert select({"cheap": first, "costly": second}, rows) == best


@pytest.mark.parametrize(
    ("best", "both", "rows", "name"),
    [
        # One standard error of 0.8 on 400 rows is 0.02.
        (0.8, 0.781, 400, "both"),
        (0.8, 0.779, 400, "costly"),
        (0.8, 0.9, 400, "both"),
        (0.8, 0.81, 100, "cheap"),
        (0.8, float("nan"), 400, "costly"),
    ],
)
def test_several_together_are_taken_unless_they_are_worse(best, both, rows, name):
    scores = {"cheap": 0.79, "costly": best, "both": both}
    assert select(scores, rows, "both") == name


@pytest.mark.slow
@pytest.mark.tensorflow
def test_when_the_time_is_over_no_other_begins(tmp_path, monkeypatch, capsys):
    small(monkeypatch, [0.1])
    run = zoo.train(
        "auto", table(), weights="none", out=tmp_path / "run", max_time=1e-9
    )
    assert run.model.metadata["name"] == "linear" and run.exported is None
    assert "text_cnn: not trained: the time limit is reached" in capsys.readouterr().out


def test_an_ensemble_has_the_epochs_and_the_seconds_of_its_members(monkeypatch):
    def trained(name, seconds, losses):
        history = [{"loss": loss} for loss in losses]
        return Candidate(name, None, None, history, None, seconds, 0.5, 1.0)

    metadata = {"name": "both", "members": [{"name": "cnn"}, {"name": "lstm"}]}
    model = SimpleNamespace(metadata=metadata)
    family = SimpleNamespace(ensemble=lambda models, prepared, settings: model)
    monkeypatch.setattr(choosing, "_measured", lambda *_: (0.75, 3.0))
    found = [
        trained("linear", 9, [7]),
        trained("cnn", 2, [3, 2]),
        trained("lstm", 4, [1]),
    ]
    both = choosing._together(family, found, None, "mean")
    assert (both.name, both.seconds, both.score, both.latency) == ("both", 6, 0.75, 3.0)
    assert [(logs["member"], logs["loss"]) for logs in both.history] == [
        ("cnn", 3),
        ("cnn", 2),
        ("lstm", 1),
    ]


def test_an_ensemble_has_a_next_step_though_it_is_no_registered_model():
    model = SimpleNamespace(family="classification", metadata={"name": "ensemble"})
    run = SimpleNamespace(
        model=model,
        folder="runs/auto",
        exported=None,
        prompt="What a day!",
        report=SimpleNamespace(path="runs/auto/report.md"),
        metrics={},
    )
    answer = run_answer(run)
    assert answer.found["model"] == "ensemble"
    assert answer.text == "Predict with it: zoo predict runs/auto 'What a day!'"


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_command_ends_well_with_an_ensemble(tmp_path, monkeypatch, capsys):
    small(monkeypatch, [0.5, 0.6], ["text_cnn", "bilstm_mt"])
    monkeypatch.setattr(choosing, "select", lambda scores, rows, ensemble: ensemble)
    monkeypatch.setattr(choosing, "_measured", lambda *_: (0.75, 3.0))
    rows = ["text,label", *(f"{text},{label}" for text, label in table(60))]
    (tmp_path / "data.csv").write_text("\n".join(rows) + "\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    settings = ["least_steps=2", "subwords=0", "weights=none"]
    command = ["train", "auto", "--data", "data.csv", "--epochs=1", "--no-export"]
    assert main([*command, "--json", "--set", *settings]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "ensemble"


def test_what_auto_cannot_do(tmp_path):
    with pytest.raises(ValueError, match="'auto' for texts with labels.*auto"):
        train_best(get_family("language"), None, {}, folder=tmp_path, export_to=None)
    with pytest.raises(ValueError, match="`max_time`.*needs the model 'auto'.*'lstm'"):
        zoo.train("lstm", table(), max_time=5)
    with pytest.raises(ValueError, match="Settings must be among .*Received: units"):
        zoo.train("auto", table(), units=5)


@pytest.mark.tensorflow
def test_very_many_labels_have_no_linear_candidate():
    from zoo.data import Examples, Splits

    texts = [f"text {row}" for row in range(600)]
    part = Examples(texts, {"label": [str(row % 300) for row in range(600)]})
    family = get_family("classification")
    assert family.candidates(Splits(part, part, part)) == ["text_cnn", "bilstm_mt"]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_command_trains_compares_and_exports(tmp_path):
    rows = ["text,label", *(f"{text},{label}" for text, label in table(60))]
    (tmp_path / "data.csv").write_text("\n".join(rows) + "\n", "utf-8")
    options = ["--epochs=1", "--max-time=10m", "--set", "least_steps=2", "subwords=0"]
    command = [sys.executable, "-m", "zoo.cli", "train", "auto", "--data", "data.csv"]
    done = subprocess.run(
        [*command, *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("linear", "text_cnn", "bilstm_mt"):
        assert f"{name} on 1 task(s)" in done.stdout
    assert "| ensemble " in done.stdout
    assert (tmp_path / "saved_models/auto/1/saved_model.pb").exists()
    assert "Predict with it: zoo predict saved_models/auto" in done.stdout
