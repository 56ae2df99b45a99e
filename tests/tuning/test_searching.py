"""`zoo tune` and `zoo.tuning.search` from end to end, on tiny models of each family."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import tagged_toys

import zoo
from zoo.cli import main
from zoo.data import Examples, Splits
from zoo.families import get_family
from zoo.families.scores import named_scores
from zoo.tuning import Choice, Int, search
from zoo.tuning.trial import Job, in_process, run_trial

pytestmark = pytest.mark.tensorflow
FAMILY = get_family("classification")


def examples(rows: int, start: int = 0) -> Examples:
    """Texts whose second word tells the label."""
    texts, labels = [], []
    for row in range(start, start + rows):
        texts.append(f"a {('bad', 'good')[row % 2]} film of {row} parts")
        labels.append(("neg", "pos")[row % 2])
    return Examples(texts, {"label": labels})


def splits() -> Splits:
    return Splits(examples(48), examples(16, 48), examples(16, 64))


def write_table(path, data: Examples):
    pairs = zip(data.texts, data.labels["label"], strict=True)
    path.write_text("text,label\n" + "".join(f"{t},{y}\n" for t, y in pairs))
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for part in ("train", "valid", "test"):
        write_table(tmp_path / f"{part}.csv", getattr(splits(), part))
    return tmp_path


@pytest.mark.slow
def test_a_search_from_the_command_line(place, capsys, monkeypatch):
    asked = []
    original = FAMILY.score

    def score(text_model, splits, part):
        asked.append((part, len(splits.test)))
        return original(text_model, splits, part)

    monkeypatch.setattr(FAMILY, "score", score)
    command = [
        "tune",
        "text_cnn",
        "--data",
        "train.csv",
        "--valid",
        "valid.csv",
        "--test",
        "test.csv",
        "--trials",
        "2",
        "--algorithm",
        "grid",
        "--only",
        "dropout",
        "--range",
        "learning_rate=0.0001,0.05",
        "--fix",
        "embedding_dim=4",
        "maps=3",
        "windows=[1]",
        "epochs=2",
        "batch_size=8",
        "least_steps=1",
        "--budget",
        "latency=60s",
        "parameters=1e6",
        "--objective",
        "macro_f1",
        "--retrain",
        "--reevaluate",
        "1",
        "--in-process",
    ]
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.err.count("trial 000") == 2 + 4
    out = place / "runs" / "tune-text_cnn"
    # The test part was not there before the end, and was read twice: by both models.
    # Both trials were trained with two more seeds before the choice.
    assert asked == [("valid", 0)] * 6 + [("test", 16)] * 2
    again = [path.name for path in sorted((out / "reevaluated").iterdir())]
    assert again == ["0000-seed1", "0000-seed2", "0001-seed1", "0001-seed2"]
    assert said.err.count("again, seed") == 4
    results = [
        json.loads((out / f"trials/000{n}/result.json").read_text()) for n in range(2)
    ]
    assert "2 trained again with new seeds. Best: trial 000" in said.out
    assert "mean valid macro_f1" in said.out
    assert "the defaults except learning_rate" in said.out
    for result in results:
        assert result["latency"] > 0 and result["memory"] > 50
        assert result["objective"] == result["scores"]["macro_f1"]
    card = json.loads((out / "model/metadata.json").read_text())["card"]
    tested = json.loads((out / "conclusion.json").read_text())["test"]["best"]
    assert card["test"] == tested and f"{tested['macro_f1']:.4f}" in card["table"]
    page = (out / "report.md").read_text()
    for part in (
        "## Choice",
        "## Pareto front",
        "## Trials",
        "read once",
        "latency, ms",
        "memory",
        "zoo train text_cnn --set",
        "learning_rate: 0.0001, 0.05",
        "objective.png",
        "parallel_coordinates.png",
    ):
        assert part in page
    assert {path.name for path in out.glob("*.png")} == {
        "objective.png",
        "parallel_coordinates.png",
    }
    assert_hparams(out / "tensorboard" / "0001", results[1])
    # The best was trained again, on both parts, and exported.
    text_model = zoo.load(out)
    assert text_model.metadata["settings"]["epochs"] in (1, 2)
    assert (place / "saved_models" / "text_cnn" / "1" / "saved_model.pb").exists()
    assert main(["predict", str(out), "a good film of 3 parts"]) == 0
    capsys.readouterr()

    # The same command once more has nothing to do, and reads no test part again.
    stamp = (out / "model" / "metadata.json").stat().st_mtime_ns
    assert main(command) == 0
    assert len(asked) == 8
    assert (out / "model" / "metadata.json").stat().st_mtime_ns == stamp
    assert not (place / "saved_models" / "text_cnn" / "2").exists()
    # A changed one is refused.
    assert main([*command, "--seed", "7"]) == 2
    assert "seed: was 0, now 7" in capsys.readouterr().err


def assert_hparams(folder, result):
    import tensorflow as tf

    summaries = {}
    for file in folder.iterdir():
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            summaries.update({value.tag: value for value in event.summary.value})
    assert "_hparams_/session_start_info" in summaries
    found = tf.make_ndarray(summaries["macro_f1"].tensor)
    assert found == pytest.approx(result["objective"])
    content = summaries["_hparams_/session_start_info"].metadata.plugin_data.content
    assert b"dropout" in content and b"learning_rate" in content


@pytest.mark.slow
def test_a_language_model(tmp_path):
    texts = [f"the cat {('sat', 'ran')[row % 2]} on mat {row % 5}" for row in range(60)]
    parts = [Examples(texts[start::3], {}) for start in range(3)]
    found = search(
        "lstm_lm",
        Splits(*parts),
        folder=tmp_path / "lm",
        trials=2,
        algorithm="random",
        ranges={"units": Int(2, 9)},
        only=["dropout"],
        fixed={"embedding_dim": 4, "depth": 1, "epochs": 1, "window": 5},
        budget={"parameters": 100_000},
        reevaluate=0,
        retrain=True,
    )
    values = [result["objective"] for result in found.trials.values()]
    assert found.objective == min(values) > 1
    assert set(found.test) == {"best", "defaults"}
    assert found.test["best"]["perplexity"] > 1
    assert zoo.load(found.folder).generate(["the cat"], max_tokens=2)
    assert "valid perplexity" in found.summary
    assert found.exported is None


@pytest.mark.release
def test_a_tagger(tmp_path):
    sizes = {k: v for k, v in tagged_toys.SIZES.items() if "character" not in k}
    sizes |= {"characters": "none", "epochs": 1, "learning_rate": 0.03, "buckets": 1}
    found = search(
        "bilstm_tagger",
        tagged_toys.splits(),
        folder=tmp_path / "t",
        trials=1,
        objective="f1",
        ranges={"scheme": Choice("BIOES", "IOB1")},
        only=["scheme"],
        fixed=sizes,
        retrain=True,
    )
    assert found.settings["scheme"] == "BIOES"
    scores = found.trials[found.trial]["scores"]
    assert found.objective == scores["f1"]
    assert {"mean", "f1", f"{tagged_toys.SLOTS}:f1", "intent:accuracy"} <= set(scores)
    assert scores["f1"] == scores[f"{tagged_toys.SLOTS}:f1"]
    assert zoo.load(found.folder).predict(["go to New1 York"])[0]["tags"]


@pytest.mark.slow
def test_more_epochs_in_steps_are_the_same_training(tmp_path):
    """What Hyperband does, in two processes, against one training."""
    first = {"average": 0.5, "epochs": 1, "batch_size": 8, "learning_rate": 0.02}
    first["least_steps"] = 1
    keywords = {"embedding_dim": 4, "windows": [1], "maps": 3, "dropout": 0.5}
    folder, family = tmp_path / "trials", "classification"

    def job(name, epochs, parent=None):
        settings = {**first, "epochs": epochs}
        return Job(
            folder / name,
            family,
            "text_cnn",
            settings,
            keywords,
            parent=parent and folder / parent,
        )

    parent = in_process(job("0001", 1), splits())
    assert parent["status"] == "done", (folder / "0001" / "log.txt").read_text()
    child = run_trial(job("0002", 3, "0001"), splits())
    whole = run_trial(job("0003", 3), splits())
    assert child["status"] == "done", child["error"]["traceback"]
    assert child["epochs"] == whole["epochs"] == 3
    assert child["curve"] == whole["curve"]
    assert child["scores"] == whole["scores"]
    assert child["curve"][:1] == parent["curve"]
    assert not (folder / "0001" / "checkpoints").exists()


@pytest.mark.slow
def test_limits_of_a_training(tmp_path, monkeypatch):
    exported = []
    original = FAMILY.export

    def export(text_model, splits, folder):
        exported.append(original(text_model, splits, folder))
        return exported[-1]

    monkeypatch.setattr(FAMILY, "export", export)
    job = {
        "family": "classification",
        "model": "text_cnn",
        "settings": {"epochs": 5, "batch_size": 8, "least_steps": 1},
        "keywords": {"embedding_dim": 4, "windows": [1], "maps": 3},
    }
    late = Job(tmp_path / "late", budget={"latency": 1e-9}, deadline=0.0, **job)
    late = run_trial(late, splits())
    assert late["epochs"] == 1, "the first one, cut short"
    assert late["status"] == "over budget" and late["latency"] > 0
    assert late["objective"] is not None
    # The latency is that of an export, which was only written for it.
    assert len(exported) == 1 and not exported[0].exists()
    large = Job(tmp_path / "large", budget={"parameters": 10}, **job)
    large = run_trial(large, splits())
    assert large["status"] == "over budget" and large["parameters"] > 10
    assert "scores" not in large and not (tmp_path / "large" / "model").exists()


def test_dry_run_lists_space_and_trials(place, capsys):
    command = ["tune", "bilstm", "flstm", "--dry-run", "--algorithm", "random"]
    assert main([*command, "--only", "units", "rank", "--fix", "epochs=2"]) == 0
    said = capsys.readouterr().out
    assert 'rank: 8 to 64, each 2 times the one before; when model is "flstm"' in said
    assert 'model="bilstm" units=128\n' in said
    assert 'model="flstm" units=' in said and "epochs=2" in said
    assert list(place.iterdir()) and not (place / "runs").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["bilstn"], "did you mean 'bilstm'"),
        (["lstm", "--range", "units"], "KEY=RANGE"),
        (["lstm", "--range", "units=9:3"], "`low` must be below"),
        (["lstm", "--range", "unit=3:9"], "did you mean 'units'"),
        (["lstm", "--fix", "units"], "KEY=VALUE"),
        (["lstm", "--budget", "latency=fast"], "latency=TIME"),
        (["lstm", "lstm_lm"], "must belong to one family"),
        (["lstm", "--objective", "f2", "--data", "train.csv"], "Accepted: mean"),
        (["lstm_lm", "--data", "train.csv", "--range", "min_count=1:3"], "compared"),
    ],
)
def test_mistakes_cost_no_search(place, capsys, arguments, message):
    assert main(["tune", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said and "Traceback" not in said


def test_times_of_no_use(capsys):
    for text in ("soon", "0m", "-3m", "1d"):
        with pytest.raises(SystemExit):
            main(["tune", "lstm", f"--max-time={text}"])
        assert "such as 30m, 2h or 90s" in capsys.readouterr().err


def test_a_missing_extra_names_the_pip_line(monkeypatch, capsys):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "keras_tuner" else find(name, *rest),
    )
    assert main(["tune", "lstm"]) == 2
    said = capsys.readouterr().err
    assert "needs the package keras-tuner: pip install -e '.[tune]'." in said


def test_help_loads_no_tensorflow():
    code = (
        "import sys\nfrom zoo.cli import main\n"
        "try: main(['tune', '--help'])\nexcept SystemExit: pass\n"
        "assert not {'tensorflow', 'keras', 'keras_tuner'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "KERASTUNER_ORACLE_IP" in done.stdout


def test_scores_that_the_data_leave_undefined_are_not_there():
    undefined = {"r2": float("nan"), "mae": 0.5, "undefined": "the target is constant"}
    found = named_scores(float("nan"), {"price": undefined})
    assert found == {"mae": 0.5, "price:mae": 0.5}
