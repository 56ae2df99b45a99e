"""The report of a sentence encoder: a Markdown page and `results.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.families.encoding.model import EncodingModel
from zoo.families.encoding.settings import EncodingSettings
from zoo.reporting.page import history_table, settings_block, write_page

PROTOCOL = (
    "cosine: mean cosine of the vectors of the model and of the teacher for a text. "
    "spearman, pearson: correlation over pairs of texts, of the first 500 of the part, "
    "between their similarity by the model and by the teacher."
)


def write_encoding_report(
    text_model: EncodingModel,
    table: str,
    results: Mapping,
    history: Sequence[Mapping],
    settings: EncodingSettings,
    folder: str | Path,
) -> None:
    """Writes `report.md` and `results.json`.

    Args:
        text_model: the trained model.
        table: of the scores, in Markdown.
        results: the results of the family.
        history: logs of each epoch.
        settings: settings of the training.
        folder: folder of the run.
    """
    columns = {
        "seconds": "seconds:.0f",
        "loss": "loss:.4f",
        "cosine": "val_cosine:.4f",
        "spearman": "val_spearman:.4f",
    }
    page = [
        f"# {text_model.metadata['name']}",
        f"{results['parameters']:,} parameters, {results['seconds']:.0f} s; the "
        f"teacher's sha256 is {text_model.metadata['teacher']['model']}.",
        table,
        PROTOCOL,
        "## Training (cosine and spearman on the validation part)",
        history_table(history, columns),
        "## Settings",
        settings_block(settings.to_config()),
    ]
    write_page(folder, page, {**results, "history": list(history)})
