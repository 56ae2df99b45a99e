"""The choice of a trial: the best few are trained again with new seeds. No training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import test_searching
import toy_family
from test_tuner import no_clean_up, plan, run, toy  # noqa: F401

from zoo.tuning import callbacks
from zoo.tuning.choosing import Candidate, chosen, decide
from zoo.tuning.objective import Objective
from zoo.tuning.report import _reevaluation, summary
from zoo.tuning.searching import SearchResult
from zoo.tuning.trial import Job, read_result, run_trial

pytestmark = pytest.mark.tensorflow

SEEDS = {"0000": 0.5, "0001": 0.9, "0002": 0.8, "0003": 0.4}  # first scores


def scores(**again):
    """A script: the first scores, and those with new seeds as `t0001=(0.3, 0.4)`."""
    found = dict(SEEDS)
    for name, values in again.items():
        found |= {f"{name[1:]}-seed{n}": v for n, v in enumerate(values, 1)}
    return {"scores": found}


LUCKY = scores(t0000=(0.5, 0.5), t0001=(0.3, 0.4), t0002=(0.8, 0.7), t0003=(0.4, 0.4))


def choose(made, workers=1):
    return decide(made, toy_family.splits(), made.results(), workers)


def trained(made) -> list[str]:
    """The trainings of the search with an entry for each epoch."""
    lines = (made.folder / "epochs.txt").read_text().splitlines()
    return [line.split()[0] for line in lines]


def candidate(trial, *found, status="done"):
    return Candidate(trial, {}, Path(), tuple(range(len(found))), found, status)


def test_a_lucky_first_score_does_not_win(tmp_path):
    made = plan(tmp_path, LUCKY, reevaluate=3)
    assert max(run(made).items(), key=lambda row: row[1]["objective"])[0] == "0001"
    found = choose(made)
    assert found.trial == "0002"
    assert found.objective == pytest.approx((0.8 + 0.8 + 0.7) / 3)
    assert found.folder == made.trials_folder / "0002"
    assert list(found.candidates) == ["0000", "0001", "0002", "0003"]
    lucky = found.candidates["0001"]
    assert lucky.seeds == (0, 1, 2) and lucky.scores == (0.9, 0.3, 0.4)
    assert lucky.spread == pytest.approx(0.3215, abs=1e-4)
    new = [name for name in trained(made) if "-" in name]
    assert len(new) == 4 * 2 * 4, "trials, seeds, epochs"
    assert not list(tmp_path.glob("reevaluated/*/model"))
    assert not list(tmp_path.glob("reevaluated/*/checkpoints"))


def test_without_it_the_first_scores_decide(tmp_path):
    made = plan(tmp_path, LUCKY, reevaluate=0)
    run(made)
    found = choose(made)
    assert found.trial == "0001" and found.objective == 0.9
    assert not found.candidates and not (tmp_path / "reevaluated").exists()


@pytest.mark.parametrize("number", [-1, 1.5, True, "3"])
def test_numbers_of_no_use(tmp_path, number):
    with pytest.raises(ValueError, match="`reevaluate` must be a number of trials. A"):
        plan(tmp_path, reevaluate=number)


def test_the_best_few_and_the_defaults(tmp_path):
    made = plan(tmp_path, LUCKY, reevaluate=1)
    run(made)
    found = choose(made)
    assert list(found.candidates) == ["0000", "0001"]
    assert found.trial == "0000", "0.53 against 0.50 is not more than the noise"
    one = plan(tmp_path / "one", LUCKY, trials=1, reevaluate=3)
    run(one)
    assert choose(one).trial == "0000"
    assert set(trained(one)) == {"0000"}, "nothing to choose between"


def test_a_gain_within_one_standard_error_keeps_the_defaults():
    mean = Objective("mean")
    defaults = candidate("0000", 0.80, 0.82, 0.84)
    # The pooled standard deviation is 0.02, so the standard error is 0.0163.
    assert chosen(mean, [defaults, candidate("1", 0.81, 0.83, 0.85)], "0000") == "0000"
    assert chosen(mean, [defaults, candidate("1", 0.82, 0.84, 0.86)], "0000") == "1"
    assert chosen(mean, [defaults, candidate("1", 0.80, 0.82, 0.84)], "0000") == "0000"
    # Equal scores have no noise; still, a tie keeps the defaults.
    even = candidate("0000", 0.5, 0.5)
    assert chosen(mean, [even, candidate("1", 0.5, 0.5)], "0000") == "0000"
    assert chosen(mean, [even, candidate("1", 0.51, 0.51)], "0000") == "1"
    # A cost is better if it is smaller.
    cost = Objective("perplexity")
    rows = [candidate("0000", 90.0, 92.0), candidate("1", 80.0, 82.0)]
    assert chosen(cost, rows, "0000") == "1"
    assert chosen(mean, rows, "0000") == "0000"


def test_trials_without_a_new_seed_are_not_chosen():
    mean = Objective("mean")
    late = candidate("1", 0.9, status="out of time")
    failed = candidate("2", 0.9, 0.9, status="failed")
    start = candidate("0000", 0.5, 0.5)
    assert chosen(mean, [start, late, failed], "0000") == "0000"
    assert chosen(mean, [start, late, candidate("3", 0.6, 0.6)], "0000") == "3"
    # The first score of the defaults was not selected, so it counts.
    assert chosen(mean, [candidate("0000", 0.5), candidate("3", 0.4, 0.4)], "0000") == (
        "0000"
    )
    assert chosen(mean, [late, candidate("3", 0.4, 0.4)], "0000") == "3"
    assert chosen(mean, [candidate("0000", 0.5), late], "0000") is None


def test_a_training_that_fails_again_is_not_chosen(tmp_path, capfd):
    script = {**LUCKY, "0002-seed2": {"1": "fail"}, "0001-seed1": {"0": "fail"}}
    made = plan(tmp_path, script, reevaluate=3)
    run(made)
    found = choose(made)
    assert found.trial == "0000"
    assert [c.status for c in found.candidates.values()] == [
        "done",
        "failed",
        "failed",
        "done",
    ]
    said = capfd.readouterr().err
    assert "trial 0002 again, seed 2: failed" in said
    assert "ValueError: a failure of one kind" in said


def test_an_interrupted_choice_continues_with_the_same_scores(tmp_path):
    whole = plan(tmp_path / "whole", LUCKY, reevaluate=2)
    run(whole)
    wanted = choose(whole)
    script = {**LUCKY, "0002-seed1": {"2": "interrupt"}}
    made = plan(tmp_path / "made", script, reevaluate=2)
    run(made)
    with pytest.raises(KeyboardInterrupt):
        choose(made)
    kept = {
        path: path.stat().st_mtime_ns
        for path in made.folder.glob("reevaluated/*/result.json")
    }
    assert sorted(path.parent.name for path in kept) == ["0000-seed1", "0001-seed1"]
    found = choose(made)
    assert found.trial == wanted.trial and found.objective == wanted.objective
    assert {n: (c.seeds, c.scores) for n, c in found.candidates.items()} == {
        n: (c.seeds, c.scores) for n, c in wanted.candidates.items()
    }
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert sorted(trained(made)) == sorted(trained(whole)), "no epoch was lost"
    before = trained(made)
    assert choose(made).objective == found.objective
    assert trained(made) == before, "a further call trains nothing"


def test_other_trainings_in_the_folder_are_not_taken(tmp_path):
    made = plan(tmp_path, LUCKY, reevaluate=1)
    run(made)
    choose(made)
    path = tmp_path / "reevaluated" / "0001-seed1" / "result.json"
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "keywords": {"units": 0}, "objective": 7.0}))
    assert choose(made).candidates["0001"].scores == (0.9, 0.3, 0.4)


def test_a_share_of_the_time_is_reserved(tmp_path):
    assert plan(tmp_path, max_time=100.0, reevaluate=3).search_seconds == 70.0
    assert plan(tmp_path, max_time=100.0, reevaluate=0).search_seconds == 100.0
    made = plan(tmp_path, LUCKY, reevaluate=3)
    run(made)
    assert made.search_seconds is None
    # All of the time was spent: nothing begins, and the first scores decide.
    oracle = json.loads((tmp_path / "oracle.json").read_text())
    (tmp_path / "oracle.json").write_text(json.dumps({**oracle, "spent": 1e6}))
    late = replace(made, seconds=1e6)
    found = choose(late)
    assert found.trial == "0001" and found.objective == 0.9
    assert found.candidates["0001"].status == "out of time"
    assert "-seed" not in " ".join(trained(made))
    # With more, the same call continues; the time of both parts is counted.
    assert choose(replace(made, seconds=2e6)).trial == "0002"
    spent = json.loads((tmp_path / "reevaluated.json").read_text())["spent"]
    assert 0 < spent < 1e5
    (tmp_path / "reevaluated.json").write_text(json.dumps({"spent": 1e6}))
    (tmp_path / "reevaluated" / "0002-seed2" / "result.json").unlink()
    found = choose(replace(made, seconds=2e6))
    assert found.candidates["0002"].scores == (0.8, 0.8)


def test_a_training_that_the_deadline_cuts_has_no_result(tmp_path):
    made = plan(tmp_path, LUCKY)
    job = made.job("0001", {"units": 3}, deadline=0.0)
    job = replace(job, whole=True)
    assert run_trial(job, toy_family.splits())["status"] == "out of time"
    assert read_result(job.folder) is None
    later = replace(job, deadline=None)
    assert run_trial(later, toy_family.splits())["objective"] == 0.9


def test_hyperband_trains_with_all_epochs(tmp_path):
    made = plan(
        tmp_path, algorithm="hyperband", trials=16, fixed={"epochs": 9}, reevaluate=9
    )
    results = run(made)
    found = choose(made)
    assert list(found.candidates)[0] == "0000"
    kinds = [json.dumps(results[name]["keywords"]) for name in found.candidates]
    assert len(set(kinds)) == len(kinds), "a configuration occurs once"
    for name, one in found.candidates.items():
        short = results[name]["settings"]["epochs"] < 9
        # The first score was of fewer epochs, so that seed is trained again as well.
        own = tmp_path / "reevaluated" / f"{name}-seed0"
        assert own.exists() == short
        assert one.folder == (own if short else made.trials_folder / name)
        assert one.seeds == (0, 1, 2)
        assert one.result["settings"]["epochs"] == one.result["epochs"] == 9
        assert (one.folder / "model").exists()
        assert len(set(one.scores)) == 1, "the toy depends on units and epochs alone"
    assert any(results[name]["settings"]["epochs"] < 9 for name in found.candidates)


def test_models_of_candidates_are_kept(tmp_path):
    # The objective falls with the size, so the Pareto front has one trial.
    made = plan(tmp_path, trials=9, objective="perplexity", reevaluate=3)
    results = run(made)
    kept = {path.parent.name for path in made.trials_folder.glob("*/model")}
    assert kept == set(made.candidates(results)) and len(kept) == 4
    # A search that had removed them trains with the first seed as well.
    wide = replace(made, reevaluate=4)
    added = set(wide.candidates(results)) - kept
    found = choose(wide)
    assert {path.name for path in tmp_path.glob("reevaluated/*-seed0")} == {
        f"{name}-seed0" for name in added
    }
    assert {len(c.seeds) for c in found.candidates.values()} == {3}


def test_the_report_states_the_choice(tmp_path):
    made = plan(tmp_path, LUCKY, reevaluate=2)
    run(made)

    def page(found):
        result = SearchResult(
            found.trial,
            "lstm",
            found.result["settings"],
            found.result["keywords"],
            found.objective,
            {},
            1,
            made.results(),
            tmp_path,
            None,
            found.candidates,
        )
        return _reevaluation(made, result), summary(made, result)

    table, text = page(choose(made))
    lines = [[c.strip() for c in line.split("|")[1:-1]] for line in table.splitlines()]
    assert ["trial", "seeds", "mean", "mean ± spread", ""] in lines
    assert ["0000", "0, 1, 2", *["0.5000, 0.5000, 0.5000", "0.5000 ± 0.0000"]] == (
        lines[-3][:4]
    )
    assert lines[-1][3:] == ["0.7667 ± 0.0577", "chosen"]
    assert lines[-2][4] == "" and lines[-3][4] == "defaults"
    assert "one standard error of the difference, which is 0.1540 here" in table
    assert "3 trained again with new seeds. Best: trial 0002, mean valid mean " in text
    assert "0.7667; the defaults except" in text and "(difference +0.2667)" in text
    short = choose(replace(made, reevaluate=0))
    assert page(short)[0] == ""


@pytest.mark.slow
def test_in_processes_and_by_two_workers(tmp_path):
    made = plan(tmp_path, LUCKY, reevaluate=3)
    run(made)
    script = {**LUCKY, "meet": 2}  # no training goes on before two processes are there
    (tmp_path / "script.json").write_text(json.dumps(script))
    found = choose(made, workers=2)
    assert found.trial == "0002"
    again = plan(tmp_path / "again", LUCKY, reevaluate=1, processes=True)
    run(replace(again, processes=False))
    assert choose(again).trial == "0000"
    processes = {
        line.split()[2]
        for line in (again.folder / "epochs.txt").read_text().splitlines()
        if "-seed" in line
    }
    assert len(processes) == 2 * 2


@pytest.mark.slow
def test_a_cut_training_of_a_model_continues_bit_for_bit(tmp_path, monkeypatch):
    steps: list[int] = []

    def clock() -> float:
        steps.append(1)
        return 0.0 if len(steps) < 9 else 2.0  # late in the second epoch of six steps

    whole = Job(
        tmp_path / "whole",
        "classification",
        "text_cnn",
        {"seed": 1, "epochs": 3, "batch_size": 8, "least_steps": 6, "average": 0.5},
        {"embedding_dim": 4, "windows": [1], "maps": 3, "dropout": 0.5},
        whole=True,
    )
    expected = run_trial(whole, test_searching.splits())
    assert expected["status"] == "done" and expected["epochs"] == 3
    cut = replace(whole, folder=tmp_path / "cut")
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(monotonic=clock))
    late = run_trial(replace(cut, deadline=1.0), test_searching.splits())
    assert late["status"] == "out of time" and len(steps) == 9
    assert read_result(cut.folder) is None
    found = run_trial(cut, test_searching.splits())
    assert found["curve"] == expected["curve"]
    assert found["scores"] == expected["scores"]
