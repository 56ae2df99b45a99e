"""Every registered model, of whichever family, passes the same checks.

A new model needs no test of its own. A new family says in subjects.py how its models
are asked. What only classifiers have stands in test_conformance.py.
"""

from __future__ import annotations

import keras
import numpy as np
import pytest
from gradients import BACKEND
from marks import HALF_PRECISION, first_of_each_file, not_on_jax, slow_but
from subjects import SUBJECTS, subject_of

import zoo
from zoo.families import families

QUICK = ["text_cnn", "flstm_lm", "bilstm_crf", "seq2seq"]
MODELS = zoo.list_models()
if BACKEND == "jax":  # compiles each shape; test_models.py asks the other ones there
    MODELS = [*QUICK, "bilstm_mt", "moe_mt", "mt_shared", "mt_coupled", "glstm"]
every_model = pytest.mark.parametrize("name", slow_but(QUICK, MODELS))
# Those whose gradients test_conformance.py does not compare on top of the answers.
OTHERS = [n for n in zoo.list_models() if zoo.describe(n).family != "classification"]
every_other = pytest.mark.parametrize("name", slow_but(QUICK, OTHERS))
# What costs seconds a model is asked of all of them before a release.
costly_other = pytest.mark.parametrize(
    "name", slow_but(QUICK, OTHERS, first_of_each_file(OTHERS))
)
# On JAX, test_conformance.py leaves out what it asks classifiers on TensorFlow.
every_model_once = pytest.mark.parametrize(
    "name", slow_but(QUICK, MODELS if BACKEND == "jax" else OTHERS)
)
ROWS = [[7, 3, 9, 4, 30, 5], [8], [1, 2, 3], [39, 1, 39, 1]]
CLOSE = {"rtol": 1e-7, "atol": 1e-5}


@pytest.fixture(autouse=True)
def float32():
    yield
    keras.config.set_dtype_policy("float32")


def assert_equal(found, expected, **close):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert list(one) == list(other)
        for name, array in one.items():
            np.testing.assert_allclose(array, other[name], **(close or CLOSE))


def test_every_family_is_here():
    assert set(SUBJECTS) == set(families())


@every_model
def test_answers_are_finite_and_depend_on_the_text(name):
    subject = subject_of(name)
    answers = subject.outputs(subject.build(name), ROWS)
    for answer in answers:
        for array in answer.values():
            assert array.dtype == "float32" and np.isfinite(array).all()
    first = next(iter(answers[0]))
    assert not np.allclose(answers[0][first].ravel()[:2], answers[3][first].ravel()[:2])


@every_model_once
def test_padding_changes_nothing(name):
    subject = subject_of(name)
    model = subject.build(name)
    expected = subject.outputs(model, ROWS)
    for more in (1, 40):
        assert_equal(subject.outputs(model, ROWS, more), expected)


@not_on_jax
@every_other
def test_no_text_depends_on_its_batch(name):
    subject = subject_of(name)
    model = subject.build(name)
    expected = subject.outputs(model, ROWS)
    order = [2, 0, 3, 1]
    turned = subject.outputs(model, [ROWS[place] for place in order])
    assert_equal(turned, [expected[place] for place in order])
    alone = [subject.outputs(model, [row])[0] for row in ROWS]
    assert_equal(alone, expected)


@every_model_once
def test_a_saved_model_answers_alike(name, tmp_path):
    subject = subject_of(name)
    model = subject.build(name)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")  # safe mode
    close = {"rtol": 1e-5, "atol": 1e-6}
    assert_equal(subject.outputs(again, ROWS), subject.outputs(model, ROWS), **close)


@not_on_jax
@costly_other
@pytest.mark.parametrize("policy", HALF_PRECISION)
def test_mixed_precision(name, policy):
    subject = subject_of(name)
    expected = subject.outputs(subject.build(name), ROWS)
    keras.config.set_dtype_policy(policy)
    model = subject.build(name)
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}
    found = subject.outputs(model, ROWS)
    assert all(a.dtype == "float32" for answer in found for a in answer.values())
    assert_equal(found, expected, rtol=0.05, atol=0.1)


@not_on_jax
@costly_other
def test_xla_agrees(name):
    import tensorflow as tf

    subject = subject_of(name)
    model = subject.build(name, form="blocks")
    expected = subject.outputs(model, ROWS)
    given = subject.inputs(model, ROWS)
    compiled = tf.function(lambda given: model(given, training=False), jit_compile=True)
    found = subject.by_row(compiled(given), ROWS)
    assert_equal(found, expected, rtol=1e-4, atol=1e-5)
