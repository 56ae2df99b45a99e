"""Where the time of a request goes: parts, layers and operations of an export."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from tensorflow.python.framework import op_def_registry

from zoo.serving.parts import place_of
from zoo.serving.served import read_metadata, version_folder
from zoo.serving.session import load_session
from zoo.serving.warmup import warmup_texts
from zoo.text import as_bytes
from zoo.text.imports import tf
from zoo.text.inputs import each_text, whole

SIGNATURE = "serving_default"
BATCH_SIZES = (1, 32)
CALLS = 200  # requests that are timed, of each batch size
_TRACED = 30  # requests whose operations are timed
_FIRST = 5  # requests that are not counted
_SESSION = "session"  # what a request costs before any operation


def profile(
    folder: str | Path,
    texts: Iterable[str | bytes] | None = None,
    *,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    threads: int = 1,
    calls: int = CALLS,
    trust: bool = False,
) -> dict:
    """Measures an export, loaded as the core of TF Serving loads it.

    The time of whole requests is measured without a trace. Their division among
    operations comes from traces, in which each operation also takes the time between
    the one before it and itself: launching a small operation costs more than running
    it. With several threads, operations at the same time share theirs.

    Args:
        folder: folder of a model, for its newest version, or of a version.
        texts: texts of the kind that the model sees, repeated as needed; by default
            those of the warmup requests.
        batch_sizes: numbers of texts per request.
        threads: threads of TensorFlow.
        calls: requests to time, of each batch size.
        trust: whether its operations may reach files, network or Python.

    Returns:
        JSON-ready: `version`, `threads`, `tensorflow` and `requests`, one for each
        batch size, with `batch_size`; the median `milliseconds` and `p99`;
        `texts_per_second`; and `operations`, the longest first, each with `part`,
        `layer` (or `""`), `op`, `count` a request, and its `milliseconds`, which add up
        to the median.

    Raises:
        ValueError: if there is no complete export with a signature of texts, if there
            are no texts, for a number below 1, or without `trust` for an export whose
            operations reach beyond it.
    """
    sizes = [whole("batch_sizes", size, 1) for size in batch_sizes]
    threads, calls = whole("threads", threads, 1), whole("calls", calls, 1)
    version = version_folder(Path(folder), None)
    metadata = read_metadata(version)
    if texts is None:
        texts = warmup_texts(version)
    rows = [as_bytes(text) for text in each_text(texts)]
    if not rows:
        raise ValueError("`texts` must hold a text. Received: none.")
    signature = metadata["signatures"].get(SIGNATURE, {"inputs": {}})
    if list(signature["inputs"]) != ["text"]:
        raise ValueError(
            f"`folder` must hold an export whose {SIGNATURE} takes `text`. "
            f"Received: {version} with the inputs {list(signature['inputs'])}."
        )
    session, signatures = load_session(version, threads, trust=trust)
    with session:
        asked = _Asked(session, signatures[SIGNATURE], metadata.get("layers", {}))
        requests = [asked.request(rows, size, calls) for size in sizes]
    return {
        "version": str(version),
        "threads": threads,
        "tensorflow": tf.__version__,
        "requests": requests,
    }


class _Asked:
    """A signature of texts in a session, timed and traced."""

    def __init__(self, session: Any, signature: Any, layers: dict) -> None:
        self.session, self.layers = session, layers
        self.fetches = [info.name for info in signature.outputs.values()]
        self.feed = signature.inputs["text"].name

    def request(self, rows: list[bytes], size: int, calls: int) -> dict:
        stream = cycle(rows)
        batches = [list(islice(stream, size)) for _ in range(calls)]
        run = self.session.make_callable(self.fetches, feed_list=[self.feed])
        echo = self.session.make_callable([self.feed], feed_list=[self.feed])
        seconds = self._seconds(run, batches)
        bare = float(np.median(self._seconds(echo, batches)))
        median, p99 = np.percentile(seconds, [50, 99])
        operations = self._operations(batches[:_TRACED], max(median - bare, 0.0))
        outside = {"part": _SESSION, "layer": "", "op": "feed and fetch", "count": 1.0}
        operations.append({**outside, "milliseconds": 1e3 * min(bare, median)})
        operations.sort(key=lambda row: -row["milliseconds"])
        return {
            "batch_size": size,
            "milliseconds": 1e3 * float(median),
            "p99": 1e3 * float(p99),
            "texts_per_second": size / float(median),
            "operations": operations,
        }

    def _seconds(self, run: Any, batches: list[list[bytes]]) -> list[float]:
        arrays = [np.array(batch, object) for batch in batches]
        for array in arrays[:_FIRST]:
            run(array)
        taken = []
        for array in arrays:
            start = time.perf_counter()
            run(array)
            taken.append(time.perf_counter() - start)
        return taken

    def _operations(self, batches: list[list[bytes]], seconds: float) -> list[dict]:
        """Divides the seconds of a request among its operations."""
        count: Counter = Counter()
        traces = []
        for batch in batches:
            spans: dict = defaultdict(float)
            for node, op, span in _spans(self._traced(batch)):
                key = (*place_of(node, self.layers), op)
                spans[key] += span
                count[key] += 1
            traces.append(spans)
        # Medians, because other processes interrupt some operations for long.
        spent = {key: np.median([spans[key] for spans in traces]) for key in count}
        total = sum(spent.values()) or 1.0
        return [
            {
                "part": part,
                "layer": layer,
                "op": op,
                "count": count[part, layer, op] / len(batches),
                "milliseconds": 1e3 * seconds * float(span / total),
            }
            for (part, layer, op), span in spent.items()
        ]

    def _traced(self, batch: list[bytes]):
        options = tf.compat.v1.RunOptions(
            trace_level=tf.compat.v1.RunOptions.FULL_TRACE
        )
        told = tf.compat.v1.RunMetadata()
        feed = {self.feed: np.array(batch, object)}
        self.session.run(self.fetches, feed, options=options, run_metadata=told)
        return told.step_stats


def _spans(stats: Any) -> Iterable[tuple[str, str, float]]:
    """Yields name, operation and time of each run of an operation, in their order.

    A time reaches from the end of what ran before to its own end.
    """
    runs = [node for device in stats.dev_stats for node in device.node_stats]
    runs = [(node.all_start_nanos, node) for node in runs if node.timeline_label]
    runs.sort(key=lambda pair: pair[0])
    last = runs[0][0] if runs else 0
    for start, node in runs:
        end = start + node.all_end_rel_nanos
        _, _, call = node.timeline_label.partition(" = ")
        op = call.partition("(")[0]
        if _holds_others(op):
            continue
        yield node.node_name, op, max(end - last, 0) / 1e9
        last = max(last, end)


def _holds_others(op: str) -> bool:
    """Whether it is a conditional, or a call of a function, which is named after it.

    Their time is that of the operations in them.
    """
    return op in ("If", "StatelessIf") or op_def_registry.get(op) is None
