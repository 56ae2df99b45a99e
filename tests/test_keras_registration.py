"""`keras.models.load_model` knows the zoo, and a `keras.json` changes no answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from saved import SAVED

import zoo
from zoo.layers import CRFLoss
from zoo.training.schedules import WarmUp
from zoo.training.sequence_loss import SequenceCrossentropy

pytestmark = pytest.mark.tensorflow

FAMILIES = ("classification", "language", "tagging", "translation")


def process(code, *arguments, **environment):
    """What a fresh Python writes, which must end well and be silent otherwise."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def answers():
    text = (SAVED / "answers.json").read_text("utf-8")
    return json.loads(text)["classification"]


def assert_alike(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one["mood"]["label"] == other["mood"]["label"]
        scores = pytest.approx(other["mood"]["scores"], abs=1e-5)
        assert one["mood"]["scores"] == scores


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A model that names a schedule and a loss of the zoo, and what it answers."""
    tokens = keras.Input((None,), dtype="int32")
    keras.utils.set_random_seed(1)
    x = keras.layers.Embedding(5, 3)(tokens)
    mask = zoo.layers.PaddingMask()(tokens)
    x = zoo.layers.MaskedMaxPooling()(x, mask=mask)
    model = keras.Model(tokens, keras.layers.Dense(2)(x))
    optimizer = keras.optimizers.Adam(WarmUp(0.5, steps=3, hold=2))
    model.compile(optimizer, loss=SequenceCrossentropy())
    path = tmp_path_factory.mktemp("compiled") / "model.keras"
    model.save(path)
    return path, model.predict(np.array([[1, 2, 0]]), verbose=0).tolist()


LOADS = """
import json, sys
import numpy as np
from keras.models import load_model
*families, compiled = sys.argv[1:]
for path in families:
    load_model(path)
model = load_model(compiled)
print(json.dumps({
    "rate": model.optimizer._learning_rate.get_config(),
    "loss": type(model.loss).__module__,
    "answer": np.asarray(model(np.array([[1, 2, 0]]))).tolist(),
    "finders": [repr(f) for f in sys.meta_path if "_BehindKeras" in repr(f)],
    "layers": sorted({type(layer).__module__ for layer in model.layers}),
}))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "imports, families",
    [
        ("import keras, zoo", ["tagging"]),
        ("import zoo, keras", FAMILIES),
        ("import zoo, tensorflow; assert 'zoo.layers' in sys.modules", ["tagging"]),
    ],
)
def test_load_model_after_imports_in_any_order(compiled, imports, families):
    path, expected = compiled
    paths = [SAVED / family / "model.keras" for family in families]
    found = json.loads(process(f"import sys; {imports}\n{LOADS}", *paths, path))
    assert found["rate"] == {"peak": 0.5, "steps": 3, "hold": 2}
    assert found["loss"] == "zoo.training.sequence_loss"
    assert {"zoo.layers.padding", "zoo.layers.pooling"} <= set(found["layers"])
    np.testing.assert_allclose(found["answer"], expected, rtol=1e-5)
    assert found["finders"] == [], "imports go their usual way again"


def test_import_zoo_loads_neither_keras_nor_tensorflow():
    """Nor does a list of the models, or a search for Keras without an import."""
    code = """
import importlib.util, sys
import zoo
assert "text_cnn" in zoo.list() and zoo.__version__
for name in ("keras", "tensorflow"):
    assert importlib.util.find_spec(name).origin.endswith("__init__.py")
assert importlib.util.find_spec("no_such_module") is None
print([name for name in ("keras", "tensorflow", "numpy") if name in sys.modules])
"""
    assert process(code) == "[]\n"


def test_keras_that_cannot_be_imported_says_so_itself(tmp_path):
    """The error is the one of Keras, and the next try is a try."""
    (tmp_path / "keras.py").write_text("raise ImportError('keras is broken')")
    code = """
import zoo
for _ in range(2):
    try:
        import keras
    except ImportError as error:
        print(error)
"""
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    assert process(code, PYTHONPATH=path) == "keras is broken\n" * 2


