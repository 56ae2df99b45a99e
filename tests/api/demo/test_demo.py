"""The server of `zoo demo`: what each model answers, and whom the server refuses."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from pathlib import Path

import pytest
from demo_toys import FOLDERS, THREE_PARTS
from saved import SAVED

import zoo.api.demo
from zoo.api.demo import demo_server
from zoo.api.demo.server import MOST_TABLE, MOST_TEXT
from zoo.cli import main
from zoo.data.tag_schemes import spans_of
from zoo.families import get_family
from zoo.families.steps import Steps
from zoo.reporting.parts import label_parts
from zoo.tasks import Task

pytestmark = pytest.mark.tensorflow

EXPECTED = json.loads((SAVED / "answers.json").read_text("utf-8"))
PAGES = Path(zoo.api.demo.__file__).with_name("pages")
MARKS = ("innerHTML", "outerHTML", "insertAdjacent", "eval(", "style=")
# Line breaks, a combining accent, markup, a control character, two halves of a letter,
# and half of one.
ODD = "a good\r\nday, \u00fcn\u00ef\u0301 <b>bad</b> \x00\u202e \ud83d\ude00 \ud800"
VALID = ODD.replace("\ud83d\ude00", "\U0001f600").replace("\ud800", "\ufffd")


def joined(pieces) -> str:
    return "".join(text for text, _ in pieces)


def test_the_pages_are_served_and_name_no_other_place(send):
    page = send("").decode("utf-8")
    named = set(re.findall(r'(?:src|href)="/([^"]+)"', page))
    scripts = {name for name in named if name.endswith(".js")}
    for name in [*scripts, "page.js"]:
        named |= set(re.findall(r'from "./([\w.]+)"', send(name).decode("utf-8")))
    assert named | {"index.html"} == {path.name for path in PAGES.iterdir()}
    for name in sorted(named) + [""]:
        text = send(name).decode("utf-8")
        assert not re.search(r"https?://(?!www.w3.org/2000/svg)", text), name
        for dangerous in (
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "eval(",
            "style=",
        ):
            assert dangerous not in text, name
        policy = send.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert send.headers["X-Content-Type-Options"] == "nosniff"
    assert send.headers["Content-Type"] == "text/html; charset=utf-8"


def test_every_label_of_the_page_has_its_field(send):
    page = send("").decode("utf-8")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for name in ("for", "aria-describedby", "aria-labelledby"):
        assert set(re.findall(rf'\b{name}="([^"]+)"', page)) <= set(ids), name
    scripts = "".join(path.read_text("utf-8") for path in PAGES.glob("*.js"))
    named = set(re.findall(r'find\("([\w-]+)"\)', scripts))
    assert named and named <= set(ids)


def test_the_models_and_what_they_read(send):
    about = send("api/models")
    assert [m["name"] for m in about["models"]] == [
        *FOLDERS.values(),
        "encoder",
        "pairs",
        "experts",
    ]
    assert about["models"][0]["summary"] == "text_cnn, with the task mood."
    assert about["most"] == {"text": MOST_TEXT, "table": MOST_TABLE}
    one, two = ({"model": name} for name in (FOLDERS["classification"], "pairs"))
    fields = {"fields": ["Text"], "columns": ["text"], "explains": True}
    assert send("api/open", one) == fields
    found = send("api/open", two)
    assert found["fields"] == ["First text", "Second text"]
    assert found["columns"] == ["text", "text_pair"] and not found["explains"]
    assert send("api/open", {"model": "encoder"})["fields"][0] == "Text"


@pytest.mark.parametrize("text", ["a good day", "", ODD], ids=["plain", "empty", "odd"])
def test_a_classifier_answers_and_explains(server, ask, text):
    [part] = ask("classification", text)
    model = server.models[FOLDERS["classification"]].model
    answer = model.predict([text])[0]["mood"]
    if text == "a good day":
        expected = EXPECTED["classification"][0]["mood"]["scores"]
        assert answer["scores"] == pytest.approx(expected, abs=1e-5)
    assert part["title"] == "mood" and part["answer"] == answer["label"]
    shares = {name: share for name, share, _ in part["bars"]}
    assert shares == pytest.approx(answer["scores"], abs=1e-6)
    assert part["bars"][0][::2] == [answer["label"], True]
    [moved] = ask("classification", text, what="explanation")
    [explained] = model.explain([text])
    assert joined(moved["pieces"]) == (VALID if text == ODD else text)
    words = [[w.text, w.share] for w in explained["mood"].strongest(5)]
    assert moved["strongest"] == [[t, pytest.approx(s, abs=1e-6)] for t, s in words]


def test_a_text_of_100_000_characters(ask):
    text = "good bad \U0001f600" * 10_000
    assert len(text) == 100_000
    [part] = ask("classification", text)
    assert part["answer"] in ("good", "bad")
    [moved] = ask("classification", text, what="explanation")
    assert joined(moved["pieces"]) == text


def test_a_tagger_marks_words(ask):
    [part] = ask("tagging", ODD)
    assert part["kind"] == "marked" and joined(part["pieces"]) == VALID
    [part] = ask("tagging", "a good day")
    words = EXPECTED["tagging"][0]["tokens"]
    spans = spans_of(EXPECTED["tagging"][0]["tags"]["ner"])
    named = [(kind, " ".join(words[start:stop])) for kind, start, stop in spans]
    assert named and [(name, text) for text, name in part["pieces"] if name] == named
    assert ask("tagging", "")[0]["pieces"] == []


@pytest.mark.slow
def test_a_language_model_goes_on_and_a_translation_model_translates(send, ask):
    story, figure = ask("language", "a good day")
    expected = EXPECTED["language"][0]
    assert story["before"] == "a good day"
    assert story["text"] == expected["continuation"]
    assert figure["value"].startswith(f"{expected['log_probability']:.1f} nats")
    text, figure = ask("translation", "a good day")
    expected = EXPECTED["translation"][0]
    assert text["text"] == expected["translation"]
    assert float(figure["value"]) == pytest.approx(expected["score"], abs=0.01)
    opened = {
        family: send("api/open", {"model": FOLDERS[family]})["explains"]
        for family in ("language", "translation")
    }
    assert opened == {"language": False, "translation": True}


def test_an_encoder_compares_two_texts(server, ask):
    model = server.models["encoder"].model
    cosine, vector = ask("encoder", "so good", "so bad")
    [[expected]] = model.similarity(["so good"], ["so bad"])
    assert float(cosine["value"]) == pytest.approx(float(expected), abs=1e-3)
    values = model.embed(["so good"])[0].tolist()
    assert vector["kind"] == "vector"
    assert vector["values"] == pytest.approx(values, abs=1e-6)
    assert [part["title"] for part in ask("encoder", "so good", "")] == [
        vector["title"]
    ]


def test_pairs_abstained_labels_and_numbers_that_are_none(stub, ask):
    mood, tags = ask("pairs", "so", "no")
    assert stub.asked == ["so\x1fno"]
    assert mood["abstained"] and mood["answer"] == ""
    assert [there for _, _, there in mood["bars"]] == [False, False]
    assert tags["answer"] == "a, b" and ["c", None, False] in tags["bars"]


def test_a_regression_and_a_family_that_says_nothing():
    tasks = {"stars": Task("regression")}
    for value, shown in ((4.5, "4.5"), (1 / 3, "0.333333"), (1.7e9 + 1, "1700000001")):
        answer = {"stars": {"label": str(value), "scores": {"value": value}}}
        [part] = label_parts(answer, tasks)
        assert part.to_json() == {"kind": "value", "title": "stars", "value": shown}
    ask = {"number": 1.5, "vector": [1.0]}
    family = get_family("classification")
    found = Steps.answer_parts(family, lambda texts: [ask], {}, ["so"])
    assert [part.kind for part in found] == ["value", "passage"]


@pytest.mark.parametrize(
    "model, texts, status, message",
    [
        ("none", ["a"], 404, "`model` must be one of the page's.*'none'"),
        ("classification", ["a", "b"], 400, "1, Text. Received: 2"),
        ("classification", [7], 400, "must be an object in JSON"),
        ("classification", "a", 400, "must be an object in JSON"),
        (3, ["a"], 400, "must be an object in JSON"),
    ],
)
def test_questions_that_are_refused(send, model, texts, status, message):
    body = {"model": FOLDERS.get(model, model), "texts": texts}
    assert re.search(message, send("api/answer", body, status=status)["error"])


def test_bodies_that_are_no_questions(send):
    for body in (b"", b"\xff", b"[1]", b"{", b"[" * 50_000, b'{"model": "a"}'):
        found = send("api/answer", body, status=400)
        assert "The body must be an object in JSON" in found["error"]


def test_a_model_that_does_not_explain(ask):
    said = ask("tagging", "a", what="explanation", status=400)
    assert "does not explain" in said


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1", "", "localhost:1"])
def test_other_hosts_are_refused(send, host):
    for path, body in (("", None), ("api/models", None), ("api/open", b"{}")):
        assert "header Host" in send(path, body, status=403, Host=host or " ")["error"]


def test_localhost_is_the_page_too(server, send):
    host = f"LOCALHOST:{server.server_port}"
    assert send("api/models", Host=host)
    body = {"model": "pairs"}
    assert send("api/open", body, Host=host, Origin=f"http://{host.lower()}")


@pytest.mark.parametrize(
    "origin", ["http://example.com", "null", "", "http://127.0.0.1"]
)
def test_other_origins_change_nothing(send, origin):
    for path, method in (("api/open", "POST"), ("api/tables/a", "DELETE")):
        found = send(path, b"{}", method=method, status=403, Origin=origin)
        assert "header Origin" in found["error"]


@pytest.mark.parametrize(
    "path",
    ["none", "api", "../server.py", "%2e%2e%2fserver.py", "..%5cserver.py", "api/open"],
)
def test_other_places_are_not_there(send, path):
    assert "There is no such page" in send(path, status=404)["error"]


def raw(server, request: bytes) -> tuple[int, dict]:
    """The status and the JSON of the answer to what is sent as it is."""
    with socket.create_connection(server.server_address, timeout=600) as there:
        there.sendall(request)
        answer = http.client.HTTPResponse(there)
        answer.begin()
        return answer.status, json.loads(answer.read())


def test_bodies_that_are_too_large_or_have_no_length(server, send):
    body = b'{"model": "pairs", "texts": ["' + b"a" * MOST_TEXT + b'"]}'
    assert f"at most {MOST_TEXT:,}" in send("api/answer", body, status=413)["error"]
    head = f"POST /api/tables?name=a.csv HTTP/1.1\r\nHost: {server.url[7:-1]}\r\n"
    head += f"Origin: {server.url[:-1]}\r\n"
    for more, status in (
        ("", 411),
        ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", 411),
        ("Content-Length: -1\r\n", 411),
        (f"Content-Length: {'9' * 5000}\r\n", 411),
    ):
        code, found = raw(server, f"{head}{more}\r\n".encode())
        assert code == status and THREE_PARTS.fullmatch(found["error"])
    code, found = raw(
        server, f"{head}Content-Length: {MOST_TABLE + 1}\r\n\r\n".encode()
    )
    assert code == 413 and f"{MOST_TABLE + 1:,} bytes" in found["error"]


def test_what_is_no_request_of_the_page_is_told_in_json(server):
    host = f"Host: {server.url[7:-1]}\r\n\r\n"
    for line, status in (("PUT /", 501), ("GET a b", 400)):
        code, found = raw(server, f"{line} HTTP/1.1\r\n{host}".encode())
        assert code == status and THREE_PARTS.fullmatch(found["error"])


def test_an_error_of_the_server_is_told(server, stub, send, capsys, monkeypatch):
    monkeypatch.setattr(stub, "predict", lambda texts: {}[0])
    body = {"model": "pairs", "texts": ["a", "b"]}
    assert "KeyError" in send("api/answer", body, status=500)["error"]
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.slow
def test_an_export_answers_and_explains_as_its_model(server, tmp_path):
    model = server.models[FOLDERS["classification"]].model
    place = str(tmp_path / "served")
    model.export(place, ["a good day"], explain=True)
    with demo_server([place]) as other:
        served = other.models
    assert served.summaries == {place: "An export for TensorFlow Serving."}
    assert served.describe(place)["explains"]
    assert served[place].family is get_family("classification")
    texts = ["a good day, \U0001f600"]
    for ask in ("answer", "explain"):
        [found] = getattr(served, ask)(place, texts)
        [expected] = getattr(server.models, ask)(FOLDERS["classification"], texts)
        assert found.answer == expected.answer
    assert [text for text, _ in found.pieces] == [text for text, _ in expected.pieces]
    shares = [share for _, share in expected.pieces]
    assert [share for _, share in found.pieces] == pytest.approx(shares, abs=1e-4)


def test_the_command_says_where_the_page_is(capsys, monkeypatch):
    shown, handled = [], []

    def serve(server):
        shown.append(server.url)
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo.api.demo.DemoServer, "serve_forever", serve)
    monkeypatch.setattr("signal.signal", lambda *given: handled.append(given))
    opening = threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda url: opening.set())
    assert main(["demo", "--port", "0", "--no-browser"]) == 0
    assert not opening.is_set() and len(handled) == 1
    assert capsys.readouterr().out.split()[0] == shown[0]
    assert main(["demo", FOLDERS["tagging"], "spam-en@1", "--port", "0"]) == 0
    assert opening.wait(600)


def test_commands_that_cannot_serve(server, capsys):
    assert main(["demo", "nothing"]) == 2
    assert "Received: nothing, which does not exist" in capsys.readouterr().err
    assert main(["demo", "spam-en", "--port", str(server.server_port)]) == 2
    said = capsys.readouterr().err
    assert "`port` (--port) must be free" in said and THREE_PARTS.search(said)
    for port in ("-1", "65536", "x"):
        with pytest.raises(SystemExit):
            main(["demo", f"--port={port}"])
        assert "from 0 to 65535" in capsys.readouterr().err
