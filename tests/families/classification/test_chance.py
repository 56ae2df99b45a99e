"""What a run says about the scores of a small test part."""

from __future__ import annotations

import numpy as np

from zoo.families.classification.chance import by_chance, cross_validated, intervals
from zoo.families.classification.linear import fit_linear
from zoo.families.classification.verdict import verdict
from zoo.tasks import Task, as_tasks

TASKS = {"mood": Task("categories", ("a", "b")), "price": Task("regression")}


def result(metric, score, low, high, rows=12):
    return {"rows": rows, metric: score, "interval": [low, high]}


NETWORK = {
    "mood": result("accuracy", 0.75, 0.47, 0.91),
    "price": result("r2", 0.2, -0.1, 0.4),
}
LINEAR = {
    "mood": result("accuracy", 0.5, 0.25, 0.75),
    "price": result("r2", 0.9, 0.85, 0.95),
}


def test_the_intervals_in_words():
    assert intervals(TASKS, {"lstm": NETWORK, "li|near": LINEAR}) == (
        "- 95 % interval of `mood` accuracy on 12 row(s): lstm 0.47 to 0.91, li\\|near "
        "0.25 to 0.75.\n"
        "- 95 % interval of `price` r2 on 12 row(s): lstm -0.10 to 0.40, li\\|near "
        "0.85 to 0.95."
    )
    many = {"mood": {"rows": 5000, "accuracy": 0.5}}
    assert intervals({"mood": TASKS["mood"]}, {"lstm": many}) == ""


def test_a_difference_that_chance_may_explain():
    caution = "With 12 test row(s), chance may explain the difference."
    mood = {"mood": TASKS["mood"]}
    assert by_chance(mood, NETWORK, LINEAR) == caution
    assert by_chance(TASKS, NETWORK, LINEAR) == "", "the prices differ"
    assert by_chance(as_tasks({"mood": 2}), {"mood": {"accuracy": 1.0}}, LINEAR) == ""
    results = {"lstm": NETWORK, "linear": LINEAR}
    assert verdict("lstm", mood, results, {}) == (
        f"Take lstm: accuracy 0.7500 against 0.5000 of linear. {caution}"
    )


def test_the_linear_baseline_over_folds_of_few_rows():
    words = {0: "good fine great", 1: "bad dull poor"}
    texts = [f"a {words[n % 2].split()[n % 3]} film" for n in range(24)]
    part = texts, np.arange(24) % 2, np.ones(24)
    rest = texts[:6], np.arange(6) % 2, np.ones(6)
    task = TASKS["mood"]
    chosen = fit_linear(task, part, rest).chosen
    assert chosen["cross_validated"] == {"score": 1.0, "rows": 30}
    costs = {"linear": {"chosen": {"mood": chosen}}}
    assert cross_validated({"mood": task}, costs) == (
        "Cross-validated on 30 training and validation rows, linear has an accuracy of "
        "1.00 (0.89 to 1.00) for `mood`."
    )
    many = texts * 50, np.arange(1200) % 2, np.ones(1200)
    chosen = fit_linear(task, many, rest).chosen
    assert chosen["cross_validated"]["rows"] == 1206
    rest = texts[:20] * 25, np.arange(500) % 2, np.ones(500)
    chosen = fit_linear(task, many, rest).chosen
    assert "cross_validated" not in chosen, "the validation part suffices"
    assert (
        cross_validated({"mood": task}, {"linear": {"chosen": {"mood": chosen}}}) == ""
    )
    assert cross_validated(TASKS, {}) == ""
