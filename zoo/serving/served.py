"""Runs a published version in Python as TF Serving does."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

from zoo.reporting.explanation import Explanation
from zoo.serving.explained import SIGNATURE, explanations_of
from zoo.serving.folders import described
from zoo.serving.session import load_saved_model
from zoo.serving.versions import newest, versions
from zoo.tasks import Task
from zoo.text import as_bytes
from zoo.text.imports import tf
from zoo.text.inputs import each_text, whole
from zoo.text.objects import DAMAGES, read_object
from zoo.text.pairs import INPUTS, TextOrPair, by_input, each_pair
from zoo.training.kept import check_names

FORMAT_VERSION = 1
_KINDS = {
    "format_version": int,
    "outputs": dict,
    "tasks": dict,
    "sha256": dict,
    "signatures": dict,
    "layers": dict,
    "model": dict,
}
_BATCH = 256


class ServedModel:
    """Loads an export and predicts from texts, without the model's Python code.

    Args:
        folder: the model's folder, which selects the newest version, or the folder of a
            version.
        version: number of a version, instead of the newest.
        trust: whether to load a model whose operations reach files, network or Python.

    Raises:
        ValueError: if there is no complete export of a known format, or without `trust`
            one with such operations.

    Example:
        >>> ServedModel("saved_models/bilstm_mt")  # doctest: +SKIP
        ServedModel('saved_models/bilstm_mt/1')
    """

    def __init__(
        self, folder: str | Path, *, version: int | None = None, trust: bool = False
    ):
        self.path = version_folder(Path(folder), version)
        self.metadata = read_metadata(self.path)
        self._loaded = load_saved_model(self.path, trust=trust)
        found = self._loaded.signatures
        if "serving_default" not in found:
            raise ValueError(
                "`folder` must hold an export with the signature serving_default. "
                f"Accepted: what `zoo export` writes. Received: {self.path} with "
                f"{', '.join(sorted(found)) or 'none'}."
            )
        self._serve = found["serving_default"]
        self._check_outputs()

    def __repr__(self) -> str:
        return f"ServedModel({str(self.path)!r})"

    def _check_outputs(self) -> None:
        """Raises a `ValueError` for metadata of another graph."""
        given = sorted(self._serve.structured_outputs)
        for task, names in self.metadata["outputs"].items():
            if task not in self.metadata["tasks"] or not {*names.values()} <= {*given}:
                raise ValueError(
                    "`folder` must hold an export whose metadata.json names its "
                    f"outputs. Accepted: {', '.join(given)}, of the tasks that it "
                    f"lists. Received: {self.path} with {task!r}: {names!r}."
                )

    @property
    def tasks(self) -> list[str]:
        """The names of the tasks."""
        return list(self.metadata["tasks"])

    @property
    def pairs(self) -> bool:
        """Whether it answers pairs of texts."""
        return INPUTS[1] in self._serve.structured_input_signature[1]

    @property
    def explains(self) -> bool:
        """Whether it was exported with its explanations."""
        return SIGNATURE in self._loaded.signatures

    def signature(self, name: str):
        """Returns a signature as a function of named tensors."""
        return self._loaded.signatures[name]

    def predict(self, texts: Iterable[TextOrPair]) -> list[dict]:
        """Returns answers for texts.

        Args:
            texts: any iterable of texts; of a model of pairs, of `(first, second)`.

        Returns:
            For each text, from task to `{"label": str, "scores": {label: score}}`.
            A language model: `continuation`, `log_probability` and `tokens`.
            A translation model: `translation` and `score`.
            A tagger: the result of `zoo.families.tagging.model.TaggingModel.predict`.
            Multilabel: the label joins by `|` the labels that score above their
            thresholds, 0.5 if they were not tuned.
            Regression: the label is the value's decimals, and the scores are
            `{"value": value}`.
            A model of another family: the outputs of `serving_default` by name.

        Raises:
            ValueError: for one text instead of several.
        """
        answers: list[dict] = []
        tags = "words" in self._loaded.signatures
        stream = each_pair(texts) if self.pairs else each_text(texts)
        while chunk := [as_bytes(text) for text in islice(stream, _BATCH)]:
            outputs = self._serve(**self._inputs(chunk))
            if "translate" in self._loaded.signatures:
                answers += self._translations(outputs)
                continue
            if "score" in self._loaded.signatures:
                answers += self._continue(chunk, outputs)
                continue
            arrays = {name: tensor.numpy() for name, tensor in outputs.items()}
            answer = self._tags if tags else self._answer
            if not self.metadata["tasks"]:  # of a family outside the zoo
                answer = _row_of
            answers += [answer(arrays, row) for row in range(len(chunk))]
        return answers

    def explain(self, texts: Iterable[TextOrPair]) -> list[dict[str, Explanation]]:
        """Returns which words moved each answer, as `zoo.TextModel.explain` does.

        Args:
            texts: as of `predict`.

        Raises:
            ValueError: for an export without the signature `explain`.
        """
        if not self.explains:
            raise ValueError(
                "`folder` must hold a classifier that was exported with its "
                "explanations. Accepted: the result of `zoo export RUN --explain`, or "
                f"the folder of the run. Received: {self.path} with the signatures "
                f"{', '.join(sorted(self._loaded.signatures))}."
            )
        explain = self._loaded.signatures[SIGNATURE]
        tasks = {n: Task.from_config(t) for n, t in self.metadata["tasks"].items()}
        stream = each_pair(texts) if self.pairs else each_text(texts)
        found: list[dict[str, Explanation]] = []
        while chunk := [as_bytes(text) for text in islice(stream, _BATCH)]:
            inputs = by_input(chunk, self.pairs)
            outputs = explain(**self._inputs(chunk))
            arrays = {name: tensor.numpy() for name, tensor in outputs.items()}
            for row, sides in enumerate(zip(*inputs.values(), strict=True)):
                found.append(explanations_of(arrays, row, sides, tasks))
        return found

    def tokens(self, texts: Iterable[TextOrPair]) -> list[list[str]]:
        """Returns the tokens of each text, at most `max_length`."""
        chosen = map(as_bytes, each_pair(texts) if self.pairs else each_text(texts))
        found = self._loaded.signatures["tokens"](**self._inputs(list(chosen)))
        return [
            [token.decode("utf-8") for token in row if token]
            for row in found["tokens"].numpy()
        ]

    def _inputs(self, texts: list[bytes]) -> dict[str, tf.Tensor]:
        named = by_input(texts, self.pairs)
        return {name: tf.constant(rows, tf.string) for name, rows in named.items()}

    def _continue(self, chunk: list[bytes], outputs: dict) -> list[dict]:
        scores = self._loaded.signatures["score"](text=tf.constant(chunk, tf.string))
        columns = (outputs["text"], scores["log_probability"], scores["tokens"])
        return [
            {
                "continuation": text.decode("utf-8"),
                "log_probability": float(total),
                "tokens": int(count),
            }
            for text, total, count in zip(*(c.numpy() for c in columns), strict=True)
        ]

    def _translations(self, outputs: dict) -> list[dict]:
        if outputs["cut"].numpy().any():
            warnings.warn(
                f"{outputs['cut'].numpy().sum()} text(s) exceed the model's limit; "
                "their ends were not translated.",
                stacklevel=3,
            )
        pairs = zip(outputs["translation"].numpy(), outputs["score"].numpy())
        return [
            {"translation": text.decode("utf-8"), "score": float(score)}
            for text, score in pairs
        ]

    def _tags(self, arrays: dict, row: int) -> dict:
        length = arrays["lengths"][row]
        listed = {
            key: array[row, :length] for key, array in arrays.items() if array.ndim > 1
        }
        places = zip(listed["starts"].tolist(), listed["ends"].tolist(), strict=True)
        answer: dict = {
            "tokens": _decoded(listed["tokens"]),
            "offsets": [[start, end] for start, end in places],
            "tags": {},
            "scores": {},
        }
        for task, names in self.metadata["outputs"].items():
            if "tags" in names:
                answer["tags"][task] = _decoded(listed[names["tags"]])
                answer["scores"][task] = listed[names["scores"]].tolist()
        labels = self._answer(arrays, row)
        return {**answer, "labels": labels} if labels else answer

    def _answer(self, arrays: dict, row: int) -> dict:
        answer = {}
        for task, names in self.metadata["outputs"].items():
            if "label" not in names:
                continue
            labels = self.metadata["tasks"][task]["labels"] or ["value"]
            scores = arrays[names["scores"]][row].tolist()
            if len(scores) != len(labels):
                raise ValueError(
                    f"`folder` must hold an export with a score for each label of "
                    f"{task!r}. Accepted: {len(labels)}. Received: {len(scores)}."
                )
            answer[task] = {
                "label": arrays[names["label"]][row].decode("utf-8"),
                "scores": dict(zip(labels, scores, strict=True)),
            }
            if "abstained" in names:
                answer[task]["abstained"] = bool(arrays[names["abstained"]][row])
        return answer


def _decoded(values) -> list[str]:
    return [value.decode("utf-8") for value in values]


def version_folder(folder: Path, version: int | None) -> Path:
    """Returns the folder of a version of a model, by default the newest."""
    if version is not None:
        version = whole("version", version, 0, 2**63 - 1)
    if version is None and (last := newest(folder)) is not None:
        return last
    found = versions(folder)
    if version not in found:
        wanted = "a version" if version is None else f"version {version}"
        raise ValueError(
            f"`folder` must hold {wanted} of an exported model. Received: "
            + (f"{folder} with versions {found}." if found else described(folder))
        )
    return folder / str(version)


def read_metadata(folder: Path) -> dict:
    """Returns the checked content of a version's `metadata.json`."""
    path = folder / "metadata.json"
    try:
        metadata = read_object(path, _KINDS)
        number = metadata["format_version"]
        check_names(metadata["sha256"])
        for config in metadata["tasks"].values():
            Task.from_config(config)
        for names in metadata["outputs"].values():
            if not all(isinstance(name, str) for name in dict(names).values()):
                raise TypeError(f"its 'outputs' hold {names!r}")
    except DAMAGES as error:
        raise ValueError(
            "`folder` must hold an export with its metadata.json, as `zoo.export` "
            f"writes it. Received: {path} ({error!r})."
        ) from error
    if number != FORMAT_VERSION:
        raise ValueError(
            f"`folder` must hold an export of format {FORMAT_VERSION}; a newer one "
            f"needs a newer zoo. Received: {path} with format_version={number!r}."
        )
    return metadata


def _row_of(arrays: Mapping, row: int) -> dict:
    return {name: array[row].tolist() for name, array in arrays.items()}
