"""Saves exports without gradients, because an export is not trained.

Each `tf.custom_gradient` of a layer would otherwise leave its functions in the graph,
and a warning whenever Python loads the export, because TensorFlow refers to them but
does not save them all.
"""

from __future__ import annotations

from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2

from zoo.text.imports import tf

_MARK = "_gradient_op_type"  # attribute with the name of an operation's gradient


def save_without_gradients(served: tf.Module, folder: Path, signatures) -> None:
    """Calls `tf.saved_model.save` without gradients and their names.

    Args:
        served: the object to save.
        folder: output folder of the SavedModel.
        signatures: functions by name.
    """
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(served, str(folder), signatures=signatures, options=options)
    path = folder / "saved_model.pb"
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for meta_graph in saved_model.meta_graphs:
        graph = meta_graph.graph_def
        for nodes in [graph.node, *(f.node_def for f in graph.library.function)]:
            for node in nodes:
                node.attr.pop(_MARK, None)
    path.write_bytes(saved_model.SerializeToString(deterministic=True))
