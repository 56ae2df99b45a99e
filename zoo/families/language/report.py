"""The report of a language model: one Markdown page, and its curve as a plot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.families.classification.report import without_nan
from zoo.families.language.settings import LanguageSettings
from zoo.reporting.markdown import markdown_table

PROTOCOL = (
    "Perplexity is exp(negative log-likelihood / tokens) of the full softmax. Every "
    "text ends with an end token, which counts like the others; the state is carried "
    "through the whole part, which is read as one stream (batch 1)."
)


def write_language_report(
    name: str,
    streams: Mapping[str, Sequence],
    facts: Mapping,
    history: Sequence[Mapping],
    settings: LanguageSettings,
    folder: str | Path,
) -> str:
    """Writes `report.md`, `results.json` and, with matplotlib, `perplexity.png`.

    Args:
        name: of the model.
        streams: int ids `[tokens]` by part, with one end token before the first.
        facts: what the recipe measured.
        history: logs of each epoch.
        settings: of the training.
        folder: of the run.

    Returns:
        The table of results.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [["part", "tokens", "perplexity"]]
    for part in ("valid", "test"):
        rows.append([part, f"{len(streams[part]) - 1:,}", f"{facts[part]:.2f}"])
    table = markdown_table(rows)
    epochs = [["epoch", "seconds", "training", "validation"]]
    for number, logs in enumerate(history, 1):
        found = logs.get("val_perplexity", float("nan"))
        epochs.append(
            [f"{number}", f"{logs['seconds']:.0f}", f"{logs['perplexity']:.2f}",
             f"{found:.2f}"]
        )  # fmt: skip
    page = [
        f"# {name}",
        f"{facts['parameters']:,} parameters, {len(streams['train']) - 1:,} training "
        f"tokens, {facts['seconds']:.0f} s, {facts['words_per_second']:.0f} tokens/s.",
        table,
        PROTOCOL,
        "## Training (perplexity; validation as streams side by side)",
        markdown_table(epochs),
        "## Settings",
        "```json\n" + json.dumps(settings.to_config(), indent=1) + "\n```",
    ]
    plots = _draw(facts, history, name, folder)
    page[4:4] = [f"![{title}]({file})" for file, title in plots]
    (folder / "report.md").write_text("\n\n".join(page) + "\n", "utf-8")
    text = json.dumps(without_nan(facts), indent=1)
    (folder / "results.json").write_text(text, "utf-8")
    return table


def _draw(facts, history, name: str, folder: Path) -> list[tuple[str, str]]:
    """File names and titles of the plots, none without matplotlib."""
    try:
        from zoo.reporting import plots
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        return []
    written = plots.write_shares(history, folder)
    if facts["curve"]:
        plots.write_perplexities({name: facts["curve"]}, folder / "perplexity.png")
        written.insert(0, ("perplexity.png", "Validation perplexity"))
    return written
