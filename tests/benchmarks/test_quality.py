"""The recipes that measure models over seeds, on tiny named sets."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.quality import (
    defaults,
    language_modeling,
    multi_task,
    seeds,
    text_classification,
)
from zoo.data import Examples, Splits, load_named
from zoo.families import Family
from zoo.families.classification import baselines, fine_tuning
from zoo.families.classification import train as runs
from zoo.families.classification.report import outcome_of
from zoo.families.classification.settings import ClassificationSettings
from zoo.training.metrics import mean_of_main

pytestmark = pytest.mark.tensorflow

TINY = [
    "epochs=1",
    "least_steps=1",
    "jit_compile=false",
    "embedding_dim=4",
    "maps=2",
    "windows=[1]",
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """ZOO_DATA with a tiny `trec` and a `uci_sentences` of two domains."""
    generator = np.random.default_rng(0)

    def lines(form, rows):
        return "".join(form(generator.integers(0, 2), row) for row in range(rows))

    def question(label, row):
        kind = ("HUM\tHUM:ind\tWho is", "NUM\tNUM:date\tWhen was")[label]
        return f"{kind} number {row} ?\n"

    def sentence(label, row):
        words = ("bad", "good")[label]
        return f"{label}\t{('amazon', 'yelp')[row % 2]}\ta {words} one of {row}\n"

    for folder, file, form, rows in (
        ("trec", "train_full.tsv", question, 60),
        ("trec", "test.tsv", question, 20),
        ("uci_sentences", "train.tsv", sentence, 60),
        ("uci_sentences", "valid.tsv", sentence, 20),
        ("uci_sentences", "test.tsv", sentence, 20),
    ):
        (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / folder / file).write_text(lines(form, rows))
    monkeypatch.setenv("ZOO_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(text):
    """Rows of the printed table by their first cell."""
    found = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in found]
    return {row[0]: row[1:] for row in rows}


def facts_of(folder):
    return [
        json.loads(path.read_text("utf-8"))
        for path in sorted(folder.glob("*/facts.json"))
    ]


@pytest.mark.slow
def test_text_classification(place, capsys, monkeypatch):
    arguments = [
        "--data",
        "trec",
        "--models",
        "text_cnn",
        "--seeds",
        "2",
        "--set",
        *TINY,
    ]
    text_classification.main(arguments)
    said = capsys.readouterr()
    rows = table(said.out)
    assert {"trec", "majority", "linear", "text_cnn"} <= set(rows)
    assert "over 2 seeds" in said.out and "text_cnn seed 1: " in said.err
    facts = facts_of(place / "runs/seeds/trec/text_cnn")
    accuracies = [100 * fact["test"]["coarse"]["accuracy"] for fact in facts]
    assert len(facts) == 2 and [fact["identity"][0]["seed"] for fact in facts] == [0, 1]
    expected = f"{np.mean(accuracies):.1f} ± {np.std(accuracies, ddof=1):.1f}"
    assert rows["text_cnn"][0] == expected
    assert rows["text_cnn"][2] == f"{facts[0]['parameters']:,}"
    assert not list(place.glob("runs/**/checkpoints"))

    def fail(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(runs, "train", fail)  # the seeds that are kept are read
    text_classification.main(arguments)
    assert capsys.readouterr().out == said.out
    with pytest.raises(AssertionError, match="trained again"):
        text_classification.main([*arguments, "learning_rate=0.5"])


@pytest.mark.release
def test_multi_task(place, capsys):
    multi_task.main(
        [
            "--data",
            "uci_sentences",
            "--models",
            "text_cnn",
            "--seeds",
            "1",
            "--alone",
            "--fine-tune",
            "--set",
            *TINY,
        ]
    )
    rows = table(capsys.readouterr().out)
    names = {"joint": "text_cnn joint", "tuned": "text_cnn joint, then each task"}
    names["alone"] = "text_cnn each task alone"
    assert {"linear on all tasks", *names.values()} <= set(rows)
    for name in names.values():
        [fact] = facts_of(place / "runs/seeds/uci_sentences" / name.replace(" ", "_"))
        accuracies = [fact["test"][task]["accuracy"] for task in ("amazon", "yelp")]
        assert rows[name][0] == f"{100 * np.mean(accuracies):.1f}"
        assert re.fullmatch(r"\d+\.\d", rows[name][1])
    # Both hold two models of one head each, which share no weight.
    sizes = {k: int(rows[n][2].replace(",", "")) for k, n in names.items()}
    assert sizes["alone"] == sizes["tuned"]
    assert sizes["joint"] < sizes["tuned"] < 2 * sizes["joint"]


@pytest.mark.release
def test_language_models(place, capsys):
    name = "moe_lm:units=4,hidden=8,num_experts=6,k=2"
    language_modeling.main(
        [
            "--data",
            "trec",
            "--models",
            name,
            "--seeds",
            "1",
            "--plot",
            "time.png",
            "--capacity-plot",
            "size.png",
            "--set",
            "epochs=1",
            "batch_size=4",
        ]
    )
    row = table(capsys.readouterr().out)[name]
    [fact] = facts_of(place / "runs/seeds/trec" / name)
    assert row[0] == f"{fact['test']:.1f}"
    lstms, expert, gate = 2 * 8 * 16, 2 * 4 * 8, 2 * 6 * 4
    assert row[2] == f"{lstms + 6 * expert + gate:,}"
    assert row[3] == f"{lstms + 2 * expert + gate:,}"
    assert row[4] == f"{fact['load']['experts']:.2f}"
    assert 1 < fact["load"]["experts"] <= 3
    assert all(
        (place / f"{plot}.png").stat().st_size > 5000 for plot in ("time", "size")
    )


def splits_of(**labels):
    """Train with all rows of `labels`; valid and test with those of task `a` alone."""
    texts = [f"the {'good' if i % 2 else 'bad'} {i}" for i in range(24)]
    train = Examples(texts, labels)
    rest = Examples(["good day", "bad day"], {"a": ["1", "0"]})
    return Splits(train, rest, rest)


SETTINGS = ClassificationSettings(
    epochs=1, least_steps=1, jit_compile=False, fine_tune=True, batch_size=8
)
SIZES = {"embedding_dim": 4, "maps": 2, "windows": [1]}


def run(splits, folder):
    family = text_classification.FAMILY
    prepared = family.prepare(splits, SETTINGS)
    text_model, history = family.train(
        "text_cnn", prepared, SETTINGS, SIZES, folder=folder, verbose=False
    )
    family.report(text_model, prepared, history, SETTINGS, folder)
    return text_model, outcome_of(text_model, prepared, history)


@pytest.mark.slow
def test_a_task_absent_from_valid_and_test(place):
    splits = splits_of(a=["0", "1"] * 12, b=["x", "y", None] * 8)
    text_model, outcome = run(splits, place / "run")
    assert list(text_model.tasks) == ["a", "b"]
    assert outcome.results["text_cnn"]["b"]["rows"] == 0
    assert outcome.means()["text_cnn"] == outcome.results["text_cnn"]["a"]["accuracy"]
    assert (place / "run/report.md").exists()


@pytest.mark.slow
def test_without_valid_and_test(place):
    splits = splits_of(a=["0", "1"] * 12)
    nothing = Examples([], {"a": []})
    splits = Splits(splits.train, nothing, nothing)
    _, outcome = run(splits, place / "run")
    assert "has no labels" in (place / "run/report.md").read_text("utf-8")
    assert outcome.history[0]["score"] is None


@pytest.mark.release
def test_fine_tuning_keeps_the_joint_weights_where_it_does_not_help(place, monkeypatch):
    splits = load_named("uci_sentences")
    prepared = runs.prepare(splits, SETTINGS)
    joint, _ = runs.train("text_cnn", prepared, SETTINGS, SIZES, verbose=False)
    before = joint.model.get_weights()
    for task, after, changed in (("amazon", 0.25, False), ("yelp", 0.75, True)):
        scores = iter([0.5, after])
        monkeypatch.setattr(fine_tuning, "merit", lambda *_, s=scores: next(s))
        tuned = fine_tuning.fine_tune(joint, prepared, SETTINGS, task)
        assert list(tuned.tasks) == [task] and set(tuned.model.output) == {task}
        same = [
            any(np.array_equal(one, other) for other in before)
            for one in tuned.model.get_weights()
        ]
        assert all(same) != changed
    assert all(
        np.array_equal(a, b)
        for a, b in zip(before, joint.model.get_weights(), strict=True)
    )


def test_training_again_on_both_parts(place):
    """The second training has all rows, the epochs of the best score, no choice."""
    splits, calls = splits_of(a=["0", "1"] * 12), []

    def measure(name, splits, settings, keywords, folder):
        calls.append((len(splits.train), len(splits.valid), settings.epochs, folder))
        score = 0.5 + len(calls)
        return {"valid": score, "test": score, "seconds": score, "best_epoch": 3}

    facts = Family.measure_retrained(
        SimpleNamespace(measure=measure),
        "text_cnn",
        splits,
        ClassificationSettings(epochs=9),
        {},
        place,
    )
    assert facts == {"valid": 1.5, "test": 2.5, "seconds": 4.0, "best_epoch": 3}
    assert calls == [(24, 2, 9, place / "chosen"), (26, 0, 3, place / "again")]


def test_spread_is_that_of_a_sample():
    values = np.array([80.0, 82.0, 87.0])
    assert seeds.spread(values) == f"83.0 ± {np.std(values, ddof=1):.1f}"
    assert seeds.spread(values[:1]) == "80.0"


@pytest.mark.release
def test_defaults(place, capsys):
    options = ["--rows", "20", "all", "--seeds", "2", "--models", "linear"]
    defaults.main(["--data", "trec", *options, "--set", "weights=none"])
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("| trec")]
    assert [line.split("|")[2].strip() for line in lines] == ["20", "all"]
    facts = [
        json.loads(
            (place / f"runs/defaults/trec/all/{seed}/linear/facts.json").read_text()
        )
        for seed in (0, 1)
    ]
    scores = [100 * mean_of_main(fact["test"]) for fact in facts]
    baseline, model = (cell.strip() for cell in lines[1].split("|")[4:6])
    assert model == seeds.spread(np.array(scores))
    splits = load_named("trec")
    settings = defaults.FAMILY.settings_for("linear", splits, {})
    prepared = defaults.FAMILY.prepare(splits, settings)
    honest = baselines.evaluate_baselines(prepared, "test")["linear"]
    assert float(baseline.split("±")[0]) == pytest.approx(
        100 * mean_of_main(honest), abs=0.06
    )
    gain = re.search(
        r"\| mean over the baseline \| all .*\| ([+-][0-9.]+) +\|", printed
    )
    assert float(gain[1]) == pytest.approx(
        np.mean(scores) - 100 * mean_of_main(honest), abs=0.06
    )


@pytest.mark.parametrize(("ensemble", "auto"), [((), "60.0"), ((0.95, 0.8), "80.0")])
def test_auto_is_the_candidate_that_is_best_on_the_validation_part(
    ensemble, auto, place, capsys, monkeypatch
):
    def together(_name, _splits, settings, *_):
        assert settings.weights == "none", "as its members"
        found = [{"t": {"accuracy": score}} for score in ensemble] or [{}, {}]
        return dict(zip(("valid", "test"), found, strict=True))

    def measure(name, splits, settings, keywords, folder):
        valid, test = {"linear": (0.5, 0.9), "text_cnn": (0.7, 0.6)}[name]
        if settings.epochs == 3:
            valid, test = 0.9, 0.3
        return {"valid": {"t": {"accuracy": valid}}, "test": {"t": {"accuracy": test}}}

    monkeypatch.setattr(defaults, "_kept", measure)
    monkeypatch.setattr(defaults, "_together", together)
    monkeypatch.setattr(
        defaults.FAMILY, "candidates", lambda splits: ["linear", "text_cnn"]
    )
    found = {"majority": 0.2, "linear": 0.5, "linear on all tasks": 0.75}
    monkeypatch.setattr(
        defaults.baselines,
        "evaluate_baselines",
        lambda *_: {name: {"t": {"accuracy": score}} for name, score in found.items()},
    )
    models = ["text_cnn", "text_cnn:epochs=3", "linear"]
    options = ["--rows", "all", "--seeds", "1", "--models", *models]
    defaults.main(["--data", "trec", *options, "--set", "weights=none"])
    (line,) = [
        line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("| trec")
    ]
    cells = [cell.strip() for cell in line.split("|")[3:-1]]
    assert cells == ["20.0", "75.0", "60.0", "30.0", "90.0", auto]


def test_fewer_rows_are_nine_to_one(place):
    splits = load_named("trec")
    few = seeds.fewer(splits, 20, 0)
    assert (len(few.train), len(few.valid)) == (18, 2)
    assert few.test.texts == splits.test.texts
    assert set(few.train.texts) <= set(splits.train.texts)
    assert seeds.fewer(splits, 20, 1).train.texts != few.train.texts


def test_of_fewer_rows_the_training_part_has_every_label(place):
    splits = load_named("trec")
    rare = splits.train.texts[7]
    splits.train.labels["coarse"][7] = "ABBR"
    for seed in range(5):
        few = seeds.fewer(splits, 20, seed)
        assert rare in few.train.texts and len(few.train) == 18
        assert {*few.train.labels["coarse"]} == {*splits.train.labels["coarse"]}
