"""keras-tuner's oracles over our ranges, with all they know in one file.

keras-tuner sends values between processes in single precision and writes its files in
place. So every choice goes to it as JSON text, floats keep the six digits that survive,
and the state is one file, replaced at once: a kill at any point leaves the old one.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import keras_tuner
from keras_tuner.engine import hyperparameters as kinds
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial

from zoo.models._search_space import Choice, Int, Range, as_json, rounded
from zoo.text.inputs import fold_seed
from zoo.training.kept import intact, read_json, write_json
from zoo.tuning.plan import remedy
from zoo.tuning.searched import MODEL, Searched

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
        write_json(self.path, state)

    def reload(self) -> None:
        """Reads the file; what was running is handed out again."""
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
        "seed": fold_seed(seed) + 1,  # keras-tuner takes 0 for none
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
    """The parameters as keras-tuner has them.

    They are made of configurations: its scopes of conditions would have to nest.
    """
    space = keras_tuner.HyperParameters()
    for key, _, range_ in _keyed(searched):
        models = range_.when.get(MODEL, searched.models)
        config: dict = {
            "name": key,
            "conditions": [
                _parent(searched, other, accepted, models)
                for other, accepted in range_.when.items()
            ],
        }
        if isinstance(range_, Choice):
            kind = kinds.Choice
            config["values"] = [as_json(value) for value in range_.values]
        else:
            kind = kinds.Int if isinstance(range_, Int) else kinds.Float
            config.update(min_value=range_.low, max_value=range_.high)
            if isinstance(range_, Int):
                config["step"] = range_.factor or range_.step
            if range_.log or getattr(range_, "factor", None):
                config["sampling"] = "log"
        space.merge([kind.from_config(config)])
    return space


def encoded(searched: Searched, values: Mapping) -> dict:
    """Values as keras-tuner has them."""
    return {
        key: as_json(values[name]) if isinstance(range_, Choice) else values[name]
        for key, name, range_ in _keyed(searched)
        if searched.matters(range_, values)
    }


def decoded(searched: Searched, found: Mapping) -> dict:
    """Our values of what keras-tuner draws."""
    values: dict = {}
    for key, name, range_ in _keyed(searched):
        if key in found and searched.matters(range_, values):
            values[name] = _decoded(range_, found[key])
    return values


def _decoded(range_: Range, value):
    if isinstance(range_, Choice):
        return {as_json(known): known for known in range_.values}[value]
    return int(value) if isinstance(range_, Int) else rounded(value)


def _keyed(searched: Searched) -> Iterator[tuple[str, str, Range]]:
    """Each parameter under a name of its own: keras-tuner drops the value of one that
    matters when another of that name does not."""
    seen: Counter = Counter()
    for name, range_ in searched.parameters:
        key = f"{name}#{seen[name]}" if seen[name] else name
        seen[name] += 1
        yield key, name, range_


def _parent(searched: Searched, other: str, accepted, models) -> dict:
    """The condition that another parameter has one of the accepted values.

    Where models differ in that one's range, `models` tell which is meant.
    """
    for key, name, range_ in _keyed(searched):
        if name == other and set(models) <= set(range_.when.get(MODEL, models)):
            choice = isinstance(range_, Choice)
            values = [as_json(value) if choice else value for value in accepted]
            return {"class_name": "Parent", "config": {"name": key, "values": values}}
    raise ValueError(
        f"`when` must name a parameter that all models of a range have. "
        f"Received: {other!r}."
    )
