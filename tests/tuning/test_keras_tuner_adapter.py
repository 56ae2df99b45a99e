"""What the adapter relies on in keras-tuner: one test for each thing, by its name.

Where one of these fails under a newer keras-tuner, `zoo/tuning/keras_tuner_adapter.py`
is the place to mend it.
"""

from __future__ import annotations

import configparser
import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest

pytestmark = pytest.mark.tensorflow

keras_tuner = pytest.importorskip("keras_tuner")

import zoo  # noqa: E402
from zoo.tuning import Choice, Float, Int, keras_tuner_adapter  # noqa: E402
from zoo.tuning.keras_tuner_adapter import (  # noqa: E402
    HOLDS_FOR,
    OBJECTIVE,
    Asked,
    Loop,
    make_oracle,
    parameters,
)

ROOT = Path(zoo.__file__).parents[1]
SPACE = {"units": (Int(1, 99), {})}


def oracle(folder, algorithm="random", space=SPACE, **options):
    defaults = {
        "first": {"units": 5},
        "minimise": False,
        "epochs": 9,
        "trials": 100,
        "seconds": None,
        "seed": 0,
        "combinations": lambda: ({"units": 5 + n} for n in range(4)),
    }
    return make_oracle(
        algorithm, parameters(space), folder / "oracle.json", **{**defaults, **options}
    )


class Recorded(Loop):
    """Runs nothing; the objective is the number of units."""

    def __init__(self, made, folder, role="alone"):
        super().__init__(made, folder, role)
        self.calls = []

    def run(self, asked, *data):
        self.calls.append((asked, data))
        return float(asked.values["units"])

    def ended(self):
        self.calls.append("ended")


def asked_by(loop) -> list[Asked]:
    return [call[0] for call in loop.calls if call != "ended"]


def test_the_version():
    installed = version("keras-tuner")
    assert installed.startswith(f"{HOLDS_FOR}."), (
        f"keras_tuner_adapter.py holds for keras-tuner {HOLDS_FOR}, and {installed} is "
        "installed. Once the other tests of this file and of test_tuner.py pass with "
        "it, change HOLDS_FOR there and the bounds in setup.cfg."
    )


def test_the_bounds_of_the_extras_are_that_version():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    major, minor = map(int, HOLDS_FOR.split("."))
    for extra in ("tune", "test"):
        [line] = re.findall("keras-tuner.*", config["options.extras_require"][extra])
        lower, upper = line.removeprefix("keras-tuner").split(",")
        assert lower.startswith(f">={HOLDS_FOR}.") and upper == f"<{major}.{minor + 1}"


def test_no_other_module_touches_keras_tuner():
    touching = {
        path.name
        for path in (*ROOT.glob("zoo/**/*.py"), *ROOT.glob("benchmarks/**/*.py"))
        if re.search(r"(import|from) keras_tuner\b", path.read_text("utf-8"))
    }
    assert touching == {"keras_tuner_adapter.py"}


def test_conditions_of_configurations_keep_parameters_out(tmp_path):
    space = {
        "kind": (Choice("a", ["b", 1], None), {}),
        "rate": (Float(1e-4, 1e-2, log=True), {"kind": ['"a"', "null"]}),
        "size": (Int(16, 64, factor=2), {"kind": ['["b", 1]']}),
    }
    made = oracle(tmp_path, space=space, first={"kind": '"a"', "rate": 0.001})
    found = list(keras_tuner_adapter.first_values(made, tmp_path, 40))
    assert found[0] == {"kind": '"a"', "rate": 0.001}
    for values in found[1:]:
        assert (
            set(values) - {"kind"}
            == {'"a"': {"rate"}, "null": {"rate"}, '["b", 1]': {"size"}}[values["kind"]]
        )
    assert {values["size"] for values in found if "size" in values} == {16, 32, 64}
    rates = [values["rate"] for values in found if "rate" in values]
    assert sum(rate < 1e-3 for rate in rates) > len(rates) / 4


def test_values_survive_the_way_to_other_processes():
    space = parameters({"rate": (Float(0, 1), {}), "kind": (Choice(None, (1,)), {})})
    space.values.update({"rate": 0.1, "kind": "[1]", "tuner/trial_id": "0001"})
    message = space.to_proto()
    sent = type(message).FromString(message.SerializeToString())
    found = keras_tuner.HyperParameters.from_proto(sent).values
    assert found == {**space.values, "rate": pytest.approx(0.1, rel=1e-6)}


def test_an_oracle_asks_populate_space_for_every_trial(tmp_path, capfd, monkeypatch):
    made, ids = oracle(tmp_path, trials=3), []
    original = type(made).populate_space
    monkeypatch.setattr(
        type(made),
        "populate_space",
        lambda self, name: ids.append(name) or original(self, name),
    )
    loop = Recorded(made, tmp_path)
    loop.search("data")
    # Without `max_trials` names have four digits, and the last one asked for is none.
    assert ids == ["0000", "0001", "0002", "0003"]
    assert [asked.name for asked in asked_by(loop)] == ids[:3] == list(made.trials)
    assert loop.calls[0] == (Asked("0000", {"units": 5}, None, None, True), ("data",))
    assert loop.calls[1::2] == ["ended"] * 3
    scores = [trial.score for trial in made.trials.values()]
    assert scores == [asked.values["units"] for asked in asked_by(loop)]
    assert capfd.readouterr().out == "", "`verbose` is 0"


