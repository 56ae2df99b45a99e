"""The command `zoo predict`: prints one line of JSON per text."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

from zoo.api.explaining import Reasons
from zoo.api.opening import open_model
from zoo.api.start import load_tensorflow
from zoo.cli.answer import Answer
from zoo.cli.common import OneOrMore, add_trust_argument, positive
from zoo.cli.data import add_decoding_arguments
from zoo.cli.engine import add_engine_arguments, engine_asked, scored
from zoo.cli.explain import (
    Explain,
    add_explain_argument,
    check_no_server,
    explainer_of,
    shown,
)
from zoo.client import connect
from zoo.data.formats.registry import format_names
from zoo.reporting.explained import is_terminal
from zoo.reporting.terminal import can_print, input_lines
from zoo.text.pairs import INPUTS, by_input, joined, sides

_CHUNK = 64  # texts whose answers are printed before more are read


def add_predict_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "predict", help="predict with a run, an exported model or a server"
    )
    parser.add_argument(
        "folder", nargs="?", help="run or exported model; omit it with --server"
    )
    parser.add_argument(
        "texts",
        nargs="*",
        help="texts, or first and second texts by turns for a model of pairs; by "
        "default the lines of standard input, in UTF-8, with a tab between the two "
        "texts of a pair",
    )
    parser.add_argument(
        "--data",
        nargs="+",
        metavar="FILE",
        help=f"predict the texts of a {format_names()} file; of several with --engine",
    )
    parser.add_argument(
        "--text",
        action=OneOrMore,
        metavar="COLUMN",
        help="column of the texts in --data, twice for pairs (default: as in training)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write the rows of --data with all their columns and the answers to a "
        "CSV, TSV, JSONL or Parquet file; with --engine the folder of such files",
    )
    add_decoding_arguments(parser)
    add_trust_argument(parser, "an exported model")
    add_explain_argument(parser)
    add_engine_arguments(parser)
    _add_server_arguments(parser)
    parser.set_defaults(command=_predict)


def _add_server_arguments(parser: argparse.ArgumentParser) -> None:
    server = parser.add_argument_group("a running TF Serving instead of a folder")
    server.add_argument(
        "--server",
        metavar="HOST:PORT",
        help="its REST port, or grpc://HOST:PORT for its gRPC port",
    )
    server.add_argument("--model", default="model", help="model name (default: model)")
    choice = server.add_mutually_exclusive_group()
    choice.add_argument("--version", type=positive, metavar="N", help="(the newest)")
    choice.add_argument("--label", help="version label, such as stable")
    server.add_argument("--signature", default="serving_default", help="to ask")
    server.add_argument(
        "--pairs", action="store_true", help="the server's model reads pairs of texts"
    )
    server.add_argument(
        "--timeout",
        type=float,
        default=10.0,
        help=f"seconds allowed for a request of up to {_CHUNK} texts (default: 10)",
    )


def _predict(options) -> Answer:
    if options.server:  # every positional argument is a text then
        given = [options.folder] if options.folder is not None else []
        options.texts = given + options.texts
    elif options.folder is None:
        raise ValueError(
            "`folder` or `--server` must be given. Accepted: zoo predict FOLDER, with "
            "--data after it. Received: neither."
        )
    engine = engine_asked(options)
    reading: Mapping = {}
    explain = None
    if options.server:
        check_no_server(options.explain)
        ask, pairs = _asker_of_server(options), options.pairs
    else:
        opened = open_model(options.folder, trust=options.trust)
        ask, pairs, reading = opened.model.predict, opened.pairs, opened.reading
        if engine:
            columns = _columns_of_texts(options, pairs, reading)
            return scored(options, engine, opened, columns)
        explain = explainer_of(opened.model) if options.explain else None
    if options.out is not None:
        return _written(options, ask, pairs, reading)
    records = _records(_texts(options, pairs, reading), ask, explain, pairs)
    if options.json:
        whole = [{**record, **reasons.to_json()} for record, reasons in records]
        return Answer({"predictions": whole})
    return Answer(text=_lines(records))


def _records(
    texts: Iterator[str], ask: Callable, explain: Explain | None, pairs: bool
) -> Iterator[tuple[dict, Reasons]]:
    """Yields each text with its answers, and what explains them, if that is asked."""
    answered = 0
    while chunk := list(islice(texts, _CHUNK)):
        try:
            answers = ask(chunk)
            reasons = explain(chunk) if explain else [Reasons()] * len(chunk)
        except RuntimeError as error:  # the answers printed so far are valid
            if answered:
                error.args = (f"{error} Texts answered before the error: {answered}.",)
            raise
        for text, answer, reason in zip(chunk, answers, reasons, strict=True):
            asked = dict(zip(INPUTS, sides(text))) if pairs else {"text": text}
            yield {**asked, "answers": answer}, reason
        answered += len(chunk)


def _lines(records: Iterable[tuple[dict, Reasons]]) -> Iterator[str]:
    """Yields a line of JSON per text; in a terminal its explanation is shown."""
    live = is_terminal()
    for record, reasons in records:
        if live:
            yield from shown(record, reasons, _line(record))
        else:
            yield _line({**record, **reasons.to_json()})


def _line(record: dict) -> str:
    line = json.dumps(record, ensure_ascii=False)
    return line if can_print(line) else json.dumps(record)


def _written(options, ask: Callable, pairs: bool, reading: Mapping) -> Answer:
    """Labels the rows of a table, and shows how far it is in a terminal."""
    from zoo.api.labelling import label_file

    if options.data is None or options.explain or options.texts:
        raise ValueError(
            "`--out` needs a table of texts. Accepted: `--data FILE --out FILE`, "
            "without `--explain` and texts. Received: "
            f"{'no --data' if options.data is None else '--explain, or texts'}."
        )
    live = sys.stderr.isatty()

    def tell(count: int) -> None:
        if live:
            print(f"\r{count:,} rows", end="", file=sys.stderr, flush=True)

    columns = _columns_of_texts(options, pairs, reading)
    count = label_file(
        ask,
        options.data[0],
        options.out,
        text=columns,
        tell=tell,
        **_decoding(options, reading),
    )
    if live:
        print(file=sys.stderr)
    found = {"file": options.out, "rows": count}
    return Answer(found, f"{options.out}: {count:,} rows")


def _texts(options, pairs: bool, reading: Mapping) -> Iterator[str]:
    """Yields the arguments, the texts of a table or the lines of standard input.

    Invalid UTF-8 becomes U+FFFD, as it does in the models.
    """
    if options.data is not None:
        return iter(_texts_of_table(options, pairs, reading))
    given = [os.fsencode(text).decode("utf-8", "replace") for text in options.texts]
    if not pairs:
        return iter(given) if given else input_lines()
    if len(given) % 2:
        raise ValueError(
            "`texts` must be the two texts of each pair by turns, because the model "
            f"reads pairs. Accepted: an even number. Received: {len(given)}."
        )
    if given:
        return map(_joined, given[::2], given[1::2])
    return (_joined(*_both(line)) for line in input_lines())


def _joined(first: str, second: str) -> str:
    return str(joined(first, second))


def _both(line: str) -> list[str]:
    both = line.split("\t")
    if len(both) != 2:
        raise ValueError(
            "a line must hold the two texts of a pair, because the model reads pairs. "
            f"Accepted: two texts with a tab between them. Received: {line!r}."
        )
    return both


def _texts_of_table(options, pairs: bool, reading: Mapping) -> list[str]:
    from zoo.data import read_table

    if options.texts:
        raise ValueError(
            "`texts` must be left out beside `--data`. Accepted: one of the two. "
            f"Received: {len(options.texts)} text(s) and --data {options.data[0]}."
        )
    columns = _columns_of_texts(options, pairs, reading)
    decoding = _decoding(options, reading)
    table = read_table(options.data[0], text=columns, labels={}, **decoding)
    for note in table.notes:
        print(note, file=sys.stderr)
    return table.texts


def _decoding(options, reading: Mapping) -> dict:
    """How the characters of the table become cells: as asked for, or as in training."""
    from zoo.families.reading import recalled_encoding

    encoding = options.encoding or recalled_encoding(options.data[0], reading)
    recorded = reading.get("quotes") if options.quotes is None else options.quotes
    return {"encoding": encoding, "quotes": recorded is not False}


def _columns_of_texts(options, pairs: bool, reading: Mapping) -> str | list[str]:
    from zoo.api.reading import columns_of_texts

    columns = columns_of_texts(options.text or reading.get("text")) or "text"
    if isinstance(columns, list) != pairs:
        wanted = "two columns, because the model reads pairs" if pairs else "one column"
        raise ValueError(
            f"`--text` must name {wanted}. Accepted: --text COLUMN"
            f"{' --text COLUMN' if pairs else ''}. Received: {columns!r}."
        )
    return columns


def _asker_of_server(options) -> Callable[[list[str]], list[dict]]:
    if options.server.startswith("grpc:"):
        load_tensorflow()  # quietly, because the gRPC client imports it
    client = connect(
        options.server,
        options.model,
        version=options.version,
        label=options.label,
        timeout=options.timeout,
        batch_size=_CHUNK,
    )
    if not options.pairs:
        return lambda texts: client.predict(texts, options.signature)

    def ask(texts: list[str]) -> list[dict]:
        named = by_input([text.encode() for text in texts], pairs=True)
        columns = client.call(named, options.signature)
        rows = zip(*columns.values(), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    return ask
