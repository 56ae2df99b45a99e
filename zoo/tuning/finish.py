"""The end of a search: the best model, its test scores, its export, the report."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from zoo.data.parts import valid_as_train, without_test
from zoo.families import get_family
from zoo.families.card import add_card, card_of
from zoo.families.scores import Scores
from zoo.families.text_model import BaseTextModel
from zoo.loading import load
from zoo.reporting.markdown import markdown_table
from zoo.training.kept import read_json, write_json
from zoo.tuning.choosing import Decision, decide
from zoo.tuning.plan import Plan
from zoo.tuning.report import summary, trials_table, write_search_report
from zoo.tuning.searching import SearchResult
from zoo.tuning.trial import DONE

CONCLUSION = "conclusion.json"
BEST, DEFAULTS = "best", "defaults"


def finish(
    plan: Plan,
    splits,
    *,
    retrain: bool = False,
    export_to: str | Path | None = None,
    workers: int = 1,
) -> SearchResult:
    """Chooses a trial, evaluates its model and the defaults on the test part, saves and
    exports.

    Args:
        plan: plan of a search whose trials have ended.
        splits: the data.
        retrain: whether to train the best settings again, on the training and
            validation parts.
        export_to: folder of the exported versions, or `None`.
        workers: trainings that run at once before the choice.

    Raises:
        RuntimeError: if no trial within the budget succeeded.
    """
    results = plan.results()
    found = decide(plan, without_test(splits), results, workers)
    name, best = found.trial, found.result
    again = None  # the folder of a model that was trained anew before the choice
    if found.folder.parent != plan.trials_folder:
        again = str(found.folder.relative_to(plan.folder))
    wanted = {"trial": name, "retrain": retrain, "again": again}
    path = plan.folder / CONCLUSION
    remedy = "Remove the file; the test part is then read once more."
    known = read_json(path, remedy) if path.exists() else {}
    if {key: known.get(key) for key in wanted} != wanted:
        text_model = _trained(plan, splits, found, retrain)
        text_model.save(plan.folder / "model")
        # A repeated call with the same result returns the same figures. A continued
        # search reads the test part again, and the report states it.
        scores = _test_scores(plan, splits, text_model, results)
        if BEST in scores:
            _add_card(plan, splits, text_model, scores[BEST])
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
        found.objective,
        known["test"],
        known["reads"],
        results,
        plan.folder,
        Path(known["exported"]) if "exported" in known else None,
        found.candidates,
    )
    table = trials_table(plan, results)
    result = replace(result, summary=summary(plan, result), table=table)
    write_search_report(plan, result)
    for checkpoints in plan.trials_folder.glob("*/checkpoints"):
        shutil.rmtree(checkpoints, ignore_errors=True)
    return result


def _trained(plan: Plan, splits, found: Decision, retrain: bool) -> BaseTextModel:
    if not retrain:
        return load(found.folder / "model")
    best = found.result
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


def _add_card(plan: Plan, splits, text_model: BaseTextModel, test: Mapping) -> None:
    rows = [["test part", "score"], *([name, f"{x:.4f}"] for name, x in test.items())]
    scores = Scores(test, markdown_table(rows))
    card = card_of(get_family(plan.family), text_model, splits, scores)
    add_card(plan.folder / "model", text_model, card)


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
