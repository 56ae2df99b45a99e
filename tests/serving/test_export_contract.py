"""What clients may rely on, over real sockets, from a process without our package.

The server is `serving_stub.py`, which loads an export as TF Serving's core does; or, if
the environment variable TF_SERVING_BIN names a `tensorflow_model_server`, that. With
SERVING_STUB_PYTHON the first runs under that interpreter, and its own TensorFlow.
"""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

from saved import TESTS  # noqa: E402
from tiny_export import (  # noqa: E402
    TASKS,
    TEXTS,
    TOPIC,
    answers_of_python,
)

from zoo.client import ServerError, connect  # noqa: E402
from zoo.tasks import written  # noqa: E402

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
NAME = "tiny"
START_SECONDS = 120
WORDS = ["good", "bad", "day", "nothing", "\u5f88\u597d", "a", "unseen", "\U0001f44d"]


class Server:
    """A running server: its process and its ports."""

    def __init__(self, process, rest: int, grpc: int) -> None:
        self.process, self.rest, self.grpc = process, rest, grpc

    def post(self, verb: str, body, path: str = f"/v1/models/{NAME}"):
        """Status and JSON of a request by the standard library alone."""
        url = f"http://127.0.0.1:{self.rest}{path}:{verb}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(url, content, timeout=60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def memory(self) -> int:
        """Bytes of memory that the process holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) * 1024


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def start_stub(folder: Path) -> Server:
    stub = TESTS / "serving_stub.py"
    process = subprocess.Popen(
        [
            os.environ.get("SERVING_STUB_PYTHON", sys.executable),
            "-P",
            str(stub),
            str(folder),
            NAME,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=folder,
    )
    rest, grpc = map(int, process.stdout.readline().split())
    return Server(process, rest, grpc)


def start_real(binary: str, folder: Path) -> Server:
    rest, grpc = _free_port(), _free_port()
    process = subprocess.Popen(
        [
            binary,
            f"--port={grpc}",
            f"--rest_api_port={rest}",
            f"--model_name={NAME}",
            f"--model_base_path={folder.parent}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(START_SECONDS * 10):
        try:
            url = f"http://127.0.0.1:{rest}/v1/models/{NAME}"
            with urllib.request.urlopen(url, timeout=5) as response:
                if "AVAILABLE" in response.read().decode():
                    break
        except OSError:
            time.sleep(0.1)
    return Server(process, rest, grpc)


@pytest.fixture(scope="module")
def server(published):
    binary = os.environ.get("TF_SERVING_BIN")
    server = start_real(binary, published) if binary else start_stub(published)
    yield server
    server.process.kill()
    server.process.wait()


def python_rows(model, pipeline, texts):
    """The answers by the definition, as REST's row form has them."""
    expected = answers_of_python(model, pipeline, texts)
    rows = [{} for _ in texts]
    for task, (labels, scores) in expected.items():
        for row, label, values in zip(rows, labels, scores.tolist()):
            row[f"{task}_label"], row[f"{task}_scores"] = label, values
    return rows


def assert_same(answer: dict, expected: dict):
    assert set(answer) == set(expected)
    for key, value in expected.items():
        if key.endswith("_scores"):
            assert answer[key] == pytest.approx(value, abs=2e-5)
        elif key == "price_label":
            assert answer[key] == written(answer["price_scores"][0])
        else:
            assert answer[key] == value


def test_rows(server, model, pipeline):
    status, answer = server.post("predict", {"instances": TEXTS})
    assert status == 200 and list(answer) == ["predictions"]
    expected = python_rows(model, pipeline, TEXTS)
    for row, want in zip(answer["predictions"], expected, strict=True):
        assert_same(row, want)
    named = {"instances": [{"text": text} for text in TEXTS]}
    assert server.post("predict", named) == (status, answer)
    encoded = [{"b64": "Z29vZA=="}, {"b64": "//4="}]  # and bytes that are no UTF-8
    status, answer = server.post("predict", {"instances": encoded})
    for row, want in zip(
        answer["predictions"], python_rows(model, pipeline, [b"good", b"\xff\xfe"])
    ):
        assert_same(row, want)


def test_columns(server, model, pipeline):
    expected = python_rows(model, pipeline, TEXTS)
    for inputs in ({"text": TEXTS}, TEXTS):
        status, answer = server.post("predict", {"inputs": inputs})
        assert status == 200 and list(answer) == ["outputs"]
        columns = answer["outputs"]
        for number, want in enumerate(expected):
            row = {name: values[number] for name, values in columns.items()}
            assert_same(row, want)


def test_classify_and_regress(server, model, pipeline):
    expected = answers_of_python(model, pipeline, TEXTS)
    examples = [{"text": text} for text in TEXTS]
    body = {"signature_name": "classify", "examples": examples}
    status, answer = server.post("classify", body)
    assert status == 200 and len(answer["results"]) == len(TEXTS)
    for pairs, scores in zip(answer["results"], expected[TOPIC][1]):
        assert [label for label, _ in pairs] == list(TASKS[TOPIC].labels)
        assert [score for _, score in pairs] == pytest.approx(scores, abs=2e-5)
    body = {"signature_name": "regress_price", "examples": examples}
    status, answer = server.post("regress", body)
    values = expected["price"][1][:, 0]
    assert status == 200 and answer["results"] == pytest.approx(values, abs=2e-5)


