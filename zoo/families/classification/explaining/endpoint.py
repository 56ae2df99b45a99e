"""The signature `explain` of an exported classifier: texts to words with shares."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from zoo.families.classification.explaining.explainer import Explainer
from zoo.families.classification.explaining.integral import Shares
from zoo.serving.answers import written
from zoo.serving.graphs import text_endpoint
from zoo.serving.grouping import lengths_of
from zoo.tasks import Task
from zoo.text import TextPipeline, as_bytes
from zoo.text.imports import tf
from zoo.text.places import Places, joined_marks, places_of
from zoo.text.table import bear_no_rows


def explain_endpoint(
    model: keras.Model, pipeline: TextPipeline, tasks: Mapping[str, Task]
):
    """Returns the signature; `zoo.export` describes it.

    Every text is explained by itself, so its shares do not depend on its batch.

    Args:
        model: ids `[batch, time]` to a dict of outputs by task.
        pipeline: texts to ids.
        tasks: the tasks by name.
    """
    explainer = Explainer(model, pipeline, tasks)
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
        for name, task in tasks.items():
            start = "" if len(tasks) == 1 else f"{name}_"
            for key, value in _in_unit(by_task[name], task).items():
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
