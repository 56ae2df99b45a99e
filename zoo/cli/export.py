"""The command `zoo export`: exports a run for TF Serving or for a device."""

from __future__ import annotations

from pathlib import Path

from zoo.cli.answer import Answer
from zoo.cli.data import data_arguments
from zoo.cli.edge import add_edge_arguments, check_edge_options, edge_answer
from zoo.cli.serve import add_export_arguments, after_export


def add_export_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    export = commands.add_parser(
        "export", help="export a run for TF Serving or for a device"
    )
    export.add_argument("folder", type=Path, help="run folder")
    export.add_argument(
        "--to",
        type=Path,
        help="folder of the versions (default: saved_models/MODEL) or, with --edge, "
        "of the export (default: edge/MODEL-RUNTIME)",
    )
    add_export_arguments(export)
    export.add_argument(
        "--explain",
        action="store_true",
        help="add the signature `explain` of a classifier, for zoo predict --explain",
    )
    add_edge_arguments(export)
    export.set_defaults(command=_export)


def _export(options) -> Answer:
    check_edge_options(options)
    from zoo.api.exporting import export

    of_devices = {}
    if options.edge:
        of_devices = {"length": options.length, "int8": options.int8}
        of_devices.update(data_arguments(options))
    folder = export(
        options.folder,
        folder=options.to,
        abstain=options.abstain,
        explain=options.explain,
        edge=options.edge,
        **of_devices,
    )
    if options.edge:
        return edge_answer(folder)
    after_export(folder.parent, options)
    return Answer({"folder": folder}, str(folder))
