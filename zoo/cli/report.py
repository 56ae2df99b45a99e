"""The command `zoo report`: compares finished runs on one page of HTML."""

from __future__ import annotations

import sys
from pathlib import Path

from zoo.cli.answer import Answer


def add_report_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "report",
        help="compare finished runs on one page of HTML",
        description="Writes a page with the data, scores, sizes and times of runs, the "
        "settings in which they differ, and their learning curves. It opens without a "
        "network. Folders that hold no finished run are left out.",
    )
    parser.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="run folder, as in runs/*"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="the page (default: report.html)",
    )
    parser.set_defaults(command=_report)


def _report(options) -> Answer:
    from zoo.reporting.comparison import write_comparison
    from zoo.reporting.runs import RunFacts, read_run

    runs: list[RunFacts] = []
    left_out: list[ValueError] = []
    for folder in options.runs:
        try:
            runs.append(read_run(folder))
        except ValueError as error:
            left_out.append(error)
            print(f"left out: {error}", file=sys.stderr)
    if not runs:
        raise left_out[0]
    path = write_comparison(runs, options.out)
    found = {"file": path, "runs": [run.to_json() for run in runs]}
    return Answer(found, f"{path}: {len(runs)} runs")
