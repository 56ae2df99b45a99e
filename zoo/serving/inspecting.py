"""What a published version holds, read without running any of it."""

from __future__ import annotations

from pathlib import Path

from zoo.reporting.markdown import markdown_table
from zoo.serving.check import file_hashes
from zoo.serving.served import version_folder
from zoo.serving.trust import beyond_the_graph, read_graphs
from zoo.text.objects import DAMAGES, read_object


def inspect(folder: str | Path) -> dict:
    """Returns what a version holds; nothing of it runs.

    Args:
        folder: folder of a model, for its newest version, or of a version.

    Returns:
        JSON-ready: `folder`; `signatures`, each with its `inputs` and `outputs` as
        `"type [shape]"`; `operations`, their number of each kind; `beyond`, what the
        operations that reach files, network or Python can do, by name; `files`, bytes
        by name; and for an export of the zoo its `tasks` and `changed`, the files that
        `metadata.json` does not list as they are.

    Raises:
        ValueError: if there is no SavedModel.
    """
    place = version_folder(Path(folder), None)
    graphs = read_graphs(place)
    graph = graphs[0]
    found: dict = {
        "folder": str(place),
        "signatures": {
            name: {
                "inputs": _tensors(signature.inputs),
                "outputs": _tensors(signature.outputs),
            }
            for name, signature in sorted(graph.signature_def.items())
            if not name.startswith("__")
        },
        "operations": _operations(graph),
        "beyond": beyond_the_graph(graphs),
        "files": {
            path.relative_to(place).as_posix(): path.stat().st_size
            for path in sorted(place.rglob("*"))
            if path.is_file()
        },
    }
    return {**found, **_of_the_zoo(place)}


def summary(found: dict) -> str:
    """Returns the answer of `inspect` as text."""
    rows = [["signature", "inputs", "outputs"]]
    for name, tensors in found["signatures"].items():
        sides = [tensors["inputs"], tensors["outputs"]]
        cells = [", ".join(f"{k}: {v}" for k, v in side.items()) for side in sides]
        rows.append([name, *cells])
    size = sum(found["files"].values()) / 2**20
    count = sum(found["operations"].values())
    parts = [
        f"{found['folder']}: {len(found['files'])} files, {size:.1f} MiB, "
        f"{count:,} operations of {len(found['operations'])} kinds",
        markdown_table(rows),
    ]
    if "tasks" in found:
        parts.append(f"Exported by the zoo; tasks: {', '.join(found['tasks'])}.")
    if found.get("changed"):
        parts.append(f"Changed since the export: {', '.join(found['changed'])}.")
    beyond = [f"- {op}: {does}" for op, does in found["beyond"].items()]
    if beyond:
        parts.append("\n".join(["Operations that reach beyond the graph:", *beyond]))
    else:
        parts.append("No operation reaches files, network or Python.")
    return "\n\n".join(parts)


def _tensors(infos) -> dict[str, str]:
    from tensorflow import as_dtype

    def shape(info) -> str:
        sizes = (axis.size for axis in info.tensor_shape.dim)
        return ", ".join("?" if size < 0 else str(size) for size in sizes)

    return {
        name: f"{as_dtype(info.dtype).name} [{shape(info)}]"
        for name, info in sorted(infos.items())
    }


def _operations(graph) -> dict[str, int]:
    counts: dict[str, int] = {}
    bodies = [f.node_def for f in graph.graph_def.library.function]
    for nodes in [graph.graph_def.node, *bodies]:
        for node in nodes:
            counts[node.op] = counts.get(node.op, 0) + 1
    names = {f.signature.name for f in graph.graph_def.library.function}
    return {op: count for op, count in sorted(counts.items()) if op not in names}


def _of_the_zoo(place: Path) -> dict:
    try:
        metadata = read_object(place / "metadata.json")
        tasks, listed = list(metadata["tasks"]), dict(metadata["sha256"])
    except DAMAGES:
        return {}
    now = file_hashes(place)
    names = sorted({**listed, **now})
    changed = [name for name in names if now.get(name) != listed.get(name)]
    return {"tasks": tasks, "changed": changed}