def test_tokens(server):
    body = {"signature_name": "tokens", "instances": ["a GOOD day", ""]}
    _, answer = server.post("predict", body)
    rows = answer["predictions"]
    assert rows[0]["tokens"] == ["a", "good", "day"] and rows[0]["length"] == 3
    assert rows[1]["tokens"] == ["", "", ""] and rows[1]["ids"] == [1, 0, 0]


@pytest.mark.parametrize(
    "verb, body, path, status",
    [
        ("predict", b"{", f"/v1/models/{NAME}", 400),
        ("predict", {}, f"/v1/models/{NAME}", 400),
        ("predict", {"instances": []}, f"/v1/models/{NAME}", 400),
        ("predict", {"instances": [{"txt": "a"}]}, f"/v1/models/{NAME}", 400),
        ("predict", {"inputs": [["a"]]}, f"/v1/models/{NAME}", 400),
        (
            "predict",
            {"signature_name": "nope", "instances": ["a"]},
            f"/v1/models/{NAME}",
            400,
        ),
        (
            "classify",
            {"signature_name": "classify", "examples": [{"txt": "a"}]},
            f"/v1/models/{NAME}",
            400,
        ),
        ("predict", {"instances": ["a"]}, "/v1/models/other", 404),
        ("predict", {"instances": ["a"]}, f"/v1/models/{NAME}/versions/9", 404),
    ],
)
def test_bad_requests_are_refused_and_harm_nobody(server, verb, body, path, status):
    found, answer = server.post(verb, body, path)
    assert found == status and answer["error"]
    assert server.post("predict", {"instances": ["good"]})[0] == 200


def clients(server):
    yield connect(f"127.0.0.1:{server.rest}", NAME, timeout=60, batch_size=5000)
    if server.grpc:
        address = f"grpc://127.0.0.1:{server.grpc}"
        yield connect(address, NAME, timeout=60, batch_size=5000)


def test_no_text_is_too_odd_or_too_long_and_no_batch_too_large(server, model, pipeline):
    texts = ["", " \t\n", b"\xff\xfe", "nul\x00byte", "lone \ud800", "good"]
    longest = "good day " * 120_000
    assert len(longest) > 2**20
    for client in clients(server):
        for rows in (texts, [longest]):
            expected = python_rows(model, pipeline, rows)
            for answer, want in zip(client.predict(rows), expected, strict=True):
                assert_same(answer, want)
        many = client.predict(["good"] * 4095 + ["bad"])
        expected = python_rows(model, pipeline, ["good", "bad"])
        assert len(many) == 4096 and many[0] == many[4094]
        assert_same(many[0], expected[0])
        assert_same(many[4095], expected[1])


def test_an_empty_batch_by_grpc(server):
    if not server.grpc:
        pytest.skip("tensorflow-serving-api is not installed")
    client = connect(f"grpc://127.0.0.1:{server.grpc}", NAME)
    outputs = client.call({"text": np.zeros(0, object)})
    assert outputs and all(value == [] for value in outputs.values())
    with pytest.raises(ServerError, match="INVALID_ARGUMENT"):
        client.call({"txt": ["a"]})


def test_each_of_many_answers_is_the_lone_one(server):
    """8 clients, 2,000 requests of mixed sizes and lengths at once."""
    generator = random.Random(0)
    texts = [
        "",
        b"\xff",
        *(
            " ".join(generator.choices(WORDS, k=generator.choice([1, 3, 9, 60])))
            for _ in range(60)
        ),
    ]
    client = connect(f"127.0.0.1:{server.rest}", NAME, timeout=60)
    alone = [client.predict([text])[0] for text in texts]
    requests = [
        [generator.randrange(len(texts)) for _ in range(generator.choice([1, 1, 2, 7]))]
        for _ in range(2000)
    ]

    def ask(part):
        return [client.predict([texts[row] for row in rows]) for rows in part]

    parts = [requests[number::8] for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for part, answers in zip(parts, pool.map(ask, parts), strict=True):
            for rows, found in zip(part, answers, strict=True):
                for row, answer in zip(rows, found, strict=True):
                    assert_same(answer, alone[row])


def test_memory_stays_flat(server):
    """20,000 requests cost no more memory than 2,000 did."""
    body = json.dumps({"instances": ["a good day"]}).encode()
    head = f"POST /v1/models/{NAME}:predict HTTP/1.1\r\nHost: localhost\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def ask(connection, reader, times: int) -> None:
        for _ in range(times):
            connection.sendall(request)
            assert reader.readline().split()[1] == b"200"
            while (header := reader.readline()) != b"\r\n":
                name, _, value = header.lower().partition(b":")
                if name == b"content-length":
                    length = int(value)
            content = reader.read(length)
        assert json.loads(content)["predictions"]

    address = ("127.0.0.1", server.rest)
    with socket.create_connection(address, 60) as connection:
        with connection.makefile("rb") as reader:
            ask(connection, reader, 2000)
            before = server.memory()
            ask(connection, reader, 20_000)
    grown = server.memory() - before
    assert grown < 8 * 2**20, f"{grown / 2**20:.1f} MB more"
