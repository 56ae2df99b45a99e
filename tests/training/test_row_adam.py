"""RowAdam against the dense rule in NumPy and against Keras's Adam without momentum."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from zoo.kernels._backend import rows as row_kernels
from zoo.kernels._backend import take_rows
from zoo.layers import NGramBag, PaddingMask
from zoo.tasks import as_tasks
from zoo.training.batching import TokenBatches
from zoo.training.fit import compile_model, fit, seed_everything
from zoo.training.row_adam import RowAdam

ROWS, WIDTH, STEPS = 12, 3, 30
needs_rows = pytest.mark.skipif(row_kernels is None, reason="dense gradients")


def batches(steps=STEPS):
    """For each step the rows that a batch takes, some twice, and what it asks of them.

    Rows 10 and 11 are never taken; rows 8 and 9 once each, in the first and last step.
    """
    generator = np.random.default_rng(0)
    for step in range(steps):
        taken = generator.integers(0, 8, 5)
        if step in (0, steps - 1):
            taken[0] = 8 if step == 0 else 9
        yield taken.astype("int32"), generator.normal(0, 0.4, (5, WIDTH))


def gradients_of(table, other, taken, wanted):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        found = take_rows(table, taken)
        loss = ops.sum(found * wanted.astype("float32")) + ops.sum(other**2) / 2
    return tape.gradient(loss, [table.value, other.value])


def start():
    generator = np.random.default_rng(1)
    table = keras.Variable(generator.normal(0, 1, (ROWS, WIDTH)), dtype="float32")
    table.by_rows = True
    return table, keras.Variable([0.5, -2.0], dtype="float32")


def values(*variables):
    return [ops.convert_to_numpy(variable) for variable in variables]


def dense_reference(table, other, *, rate, limit, momentum, steps=STEPS):
    """The dense rule, in float64: every row, velocity and average in every step."""
    tables = {"table": table.astype("float64"), "other": other.astype("float64")}
    m, v, a = ({k: np.zeros_like(x) for k, x in tables.items()} for _ in range(3))
    for step, (taken, wanted) in enumerate(batches(steps), start=1):
        g = {"table": np.zeros_like(tables["table"]), "other": tables["other"].copy()}
        np.add.at(g["table"], taken, wanted)
        norm = np.sqrt(sum((part**2).sum() for part in g.values()))
        for key, beta in (("table", 0.0), ("other", 0.9)):
            scaled = g[key] * min(1.0, limit / norm)
            m[key] = beta * m[key] + (1 - beta) * scaled
            v[key] = 0.999 * v[key] + 0.001 * scaled**2
            size = rate * np.sqrt(1 - 0.999**step) / (1 - beta**step)
            tables[key] = tables[key] - size * m[key] / (np.sqrt(v[key]) + 1e-7)
            kept = momentum if step > 1 else 0.0
            a[key] = kept * a[key] + (1 - kept) * tables[key]
    return tables, a


@needs_rows
@pytest.mark.parametrize("limit", [1e9, 1.0])
def test_equals_the_dense_rule(limit):
    table, other = start()
    expected, averages = dense_reference(
        *values(table, other), rate=0.05, limit=limit, momentum=0.8
    )
    optimizer = RowAdam(0.05, global_clipnorm=limit, use_ema=True, ema_momentum=0.8)
    for taken, wanted in batches():
        optimizer.apply(gradients_of(table, other, taken, wanted), [table, other])
    for found, key in zip(values(table, other), ("table", "other"), strict=True):
        np.testing.assert_allclose(found, expected[key], rtol=1e-4, atol=1e-5)
    optimizer.finalize_variable_values([table, other])
    for found, key in zip(values(table, other), ("table", "other"), strict=True):
        np.testing.assert_allclose(found, averages[key], rtol=1e-4, atol=1e-5)


@needs_rows
def test_equals_keras_without_momentum():
    theirs, mine = start(), start()
    kinds = keras.optimizers.Adam, RowAdam
    for variables, kind in zip((theirs, mine), kinds, strict=True):
        beta = {"beta_1": 0.0} if kind is kinds[0] else {}
        optimizer = kind(0.05, use_ema=True, ema_momentum=0.8, **beta)
        for taken, wanted in batches():
            gradients = gradients_of(*variables, taken, wanted)
            dense = np.zeros((ROWS, WIDTH), "float32")
            np.add.at(dense, taken, wanted)
            gradients[0] = dense if kind is kinds[0] else gradients[0]
            optimizer.apply([gradients[0]], [variables[0]])
        optimizer.finalize_variable_values([variables[0]])
    np.testing.assert_allclose(*values(theirs[0], mine[0]), rtol=1e-4, atol=1e-5)


@needs_rows
def test_only_the_rows_of_the_batch_change():
    table, other = start()
    optimizer = RowAdam(0.05, global_clipnorm=1.0, use_ema=True, ema_momentum=0.8)
    optimizer.build([table, other])
    for taken, wanted in batches(3):
        states = [table, *(v for v in optimizer.variables if v.shape[:1] == (ROWS,))]
        assert len(states) == 4  # with the velocity, the average and the step
        before = values(*states)
        optimizer.apply(gradients_of(table, other, taken, wanted), [table, other])
        for old, new in zip(before, values(*states), strict=True):
            changed = (old != new).reshape(ROWS, -1).any(axis=1)
            assert set(np.flatnonzero(changed)) == set(taken)


def test_a_step_of_dense_gradients_is_the_same_rule():
    table = start()[0]
    before = values(table)[0]
    gradient = np.zeros((ROWS, WIDTH), "float32")
    gradient[3] = [2.0, -0.01, 0.0]
    optimizer = RowAdam(0.1)
    optimizer.apply([ops.convert_to_tensor(gradient)], [table])
    # The bias correction makes the first step as long as the step size.
    expected = before - 0.1 * np.sign(gradient)
    np.testing.assert_allclose(values(table)[0], expected, atol=1e-4)


def test_variables_that_are_no_tables_get_adam_to_the_last_bit():
    found = []
    for kind in (keras.optimizers.Adam, RowAdam):
        variable = keras.Variable(np.ones((4, 2), "float32"))
        optimizer = kind(0.1, global_clipnorm=1.0, use_ema=True, ema_momentum=0.9)
        for step in range(5):
            gradient = np.cos(np.arange(8.0).reshape(4, 2) + step).astype("float32")
            optimizer.apply([ops.convert_to_tensor(gradient)], [variable])
        found.append(values(variable, *optimizer.variables))
    for theirs, mine in zip(*found, strict=True):
        np.testing.assert_array_equal(theirs, mine)


@pytest.mark.parametrize("name", ["amsgrad", "weight_decay", "clipvalue"])
def test_what_changes_every_row_is_refused(name):
    with pytest.raises(ValueError, match=f"`{name}` must be off.*{name}=True"):
        RowAdam(0.1, **{name: True})


def test_config():
    optimizer = RowAdam(0.1, global_clipnorm=1.0, use_ema=True, ema_momentum=0.8)
    config = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(config)
    assert isinstance(again, RowAdam) and again.get_config() == optimizer.get_config()


def trained(
    epochs: int, folder, *, dropout: float = 0.2, jit_compile: bool = False
) -> list[np.ndarray]:
    """Weights, averages and the optimizer's state after so many epochs."""
    labels = 3
    seed_everything(7)
    generator = np.random.default_rng(0)
    tokens = [generator.integers(4, 60, n).astype("int32") for n in range(1, 25)]
    targets = {"label": generator.integers(0, labels, 24)}
    parts = [
        TokenBatches(
            tokens,
            targets,
            {"label": np.ones(24)},
            batch_size=8,
            buckets=[24],
            shuffle=shuffle,
        )
        for shuffle in (True, False)
    ]
    tasks = as_tasks(labels)
    ids = keras.Input((None,), dtype="int32")
    bag = NGramBag(2, buckets=2**12, binary=True)(ids, mask=PaddingMask()(ids))
    bag = keras.layers.Dropout(dropout)(bag)
    model = keras.Model(ids, {"label": keras.layers.Dense(labels)(bag)})
    model = compile_model(
        model, tasks, learning_rate=0.02, average=0.8, jit_compile=jit_compile
    )
    history = fit(
        model, *parts, tasks, epochs=epochs, patience=9, folder=folder, verbose=False
    )
    assert len(history) == epochs
    return [*model.get_weights(), *values(*model.optimizer.variables)]


@pytest.mark.slow
def test_a_training_that_goes_on_ends_like_one_that_never_stopped(tmp_path):
    whole = trained(4, tmp_path / "whole")
    trained(2, tmp_path / "stopped")
    for one, other in zip(whole, trained(4, tmp_path / "stopped"), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@needs_rows
def test_compiled_by_xla_the_training_is_the_same(tmp_path):
    """Without dropout: XLA draws other random numbers."""
    plain = trained(3, tmp_path / "plain", dropout=0.0)
    compiled = trained(3, tmp_path / "compiled", dropout=0.0, jit_compile=True)
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
