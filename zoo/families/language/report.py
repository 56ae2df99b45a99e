"""The report of a language model: a Markdown page with a plot of its curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.families.language.settings import LanguageSettings
from zoo.reporting.markdown import markdown_table
from zoo.reporting.page import (
    drawn,
    history_table,
    images,
    settings_block,
    write_page,
)

PROTOCOL = (
    "Perplexity is exp(negative log-likelihood / tokens) of the full softmax. Every "
    "text ends with an end token, which counts like the others; the state is carried "
    "through the whole part, which is read as one stream (batch 1)."
)


def write_language_report(
    name: str,
    streams: Mapping[str, Sequence],
    results: Mapping,
    history: Sequence[Mapping],
    settings: LanguageSettings,
    folder: str | Path,
) -> str:
    """Writes `report.md`, `results.json` and, with matplotlib, `perplexity.png`.

    Args:
        name: name of the model.
        streams: int ids `[tokens]` by part, with one end token before the first.
        results: the results of the family.
        history: logs of each epoch.
        settings: settings of the training.
        folder: folder of the run.

    Returns:
        The table of results.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [["part", "tokens", "perplexity"]]
    for part in ("valid", "test"):
        rows.append([part, f"{len(streams[part]) - 1:,}", f"{results[part]:.2f}"])
    table = markdown_table(rows)

    def draw(plots) -> list[tuple[str, str]]:
        written = []
        if results["curve"]:
            plots.write_perplexities(
                {name: results["curve"]}, folder / "perplexity.png"
            )
            written.append(("perplexity.png", "Validation perplexity"))
        return written + plots.write_shares(history, folder)

    page = [
        f"# {name}",
        f"{results['parameters']:,} parameters, {len(streams['train']) - 1:,} training "
        f"tokens, {results['seconds']:.0f} s, "
        f"{results['words_per_second']:.0f} tokens/s.",
        table,
        PROTOCOL,
        *images(drawn(draw)),
        "## Training (perplexity; validation in parallel streams)",
        history_table(
            history,
            {
                "seconds": "seconds:.0f",
                "training": "perplexity:.2f",
                "validation": "val_perplexity:.2f",
            },
        ),
        "## Settings",
        settings_block(settings.to_config()),
    ]
    write_page(folder, page, results)
    return table
