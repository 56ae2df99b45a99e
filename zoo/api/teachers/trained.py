"""A teacher that is a model of the zoo: the folder of a run, or of an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from zoo.api.teachers.base import Teacher, listed
from zoo.loading import load
from zoo.training.kept import sha256_of

BATCH = 1024


class TrainedTeacher(Teacher):
    """Probabilities of a trained classifier, calibrated as it predicts them."""

    def identity(self) -> list:
        # The metadata hold the sha256 of the other files.
        return digests(Path(self.source), "metadata.json", "model/metadata.json")

    def ask(self, texts: Sequence[str]) -> Iterator[np.ndarray]:
        model = load(self.source)
        if model.family != "classification":
            accepted = "a classifier"
            raise self.wrong("it gives no labels", accepted, f"family {model.family}")
        labels = {name: list(task.labels) for name, task in model.tasks.items()}
        task = chosen_task(self, labels)
        for start in range(0, len(texts), BATCH):
            found = model.predict(texts[start : start + BATCH])
            yield self.of_scores([answer[task]["scores"] for answer in found])


class ExportedTeacher(Teacher):
    """Probabilities of a model that `zoo.export` wrote, from its graph."""

    def identity(self) -> list:
        from zoo.serving.served import version_folder

        # The metadata hold the sha256 of the other files.
        return digests(version_folder(Path(self.source), None), "metadata.json")

    def ask(self, texts: Sequence[str]) -> Iterator[np.ndarray]:
        from zoo.serving.served import ServedModel

        model = ServedModel(self.source)
        tasks = model.metadata["tasks"]
        if not isinstance(tasks, dict):
            raise self.wrong("it gives no labels", "a classifier", "another model")
        labels = {name: list(task.get("labels", ())) for name, task in tasks.items()}
        task = chosen_task(self, labels)
        for start in range(0, len(texts), BATCH):
            found = model.predict(texts[start : start + BATCH])
            yield self.of_scores([answer[task]["scores"] for answer in found])


def chosen_task(teacher: Teacher, labels: dict[str, list[str]]) -> str:
    """Returns the task of a model that has the labels of the lesson.

    Of several the one of the same name.

    Raises:
        TeacherError: if there is none, or none of the name among several.
    """
    wanted, name = set(teacher.lesson.labels), teacher.lesson.task
    fitting = [task for task, found in labels.items() if set(found) == wanted]
    if len(fitting) == 1:
        return fitting[0]
    if name in fitting:
        return name
    what = "its tasks are not that of the data"
    accepted = f"a task with the labels {listed(teacher.lesson.labels)}"
    shown = "; ".join(f"{task}: {listed(found)}" for task, found in labels.items())
    raise teacher.wrong(what, accepted, shown or "no task")


def digests(folder: Path, *patterns: str) -> list[str]:
    """Returns name and sha256 of the files of some patterns, in order."""
    files = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    names = (path.relative_to(folder).as_posix() for path in files if path.is_file())
    return [f"{name} {sha256_of(folder / name)}" for name in names]
