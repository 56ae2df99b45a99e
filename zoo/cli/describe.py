"""The command `zoo describe`: arguments and layers of a model, or the card of one.

Without `--layers` it loads no TensorFlow.
"""

from __future__ import annotations

from zoo.cli.answer import Answer
from zoo.families.catalogue import Page, describe
from zoo.reporting.card import card_page
from zoo.reporting.markdown import markdown_table
from zoo.reporting.terminal import shell_command
from zoo.weights import trained_models


def add_describe_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "describe",
        help="show the arguments and layers of a model, or the card of a trained one",
    )
    parser.add_argument("model", help="a name from `zoo list` or `zoo list --trained`")
    parser.add_argument(
        "--layers",
        action="store_true",
        help="also build the model with its default arguments, and show the shapes, "
        "parameters and multiplications of its layers",
    )
    parser.set_defaults(command=_describe)


def _describe(options) -> Answer:
    trained = trained_models()
    if options.model in trained:
        card = trained[options.model]
        return Answer(card, card_page(card).removesuffix("\n"))
    page = describe(options.model)
    whole = str(page).removesuffix("\n")
    if options.layers:
        return _with_layers(page, whole)
    more = shell_command("zoo", "describe", page.name, "--layers")
    return Answer(page.to_json(), [whole, "", f"Layers, parameters and cost: {more}"])


def _with_layers(page: Page, whole: str) -> Answer:
    from zoo.api.start import load_tensorflow

    load_tensorflow()
    from zoo.models.layer_rows import layer_heads, said, total

    rows = page.layers()
    table = markdown_table([layer_heads(), *(row.cells() for row in rows)])
    found = {"layers": [row.to_json() for row in rows], "total": total(rows)}
    text = [whole, "", "Layers, with the default arguments:", "", table, ""]
    return Answer({**page.to_json(), **found}, [*text, said(total(rows))])
