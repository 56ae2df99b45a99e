"""The command `zoo describe`: arguments and layers of a model, or the card of one.

Without `--layers` it loads no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zoo.cli.answer import Answer
from zoo.families.catalogue import Page, describe
from zoo.families.saved import saved_metadata
from zoo.reporting.card import CARD, card_page
from zoo.reporting.markdown import markdown_table
from zoo.reporting.terminal import shell_command
from zoo.serving.folders import EXTRA
from zoo.serving.versions import newest
from zoo.text.objects import read_object
from zoo.weights import trained_models


def add_describe_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "describe",
        help="show the arguments and layers of a model, or the card of a trained one",
    )
    parser.add_argument(
        "model",
        help="a name from `zoo list` or `zoo list --trained`, or the folder of a run, "
        "a search or an exported model",
    )
    parser.add_argument(
        "--layers",
        action="store_true",
        help="also show the shapes, parameters and multiplications of the layers: of a "
        "trained model, or of one that is built with its default arguments",
    )
    parser.set_defaults(command=_describe)


def _describe(options) -> Answer:
    name, trained = options.model, trained_models()
    if name in trained or Path(name).is_dir():
        card = trained[name] if name in trained else _card_of(Path(name))
        page = card_page(card).removesuffix("\n")
        return _with_layers(card, page, name) if options.layers else Answer(card, page)
    found = describe(name)
    page = str(found).removesuffix("\n")
    if options.layers:
        return _with_layers(found.to_json(), page, found)
    more = shell_command("zoo", "describe", found.name, "--layers")
    return Answer(found.to_json(), [page, "", f"Layers, parameters and cost: {more}"])


def _card_of(folder: Path) -> Mapping:
    """Returns the card of a run, a search or an exported model."""
    exported = newest(folder)
    if exported is not None and (exported / "saved_model.pb").is_file():
        path = exported / EXTRA / CARD
        return read_object(path) if path.is_file() else {"title": folder.name}
    place, metadata = saved_metadata(folder)
    return metadata.get("card", {"title": metadata.get("name", place.name)})


def _with_layers(content: Mapping, page: str, model: str | Page) -> Answer:
    """Adds the layers of a trained model, given by name or folder, or of a page."""
    from zoo.api.start import load_tensorflow

    load_tensorflow()
    from zoo.loading import load
    from zoo.models.layer_rows import layer_heads, layer_rows, said, total

    if isinstance(model, str):
        rows, heading = layer_rows(load(model).model), "Layers:"
    else:
        rows, heading = model.layers(), "Layers, with the default arguments:"
    table = markdown_table([layer_heads(), *(row.cells() for row in rows)])
    found = {"layers": [row.to_json() for row in rows], "total": total(rows)}
    text = [page, "", heading, "", table, "", said(total(rows))]
    return Answer({**content, **found}, text)
