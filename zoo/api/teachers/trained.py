"""A teacher that is a model of the zoo: the folder of a run, or of an export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from zoo.api.teachers.base import Said, Teacher, listed
from zoo.loading import load
from zoo.training.kept import sha256_of
from zoo.weights.trained import folder_of

BATCH = 1024


class TrainedTeacher(Teacher):
    """Probabilities of a trained classifier, calibrated as it predicts them."""

    def identity(self) -> list:
        return identity_of(self.source, exported=False)

    def ask(self, texts: Sequence[str]) -> Iterator[Said]:
        model = load(self.source)
        if model.family != "classification":
            accepted = "a classifier"
            raise self.wrong("it gives no labels", accepted, f"family {model.family}")
        known = {name: (t.kind, t.labels) for name, t in model.tasks.items()}
        yield from _answers(self, model, known, texts)


class ExportedTeacher(Teacher):
    """Probabilities of a model that `zoo.export` wrote, from its graph."""

    def identity(self) -> list:
        return identity_of(self.source, exported=True)

    def ask(self, texts: Sequence[str]) -> Iterator[Said]:
        from zoo.serving.served import ServedModel

        model = ServedModel(self.source, trust=self.lesson.trust)
        tasks = model.metadata["tasks"]
        if not isinstance(tasks, dict):
            raise self.wrong("it gives no labels", "a classifier", "another model")
        known = {n: (t.get("kind", ""), t.get("labels", ())) for n, t in tasks.items()}
        yield from _answers(self, model, known, texts)


def _answers(teacher: Teacher, model, known, texts: Sequence[str]) -> Iterator[Said]:
    chosen = chosen_tasks(teacher, known)
    for start in range(0, len(texts), BATCH):
        found = model.predict(texts[start : start + BATCH])
        yield teacher.arranged(
            [
                {name: answer[task]["scores"] for name, task in chosen.items()}
                for answer in found
            ]
        )


def chosen_tasks(
    teacher: Teacher, known: Mapping[str, tuple[str, Sequence[str]]]
) -> dict[str, str]:
    """Returns the task of a model for each task of the lesson that it has.

    That is the one of the same name, kind and labels. For a lesson of one task, a task
    of another name will do if no other one has the kind and the labels.

    Args:
        teacher: for its lesson, and for messages.
        known: kind and labels of the tasks of the model.

    Raises:
        TeacherError: if there is none.
    """
    tasks = teacher.lesson.tasks
    fitting = {
        name: [
            other
            for other, (kind, labels) in known.items()
            if kind == task.kind and set(labels) == set(task.labels)
        ]
        for name, task in tasks.items()
    }
    chosen = {name: name for name, others in fitting.items() if name in others}
    if (name := teacher.lesson.only) is not None and len(fitting[name]) == 1:
        chosen = {name: fitting[name][0]}
    if chosen:
        return chosen
    if (name := teacher.lesson.only) is not None:
        what = "its tasks are not that of the data"
        accepted = f"a task with the labels {listed(tasks[name].labels)}"
    else:
        what = "its tasks are not those of the data"
        wanted = [f"{name!r}: {listed(task.labels)}" for name, task in tasks.items()]
        accepted = f"tasks of the data, {'; '.join(wanted[:5])}"
    shown = "; ".join(
        f"{task!r}: {listed(labels)}" for task, (_, labels) in known.items()
    )
    raise teacher.wrong(what, accepted, shown or "no task")


def identity_of(source: str, *, exported: bool) -> list[str]:
    """Returns what determines the answers of a run, or of an export, of the zoo."""
    # The metadata hold the sha256 of the other files.
    if not exported:
        return digests(folder_of(source), "metadata.json", "model/metadata.json")
    from zoo.serving.served import version_folder

    return digests(version_folder(Path(source), None), "metadata.json")


def digests(folder: Path, *patterns: str) -> list[str]:
    """Returns name and sha256 of the files of some patterns, in order."""
    files = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    names = (path.relative_to(folder).as_posix() for path in files if path.is_file())
    return [f"{name} {sha256_of(folder / name)}" for name in names]
