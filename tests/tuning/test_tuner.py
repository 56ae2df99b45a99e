"""Searches as they run: processes, kills, failures, budgets, workers. No training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest
import toy_family

from zoo.families import _registry, families
from zoo.tuning import Choice, Int
from zoo.tuning.searching import make_plan
from zoo.tuning.trial import Job, in_process, run_trial

pytestmark = pytest.mark.tensorflow

PAGE = os.sysconf("SC_PAGE_SIZE")
MAIN = """
import sys, pathlib, test_tuner as tests
if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    tests.run(tests.plan(folder, tests.KILLED, processes=True))
"""
KILLED = {"0002": {"2": "kill the search"}}


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """The toy is a family in these tests only, and in the processes that they start."""
    known = families()  # before the variable names a plugin, which loads once
    monkeypatch.setattr(_registry, "_FAMILIES", {**known, "toy": toy_family.FAMILY})
    monkeypatch.setenv("ZOO_PLUGINS", "toy_plugin")


@pytest.fixture(autouse=True)
def no_clean_up(monkeypatch):
    """Keras's takes half a second a trial, and these have nothing to clean up."""
    import keras

    monkeypatch.setattr(keras.backend, "clear_session", lambda: None)


def plan(folder, script=None, **options):
    """A claimed plan of the toy; `script` says what its trials do, see toy_family."""
    folder.mkdir(exist_ok=True)
    (folder / "script.json").write_text(json.dumps(script or {}))
    defaults = {
        "trials": 4,
        "algorithm": "random",
        "objective": None,
        "max_time": None,
        "ranges": toy_family.RANGES,
        "fixed": {"epochs": 4},
        "only": ["units"],
        "budget": None,
        "seed": 0,
        "processes": False,
        "family": "toy",
    }
    made = make_plan(
        ["lstm"], toy_family.splits(), folder=folder, **{**defaults, **options}
    )
    made.claim("data")
    return made


def run(made):
    from zoo.tuning.tuner import run_search

    run_search(made, toy_family.splits())
    return made.results()


def epochs(made):
    """Lines of trial, epoch, process and rows of the test part, in their order."""
    lines = (made.folder / "epochs.txt").read_text().splitlines()
    return [tuple(line.split()) for line in lines]


def resident() -> float:
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 2**20


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_memory_stays_flat_over_50_trials_in_processes(tmp_path, monkeypatch):
    # The processes need not import pytest's main module, as they otherwise would.
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    # Each leaves 8 MB behind: in one process that would be 400 MB. A worker that other
    # tests have used may grow by some megabytes of its own.
    short = plan(tmp_path / "short", trials=5, fixed={"epochs": 1}, processes=True)
    run(short)
    before = resident()
    made = plan(tmp_path / "long", trials=50, fixed={"epochs": 1}, processes=True)
    results = run(made)
    assert len(results) == 50
    assert {result["status"] for result in results.values()} == {"done"}
    assert len({process for _, _, process, _ in epochs(made)}) == 50
    grown = resident() - before
    print(f"{grown:.2f} MB more after 50 trials")
    assert grown < 40
    run(plan(tmp_path / "inside", trials=10, fixed={"epochs": 1}))
    assert resident() - before > 60, "the measure would see it"
    toy_family._LEAK.clear()


@pytest.mark.slow
def test_a_killed_search_loses_nothing(tmp_path):
    made = plan(tmp_path, KILLED, processes=True)
    main = tmp_path / "main.py"
    main.write_text(MAIN)
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    command = [sys.executable, str(main), str(tmp_path)]
    options = {"env": {**os.environ, "PYTHONPATH": path}, "capture_output": True}
    killed = subprocess.run(command, **options)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    kept = made.results()
    assert list(kept) == ["0000", "0001"]
    resumed = run(made)
    assert len(resumed) == 4
    assert {name: resumed[name] for name in kept} == kept
    done = [(name, epoch) for name, epoch, *_ in epochs(made)]
    assert sorted(done) == [(f"000{n}", str(e)) for n in range(4) for e in range(4)]


