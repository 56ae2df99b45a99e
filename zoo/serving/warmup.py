"""Warmup requests for TF Serving, without the package tensorflow-serving-api.

Stands alone (TensorFlow and protobuf only): the check of an export loads this file by
its path. The messages are the part of TF Serving's `model.proto`, `predict.proto` and
`prediction_log.proto` that a predict request needs, with the same names and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

WARMUP_FILE = "tf_serving_warmup_requests"  # the name that TF Serving looks for
_PACKAGE = "tensorflow.serving"
Request = tuple[str, str, list[bytes]]


@cache
def prediction_log() -> type:
    """The class of the message `tensorflow.serving.PredictionLog`."""
    # A pool of our own: tensorflow-serving-api may be imported beside us.
    pool = descriptor_pool.DescriptorPool()
    _copy_file(pool, tensor_pb2.DESCRIPTOR)
    file = descriptor_pb2.FileDescriptorProto(
        name="zoo/prediction_log.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[tensor_pb2.DESCRIPTOR.name],
    )
    _message(file, "ModelSpec", name=(1, "string"), signature_name=(3, "string"))
    request = _message(file, "PredictRequest", model_spec=(1, f".{_PACKAGE}.ModelSpec"))
    entry = request.nested_type.add(name="InputsEntry")
    entry.options.map_entry = True
    _fields(entry, key=(1, "string"), value=(2, ".tensorflow.TensorProto"))
    _fields(request, inputs=(2, f".{_PACKAGE}.PredictRequest.InputsEntry"))
    request.field[-1].label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
    _message(file, "PredictLog", request=(1, f".{_PACKAGE}.PredictRequest"))
    log = _message(file, "PredictionLog", predict_log=(6, f".{_PACKAGE}.PredictLog"))
    log.oneof_decl.add(name="log_type")
    log.field[0].oneof_index = 0
    pool.Add(file)
    described = pool.FindMessageTypeByName(f"{_PACKAGE}.PredictionLog")
    return message_factory.GetMessageClass(described)


def write_warmup(path: str, requests: Iterable[Request], *, model: str) -> int:
    """Writes a `PredictionLog` for each request; returns how many.

    Args:
        path: the file to write.
        requests: name of a signature, name of its input, and strings `[batch]`.
        model: the name under which the model is served.
    """
    count = 0
    with tf.io.TFRecordWriter(path) as writer:
        for signature, name, values in requests:
            log = prediction_log()()
            request = log.predict_log.request
            request.model_spec.name = model
            request.model_spec.signature_name = signature
            proto = tf.make_tensor_proto(values, tf.string, shape=[len(values)])
            request.inputs[name].ParseFromString(proto.SerializeToString())
            writer.write(log.SerializeToString())
            count += 1
    return count


def read_warmup(path: str) -> Iterator[Request]:
    """What `write_warmup` took."""
    for record in tf.compat.v1.io.tf_record_iterator(path):
        request = prediction_log().FromString(record).predict_log.request
        [[name, value]] = request.inputs.items()
        tensor = tensor_pb2.TensorProto.FromString(value.SerializeToString())
        yield request.model_spec.signature_name, name, tf.make_ndarray(tensor).tolist()


def _copy_file(pool: descriptor_pool.DescriptorPool, file) -> None:
    for dependency in file.dependencies:
        _copy_file(pool, dependency)
    pool.AddSerializedFile(file.serialized_pb)


def _message(file, name: str, /, **fields):
    message = file.message_type.add(name=name)
    _fields(message, **fields)
    return message


def _fields(message, /, **fields: tuple[int, str]) -> None:
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, (number, kind) in fields.items():
        field = message.field.add(name=name, number=number, label=kinds.LABEL_OPTIONAL)
        if kind == "string":
            field.type = kinds.TYPE_STRING
        else:
            field.type, field.type_name = kinds.TYPE_MESSAGE, kind
