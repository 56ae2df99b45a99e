"""Every registered classifier in a tiny size, and data for it."""

from __future__ import annotations

import keras
import numpy as np
from gradients import BACKEND
from keras import ops
from marks import first_of_each_file

import zoo
from zoo.layers import Stacking, TokenBag
from zoo.tasks import Task, as_tasks
from zoo.training.losses import task_loss, task_loss_weights

VOCAB_SIZE = 40
TASKS = as_tasks(
    {
        "mood/1 \u597d": ["bad", "fair", "good"],  # a column's name may hold anything
        "tags": Task("multilabel", ("a", "b\u00e9", "c d")),
        "price": Task("regression", mean=5.0, scale=2.0),
    }
)
SIZES = {
    "embedding_dim": 8,
    "units": 6,
    "rank": 2,
    "groups": 2,
    "num_experts": 5,
    "hidden": 4,
    "output_dim": 5,
    "balance": 0.0,  # losses of the labels alone
    "private_units": 5,
    "maps": 4,
    "ngram_buckets": 32,
}
NO_DROPOUT = {"dropout": 0.0, "embedding_dropout": 0.0, "ngram_rate": None}
# Arguments beyond the defaults that change the path of the data through a model.
VARIANTS = {
    "bilstm": [
        {"pooling": "last"},
        {"pooling": "mean"},
        {"pooling": "attention"},
        {"cell": "gru"},
        {"cell": "sru"},
    ],
    "bilstm_mt": [{"ngrams": ()}, {"private_units": 0}],
    "lstm": [{"peepholes": True}],
}
# Models of texts and tasks; the others have these checks in test_language.py and
# test_taggers.py, test_translation_models.py.
OTHERS = ("language modelling", "sentence encoding", "tagging", "translation")
FITTED = ("linear",)  # nothing in them is trained by gradients
CLASSIFIERS = [n for n in zoo.list_models() if zoo.describe(n).task not in OTHERS]
ROWS = [(name, {}) for name in CLASSIFIERS]
# Of costly tests, the other rows are left to a release.
FIRST_ROWS = [(name, {}) for name in first_of_each_file(CLASSIFIERS)]
ALL_ROWS = ROWS + [(name, options) for name in VARIANTS for options in VARIANTS[name]]
if BACKEND == "jax":  # compiles each shape; tests of the layers cover the rest
    ALL_ROWS = ROWS


def embeddings_of(model, entries: int) -> list[np.ndarray]:
    """The tables of a model's embeddings of so many entries; there is one at least."""
    tables = [
        keras.ops.convert_to_numpy(layer.embeddings)
        for layer in model.layers
        if isinstance(layer, keras.layers.Embedding) and layer.input_dim == entries
    ]
    assert tables
    return tables


def row_id(row) -> str:
    name, options = row
    return "-".join([name, *(f"{key}={value}" for key, value in options.items())])


def tasks_of(name: str) -> dict[str, Task]:
    """The three tasks, or the first two for a model that takes only two."""
    return dict(list(TASKS.items())[: 2 if name == "mt_coupled" else None])


def build(row, seed: int = 0, **options) -> keras.Model:
    """The model in its tiny size; sizes and options that it does not know are left."""
    name, own = row
    known = zoo.describe(name).keywords
    sizes = {k: v for k, v in {**SIZES, **options}.items() if k in known}
    keras.utils.set_random_seed(seed)
    return fitted(zoo.get(name, VOCAB_SIZE, tasks_of(name), **{**sizes, **own}))


def fitted(model: keras.Model) -> keras.Model:
    """The model with some weights in the parts that are fitted before training."""
    generator = np.random.default_rng(5)
    for layer in model.layers:
        if isinstance(layer, (TokenBag, Stacking)) or layer.name == "linear_words":
            layer.set_weights(
                [generator.uniform(0.1, 1.0, w.shape) for w in layer.weights]
            )
    return model


