"""Operations of a SavedModel that reach beyond it: files, network, Python code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# By what they can do. A SavedModel of the zoo has none of them outside its saver.
_BEYOND = {
    "runs Python code": r"(Eager)?PyFunc(Stateless)?",
    "runs code outside the graph": r"XlaCustomCall(V2)?|RemoteFusedGraphExecute",
    "ends the process": r"Abort",
    "writes files": r"WriteFile|Save(V2|Slices)?|SaveDataset(V2)?|MergeV2Checkpoints|"
    r"DistributedSave|DumpTensor|(Experimental)?DatasetToTFRecord|"
    r"CalibrationStatisticsSaver|(Create|Flush|Import|Write)\w*Summary\w*|PrintV2|"
    r"SnapshotDataset(V2)?|CacheDataset(V2)?|DebugIdentity\w*|Debug(Nan|Numeric)\w*",
    "reads files": r"ReadFile|MatchingFiles|(DTensor)?Restore(V2|Slice)?|"
    r"\w*ReaderV?2?|(Experimental)?(TextLine|TFRecord|FixedLengthRecord|CSV|Sql|LMDB|"
    r"Load|SSTable|MatchingFiles)Dataset\w*|(List)?SnapshotChunks?Dataset|RecordInput|"
    r"ImmutableConst|LoadAndRemapMatrix|GenerateVocabRemapping|Skipgram|"
    r"FixedUnigramCandidateSampler|Decode(Proto|ProtoV2)|EncodeProto|"
    r"FileSystemSetConfiguration",
    "opens connections": r"DataService\w*|\w*Rpc\w*|_?(Host)?(Send|Recv)|RemoteCall|"
    r"Collective\w*|RegisterDataset\w*",
}
# What restores variables, from the node that a SavedModel names for it.
_SAVER = {"RestoreV2", "SaveV2", "MergeV2Checkpoints", "ShardedFilename"}


def beyond_the_graph(graphs: Iterable[Any]) -> dict[str, str]:
    """Returns the operations of graphs that can reach files, network or Python.

    Only what loading and the signatures can run counts. The operations that save and
    restore the variables do not, nor do tables of words, which every export reads from
    a file of its own.

    Args:
        graphs: those of a version, see `read_graphs`.

    Returns:
        What each operation can do, by its name.

    Source: TensorFlow's SECURITY.md, "Running untrusted models".
    """
    found = {}
    for graph in graphs:
        for op in _reached(graph) | (_restoring(graph) - _SAVER):
            for does, pattern in _BEYOND.items():
                if re.fullmatch(pattern, op):
                    found[op] = does
    return dict(sorted(found.items()))


def check_trusted(folder: Path, argument: str = "`folder`") -> None:
    """Raises a `ValueError` for a version that reaches beyond its graph."""
    found = beyond_the_graph(read_graphs(folder))
    if found:
        said = ", ".join(f"{op} ({does})" for op, does in found.items())
        raise ValueError(
            f"{argument} must hold a model whose operations compute only. Accepted "
            "with `--trust`, in Python `trust=True`: a model from somebody you know. "
            f"Received: {folder} with {said}."
        )


def read_graphs(folder: Path) -> Any:
    """Returns the `MetaGraphDef`s of a version, as messages; nothing of them runs.

    Raises:
        ValueError: for a file that is not a SavedModel.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    path = folder / "saved_model.pb"
    try:
        return saved_model_pb2.SavedModel.FromString(path.read_bytes()).meta_graphs
    except (OSError, DecodeError) as error:
        raise ValueError(
            f"`folder` must hold a complete SavedModel. Received: {path} ({error})."
        ) from error


def _reached(graph: Any) -> set[str]:
    """Returns the operations that loading and the signatures can run."""
    functions = {f.signature.name: f for f in graph.graph_def.library.function}
    nodes = {node.name: node for node in graph.graph_def.node}
    # Among the signatures is what runs once the variables are restored.
    roots = [
        _node(info.name)
        for signature in graph.signature_def.values()
        for info in signature.outputs.values()
    ]
    for collection in graph.collection_def.values():  # of TensorFlow 1
        roots += map(_node, collection.node_list.value)
    start = [nodes[name] for name in _with_inputs(roots, nodes)]
    for name in graph.object_graph_def.concrete_functions:
        start += _body(functions, name)
    return _called_by(start, functions)


def _restoring(graph: Any) -> set[str]:
    """Returns the operations that a loader runs to restore the variables."""
    functions = {f.signature.name: f for f in graph.graph_def.library.function}
    nodes = {node.name: node for node in graph.graph_def.node}
    roots = [_node(graph.saver_def.restore_op_name)]
    return _called_by([nodes[name] for name in _with_inputs(roots, nodes)], functions)


def _with_inputs(roots: Iterable[str], nodes: dict[str, Any]) -> set[str]:
    """Returns the names of nodes and of all that they need."""
    found: set[str] = set()
    waiting = [name for name in roots if name in nodes]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [one for one in map(_node, nodes[name].input) if one in nodes]
    return found


def _called_by(start: Iterable[Any], functions: dict) -> set[str]:
    """Returns the operations of nodes and of the functions that they call."""
    operations: set[str] = set()
    entered: set[str] = set()
    waiting = list(start)
    while waiting:
        node = waiting.pop()
        operations.add(node.op)
        for name in _called(node):
            if name in functions and name not in entered:
                entered.add(name)
                waiting += _body(functions, name)
    return operations - set(functions)


def _called(node: Any) -> Iterator[str]:
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)


def _body(functions: dict, name: str) -> list[Any]:
    return list(functions[name].node_def) if name in functions else []


def _node(name: str) -> str:
    return name.split(":")[0].lstrip("^")
