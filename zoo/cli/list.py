"""The commands `zoo list` and `zoo describe`. They load no TensorFlow."""

from __future__ import annotations


def add_list_parsers(commands) -> None:
    """Adds both commands to the subparsers of `zoo`."""
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

    describe = commands.add_parser("describe", help="show the arguments of a model")
    describe.add_argument("model")
    describe.set_defaults(command=_describe)


def _list(options) -> None:
    if options.data:
        from zoo.data import named_sets

        rows = named_sets()
    elif options.trained:
        from zoo.weights import trained_models

        rows = [(name, card["summary"]) for name, card in trained_models().items()]
    else:
        from zoo.models._registry import describe, list_models

        names = list_models(options.pattern)
        rows = [(name, describe(name).summary) for name in names]
        if not names:
            raise ValueError(
                f"`pattern` must match a model. Accepted: {', '.join(list_models())}. "
                f"Received: {options.pattern!r}."
            )
    width = max(len(name) for name, _ in rows)
    for name, summary in rows:
        print(f"{name:{width}}  {summary}")


def _describe(options) -> None:
    from zoo.families.catalogue import describe

    print(describe(options.model), end="")
