"""Checks a published or candidate version as TF Serving would load it.

Run by its path in a fresh process: `python check.py saved_models/NAME/VERSION`. Needs
TensorFlow and tensorflow-text only; importing keras and zoo is made impossible. Prints
a JSON object with the `problems` and the `milliseconds` of a request of one text, and
exits with 0 if there are no problems.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import math
import sys
import time
from pathlib import Path

import numpy

MOST_TIMED, LONGEST_TIMING = 50, 1.0  # texts, and seconds
_SERVER_OPS = Path(__file__).with_name("server_ops.txt")


def server_ops() -> dict[str, frozenset[str]]:
    """Returns the ops that the oldest supported server links, by library.

    The libraries have names such as `"tensorflow 2.15.1"`.
    """
    sections: dict[str, set[str]] = {}
    for line in _SERVER_OPS.read_text("utf-8").splitlines():
        if line.startswith(("# core: ", "# text: ")):
            library = line.split(": ")[1].split(",")[0]
            sections[library] = set()
        elif not line.startswith("#"):
            sections[library].update(line.split())
    return {library: frozenset(ops) for library, ops in sections.items()}


def graph_ops(meta_graph) -> set[str]:
    """Returns the names of all ops of a `MetaGraphDef`, including its functions."""
    graph = meta_graph.graph_def
    ops = {node.op for node in graph.node}
    for function in graph.library.function:
        ops |= {node.op for node in function.node_def}
    # A call of a function may be a node with the function's name.
    return ops - {function.signature.name for function in graph.library.function}


def compiled_functions(meta_graph) -> list[str]:
    """Returns the names of the functions that only XLA can run."""
    return [
        function.signature.name
        for function in meta_graph.graph_def.library.function
        if function.attr["_XlaMustCompile"].b
    ]


def file_hashes(folder: Path) -> dict[str, str]:
    """Returns the sha256 of every file below `folder` except `metadata.json`."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != "metadata.json":
            with path.open("rb") as file:
                hashes[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes


def check(folder: Path) -> tuple[list[str], float | None]:
    """Checks the version in `folder`.

    Returns:
        All problems, one line each; and the median of the milliseconds of a request of
        one text, `None` with problems or without texts to ask.
    """
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    if file_hashes(folder) != metadata["sha256"]:
        return ["the files are not those that metadata.json lists"], None
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel.FromString(
        (folder / "saved_model.pb").read_bytes()
    )
    [meta_graph] = saved.meta_graphs
    problems = [f"XLA must compile {name}" for name in compiled_functions(meta_graph)]
    linked = server_ops()
    for op in sorted(graph_ops(meta_graph)):
        if op.startswith(("Cudnn", "Xla")):
            problems.append(f"the op {op} does not run on a plain CPU server")
        elif not any(op in ops for ops in linked.values()):
            problems.append(f"the op {op} is not in {' nor in '.join(linked)}")
    if problems:
        return problems, None
    _load_text_ops(tf)
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(folder))
        problems += _check_answers(session, loaded.signature_def, metadata)
        if problems:
            return problems, None
        return [], _run_warmup(session, loaded.signature_def, folder)


def _load_text_ops(tf) -> None:
    # Importing the package would import keras; a server has the libraries only.
    spec = importlib.util.find_spec("tensorflow_text")
    if spec is None or spec.origin is None:
        raise ImportError("tensorflow-text is not installed")
    for library in sorted(Path(spec.origin).parent.glob("python/ops/_*.so")):
        tf.load_op_library(str(library))


def _check_calls(session, signatures, metadata: dict) -> list[str]:
    """Replays requests of any signature, whole and row by row."""
    problems = []
    for record in metadata.get("calls", []):
        signature = signatures[record["signature"]]
        inputs = {name: _array(value) for name, value in record["inputs"].items()}
        expected = {name: _array(value) for name, value in record["outputs"].items()}
        rows = max(len(value) for value in inputs.values() if value.ndim)
        for row in [None, *range(rows)]:
            chosen = slice(None) if row is None else slice(row, row + 1)
            feed = {
                signature.inputs[name].name: value[chosen] if value.ndim else value
                for name, value in inputs.items()
            }
            served = session.run(
                {name: signature.outputs[name].name for name in expected}, feed
            )
            for name, value in expected.items():
                if not _same(served[name], value[chosen], metadata, record):
                    problems.append(
                        f"{record['signature']}, row {row}: {name} "
                        f"{served[name].tolist()}, Python's {value[chosen].tolist()}"
                    )
    return problems


