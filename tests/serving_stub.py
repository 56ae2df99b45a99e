"""A stand-in for TF Serving over real sockets: one exported version, REST and gRPC.

Stands alone, as the server does: TensorFlow and tensorflow-text's libraries, no keras
and no zoo. Answers come from the session loader of TF Serving's core. The form of
requests, answers and errors follows tensorflow/serving: g3doc/api_rest.md,
util/json_tensor.cc and http_rest_api_handler.cc.

    python serving_stub.py VERSION_FOLDER MODEL_NAME

prints the REST port and the gRPC port, 0 where tensorflow-serving-api is missing.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

import numpy as np

_PATH = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/(\w+))?:(predict|classify|regress)"
)
LABELS = ("stable",)


class BadRequest(Exception):
    """HTTP status and message of an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Version:
    """A loaded version that answers calls of its signatures."""

    def __init__(self, folder: str) -> None:
        import tensorflow as tf

        spec = importlib.util.find_spec("tensorflow_text")
        for library in sorted(Path(spec.origin).parent.glob("python/ops/_*.so")):
            tf.load_op_library(str(library))
        self.tf, self.number = tf, int(Path(folder).name)
        self.callables = {}
        self.session = tf.compat.v1.Session(graph=tf.Graph())
        with self.session.graph.as_default():
            loader = tf.compat.v1.saved_model.loader
            loaded = loader.load(self.session, ["serve"], folder)
        self.signatures = {
            name: signature
            for name, signature in loaded.signature_def.items()
            if not name.startswith("__")
        }

    def signature(self, name: str):
        if name not in self.signatures:
            raise BadRequest(400, f'Serving signature name: "{name}" not found')
        return self.signatures[name]

    def run(self, name: str, inputs: dict) -> dict:
        signature = self.signature(name)
        if set(inputs) != set(signature.inputs):
            raise BadRequest(400, f"input tensors must be {set(signature.inputs)}")
        if name not in self.callables:
            self.callables[name] = self.session.make_callable(
                [info.name for info in signature.outputs.values()],
                feed_list=[signature.inputs[key].name for key in sorted(inputs)],
            )
        try:
            outputs = self.callables[name](*(inputs[key] for key in sorted(inputs)))
            return dict(zip(signature.outputs, outputs, strict=True))
        except (self.tf.errors.OpError, UnicodeDecodeError, ValueError) as error:
            raise BadRequest(400, str(error)) from None

    def array(self, signature, key: str, values) -> np.ndarray:
        dtype = self.tf.dtypes.as_dtype(signature.inputs[key].dtype)
        try:
            plain = _plain(values)
            return np.array(plain, object if dtype == "string" else dtype.name)
        except (ValueError, TypeError) as error:
            raise BadRequest(400, f"JSON Value: {error}") from None


def _plain(value):
    """JSON to strings and numbers; `{"b64": ...}` is a string."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        if set(value) != {"b64"}:
            raise ValueError(f"object {value} is not a value")
        return base64.b64decode(value["b64"], validate=True)
    return value.encode() if isinstance(value, str) else value


def _json_value(array: np.ndarray, name: str):
    def encode(value):
        if isinstance(value, list):
            return [encode(item) for item in value]
        if isinstance(value, bytes):
            if name.endswith("_bytes"):
                return {"b64": base64.b64encode(value).decode()}
            return value.decode("utf-8", "replace")
        return value

    return encode(array.tolist())


def predict(version: Version, body: dict) -> dict:
    name = body.get("signature_name", "serving_default")
    signature = version.signature(name)
    if ("instances" in body) == ("inputs" in body):
        raise BadRequest(400, "Missing 'inputs' or 'instances' key")
    keys = sorted(signature.inputs)
    if "inputs" in body:
        given = body["inputs"]
        if not isinstance(given, dict) or set(given) == {"b64"}:
            given = {keys[0]: given}
        inputs = {
            k: version.array(signature, k, v)
            for k, v in given.items()
            if k in signature.inputs
        }
        outputs = version.run(name, inputs if len(inputs) == len(given) else {})
        columns = {key: _json_value(value, key) for key, value in outputs.items()}
        return {"outputs": columns if len(columns) > 1 else [*columns.values()][0]}
    rows = body["instances"]
    if not isinstance(rows, list) or not rows:
        raise BadRequest(400, "'instances' must be a list of at least one element")
    if isinstance(rows[0], dict) and set(rows[0]) != {"b64"}:
        if any(not isinstance(row, dict) or set(row) != set(keys) for row in rows):
            raise BadRequest(400, f"keys must be equal to: {keys}")
        inputs = {key: [row[key] for row in rows] for key in keys}
    else:
        inputs = {keys[0]: rows}
    outputs = version.run(
        name, {key: version.array(signature, key, v) for key, v in inputs.items()}
    )
    if any(np.ndim(v) == 0 or len(v) != len(rows) for v in outputs.values()):
        raise BadRequest(400, "outputs have inconsistent batch sizes")
    columns = {key: _json_value(value, key) for key, value in outputs.items()}
    if len(columns) == 1:
        return {"predictions": [*columns.values()][0]}
    return {
        "predictions": [
            dict(zip(columns, row)) for row in zip(*columns.values(), strict=True)
        ]
    }


def classify(version: Version, api: str, examples: list[bytes], name: str):
    """What Classify and Regress make of a signature's outputs, or refuse."""
    signature = version.signature(name)
    wanted = {"classify": {"classes", "scores"}, "regress": {"outputs"}}[api]
    if set(signature.inputs) != {"inputs"} or set(signature.outputs) != wanted:
        raise BadRequest(400, f"Expected {api} signature. Was: {name}")
    outputs = version.run(name, {"inputs": np.array(examples, object)})
    if api == "regress":
        assert outputs["outputs"].shape in ((len(examples),), (len(examples), 1))
        return outputs["outputs"].ravel().tolist()
    return [
        list(zip(_json_value(classes, ""), scores.tolist(), strict=True))
        for classes, scores in zip(outputs["classes"], outputs["scores"])
    ]


