"""CRF, sequence loss and attention of the zoo against tensorflow-addons 0.23.0.

golden.npz holds addons' inputs, weights and outputs; generate.py wrote it. Where our
function is another one on purpose, a test says what the two have in common.
"""

from __future__ import annotations

import os
import subprocess

import numpy as np
import pytest
from golden import HERE, close, golden, mask_of
from keras import ops

from zoo.layers.attention import AdditiveAttention, MultiplicativeAttention
from zoo.layers.crf import CRF, crf_decode, crf_log_likelihood, crf_log_norm
from zoo.training.sequence_loss import SequenceCrossentropy, sequence_loss


@pytest.fixture
def crf():
    """Golden arrays, and the mask that stands for the lengths."""
    g = golden("crf")
    return g, mask_of(g["lengths"], 6)


def same_path(actual, expected) -> None:
    """Also behind the end, where both write 0."""
    np.testing.assert_array_equal(ops.convert_to_numpy(actual), expected)


def test_crf_scores(crf):
    g, mask = crf
    inputs, transitions = g["inputs"], g["transitions"]
    norm = crf_log_norm(inputs, transitions, mask)
    likelihood = crf_log_likelihood(inputs, g["tags"], transitions, mask)
    close(norm, g["log_norm"])
    close(likelihood, g["log_likelihood"])
    close(likelihood + norm, g["sequence_score"])
    one = crf_log_likelihood(inputs[:, :1], g["tags"][:, :1], transitions)
    close(one, g["one_log_likelihood"])


def test_crf_best_path(crf):
    g, mask = crf
    tags, score = crf_decode(g["inputs"], g["transitions"], mask)
    same_path(tags, g["best"])
    close(score, g["best_score"])
    one, _ = crf_decode(g["inputs"][:, :1], g["transitions"])
    same_path(one, g["one_best"])


def test_crf_with_tags_that_are_allowed_step_by_step(crf):
    """`crf_constrained_decode`, `crf_multitag_sequence_score`: from the emissions."""
    g, mask = crf
    filtered = np.where(g["bitmap"], g["inputs"], -1e9)
    tags, score = crf_decode(filtered, g["transitions"], mask)
    same_path(tags, g["constrained"])
    close(score, g["constrained_score"])
    close(crf_log_norm(filtered, g["transitions"], mask), g["multitag_score"])


def test_crf_layer(crf):
    """`tfa.layers.CRF(use_kernel=False)`, and the likelihood of what it gives out."""
    g, mask = crf
    layer = CRF(5, use_boundary=True)
    logits = layer(g["inputs"])
    layer.transitions.assign(g["transitions"])
    layer.start.assign(g["left"])
    layer.end.assign(g["right"])
    close(layer(g["inputs"], g["tags"], mask=mask), -g["layer_log_likelihood"])
    same_path(layer.decode(logits, mask)[0], g["layer_best"])


@pytest.mark.parametrize("time", [False, True])
@pytest.mark.parametrize("batch", [False, True])
def test_sequence_loss(time, batch):
    g = golden("sequence_loss")
    names = {(0, 0): "none", (1, 0): "average_timesteps", (0, 1): "average_batch"}
    loss = sequence_loss(
        g["logits"],
        g["targets"],
        g["weights"],
        average_across_timesteps=time,
        average_across_batch=batch,
    )
    close(loss, g[names.get((time, batch), "average_both")])


def test_sequence_loss_sums_of_addons_are_averages_by_a_mask():
    g = golden("sequence_loss")
    logits, targets, mask = g["logits"], g["targets"], g["weights"] > 0
    for name, time, batch in (
        ("masked_sum_both", True, True),
        ("masked_class", True, True),
        ("masked_sum_timesteps", True, False),
        ("masked_sum_batch", False, True),
    ):
        flags = {"average_across_timesteps": time, "average_across_batch": batch}
        close(sequence_loss(logits, targets, mask, **flags), g[name])
    loss = SequenceCrossentropy()(targets, logits, mask.astype("float32"))
    close(loss, g["masked_class"])


@pytest.mark.parametrize(
    "name, make",
    [
        ("bahdanau", lambda: AdditiveAttention(4)),
        ("bahdanau_normalized", lambda: AdditiveAttention(4, normalize=True)),
        ("luong", lambda: MultiplicativeAttention()),
        ("luong_scaled", lambda: MultiplicativeAttention(scale=True)),
    ],
)
def test_attention(name, make):
    common, g = golden("attention"), golden(f"attention/{name}")
    queries, memory = common["query"][:, None], common["memory"]
    mask = mask_of(common["lengths"], memory.shape[1])
    layer = make()
    layer(queries, memory, mask=mask)
    assert g.keys() - {w.name for w in layer.weights} == {"alignments", "context"}
    for weight in layer.weights:
        weight.assign(g[weight.name])
    for keys in (None, layer.prepare(memory, mask)):
        context, weights = layer(queries, memory, mask=mask, keys=keys)
        close(weights[:, 0], g["alignments"])
        close(context[:, 0], g["context"])


@pytest.mark.network
@pytest.mark.skipif(not os.environ.get("ZOO_PARITY"), reason="ZOO_PARITY is not set")
def test_golden_is_what_addons_computes(tmp_path):
    """Makes addons' environment, 1.7 GB, and computes everything anew."""
    command = ["bash", str(HERE / "regenerate.sh"), "--check"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