def _array(record: dict) -> numpy.ndarray:
    values, dtype = record["values"], record["dtype"]
    if dtype == "string":
        values, dtype = [base64.b64decode(value) for value in values], object
    return numpy.array(values, dtype).reshape(record["shape"])


def _close(served, expected, metadata: dict, unit: dict):
    """Returns whether numbers differ only by rounding.

    Args:
        unit: for a regression, the `mean` and the `scale` of its targets, which the
            tolerance is relative to. Near a large mean, float32 rounds coarsely.
    """
    size = numpy.abs(expected - unit.get("mean", 0.0))
    allowed = metadata["tolerance"] * numpy.maximum(unit.get("scale", 1.0), size)
    if getattr(served, "dtype", None) == "float32":
        allowed = allowed + numpy.finfo("float32").eps * numpy.abs(expected)
    return numpy.abs(served - expected) <= allowed


def _same(served, expected, metadata: dict, unit: dict) -> bool:
    if served.shape != expected.shape:
        # A single row lacks the padding that longer rows of its batch cause.
        if served.ndim != expected.ndim:
            return False
        more = [(0, b - a) for a, b in zip(served.shape, expected.shape)]
        if min(after for _, after in more) < 0:
            return False
        padding = b"" if served.dtype == object else 0
        served = numpy.pad(served, more, constant_values=padding)
    if expected.dtype.kind != "f":
        return served.tolist() == expected.tolist()
    return bool(_close(served, expected, metadata, unit).all())


def _check_answers(session, signatures, metadata: dict) -> list[str]:
    for name, listed in metadata["signatures"].items():
        found = {
            key: [info.dtype, [axis.size for axis in info.tensor_shape.dim]]
            for key, info in signatures[name].outputs.items()
        }
        if found != listed["outputs"]:
            return [f"the outputs of {name} are {found}, not {listed['outputs']}"]
    problems = []
    if metadata["golden"]:
        problems = _check_expected_answers(session, signatures, metadata)
    return problems + _check_calls(session, signatures, metadata)


def _check_expected_answers(session, signatures, metadata: dict) -> list[str]:
    records = metadata["golden"]
    texts = [base64.b64decode(row["text"]) * row["repeat"] for row in records]
    together = _run(session, signatures, texts)
    problems = []
    for row, record in enumerate(records):
        alone = _run(session, signatures, texts[row : row + 1])
        for way, served, place in (("in a batch", together, row), ("alone", alone, 0)):
            for problem in _differences(served, place, record, metadata):
                text = repr(texts[row][:40])
                problems.append(f"{text}, {way}: {problem}")
    return problems


def _differences(served: dict, row: int, record: dict, metadata: dict):
    length = int(served["tokens"]["length"][row])
    ids = served["tokens"]["ids"][row].tolist()
    if ids[:length] != record["ids"] or any(ids[length:]):
        yield f"ids {ids}, Python's {record['ids']}"
    tokens = [token.decode("utf-8") for token in served["tokens"]["tokens"][row]]
    padding = [""] * (len(tokens) - len(record["tokens"]))
    if tokens != record["tokens"] + padding:
        yield f"tokens {tokens}, Python's {record['tokens']}"
    for task, expected in record["answers"].items():
        names = metadata["outputs"][task]
        scores = served["serving_default"][names["scores"]][row].tolist()
        label = served["serving_default"][names["label"]][row].decode("utf-8")
        spec, tolerance = metadata["tasks"][task], metadata["tolerance"]
        close = len(scores) == len(expected["scores"]) and all(
            _close(a, b, metadata, spec)
            for a, b in zip(scores, expected["scores"], strict=True)
        )
        if not close or not all(map(math.isfinite, scores)):
            yield f"{task} scores {scores}, Python's {expected['scores']}"
        elif not _same_label(label, scores, expected, spec, tolerance):
            yield f"{task} label {label!r}, Python's {expected['label']!r}"
        elif "abstained" in names:
            flag = bool(served["serving_default"][names["abstained"]][row])
            if flag != (label == ""):
                yield f"{task} abstained {flag} with the label {label!r}"


