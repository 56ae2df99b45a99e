"""A trained text model in one folder: weights, text pipeline and metadata.

The folder holds `model.keras`, `pipeline/` and `metadata.json`, which carries the
sha256 of every other file. Nothing in it is executed: no pickle, and Keras loads in
safe mode.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

import zoo.layers  # noqa: F401  (registers the layers that a saved model names)
from zoo import __version__
from zoo.families.folders import TRAINED, described, opener
from zoo.families.language import is_language_model
from zoo.families.tagging.decoder import is_tagger
from zoo.families.translation import is_translation_model
from zoo.serving import export
from zoo.tasks import Task
from zoo.text import TextPipeline
from zoo.text.inputs import as_texts, plain, whole
from zoo.training.batching import TokenBatches, choose_buckets
from zoo.training.fit import predict
from zoo.training.kept import check_file, sha256_of

FORMAT_VERSION = 1


def describe_training(name: str, keywords: Mapping, settings) -> dict:
    """What the metadata of a trained model say of how it came about."""
    keywords = {key: plain(value) for key, value in keywords.items()}
    return {
        "name": name,
        "keywords": {key: value for key, value in keywords.items() if _is_json(value)},
        "settings": settings.to_config(),
    }


def _is_json(value) -> bool:
    return isinstance(value, (str, int, float, bool, list, tuple, type(None)))


@dataclass
class TextModel:
    """A Keras model with its text pipeline and its tasks; predicts on strings.

    Several threads may ask it at once.

    Args:
        model: token ids `[batch, time]` to a dict from task to logits.
        pipeline: strings to token ids.
        tasks: the tasks by name.
        metadata: anything else that JSON holds, such as the registered name.
    """

    model: keras.Model
    pipeline: TextPipeline
    tasks: dict[str, Task]
    metadata: dict = field(default_factory=dict)
    # Keras builds functions at the first call, and on JAX lends out the weights.
    _lock: threading.RLock = field(
        default_factory=threading.RLock, init=False, repr=False, compare=False
    )

    pipeline_class = TextPipeline

    def logits(
        self, texts: Iterable[str], batch_size: int = 64
    ) -> dict[str, np.ndarray]:
        """The model's outputs `[texts, outputs]` by task."""
        batch_size = whole("batch_size", batch_size, 1)
        tokens = self.pipeline.encode(texts)
        if not tokens:
            return {
                n: np.zeros((0, t.outputs), "float32") for n, t in self.tasks.items()
            }
        batches = TokenBatches(
            tokens, {}, {}, batch_size=min(batch_size, len(tokens)),
            buckets=choose_buckets(tokens),
        )  # fmt: skip
        with self._lock:
            return predict(self.model, batches)

    def predict(self, texts: Iterable[str], batch_size: int = 64) -> list[dict]:
        """Answers for each text.

        Args:
            texts: any iterable of strings, of any length.
            batch_size: texts that run at once.

        Returns:
            For each text a dict from task to
            `{"label": str, "scores": {label: float}}`;
            for several labels of one text they are joined by `|`; a regression has the
            number as its label and under `"value"` among its scores. A task that may
            abstain has `"abstained"` as well, and then no label.

        Raises:
            ValueError: for one text instead of several.
        """
        texts = as_texts(texts)
        answers: list[dict] = [{} for _ in texts]
        for name, logits in self.logits(texts, batch_size).items():
            for answer, row in zip(answers, logits, strict=True):
                answer[name] = answer_of(self.tasks[name], row)
        return answers

    def save(self, folder: str | Path) -> Path:
        """Writes the folder; it appears whole or not at all.

        Raises:
            OSError: if the folder cannot be written; an older one then stays.
        """
        folder = Path(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            self.model.save(partial / "model.keras")
            self.pipeline.save(partial / "pipeline")
            metadata = {
                **self.metadata,
                "format_version": FORMAT_VERSION,
                "zoo": __version__,
                "keras": keras.__version__,
                "tasks": {name: task.to_config() for name, task in self.tasks.items()},
                "sha256": {
                    path.relative_to(partial).as_posix(): sha256_of(path)
                    for path in sorted(partial.rglob("*"))
                    if path.is_file()
                },
            }
            text = json.dumps(metadata, indent=2, ensure_ascii=False)
            (partial / "metadata.json").write_text(text, "utf-8")
            partial.chmod(0o755)
            replace_folder(folder, partial)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return folder

    def export(self, folder: str | Path, examples: Iterable[str] = ()) -> Path:
        """Exports for TF Serving as the next version under `folder`: see `zoo.export`.

        Args:
            folder: of the versions.
            examples: texts of the kind that the model will see.
        """
        return export(
            self.model, self.pipeline, folder, tasks=self.tasks, examples=examples,
            metadata=self.metadata,
        )  # fmt: skip


def replace_folder(folder: Path, new: Path) -> None:
    """Renames `new` to `folder`, whose old content goes last."""
    old = new.with_name(f"{new.name}-old")
    if folder.exists():
        os.rename(folder, old)
    try:
        os.rename(new, folder)
    except OSError:
        if old.exists():
            os.rename(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def load(folder: str | Path) -> TextModel:
    """Reads a folder that `TextModel.save` or `zoo train` wrote.

    Args:
        folder: the model's folder, or a run's, which holds it as `model`.

    Returns:
        The model with its pipeline; a `zoo.families.language.model.LanguageModel` for a
        language model, a `zoo.families.tagging.model.TaggingModel` for a tagger, a
        `zoo.families.translation.model.TranslationModel` for a translation model.

    Raises:
        ValueError: if the folder is no saved model, a file is missing, truncated or
            changed, or the format is newer than this version of the zoo reads.
    """
    folder = Path(folder)
    if (folder / "model" / "metadata.json").exists():
        folder = folder / "model"
    path = folder / "metadata.json"
    if not path.is_file() or opener(folder) not in ("", TRAINED):
        raise ValueError(
            "`folder` must be a run, or the folder of a trained model with its "
            f"model.keras and metadata.json. Received: {described(folder)}"
        )
    try:
        metadata = json.loads(path.read_text("utf-8"))
        version = int(metadata["format_version"])
    except (ValueError, TypeError, KeyError) as error:
        raise _unreadable(path, error) from None
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{path} must have format version {FORMAT_VERSION} or older. Received: "
            f"format version {version}, written by zoo {metadata.get('zoo')}; install "
            "that version of the zoo or a newer one."
        )
    try:
        hashes = dict(metadata.pop("sha256"))
        tasks = {n: Task.from_config(t) for n, t in metadata.pop("tasks").items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _unreadable(path, error) from None
    for name, digest in hashes.items():
        check_file(folder / name, digest)
    model = keras.models.load_model(folder / "model.keras", compile=False)
    kind = TextModel
    if is_language_model(model):
        from zoo.families.language.model import (
            LanguageModel as kind,
        )
    elif is_translation_model(model):
        from zoo.families.translation.model import TranslationModel as kind
    elif is_tagger(tasks):
        from zoo.families.tagging.model import TaggingModel as kind
    return kind(
        model=model,
        pipeline=kind.pipeline_class.load(folder / "pipeline"),
        tasks=tasks,
        metadata=metadata,
    )


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{path} must be the JSON metadata of a saved model. Received: a file that "
        f"cannot be read ({error!r}); it may be truncated."
    )


def answer_of(task: Task, logits: np.ndarray) -> dict:
    """`label` and `scores` from the logits `[outputs]` of one text."""
    if task.kind == "regression":
        return {"label": f"{logits[0]:g}", "scores": {"value": float(logits[0])}}
    logits = logits / task.temperature
    if task.kind == "multilabel":
        scores = 1.0 / (1.0 + np.exp(-logits))
        chosen = [
            name for name, row in zip(task.labels, logits, strict=True) if row > 0
        ]
        label = "|".join(chosen)
    else:
        exponents = np.exp(logits - logits.max())
        scores = exponents / exponents.sum()
        label = task.labels[int(np.argmax(logits))]
    named = dict(zip(task.labels, map(float, scores), strict=True))
    if not task.abstain:
        return {"label": label, "scores": named}
    abstained = float(scores.max()) < task.abstain
    label = "" if abstained else label
    return {"label": label, "scores": named, "abstained": abstained}
