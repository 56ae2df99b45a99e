"""Every registered classifier passes the same checks, beside those of all models.

The numbers of the checks are those of the conformance matrix: 1 build, 2 outputs,
3 reload, 4 gradients, 5 padding, 6 batch, 7 mixed precision, 8 XLA, 9 determinism,
10 learning, 11 SavedModel, 12 odd texts. Gradients (4) run on every backend; what
models of every family have in common, test_every_family.py asks on each.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from gradients import BACKEND
from keras import ops
from marks import HALF_PRECISION, not_on_jax, slow_but
from small_models import (
    ALL_ROWS,
    FIRST_ROWS,
    FITTED,
    NO_DROPOUT,
    ROWS,
    VOCAB_SIZE,
    Gradients,
    build,
    labels,
    ones,
    outputs,
    row_id,
    tasks_of,
    texts,
)

import zoo
from zoo.tasks import safe_names
from zoo.training.fit import compile_model, seed_everything
from zoo.training.loop import make_variables

# The quick tests ask a small model; on JAX, which has few tests here, a large one.
QUICK = [("bilstm_mt" if BACKEND == "jax" else "text_cnn", {})]


def rows(found, **slow):
    return pytest.mark.parametrize("row", slow_but(QUICK, found, **slow), ids=row_id)


def trained(found):
    return [row for row in found if row[0] not in FITTED]


# Options of a model are one more value; what costs seconds a model is asked of the
# first of each file of builders. The others wait for a release.
EVERY = {"slow": ROWS}
every_variant = rows(ALL_ROWS, **EVERY)
every_trained_variant = rows(trained(ALL_ROWS), **EVERY)
FIRST = {"slow": FIRST_ROWS}
costly_model, costly_trained = rows(ROWS, **FIRST), rows(trained(ROWS), **FIRST)
costly_variant = rows(ALL_ROWS, **FIRST)
costly_trained_variant = rows(trained(ALL_ROWS), **FIRST)


@pytest.fixture(scope="module")
def built():
    """Gives the model of a row, which no test may change: built once for all tests."""
    models = {}

    def built(row):
        if row_id(row) not in models:
            models[row_id(row)] = build(row)
        return models[row_id(row)]

    return built


@pytest.fixture(autouse=True)
def float32():
    yield
    keras.config.set_dtype_policy("float32")


@not_on_jax
@pytest.mark.parametrize(
    "name",
    slow_but(["bilstm_mt", "lstm_lm"], zoo.list_models()),
)
def test_1_builds_from_defaults_and_from_its_config(name):
    def weights_of(model):
        return [(weight.path, tuple(weight.shape)) for weight in model.weights]

    model = zoo.get(name)
    expected, whole = weights_of(model), model.to_json()
    # One at a time: the largest has a gigabyte, and what TensorFlow once had it keeps.
    del model
    gc.collect()
    assert weights_of(keras.models.model_from_json(whole)) == expected


@not_on_jax
@every_variant
def test_2_outputs_are_those_of_the_tasks(row, built):
    model, tasks = built(row), tasks_of(row[0])
    assert [(i.name, i.shape, i.dtype) for i in model.inputs] == [
        ("tokens", (None, None), "int32")
    ]
    assert list(model.output) == list(tasks)
    for time in (1, 2, 9):
        result = outputs(model, texts([time, 1, 1]))
        for name, task in tasks.items():
            assert result[name].shape == (3, task.outputs)
            assert result[name].dtype == "float32"
            assert np.isfinite(result[name]).all()


_RELOAD = """
import pathlib, sys

class NoTensorFlow:
    def find_spec(self, name, *_):
        if name.split(".")[0] == "tensorflow":
            raise ImportError(name)

if sys.argv[2] == "jax":
    sys.meta_path.insert(0, NoTensorFlow())  # a machine may have JAX alone
import keras, numpy as np
import zoo.layers
folder = pathlib.Path(sys.argv[1])
tokens = np.load(folder / "tokens.npy")
for path in sorted(folder.glob("*.keras")):
    model = keras.models.load_model(path)  # safe mode
    result = model.predict_on_batch(tokens)
    answers = [result[name] for name in model.output]
    np.savez(path.with_suffix(".reloaded.npz"), *answers)
