"""Chooses a trial: before that, the best few are trained again with new seeds.

The best of many first scores is partly the luckiest one. So the mean over several
seeds decides, and the defaults stay unless another trial is better by more than one
standard error of the difference.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.tuning.objective import Objective
from zoo.tuning.plan import Plan
from zoo.tuning.retraining import retrained
from zoo.tuning.trial import DONE, FAILED, LATE, Job, read_result


@dataclass(frozen=True)
class Candidate:
    """A trial that is trained with several seeds.

    Args:
        trial: its name.
        result: result of the training with the seed of the search.
        folder: folder of that training, with `model/`.
        seeds: seeds of the finished trainings.
        scores: the objective of each on the validation part.
        status: `"done"`, `"failed"` if a training failed, or `"out of time"` if some
            are missing.
    """

    trial: str
    result: Mapping
    folder: Path
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    status: str = DONE

    @property
    def mean(self) -> float:
        return statistics.fmean(self.scores)

    @property
    def spread(self) -> float | None:
        """The standard deviation of the scores as a sample, or `None` for one."""
        return statistics.stdev(self.scores) if len(self.scores) > 1 else None


@dataclass(frozen=True)
class Decision:
    """The trial that a search chooses.

    Args:
        trial: its name.
        result: result of the training that gave its model.
        folder: folder of that training, with `model/`.
        objective: its mean over the seeds, or its only score.
        candidates: by name what was trained again, the defaults first.
    """

    trial: str
    result: Mapping
    folder: Path
    objective: float
    candidates: Mapping[str, Candidate] = field(default_factory=dict)


def decide(
    plan: Plan, splits, results: Mapping[str, Mapping], workers: int = 1
) -> Decision:
    """Trains the best trials again, unless this has been done, and chooses one.

    Without candidates, or without time for a single new seed, the first scores decide.

    Args:
        plan: plan of a search whose trials have ended.
        splits: the data, without a test part.
        results: results of the trials.
        workers: trainings that run at once.

    Raises:
        RuntimeError: if no trial within the budget succeeded.
    """
    candidates = _candidates(plan, results, retrained(plan, splits, results, workers))
    first = next(iter(results), "")
    if name := chosen(plan.objective, list(candidates.values()), first):
        found = candidates[name]
        return Decision(name, found.result, found.folder, found.mean, candidates)
    name = best_trial(plan, results)
    folder, result = plan.trials_folder / name, results[name]
    return Decision(name, result, folder, result["objective"], candidates)


def chosen(
    objective: Objective, candidates: Sequence[Candidate], defaults: str
) -> str | None:
    """Returns the name of the candidate to take, or `None` if none has a new seed.

    That is the one with the best mean of those with a new seed; but the defaults, if
    its mean is not better than theirs by more than `standard_error`.

    Args:
        objective: objective of the search.
        candidates: the candidates.
        defaults: name of the trial with the defaults.
    """
    usable = [c for c in candidates if c.status != FAILED and c.scores]
    known = {c.trial: c for c in usable if len(c.scores) > 1}
    if not known:
        return None
    sign = -1 if objective.minimise else 1
    others = [c for c in known.values() if c.trial != defaults]
    start = next((c for c in usable if c.trial == defaults), None)
    best = max(others, key=lambda c: sign * c.mean, default=start)
    if best is None or start is None or best is start:
        return best.trial if best else None
    gain = sign * (best.mean - start.mean)
    return best.trial if gain > standard_error(usable, best, start) else defaults


def standard_error(
    candidates: Sequence[Candidate], one: Candidate, other: Candidate
) -> float:
    """Returns the standard error of the difference of two means.

    The variance between seeds is pooled over all candidates, because that of two or
    three scores is itself uncertain.

    Example:
        >>> runs = [Candidate("0000", {}, Path(), (0, 1), (0.7, 0.9)),
        ...         Candidate("0001", {}, Path(), (0, 1), (0.8, 1.0))]
        >>> round(standard_error(runs, *runs), 4)  # sqrt(0.02 * (1/2 + 1/2))
        0.1414
    """
    several = [c for c in candidates if len(c.scores) > 1]
    squares = sum((len(c.scores) - 1) * statistics.variance(c.scores) for c in several)
    freedom = sum(len(c.scores) - 1 for c in several)
    shares = 1 / len(one.scores) + 1 / len(other.scores)
    return math.sqrt(squares / max(freedom, 1) * shares)


def best_trial(plan: Plan, results: Mapping[str, Mapping]) -> str:
    """Returns the name of the trial within the budget whose first score is the best."""
    best = None
    for name, result in results.items():
        if result["status"] == DONE and (
            best is None
            or plan.objective.better(result["objective"], results[best]["objective"])
        ):
            best = name
    if best is None:
        counts = [result["status"] for result in results.values()]
        raise RuntimeError(
            "A search needs a successful trial within the budget. "
            f"Received: {counts.count(FAILED)} failed, "
            f"{len(counts) - counts.count(FAILED)} over the budget."
        )
    return best


def _candidates(
    plan: Plan, results: Mapping[str, Mapping], jobs: Mapping[str, Sequence[Job]]
) -> dict[str, Candidate]:
    found = {}
    for name, own in jobs.items():
        seed = results[name]["settings"]["seed"]
        trainings: dict[int, Mapping | None] = {
            job.settings["seed"]: read_result(job.folder) for job in own
        }
        folder = plan.trials_folder / name
        if seed in trainings:
            folder = own[0].folder
        else:
            trainings = {seed: results[name], **trainings}
        done = {s: r for s, r in trainings.items() if r and r["status"] == DONE}
        status = DONE if len(done) == len(trainings) else LATE
        if any(r and r["status"] == FAILED for r in trainings.values()):
            status = FAILED
        if seed not in done:  # its model is the one to take
            done = {}
        scores = tuple(result["objective"] for result in done.values())
        result = done.get(seed, results[name])
        found[name] = Candidate(name, result, folder, tuple(done), scores, status)
    return found
