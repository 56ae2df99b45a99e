"""keras-tuner's oracles over our ranges, with all they know in one file.

keras-tuner sends values between processes in single precision and writes its files in
place. So every choice goes to it as JSON text, floats keep the six digits that survive,
and the state is one file, replaced at once: a kill at any point leaves the old one.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from zoo.space import Choice, Float, Int, Range, as_json, rounded
from zoo.tuning.searched import Searched

try:
    import keras_tuner
    from keras_tuner.engine.base_tuner import BaseTuner
    from keras_tuner.engine.trial import Trial
except ModuleNotFoundError as error:
    raise ImportError(
        f"`zoo tune` needs the package {error.name}: "
        "pip install 'keras-text-zoo[tune]', or pip install keras-tuner tensorboard"
    ) from None

ALGORITHMS = ("hyperband", "bayesian", "random", "grid")
EPOCHS, PARENT = "tuner/epochs", "tuner/trial_id"  # what Hyperband adds to the values
OBJECTIVE = "objective"
RUNNING, STOPPED = "RUNNING", "STOPPED"


class _Kept:
    """Mixed into an oracle: first the defaults, then what it says, until the limits.

    Args:
        searched: the parameters.
        path: of the file that holds the state.
        trials: at most this many.
        seconds: at most this long, over all runs of the search; or `None`.
        options: of keras-tuner's oracle.
    """

    def __init__(
        self,
        searched: Searched,
        path: Path,
        *,
        trials: int,
        seconds: float | None,
        **options,
    ) -> None:
        self.searched, self.path = searched, path
        self.most, self.seconds = trials, seconds
        self._began, self._spent = time.monotonic(), 0.0
        super().__init__(hyperparameters=hyperparameters(searched), **options)
        self.max_trials = None  # counted here, so that a later run may raise it
        self.verbose = 0

    @property
    def spent(self) -> float:
        """Seconds of all runs of this search."""
        return self._spent + time.monotonic() - self._began

    def populate_space(self, trial_id: str) -> dict:
        late = self.seconds is not None and self.spent >= self.seconds
        if late or len(self.trials) >= self.most:
            return {"status": STOPPED, "values": None}
        if not self.trials:
            values = encoded(self.searched, self.searched.defaults())
            return {"status": RUNNING, "values": values}
        return super().populate_space(trial_id)

    def save(self) -> None:
        state = {
            "oracle": self.get_state(),
            "trials": [trial.get_state() for trial in self.trials.values()],
            "spent": self.spent,
        }
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(state), "utf-8")
        os.replace(partial, self.path)

    def reload(self) -> None:
        """Reads the file; what was running is handed out again."""
        kept = json.loads(self.path.read_text("utf-8"))
        self._spent = kept["spent"]
        self.trials = {}
        for found in kept["trials"]:
            trial = Trial.from_state(found)
            self.trials[trial.trial_id] = trial
        state = kept["oracle"]
        # It is saved before a trial that ended leaves the list of those that run.
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
    """All combinations in order. keras-tuner's own loses its place in a reload."""

    def populate_space(self, trial_id: str) -> dict:
        values = next(islice(self.searched.grid(), len(self.trials), None), None)
        if values is None:
            return {"status": STOPPED, "values": None}
        return {"status": RUNNING, "values": encoded(self.searched, values)}


class _Grid(_Kept, _Combinations):
    pass


def make_oracle(
    algorithm: str,
    searched: Searched,
    path: Path,
    *,
    minimise: bool,
    epochs: int,
    trials: int,
    seconds: float | None,
    seed: int,
) -> keras_tuner.Oracle:
    """The oracle of an algorithm.

    Args:
        algorithm: one of `ALGORITHMS`.
        searched: the parameters.
        path: of the file that holds its state.
        minimise: the objective is a cost.
        epochs: most epochs of a trial, for Hyperband.
        trials: at most this many; for Hyperband each round of a configuration is one.
        seconds: at most this long, or `None`.
        seed: of what is drawn.
    """
    options: dict = {
        "objective": keras_tuner.Objective(OBJECTIVE, "min" if minimise else "max"),
        "seed": seed + 1,  # keras-tuner takes 0 for none
    }
    if algorithm == "hyperband":
        options.update(max_epochs=epochs, hyperband_iterations=None)
    if algorithm == "bayesian":
        # Of its own it draws three points for each parameter before it looks at one.
        count = max(4, min(2 * len(searched.parameters), trials // 3))
        options["num_initial_points"] = count
    kinds = {
        "hyperband": _Hyperband,
        "bayesian": _Bayesian,
        "random": _Random,
        "grid": _Grid,
    }
    return kinds[algorithm](searched, path, trials=trials, seconds=seconds, **options)


def drawn(algorithm: str, searched: Searched, seed: int, count: int) -> Iterator[dict]:
    """The values of the first trials of a search, with none of them run."""
    with tempfile.TemporaryDirectory() as folder:
        oracle = make_oracle(
            algorithm, searched, Path(folder, "oracle.json"), minimise=False,
            epochs=10, trials=count, seconds=None, seed=seed,
        )  # fmt: skip
        BaseTuner(oracle, directory=folder)  # gives it the folder
        for index in range(count):
            trial = oracle.create_trial(str(index))
            if trial.status == STOPPED:
                return
            yield decoded(searched, trial.hyperparameters.values)


def hyperparameters(searched: Searched) -> keras_tuner.HyperParameters:
    """The parameters as keras-tuner has them."""
    space = keras_tuner.HyperParameters()
    for name, range_ in searched.parameters:
        with ExitStack() as conditions:
            for other, accepted in range_.when.items():
                texts = _texts(searched, other, accepted)
                conditions.enter_context(space.conditional_scope(other, texts))
            if isinstance(range_, Choice):
                space.Choice(name, [as_json(value) for value in range_.values])
            elif isinstance(range_, Float):
                sampling = "log" if range_.log else "linear"
                space.Float(name, range_.low, range_.high, sampling=sampling)
            else:
                log = range_.log or range_.factor
                space.Int(
                    name, range_.low, range_.high, step=range_.factor or range_.step,
                    sampling="log" if log else "linear",
                )  # fmt: skip
    return space


def encoded(searched: Searched, values: Mapping) -> dict:
    """Values as keras-tuner has them."""
    return {
        name: as_json(values[name]) if isinstance(range_, Choice) else values[name]
        for name, range_ in searched.active(values)
    }


def decoded(searched: Searched, found: Mapping) -> dict:
    """Our values of what keras-tuner draws."""
    values: dict = {}
    for name, range_ in searched.parameters:
        # Those that it depends on stand before it.
        if name in found and (name, range_) in list(searched.active(values)):
            values[name] = _decoded(range_, found[name])
    return values


def _decoded(range_: Range, value):
    if isinstance(range_, Choice):
        return {as_json(known): known for known in range_.values}[value]
    return int(value) if isinstance(range_, Int) else rounded(value)


def _texts(searched: Searched, other: str, accepted) -> list:
    """The accepted values of a parent in keras-tuner's form."""
    parents = [range_ for name, range_ in searched.parameters if name == other]
    choice = isinstance(parents[0], Choice)
    return [as_json(value) if choice else value for value in accepted]
