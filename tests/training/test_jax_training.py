"""Language and translation models train on JAX where TensorFlow is not installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from saved import ROOT

from zoo.text import END

pytestmark = pytest.mark.slow
TRANSLATION = """
from types import SimpleNamespace
import keras
import numpy as np
import zoo
from zoo.families.translation.settings import TranslationSettings
from zoo.families.translation.fitting import train_translator

keras.utils.set_random_seed(0)
generator = np.random.default_rng(0)
texts = [generator.integers(4, 12, length) for length in generator.integers(2, 9, 60)]
pairs = SimpleNamespace(
    sources=[np.array([*ids, 3], "int32") for ids in texts],
    targets=[np.array([2, *ids, 3], "int32") for ids in texts],
)
settings = TranslationSettings(
    epochs=4, batch_tokens=96, warmup=0, learning_rate=0.02, buckets=1, average=0.5
)
model = zoo.get("seq2seq", 12, units=8, embedding_dim=8, encoder_depth=1)
history = train_translator(model, pairs, pairs, settings, verbose=False)
print([logs["val_perplexity"] for logs in history])
"""


@pytest.fixture
def python(tmp_path):
    """Runs code on JAX in a process that, as its children, cannot import TensorFlow."""
    pytest.importorskip("jax")
    for name in ("tensorflow", "tensorflow_text"):
        broken = f"raise ModuleNotFoundError('no module named {name}', name='{name}')"
        (tmp_path / "path").mkdir(exist_ok=True)
        (tmp_path / f"path/{name}.py").write_text(broken)
    return lambda code: printed(code, [tmp_path / "path", ROOT])


def printed(code: str, path: list[Path]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_streams_are_measured_as_the_recipe_reads_them(tmp_path, python):
    """The facts stand where `benchmarks.quality.language_modeling` looks for them."""
    stream = np.tile(np.array([END, 4, 5, 6, 7], "int32"), 40)
    about = {"data": "toy", "vocab_size": 8, "settings": {"tokenizer": "whitespace"}}
    path = tmp_path / "toy.npz"
    parts = {"train": stream, "valid": stream, "test": stream, "test/odd": stream[::-1]}
    np.savez(path, about=json.dumps(about), **parts)
    model = "moe_lm:num_experts=6,k=2,units=8,hidden=8"
    arguments = [
        "measure",
        str(path),
        "--models",
        model,
        "--folder",
        str(tmp_path / "seeds"),
        "--set",
        "epochs=2",
        "batch_size=4",
        "window=5",
        "learning_rate=0.02",
        "average=0.5",
        "validations=2",
        "--seeds",
        "2",
        "--jobs",
        "2",
    ]
    code = f"from benchmarks.quality.language_streams import main\nmain({arguments!r})"
    said = python(code)
    assert said.count("epoch 2 the best") == 2
    facts = json.loads((tmp_path / "seeds/toy" / model / "1/facts.json").read_text())
    first = json.loads((tmp_path / "seeds/toy" / model / "0/facts.json").read_text())
    assert facts["identity"][0]["seed"] == 1
    assert facts["test"] < 8 and facts["epochs"] == 2
    assert 1 <= facts["load"]["experts"] <= 6
    perplexities = [found for _, found in facts["curve"]]  # two an epoch
    assert perplexities == sorted(perplexities)[::-1]
    assert len(set(perplexities)) == 4  # each of weights that have moved on
    row = f"| {first['test']:.1f} | {first['kinds']['odd']:.1f} |"
    assert first["kinds"]["odd"] > first["test"]
    assert re.search("toy +\\| all +\\| odd", said) and row in re.sub(" +", " ", said)
    assert "epoch" not in python(code)  # read back, not measured again


def test_translation_models_train_in_few_shapes(python):
    first, *_, last = json.loads(python(TRANSLATION))
    assert last < 0.8 * first
