"""The definition of a search, and its folder: only the same search may continue."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from zoo.models._search_space import as_json
from zoo.training.kept import read_json, write_json
from zoo.tuning.objective import Objective, pareto_front
from zoo.tuning.searched import Searched, default_of
from zoo.tuning.trial import DONE, Job, read_result

ORACLE = "oracle.json"
RESERVED = 0.3  # share of the time in which the best trials are trained again
_PLACES = ("where", "columns", "skipped")  # for messages, not for models


@dataclass(frozen=True)
class Plan:
    """One search.

    Args:
        folder: folder of the search.
        searched: its parameters.
        objective: its objective.
        algorithm: one of `zoo.tuning.searching.ALGORITHMS`.
        trials: maximum number.
        seconds: maximum time, over all runs of the search, or `None`.
        budget: limits by name.
        seed: seed of the draws and of the trainings.
        processes: whether each trial runs in its own process.
        family: name of the family that trains the models.
        reevaluate: number of the best trials, besides the first one, that are trained
            again with new seeds before one is chosen; see `zoo.tuning.choosing`.
    """

    folder: Path
    searched: Searched
    objective: Objective
    algorithm: str
    trials: int
    seconds: float | None
    budget: Mapping[str, float]
    seed: int
    processes: bool
    family: str
    reevaluate: int = 0

    @property
    def epochs(self) -> int:
        """Maximum number of epochs of a trial."""
        fixed = self.searched.fixed.get("epochs")
        models = self.searched.models
        return fixed or max(default_of(model, "epochs") for model in models)

    @property
    def search_seconds(self) -> float | None:
        """Time for the trials; `RESERVED` of all is for training the best again."""
        if self.seconds is None or not self.reevaluate:
            return self.seconds
        return (1 - RESERVED) * self.seconds

    @cached_property
    def trials_folder(self) -> Path:
        return self.folder / "trials"

    def identity(self, data: str) -> dict:
        """Returns everything that must be the same to continue a search, JSON-ready.

        Args:
            data: fingerprint of the training and validation parts.
        """
        identity = {
            "models": list(self.searched.models),
            "space": self.searched.describe(),
            "fixed": dict(self.searched.fixed),
            "objective": self.objective.name,
            "algorithm": self.algorithm,
            "budget": dict(self.budget),
            "seed": self.seed,
            "data": data,
            "keras-tuner": version("keras-tuner"),
        }
        return json.loads(json.dumps(identity))

    def claim(self, data: str) -> None:
        """Writes the identity, or rejects a folder that holds another search.

        Raises:
            ValueError: with each difference.
        """
        path, now = self.folder / "search.json", self.identity(data)
        if not path.exists():
            self.trials_folder.mkdir(parents=True, exist_ok=True)
            write_json(path, now)
            return
        lines = differences(read_json(path, remedy(self.folder)), now)
        if lines:
            raise ValueError(
                "`folder` must be new, or hold this search to continue it. Accepted: "
                "another folder, or the options of the search there. "
                f"Received: {self.folder}, where\n  " + "\n  ".join(lines)
            )

    def job(self, trial: str, values: Mapping, *, epochs=None, parent=None, deadline):
        """Returns the job of a trial; see `zoo.tuning.trial.Job`.

        Args:
            trial: its name.
            values: values of the parameters.
            epochs: maximum number, instead of the settings'.
            parent: name of the trial that it continues, or `None`.
            deadline: `time.monotonic()` at which it stops, or `None`.
        """
        model, settings, keywords = self.searched.chosen(values)
        settings = {"seed": self.seed, **settings}
        if epochs is not None:
            settings["epochs"] = epochs
        return Job(
            self.trials_folder / trial,
            self.family,
            model,
            settings,
            keywords,
            self.objective.name,
            self.budget,
            deadline,
            parent and self.trials_folder / parent,
        )

    def results(self) -> dict[str, dict]:
        """Returns the results of the finished trials by name, in order."""
        folders = sorted(self.trials_folder.glob("*/"))
        found = {folder.name: read_result(folder) for folder in folders}
        return {name: result for name, result in found.items() if result is not None}

    def cut_short(self, result: Mapping) -> bool:
        """Returns whether Hyperband gave a trial fewer epochs than the others."""
        epochs = result["settings"].get("epochs", self.epochs)
        return self.algorithm == "hyperband" and epochs < self.epochs

    def candidates(self, results: Mapping[str, Mapping]) -> list[str]:
        """Returns the trials that are trained again: the first one, which has the
        defaults, then the best others, each with a configuration of its own; none if
        there is nothing to choose between.

        Args:
            results: results of the finished trials.
        """
        done = {n: r for n, r in results.items() if r["status"] == DONE}
        sign = 1 if self.objective.minimise else -1
        ordered = sorted(done, key=lambda name: sign * done[name]["objective"])
        first = [name for name in list(results)[:1] if name in done]
        different: dict[str, str] = {}
        for name in [*first, *ordered]:
            different.setdefault(self._configuration(done[name]), name)
        chosen = list(different.values())[: len(first) + self.reevaluate]
        return chosen if self.reevaluate and len(chosen) > 1 else []

    def _configuration(self, result: Mapping) -> str:
        settings = dict(result["settings"])
        if self.algorithm == "hyperband":  # one configuration has several trials
            settings.pop("epochs", None)
        described = [result["model"], settings, result["keywords"]]
        return json.dumps(described, sort_keys=True)

    def prune(self) -> None:
        """Removes the models of finished trials that are no longer needed.

        Those of the first trial, which has the defaults, of the Pareto front and of
        `candidates` are kept.
        """
        results = self.results()
        done = [
            {**result, "trial": name}
            for name, result in results.items()
            if result["status"] == DONE
        ]
        kept = {trial["trial"] for trial in pareto_front(done, self.objective)}
        kept.update(self.candidates(results))
        for name in list(results)[1:]:
            if name not in kept:
                shutil.rmtree(self.trials_folder / name / "model", ignore_errors=True)


def remedy(folder: Path) -> str:
    """Returns the remedy for a damaged file of a search."""
    return f"Remove the folder {folder}; the same command then searches from the start."


def fingerprint_of(splits) -> str:
    """Returns the SHA-256 of the training and validation parts, not their source."""
    from zoo.training.checkpoint import fingerprint

    parts = [vars(getattr(splits, part)) for part in ("train", "valid")]
    return fingerprint(
        [{k: v for k, v in part.items() if k not in _PLACES} for part in parts]
    )


def differences(old: Mapping, new: Mapping, prefix: str = "") -> list[str]:
    """Returns lines with the differences between two dicts.

    Example:
        >>> differences({"space": {"units": "8 to 9"}}, {"space": {"units": "8 to 16"}})
        ["space units: was '8 to 9', now '8 to 16'"]
    """
    lines = []
    for name in dict.fromkeys([*old, *new]):
        one, other = old.get(name), new.get(name)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            lines += differences(one, other, f"{prefix}{name} ")
        elif as_json(one) != as_json(other):
            was, now = (
                repr(found[name]) if name in found else "not there"
                for found in (old, new)
            )
            lines.append(f"{prefix}{name}: was {was}, now {now}")
    return lines