def test_an_interrupt_goes_on_with_the_same_values(tmp_path, monkeypatch):
    made = plan(tmp_path, trials=6)
    whole = run(plan(tmp_path / "whole", trials=6))
    original, calls = toy_family.trial, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    monkeypatch.setattr(toy_family.FAMILY, "trial", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(made)
    assert list(made.results()) == ["0000", "0001"]
    found = run(made)
    assert [r["keywords"] for r in found.values()] == [
        r["keywords"] for r in whole.values()
    ]


def test_a_changed_search_is_refused_with_the_difference(tmp_path):
    plan(tmp_path)
    plan(tmp_path, trials=9, processes=True, max_time=5.0, reevaluate=2)  # may change
    for options, line in (
        (
            {"ranges": {**toy_family.RANGES, "units": Int(1, 65)}},
            "space units: was '1 to 64', now '1 to 65'",
        ),
        ({"only": ["dropout"]}, "space dropout: was not there, now '0 to 0.7'"),
        ({"fixed": {"epochs": 5}}, "fixed epochs: was 4, now 5"),
        ({"algorithm": "grid"}, "algorithm: was 'random', now 'grid'"),
        ({"objective": "perplexity"}, "objective: was 'mean', now 'perplexity'"),
        ({"budget": {"parameters": 5}}, "budget parameters: was not there, now 5.0"),
        ({"seed": 1}, "seed: was 0, now 1"),
    ):
        with pytest.raises(ValueError, match="hold this search") as error:
            plan(tmp_path, **options)
        assert line in str(error.value)
    with pytest.raises(ValueError, match="data: was 'data', now 'other'"):
        plan(tmp_path).claim("other")


def test_failures_are_shown_once_a_kind_and_do_not_end_a_search(tmp_path, capfd):
    script = {f"000{n}": {"1": "fail"} for n in (0, 3, 5)}
    script |= {"0004": {"2": "fail otherwise"}}
    found = run(plan(tmp_path, script, trials=7))
    statuses = [result["status"] for result in found.values()]
    assert statuses == ["failed", "done", "done", "failed", "failed", "failed", "done"]
    said = capfd.readouterr().err
    assert said.count("ValueError: a failure of one kind") == 1
    assert said.count("KeyError: 'another kind'") == 1
    assert said.count("Traceback") == 2
    assert said.count("toy_family.py") == 2 * 2
    oracle = json.loads((tmp_path / "oracle.json").read_text())
    scores = [trial["score"] for trial in oracle["trials"]]
    worst = min(found[name]["objective"] for name in ("0001", "0002"))
    assert scores[3] == worst, "the oracle learns to stay away"


def test_a_search_in_which_all_fails_ends(tmp_path):
    from zoo.tuning.choosing import best_trial
    from zoo.tuning.tuner import AllFailed

    script = {f"000{n}": {"0": "fail"} for n in range(9)}
    made = plan(tmp_path, script, trials=9)
    with pytest.raises(AllFailed, match="first 3 trials failed: ValueError at .*toy"):
        run(made)
    assert len(made.results()) == 3
    with pytest.raises(RuntimeError, match="3 failed, 0 over"):
        best_trial(made, made.results())


def test_a_process_that_is_killed_is_a_failed_trial(tmp_path):
    made = plan(tmp_path, {"0000": {"1": "die"}})
    job = made.job("0000", {"units": 3}, deadline=None)
    result = in_process(job, toy_family.splits())
    assert result["status"] == "failed"
    assert "signal 9; out of memory" in result["error"]["kind"]
    assert "log.txt" in result["error"]["traceback"]
    # What it had done is there for whoever tries again.
    (job.folder / "result.json").unlink()
    assert run_trial(job, toy_family.splits())["epochs"] == 4
    assert [epoch for _, epoch, *_ in epochs(made)] == ["0", "1", "2", "3"]


def test_budgets(tmp_path):
    from zoo.tuning.choosing import best_trial

    made = plan(tmp_path, trials=9, budget={"parameters": 3000})
    found = run(made)
    for result in found.values():
        small = 100 * result["keywords"]["units"] <= 3000
        assert result["status"] == ("done" if small else "over budget")
        assert result["parameters"] == 100 * result["keywords"]["units"]
    trained = {name for name, *_ in epochs(made)}
    assert trained == {n for n, r in found.items() if r["status"] == "done"}
    best = found[best_trial(made, found)]["keywords"]["units"]
    assert best == max(
        r["keywords"]["units"] for r in found.values() if r["status"] == "done"
    )


def test_hyperband_goes_on_from_its_parents_checkpoints(tmp_path):
    made = plan(tmp_path, algorithm="hyperband", trials=16, fixed={"epochs": 9})
    found = run(made)
    children = {n: r["parent"] for n, r in found.items() if r["parent"]}
    assert children
    log = epochs(made)
    for child, parent in children.items():
        own = [int(epoch) for name, epoch, *_ in log if name == child]
        theirs = [int(epoch) for name, epoch, *_ in log if name == parent]
        assert own == list(range(theirs[-1] + 1, found[child]["settings"]["epochs"]))
        assert found[child]["epochs"] == found[child]["settings"]["epochs"]
        assert found[child]["keywords"] == found[parent]["keywords"]


def test_models_that_nobody_asks_for_are_removed(tmp_path):
    made = plan(tmp_path, trials=9)
    found = run(made)
    kept = {path.parent.name for path in made.trials_folder.glob("*/model")}
    # Parameters grow with the objective here: each trial is on the Pareto front.
    assert kept == set(found)
    made = plan(tmp_path / "cost", trials=9, objective="perplexity")
    found = run(made)
    smallest = min(found, key=lambda name: found[name]["objective"])
    kept = {path.parent.name for path in made.trials_folder.glob("*/model")}
    assert kept == {"0000", smallest}
    assert not list(made.trials_folder.glob("*/checkpoints"))


def test_no_trial_sees_the_test_part(tmp_path):
    from zoo.data.parts import without_test
    from zoo.tuning.tuner import run_search

    made = plan(tmp_path, trials=2)
    splits = toy_family.splits()
    run_search(made, without_test(splits))
    assert {rows for *_, rows in epochs(made)} == {"0"}
    assert len(splits.test) == 2


def test_a_search_that_has_time_no_more_ends(tmp_path):
    made = plan(tmp_path, trials=50, max_time=1e-6)
    assert run(made) == {}
    more = plan(tmp_path, trials=2, max_time=3600.0)
    assert len(run(more)) == 2


@pytest.mark.slow
def test_two_workers_and_a_chief_and_a_worker_that_dies(tmp_path, capfd):
    from zoo.tuning.workers import run_workers

    # No trial goes on before two processes have come, so both must work; one of them
    # is killed in a trial, and the one that is started in its place goes on with it.
    script = {"meet": 2, "0003": {"1": "die"}}
    made = plan(tmp_path, script, trials=8, algorithm="hyperband", fixed={"epochs": 4})
    run_workers(made, toy_family.splits(), 2)
    found = made.results()
    assert len(found) == 8
    assert {result["status"] for result in found.values()} == {"done"}
    assert (tmp_path / "die.done").exists()
    own = [
        (epoch, process) for name, epoch, process, _ in epochs(made) if name == "0003"
    ]
    assert [epoch for epoch, _ in own] == sorted({epoch for epoch, _ in own})
    oracle = json.loads((tmp_path / "oracle.json").read_text())
    assert sorted(oracle["oracle"]["end_order"]) == sorted(found)
    assert "trial 0007" in capfd.readouterr().err


@pytest.mark.parametrize(
    "options, message",
    [
        ({"algorithm": "genetic"}, "`algorithm` must be one of hyperband"),
        ({"trials": 0}, "`trials` must be above 0"),
        ({"max_time": -1.0}, "`max_time` must be above 0"),
        ({"objective": "f1"}, "Accepted: mean, perplexity.*'f1'"),
        ({"budget": {"weight": 3}}, "`budget` must limit"),
        ({"budget": {"latency": "fast"}}, "`budget` must limit"),
        ({"budget": ["parameters=-1"]}, "`budget` must limit"),
        (
            {"algorithm": "hyperband", "ranges": {"epochs": Choice(1, 2)}, "fixed": {}},
            "`epochs` cannot be searched by Hyperband",
        ),
    ],
)
def test_arguments_of_no_use(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        plan(tmp_path, **options)


def test_a_job_continues_no_parent_that_failed(tmp_path):
    (tmp_path / "script.json").write_text("{}")
    job = Job(
        tmp_path / "trials" / "0001",
        "toy",
        "lstm",
        {"epochs": 2},
        {"units": 1},
        parent=tmp_path / "trials" / "0000",
    )
    assert run_trial(job, toy_family.splits())["epochs"] == 2


def test_an_objective_that_is_no_number_is_a_failure(tmp_path):
    (tmp_path / "script.json").write_text("{}")
    job = Job(
        tmp_path / "trials" / "0001",
        "toy",
        "lstm",
        {"epochs": 2},
        {"units": 1},
        objective="r2",
    )
    result = run_trial(job, toy_family.splits())
    assert result["status"] == "failed"
    assert "'r2' must be a finite number" in result["error"]["traceback"]
