"""The report of a search: a page with its tables, plots, and TensorBoard's HParams."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from zoo.models._search_space import as_json
from zoo.reporting.markdown import markdown_table
from zoo.reporting.terminal import shell_command
from zoo.text.writing import write_text
from zoo.tuning.choosing import standard_error
from zoo.tuning.objective import pareto_front
from zoo.tuning.plan import Plan
from zoo.tuning.searched import MODEL
from zoo.tuning.trial import DONE, FAILED

_FIGURES = ("objective", "parameters", "latency", "epochs", "seconds", "memory")


def write_search_report(plan: Plan, result) -> Path:
    """Writes `report.md`, plots if matplotlib is installed, and HParams event files.

    Args:
        plan: plan of the search.
        result: the result, a `zoo.tuning.SearchResult`.

    Returns:
        The path of the Markdown page.
    """
    values = {name: values_of(plan, trial) for name, trial in result.trials.items()}
    plots = _write_plots(plan, result, values)
    _write_hparams(plan, result, values)
    done = [
        {**trial, "trial": name}
        for name, trial in result.trials.items()
        if trial["status"] == DONE
    ]
    front = [trial["trial"] for trial in pareto_front(done, plan.objective)]
    page = [
        f"# Search of {', '.join(plan.searched.models)}",
        result.summary,
        _test_table(result),
        _reevaluation(plan, result),
        _command(plan, result),
        "## Pareto front",
        f"No trial is better than these in {plan.objective.name} and every cost. "
        "Their models are kept in `trials/`.",
        _table(plan, result.trials, values, front),
        "## Trials",
        result.table,
        *(f"![{title}]({name})" for name, title in plots),
        "" if plots else "No plots: `pip install matplotlib` adds them.",
        _failures(result.trials),
        "## Space",
        "\n".join(
            f"- {name}: {line}" for name, line in plan.searched.describe().items()
        ),
        f"Fixed: `{json.dumps(dict(plan.searched.fixed), ensure_ascii=False)}`",
    ]
    path = plan.folder / "report.md"
    write_text(path, "\n\n".join(part for part in page if part) + "\n")
    return path


def summary(plan: Plan, result) -> str:
    """Returns a summary of the search, with the gain of the best over the defaults."""
    trials = list(result.trials.values())
    counts = [trial["status"] for trial in trials]
    text = (
        f"{len(trials)} trials by {plan.algorithm}, seed {plan.seed}: "
        f"{counts.count(DONE)} done"
    )
    for status in sorted(set(counts) - {DONE}):
        text += f", {counts.count(status)} {status}"
    name, first = plan.objective.name, trials[0]
    again, start_score = result.reevaluated, first["objective"]
    about = f"valid {name}"
    if _compared(result):
        text += f", {len(again)} trained again with new seeds"
        about = f"mean valid {name}"
        defaults = again.get(next(iter(result.trials)))
        start_score = defaults.mean if defaults and defaults.scores else start_score
    text += f". Best: trial {result.trial}, {about} {result.objective:.4f}"
    moved = plan.searched.moved()
    start = "the defaults" if not moved else f"the defaults except {', '.join(moved)}"
    if first["status"] == DONE:
        gain = result.objective - start_score
        text += f"; {start}: {start_score:.4f} (difference {gain:+.4f})"
    for part in result.test.values():
        if name not in part:
            return text + "."
    if len(result.test) == 2:
        best, defaults = (scores[name] for scores in result.test.values())
        text += (
            f". Test {name}: {best:.4f}; {start}: {defaults:.4f} "
            f"(difference {best - defaults:+.4f})"
        )
    return text + "."


def trials_table(plan: Plan, trials: Mapping[str, Mapping]) -> str:
    """A row a trial, the best first."""
    values = {name: values_of(plan, trial) for name, trial in trials.items()}
    return _table(plan, trials, values, _ranked(plan, trials))


def values_of(plan: Plan, trial: Mapping) -> dict:
    """Returns the values of the parameters of a trial that apply."""
    chosen = {MODEL: trial["model"], **trial["settings"], **trial["keywords"]}
    active = plan.searched.active(chosen)
    return {name: chosen[name] for name, _ in active if name in chosen}


def _ranked(plan: Plan, trials: Mapping[str, Mapping]) -> list[str]:
    """Returns names, the best first and those without an objective last."""
    sign = 1 if plan.objective.minimise else -1

    def rank(name: str):
        trial = trials[name]
        value = trial["objective"]
        return trial["status"] != DONE, value is None, sign * (value or 0.0), name

    return sorted(trials, key=rank)


def _table(plan: Plan, trials, values, names: list[str]) -> str:
    columns = list(dict.fromkeys(name for name, _ in plan.searched.parameters))
    figures = [
        figure
        for figure in _FIGURES
        if any(trial.get(figure) is not None for trial in trials.values())
    ]
    titles = {
        "objective": plan.objective.name,
        "latency": "latency, ms",
        "seconds": "training, s",
        "memory": "memory, MB",
    }
    rows = [["trial", *(titles.get(figure, figure) for figure in figures), *columns]]
    for name in names:
        trial = trials[name]
        shown = name if trial["status"] == DONE else f"{name} ({trial['status']})"
        cells = [_figure(figure, trial.get(figure)) for figure in figures]
        cells += [
            as_json(values[name][column]).replace("|", "\\|")
            if column in values[name]
            else ""
            for column in columns
        ]
        rows.append([shown, *cells])
    return markdown_table(rows)


def _figure(name: str, value) -> str:
    if value is None:
        return ""
    digits = {"objective": 4, "latency": 2}.get(name, 0)
    return f"{value:,.{digits}f}"


def _test_table(result) -> str:
    if not result.test:
        return "The data has no test part."
    names = list(next(iter(result.test.values())))
    times = "once" if result.reads == 1 else f"{result.reads} times"
    rows = [[f"test part, read {times}", *names]]
    for row, scores in result.test.items():
        rows.append([row, *(f"{scores.get(name, float('nan')):.4f}" for name in names)])
    return markdown_table(rows)


def _compared(result) -> bool:
    """Returns whether the mean over several seeds decided."""
    found = result.reevaluated.values()
    return any(len(c.scores) > 1 and c.status != FAILED for c in found)


def _reevaluation(plan: Plan, result) -> str:
    """The trials that were trained again, and how one of them was chosen."""
    candidates = list(result.reevaluated.values())
    if not candidates:
        return ""
    defaults = result.reevaluated.get(next(iter(result.trials)))
    lines = [
        "The best of many first scores is partly the luckiest one, so these trials "
        "were trained again with new seeds, and their mean on the validation part "
        "decides."
    ]
    if not _compared(result):
        lines = [
            "No trial has a score with a new seed, so the first scores decided. The "
            "same command with a larger `--max-time` continues."
        ]
    elif defaults and defaults.scores:
        others = [c for c in candidates if c is not defaults and len(c.scores) > 1]
        lines.append(
            "The defaults stay unless another mean is better by more than one standard "
            "error of the difference"
        )
        if others:
            error = standard_error(candidates, others[0], defaults)
            lines[-1] += f", which is {error:.4f} here"
        lines[-1] += "."
    rows = [["trial", "seeds", plan.objective.name, "mean ± spread", ""]]
    for found in candidates:
        scores = ", ".join(f"{score:.4f}" for score in found.scores)
        mean = f"{found.mean:.4f}" if found.scores else ""
        if found.spread is not None:
            mean += f" ± {found.spread:.4f}"
        notes = ["chosen"] if found.trial == result.trial else []
        notes += ["defaults"] if found is defaults else []
        notes += [found.status] if found.status != DONE else []
        seeds = ", ".join(map(str, found.seeds))
        rows.append([found.trial, seeds, scores, mean, ", ".join(notes)])
    return "\n\n".join(["## Choice", " ".join(lines), markdown_table(rows)])


def _command(plan: Plan, result) -> str:
    pairs = {**result.settings, **result.keywords}
    settings = [f"{name}={_bare(value)}" for name, value in pairs.items()]
    command = shell_command("zoo", "train", result.model, "--set", *settings)
    return f"To repeat the best trial:\n\n```\n{command}\n```"


def _bare(value) -> str:
    """Returns a value as `--set` reads it: a plain name needs no quotes."""
    return value if isinstance(value, str) and value.isalpha() else as_json(value)


def _failures(trials: Mapping[str, Mapping]) -> str:
    kinds: dict[str, list[str]] = {}
    for name, trial in trials.items():
        if trial["status"] == FAILED:
            kinds.setdefault(trial["error"]["kind"], []).append(name)
    if not kinds:
        return ""
    lines = []
    for kind, names in kinds.items():
        text = trials[names[0]]["error"]["traceback"]
        lines.append(f"{kind}, trials {', '.join(names)}:\n\n```\n{text.strip()}\n```")
    return "## Failures\n\n" + "\n\n".join(lines)


def _write_plots(plan: Plan, result, values: Mapping) -> list[tuple[str, str]]:
    """Returns the file name and title of each plot; none without matplotlib."""
    try:
        from zoo.reporting import plots
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        return []
    ranges = {name: range_ for name, range_ in plan.searched.parameters}
    rows = [
        (values[name], trial["objective"])
        for name, trial in result.trials.items()
        if trial["status"] == DONE
    ]
    return plots.write_search(
        rows,
        ranges,
        plan.folder,
        name=plan.objective.name,
        minimise=plan.objective.minimise,
    )


def _write_hparams(plan: Plan, result, values: Mapping) -> None:
    """Writes event files to `tensorboard/`, which `tensorboard --logdir` shows.

    Each trial has its values, its objective, and the score of each of its epochs.
    """
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    for name, trial in result.trials.items():
        if trial["status"] != DONE:
            continue
        folder = plan.folder / "tensorboard" / name
        if folder.exists():
            continue
        writer = tf.summary.create_file_writer(str(folder))
        with writer.as_default():
            shown = {
                key: value
                if isinstance(value, (bool, int, float, str))
                else as_json(value)
                for key, value in values[name].items()
            }
            api.hparams(shown, trial_id=name)
            tf.summary.scalar(plan.objective.name, trial["objective"], step=0)
            for epoch, score in enumerate(trial["curve"]):
                tf.summary.scalar("epoch_score", score, step=epoch)
        writer.close()