def _same_label(label: str, scores: list, expected: dict, task: dict, tolerance):
    kind = task["kind"]
    if kind == "regression":  # with all digits of the score
        return float(label) == scores[0]
    if label == expected["label"]:
        return True
    # Rounding may decide between labels only if their scores are equal.
    if kind == "categories":
        best, second = sorted(expected["scores"])[:-3:-1]
        doubt = min(best - second, abs(best - (task.get("abstain") or 2)))
        return doubt <= 2 * tolerance
    cuts = task.get("thresholds") or [0.5] * len(expected["scores"])
    pairs = zip(expected["scores"], cuts, strict=True)
    return any(abs(score - cut) <= 2 * tolerance for score, cut in pairs)


def _run(session, signatures, texts: list[bytes]) -> dict[str, dict]:
    answers = {}
    for name in ("serving_default", "tokens"):
        outputs = {key: info.name for key, info in signatures[name].outputs.items()}
        answers[name] = session.run(outputs, _feed(signatures[name], texts))
    return answers


def _feed(signature, texts: list[bytes]) -> dict[str, list[bytes]]:
    """Returns the texts by tensor; of pairs, what is before and after U+001F."""
    names = {name: info.name for name, info in signature.inputs.items()}
    if "text_pair" not in names:
        return {names["text"]: texts}
    both = [text.partition(b"\x1f") for text in texts]
    return {
        names["text"]: [first for first, _, _ in both],
        names["text_pair"]: [second for _, _, second in both],
    }


def _run_warmup(session, signatures, folder: Path) -> float | None:
    """Replays the warmup requests, and times their texts alone; see `check`."""
    path = Path(__file__).with_name("warmup_records.py")
    spec = importlib.util.spec_from_file_location("warmup_records", path)
    assert spec is not None and spec.loader is not None  # a file of Python has both
    records = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(records)
    requests = str(folder / "assets.extra" / records.WARMUP_FILE)
    rows: list[dict] = []
    for name, inputs in records.read_warmup(requests):
        outputs = [info.name for info in signatures[name].outputs.values()]
        tensors = signatures[name].inputs
        session.run(outputs, {tensors[key].name: inputs[key] for key in inputs})
        if name == "serving_default":
            rows += [
                {tensors[key].name: inputs[key][row : row + 1] for key in inputs}
                for row in range(len(next(iter(inputs.values()))))
            ]
    default = signatures["serving_default"].outputs.values()
    return _milliseconds(session, [info.name for info in default], rows[:MOST_TIMED])


def _milliseconds(session, outputs: list[str], requests: list[dict]) -> float | None:
    """Returns the median; the first run of each request is not timed."""
    taken: list[float] = []
    begin = time.perf_counter()
    for request in requests:
        session.run(outputs, request)
        start = time.perf_counter()
        session.run(outputs, request)
        end = time.perf_counter()
        taken.append(1000 * (end - start))
        if end - begin > LONGEST_TIMING:
            break
    return float(numpy.median(taken)) if taken else None


def main(arguments: list[str]) -> int:
    # A server has neither, so importing them must fail here.
    for name in ("keras", "tf_keras", "zoo"):
        # None marks a module that must not be imported (Python language reference).
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        problems, milliseconds = check(Path(arguments[0]).absolute())
    except Exception as error:  # after any error, the version is not fit to serve
        problems, milliseconds = [f"{type(error).__name__}: {error}"], None
    print(json.dumps({"problems": problems, "milliseconds": milliseconds}))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