ANSWERS = """
import json, sys
import zoo, keras
found = {"format": keras.config.image_data_format(), "floatx": keras.config.floatx()}
try:
    zoo.get("text_cnn", 10, {"mood": zoo.Task("categories", ("bad", "good"))})
except ValueError as error:
    found["refused"] = str(error)
text_model = zoo.load(sys.argv[1])
found["loaded"] = text_model.predict(["a good day", ""])
keras.config.set_floatx("float32")
found["remedied"] = zoo.load(sys.argv[1]).predict(["a good day", ""])
print(json.dumps(found))
"""


@pytest.mark.slow
def test_the_settings_of_a_user(tmp_path):
    """`~/.keras/keras.json` with channels first and float64."""
    settings = {"image_data_format": "channels_first", "floatx": "float64"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    found = json.loads(
        process(ANSWERS, SAVED / "classification", KERAS_HOME=str(tmp_path))
    )
    assert (found["format"], found["floatx"]) == ("channels_first", "float64")
    assert "keras.config.set_floatx" in found["refused"]
    assert "~/.keras/keras.json" in found["refused"]
    assert "floatx='float64'" in found["refused"]
    assert_alike(found["loaded"], answers())
    assert_alike(found["remedied"], answers())


@pytest.fixture
def restored():
    """Keras's settings, put back at the end."""
    floatx, image = keras.config.floatx(), keras.config.image_data_format()
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_image_data_format(image)


def text_cnn():
    keras.utils.set_random_seed(3)
    task = zoo.Task("categories", ("bad", "good"))
    return zoo.get(
        "text_cnn", 12, {"mood": task}, embedding_dim=4, maps=3, windows=[1, 2, 3]
    )


def test_channels_first_trains_the_same_model(restored):
    """Values and gradients, through a step of training."""
    tokens = np.array([[2, 3, 4, 5, 0], [6, 7, 0, 0, 0], [8, 9, 10, 11, 2]])
    found = {}
    for image in ("channels_last", "channels_first"):
        keras.config.set_image_data_format(image)
        model = text_cnn()
        before = model(tokens)["mood"].numpy()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        sgd = keras.optimizers.SGD(0.5)
        model.compile(sgd, loss={"mood": loss}, jit_compile=False)
        model.fit(tokens, {"mood": np.array([0, 1, 1])}, verbose=0, shuffle=False)
        found[image] = before, model(tokens)["mood"].numpy()
        assert not np.allclose(*found[image]), "a step changes the answers"
    for one, other in zip(*found.values(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("floatx", ["float16", "float64", "bfloat16"])
@pytest.mark.parametrize("name", ["text_cnn", "bilstm_crf", "lstm_lm", "seq2seq"])
def test_other_precisions_are_refused(restored, floatx, name):
    """By one sentence that names both remedies, for a model of each family."""
    try:
        keras.config.set_floatx(floatx)
    except ValueError:
        pytest.skip(f"Keras has no {floatx}")
    sizes = {"lstm_lm": (9,), "seq2seq": (9, 9)}.get(
        name, (9, {"a": zoo.Task("categories", ("x", "y"))})
    )
    with pytest.raises(ValueError) as raised:
        zoo.get(name, *sizes)
    said = str(raised.value)
    assert "must compute in float32" in said and f"floatx={floatx!r}" in said
    assert 'keras.config.set_floatx("float32")' in said
    assert '"floatx": "float32" in ~/.keras/keras.json' in said


def test_the_remedy_is_one(restored):
    keras.config.set_floatx("float16")
    with pytest.raises(ValueError):
        text_cnn()
    keras.config.set_floatx("float32")
    assert {weight.dtype for weight in text_cnn().weights} == {"float32"}


def test_zoo_layers_is_what_registers():
    """Names under which a saved model finds its classes."""
    for of in (CRFLoss, WarmUp, SequenceCrossentropy, zoo.layers.PaddingMask):
        name = keras.saving.get_registered_name(of)
        assert name == f"zoo>{of.__name__}"
        assert keras.saving.get_registered_object(name) is of