def texts(lengths, seed: int = 0, time: int | None = None) -> np.ndarray:
    """Rows of random ids, padded with 0."""
    generator = np.random.default_rng(seed)
    tokens = np.zeros((len(lengths), time or max(lengths)), "int32")
    for row, length in enumerate(lengths):
        tokens[row, :length] = generator.integers(1, VOCAB_SIZE, length)
    return tokens


def labels(tasks, rows: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random targets for each task."""
    generator = np.random.default_rng(seed)
    kinds = {
        "categories": lambda task: generator.integers(0, task.outputs, rows, "int32"),
        "multilabel": lambda task: generator.integers(0, 2, (rows, task.outputs)),
        "regression": lambda task: generator.normal(size=rows),
    }
    found = {name: kinds[task.kind](task) for name, task in tasks.items()}
    floats = {k: v.astype("float32") for k, v in found.items() if v.dtype != "int32"}
    return {**found, **floats}


def outputs(model: keras.Model, tokens) -> dict[str, np.ndarray]:
    """The model's outputs; a compiled call on JAX, where eager ones compile each op."""
    if BACKEND == "jax":
        result = model.predict_on_batch(tokens)
    else:
        result = model(tokens, training=False)
    # JAX sorts the keys of a dict.
    return {name: ops.convert_to_numpy(result[name]) for name in model.output}


def loss_of(model, tasks, tokens, targets, weights, training: bool = False):
    """The sum of the tasks' losses, each with its weight, as training adds them."""
    predicted = model(tokens, training=training)
    factors = task_loss_weights(tasks)
    return sum(
        factors[name]
        * task_loss(task)(targets[name], predicted[name], sample_weight=weights[name])
        for name, task in tasks.items()
    )


class Gradients:
    """Of tokens, targets and weights: the loss and the gradient of each weight.

    Args:
        model: the model.
        tasks: whose losses count.
        training: whether dropout is on.
        compiled: by XLA. Eager calls are the faster ones for a few steps on
            TensorFlow, and far slower on JAX.
    """

    def __init__(self, model, tasks, *, training=False, compiled=BACKEND == "jax"):
        self.model, self.tasks, self.training = model, tasks, training
        make = self._jax if BACKEND == "jax" else self._tensorflow
        self.function = make(compiled)

    def __call__(self, tokens, targets, weights):
        loss, found = self.function(tokens, targets, weights)
        paths = [variable.path for variable in self.model.trainable_variables]
        found = [ops.convert_to_numpy(gradient) for gradient in found]
        return float(loss), dict(zip(paths, found, strict=True))

    def _loss(self, tokens, targets, weights):
        return loss_of(self.model, self.tasks, tokens, targets, weights, self.training)

    def _tensorflow(self, compiled):
        import tensorflow as tf

        def function(*arguments):
            with tf.GradientTape() as tape:
                loss = self._loss(*arguments)
            values = [variable.value for variable in self.model.trainable_variables]
            found = tape.gradient(
                loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO
            )
            return loss, [tf.convert_to_tensor(gradient) for gradient in found]

        return tf.function(function, jit_compile=True) if compiled else function

    def _jax(self, compiled):
        import jax

        variables = self.model.trainable_variables

        def loss(values, fixed, *arguments):
            kept = zip(self.model.non_trainable_variables, fixed, strict=True)
            scope = [*zip(variables, values, strict=True), *kept]
            with keras.StatelessScope(state_mapping=scope):
                return self._loss(*arguments)

        function = jax.value_and_grad(loss)
        function = jax.jit(function) if compiled else function

        def run(*arguments):
            values = [variable.value for variable in variables]
            fixed = [v.value for v in self.model.non_trainable_variables]
            return function(values, fixed, *arguments)

        return run


def ones(tasks, rows: int) -> dict[str, np.ndarray]:
    return {name: np.ones(rows, "float32") for name in tasks}
