"""The report of a translation model: a Markdown page with plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.families.translation.model import TranslationModel
from zoo.families.translation.settings import TranslationSettings
from zoo.families.translation.train import Corpus
from zoo.reporting.markdown import in_cell, markdown_table
from zoo.reporting.page import (
    drawn,
    history_table,
    images,
    settings_block,
    write_page,
)

PROTOCOL = (
    "BLEU is sacrebleu's, on the whole part, with the signature above. Perplexity is "
    "that of target pieces given the true ones before. The epoch was selected by the "
    "validation perplexity; the test part was read once. The baselines copy the "
    "source, and take the translation of the most similar training source (TF-IDF)."
)
_SHOWN = 5  # translations in the report


def results_table(results: Mapping[str, Mapping]) -> str:
    """Returns a Markdown table: one row per model or baseline."""
    rows = [["model", "pairs", "BLEU", "perplexity"]]
    for name, scores in results.items():
        found = scores.get("perplexity")
        rows.append(
            [
                in_cell(name),
                str(scores.get("pairs", "")),
                f"{scores['bleu']:.2f}",
                "" if found is None else f"{found:.3f}",
            ]
        )
    return markdown_table(rows)


def table_of_test(name: str, results: Mapping, baselines: Mapping[str, float]) -> str:
    """Returns the table of the test part, with the baselines below the model."""
    below = {baseline: {"bleu": score} for baseline, score in baselines.items()}
    return results_table({name: results["test"], **below})


def write_translation_report(
    text_model: TranslationModel,
    corpus: Corpus,
    results: Mapping,
    baselines: Mapping[str, float],
    history: Sequence[Mapping],
    settings: TranslationSettings,
    folder: str | Path,
) -> None:
    """Writes `report.md`, `results.json` and, with matplotlib, the plots.

    Args:
        text_model: the trained model.
        corpus: the data.
        results: the result of `zoo.families.translation.train.results_of`.
        baselines: BLEU of each baseline on the test part.
        history: logs of each epoch.
        settings: settings of the training.
        folder: folder of the run.
    """
    folder, name = Path(folder), text_model.metadata["name"]
    folder.mkdir(parents=True, exist_ok=True)
    page = [
        f"# {name}",
        f"{results['parameters']:,} parameters, "
        f"trained in {results['seconds']:.0f} s over "
        f"{results['epochs']} epochs "
        f"({results['tokens_per_second']:.0f} target tokens/s), "
        f"seed {settings.seed}.",
        "## Test part",
        table_of_test(name, results, baselines),
        f"`{results['test']['signature']}`",
        PROTOCOL,
        _examples(corpus, results["test"]["translations"]),
        "## Data",
        _data_table(corpus),
        _cut(results["cut"], settings.max_length),
        *corpus.splits.notes,
        "## Training",
        _history_table(results, history),
        *images(drawn(lambda plots: _draw(plots, text_model, corpus, history, folder))),
        "## Settings",
        settings_block(settings.to_config()),
    ]
    kept = {"name": name, **results, "baselines": baselines, "history": list(history)}
    write_page(folder, page, kept)


def _examples(corpus: Corpus, translations: Sequence[str]) -> str:
    rows = [["source", "reference", "translation"]]
    pairs = corpus.part("test")
    for row in zip(pairs.sources, pairs.targets, translations[:_SHOWN]):
        rows.append([in_cell(text) for text in row])
    return markdown_table(rows)


def _data_table(corpus: Corpus) -> str:
    rows = [["part", "pairs", "source pieces", "target pieces", "longest"]]
    for part, encoded in corpus.encoded.items():
        sizes = [
            [len(ids) - 1 for ids in encoded.sources] or [0],
            [len(ids) - 2 for ids in encoded.targets] or [0],
        ]
        rows.append(
            [
                part,
                f"{len(corpus.part(part)):,}",
                *(f"{sum(s):,}" for s in sizes),
                str(max(map(max, sizes))),
            ]
        )
    return markdown_table(rows)


def _cut(count: int, most: int) -> str:
    if not count:
        return ""
    return (
        f"{count} training pair(s) had more than {most} pieces on a side and were cut."
    )


def _history_table(results: Mapping, history: Sequence[Mapping]) -> str:
    columns = {
        "seconds": "seconds:.0f",
        "loss": "loss:.4f",
        "validation perplexity": "val_perplexity:.3f",
    }
    table = history_table(history, columns)
    if "valid" not in results:
        return table
    return (
        f"{table}\n\nValidation BLEU of the best epoch: {results['valid']['bleu']:.2f}."
    )


def _draw(plots, text_model, corpus, history, folder: Path) -> list[tuple[str, str]]:
    """Returns the file names and titles of the plots."""
    written = []
    if history and "val_perplexity" in history[0]:
        seconds, curve = 0.0, []
        for logs in history:
            seconds += logs["seconds"]
            curve.append((seconds, logs["val_perplexity"]))
        name = text_model.metadata["name"]
        plots.write_perplexities({name: curve}, folder / "perplexity.png")
        written.append(("perplexity.png", "Validation perplexity"))
    pairs = corpus.part("valid") if len(corpus.part("valid")) else corpus.part("train")
    shown = min(pairs.sources, key=lambda text: abs(len(text) - 60))
    [seen] = text_model.attention([shown])
    names = seen.target, seen.source
    plots.write_attention(seen.weights, *names, folder / "attention.png")
    written.append(("attention.png", "Attention while translating a validation text"))
    return written + plots.write_shares(history, folder)
