"""The runtime on which a classifier answers fastest on this machine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from zoo.edge import RUNTIMES, EdgeError
from zoo.edge.compare import median_milliseconds
from zoo.edge.model import METADATA, read_metadata
from zoo.edge.publish import export
from zoo.families.classification.model import TextModel
from zoo.serving.answers import probabilities
from zoo.text.imports import tf
from zoo.text.writing import partial_folder, replace_folder, writing


def export_fastest(text_model: TextModel, folder: str | Path, **options) -> Path:
    """Exports for each runtime, and keeps the export that is fastest.

    The median times of one text of full length, from ids to scores, are written into
    `metadata.json` as `compared_milliseconds`; `tensorflow` is the function that a
    server for SavedModels runs, in this process.

    Args:
        text_model: as of `zoo.edge.export`.
        folder: likewise.
        options: its further arguments, except `runtime`.

    Raises:
        EdgeError: if no runtime can run the model; otherwise as `zoo.edge.export`.
    """
    folder = Path(folder)
    times: dict[str, float] = {}
    reasons = []
    with writing(folder), partial_folder(folder) as partial:
        for runtime in RUNTIMES:
            try:
                export(text_model, partial / runtime, runtime=runtime, **options)
            except EdgeError as error:
                reasons.append(str(error))
                continue
            first, *_ = read_metadata(partial / runtime)["files"].values()
            times[runtime] = first["median_milliseconds"]
        if not times:
            raise EdgeError(" ".join(reasons))
        best = min(times, key=times.__getitem__)
        metadata = read_metadata(partial / best)
        length = metadata["input"]["length"]
        times["tensorflow"] = _of_tensorflow(text_model, length)
        metadata["compared_milliseconds"] = times
        text = json.dumps(metadata, indent=1, ensure_ascii=False)
        (partial / best / METADATA).write_text(text + "\n", "utf-8")
        for runtime in times:
            if runtime != best:
                shutil.rmtree(partial / runtime, ignore_errors=True)
        replace_folder(folder, partial / best)
    return folder


def _of_tensorflow(text_model: TextModel, length: int) -> float:
    model, tasks = text_model.model, text_model.tasks
    ids = np.ones((1, length), "int32")

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)])
    def scores(tokens):
        outputs = model(tokens, training=False)
        return [probabilities(outputs[name], task) for name, task in tasks.items()]

    return median_milliseconds(scores, tf.constant(ids))
