"""Exported experts: no noise, and an answer that does not depend on the batch."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from marks import slow_but

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

from tiny_export import MaskedMean, pipeline, run, unchecked  # noqa: E402, F401

import zoo  # noqa: E402
from zoo.layers import SparseMoE  # noqa: E402
from zoo.tasks import as_tasks  # noqa: E402

pytestmark = pytest.mark.tensorflow
TASKS = as_tasks({"label": ["x", "y", "z"]})
GATINGS = {
    "noisy": {},
    "switch": {"gating": "switch", "k": 1},
    "balanced": {"gating": "balanced"},
    "groups": {"groups": 3},
    "capacity": {"capacity_factor": 0.5},
}


def build(vocab_size, options):
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32", name="tokens")
    x = keras.layers.Embedding(vocab_size, 8, embeddings_initializer="normal")(ids)
    experts = SparseMoE(6, hidden=5, **{"k": 2, **options})
    x = MaskedMean()(experts(20 * x, mask=keras.ops.not_equal(ids, 0)), ids)
    model = keras.Model(ids, {"label": keras.layers.Dense(3)(x)}, name="experts")
    generator = np.random.default_rng(1)
    for weight in experts.gate.trainable_weights:  # zeros would choose by ties
        if "thresholds" not in weight.path:
            weight.assign(generator.normal(size=weight.shape))
    return model


@pytest.mark.parametrize(
    "gating", slow_but([], GATINGS, ["noisy", "balanced", "groups"])
)
def test_200_random_batches(gating, pipeline, tmp_path, unchecked):  # noqa: F811
    model = build(pipeline.vocab_size, GATINGS[gating])
    path = zoo.export(model, pipeline, tmp_path / "experts", tasks=TASKS)
    words = "a good bad day nothing at all ok \u5f88 \u597d unseen".split()
    generator = np.random.default_rng(2)
    texts = [
        " ".join(generator.choice(words, generator.integers(0, 30))).encode()
        for _ in range(60)
    ]
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(path))
        signature = meta.signature_def["serving_default"]
        text = signature.inputs["text"].name
        scores = signature.outputs["scores"].name
        alone = [session.run(scores, {text: [one]})[0] for one in texts]
        assert np.std(alone, axis=0).min() > 1e-3  # the texts can be told apart
        for _ in range(200):
            rows = generator.choice(60, generator.integers(1, 33))
            found = session.run(scores, {text: [texts[row] for row in rows]})
            expected = [alone[row] for row in rows]
            np.testing.assert_allclose(found, expected, atol=1e-5)
        functions = graph.as_graph_def().library.function
        ops = {node.op for function in functions for node in function.node_def}
    assert ops and not [op for op in ops if "Random" in op]
