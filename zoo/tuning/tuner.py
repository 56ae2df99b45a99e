"""keras-tuner's loop over our trials: as the only one, as a chief or as a worker."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping

import keras
from keras_tuner.engine.base_tuner import BaseTuner

from zoo.models._search_space import as_json
from zoo.tuning.oracles import EPOCHS, OBJECTIVE, PARENT, decoded, make_oracle
from zoo.tuning.plan import ORACLE, Plan
from zoo.tuning.trial import (
    DONE,
    FAILED,
    in_process,
    objective_for_oracle,
    read_result,
    run_trial,
)

MOST_FAILURES = 3  # of a search in which nothing else has happened
_ROUND, _BRACKET = "tuner/round", "tuner/bracket"
_PATIENCE = 0.5  # seconds before a worker asks again that had to wait


class AllFailed(RuntimeError):
    """No trial has worked; going on would be a waste."""


def run_search(plan: Plan, splits) -> None:
    """Runs trials until the oracle has no more, in the role that the variables
    `KERASTUNER_TUNER_ID`, `KERASTUNER_ORACLE_IP` and `KERASTUNER_ORACLE_PORT` give.

    Args:
        plan: of the search, whose folder is claimed.
        splits: the data, without a test part.

    Raises:
        AllFailed: if the first trials all fail.
    """
    Tuner(plan).search(splits)


class Tuner(BaseTuner):
    """Runs the trials of a plan.

    Args:
        plan: of the search.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        oracle = make_oracle(
            plan.algorithm, plan.searched, plan.folder / ORACLE,
            minimise=plan.objective.minimise, epochs=plan.epochs, trials=plan.trials,
            seconds=plan.seconds, seed=plan.seed,
        )  # fmt: skip
        role = os.environ.get("KERASTUNER_TUNER_ID", "alone")
        if oracle.path.exists():
            oracle.reload()
        self.deadline = None
        if plan.seconds is not None:
            self.deadline = time.time() + plan.seconds - oracle.spent
        # What keras-tuner writes of its own, beside our state, is not read again.
        super().__init__(
            oracle, directory=plan.folder / "keras-tuner", project_name=role,
            overwrite=True,
        )  # fmt: skip
        self._waits = False

    def pre_create_trial(self) -> None:
        if self._waits:  # the last question had no trial for an answer
            time.sleep(_PATIENCE)
        self._waits = True

    def on_trial_begin(self, trial) -> None:
        self._waits = False

    def run_trial(self, trial, splits) -> dict[str, float]:
        found = trial.hyperparameters.values
        values = decoded(self.plan.searched, found)
        job = self.plan.job(
            trial.trial_id, values, epochs=found.get(EPOCHS), parent=found.get(PARENT),
            deadline=self.deadline,
        )  # fmt: skip
        before = self.plan.results()
        result = read_result(job.folder)  # it ended, and the search before it was told
        if result is None:
            run = in_process if self.plan.processes else run_trial
            result = run(job, splits)
            if not self.plan.processes:
                keras.backend.clear_session()
        self._report(trial.trial_id, values, result, before)
        if found.get(_ROUND) == found.get(_BRACKET):  # the last, or not of Hyperband
            shutil.rmtree(job.folder / "checkpoints", ignore_errors=True)
        self.plan.prune()
        objective = self.plan.objective
        return {OBJECTIVE: objective_for_oracle(objective, result, [*before.values()])}

    def on_trial_end(self, trial) -> None:
        self.oracle.end_trial(trial)
        results = self.plan.results().values()
        failed = [result for result in results if result["status"] == FAILED]
        if len(failed) == len(results) >= MOST_FAILURES:
            raise AllFailed(
                f"The first {len(failed)} trials failed: {failed[0]['error']['kind']}."
            )

    def _report(self, name: str, values: Mapping, result: Mapping, before) -> None:
        """One line of a trial, and the traceback of a failure of a new kind."""
        objective = self.plan.objective
        best = None
        for other in [*before.values(), result]:
            if other["status"] == DONE:
                value = other["objective"]
                if best is None or objective.better(value, best):
                    best = value
        text = result["status"]
        if result["objective"] is not None:
            over = "" if result["status"] == DONE else f" ({result['status']})"
            text = f"{objective.name} {result['objective']:.4f}{over}"
        if best is not None:
            text += f", best {best:.4f}"
        if "epochs" in result:
            text += f", {result['epochs']} epochs in {result['seconds']:.0f} s"
        if "parameters" in result:
            text += f", {result['parameters']:,} parameters"
        shown = " ".join(f"{key}={as_json(value)}" for key, value in values.items())
        print(f"trial {name}: {text}; {shown}", file=sys.stderr, flush=True)
        if result["status"] == FAILED:
            kind = result["error"]["kind"]
            known = [r["error"]["kind"] for r in before.values() if "error" in r]
            if kind not in known:
                print(result["error"]["traceback"], file=sys.stderr, flush=True)
