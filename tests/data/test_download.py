"""Pinned downloads: cached, checked, whole or not at all; and the embedded default."""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from zoo.data import DataError, load_named
from zoo.data.download import Remote, Source, cache_folder, fetch, sha256_of
from zoo.data.sets import snips, sst, subj, trec


class Server:
    """Answers with `files`; counts requests; may promise more bytes than it sends."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.missing_bytes = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.requests.append(self.path)
                data = server.files.get(self.path)
                if data is None:
                    return self.send_error(404)
                self.send_response(200)
                self.send_header("Content-Length", len(data))
                self.end_headers()
                self.wfile.write(data[: len(data) - server.missing_bytes])

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def offer(self, path: str, data: bytes) -> Remote:
        self.files[path] = data
        return Remote(self.url + path, sha256_of(data), path.strip("/"))


@pytest.fixture
def server(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("ZOO_DATA", raising=False)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    server = Server()
    yield server
    server.close()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# --- fetch ------------------------------------------------------------------------


def test_a_file_is_downloaded_once(server, tmp_path):
    remote = server.offer("/sub/a.txt", b"some rows\n")
    path = fetch("toy", remote)
    assert path == tmp_path / "cache" / "toy" / "sub" / "a.txt"
    assert path.read_bytes() == b"some rows\n"
    assert fetch("toy", remote) == path and len(server.requests) == 1
    assert files_in(tmp_path / "cache") == [path]


def test_a_damaged_cache_is_mended(server):
    remote = server.offer("/a.txt", b"some rows\n")
    path = fetch("toy", remote)
    path.write_bytes(b"some ro")
    assert fetch("toy", remote).read_bytes() == b"some rows\n"
    assert len(server.requests) == 2


def test_corrupted_download(server, tmp_path):
    remote = server.offer("/a.txt", b"some rows\n")
    server.files["/a.txt"] = b"<html>blocked</html>"
    with pytest.raises(DataError) as caught:
        fetch("toy", remote)
    for part in (
        "'toy'",
        remote.url,
        remote.sha256,
        hashlib.sha256(b"<html>blocked</html>").hexdigest(),
        "20 bytes",
        "corrupted",
    ):
        assert part in str(caught.value)
    assert files_in(tmp_path) == []


def test_a_corrupted_download_leaves_the_old_file(server):
    remote = server.offer("/a.txt", b"some rows\n")
    path = fetch("toy", remote)
    path.write_bytes(b"mine")
    server.files["/a.txt"] = b"other"
    with pytest.raises(DataError):
        fetch("toy", remote)
    assert path.read_bytes() == b"mine"


def test_truncated_download(server, tmp_path):
    remote = server.offer("/a.txt", b"some rows\n" * 1000)
    server.missing_bytes = 1234
    with pytest.raises(DataError, match="a.txt failed. Received: IncompleteRead"):
        fetch("toy", remote)
    assert files_in(tmp_path) == []


def test_no_such_file_and_no_network(server, tmp_path):
    with pytest.raises(DataError, match="failed. Received: HTTPError: .*404"):
        fetch("toy", Remote(server.url + "/none", "0" * 64, "none"))
    server.close()
    with pytest.raises(DataError, match="failed. Received: URLError"):
        fetch("toy", Remote(server.url + "/none", "0" * 64, "none"))
    assert files_in(tmp_path) == []


def test_a_cache_that_cannot_be_written(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="cache cannot be written.*ZOO_CACHE"):
        fetch("toy", server.offer("/a.txt", b"x"))


@pytest.mark.parametrize(
    "platform, variable, value, expected",
    [
        ("linux", "XDG_CACHE_HOME", "/x/cache", "/x/cache/zoo"),
        ("linux", "", "", "/home/me/.cache/zoo"),
        ("darwin", "", "", "/home/me/Library/Caches/zoo"),
        ("win32", "LOCALAPPDATA", "/x/local", "/x/local/zoo"),
        ("linux", "ZOO_CACHE", "~/here", "/home/me/here"),
    ],
)
def test_cache_folder(monkeypatch, platform, variable, value, expected):
    for name in ("ZOO_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setattr(sys, "platform", platform)
    if variable:
        monkeypatch.setenv(variable, value)
    assert cache_folder() == Path(expected)


# --- the public files of named sets -------------------------------------------------


@pytest.fixture
def public(server, monkeypatch):
    """Pins small files of a set on the local server."""

    def offer(module, files: dict[str, bytes]):
        name = module.SOURCE.name
        pins = {}
        for file, data in files.items():
            pins[file] = server.offer(f"/{name}/{file}", data).sha256
        source = Source(name, f"{server.url}/{name}/{{}}", pins)
        monkeypatch.setattr(module, "SOURCE", source)

    return offer


SST = {
    # The public training file ends with the validation file.
    "train": b"(4 (2 A) (4 (3 (3 fine) (2 gem)) (2 .)))\n(2 (2 It) (2 is))\n"
    b"(1 (2 A) (1 bore))\n(0 (2 \\*\\*) (1 (2 -LRB-) (2 A\\/B)))\n",
    "dev": b"(1 (2 A) (1 bore))\n(0 (2 \\*\\*) (1 (2 -LRB-) (2 A\\/B)))\n",
    "test": b"(3 (3 fine) (2 one))\n(2 (2 It) (2 was))\n",
}


def test_trees_become_sentences(public):
    public(sst, SST)
    splits = load_named("sst1")
    assert splits.train.texts == ["A fine gem .", "It is"]
    assert splits.train.labels["sentiment"] == ["very positive", "neutral"]
    assert splits.valid.texts == ["A bore", "** ( A/B"]
    assert splits.test.where[0][1] == 1
    splits = load_named("sst2")
    assert splits.train.texts == ["A fine gem ."]  # neutral sentences are left out
    assert splits.valid.labels["sentiment"] == ["negative", "negative"]
    assert splits.test.texts == ["fine one"]


def test_trees_become_phrases_once_each(public):
    public(sst, SST)
    splits = load_named("sst1_phrases")
    assert splits.train.texts == [
        "A",
        "fine",
        "gem",
        "fine gem",
        ".",
        "fine gem .",
        "A fine gem .",
        "It",
        "is",
        "It is",
    ]
    assert splits.test.texts == ["fine one", "It was"]
    splits = load_named("sst2_phrases")
    assert splits.train.texts == ["fine", "fine gem", "fine gem .", "A fine gem ."]


@pytest.mark.parametrize("line", ["(3 (2 a) (4 gem)", "(x a)", "words", "(3 a))"])
def test_a_bad_tree(line):
    with pytest.raises(DataError, match="trees.txt, line 2: not a labelled tree"):
        list(sst.tree_rows(["(1 a)", line], "trees.txt", True))


def test_trec(public):
    rows = [f"NUM:dist How  far {i} ?".encode() for i in range(20)]
    rows += [f"LOC:city Where is K\xf6ln {i} ?".encode("latin-1") for i in range(20)]
    public(trec, {"TREC.train": b"\n".join(rows), "TREC.test": rows[0] + b"\n"})
    splits = load_named("trec_fine")
    assert len(splits.train) == 36 and len(splits.valid) == 4
    assert "Where is Köln 3 ?" in splits.train.texts + splits.valid.texts
    assert splits.test.labels == {"coarse": ["NUM"], "fine": ["NUM:dist"]}
    with pytest.raises(DataError, match="TREC, line 1: not a labelled question"):
        list(trec.trec_rows(["How far ?"], "TREC"))


def test_subj_is_cp1252(public):
    lines = [f"sentence {i} \x85 \x96" for i in range(20)]
    data = "\n".join(lines).encode("latin-1")
    public(subj, {"subj.objective": data, "subj.subjective": b"I " + data})
    splits = load_named("subj")
    texts = splits.train.texts + splits.valid.texts + splits.test.texts
    assert len(texts) == 40 and "sentence 3 … –" in texts
    first = splits.train.labels["subjectivity"][
        splits.train.texts.index("sentence 1 … –")
    ]
    assert first == "objective"


def test_snips(public):
    files = {}
    for part in ("train", "valid", "test"):
        files[f"{part}/seq.in"] = f"{part} one \nbook  it\n".encode()
        files[f"{part}/label"] = b"Play\nBook\n"
    public(snips, files)
    splits = load_named("snips_intent")
    assert splits.train.texts == ["train one", "book it"]
    assert splits.test.labels == {"intent": ["Play", "Book"]}


def test_a_failed_download_says_how_to_do_without(public, server):
    public(sst, SST)
    server.files.clear()
    with pytest.raises(DataError) as caught:
        load_named("sst2")
    for part in ("404", "train.tsv, valid.tsv", "folder 'sst2'", "ZOO_DATA"):
        assert part in str(caught.value)
