"""A teacher that is a transformer in a folder, fine-tuned on the labelled rows first.

Needs the extra `transformers`: `pip install -e '.[transformers]'`. The folder is one
that transformers or sentence-transformers wrote, with its tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from zoo.api.teachers.base import Said, Teacher
from zoo.api.teachers.heads import Heads
from zoo.api.teachers.kept import SHOWN
from zoo.api.teachers.pytorch import import_torch
from zoo.api.teachers.trained import digests
from zoo.families.encoding.extra import need
from zoo.text.writing import replaced
from zoo.training.checkpoint import fingerprint

BATCH, ROWS_ASKED = 32, 256
LEARNING_RATE, DECAY, WARMUP = 5e-5, 0.01, 0.06
MAX_LENGTH = 128  # tokens read of a text
POOL = 50  # batches whose texts are sorted by length, which saves padding
_STATE = "state.pt"


class TransformerTeacher(Teacher):
    """Answers of a transformer with a linear layer over its pooled output.

    The layer has the outputs of all tasks. A row teaches the tasks that it has labels
    of. AdamW with a linear decay, as in Devlin et al. 2019; the epoch with the best
    mean of the validation scores of the tasks counts. Each epoch is kept in the folder
    of the lesson, so that a fine-tuning that was killed continues after its last one. A
    folder that is already a classifier of the labels of the one task is used as it is.
    """

    def __init__(self, source: str, lesson, say: Callable = lambda line: None) -> None:
        super().__init__(source, lesson)
        self._say = say

    def identity(self) -> list:
        files = digests(self._folder, "*.json", "*.safetensors", "*.bin", "*.txt")
        if self._is_finished():
            return files
        learnt = [self.lesson.seed, self.lesson.epochs, MAX_LENGTH]
        return [*files, *learnt, *self.lesson.rows]

    def ask(self, texts: Sequence[str]) -> Iterator[Said]:
        for start in range(0, len(texts), ROWS_ASKED):
            yield self._classifier.answers(texts[start : start + ROWS_ASKED])

    @cached_property
    def _classifier(self) -> _Classifier:
        classifier = _Classifier(self)
        if not self._is_finished():
            classifier.fine_tune()
        return classifier

    @property
    def _folder(self) -> Path:
        """The folder of the transformer, which sentence-transformers may nest."""
        place = Path(self.source)
        inner = place / "0_Transformer"
        return inner if (inner / "config.json").is_file() else place

    @property
    def _config(self) -> dict:
        try:
            return json.loads((self._folder / "config.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            what, accepted = "it cannot be read", "a folder of transformers"
            raise self.wrong(what, accepted, error) from None

    def _is_finished(self) -> bool:
        [task, *others] = self.lesson.tasks.values()
        names = [str(name) for name in self._config.get("id2label", {}).values()]
        known = not others and task.kind == "categories"
        return known and set(names) == set(task.labels)

    def heads(self) -> Heads:
        """Returns which outputs are those of a task."""
        if not self._is_finished():
            return Heads(self.lesson.tasks)
        places = {str(v): int(k) for k, v in self._config["id2label"].items()}
        [(name, task)] = self.lesson.tasks.items()
        return Heads({name: task}, {name: [places[label] for label in task.labels]})

    def load(self) -> tuple[Any, Any]:
        """Returns the tokenizer and the model.

        Raises:
            ImportError: without the extra `transformers`.
            TeacherError: for a folder that transformers cannot read.
        """
        import_torch()
        transformers = need("transformers", "transformers")
        transformers.logging.set_verbosity_error()
        try:
            # A classifier of other labels gets another last layer.
            options: dict[str, Any] = {
                "num_labels": self.heads().width,
                "ignore_mismatched_sizes": True,
            }
            if self._is_finished():
                options = {}
            if not self.lesson.trust:
                options["use_safetensors"] = True  # the other format is a pickle
            own = {"trust_remote_code": False}  # the folder may hold Python code
            kind = transformers.AutoModelForSequenceClassification
            model = kind.from_pretrained(self._folder, **options, **own)
            tokenizer = transformers.AutoTokenizer
            return tokenizer.from_pretrained(self._folder, **own), model
        except (OSError, ValueError, KeyError) as error:
            what, accepted = "it cannot be loaded", "an encoder such as BERT"
            line = str(error).strip().splitlines()[:1]
            raise self.wrong(what, accepted, line) from None

    @property
    def kept(self) -> Path:
        """The folder of what fine-tuning has learnt so far."""
        found = fingerprint(self.identity())[:32]
        return self.lesson.folder / f"fine-tuned-{found}"

    def say(self, line: str) -> None:
        """Passes on a line about the progress."""
        self._say(f"Teacher {self.source}: {line}")


class _Classifier:
    """The model of a teacher in PyTorch."""

    def __init__(self, teacher: TransformerTeacher) -> None:
        self.teacher, self.lesson = teacher, teacher.lesson
        self.torch = import_torch()
        self.torch.manual_seed(self.lesson.seed)
        self.tokenizer, self.model = teacher.load()
        self.device = "cuda" if self.torch.cuda.is_available() else "cpu"
        self.model.to(self.device)
        self.heads = teacher.heads()

    def answers(self, texts: Sequence[str]) -> Said:
        """Returns answers about all tasks."""
        return self.heads.answers(self._logits(texts))

    def _logits(self, texts: Sequence[str]) -> np.ndarray:
        """Returns float `[texts, outputs]`."""
        self.model.eval()
        found = np.zeros((len(texts), self.heads.width))
        ids = self._ids(texts)
        order = np.argsort([len(row) for row in ids], kind="stable")
        with self.torch.inference_mode():
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                logits = self.model(**self._batch([ids[row] for row in rows])).logits
                found[rows] = logits.double().cpu().numpy()
        return found

    def fine_tune(self) -> None:
        """Trains on the labelled rows, after the last epoch that was kept."""
        torch, lesson, folder = self.torch, self.lesson, self.teacher.kept
        ids = self._ids(lesson.train.texts)
        steps = -(-len(ids) // BATCH) * lesson.epochs
        optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=LEARNING_RATE, weight_decay=DECAY
        )

        def share(step: int) -> float:
            warm = max(1, round(WARMUP * steps))
            return min((step + 1) / warm, (steps - step) / max(1, steps - warm))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        state: dict[str, Any] = {"epoch": 0, "best": -1.0}
        parts = {"model": self.model, "optimizer": optimizer, "schedule": schedule}
        if (folder / _STATE).is_file():
            state = torch.load(folder / _STATE, weights_only=True, map_location="cpu")
            for name, part in parts.items():
                part.load_state_dict(state[name])
        while state["epoch"] < lesson.epochs:
            self._epoch(ids, optimizer, schedule, state["epoch"])
            right, best = self._score(), state.get("best_model")
            if right >= state["best"]:
                weights = self.model.state_dict()
                best = {name: value.clone() for name, value in weights.items()}
            state = {name: part.state_dict() for name, part in parts.items()} | {
                "epoch": state["epoch"] + 1,
                "best": max(state["best"], right),
                "best_model": best,
            }
            _save(torch, state, folder / _STATE)
            said = f"epoch {state['epoch']} of {lesson.epochs}, {right:.4f} (valid)"
            self.teacher.say(said)
        self.model.load_state_dict(state["best_model"])

    def _epoch(self, ids: list[list[int]], optimizer, schedule, epoch: int) -> None:
        torch, lesson = self.torch, self.lesson
        torch.manual_seed(lesson.seed + epoch)
        self.model.train()
        batches = _batches([len(row) for row in ids], lesson.seed + epoch)
        shown = -(-len(batches) // SHOWN)
        for number, rows in enumerate(batches, 1):
            batch = self._batch([ids[row] for row in rows])
            loss = self.heads.loss(
                torch, self.model(**batch).logits, lesson.train, rows
            )
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if number % shown == 0 and number < len(batches):
                place = f"epoch {epoch + 1} of {lesson.epochs}"
                self.teacher.say(f"{place}, {number / len(batches):.0%}")

    def _score(self) -> float:
        valid = self.lesson.valid
        if not len(valid.texts):
            return 0.0  # the last epoch then counts
        return self.heads.score(self._logits(valid.texts), valid)

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        options = {"truncation": True, "max_length": MAX_LENGTH}
        return self.tokenizer(clean, **options)["input_ids"] if clean else []

    def _batch(self, ids: Sequence[list[int]]) -> dict:
        padded = self.tokenizer.pad({"input_ids": list(ids)}, return_tensors="pt")
        return {name: value.to(self.device) for name, value in padded.items()}


def _batches(lengths: Sequence[int], seed: int) -> list[np.ndarray]:
    """Rows of each batch, in random order, with texts of similar length."""
    generator = np.random.default_rng(seed)
    rows, sizes = generator.permutation(len(lengths)), np.asarray(lengths)
    batches = []
    for start in range(0, len(rows), POOL * BATCH):
        pool = rows[start : start + POOL * BATCH]
        pool = pool[np.argsort(sizes[pool], kind="stable")]
        batches += [pool[first : first + BATCH] for first in range(0, len(pool), BATCH)]
    return [batches[number] for number in generator.permutation(len(batches))]


def _save(torch, state: dict, path: Path) -> None:
    with replaced(path) as partial:
        torch.save(state, partial)
