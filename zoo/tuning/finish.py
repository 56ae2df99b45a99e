"""The end of a search: the best model, its test scores, its export, the report."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from zoo.data.parts import valid_as_train, without_test
from zoo.families import get_family
from zoo.families.text_model import BaseTextModel
from zoo.loading import load
from zoo.training.kept import read_json, write_json
from zoo.tuning.plan import Plan
from zoo.tuning.report import summary, trials_table, write_search_report
from zoo.tuning.searching import SearchResult
from zoo.tuning.trial import DONE, FAILED

CONCLUSION = "conclusion.json"
BEST, DEFAULTS = "best", "defaults"


def finish(
    plan: Plan, splits, *, retrain: bool = False, export_to: str | Path | None = None
) -> SearchResult:
    """Evaluates the best model and the defaults on the test part, saves and exports.

    Args:
        plan: plan of a search whose trials have ended.
        splits: the data.
        retrain: whether to train the best settings again, on the training and
            validation parts.
        export_to: folder of the exported versions, or `None`.

    Raises:
        RuntimeError: if no trial within the budget succeeded.
    """
    results = plan.results()
    name = best_trial(plan, results)
    best = results[name]
    wanted = {"trial": name, "retrain": retrain}
    path = plan.folder / CONCLUSION
    remedy = "Remove the file; the test part is then read once more."
    known = read_json(path, remedy) if path.exists() else {}
    if {key: known.get(key) for key in wanted} != wanted:
        text_model = _trained(plan, splits, name, best, retrain)
        text_model.save(plan.folder / "model")
        # A repeated call with the same result returns the same figures. A continued
        # search reads the test part again, and the report states it.
        scores = _test_scores(plan, splits, text_model, results)
        reads = known.get("reads", 0) + 1
        known = {**wanted, "test": scores, "reads": reads}
        write_json(path, known)
    if export_to is not None and "exported" not in known:
        text_model = load(plan.folder / "model")
        version = get_family(plan.family).export(text_model, splits, export_to)
        known["exported"] = str(version)
        write_json(path, known)
    result = SearchResult(
        name,
        best["model"],
        best["settings"],
        best["keywords"],
        best["objective"],
        known["test"],
        known["reads"],
        results,
        plan.folder,
        Path(known["exported"]) if "exported" in known else None,
    )
    table = trials_table(plan, results)
    result = replace(result, summary=summary(plan, result), table=table)
    write_search_report(plan, result)
    for checkpoints in plan.trials_folder.glob("*/checkpoints"):
        shutil.rmtree(checkpoints, ignore_errors=True)
    return result


def best_trial(plan: Plan, results: Mapping[str, Mapping]) -> str:
    """Returns the name of the best trial within the budget."""
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


def _trained(
    plan: Plan, splits, name: str, best: Mapping, retrain: bool
) -> BaseTextModel:
    if not retrain:
        return load(plan.trials_folder / name / "model")
    # Without a validation part all epochs run, so this is the number of the best one.
    settings = {**best["settings"], "epochs": best["best_epoch"]}
    folder = plan.folder / "retrained"
    text_model, _ = get_family(plan.family).trial(
        best["model"],
        valid_as_train(without_test(splits)),
        settings,
        best["keywords"],
        folder=folder,
    )
    shutil.rmtree(folder, ignore_errors=True)
    return text_model


def _test_scores(plan: Plan, splits, text_model: BaseTextModel, results) -> dict:
    if not len(splits.test):
        return {}
    score = get_family(plan.family).score
    scores = {BEST: score(text_model, splits, "test")}
    first = next(iter(results))
    if results[first]["status"] == DONE:
        defaults = load(plan.trials_folder / first / "model")
        scores[DEFAULTS] = score(defaults, splits, "test")
    return scores
