"""The command `zoo profile`: where the time of a request to an export goes."""

from __future__ import annotations

from codecs import BOM_UTF8
from pathlib import Path

from zoo.api.start import check_writable, load_tensorflow
from zoo.cli.answer import Answer
from zoo.cli.common import add_trust_argument, positive


def add_profile_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "profile", help="show where the time of a request to an exported model goes"
    )
    parser.add_argument("folder", type=Path, help="exported model, or one version")
    parser.add_argument(
        "--texts",
        type=Path,
        metavar="FILE",
        help="typical texts, one per line (default: those of the warmup requests)",
    )
    parser.add_argument(
        "--batch-sizes",
        type=positive,
        nargs="+",
        default=(1, 32),
        metavar="N",
        help="numbers of texts per request (default: 1 32)",
    )
    parser.add_argument(
        "--threads", type=positive, default=1, help="threads (default: 1)"
    )
    parser.add_argument(
        "--calls",
        type=positive,
        default=200,
        help="requests to time, of each batch size (default: 200)",
    )
    parser.add_argument(
        "--operations",
        type=positive,
        default=8,
        metavar="N",
        help="operations to list (default: the longest 8)",
    )
    parser.add_argument(
        "--png", type=Path, metavar="FILE", help="also draw the bars; needs matplotlib"
    )
    add_trust_argument(parser, "an exported model")
    parser.set_defaults(command=_profile)


def _profile(options) -> Answer:
    if options.png:
        check_writable(options.png.parent, "`--png`")
    texts = options.texts and _lines(options.texts)
    load_tensorflow()
    from zoo.reporting.profiles import bars
    from zoo.serving.profiling import profile

    found = profile(
        options.folder,
        texts,
        batch_sizes=options.batch_sizes,
        threads=options.threads,
        calls=options.calls,
        trust=options.trust,
    )
    if options.png:
        _draw(found, options.png)
    return Answer(found, bars(found, operations=options.operations))


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().removeprefix(BOM_UTF8).splitlines()
    except OSError as error:
        raise OSError(
            f"`--texts` must be a readable file. Received: {path} ({error})."
        ) from None


def _draw(found: dict, path: Path) -> None:
    try:
        from zoo.reporting.profile_plot import write_profile
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise ImportError(
            "`--png` needs the extra `report`: pip install -e '.[report]'. "
            f"Received: {error}."
        ) from error
    write_profile(found, path)
