"""The profile of a served model as a PNG file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib import colormaps
from matplotlib.figure import Figure

from zoo.reporting.plots import plain, save
from zoo.reporting.profiles import large, times_by_part


def write_profile(profile: Mapping, path: Path) -> None:
    """Draws the milliseconds of layers and operations, with a panel per batch size.

    The colour of a bar tells its part.

    Args:
        profile: what `zoo.serving.profiling.profile` returned.
        path: path of the PNG file.
    """
    requests = profile["requests"]
    figure = Figure(figsize=(5.5 * len(requests), 6), layout="constrained")
    panels = figure.subplots(1, len(requests), squeeze=False)[0]
    parts: dict[str, int] = {}
    for axes, request in zip(panels, requests, strict=True):
        names: list[str] = []
        for part, inner in times_by_part(request).items():
            color = colormaps["tab10"](parts.setdefault(part, len(parts)) % 10)
            shown = large(inner, request)
            places = [len(names) + row for row in range(len(shown))]
            names += [plain(f"{part}: {name}", 40) for name in shown]
            axes.barh(places, list(shown.values()), color=color)
        axes.set_yticks(range(len(names)), names, fontsize="small")
        axes.invert_yaxis()
        axes.set(
            title=f"batch {request['batch_size']}: {request['milliseconds']:.2f} ms",
            xlabel="milliseconds a request",
        )
    save(figure, path)
