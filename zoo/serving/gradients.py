"""An export answers and is not trained: it keeps no gradients.

Each `tf.custom_gradient` of a layer would leave its functions in the graph, and a
warning whenever Python loads the export, since TensorFlow names them but does not save
them all.
"""

from __future__ import annotations

from pathlib import Path

from tensorflow.core.protobuf import saved_model_pb2

from zoo.text.imports import tf

_MARK = "_gradient_op_type"  # the attribute by which an operation names its gradient


def save_without_gradients(served: tf.Module, folder: Path, signatures) -> None:
    """`tf.saved_model.save` that leaves out gradients and their names.

    Args:
        served: what is saved.
        folder: gets the SavedModel.
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
