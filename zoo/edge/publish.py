"""Converts, compares with Python, then renames: an export is complete or absent."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from zoo import __version__
from zoo.data import Examples, encode_labels
from zoo.edge import AUTO, DEFAULT_LENGTH, RUNTIMES, EdgeError
from zoo.edge.compare import (
    largest_difference,
    median_milliseconds,
    metrics_of,
    sample_tokens,
    scores_of,
)
from zoo.edge.graph import score_function, score_names
from zoo.edge.model import (
    FORMAT,
    FORMAT_VERSION,
    METADATA,
    MODULES,
    file_name,
    read_metadata,
)
from zoo.families.classification.model import TextModel
from zoo.families.classification.servable import check_model
from zoo.serving.expected import ODD
from zoo.text import TextPipeline
from zoo.text.inputs import whole
from zoo.text.vocabulary import PAD, UNKNOWN, write_vocabulary
from zoo.text.writing import replaced_folder

TOLERANCE = 1e-4
VOCABULARY = "vocabulary.txt"
_EXAMPLES = 8  # texts in the metadata
_PACKAGES = {
    "litert": ("tensorflow", "ai-edge-litert"),
    "onnx": ("tensorflow", "tf2onnx", "onnx", "onnxruntime"),
}


def export(
    text_model: TextModel,
    folder: str | Path,
    *,
    runtime: str,
    length: int | None,
    int8: bool,
    examples: Examples | None,
) -> Path:
    """See `zoo.edge.export`."""
    folder = Path(folder)
    if runtime not in RUNTIMES:
        raise ValueError(
            f"`runtime` must be one of {', '.join(RUNTIMES)}, {AUTO}. "
            f"Received: runtime={runtime!r}."
        )
    _check_kind(text_model)
    length = _length(text_model.pipeline, length)
    _check_folder(folder)
    edge = _Edge(text_model, runtime, length, examples)
    with replaced_folder(folder) as partial:
        edge.write(partial, int8)
    return folder


class _Edge:
    """An export in progress, with the expected answers from Python."""

    def __init__(self, text_model, runtime, length, examples) -> None:
        self.text_model, self.runtime, self.length = text_model, runtime, length
        self.model, self.tasks = text_model.model, text_model.tasks
        self.name = text_model.metadata.get("name", self.model.name)
        self.module = MODULES[runtime]
        self.texts, self.labelled = [], None
        if examples is not None:  # an unknown label stops the export here
            self.texts = examples.texts
            targets, weights = encode_labels(examples, self.tasks)
            self.labelled = self.encode(self.texts), targets, weights
        self.checks = [
            (tokens, scores_of(self.model, self.tasks, tokens))
            for tokens in sample_tokens(text_model.pipeline.vocab_size, length)
        ]

    def encode(self, texts) -> list:
        return [row[: self.length] for row in self.text_model.pipeline.encode(texts)]

    def write(self, folder: Path, int8: bool) -> None:
        """Writes all files; raises an `EdgeError` if the float32 one is wrong."""
        function = score_function(self.model, self.tasks)
        converter = self.module.Converter(function, self.length)
        float32 = self._describe(folder, self._converted(converter.float32), False)
        files = {file_name(self.module, int8=False): float32}
        difference = float32["largest_difference"]
        if not difference <= TOLERANCE:
            raise EdgeError(
                f"The {self.runtime} form of the model {self.name!r} must match Python "
                f"to {TOLERANCE:g}, on texts of 1, {(self.length + 1) // 2} and "
                f"{self.length} tokens. Received: a difference of {difference:.3g}; "
                "nothing was written."
            )
        if int8:
            name = file_name(self.module, int8=True)
            content = self._converted(converter.int8)
            files[name] = self._describe(folder, content, True)
        pipeline = self.text_model.pipeline
        write_vocabulary(folder / VOCABULARY, pipeline.vocabulary)
        text = json.dumps(self._metadata(files), indent=1, ensure_ascii=False)
        (folder / METADATA).write_text(text + "\n", "utf-8")

    def _converted(self, convert: Callable[[], bytes]) -> bytes:
        try:
            with _quiet():
                return convert()
        except ImportError:
            raise
        except Exception as error:  # converters raise many kinds
            lines = str(error).strip().splitlines() or [""]
            raise EdgeError(
                f"The model {self.name!r} must have only operations that "
                f"{self.runtime} supports. Received: {type(error).__name__}: "
                f"{lines[0][:300]}; nothing was written."
            ) from error

    def _describe(self, folder: Path, content: bytes, int8: bool) -> dict:
        path = folder / file_name(self.module, int8=int8)
        path.write_bytes(content)
        try:
            run = self.module.Runner(path, self.length)
            difference = largest_difference(run, self.tasks, self.checks, self.length)
        except ImportError:
            raise
        except Exception as error:  # each runtime raises its own kinds
            raise EdgeError(
                f"The {self.runtime} form of the model {self.name!r} must run. "
                f"Received: {str(error)[:300]}; nothing was written."
            ) from error
        full, _ = self.checks[-1]
        described: dict = {
            "weights": "int8" if int8 else "float32",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "largest_difference": difference,
            "median_milliseconds": median_milliseconds(run, full[:1]),
        }
        if self.labelled is not None:
            described["metrics"] = metrics_of(run, self.tasks, *self.labelled)
        return described

    def _metadata(self, files: dict) -> dict:
        pipeline, names = self.text_model.pipeline, score_names(self.tasks)
        tasks = {
            name: {"output": names[name], **task.to_config()}
            for name, task in self.tasks.items()
        }
        packages = {package: version(package) for package in _PACKAGES[self.runtime]}
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "model": {"name": self.name, "parameters": self.model.count_params()},
            "runtime": self.runtime,
            "input": {
                "name": "tokens",
                "type": "int32",
                "length": self.length,
                "padding": PAD,
                "unknown": UNKNOWN,
            },
            "tasks": tasks,
            "tokenizer": pipeline.summary(),
            "vocabulary": VOCABULARY,
            "files": files,
            "examples": self._example_records(),
            "versions": {"zoo": __version__, **packages},
        }

    def _example_records(self) -> list[dict]:
        """Returns texts to test whether a device computes the same ids and scores."""
        odd = [text for text in ODD if isinstance(text, str)]
        texts = [*odd, *self.texts[:_EXAMPLES]]
        found = []
        for text, ids in zip(texts, self.encode(texts), strict=True):
            scores = scores_of(self.model, self.tasks, ids[None])
            found.append(
                {
                    "text": text,
                    "ids": ids.tolist(),
                    "scores": {name: row[0].tolist() for name, row in scores.items()},
                }
            )
        return found


def _check_kind(text_model: TextModel) -> None:
    if type(text_model) is not TextModel:
        raise ValueError(
            "`text_model` must predict from the token ids of whole texts. "
            "Accepted: text classifiers. "
            f"Received: a {type(text_model).__name__} of the model "
            f"{text_model.metadata.get('name', text_model.model.name)!r}."
        )
    if text_model.pipeline.pairs:
        raise ValueError(
            "`text_model` must read one text, because a device is given its ids in a "
            "row of a fixed length. Accepted: a classifier of texts. Received: "
            f"{text_model.metadata.get('name', text_model.model.name)!r}, a model of "
            "pairs of texts."
        )
    check_model(text_model.model, text_model.tasks)


def _length(pipeline: TextPipeline, length: int | None) -> int:
    if length is None:
        return min(DEFAULT_LENGTH, pipeline.max_length)
    return whole("length", length, 1, pipeline.max_length)  # the pipeline's limit


def _check_folder(folder: Path) -> None:
    """Raises unless the folder can be written or is an earlier export to replace."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    try:
        read_metadata(folder)
    except ValueError as error:
        raise ValueError(
            "`folder` must be missing, empty, or an earlier export to replace. "
            f"Received: {folder}, which holds something else."
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences the converters' warnings about requested options."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)
