"""The outputs of one network for several tasks: losses, scores and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from zoo.api.teachers.base import Labelled, Said
from zoo.families.classification.taught import as_answers
from zoo.tasks import Task
from zoo.training.metrics import evaluate, mean_of_known, merit


class Heads:
    """Which outputs of a linear layer are those of a task.

    Args:
        tasks: by name.
        places: numbers of the outputs of each task, in the order of its labels; by
            default those of the tasks follow each other.

    Attributes:
        width: number of all outputs.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        places: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.tasks = tasks
        self.width = sum(task.outputs for task in tasks.values())
        ends = np.cumsum([task.outputs for task in tasks.values()])
        self.places = places or {
            name: list(range(end - task.outputs, end))
            for (name, task), end in zip(tasks.items(), ends.tolist(), strict=True)
        }

    def loss(self, torch, outputs, part: Labelled, rows: np.ndarray):
        """Returns the sum over tasks of the mean loss of the rows with a label.

        Args:
            torch: the library.
            outputs: its tensor `[rows, width]`.
            part: the labels.
            rows: numbers of the rows in it.
        """
        losses, functions = [], torch.nn.functional
        for name, task in self.tasks.items():
            labelled = np.flatnonzero(part.weights[name][rows] > 0)
            if not len(labelled):
                continue
            found = outputs[labelled.tolist()][:, self.places[name]].float()
            target = torch.as_tensor(part.targets[name][rows[labelled]])
            target = target.to(found.device)
            if task.kind == "categories":
                losses.append(functions.cross_entropy(found, target.long()))
            elif task.kind == "multilabel":
                loss = functions.binary_cross_entropy_with_logits(found, target.float())
                losses.append(loss)
            else:
                losses.append(functions.mse_loss(found[:, 0], target.float()))
        return sum(losses)

    def score(self, outputs: np.ndarray, part: Labelled) -> float:
        """Returns the mean over tasks of accuracy, micro F1 or R2; 0 without labels."""
        results = [
            evaluate(
                task,
                part.targets[name],
                part.weights[name],
                outputs[:, self.places[name]],
                ranking=False,
            )
            for name, task in self.tasks.items()
        ]
        found = map(merit, self.tasks.values(), results)
        return float(np.nan_to_num(mean_of_known(found)))

    def answers(self, outputs: np.ndarray) -> Said:
        """Returns what outputs float `[texts, width]` say about each task."""
        return {
            name: as_answers(task, outputs[:, self.places[name]])
            for name, task in self.tasks.items()
        }
