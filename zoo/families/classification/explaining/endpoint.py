"""The signature `explain` of an exported classifier: texts to words with shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from zoo.families.classification.expected import odd_texts
from zoo.families.classification.explaining.explainer import Explainer
from zoo.families.classification.explaining.integral import Shares
from zoo.serving.answers import written
from zoo.serving.expected import call
from zoo.serving.explained import SIGNATURE, explanation_names
from zoo.serving.graphs import text_endpoint
from zoo.serving.grouping import lengths_of
from zoo.serving.servable import Servable
from zoo.tasks import Task
from zoo.text import TextPipeline, as_bytes
from zoo.text.imports import tf
from zoo.text.pairs import by_input
from zoo.text.places import Places, joined_marks, places_of
from zoo.text.table import bear_no_rows

# Texts whose explanations are compared, odd ones and examples.
_ODD, _EXAMPLES = 5, 3


def with_explanations(servable: Servable, texts: Sequence[bytes]) -> Servable:
    """Returns a servable classifier with the signature `explain` besides.

    Args:
        servable: of `zoo.families.classification.servable.servable`.
        texts: examples to compare the explanations of.
    """
    pipeline = cast(TextPipeline, servable.pipeline)
    explainer = Explainer(servable.model, pipeline, servable.tasks)
    compared = [as_bytes(text) for text in odd_texts(pipeline)[:_ODD]]
    calls = _calls(explainer, [*compared, *texts[:_EXAMPLES]])
    endpoints = {**servable.endpoints, SIGNATURE: explain_endpoint(explainer)}
    return replace(servable, endpoints=endpoints, calls=[*servable.calls, *calls])


def explain_endpoint(explainer: Explainer):
    """Returns the signature; `zoo.export` describes it.

    Every text is explained by itself, so its shares do not depend on its batch.
    """
    pipeline, tasks = explainer.pipeline, explainer.tasks
    number, scalar = tf.TensorSpec([], tf.int32), tf.TensorSpec([], tf.float32)
    words = tf.TensorSpec([None], tf.float32)
    spec = Shares(words, scalar, scalar, scalar, number, number)

    def explain(text: tf.Tensor) -> dict[str, tf.Tensor]:
        places = places_of(pipeline, text)
        words = _words(places)
        width = tf.shape(words["words"])[1]

        def of_row(row):
            ids, marks, length = row
            given = ids[None, :length], marks[None, :length]
            found = {}
            for name in tasks:
                shares = explainer.shares(name, *given)
                missing = width - tf.size(shares.words)
                found[name] = shares._replace(
                    words=tf.pad(shares.words, [[0, missing]])
                )
            return found

        ids = pipeline(text)
        rows = ids, joined_marks(places), lengths_of(ids)
        by_task = tf.map_fn(
            of_row, rows, fn_output_signature={name: spec for name in tasks}
        )
        method = tf.fill(tf.shape(text), explainer.method)
        outputs = {**words, "method": method}
        for name, start in explanation_names(tasks).items():
            for key, value in _in_unit(by_task[name], tasks[name]).items():
                outputs[f"{start}{key}"] = value
        return outputs

    return text_endpoint(bear_no_rows(explain), pipeline.pairs)


def _words(places: list[Places]) -> dict[str, tf.Tensor]:
    """Returns the words of each row, of both texts of pairs one after the other."""
    columns = [
        (
            place.starts.with_values(
                tf.strings.substr(
                    tf.gather(place.read, place.starts.value_rowids()),
                    place.starts.values,
                    place.ends.values - place.starts.values,
                )
            ),
            place.starts,
            place.ends,
        )
        for place in places
    ]
    joined = [tf.concat(column, axis=1) for column in zip(*columns)]
    names = dict(zip(("words", "starts", "ends"), joined))
    found = {name: column.to_tensor() for name, column in names.items()}
    found["lengths"] = tf.cast(joined[0].row_lengths(), tf.int32)
    if len(places) > 1:
        found["first_lengths"] = tf.cast(places[0].starts.row_lengths(), tf.int32)
    return found


def _in_unit(found: Shares, task: Task) -> dict[str, tf.Tensor]:
    """Returns the outputs of a task, with the name of the label, in its unit."""
    outputs = {
        "shares": found.words,
        "score": found.score,
        "base": found.base,
        "gap": found.gap,
        "steps": found.steps,
    }
    if task.kind == "regression":
        for key in ("score", "base"):
            outputs[key] = task.value(tf.cast(outputs[key], tf.float64))
        outputs["shares"] *= task.scale
        return {**outputs, "label": written(outputs["score"])}
    labels = tf.constant([as_bytes(label) for label in task.labels], tf.string)
    return {**outputs, "label": tf.gather(labels, found.output)}


def _calls(explainer: Explainer, texts: Sequence[bytes]) -> list[dict]:
    """Returns a request and Python's answer for each task, whose unit is its own."""
    pipeline, tasks = explainer.pipeline, explainer.tasks
    asked, found = by_input(texts, pipeline.pairs), explainer(texts)
    words = {name: x.numpy() for name, x in _words(places_of(pipeline, texts)).items()}
    width, calls = words["words"].shape[1], []
    for name, start in explanation_names(tasks).items():
        mine, task = [by_task[name] for by_task in found], tasks[name]
        shares = np.zeros((len(texts), width), "float32")
        for row, explanation in enumerate(mine):
            shares[row, : len(explanation.words)] = [w.share for w in explanation.words]
        kind = "float64" if task.kind == "regression" else "float32"
        outputs: dict = {
            "shares": shares,
            "score": np.array([one.score for one in mine], kind),
            "base": np.array([one.base for one in mine], kind),
            "gap": np.array([one.gap for one in mine], "float32"),
            "steps": np.array([one.steps for one in mine], "int32"),
        }
        if task.labels:  # the decimals of a value may differ in the last digits
            outputs["label"] = [as_bytes(one.label) for one in mine]
        named = {f"{start}{key}": value for key, value in outputs.items()}
        made = call(SIGNATURE, asked, {**words, **named})
        unit = {"mean": task.mean, "scale": task.scale}
        calls.append({**made, **unit} if task.kind == "regression" else made)
    return calls
