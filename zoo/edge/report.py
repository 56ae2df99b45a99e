"""A summary of an export for a device, in a few lines."""

from __future__ import annotations

from pathlib import Path

from zoo.edge.model import read_metadata
from zoo.families.classification.report import results_table
from zoo.reporting.markdown import markdown_table
from zoo.tasks import Task
from zoo.training.metrics import MAIN_METRIC, mean_main_metric


def summary(folder: str | Path) -> str:
    """Returns size, difference and time of each file, with metrics if measured.

    Args:
        folder: folder of an export.
    """
    folder = Path(folder)
    metadata = read_metadata(folder)
    files = metadata["files"]
    length = metadata["input"]["length"]
    rows = [["file", "KiB", "largest difference", f"median ms, {length} tokens"]]
    for name, file in files.items():
        rows.append(
            [
                name,
                f"{file['bytes'] / 1024:,.0f}",
                f"{file['largest_difference']:.2g}",
                f"{file['median_milliseconds']:.2f}",
            ]
        )
    parts = [str(folder), markdown_table(rows)]
    times = metadata.get("compared_milliseconds", {})
    if times:
        said = ", ".join(f"{name} {time:.2f}" for name, time in times.items())
        parts.append(f"Fastest here: {metadata['runtime']} (median ms: {said}).")
    results = {n: f["metrics"] for n, f in files.items() if "metrics" in f}
    if results:
        tasks = {}
        for name, config in metadata["tasks"].items():
            config = {key: value for key, value in config.items() if key != "output"}
            tasks[name] = Task.from_config(config)
        parts.append(results_table(tasks, results))
        if len(results) > 1:
            parts.append(_change(tasks, *results.values()))
    return "\n\n".join(parts)


def _change(tasks, float32: dict, int8: dict) -> str:
    before, after = (mean_main_metric(tasks, result) for result in (float32, int8))
    metrics = sorted({MAIN_METRIC[task.kind] for task in tasks.values()})
    shown = f"{' and '.join(metrics)}{', mean of the tasks' if len(tasks) > 1 else ''}"
    return f"8-bit weights change {shown} by {after - before:+.4f}."
