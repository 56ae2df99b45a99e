"""All that a search uses of keras-tuner, including its internals.

No other module of the package imports keras-tuner. Some of it is undocumented, so it is
valid for `HOLDS_FOR`; the tests of this file name each such detail.

keras-tuner writes its files in place. Here the state of an oracle is one file, replaced
atomically: a kill at any point keeps the old one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as kinds
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial

from zoo.models._search_space import Choice, Float, Int, Range, as_json
from zoo.text.inputs import fold_seed
from zoo.training.kept import intact, read_json, write_json
from zoo.tuning.plan import remedy

HOLDS_FOR = "1.4"  # the minor version of keras-tuner
OBJECTIVE = "objective"
_RUNNING, _STOPPED = "RUNNING", "STOPPED"
# Keys that Hyperband adds to the values of a trial.
_EPOCHS, _PARENT = "tuner/epochs", "tuner/trial_id"
_ROUND, _BRACKET = "tuner/round", "tuner/bracket"
_PATIENCE = 0.5  # seconds before a waiting worker asks again


_Oracle: Any = object  # base of the class below, for type checkers


class _Kept(_Oracle):
    """Mixin of an oracle: the defaults first, then its own choices, within limits.

    Args:
        path: path of the file with the state.
        first: values of the first trial.
        trials: maximum number.
        seconds: maximum time, over all runs of the search; or `None`.
        options: options of keras-tuner's oracle.
    """

    def __init__(
        self,
        path: Path,
        *,
        first: Mapping,
        trials: int,
        seconds: float | None,
        **options,
    ) -> None:
        self.path, self.first = path, first
        self.most, self.seconds = trials, seconds
        self._began, self._spent = time.monotonic(), 0.0
        super().__init__(**options)
        self.max_trials = None  # counted here, so that a later run may raise it
        self.verbose = 0

    @property
    def spent(self) -> float:
        """Returns the seconds of all runs of this search."""
        return self._spent + time.monotonic() - self._began

    def populate_space(self, trial_id: str) -> dict:
        late = self.seconds is not None and self.spent >= self.seconds
        if late or len(self.trials) >= self.most:
            return {"status": _STOPPED, "values": None}
        if not self.trials:
            return {"status": _RUNNING, "values": dict(self.first)}
        return super().populate_space(trial_id)

    def save(self) -> None:
        state = {
            "oracle": self.get_state(),
            "trials": [trial.get_state() for trial in self.trials.values()],
            "spent": self.spent,
        }
        write_json(self.path, state)

    def reload(self) -> None:
        """Reads the file; trials that were running are handed out again."""
        what_to_do = remedy(self.path.parent)
        kept = read_json(self.path, what_to_do)
        with intact(self.path, what_to_do):
            self._take(kept)

    def _take(self, kept: dict) -> None:
        self._spent = kept["spent"]
        self.trials = {}
        for found in kept["trials"]:
            trial = Trial.from_state(found)
            self.trials[trial.trial_id] = trial
        state = kept["oracle"]
        # It is saved before a finished trial leaves the list of running ones.
        ended = set(state["end_order"])
        running = [i for i in state["ongoing_trials"].values() if i not in ended]
        again = [i for i in state["retry_queue"] if i not in running]
        self.set_state({**state, "ongoing_trials": {}, "retry_queue": again + running})


class _Random(_Kept, keras_tuner.oracles.RandomSearchOracle):
    pass


class _Bayesian(_Kept, keras_tuner.oracles.BayesianOptimizationOracle):
    pass


class _Hyperband(_Kept, keras_tuner.oracles.HyperbandOracle):
    pass


class _Combinations(keras_tuner.Oracle):
    """All combinations in order. keras-tuner's own loses its position on reload."""

    def __init__(self, combinations: Callable[[], Iterator[dict]], **options) -> None:
        super().__init__(**options)
        self.combinations = combinations

    def populate_space(self, trial_id: str) -> dict:
        values = next(islice(self.combinations(), len(self.trials), None), None)
        return {"status": _STOPPED if values is None else _RUNNING, "values": values}


class _Grid(_Kept, _Combinations):
    pass


