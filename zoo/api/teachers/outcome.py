"""What a teacher was worth: the section of the report, and the numbers in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from zoo.reporting.markdown import in_cell, markdown_table
from zoo.text.writing import append_text, write_text
from zoo.training.metrics import mean_of_known

NO_BETTER = "The teacher is no better than the student alone; train without it."
WHO = {"alone": "student alone", "teacher": "teacher", "taught": "student taught"}
_PARTS = "valid", "test"


@dataclass(frozen=True)
class TaskTaught:
    """The result of a distillation in one task.

    Args:
        metric: what scores are: accuracy, micro F1 or R2.
        scores: by `alone`, `teacher` and `taught`, and then by part.
        agreement: the teacher's score on the labels of the training rows.
        entropy: mean of its answers, as a share of that of an even distribution.
        temperature: by which its logits were divided.
        answered: share of the texts about which it had an answer.
    """

    metric: str
    scores: Mapping[str, Mapping[str, float]]
    agreement: float
    entropy: float
    temperature: float
    answered: float

    @property
    def helps(self) -> bool:
        """Whether the teacher is better than the student alone."""
        return helps(self.scores)


def helps(scores: Mapping[str, Mapping[str, float]]) -> bool:
    """Returns whether a teacher is better than the student alone on the validation
    part; without scores of it, it is taken to be.

    Args:
        scores: by `alone` and `teacher`, and then by part.
    """
    teacher, alone = (scores[who].get("valid", np.nan) for who in ("teacher", "alone"))
    return not teacher <= alone


def write_outcome(folder: Path, text: str, facts: Mapping) -> None:
    """Appends a section to the report of a run, and writes `teaching.json`."""
    append_text(folder / "report.md", f"\n## Teacher\n\n{text}\n")
    write_text(folder / "teaching.json", json.dumps(facts, indent=1))


@dataclass(frozen=True)
class Taught:
    """The result of a distillation.

    Args:
        teachers: as the user named them.
        tasks: the results by task.
        mixture: share of the label in the target of a labelled row.
        asked: texts that it labelled beside the rows of the data.
        given: such texts that there were, copies included.
    """

    teachers: Sequence[str]
    tasks: Mapping[str, TaskTaught]
    mixture: float
    asked: int
    given: int

    @property
    def untaught(self) -> list[str]:
        """The tasks about which there was no answer."""
        return [name for name, task in self.tasks.items() if not task.answered]

    @property
    def taught(self) -> dict[str, TaskTaught]:
        """The other ones, over which means are taken."""
        return {name: task for name, task in self.tasks.items() if task.answered}

    @property
    def means(self) -> dict[str, dict[str, float]]:
        """Mean scores over the tasks taught, by `alone`, `teacher` and `taught`."""
        return {
            who: {
                part: mean_of_known(t.scores[who][part] for t in self.taught.values())
                for part in _PARTS
            }
            for who in WHO
        }

    @property
    def helps(self) -> bool:
        """Whether the teacher is better than the student alone in the mean."""
        return helps(self.means)

    def __str__(self) -> str:
        facts = [["task", "agreement", "entropy", "temperature", "answered"]]
        for name, task in self.tasks.items():
            numbers = task.agreement, task.entropy, task.temperature
            shown = ["" if np.isnan(number) else f"{number:.3f}" for number in numbers]
            facts.append([in_cell(name), *shown, f"{task.answered:.1%}"])
        kept = f" ({self.asked / self.given:.1%})" if self.given else ""
        lines = [
            f"Teacher: {', '.join(map(in_cell, self.teachers))}.",
            markdown_table(self._scores()),
            markdown_table(facts),
            "The agreement is the teacher's score on the training labels; the entropy "
            "is the mean of its answers, as a share of an even distribution's. The "
            "label's share in the target of a labelled row is "
            f"{self.mixture:.2f}. The teacher labelled {self.asked:,} of "
            f"{self.given:,} further texts{kept}.",
        ]
        if self.untaught:
            names = ", ".join(map(in_cell, self.untaught))
            lines.append(f"No answer was about {names}, learnt from labels alone.")
        return "\n\n".join([*lines, *self._verdict()])

    def _scores(self) -> list[list[str]]:
        rows = [["task", "metric", "part", *WHO.values()]]
        found = [(name, task.metric, task.scores) for name, task in self.tasks.items()]
        if len(self.tasks) > 1:
            found.append(("mean of those taught", "", self.means))
        for name, metric, scores in found:
            for part in _PARTS:
                numbers = [scores[who][part] for who in WHO]
                shown = ["" if np.isnan(n) else f"{n:.4f}" for n in numbers]
                rows.append([in_cell(name), metric, part, *shown])
        return rows

    def _verdict(self) -> list[str]:
        worse = [name for name, task in self.taught.items() if not task.helps]
        names = ", ".join(map(in_cell, worse))
        one = [f"The teacher is no better than the student alone on {names}."]
        some = one if 0 < len(worse) < len(self.taught) else []
        return some if self.helps else [*some, NO_BETTER]

    def write(self, folder: Path) -> None:
        """Appends the section to the report of a run, and writes `teaching.json`."""
        write_outcome(folder, str(self), self.facts)

    @property
    def facts(self) -> dict:
        """The numbers, those of all tasks together as means over the tasks taught."""
        tasks = self.taught.values()
        return {
            "teachers": list(self.teachers),
            "accuracy": self.means,
            "agreement": mean_of_known(task.agreement for task in tasks),
            "entropy": mean_of_known(task.entropy for task in tasks),
            "temperature": mean_of_known(task.temperature for task in tasks),
            "mixture": self.mixture,
            "asked": self.asked,
            "given": self.given,
            "helps": self.helps,
            "tasks": {
                name: {**asdict(task), "helps": task.helps}
                for name, task in self.tasks.items()
            },
            "untaught": self.untaught,
        }