"""


@pytest.fixture(scope="module")
def reloaded(request, tmp_path_factory, built):
    """All models saved here and loaded in one fresh process."""
    folder = tmp_path_factory.mktemp("reload")
    tokens = texts([5, 1, 9, 3])
    np.save(folder / "tokens.npy", tokens)
    expected = {}
    for number, row in enumerate(asked(request)):
        model = built(row)
        model.save(folder / f"{number}.keras")
        expected[row_id(row)] = (number, outputs(model, tokens))
    run_fresh(_RELOAD, str(folder), BACKEND)
    return folder, expected


def asked(request) -> list:
    """The rows of this run whose tests take the fixture: slow ones may be left out."""
    name, found = request.fixturename, {}
    for item in request.session.items:
        if item.path == request.path and name in item.fixturenames:
            row = item.callspec.params["row"]
            found[row_id(row)] = row
    return list(found.values())


def run_fresh(code: str, *arguments: str) -> str:
    root = str(Path(zoo.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@every_variant
def test_3_a_saved_model_answers_alike_in_a_fresh_process(row, reloaded):
    folder, expected = reloaded
    number, answers = expected[row_id(row)]
    found = np.load(folder / f"{number}.reloaded.npz")
    assert len(found.files) == len(answers)
    for key, answer in zip(found.files, answers.values(), strict=True):
        np.testing.assert_allclose(found[key], answer, rtol=1e-5, atol=1e-6)


@every_trained_variant
def test_4_every_weight_gets_a_gradient(row):
    model, tasks = build(row, **NO_DROPOUT), tasks_of(row[0])
    tokens = texts([6, 1, 4, 3])
    gradients = Gradients(model, tasks, training=True)  # with the noise of gates
    loss, found = gradients(tokens, labels(tasks, 4), ones(tasks, 4))
    assert np.isfinite(loss)
    for path, gradient in found.items():
        assert np.isfinite(gradient).all(), path
        assert gradient.any(), path


@not_on_jax
@costly_trained_variant
def test_4_a_missing_label_gives_exactly_no_gradient(row, built):
    model, tasks = built(row), tasks_of(row[0])
    tokens = texts([6, 1, 4, 3])
    targets = labels(tasks, 4)
    weights = ones(tasks, 4)
    all_tasks = Gradients(model, tasks)
    _, present = all_tasks(tokens, targets, weights)
    for missing, task in tasks.items():
        others = {name: task for name, task in tasks.items() if name != missing}
        weights = {**ones(tasks, 4), missing: np.zeros(4, "float32")}
        _, without = Gradients(model, others)(tokens, targets, weights)
        # Whatever stands in for the label.
        dummies = {**targets, missing: labels({"": task}, 4, seed=2)[""] * 2}
        dummies[missing] %= max(task.outputs, 2)
        assert (dummies[missing] != targets[missing]).any()
        loss, found = all_tasks(tokens, dummies, weights)
        assert np.isfinite(loss)
        private = 0
        for path, gradient in found.items():
            np.testing.assert_array_equal(gradient, without[path], err_msg=path)
            private += np.sum((gradient == 0) & (present[path] != 0))
        assert private > 0  # the task does own weights


@not_on_jax
@every_variant
def test_4_a_batch_without_any_label_gives_no_gradient(row, built):
    model, tasks = built(row), tasks_of(row[0])
    nothing = {name: np.zeros(2, "float32") for name in tasks}
    loss, found = Gradients(model, tasks)(texts([3, 2]), labels(tasks, 2), nothing)
    assert loss == 0
    assert all(not gradient.any() for gradient in found.values())


@not_on_jax
@every_variant
def test_5_padding_changes_nothing(row, built):
    model = built(row)
    tokens = texts([7, 1, 3, 0])
    expected = outputs(model, tokens)
    assert all(np.isfinite(answer).all() for answer in expected.values())
    for more in (1, 100):
        padded = outputs(model, np.pad(tokens, [[0, 0], [0, more]]))
        for name, answer in expected.items():
            np.testing.assert_allclose(padded[name], answer, rtol=1e-5, atol=2e-6)
    less = outputs(model, tokens[1:, :3])  # the longest text is gone
    for name, answer in expected.items():
        np.testing.assert_allclose(less[name], answer[1:], rtol=1e-5, atol=2e-6)


@not_on_jax
@costly_variant
def test_5_padding_changes_no_gradient(row, built):
    model, tasks = built(row), tasks_of(row[0])
    tokens = texts([6, 1, 4])
    arguments = labels(tasks, 3), ones(tasks, 3)
    gradients = Gradients(model, tasks)
    loss, found = gradients(tokens, *arguments)
    padded_loss, padded = gradients(np.pad(tokens, [[0, 0], [0, 30]]), *arguments)
    np.testing.assert_allclose(padded_loss, loss, rtol=1e-5)
    for path, gradient in found.items():
        np.testing.assert_allclose(
            padded[path], gradient, rtol=1e-3, atol=1e-5, err_msg=path
        )


@not_on_jax
@every_variant
def test_6_no_text_depends_on_its_batch(row, built):
    model = built(row)
    tokens = texts([7, 1, 3, 5])
    expected = outputs(model, tokens)
    order = [2, 0, 3, 1]
    turned = outputs(model, tokens[order])
    alone = [outputs(model, tokens[i : i + 1]) for i in range(4)]
    for name, answer in expected.items():
        np.testing.assert_allclose(turned[name], answer[order], rtol=1e-5, atol=2e-6)
        single = np.concatenate([one[name] for one in alone])
        np.testing.assert_allclose(single, answer, rtol=1e-5, atol=2e-6)


@not_on_jax
@costly_model
@pytest.mark.parametrize("policy", HALF_PRECISION)
def test_7_mixed_precision(row, policy, built):
    reference, tasks = built(row), tasks_of(row[0])
    keras.config.set_dtype_policy(policy)
    model = build(row)
    weights = model.weights if row[0] in FITTED else model.trainable_weights
    assert {weight.dtype for weight in weights} == {"float32"}
    tokens = texts([7, 1, 3, 5], time=20)
    expected = outputs(reference, tokens)
    for name, answer in outputs(model, tokens).items():
        assert answer.dtype == "float32"
        np.testing.assert_allclose(answer, expected[name], rtol=0.05, atol=0.1)
    gradients = Gradients(model, tasks, training=True)
    loss, found = gradients(tokens, labels(tasks, 4), ones(tasks, 4))
    assert np.isfinite(loss)
    assert all(np.isfinite(gradient).all() for gradient in found.values())


@not_on_jax
@costly_model
def test_8_xla_agrees_with_the_uncompiled_model(row):
    model, tasks = build(row, form="blocks"), tasks_of(row[0])
    tokens = texts([7, 1, 3, 5])
    arguments = tokens, labels(tasks, 4), ones(tasks, 4)
    plain_loss, plain = Gradients(model, tasks)(*arguments)
    loss, found = Gradients(model, tasks, compiled=True)(*arguments)
    np.testing.assert_allclose(loss, plain_loss, rtol=1e-5)
    for path, gradient in found.items():
        np.testing.assert_allclose(
            gradient, plain[path], rtol=1e-3, atol=1e-5, err_msg=path
        )


def run_of(row, seed=3):
    """A training as `zoo train` does it, with dropout.

    Returns:
        The model, and a function that starts anew and takes some steps: it gives their
        losses. A second start is one from the same values, in what was traced before.
    """
    tasks = tasks_of(row[0])
    model = build(row, seed=seed, dropout=0.1)
    compiled = compile_model(model, tasks, learning_rate=0.02)
    tokens, targets, weights = texts([7, 1, 3, 5]), labels(tasks, 4), ones(tasks, 4)
    safe = safe_names(tasks)
    batch = [{safe[name]: part[name] for name in tasks} for part in (targets, weights)]
    make_variables(compiled, [(tokens, *batch)])
    variables = [*compiled.variables, *compiled.optimizer.variables]
    first = [ops.convert_to_numpy(variable) for variable in variables]

    def take(steps: int) -> list[float]:
        seed_everything(seed)
        for variable, value in zip(variables, first, strict=True):
            variable.assign(value)
        logs = (
            compiled.train_on_batch(tokens, *batch, return_dict=True)
            for _ in range(steps)
        )
        return [float(log["loss"]) for log in logs]

    return model, take


@pytest.mark.slow
@not_on_jax
@costly_trained
def test_9_and_10_two_runs_are_equal_bit_for_bit_and_learn(row):
    model, take = run_of(row)
    again = build(row, seed=3, dropout=0.1)
    for one, other in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    losses = take(2)
    weights = model.get_weights()
    again = take(2)
    assert again == losses
    for first, second in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    losses = take(60)
    assert again == losses[:2]
    assert np.mean(losses[-5:]) < losses[0] / 2


@pytest.fixture(scope="module")
def exported(request, tmp_path_factory, built):
    """All models exported, and checked together in one fresh process.

    `zoo.export` starts a process for each; here that step is put off.
    """
    from zoo.serving import check, publish
    from zoo.text import TextPipeline

    words = " ".join(f"w{i}" for i in range(VOCAB_SIZE - 4))
    pipeline = TextPipeline.learn([words], min_count=1, max_length=32)
    assert pipeline.vocab_size == VOCAB_SIZE
    folder = tmp_path_factory.mktemp("saved_models")
    models, paths = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "_self_check", lambda folder: None)
        for row in asked(request):
            models[row[0]] = built(row)
            paths[row[0]] = zoo.export(
                models[row[0]],
                pipeline,
                folder / row[0],
                tasks=tasks_of(row[0]),
                examples=["w1 w2", "w3"],
            )
    out = run_fresh(_CHECK, check.__file__, *map(str, paths.values()))
    problems = dict(zip(paths, json.loads(out.splitlines()[-1]), strict=True))
    return models, pipeline, paths, problems


# Each signature costs seconds at its first request. All those of the first model are
# asked, as a server runs them; of the others those that differ by model, as `classify`
# and `regress` wrap the default one (test_export_signatures.py), and not optimized.
_CHECK = """
import importlib.util, json, pathlib, sys
for name in ("keras", "tf_keras", "zoo"):
    sys.modules[name] = None  # a server has neither