def make_oracle(
    algorithm: str,
    space: keras_tuner.HyperParameters,
    path: Path,
    *,
    first: Mapping,
    combinations: Callable[[], Iterator[dict]],
    minimise: bool,
    epochs: int,
    trials: int,
    seconds: float | None,
    seed: int,
) -> keras_tuner.Oracle:
    """Returns the oracle of an algorithm, with its state in one file.

    Args:
        algorithm: `"hyperband"`, `"bayesian"`, `"random"` or `"grid"`.
        space: space of `parameters`.
        path: path of the file.
        first: values of the first trial.
        combinations: returns all values of a grid, from the first one on.
        minimise: whether the objective is a cost.
        epochs: maximum epochs of a trial, for Hyperband.
        trials: maximum number; for Hyperband each round of a configuration is one.
        seconds: maximum time, or `None`.
        seed: seed of what is drawn.
    """
    kind: type[_Kept] = _Random
    options: dict[str, Any] = {}
    if algorithm == "hyperband":
        kind = _Hyperband
        options = {"max_epochs": epochs, "hyperband_iterations": None}
    elif algorithm == "bayesian":
        kind = _Bayesian
        # By default it draws three points per parameter before it models any.
        count = max(4, min(2 * len(space.space), trials // 3))
        options = {"num_initial_points": count}
    elif algorithm == "grid":
        kind, options = _Grid, {"combinations": combinations}
    return kind(
        path,
        first=first,
        trials=trials,
        seconds=seconds,
        hyperparameters=space,
        objective=keras_tuner.Objective(OBJECTIVE, "min" if minimise else "max"),
        seed=fold_seed(seed) + 1,  # keras-tuner treats 0 as none
        **options,
    )


def first_values(oracle: keras_tuner.Oracle, folder: Path, count: int) -> Iterator:
    """Returns the values of an oracle's first trials, without running them.

    Args:
        oracle: a new one.
        folder: for what keras-tuner writes.
        count: maximum number.
    """
    BaseTuner(oracle, directory=folder)  # sets the folder
    for index in range(count):
        trial = oracle.create_trial(str(index))
        if trial.status == _STOPPED:
            return
        yield trial.hyperparameters.values


def parameters(
    found: Mapping[str, tuple[Range, Mapping[str, list]]],
) -> keras_tuner.HyperParameters:
    """Returns the parameters of a search in keras-tuner's form.

    They are built from configurations, because its conditional scopes must be nested.

    Args:
        found: by name, its range, and by the names of other parameters the values for
            which it applies.
    """
    space = keras_tuner.HyperParameters()
    for name, (range_, conditions) in found.items():
        config: dict = {
            "name": name,
            "conditions": [
                {"class_name": "Parent", "config": {"name": other, "values": values}}
                for other, values in conditions.items()
            ],
        }
        if isinstance(range_, Choice):
            kind = kinds.Choice
            config["values"] = [as_json(value) for value in range_.values]
        else:
            assert isinstance(range_, (Int, Float))  # there are no other kinds
            kind = kinds.Int if isinstance(range_, Int) else kinds.Float
            config.update(min_value=range_.low, max_value=range_.high)
            if isinstance(range_, Int):
                config["step"] = range_.factor or range_.step
            if range_.log or getattr(range_, "factor", None):
                config["sampling"] = "log"
        space.merge([kind.from_config(config)])
    return space


@dataclass(frozen=True)
class Asked:
    """A trial requested by the oracle.

    Args:
        name: name of the trial.
        values: values of the parameters, and those that Hyperband adds.
        epochs: maximum number, or `None`.
        parent: name of the trial that it continues, or `None`.
        last: whether no trial continues it.
    """

    name: str
    values: Mapping
    epochs: int | None
    parent: str | None
    last: bool


class Loop(BaseTuner):
    """keras-tuner's loop over trials: alone, as a chief or as a worker.

    A subclass has `run(asked, *data)`, which returns the objective, and `ended()`,
    which is called when the oracle knows it.

    Args:
        oracle: the result of `make_oracle`.
        folder: for keras-tuner's own files, which are not read again.
        role: a unique name of this process.
    """

    def __init__(self, oracle: keras_tuner.Oracle, folder: Path, role: str) -> None:
        super().__init__(oracle, directory=folder, project_name=role, overwrite=True)
        self._waits = False

    def run(self, asked: Asked, *data) -> float:
        raise NotImplementedError

    def ended(self) -> None:
        raise NotImplementedError

    def pre_create_trial(self) -> None:
        if self._waits:  # the last request got no trial
            time.sleep(_PATIENCE)
        self._waits = True

    def on_trial_begin(self, trial: Trial) -> None:
        self._waits = False

    def run_trial(self, trial: Trial, *data) -> dict[str, float]:
        values = trial.hyperparameters.values
        asked = Asked(
            trial.trial_id,
            values,
            values.get(_EPOCHS),
            values.get(_PARENT),
            values.get(_ROUND) == values.get(_BRACKET),  # or not of Hyperband
        )
        return {OBJECTIVE: self.run(asked, *data)}

    def on_trial_end(self, trial: Trial) -> None:
        self.oracle.end_trial(trial)
        self.ended()