def _examples(version: Version, body: dict) -> list[bytes]:
    serialized = []
    for features in body["examples"]:
        example = version.tf.train.Example()
        for key, value in features.items():
            values = _plain(value if isinstance(value, list) else [value])
            kind = example.features.feature[key]
            (
                kind.bytes_list if isinstance(values[0], bytes) else kind.float_list
            ).value.extend(values)
        serialized.append(example.SerializeToString())
    return serialized


def rest_handler(version: Version, model: str):
    class Handler(StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self):
            # http.server reads headers as e-mail has them: half of a request's time.
            while line := self.rfile.readline():
                _, self.path, _ = line.decode("latin-1").split()
                length = 0
                while header := self.rfile.readline().strip():
                    name, _, value = header.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                self._respond(self.rfile.read(length))

        def _respond(self, content: bytes) -> None:
            try:
                self._send(200, self._answer(content))
            except BadRequest as error:
                self._send(error.status, {"error": str(error)})

        def _answer(self, content: bytes) -> dict:
            found = _PATH.fullmatch(self.path)
            if not found:
                raise BadRequest(404, f"Malformed request: POST {self.path}")
            name, number, label, api = found.groups()
            if (
                name != model
                or (number and int(number) != version.number)
                or (label and label not in LABELS)
            ):
                raise BadRequest(404, f"Servable not found for request: {self.path}")
            try:
                body = json.loads(content)
            except ValueError as error:
                raise BadRequest(400, f"JSON Parse error: {error}") from None
            if api == "predict":
                return predict(version, body)
            name = body.get("signature_name", "serving_default")
            return {"results": classify(version, api, _examples(version, body), name)}

        def _send(self, status: int, answer: dict) -> None:
            body = json.dumps(answer, ensure_ascii=False).encode()
            head = (
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            self.wfile.write(head.encode() + body)

    return Handler


def start_grpc(version: Version, model: str) -> int:
    """Starts the gRPC server; returns its port."""
    try:
        import grpc
        from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
    except ImportError:
        return 0
    tf = version.tf

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            spec = request.model_spec
            number, label = spec.version.value, spec.version_label
            if (
                spec.name != model
                or (number and number != version.number)
                or (label and label not in LABELS)
            ):
                context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found: {spec}")
            inputs = {key: tf.make_ndarray(v) for key, v in request.inputs.items()}
            try:
                name = spec.signature_name or "serving_default"
                outputs = version.run(name, inputs)
            except BadRequest as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            response = predict_pb2.PredictResponse()
            for key, value in outputs.items():
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
            return response

    unlimited = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]
    server = grpc.server(ThreadPoolExecutor(8), options=unlimited)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Service(), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    version.grpc_server = server  # or it would stop when it is collected
    return port


def main(folder: str, model: str) -> None:
    for name in ("keras", "tf_keras", "zoo"):
        sys.modules[name] = None
    version = Version(folder)
    server = ThreadingTCPServer(("127.0.0.1", 0), rest_handler(version, model))
    server.daemon_threads = True
    print(server.server_address[1], start_grpc(version, model), flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # ends with the process that started it


if __name__ == "__main__":
    main(*sys.argv[1:])