spec = importlib.util.spec_from_file_location("check", sys.argv[1])
check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check)
ask = check._check_calls

def ask_embeddings(session, signatures, metadata):
    calls = [call for call in metadata["calls"] if call["signature"] == "embed"]
    return ask(session, signatures, {**metadata, "calls": calls})

import tensorflow as tf
Session, as_it_is = tf.compat.v1.Session, tf.compat.v1.ConfigProto()
as_it_is.graph_options.rewrite_options.disable_meta_optimizer = True

problems = []
for path in sys.argv[2:]:
    problems.append(check.check(pathlib.Path(path))[0])
    check._check_calls, check._run_warmup = ask_embeddings, lambda *_: None
    tf.compat.v1.Session = lambda graph: Session(graph=graph, config=as_it_is)
print(json.dumps(problems))
"""


@pytest.mark.slow
class TestServing:
    pytestmark = pytest.mark.tensorflow

    @pytest.mark.slow
    @costly_model
    def test_11_the_saved_model_answers_as_python_does(self, row, exported):
        _, _, paths, problems = exported
        assert problems[row[0]] == []
        metadata = json.loads((paths[row[0]] / "metadata.json").read_text())
        assert not any(op.startswith("Cudnn") for op in metadata["ops"])
        expected = {f"{n}_{o}" for n in tasks_of(row[0]) for o in ("label", "scores")}
        served = metadata["signatures"]["serving_default"]
        assert set(served["outputs"]) == expected
        assert list(served["inputs"]) == ["text"]
        # Loading it in Python warns of a gradient that is named but not there.
        assert b"gradient" not in (paths[row[0]] / "saved_model.pb").read_bytes()

    @costly_model
    def test_12_odd_texts_give_finite_outputs(self, row, exported):
        models, pipeline, *_ = exported
        odd = [
            b"",
            b" \t\r\n",
            b"w1 " * 400_000,  # over 1 MB
            b"w1" * 500_000,  # one word
            b"\xff\xfe\x00 \xe4\xb8 w1",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f".encode(),
            "\u0e20\u0e32 \u4f60\u597d \u0645\u0631".encode(),
        ]
        tokens = pipeline(odd)
        together = outputs(models[row[0]], tokens)
        for index, text in enumerate(odd):
            alone = outputs(models[row[0]], pipeline([text]))
            for name, answer in together.items():
                assert np.isfinite(answer).all()
                np.testing.assert_allclose(
                    alone[name][0], answer[index], rtol=1e-4, atol=1e-5
                )
