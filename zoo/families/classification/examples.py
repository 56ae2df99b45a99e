"""The signatures that TF Serving's Classify and Regress APIs call.

Their requests hold `tf.Example` messages; the server passes on the serialized bytes.
It also fixes the names of inputs and outputs: see `PreProcess...` in
`servables/tensorflow/classifier.cc` and `regressor.cc` of tensorflow/serving. Regress
accepts only one output; no other signature of ours has a single one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zoo.serving.answers import probabilities, values
from zoo.tasks import Task, safe_names
from zoo.text import as_bytes
from zoo.text.imports import tf
from zoo.text.normalize import join_pairs
from zoo.text.pairs import INPUTS


def example_signatures(tasks: Mapping[str, Task]) -> dict[str, str]:
    """Returns the task of each signature for the Classify or the Regress API.

    `classify` answers the first task with labels, `regress` the first regression. With
    several tasks each also has `classify_<task>` or `regress_<task>`; TensorFlow
    accepts only some of ASCII there, so a task with another name is `task_<position>`.

    Example:
        >>> mood, price = Task("categories", ("-", "+")), Task("regression")
        >>> list(example_signatures({"mood": mood, "in euros": price}))
        ['classify', 'classify_mood', 'regress', 'regress_task_1']
    """
    safe = safe_names(tasks)
    signatures: dict[str, str] = {}
    for name, task in tasks.items():
        api = "regress" if task.kind == "regression" else "classify"
        signatures.setdefault(api, name)
        if len(tasks) > 1:
            signatures[f"{api}_{safe[name]}"] = name
    return signatures


def serve_examples(run: Callable, name: str, task: Task, pairs: bool = False):
    """Returns the function of one such signature.

    Args:
        run: from texts `[batch]` to a dict with the tasks' outputs as `logits`.
        name: name of the task.
        task: what it predicts.
        pairs: whether the texts are pairs, of the features `text` and `text_pair`.

    Returns:
        A `tf.function` from `inputs`, serialized examples `[batch]`, to `outputs`
        float32 `[batch, 1]` of a regression, or else to the label names `classes` and
        their `scores`, both `[batch, labels]`. An example without its features
        is an invalid request.
    """

    def serve(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        keys = INPUTS if pairs else INPUTS[:1]
        features = {key: tf.io.FixedLenFeature([], tf.string) for key in keys}
        found = tf.io.parse_example(inputs, features)
        texts = [found[key] for key in keys]
        output = run(join_pairs(*texts) if pairs else texts[0])["logits"][name]
        if task.kind == "regression":  # the API has only float32
            return {"outputs": tf.cast(values(output, task), tf.float32)}
        scores = probabilities(output, task)
        classes = tf.constant([as_bytes(label) for label in task.labels], tf.string)
        classes = tf.broadcast_to(classes, tf.shape(scores))
        return {"classes": classes, "scores": scores}

    inputs = tf.TensorSpec([None], tf.string, name="inputs")
    return tf.function(serve, input_signature=[inputs], autograph=False)
