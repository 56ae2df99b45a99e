"""The worst errors of a classifier on a part, with the words that moved them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from zoo.families.classification.model import TextModel
from zoo.families.classification.train import Prepared
from zoo.reporting.explained import html_of, strongest
from zoo.reporting.explanation import Explanation
from zoo.reporting.markdown import in_cell, markdown_table
from zoo.tasks import SEPARATOR, Task, answers_of, written
from zoo.text.pairs import sides
from zoo.text.writing import write_text

MOST_ERRORS = 10  # of all tasks together
PAGE = "errors.html"
_SHOWN = 200  # characters of a text in the table
_NOTE = (
    "The most confident wrong answers on the test part, and the words that moved them "
    f"most; [{PAGE}]({PAGE}) shows these texts in colours. A share is what a word adds "
    "to the {targets} of the answer."
)
_STYLE = (
    "body { font: 16px/1.6 sans-serif; max-width: 50em; margin: 2em auto; "
    "padding: 0 1em } h2 { font-size: 1em; margin: 2em 0 0 } "
    "p { white-space: pre-wrap; margin: .3em 0 } small { color: #777 }"
)


@dataclass(frozen=True)
class Error:
    """A wrong answer.

    Args:
        task: name of the task.
        text: the text, or a pair of texts as one.
        pairs: whether it is a pair.
        label: the label of the text, in a string.
        answer: the likeliest label, or the value.
        confidence: its probability; of a regression the distance from the label.
        explanation: of the answer.
    """

    task: str
    text: str
    pairs: bool
    label: str
    answer: str
    confidence: float
    explanation: Explanation

    @property
    def sides(self) -> Sequence[str]:
        return sides(self.text) if self.pairs else (self.text,)

    def to_json(self) -> dict:
        """Returns a dict that JSON holds."""
        return {
            "task": self.task,
            "text": list(self.sides) if self.pairs else self.text,
            "label": self.label,
            "answer": self.answer,
            "confidence": self.confidence,
            "explanation": self.explanation.to_json(),
        }


def worst_errors(
    text_model: TextModel,
    prepared: Prepared,
    outputs: Mapping[str, np.ndarray],
    most: int = MOST_ERRORS,
) -> list[Error]:
    """Returns the most confident wrong answers on the test part, by task.

    An answer is wrong if the likeliest label is none of those of the text; of several
    labels per text also only if it is given. Of a regression the answers count that are
    farthest from their labels.

    Args:
        text_model: the classifier.
        prepared: its data.
        outputs: of the test part, by task.
        most: maximum number of errors of all tasks together.

    Returns:
        The errors; none for a model that cannot be explained.
    """
    test, encoded, found = prepared.splits.test, prepared.parts["test"], []
    each = max(most // len(text_model.tasks), 1)
    for name, task in [*text_model.tasks.items()][:most]:
        rows, confidence = _wrong(
            task, encoded.targets[name], encoded.weights[name], outputs[name]
        )
        order = np.argsort(-confidence, kind="stable")[:each]
        if not len(order):
            continue
        texts = [test.texts[row] for row in rows[order].tolist()]
        try:
            explained = text_model.explain(texts, [name])
        except (ValueError, LookupError):  # another backend, no embedding or gradient
            return []
        for place, row in enumerate(rows[order].tolist()):
            found.append(
                Error(
                    name,
                    test.texts[row],
                    test.pairs,
                    _written(test.labels[name][row]),
                    explained[place][name].label,
                    float(confidence[order[place]]),
                    explained[place][name],
                )
            )
    return found


def errors_section(errors: Sequence[Error]) -> list[str]:
    """Returns the Markdown of the report's section on errors."""
    if not errors:
        return []
    rows = [["task", "text", "label", "answer", "confidence", "words"]]
    for error in errors:
        text = escape(" | ".join(error.sides), quote=False)
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
        words = escape(strongest(error.explanation), quote=False)
        cells = error.task, text, error.label, error.answer
        rows.append([*map(in_cell, cells), f"{error.confidence:.3g}", in_cell(words)])
    targets = " or ".join(dict.fromkeys(e.explanation.target for e in errors))
    return ["## Errors", _NOTE.format(targets=targets), markdown_table(rows)]


def write_errors(errors: Sequence[Error], folder: Path, title: str) -> None:
    """Writes the errors as a page of HTML; nothing without errors."""
    if not errors:
        return
    page = [
        "<!doctype html>",
        f'<meta charset="utf-8"><title>{escape(title)}: errors</title>',
        f"<style>{_STYLE}</style>",
        f"<h1>{escape(title)}: errors on the test part</h1>",
        "<p>Green words speak for the answer, red ones against it.</p>",
    ]
    for error in errors:
        found = error.explanation
        page += [
            f"<h2>{escape(error.task)}: {escape(error.answer)} instead of "
            f"{escape(error.label)}</h2>",
            f"<p>{html_of(error.sides, found)}</p>",
            f"<small>Confidence {error.confidence:.3g}; {found.target} "
            f"{found.score:+.2f}, base {found.base:+.2f}; {found.method}, "
            f"{found.steps} points, gap {found.gap:.2%}</small>",
        ]
    write_text(folder / PAGE, "\n".join(page) + "\n")


def _wrong(task: Task, target, weight, logits) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rows with a wrong answer, and how confident each answer is."""
    rows = np.flatnonzero(np.asarray(weight) > 0)
    if not len(rows):
        return rows, np.zeros(0)
    target, answers = np.asarray(target)[rows], answers_of(logits[rows], task)
    scores = np.array([answer["scores"] for answer in answers]).reshape(len(rows), -1)
    if task.kind == "regression":
        distance = np.abs(scores[:, 0] - task.value(target))
        return rows[distance > 0], distance[distance > 0]
    likeliest = scores.argmax(axis=1)
    confidence = scores[np.arange(len(rows)), likeliest]
    if task.kind == "categories":
        wrong = likeliest != target
    else:
        given = confidence > np.array(task.cuts)[likeliest]
        wrong = given & (target[np.arange(len(rows)), likeliest] < 0.5)
    return rows[wrong], confidence[wrong]


def _written(label) -> str:
    if isinstance(label, str):
        return label
    return written(label) if isinstance(label, float) else SEPARATOR.join(label)
