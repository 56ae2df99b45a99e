"""Writes and reads the file of warmup requests without tensorflow-serving-api.

It is self-contained (TensorFlow and protobuf only), because the check of an export
loads this module by its path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
)
from tensorflow.core.framework import tensor_pb2

WARMUP_FILE = "tf_serving_warmup_requests"  # the name that TF Serving expects
Request = tuple[str, dict[str, list[bytes]]]


@cache
def prediction_log() -> Any:
    """Returns the class of the message `tensorflow.serving.PredictionLog`."""
    # A separate pool, because tensorflow-serving-api may be imported too.
    pool = descriptor_pool.DescriptorPool()
    _copy_file(pool, tensor_pb2.DESCRIPTOR)
    path = Path(__file__).with_name("protos") / "prediction_log.pbtxt"
    file = text_format.Parse(
        path.read_text("utf-8"), descriptor_pb2.FileDescriptorProto()
    )
    pool.Add(file)
    described = pool.FindMessageTypeByName(f"{file.package}.PredictionLog")
    return message_factory.GetMessageClass(described)


def write_warmup(path: str, requests: Iterable[Request], *, model: str) -> int:
    """Writes a `PredictionLog` for each request; returns their number.

    Args:
        path: the file to write.
        requests: name of a signature, and strings `[batch]` by the name of an input.
        model: the name under which the model is served.
    """
    count = 0
    with tf.io.TFRecordWriter(path) as writer:
        for signature, inputs in requests:
            log = prediction_log()()
            request = log.predict_log.request
            request.model_spec.name = model
            request.model_spec.signature_name = signature
            for name, values in inputs.items():
                proto = tf.make_tensor_proto(values, tf.string, shape=[len(values)])
                request.inputs[name].ParseFromString(proto.SerializeToString())
            writer.write(log.SerializeToString())
            count += 1
    return count


def read_warmup(path: str) -> Iterator[Request]:
    """Yields the requests that `write_warmup` wrote."""
    for record in tf.compat.v1.io.tf_record_iterator(path):
        request = prediction_log().FromString(record).predict_log.request
        inputs = {}
        for name, value in request.inputs.items():
            tensor = tensor_pb2.TensorProto.FromString(value.SerializeToString())
            inputs[name] = tf.make_ndarray(tensor).tolist()
        yield request.model_spec.signature_name, inputs


def _copy_file(pool: descriptor_pool.DescriptorPool, file) -> None:
    for dependency in file.dependencies:
        _copy_file(pool, dependency)
    pool.AddSerializedFile(file.serialized_pb)
