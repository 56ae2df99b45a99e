"""The command `zoo list`. It loads no TensorFlow."""

from __future__ import annotations

from zoo.cli.answer import Answer


def add_list_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    listing = commands.add_parser("list", help="list the models or the named data sets")
    listing.add_argument("pattern", nargs="?", default="*", help='pattern, as "*mt*"')
    what = listing.add_mutually_exclusive_group()
    what.add_argument("--data", action="store_true", help="list the data sets")
    what.add_argument(
        "--trained",
        action="store_true",
        help="list the trained models that ship with the package",
    )
    listing.set_defaults(command=_list)


def _list(options) -> Answer:
    if options.data:
        from zoo.data import named_sets

        key, rows = "data_sets", named_sets()
    elif options.trained:
        from zoo.weights import trained_models

        cards = trained_models()
        key, rows = "trained", [(name, cards[name]["summary"]) for name in cards]
    else:
        from zoo.models._registry import describe, list_models

        names = list_models(options.pattern)
        key, rows = "models", [(name, describe(name).summary) for name in names]
        if not names:
            raise ValueError(
                f"`pattern` must match a model. Accepted: {', '.join(list_models())}. "
                f"Received: {options.pattern!r}."
            )
    width = max(len(name) for name, _ in rows)
    found = [{"name": name, "summary": summary} for name, summary in rows]
    return Answer({key: found}, [f"{name:{width}}  {about}" for name, about in rows])
