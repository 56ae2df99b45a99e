"""The gRPC client. Needs the extra `serving`: `pip install -e '.[serving]'`."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.client.base import Client, DeadlineError, ServerError

try:
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
except ImportError as error:
    raise ImportError(
        "The gRPC client needs grpcio and tensorflow-serving-api: "
        "pip install -e '.[serving]'. The REST client needs neither. "
        f"Received: {error}."
    ) from error


# Milliseconds, of gRPC's proposal A6.
_PUSHBACK = "grpc-retry-pushback-ms"


class GrpcClient(Client):
    """Calls TF Serving's PredictionService; may be used by several threads.

    See `zoo.client.base.Client`. The connection is not encrypted.
    """

    def __init__(self, address: str, model: str = "model", **options) -> None:
        super().__init__(address, model, **options)
        # Long texts or many rows exceed gRPC's default limit of 4 MB.
        unlimited = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.enable_retries", 0),  # this class retries
        ]
        self._channel = grpc.insecure_channel(address, options=unlimited)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._predict = stub.Predict

    def _rows(self, texts: list, signature: str, timeout: float) -> list[dict]:
        columns = self._columns({"text": texts}, signature, timeout)
        values = zip(*columns.values(), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in values]

    def _columns(self, inputs: Mapping, signature: str, timeout: float) -> dict:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self.model
        request.model_spec.signature_name = signature
        if self.version is not None:
            request.model_spec.version.value = self.version
        elif self.label is not None:
            request.model_spec.version_label = self.label
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(_encoded(value)))
        try:
            response = self._predict(request, timeout=max(timeout, 0.0))
        except grpc.RpcError as error:
            raise self._described(error) from error
        outputs = {name: tf.make_ndarray(o) for name, o in response.outputs.items()}
        return {name: _decoded(output.tolist()) for name, output in outputs.items()}

    def _described(self, error: grpc.RpcError) -> ServerError:
        code = error.code()
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineError(
                f"grpc://{self.address} must answer within {self.timeout} s. "
                "Received: no answer.",
                status=code.name,
            )
        passing = code == grpc.StatusCode.UNAVAILABLE
        wanted = "be reached and ready" if passing else "take the request"
        details = error.details() or ""
        # The same code says that a message is larger than the server takes.
        limited = code == grpc.StatusCode.RESOURCE_EXHAUSTED
        limited = limited and "larger than max" not in details
        return ServerError(
            f"grpc://{self.address} must {wanted} for {self.model}. "
            f"Received: {code.name}, {details}",
            status=code.name,
            passing=passing,
            wait=_wait(error) if limited else None,
        )


def _wait(error: grpc.RpcError) -> float:
    """Returns the seconds that a server asks for, 0 if it does not."""
    named = {key: value for key, value in error.trailing_metadata() or ()}
    try:
        if _PUSHBACK in named:
            return max(float(named[_PUSHBACK]) / 1000.0, 0.0)
        return max(float(named.get("retry-after", 0.0)), 0.0)
    except ValueError:
        return 0.0


def _encoded(value):
    """Returns texts as bytes, even if they hold lone surrogates."""
    if isinstance(value, (list, tuple)):
        return [_encoded(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return value


def _decoded(value):
    """Returns bytes as texts, as REST does."""
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
