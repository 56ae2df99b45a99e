"""Tables that the page hands over: read, labelled, fetched and removed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import threading
import time
from urllib.parse import quote

import pytest
from demo_toys import FOLDERS, THREE_PARTS

from zoo.api.demo.tables import KEPT, Tables

pytestmark = pytest.mark.tensorflow

MODEL = FOLDERS["classification"]
TEXTS = [
    "a good day",
    "",
    'so "bad",\nnot <b>good</b>',
    "\u5f88\u597d \U0001f600 \u202e",
]


def written(rows, delimiter=",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode("utf-8")


def finished(send, key):
    """The state of a table that is no longer being labelled."""
    end = time.monotonic() + 600
    while (found := send(f"api/tables/{key}"))["state"] == "running":
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def label(send, key, *columns, model=MODEL):
    body = {"model": model, "columns": [*columns]}
    send(f"api/tables/{key}", body, status=202)
    return finished(send, key)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_comes_back_with_its_labels(server, send, delimiter):
    rows = [["id", "review \u00fc", "note"]]
    rows += [[str(n), text, "x;,y"] for n, text in enumerate(TEXTS)]
    name = "my \u00fc/\u5f88 'reviews'.csv"
    body = written(rows, delimiter)
    added = send(f"api/tables?name={quote(name)}", body, status=201)
    assert added["name"] == "\u5f88 'reviews'.csv" and added["rows"] == 4
    assert [column["name"] for column in added["columns"]] == rows[0]
    assert added["columns"][1]["example"] == "a good day"
    found = label(send, added["id"], "review \u00fc")
    assert (found["state"], found["done"], found["error"]) == ("ready", 4, "")
    result = send(f"api/tables/{added['id']}/labelled").decode("utf-8")
    saved_as = quote("\u5f88 'reviews'-labelled.csv", safe="")
    assert send.headers["Content-Disposition"].endswith(f"''{saved_as}")
    read = list(csv.DictReader(io.StringIO(result, newline="")))
    assert [[row[name] for name in rows[0]] for row in read] == rows[1:]
    answers = server.models[MODEL].model.predict(TEXTS)
    for row, answer in zip(read, answers, strict=True):
        assert row["predicted_mood"] == answer["mood"]["label"]
        best = max(answer["mood"]["scores"].values())
        assert float(row["score_mood"]) == pytest.approx(best, abs=1e-6)


def test_json_lines_in_gzip_and_pairs(send, stub):
    lines = "".join(json.dumps({"q": f"so {n}", "a": "no"}) + "\n" for n in range(3))
    added = send(
        "api/tables?name=a.jsonl.gz", gzip.compress(lines.encode()), status=201
    )
    assert added["labelled"] == "a-labelled.jsonl.gz"
    assert label(send, added["id"], "q", "a", model="pairs")["state"] == "ready"
    assert stub.asked == ["so 0\x1fno", "so 1\x1fno", "so 2\x1fno"]
    result = gzip.decompress(send(f"api/tables/{added['id']}/labelled")).decode()
    first, *_ = map(json.loads, result.splitlines())
    assert first["predicted_mood"] == "" and first["predicted_tags"] == "a|b"


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.csv", b'text,b\nso,1\n"open,2\n', "a.csv, line 3: a quote is opened"),
        ("a.csv", b"text,b\nso\nso,2\nno,1,2\n", "a.csv, line 2: the row has 1 cell"),
        ("a.csv", b"text\n\xff\xfeso\xe9\n", "a.csv, line 2: the text is not valid"),
        ("a.csv", b"", "a.csv: the file is empty"),
        ("a.csv", b"text,text\nso,no\n", "a.csv, line 1, column 'text'"),
        ("a.xlsx", b"PK\x03\x04", "a.xlsx: unknown kind of file"),
        ("a.csv", b"PK\x03\x04", "a.csv: the content is not text"),
        ("a.jsonl", b'{"text": 1}\n[\n', "a.jsonl, line 2: bad JSON"),
        ("", b"text\nso\n", "unknown kind of file"),
    ],
)
def test_a_broken_table_is_told_with_its_line(server, send, name, content, message):
    folders = len([*server.tables._folder.iterdir()])
    error = send(f"api/tables?name={name}", content, status=400)["error"]
    assert message in error and "--on-bad-rows" not in error
    assert str(server.tables._folder) not in error
    assert len([*server.tables._folder.iterdir()]) == folders


def test_columns_and_models_that_are_not_there(send):
    key = send("api/tables?name=a.csv", b"text,b\nso,1\n", status=201)["id"]
    for columns in ([], ["none"], ["text", "b"]):
        body = {"model": MODEL, "columns": columns}
        error = send(f"api/tables/{key}", body, status=400)["error"]
        assert "1 of 'text', 'b'" in error
    send(f"api/tables/{key}", {"model": "none", "columns": ["text"]}, status=404)
    error = send(f"api/tables/{key}/labelled", status=409)["error"]
    assert "Received: read" in error


def test_a_table_that_has_the_labels_already_fails(send):
    content = b"text,score_mood\nso,1\n"
    key = send("api/tables?name=a.csv", content, status=201)["id"]
    found = label(send, key, "text")
    assert found["state"] == "failed" and THREE_PARTS.fullmatch(found["error"])
    assert found["error"].startswith("a.csv: the table has columns of the names")


def test_a_table_is_labelled_once_at_a_time_and_can_be_stopped(send, stub, server):
    stub.may.clear()
    content = b"a,b\n" + b"so,no\n" * 600
    key = send("api/tables?name=a.csv", content, status=201)["id"]
    body = {"model": "pairs", "columns": ["a", "b"]}
    assert send(f"api/tables/{key}", body, status=202)["state"] == "running"
    assert "is being labelled" in send(f"api/tables/{key}", body, status=409)["error"]
    folder = server.tables[key].path.parent
    assert folder.is_dir()
    send(f"api/tables/{key}", method="DELETE")
    assert not folder.exists()
    stub.may.set()
    for thread in threading.enumerate():
        if "label" in thread.name:
            thread.join(600)
    assert len(stub.asked) <= 512  # what was asked when it stopped, and no third chunk
    for method in ("GET", "DELETE"):
        error = send(f"api/tables/{key}", method=method, status=404)["error"]
        assert "There is no such table" in error


def test_only_the_newest_tables_are_kept(tmp_path):
    tables = Tables(tmp_path)
    keys = [tables.add("a.csv", b"text\nso\n") for _ in range(KEPT + 2)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(keys[2:])
    with pytest.raises(ValueError, match="no such table"):
        tables[keys[1]]
    with pytest.raises(ValueError, match="unknown kind"):
        tables.add("../../a", b"text\nso\n")
    with pytest.raises(ValueError, match="quote"):
        tables.add("a.csv", b'text\n"so\n')
    assert len([*tmp_path.iterdir()]) == KEPT
