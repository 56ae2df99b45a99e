"""The oracles: what they draw, what they remember, and when they stop."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.tensorflow

pytest.importorskip("keras_tuner")

from zoo.tuning import Choice, Int  # noqa: E402
from zoo.tuning.keras_tuner_adapter import OBJECTIVE, BaseTuner  # noqa: E402
from zoo.tuning.oracles import decoded, drawn, encoded, make_oracle  # noqa: E402
from zoo.tuning.searched import searched_space  # noqa: E402
from zoo.tuning.searching import ALGORITHMS  # noqa: E402

MODELS = ["bilstm_mt", "mt_shared"]
SEARCHED = searched_space(MODELS)
SMALL = searched_space(
    ["lstm"], {"units": Int(1, 3), "peepholes": Choice(False, True)}, None, ["units"]
)


def oracle(folder, algorithm="random", searched=SMALL, **options):
    defaults = {
        "minimise": False,
        "epochs": 4,
        "trials": 100,
        "seconds": None,
        "seed": 0,
    }
    made = make_oracle(
        algorithm, searched, folder / "oracle.json", **{**defaults, **options}
    )
    BaseTuner(made, directory=folder / "kt", overwrite=True)
    made.searched = searched  # for `run`
    return made


def end(made, trial, value=0.5):
    made.update_trial(trial.trial_id, {OBJECTIVE: value})
    trial.status = "COMPLETED"
    made.end_trial(trial)


def run(made, count=1000):
    """Runs trials whose objective is their number of units; returns their values."""
    found = []
    while len(found) < count:
        trial = made.create_trial("a")
        if trial.status == "STOPPED":
            break
        values = decoded(made.searched, trial.hyperparameters.values)
        found.append(values)
        end(made, trial, float(values["units"]))
    return found


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_is_drawn_lies_in_the_space(algorithm):
    rows = list(drawn(algorithm, SEARCHED, 3, 20))
    assert len(rows) == 20
    assert rows[0] == SEARCHED.defaults()
    assert len({json.dumps(row) for row in rows}) == 20
    for values in rows:
        active = dict(SEARCHED.active(values))
        assert set(values) == set(active)
        assert all(value in active[name] for name, value in values.items())
        assert decoded(SEARCHED, encoded(SEARCHED, values)) == values
    assert {values["model"] for values in rows[1:]} == (
        {"bilstm_mt"} if algorithm == "grid" else set(MODELS)
    )
    assert rows == list(drawn(algorithm, SEARCHED, 3, 20)), "the seed decides"


def test_values_survive_single_precision():
    import numpy as np

    values = next(drawn("random", SEARCHED, 0, 2))
    rates = [row["learning_rate"] for row in drawn("random", SEARCHED, 0, 20)]
    for rate in rates:
        sent = encoded(SEARCHED, {**values, "learning_rate": rate})
        sent = {
            k: float(np.float32(v)) if isinstance(v, float) else v
            for k, v in sent.items()
        }
        assert decoded(SEARCHED, sent)["learning_rate"] == rate


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_small_space_is_exhausted(tmp_path, algorithm):
    if algorithm == "bayesian":
        pytest.skip("it may ask for a combination again")
    found = run(oracle(tmp_path, algorithm))
    assert {tuple(row.items()) for row in found} == {
        (("units", units), ("peepholes", peepholes))
        for units in (1, 2, 3)
        for peepholes in (False, True)
    }
    assert found[0] == {"units": 3, "peepholes": False}


@pytest.mark.slow
def test_bayesian_search_goes_to_where_it_is_good(tmp_path):
    searched = searched_space(["lstm"], {"units": Int(1, 1000)}, None, ["units"])
    found = run(oracle(tmp_path, "bayesian", searched, trials=12))
    assert sum(row["units"] > 900 for row in found[8:]) >= 2


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_reload_forgets_nothing_and_hands_out_what_was_running(tmp_path, algorithm):
    searched = searched_space(["lstm"], {"units": Int(1, 99, step=1)}, None, ["units"])
    whole = oracle(tmp_path / "whole", algorithm, searched)
    expected = run(whole, 8)
    first = oracle(tmp_path, algorithm, searched)
    found = run(first, 3)
    lost = first.create_trial("a")  # and the process dies
    again = oracle(tmp_path, algorithm, searched)
    again.reload()
    assert len(again.trials) == 4
    trial = again.create_trial("b")
    assert trial.trial_id == lost.trial_id
    assert trial.hyperparameters.values == lost.hyperparameters.values
    values = decoded(searched, trial.hyperparameters.values)
    end(again, trial, float(values["units"]))
    found += [values, *run(again, 4)]
    if algorithm == "bayesian":  # its draws of starting points are not in its state
        assert found[:4] == expected[:4] and len(found) == 8
    else:
        assert found == expected
    assert again.spent > 0


def test_a_trial_that_ended_is_not_handed_out_again(tmp_path):
    made = oracle(tmp_path)
    trial = made.create_trial("a")
    end(made, trial)
    # keras-tuner saves it as running still: a kill right here must not run it twice.
    state = json.loads((tmp_path / "oracle.json").read_text())["oracle"]
    assert trial.trial_id in state["ongoing_trials"].values()
    again = oracle(tmp_path)
    again.reload()
    assert again.create_trial("a").trial_id != trial.trial_id


def test_limits_may_be_raised(tmp_path):
    assert len(run(oracle(tmp_path, trials=3))) == 3
    again = oracle(tmp_path, trials=5)
    again.reload()
    assert len(run(again)) == 2
    late = oracle(tmp_path, trials=9, seconds=1e-9)
    late.reload()
    assert run(late) == []


def test_hyperband_trains_the_better_third_on(tmp_path):
    searched = searched_space(["lstm"], {"units": Int(1, 99, step=1)}, None, ["units"])
    made = oracle(tmp_path, "hyperband", searched, epochs=9)
    run(made, 30)
    rows = [trial.hyperparameters.values for trial in made.trials.values()]
    assert "tuner/epochs" not in rows[0], "the defaults train all their epochs"
    children = [row for row in rows if "tuner/trial_id" in row]
    assert children
    for child in children:
        parent = made.trials[child["tuner/trial_id"]].hyperparameters.values
        assert parent["units"] == child["units"]
        assert parent["tuner/epochs"] < child["tuner/epochs"] <= 9
        rivals = [
            row["units"]
            for row in rows[1:]
            if row["tuner/epochs"] == parent["tuner/epochs"]
            and row["tuner/bracket"] == parent["tuner/bracket"]
        ]
        assert child["units"] > sorted(rivals)[len(rivals) // 3]
