"""Runs the trials of a search, and reports on each."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping

import keras

from zoo.models._search_space import as_json
from zoo.tuning.keras_tuner_adapter import Asked, Loop
from zoo.tuning.oracles import decoded, make_oracle
from zoo.tuning.plan import ORACLE, Plan
from zoo.tuning.trial import (
    DONE,
    FAILED,
    in_process,
    objective_for_oracle,
    read_result,
    run_trial,
)
from zoo.tuning.workers import ROLE

MOST_FAILURES = 3  # failures at the start of a search that end it


class AllFailed(RuntimeError):
    """No trial succeeded, so the search ends."""


def run_search(plan: Plan, splits) -> None:
    """Runs trials until the oracle has no more, in the role set by the variables
    `KERASTUNER_TUNER_ID`, `KERASTUNER_ORACLE_IP` and `KERASTUNER_ORACLE_PORT`.

    Args:
        plan: plan of the search, whose folder is claimed.
        splits: the data, without a test part.

    Raises:
        AllFailed: if the first trials all fail.
    """
    Tuner(plan).search(splits)


class Tuner(Loop):
    """Runs the trials of a plan.

    Args:
        plan: plan of the search.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        oracle = make_oracle(
            plan.algorithm,
            plan.searched,
            plan.folder / ORACLE,
            minimise=plan.objective.minimise,
            epochs=plan.epochs,
            trials=plan.trials,
            seconds=plan.search_seconds,
            seed=plan.seed,
        )
        role = os.environ.get(ROLE, "alone")
        if oracle.path.exists():
            oracle.reload()
        self.deadline = None
        if plan.search_seconds is not None:
            self.deadline = time.monotonic() + plan.search_seconds - oracle.spent
        super().__init__(oracle, plan.folder / "keras-tuner", role)

    def run(self, asked: Asked, splits) -> float:
        values = decoded(self.plan.searched, asked.values)
        job = self.plan.job(
            asked.name,
            values,
            epochs=asked.epochs,
            parent=asked.parent,
            deadline=self.deadline,
        )
        before = self.plan.results()
        result = read_result(job.folder)  # finished before the search could record it
        if result is None:
            run = in_process if self.plan.processes else run_trial
            result = run(job, splits)
            if not self.plan.processes:
                keras.backend.clear_session()
        self._report(asked.name, values, result, before)
        if asked.last:
            shutil.rmtree(job.folder / "checkpoints", ignore_errors=True)
        self.plan.prune()
        objective = self.plan.objective
        return objective_for_oracle(objective, result, [*before.values()])

    def ended(self) -> None:
        results = self.plan.results().values()
        failed = [result for result in results if result["status"] == FAILED]
        if len(failed) == len(results) >= MOST_FAILURES:
            raise AllFailed(
                f"The first {len(failed)} trials failed: {failed[0]['error']['kind']}."
            )

    def _report(self, name: str, values: Mapping, result: Mapping, before) -> None:
        """Prints one line for a trial, and the traceback of a failure of a new kind."""
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
