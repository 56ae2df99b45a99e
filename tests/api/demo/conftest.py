"""A server of the page that runs, and a client of it."""

from __future__ import annotations

import json
import threading
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from demo_toys import FOLDERS, TASKS, THREE_PARTS, Stub


@pytest.fixture(scope="module")
def server():
    """With a saved model of four families, an encoder, a stub and one with experts."""
    import keras
    from mixed_toys import mixed_model

    import zoo
    from zoo.api.demo import demo_server
    from zoo.api.opening import Opened, opened
    from zoo.families import get_family

    with demo_server([*FOLDERS.values()]) as served:
        pipeline = zoo.TextPipeline.learn(["so good", "so bad"], min_count=1)
        keras.utils.set_random_seed(1)
        sizes = {"embedding_dim": 4, "width": 3}
        encoder = zoo.get("static_encoder", pipeline.vocab_size, **sizes)
        added = {
            "encoder": opened(zoo.EncodingModel(encoder, pipeline, {})),
            "pairs": Opened(Stub(), get_family("classification"), TASKS, True, {}),
        }
        added["experts"] = opened(mixed_model(num_experts=9))
        served.models.summaries |= dict.fromkeys(added, "")
        served.models._opened |= added
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield served
        served.shutdown()
        thread.join(10)


@pytest.fixture
def stub(server):
    found = server.models["pairs"].model
    found.asked.clear()
    found.may.set()
    return found


@pytest.fixture
def send(server):
    """Sends a request of the page, and returns the answer's JSON or bytes."""

    def sending(path, body=None, *, method=None, status=200, **headers):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {"Origin": server.url[:-1], **headers}
        request = Request(
            server.url + path, body, {k: v for k, v in headers.items() if v}
        )
        request.method = method or ("GET" if body is None else "POST")
        try:
            with urlopen(request, timeout=600) as answer:
                found, code, kind = answer.read(), answer.status, answer.headers
        except HTTPError as error:
            found, code, kind = error.read(), error.code, error.headers
        assert code == status, found
        sending.headers = kind
        if kind["Content-Type"] != "application/json":
            return found
        value = json.loads(found)
        if code >= 400:
            assert THREE_PARTS.fullmatch(value["error"]), value
        return value

    return sending


@pytest.fixture
def ask(send):
    def asking(model, *texts, what="answer", status=200):
        body = {"model": FOLDERS.get(model, model), "texts": [*texts]}
        found = send(f"api/{what}", body, status=status)
        return found["parts"] if status == 200 else found["error"]

    return asking
