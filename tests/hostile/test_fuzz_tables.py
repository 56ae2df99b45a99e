"""Tables of every format, damaged in any way: rows, or a message in three parts."""

from __future__ import annotations

import gzip
import io
import warnings
from pathlib import Path

import pytest
from fuzzing import damaged_bytes, fuzzed, told
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import Examples, read_columns, read_table, split
from zoo.data.formats.conll import read_conll
from zoo.data.formats.conllu import read_conllu
from zoo.data.formats.tagged_rows import read_tagged_jsonl, read_tagged_tsv
from zoo.data.lines import read_lines
from zoo.data.pairs import read_pair_table, read_pairs
from zoo.data.targets import encode_labels, learn_tasks
from zoo.data.vectors import read_vectors

pytestmark = pytest.mark.slow

PIECES = [
    *(bytes([value]) for value in b"\n\r\t,;\"'|{}[]:\\ "),
    *(b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b"PK\x03\x04"),
    *(b"\n\n", b'""', b"NaN", b"1e999", b"-1", b"null", b"true", b"9" * 400),
    *(b"text", b"label", b"[" * 1500, b"\xed\xa0\x80", "\u2028".encode(), b"x" * 5000),
]
KINDS = ({"label": "categories"}, {"label": "multilabel"}, {"more": "regression"})
ROWS = [(b"text %d" % n, (b"yes", b"no")[n % 2], n / 2) for n in range(9)]
CSV = b'text,label,more\n"a, b",yes,1\ngood film,no,2.5\nso so,yes,\n'
CSV += b"".join(b"%s,%s,%.1f\n" % row for row in ROWS)
TSV = CSV.replace(b'"a, b"', b"a b").replace(b",", b"\t")
JSONL = (
    b'{"text": "good film", "label": "yes", "more": 1}\n'
    b'{"text": "so so", "label": {"yes": 0.5, "no": 0.5}, "more": null}\n'
)
JSONL += b"".join(b'{"text": "%s", "label": "%s", "more": %.1f}\n' % r for r in ROWS)
CONLL = b"in IN O\nRome NNP B-LOC\n\nYes UH O\n"
CONLLU = (
    b"# a\n1\tin\tin\tADP\tIN\t_\t2\tcase\t_\t_\n"
    b"2\tRome\tRome\tPROPN\t_\t_\t0\troot\t_\t_\n"
)
TAGGED = b'{"tokens": ["in", "Rome"], "tags": ["O", "B-LOC"], "topic": "travel"}\n'
TAGGED_TSV = b"travel\tto Rome\tO B-LOC\nnone\tyes\tO\n"
PAIRS = b"en\tde\nyes\tja\nno\tnein\n"
LINES = "one text\nanother\n\n\u597d\n".encode()
VECTORS = b"2 3\nthe 0.1 0.2 0.3\ncat 0.3 0.4 -1e-3\n"


def usable(examples: Examples) -> None:
    """What was read can be split and encoded, or is refused in three parts."""
    parts = split(examples, seed=0)
    encode_labels(parts.train, learn_tasks(parts.train))


def tables(path: Path, kind: int, bad: str) -> None:
    labels = KINDS[kind % len(KINDS)]
    usable(read_table(path, text="text", labels=labels, on_bad_rows=bad))


def columns(path: Path, kind: int, bad: str) -> None:
    names, labels = ["text", "label", "more"], KINDS[kind % len(KINDS)]
    usable(read_columns(path, names, text="text", labels=labels, on_bad_rows=bad))


def conll(path: Path, kind: int, bad: str) -> None:
    columns = {"tags": -1, "pos": 1} if kind else {"tags": 2}
    read_conll(path, columns, on_bad_rows=bad)


def conllu(path: Path, kind: int, bad: str) -> None:
    read_conllu(path, {"pos": "UPOS"}, on_bad_rows=bad)


def tagged(path: Path, kind: int, bad: str) -> None:
    read_tagged_jsonl(path, labels=["topic"] * (kind % 2), on_bad_rows=bad)


def tagged_tsv(path: Path, kind: int, bad: str) -> None:
    names = ["topic", "tokens", "tags"]
    read_tagged_tsv(path, names, labels=["topic"], on_bad_rows=bad)


def pair_table(path: Path, kind: int, bad: str) -> None:
    read_pair_table(path, source="en", target="de", on_bad_rows=bad)


def two_files(path: Path, kind: int, bad: str) -> None:
    other = path.with_name("other.txt")
    other.write_bytes(LINES)
    read_pairs(path, other, on_bad_rows=bad)


def lines(path: Path, kind: int, bad: str) -> None:
    read_lines(path, on_bad_rows=bad)


def vectors(path: Path, kind: int, bad: str) -> None:
    read_vectors(path, ["[PAD]", "[UNK]", "[BEGIN]", "[END]", "the", "other"])


READERS = {
    "rows.csv": (CSV, tables, 800),
    "rows.tsv": (TSV, tables, 300),
    "rows.jsonl": (JSONL, tables, 800),
    "plain.tsv": (TSV, columns, 300),
    "tags.conll": (CONLL, conll, 600),
    "tags.conllu": (CONLLU, conllu, 500),
    "tags.jsonl": (TAGGED, tagged, 600),
    "tags.tsv": (TAGGED_TSV, tagged_tsv, 400),
    "pairs.tsv": (PAIRS, pair_table, 500),
    "source.txt": (LINES, two_files, 300),
    "lines.txt": (LINES, lines, 300),
    "vectors.txt": (VECTORS, vectors, 500),
}
CASES = st.integers(0, 5), st.sampled_from(["error", "skip"])


@pytest.mark.parametrize("name", READERS)
def test_tables(name, tmp_path):
    whole, read, count = READERS[name]
    path, zipped = tmp_path / name, tmp_path / f"{name}.gz"
    seen = {"asked": 0, "read": 0}

    @fuzzed(count)
    @given(damaged_bytes(whole, PIECES), *CASES)
    def check(content, kind, bad):
        place = zipped if kind == 5 else path
        place.write_bytes(gzip.compress(content, 1) if kind == 5 else content)
        seen["asked"] += 1
        with warnings.catch_warnings(), told():
            warnings.simplefilter("ignore")
            read(place, kind, bad)
            seen["read"] += 1

    check()
    assert seen["asked"] >= count and count / 20 < seen["read"] < seen["asked"], seen


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    content = {"text": ["a", "b", "c"], "label": ["x", None, "y"], "more": [1.0, 2, 3]}
    held = io.BytesIO()
    write_table(pyarrow.table(content), held)
    path = tmp_path / "rows.parquet"

    @fuzzed(300)
    @given(damaged_bytes(held.getvalue(), PIECES), *CASES)
    def check(content, kind, bad):
        path.write_bytes(content)
        with told():
            tables(path, kind, bad)

    check()