def test_an_oracle_calls_save_and_its_state_has_these_lists(tmp_path, monkeypatch):
    made, states = oracle(tmp_path, trials=1), []
    monkeypatch.setattr(
        type(made),
        "save",
        lambda self: states.append(json.loads(json.dumps(self.get_state()))),
    )
    Recorded(made, tmp_path).search()
    begun, ended = states
    assert begun["ongoing_trials"] == {"tuner0": "0000"} and begun["end_order"] == []
    # It still counts as running when it has ended.
    assert ended["ongoing_trials"] == {"tuner0": "0000"}
    assert ended["end_order"] == ["0000"] and ended["retry_queue"] == []


def test_what_waits_in_the_retry_queue_comes_first(tmp_path):
    made = oracle(tmp_path)
    Recorded(made, tmp_path)  # gives it a folder
    lost = made.create_trial("worker")
    made.reload()
    found = made.create_trial("other")
    assert found.trial_id == lost.trial_id and found.status == "RUNNING"
    assert found.hyperparameters.values == lost.hyperparameters.values
    assert made.create_trial("worker").trial_id == "0001"


def test_trials_come_back_from_their_state(tmp_path):
    made = oracle(tmp_path, trials=2)
    Recorded(made, tmp_path).search()
    again = oracle(tmp_path)
    again.reload()
    assert list(again.trials) == list(made.trials)
    for name, trial in again.trials.items():
        assert trial.get_state() == made.trials[name].get_state()
        assert trial.status == "COMPLETED"
        assert trial.metrics.get_best_value(OBJECTIVE) == trial.score


def test_the_objective_has_a_direction(tmp_path):
    for minimise, best in ((False, max), (True, min)):
        made = oracle(tmp_path / str(minimise), minimise=minimise, trials=5)
        made.path.parent.mkdir()
        Recorded(made, tmp_path / str(minimise)).search()
        [trial] = made.get_best_trials(1)
        assert trial.score == best(trial.score for trial in made.trials.values())


def test_a_seed_of_0_would_be_none(tmp_path):
    assert keras_tuner.Oracle(seed=0).seed != 0
    assert oracle(tmp_path, seed=0).seed == 1


def test_hyperband_adds_these_values(tmp_path):
    made = oracle(tmp_path, "hyperband", first={"units": 5}, trials=30)
    loop = Recorded(made, tmp_path)
    loop.search()
    first, *others = asked_by(loop)
    assert first.last and first.epochs is first.parent is None
    by_name = {asked.name: asked for asked in others}
    assert {asked.epochs for asked in others} == {1, 3, 9}
    for asked in others:
        assert asked.last == (asked.epochs == 9)
        if asked.parent is not None:
            assert by_name[asked.parent].epochs * 3 == asked.epochs
            assert by_name[asked.parent].values["units"] == asked.values["units"]
    assert any(asked.parent for asked in others)


def test_an_oracle_that_is_idle_is_asked_again_after_a_pause(tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(keras_tuner_adapter.time, "sleep", pauses.append)
    made = oracle(tmp_path, "grid", trials=3)
    original, answers = made.populate_space, ["IDLE", "IDLE"]
    monkeypatch.setattr(
        made,
        "populate_space",
        lambda name: {"status": answers.pop()} if answers else original(name),
    )
    loop = Recorded(made, tmp_path)
    loop.search()
    assert [asked.values["units"] for asked in asked_by(loop)] == [5, 6, 7]
    assert len(pauses) == 2


def test_an_error_of_a_trial_passes_and_one_behind_it_ends_the_search(tmp_path):
    class Failing(Recorded):
        def run(self, asked, *data):
            super().run(asked)
            raise ValueError("of the trial")

        def ended(self):
            if len(self.calls) == 2:
                raise LookupError("that is enough")

    made = oracle(tmp_path)
    with pytest.raises(LookupError, match="enough"):
        Failing(made, tmp_path).search()
    assert [trial.status for trial in made.trials.values()] == ["FAILED"] * 2


def test_what_keras_tuner_wrote_itself_is_not_read_again(tmp_path):
    Recorded(oracle(tmp_path, trials=1), tmp_path / "kt").search()
    [left] = (tmp_path / "kt" / "alone").glob("trial_*")
    Recorded(oracle(tmp_path), tmp_path / "kt", "other")
    assert left.exists()
    Recorded(oracle(tmp_path), tmp_path / "kt")
    assert not left.exists()


def test_bayesian_search_draws_so_many_points_first(tmp_path):
    assert oracle(tmp_path, "bayesian", trials=30).num_initial_points == 4
    many = {f"units{n}": (Int(1, 9), {}) for n in range(5)}
    made = oracle(tmp_path, "bayesian", many, trials=30)
    assert made.num_initial_points == 10
