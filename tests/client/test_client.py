"""The clients over real sockets: what they send, when they try again and stop."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from zoo.client import DeadlineError, ServerError, base, connect

pytestmark = pytest.mark.usefixtures("pauses")


def test_requests_are_those_of_the_rest_api(server):
    connect(server.address, "m/\u4e2d", version=7).predict(["a"])
    connect(f"http://{server.address}/", "m", label="stable").predict(["a"], "tokens")
    client = connect(f"http://{server.address}/proxy", "m")
    inputs = {"text": ["a", b"\xff"], "seed": 1, "deep": [[0.5], [2]]}
    answer = client.call(inputs, "generate")
    columns = {"text": ["a", {"b64": "/w=="}], "seed": 1, "deep": [[0.5], [2]]}
    assert server.requests == [
        (
            "/v1/models/m%2F%E4%B8%AD/versions/7:predict",
            {"signature_name": "serving_default", "instances": ["a"]},
        ),
        (
            "/v1/models/m/labels/stable:predict",
            {"signature_name": "tokens", "instances": ["a"]},
        ),
        (
            "/proxy/v1/models/m:predict",
            {"signature_name": "generate", "inputs": columns},
        ),
    ]
    assert answer == columns


def test_any_text_can_be_sent(server):
    texts = ["\u00fc\n\"'\\", "lone \ud800", b"\xff\xfe", "", "nul\x00", b"bytes"]
    connect(server.address).predict(iter(texts))
    [(_, body)] = server.requests
    assert body["instances"] == [
        "\u00fc\n\"'\\",
        {"b64": "bG9uZSDtoIA="},
        {"b64": "//4="},
        "",
        "nul\x00",
        "bytes",
    ]


def test_batches_keep_the_order_and_one_connection(server):
    texts = [str(number) for number in range(10)]
    answers = connect(server.address, batch_size=4).predict(texts)
    assert [answer["label"] for answer in answers] == texts
    sizes = [len(body["instances"]) for _, body in server.requests]
    assert sizes == [4, 4, 2] and server.connections == 1
    assert connect(server.address).predict([]) == []
    assert len(server.requests) == 3


@pytest.mark.parametrize("problem", [500, 502, 503, 504, "drop", "cut"])
def test_what_passes_is_tried_again(server, pauses, problem):
    server.script = [problem, problem, 200]
    [answer] = connect(server.address, retries=2).predict(["a"])
    assert answer["label"] == "a" and len(server.requests) == 3
    assert 0 < pauses[0] < pauses[1] <= 0.1  # they double, and half is by chance


@pytest.mark.parametrize("status", [400, 404, 429, 501])
def test_what_is_refused_is_not_tried_again(server, pauses, status):
    server.script = [status]
    with pytest.raises(ServerError, match=f"{status}, problem {status}") as caught:
        connect(server.address).predict(["a"])
    assert caught.value.status == status and not caught.value.passing
    assert len(server.requests) == 1 and not pauses


def test_retries_come_to_an_end(server):
    server.script = [503] * 10
    with pytest.raises(ServerError, match="HTTP status 503, problem 503"):
        connect(server.address, retries=2).predict(["a"])
    assert len(server.requests) == 3
    with pytest.raises(ServerError):
        connect(server.address, retries=0).predict(["a"])
    assert len(server.requests) == 4


def test_no_pause_reaches_beyond_the_deadline(server, pauses, monkeypatch):
    for name in ("_FIRST_PAUSE", "_LONGEST_PAUSE"):
        monkeypatch.setattr(base, name, 100.0)
    server.script = [503] * 10
    with pytest.raises(ServerError, match="503"):
        connect(server.address, timeout=10, retries=9).predict(["a"])
    assert not pauses and len(server.requests) == 1


@pytest.mark.parametrize("step", ["hang", "slow"])
def test_the_deadline_holds_for_all_of_an_answer(server, step):
    server.script = [step]
    with pytest.raises(DeadlineError, match="within 0.2 s") as caught:
        connect(server.address, timeout=0.2).predict(["a"])
    assert isinstance(caught.value, TimeoutError) and isinstance(
        caught.value, ServerError
    )
    assert len(server.requests) == 1  # and it is not tried again


def test_each_chunk_of_an_answer_has_less_time(server, monkeypatch):
    limits, original = [], socket.socket.settimeout

    def settimeout(self, limit):
        limits.append(limit)
        original(self, limit)

    monkeypatch.setattr(socket.socket, "settimeout", settimeout)
    server.script = ["slow"]
    with pytest.raises(DeadlineError):
        connect(server.address, timeout=0.4).predict(["a"])
    assert len(limits) > 4 and limits[2:] == sorted(limits[2:], reverse=True)


def test_a_connection_that_the_server_closed_costs_no_retry(server, pauses):
    server.script = ["close"]
    client = connect(server.address, retries=0)
    client.predict(["a"])
    server.script = []
    assert client.predict(["b"])[0]["label"] == "b"
    assert server.connections == 2 and not pauses


def test_an_old_connection_costs_no_retry_and_a_new_one_does(server, pauses):
    """Also where the pool took the old one for open: the server closed it just then."""
    client = connect(server.address, retries=0)
    client.predict(["a"])
    server.script = ["drop"]
    assert client.predict(["b"])[0]["label"] == "b"
    assert server.connections == 2 and len(server.requests) == 3
    server.script = ["drop"] * 2
    with pytest.raises(ServerError, match="can be reached") as caught:
        client.predict(["c"])
    assert caught.value.passing and len(server.requests) == 5 and not pauses


def test_a_redirection_is_no_answer(server):
    server.script = [307]
    with pytest.raises(ServerError, match="HTTP status 307, problem 307") as caught:
        connect(server.address).predict(["a"])
    assert not caught.value.passing and len(server.requests) == 1


def test_nobody_there(pauses):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ServerError, match="can be reached.*Refused") as caught:
            connect(address, retries=2).predict(["a"])
    assert caught.value.status is None and len(pauses) == 2


def test_a_port_that_does_not_speak_http(pauses):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"

        def greet():
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"\x00\x00\x06\x04\x00")  # as gRPC begins
                # Closing it with a part of the request unread would reset it.
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(ServerError, match="not gRPC.*Received.*x06") as caught:
            connect(address).predict(["a"])
        thread.join()
    assert not caught.value.passing and not pauses


def test_one_client_for_many_threads(server):
    client = connect(server.address, batch_size=1)
    texts = [[f"{thread}-{n}" for n in range(20)] for thread in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for asked, answers in zip(texts, pool.map(client.predict, texts)):
            assert [answer["label"] for answer in answers] == asked
    assert server.connections <= 8


def test_connections_of_many_threads_stay_open(server):
    client = connect(server.address, timeout=30)
    server.script = ["meet"] * 2 * server.meeting.parties
    with ThreadPoolExecutor(server.meeting.parties) as pool:
        for _ in range(2):
            list(pool.map(client.predict, [["a"]] * server.meeting.parties))
    assert server.connections == server.meeting.parties


@pytest.mark.parametrize(
    "server_name", ["", "host:port", "ftp://host", "http://", "grpc://:1", "a:99999"]
)
def test_servers_that_cannot_be(server_name):
    with pytest.raises(ValueError, match="`server` must read.*Received"):
        connect(server_name)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"version": 1, "label": "x"}, "not both"),
        ({"timeout": 0}, "`timeout` must be a number from"),
        ({"retries": -1}, "`retries`"),
        ({"batch_size": 0}, "`batch_size`"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        connect("localhost:1", **options)
    with pytest.raises(ValueError, match="list of strings"):
        connect("localhost:1").predict("one text")


def test_the_rest_client_loads_no_tensorflow():
    code = (
        "import sys, zoo.client; zoo.client.connect('localhost:1');"
        "print([m for m in ('tensorflow', 'numpy', 'grpc') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.fixture
def grpc_server():
    """Refuses each request with the next code of `codes`, then answers."""
    grpc = pytest.importorskip("grpc")
    apis = pytest.importorskip("tensorflow_serving.apis.prediction_service_pb2_grpc")
    predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    tf = pytest.importorskip("tensorflow")

    class Service(apis.PredictionServiceServicer):
        codes, requests, hang, later = [], [], threading.Event(), ""

        def Predict(self, request, context):
            self.requests.append(request)
            code = self.codes.pop(0) if self.codes else None
            if code == "hang":
                self.hang.wait(30)
            elif code:
                pushback = ("grpc-retry-pushback-ms", self.later)
                context.set_trailing_metadata([pushback] if self.later else [])
                context.abort(getattr(grpc.StatusCode, code), "a problem")
            response = predict_pb2.PredictResponse()
            texts = tf.make_ndarray(request.inputs["text"])
            response.outputs["label"].CopyFrom(tf.make_tensor_proto(texts))
            lengths = [len(text) for text in texts]
            response.outputs["length"].CopyFrom(tf.make_tensor_proto(lengths))
            return response

    server = grpc.server(ThreadPoolExecutor(4))
    service = Service()
    apis.add_PredictionServiceServicer_to_server(service, server)
    service.address = f"grpc://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield service
    service.hang.set()
    server.stop(None).wait()


@pytest.mark.tensorflow
def test_grpc(grpc_server, pauses):
    grpc_server.codes = ["UNAVAILABLE", "UNAVAILABLE"]
    client = connect(grpc_server.address, "m", label="stable", batch_size=2)
    answers = client.predict(["a", b"\xff\xfe", "\u4e2d"], "tokens")
    assert answers == [
        {"label": "a", "length": 1},
        {"label": "\ufffd\ufffd", "length": 2},
        {"label": "\u4e2d", "length": 3},
    ]
    assert len(grpc_server.requests) == 4 and len(pauses) == 2
    spec = grpc_server.requests[-1].model_spec
    assert (spec.name, spec.version_label, spec.signature_name) == (
        "m",
        "stable",
        "tokens",
    )
    grpc_server.codes = ["INVALID_ARGUMENT"]
    with pytest.raises(ServerError, match="INVALID_ARGUMENT, a problem"):
        client.predict(["a"])
    grpc_server.codes, grpc_server.later = ["RESOURCE_EXHAUSTED"], "2500"
    with pytest.raises(ServerError, match="RESOURCE_EXHAUSTED") as caught:
        client.predict(["a"])
    assert caught.value.wait == 2.5 and not caught.value.passing
    grpc_server.codes = ["hang"]
    started = len(grpc_server.requests)
    with pytest.raises(DeadlineError, match="within 0.2 s"):
        connect(grpc_server.address, timeout=0.2).predict(["a"])
    assert len(grpc_server.requests) == started + 1 and len(pauses) == 2
    assert time.sleep is base.time.sleep  # the stand-in counted every pause
