"""`zoo train auto`: trains a few models, and keeps the best on the validation part.

If the family can, the trained networks together are one more candidate.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.families.base import Family, silent
from zoo.families.run import Run
from zoo.reporting.markdown import in_cell, markdown_table
from zoo.reporting.page import MEMBER
from zoo.reporting.timing import milliseconds, shown
from zoo.text.writing import append_text

if TYPE_CHECKING:
    import keras

    from zoo.families.text_model import BaseTextModel

FEW_ROWS = 200  # of fewer validation rows, small differences of scores are chance


@dataclass(frozen=True)
class Candidate:
    """A trained model among those that are compared.

    Args:
        name: name of the registered model.
        model: the trained model.
        prepared: the data it was trained on.
        history: one dict of logs per epoch.
        settings: how it was trained.
        seconds: seconds of reading the data and of training.
        score: its score on the validation part.
        latency: milliseconds of one text at a time in this process.
    """

    name: str
    model: BaseTextModel
    prepared: Any
    history: list[dict]
    settings: Any
    seconds: float
    score: float
    latency: float


def train_best(
    family: Family,
    splits,
    overrides: Mapping,
    *,
    folder: Path,
    export_to: Path | None,
    max_time: float | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: bool = True,
) -> Run:
    """Trains the candidates of a family, and reports on and exports the best of them.

    The best is the one that `select` names. The test part is read for it alone.

    Args:
        family: family of the data.
        splits: the data.
        overrides: settings that differ from the defaults of the models.
        folder: folder of the run, as for `Family.run`; a run that was killed continues
            with the candidate that it was training.
        export_to: folder of the exported versions, or `None`.
        max_time: seconds after which no candidate begins and the one in training ends;
            the first one is always trained.
        callbacks: further Keras callbacks.
        verbose: prints notes, progress and results.

    Raises:
        ValueError: for a family without candidates.
    """
    say: Callable = print if verbose else silent
    deadline = None if max_time is None else time.monotonic() + max_time
    names = family.candidates(splits)
    family.introduce(splits, say)
    objective = family.objectives(splits)[0]
    place = folder / "candidates"
    found: list[Candidate] = []
    for name in names:
        if found and deadline is not None and time.monotonic() >= deadline:
            say(f"{name}: not trained: the time limit is reached")
            continue
        found.append(
            _train(
                family,
                name,
                splits,
                overrides,
                objective,
                folder=place / name,
                earlier=found,
                deadline=deadline,
                callbacks=callbacks,
                verbose=verbose,
            )
        )
    together = _together(family, found, splits, objective)
    if together is not None:
        found.append(together)
    scores = {one.name: one.score for one in found}
    name = select(scores, len(splits.valid), together.name if together else None)
    [best] = [one for one in found if one.name == name]
    table = _table(found, best, objective)
    if len(found) > 1 and len(splits.valid) < FEW_ROWS:
        table += (
            f"\n\nOn {len(splits.valid)} validation rows, the first candidate within "
            "one standard error of the highest score is taken."
        )
    elif together is not None:
        table += (
            f"\n\nThe {together.name} is taken unless its score is more than one "
            "standard error below the highest."
        )
    say(table)
    run = family.finish(
        best.model,
        best.prepared,
        best.history,
        best.settings,
        splits,
        folder,
        say,
    )
    append_text(folder / "report.md", f"\n## Candidates\n\n{table}\n")
    shutil.rmtree(place, ignore_errors=True)
    return run if export_to is None else family.publish(run, splits, export_to, say)


def select(scores: Mapping[str, float], rows: int, together: str | None = None) -> str:
    """Returns the name of the best candidate, within what chance explains.

    Scores within one standard error of the highest are taken as equal. On few rows the
    first of these is taken, so that chance does not decide for a model that costs more.
    Otherwise it is the model `together`, since a sum of models errs less than each of
    them (Hansen and Salamon 1990); without it that of the highest score.

    Args:
        scores: scores on the validation part by name, the cheapest candidate first.
        rows: rows of the validation part.
        together: name of the candidate that holds several others, if there is one.

    Example:
        >>> select({"linear": 0.85, "text_cnn": 0.9}, 20)
        'linear'
        >>> select({"linear": 0.85, "text_cnn": 0.9}, 2000)
        'text_cnn'
        >>> select({"text_cnn": 0.9, "ensemble": 0.899}, 2000, "ensemble")
        'ensemble'

    Source: Breiman et al. 1984, Classification and Regression Trees, section 3.4.3.
    """
    known = {n: -math.inf if math.isnan(s) else s for n, s in scores.items()}
    highest = max(known.values())
    error = 0.0
    if rows and highest > -math.inf:
        error = math.sqrt(max(highest * (1 - highest), 0.0) / rows)
    equal = [name for name, score in known.items() if score >= highest - error]
    if rows < FEW_ROWS:
        return equal[0]
    return together if together in equal else max(known, key=known.__getitem__)


def _train(
    family: Family,
    name: str,
    splits,
    overrides: Mapping,
    objective: str,
    *,
    folder: Path,
    earlier: Sequence[Candidate],
    deadline: float | None,
    callbacks: Sequence[keras.callbacks.Callback],
    verbose: bool,
) -> Candidate:
    from zoo.training.callbacks import Deadline

    begin = time.perf_counter()
    settings = family.settings_for(name, splits, overrides)
    alike = [one for one in earlier if one.settings.prepares_as(settings)]
    prepared = alike[0].prepared if alike else family.prepare(splits, settings)
    if verbose:
        print(family.describe(name, prepared))
    model, history = family.train(
        name,
        prepared,
        settings,
        {},
        folder=folder,
        callbacks=[Deadline(deadline), *callbacks],
        verbose=verbose,
    )
    seconds = time.perf_counter() - begin
    measured = _measured(family, model, splits, objective)
    return Candidate(name, model, prepared, history, settings, seconds, *measured)


def _together(
    family: Family, found: Sequence[Candidate], splits, objective: str
) -> Candidate | None:
    """Returns the trained candidates as one, if the family has a use for that."""
    last = found[-1]
    model = family.ensemble([one.model for one in found], last.prepared, last.settings)
    if model is None:
        return None
    names = [member["name"] for member in model.metadata["members"]]
    members = [one for one in found if one.name in names]
    return Candidate(
        model.metadata["name"],
        model,
        last.prepared,
        [{**logs, MEMBER: one.name} for one in members for logs in one.history],
        last.settings,
        sum(one.seconds for one in members),
        *_measured(family, model, splits, objective),
    )


def _measured(
    family: Family, model: BaseTextModel, splits, objective: str
) -> tuple[float, float]:
    """Returns the score of a model on the validation part, and its latency."""
    score = family.score(model, splits, "valid").get(objective, -math.inf)
    return score, milliseconds(model.predict, splits.valid.texts)


def _table(found: Sequence[Candidate], best: Candidate, objective: str) -> str:
    heads = ["candidate", f"valid {objective}", "seconds", "ms per text", "parameters"]
    rows = [heads]
    for one in found:
        name = f"**{one.name}**" if one is best else in_cell(one.name)
        count = one.model.model.count_params()
        cells = [f"{one.score:.4f}", f"{one.seconds:.0f}", shown(one.latency)]
        rows.append([name, *cells, f"{count:,}"])
    return markdown_table(rows)
