"""A trained text model in one folder: weights, text pipeline and metadata.

The folder holds `model.keras`, `pipeline/` and `metadata.json`, which names the model's
family and holds the sha256 of every other file. Nothing in it is executed: no pickle,
and Keras loads in safe mode.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import keras

from zoo import __version__
from zoo.data.download import hashes_of
from zoo.families.cutting import ATTENTION, EXPERTS, POOLING, Inside, cut, has
from zoo.families.exporting import export
from zoo.families.inside import Given, experts_of, pooling_of, read_ids
from zoo.families.keras_file import load_keras
from zoo.families.saved import FORMAT_VERSION, unreadable
from zoo.reporting.inside import Attention, ExpertChoices
from zoo.serving.servable import Pipeline
from zoo.tasks import Task
from zoo.text.inputs import as_texts, plain
from zoo.text.objects import DAMAGES
from zoo.text.writing import replaced_folder
from zoo.training.kept import check_file, check_names
from zoo.weights import NONE


def describe_training(
    name: str, keywords: Mapping, settings, *, weights: str = NONE, earlier=None
) -> dict:
    """Returns the metadata on the origin of a trained model.

    Args:
        name: name of the registered model.
        keywords: arguments of its builder.
        settings: settings of the training.
        weights: shipped weights that the embedding started from, if any.
        earlier: `zoo.families.continuing.Continued` that it continues from, if any.
    """
    keywords = {key: plain(value) for key, value in keywords.items()}
    return {
        "name": name,
        "keywords": {key: value for key, value in keywords.items() if _is_json(value)},
        "settings": settings.to_config(),
        **({} if weights == NONE else {"weights": weights}),
        **({} if earlier is None else {"from": earlier.summary()}),
    }


def _is_json(value) -> bool:
    return isinstance(value, (str, int, float, bool, list, tuple, type(None)))


@dataclass
class BaseTextModel:
    """A Keras model with its text pipeline: what all families save, load and export.

    Several threads may use it at once. A family's own class adds methods on strings,
    above all `predict`.

    Args:
        model: the Keras model.
        pipeline: between strings and token ids.
        tasks: what the model predicts, by name; empty where it has no tasks.
        metadata: further JSON values, such as the registered name.

    Attributes:
        family: name of the model's family.
        pipeline_class: class of `pipeline`.
    """

    model: keras.Model
    pipeline: Pipeline
    tasks: dict[str, Task]
    metadata: dict = field(default_factory=dict)
    # Keras builds functions at the first call, and on JAX detaches the weights then.
    _lock: threading.RLock = field(
        default_factory=threading.RLock, init=False, repr=False, compare=False
    )

    family: ClassVar[str]
    pipeline_class: ClassVar[type[Pipeline]]

    def predict(self, texts: Iterable, batch_size: int = 64) -> list[dict]:
        """Returns an answer for each text."""
        raise NotImplementedError

    @property
    def has_experts(self) -> bool:
        """Whether the model has layers of experts, so that `experts` answers."""
        return has(self.model, EXPERTS)

    @property
    def has_attention(self) -> bool:
        """Whether the model has attention, so that `attention` answers."""
        return has(self.model, POOLING, ATTENTION)

    def experts(self, texts: Iterable) -> list[list[ExpertChoices]]:
        """Returns which experts the tokens of each text go to.

        A layer of experts with a gate for each task chooses for each task; one that
        reads a text as one vector chooses for the text.

        Args:
            texts: as of `predict`. A translation model is asked with the texts that it
                translates, and its decoder reads its own translations.

        Returns:
            For each text the `zoo.reporting.inside.ExpertChoices` of each layer.

        Raises:
            ValueError: as `predict`, and for a model without experts.
        """
        if not self.has_experts:
            raise ValueError(
                "`experts` needs a model with experts. Accepted: one with a "
                "zoo.layers.SparseMoE, such as moe_classifier, moe_lm and moe_seq2seq. "
                f"Received: {self._described}."
            )
        with self._lock:
            return experts_of(
                self._inside, self._read(texts), self._given, [*self.tasks]
            )

    def attention(self, texts: Iterable) -> list[Attention]:
        """Returns how much the model looks at each token of each text.

        Args:
            texts: as of `predict`.

        Returns:
            For each text a `zoo.reporting.inside.Attention`, with a row for each layer
            that pools the tokens by attention; without rows if it has no token.

        Raises:
            ValueError: as `predict`, and for a model without attention.
        """
        if not self.has_attention:
            raise ValueError(
                "`attention` needs a model with attention. Accepted: a translation "
                "model, or one with a zoo.layers.AttentionPooling, such as bilstm with "
                f"pooling='attention'. Received: {self._described}."
            )
        with self._lock:
            return pooling_of(self._inside, self._read(texts), self._given)

    @cached_property
    def _inside(self) -> Inside:
        return cut(self.model, EXPERTS, POOLING, ATTENTION)

    @property
    def _described(self) -> str:
        name = self.metadata.get("name", self.model.name)
        return f"{name}, a model of the family {self.family!r}"

    def _read(self, texts: Iterable) -> list:
        """Returns the texts of an argument as a list."""
        return as_texts(texts)

    def _given(self, texts: list) -> Given:
        """Returns some texts as the model reads them, with the tokens of each."""
        return read_ids(self.model, self.pipeline, texts)

    def save(self, folder: str | Path) -> Path:
        """Writes the folder; it appears complete or not at all.

        Raises:
            OSError: if the folder cannot be written; an older one is kept then.
        """
        folder = Path(folder)
        with replaced_folder(folder) as partial:
            self.model.save(partial / "model.keras")
            self.pipeline.save(partial / "pipeline")
            metadata = {
                **self.metadata,
                "family": self.family,
                "format_version": FORMAT_VERSION,
                "zoo": __version__,
                "keras": keras.__version__,
                "tasks": {name: task.to_config() for name, task in self.tasks.items()},
                "sha256": hashes_of(partial),
            }
            text = json.dumps(metadata, indent=2, ensure_ascii=False)
            (partial / "metadata.json").write_text(text, "utf-8")
        return folder

    def export(
        self,
        folder: str | Path,
        examples: Iterable = (),
        *,
        keep: int | None = None,
        explain: bool = False,
    ) -> Path:
        """Exports for TF Serving as the next version under `folder`; see `zoo.export`.

        Args:
            folder: folder of the versions.
            examples: texts of the kind that the model will see.
            keep: how many versions stay; by default all.
            explain: whether a classifier also explains its answers.
        """
        return export(
            self.model,
            self.pipeline,
            folder,
            tasks=self.tasks,
            examples=examples,
            metadata=self.metadata,
            family=self.family,
            keep=keep,
            explain=explain,
        )


def read_text_model(folder: Path, text_model: type[BaseTextModel], metadata: dict):
    """Loads the saved model of a folder.

    Args:
        folder: that `BaseTextModel.save` wrote.
        text_model: class of the family.
        metadata: content of its `metadata.json`.

    Raises:
        ValueError: for metadata without hashes or tasks, or a file that is missing,
            truncated or changed.
    """
    try:
        hashes = check_names(metadata.pop("sha256"))
        tasks = {n: Task.from_config(t) for n, t in metadata.pop("tasks").items()}
        if metadata["format_version"] < 2:
            tasks = {n: replace(t, mean=0.0, scale=1.0) for n, t in tasks.items()}
    except DAMAGES as error:
        raise unreadable(folder / "metadata.json", error) from None
    for name, digest in hashes.items():
        check_file(folder / name, digest)
    return text_model(
        model=load_keras(folder / "model.keras"),
        pipeline=text_model.pipeline_class.load(folder / "pipeline"),
        tasks=tasks,
        metadata=metadata,
    )
