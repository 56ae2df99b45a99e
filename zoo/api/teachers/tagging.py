"""The course of a distillation of a tagger: distributions over tags are targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from zoo.api.teachers.alone import student_alone
from zoo.api.teachers.base import TeacherError
from zoo.api.teachers.outcome import TaskTaught, Taught
from zoo.api.teachers.taggers import Shares, TagsWords, joint_tasks, mean_shares
from zoo.data.sentences import TaggedSentences
from zoo.data.tag_schemes import spans_of, tags_of
from zoo.data.tagged_splits import TaggedSplits
from zoo.families.classification.taught import calibrating, entropy, tempered
from zoo.families.run import Run
from zoo.families.tagging.fitting import main_score, metric_of, score_tags
from zoo.families.tagging.legal import legal_tags
from zoo.families.tagging.train import evaluate
from zoo.families.tagging.unknown import in_scheme_of_model
from zoo.tasks import TAGS, Task

LEAST = 1e-3  # probability below which a label is left out of a distribution


@dataclass(frozen=True)
class TaggerTeaching:
    """A student that tags words, its sentences and its teachers.

    Args:
        train: trains the student on a data set, in a folder, and may export it.
        identity: what determines the student beside its data.
        splits: the tagged sentences.
        tasks: those of the student.
        taggers: the teachers.
        temperature: of their answers, or `None` for the one that calibrates each task.
        mixture: share of the tag in the target of a tagged word.
        say: receives lines on the progress.
    """

    train: Callable[[TaggedSplits, Path, Path | None], Run]
    identity: Sequence
    splits: TaggedSplits
    tasks: Mapping[str, Task]
    taggers: Sequence[TagsWords]
    temperature: float | None
    mixture: float
    say: Callable[[str], object]

    def run(
        self,
        pool: Sequence[Sequence[str]],
        given: int,
        folder: Path,
        export_to: Path | None,
    ) -> Run:
        """Teaches the student, and reports on it.

        Args:
            pool: lists of words to tag beside the sentences of the data.
            given: how many there were before copies were left out.
            folder: of the run.
            export_to: folder of the exported versions, or `None`.

        Raises:
            TeacherError: if further sentences lack a task that no teacher has.
        """
        lacking = [name for name in self.tasks if name not in self._taught]
        if lacking and len(pool):
            raise TeacherError(
                "`unlabelled` (--unlabelled) needs teachers of all tasks of the data. "
                f"Accepted: teachers of {', '.join(map(repr, self.tasks))}. Received: "
                f"none of {', '.join(map(repr, lacking))}."
            )
        parts = self.splits.parts
        said = {name: self._ask(part.tokens) for name, part in parts.items()}
        temperatures = {
            name: self.temperature or self._calibrating(name, said["valid"][name])
            for name in self._taught
        }
        more = self._ask(pool)
        taught = self._with_answers(
            self._tempered(said["train"], temperatures),
            self._tempered(more, temperatures),
            pool,
        )
        read = [[p.tokens, p.tags, p.labels] for p in parts.values()]
        identity = [*self.identity, read]
        alone = student_alone(self.train, self.splits, identity, folder, self.say)
        scores = {"alone": self._student_scores(alone)}
        run = self.train(replace(self.splits, train=taught), folder, export_to)
        scores["taught"] = self._student_scores(run.model)
        scores["teacher"] = {p: self._teacher_scores(said[p], p) for p in parts}
        found = Taught(
            teachers=[tagger.source for tagger in self.taggers],
            tasks={
                name: self._outcome(name, scores, said["train"], more, temperatures)
                for name in self.tasks
            },
            mixture=self.mixture,
            asked=len(pool),
            given=max(given, len(pool)),
        )
        found.write(folder)
        self.say(str(found))
        return run

    def _outcome(self, name: str, scores, said: Shares, more: Shares, temperatures):
        rows, spread = _flat([*said.get(name, []), *more.get(name, [])]), float("nan")
        if len(rows) and len(self._taught[name].labels) > 1:
            spread = float(entropy(_categories(self._taught[name]), rows).mean())
        return TaskTaught(
            metric=metric_of(self.tasks[name]),
            scores={
                who: {part: scores[who][part][name] for part in ("valid", "test")}
                for who in ("alone", "teacher", "taught")
            },
            agreement=scores["teacher"]["train"][name],
            entropy=spread,
            temperature=temperatures.get(name, float("nan")),
            answered=float(name in self._taught),
        )

    @cached_property
    def _taught(self) -> dict[str, Task]:
        """The tasks of the teachers, with the labels of these too."""
        return joint_tasks(self.taggers, self.tasks)

    def _ask(self, sentences: Sequence[Sequence[str]]) -> Shares:
        return mean_shares(self.taggers, self._taught, sentences)

    def _gold(self, name: str, data: TaggedSentences) -> list:
        """Returns the tags or labels of a task, in the scheme of the student."""
        if self.tasks[name].kind != TAGS:
            return data.labels[name]
        own = {name: self.tasks[name]}
        return in_scheme_of_model(data, own, self.splits.schemes).tags[name]

    def _ids(self, name: str, data: TaggedSentences) -> np.ndarray:
        places = {label: n for n, label in enumerate(self._taught[name].labels)}
        gold = self._gold(name, data)
        if self.tasks[name].kind == TAGS:
            gold = [tag for tags in gold for tag in tags]
        return np.array([places[label] for label in gold], int)

    def _calibrating(self, name: str, said: Sequence[np.ndarray]) -> float:
        task = self._taught[name]
        if len(task.labels) < 2:
            return 1.0
        ids = self._ids(name, self.splits.valid)
        return calibrating(_categories(task), _flat(said), ids)

    def _tempered(self, said: Shares, temperatures: Mapping[str, float]) -> Shares:
        found: Shares = {}
        for name, rows in said.items():
            task = self._taught[name]
            if len(task.labels) < 2:
                found[name] = list(rows)
                continue
            flat = tempered(_categories(task), _flat(rows), temperatures[name])
            sizes = [len(np.atleast_2d(row)) for row in rows]
            split = np.split(flat, np.cumsum(sizes)[:-1]) if sizes else []
            found[name] = [
                part.reshape(row.shape) for part, row in zip(split, rows, strict=True)
            ]
        return found

    def _with_answers(
        self, said: Shares, more: Shares, pool: Sequence[Sequence[str]]
    ) -> TaggedSentences:
        """Returns the training sentences and further ones, with distributions."""
        train = self.splits.train
        tags = {name: list(rows) for name, rows in train.tags.items()}
        labels = {name: list(rows) for name, rows in train.labels.items()}
        soft: dict[str, list] = {}
        for name, task in self._taught.items():
            eye = np.eye(len(task.labels))
            own = np.split(self._ids(name, train), _ends(said[name]))
            mixed = [
                self.mixture * eye[ids].reshape(row.shape) + (1 - self.mixture) * row
                for ids, row in zip(own, said[name], strict=True)
            ]
            soft[name] = [_named(task, row) for row in (*mixed, *more[name])]
            if task.kind == TAGS:
                best = legal_tags(task, more[name])
                tags[name] += [self._valid(name, row) for row in best]
            else:
                labels[name] += [task.labels[row.argmax()] for row in more[name]]
        where = [*train.where, *(("<unlabelled>", n + 1) for n in range(len(pool)))]
        tokens = [*train.tokens, *(list(words) for words in pool)]
        return TaggedSentences(tokens, tags, labels, where, soft=soft)

    def _valid(self, name: str, tags: list[str]) -> list[str]:
        """Returns the tags of the same entities in the scheme of the data."""
        scheme = self.splits.schemes.get(name, "")
        return tags_of(spans_of(tags), len(tags), scheme) if scheme else tags

    def _student_scores(self, model) -> dict[str, dict[str, float]]:
        """Returns the main metric of each task by part."""
        found = {}
        for part in ("valid", "test"):
            data = getattr(self.splits, part)
            results = evaluate(model, data, self.splits.schemes)
            found[part] = {n: main_score(t, results[n]) for n, t in self.tasks.items()}
        return found

    def _teacher_scores(self, said: Shares, part: str) -> dict[str, float]:
        data, found = getattr(self.splits, part), {}
        for name, task in self.tasks.items():
            found[name] = float("nan")
            if name not in self._taught:
                continue
            taught, gold = self._taught[name], self._gold(name, data)
            if task.kind == TAGS:
                best = legal_tags(taught, said[name])
                found[name] = main_score(task, score_tags(task, gold, best))
            elif len(gold):
                likeliest = [taught.labels[row.argmax()] for row in said[name]]
                found[name] = float(np.mean(np.array(likeliest) == np.array(gold)))
        return found


def _categories(task: Task) -> Task:
    """Returns a task of tags as one of categories, which each word has."""
    return Task("categories", task.labels)


def _flat(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Returns `[words, labels]` of all sentences, or `[sentences, labels]`."""
    flat = [np.atleast_2d(row) for row in rows]
    return np.concatenate(flat) if flat else np.zeros((0, 0))


def _ends(rows: Sequence[np.ndarray]) -> np.ndarray:
    return np.cumsum([len(np.atleast_2d(row)) for row in rows])[:-1]


def _named(task: Task, row: np.ndarray):
    """Returns a distribution by label, or one of each word, without rare labels."""
    if row.ndim == 2:
        return [_named(task, word) for word in row]
    kept = np.flatnonzero(row >= LEAST)
    return {task.labels[place]: float(row[place]) for place in kept}
