"""The command `zoo export`: exports a run for TF Serving or for a device."""

from __future__ import annotations

from pathlib import Path

from zoo.cli.common import load_tensorflow
from zoo.cli.edge import add_edge_arguments, check_edge_options, export_edge
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
    add_edge_arguments(export)
    export.set_defaults(command=_export)


def _export(options) -> None:
    check_edge_options(options)
    load_tensorflow()
    from zoo.families import get_family
    from zoo.loading import load

    text_model = load(options.folder)
    if options.abstain is not None:
        family = get_family(text_model.family)
        text_model = family.with_abstain(text_model, options.abstain)
    name = text_model.metadata.get("name", options.folder.name)
    if options.edge:
        export_edge(text_model, name, options)
        return
    folder = options.to or Path("saved_models", name)
    print(text_model.export(folder))
    after_export(folder, options)
