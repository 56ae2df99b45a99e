"""Writes what tensorflow-addons 0.23.0 computes on fixed inputs: golden.npz.

tensorflow-addons cannot be imported beside Keras 3, so this script imports nothing of
the zoo and runs in an environment of its own (requirements.txt; regenerate.sh makes
one). Inputs are stored beside outputs: the tests need neither TensorFlow 2.15 nor the
random numbers of any NumPy version.

    python generate.py            writes golden.npz
    python generate.py --check    compares with it to 1e-6; exits 1, naming differences
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# oneDNN sums in another order on each kind of processor.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow_addons as tfa  # noqa: E402

GOLDEN = Path(__file__).resolve().parent / "golden.npz"
TOLERANCE = 1e-6


def normal(seed: int, *shape: int, scale: float = 1.0) -> np.ndarray:
    """A fixed draw."""
    draw = np.random.default_rng(seed).normal(0, scale, shape)
    return draw.astype("float32")


def whole(seed: int, below: int, *shape: int) -> np.ndarray:
    """A fixed draw of integers from 0 on."""
    return np.random.default_rng(seed).integers(0, below, shape).astype("int32")


def crf() -> dict:
    """Scores and best paths of sequences of length 1, between, and full."""
    inputs, transitions = normal(0, 4, 6, 5), normal(1, 5, 5)
    tags = whole(2, 5, 4, 6)
    lengths = np.array([6, 1, 3, 5], "int32")
    bitmap = np.random.default_rng(3).random((4, 6, 5)) < 0.5
    bitmap |= np.eye(5, dtype=bool)[tags]
    likelihood, _ = tfa.text.crf_log_likelihood(inputs, tags, lengths, transitions)
    best, best_score = tfa.text.crf_decode(inputs, transitions, lengths)
    constrained, constrained_score = tfa.text.crf_constrained_decode(
        inputs, bitmap, transitions, lengths
    )
    layer = tfa.layers.CRF(5, use_kernel=False)
    boundary = {"left": normal(4, 5), "right": normal(5, 5)}
    layer.chain_kernel.assign(transitions)
    layer.left_boundary.assign(boundary["left"])
    layer.right_boundary.assign(boundary["right"])
    layer_best, scores, *_ = layer(inputs, mask=tf.sequence_mask(lengths, 6))
    bounded, _ = tfa.text.crf_log_likelihood(scores, tags, lengths, transitions)
    one = inputs[:, :1], tags[:, :1], np.ones(4, "int32")
    one_likelihood, _ = tfa.text.crf_log_likelihood(*one, transitions)
    return {
        "inputs": inputs,
        "transitions": transitions,
        "tags": tags,
        "lengths": lengths,
        "bitmap": bitmap,
        "sequence_score": tfa.text.crf_sequence_score(
            inputs, tags, lengths, transitions
        ),
        "log_norm": tfa.text.crf_log_norm(inputs, lengths, transitions),
        "log_likelihood": likelihood,
        "multitag_score": tfa.text.crf_multitag_sequence_score(
            inputs, bitmap, lengths, transitions
        ),
        "best": best,
        "best_score": best_score,
        "constrained": constrained,
        "constrained_score": constrained_score,
        **boundary,
        "layer_best": layer_best,
        "layer_log_likelihood": bounded,
        "one_log_likelihood": one_likelihood,  # of the first step alone
        "one_best": tfa.text.crf_decode(one[0], transitions, one[2])[0],
    }


SEQUENCE_LOSS_FLAGS = {
    # across timesteps, across batch: average; over timesteps, over batch: sum
    "none": (False, False, False, False),
    "average_both": (True, True, False, False),
    "average_timesteps": (True, False, False, False),
    "average_batch": (False, True, False, False),
    "sum_both": (False, False, True, True),
    "sum_timesteps": (False, False, True, False),
    "sum_batch": (False, False, False, True),
}


def sequence_loss() -> dict:
    """Every combination of flags that addons accepts, one step without any weight."""
    logits, targets = normal(10, 3, 5, 7), whole(11, 7, 3, 5)
    weights = np.random.default_rng(12).uniform(0.5, 2, (3, 5)).astype("float32")
    weights *= np.arange(5) < np.array([[4], [1], [3]])  # nothing at the last step
    result = {"logits": logits, "targets": targets, "weights": weights}
    for name, flags in SEQUENCE_LOSS_FLAGS.items():
        result[name] = tfa.seq2seq.sequence_loss(logits, targets, weights, *flags)
    # With weights of 0 and 1 the sums are averages: they divide by what counts.
    mask = (weights > 0).astype("float32")
    for name in ("sum_both", "sum_timesteps", "sum_batch"):
        flags = SEQUENCE_LOSS_FLAGS[name]
        loss = tfa.seq2seq.sequence_loss(logits, targets, mask, *flags)
        result[f"masked_{name}"] = loss
    loss = tfa.seq2seq.SequenceLoss()(targets, logits, mask)
    return {**result, "masked_class": loss}


def attention() -> dict:
    """Alignments and context vectors of one query a row, over masked memory."""
    memory, query = normal(20, 3, 5, 6), normal(21, 3, 4)
    lengths = np.array([5, 1, 3], "int32")
    result = {"memory": memory, "query": query, "lengths": lengths}
    kinds = {
        "bahdanau": (tfa.seq2seq.BahdanauAttention, {"normalize": False}),
        "bahdanau_normalized": (tfa.seq2seq.BahdanauAttention, {"normalize": True}),
        "luong": (tfa.seq2seq.LuongAttention, {"scale": False}),
        "luong_scaled": (tfa.seq2seq.LuongAttention, {"scale": True}),
    }
    for name, (make, options) in kinds.items():
        layer = make(4, memory=memory, memory_sequence_length=lengths, **options)
        queries = [tf.constant(query), tf.zeros((3, 5))]
        layer(list(queries))  # makes the weights
        weights = {"memory_kernel": layer.memory_layer.kernel}
        if layer.query_layer:
            weights |= {"query_kernel": layer.query_layer.kernel}
        names = {"v": "attention_v", "g": "attention_g", "b": "attention_b"}
        names["g"] = "scale_weight" if "luong" in name else names["g"]
        for key, attribute in names.items():
            if getattr(layer, attribute, None) is not None:
                weights[key] = getattr(layer, attribute)
        for seed, weight in enumerate(weights.values()):
            weight.assign(normal(22 + seed, *weight.shape))
        # The keys were made with the weights of the start: once more.
        layer([tf.constant(memory), tf.constant(lengths)], setup_memory=True)
        alignments, _ = layer(list(queries))
        # As AttentionWrapper does it: `values` are the memory, zero where masked.
        context = tf.squeeze(tf.matmul(alignments[:, None], layer.values), 1)
        result |= {f"{name}/{key}": value.numpy() for key, value in weights.items()}
        result |= {f"{name}/alignments": alignments, f"{name}/context": context}
    return result


class TableCell(tf.keras.layers.Layer):
    """Logits looked up by the last token, plus a share of all tokens before it.

    The state matters, so that beams that trade places must take it with them.
    """

    def __init__(self, table: np.ndarray, history: np.ndarray) -> None:
        super().__init__()
        self.table, self.history = tf.constant(table), tf.constant(history)
        self.state_size = self.output_size = len(table)

    def get_initial_state(self, inputs=None, batch_size=None, dtype=None):
        return tf.zeros((batch_size, self.state_size), dtype)

    def call(self, inputs, states, training=None):
        logits = inputs @ self.table + states @ self.history
        return logits, 0.5 * states + inputs


def beam_search(seed: int = 174) -> dict:
    """Beams that end early, late and not at all, with and without length penalty."""
    vocabulary, start, end, limit = 8, 1, 2, 7
    table, history = normal(seed, 8, 8, scale=1.5), normal(seed + 1, 8, 8)
    table[:, 0] = -30.0  # the zoo's padding is never said
    history[:, 0] = 0.0
    first = normal(seed + 2, 4, 8)
    result = {"table": table, "history": history, "initial_state": first}
    result |= {"start": start, "end": end, "limit": limit}
    cases = {"plain": (3, 0.0), "penalised": (3, 1.0), "greedy": (1, 0.0)}
    for name, (beams, weight) in cases.items():
        decoder = tfa.seq2seq.BeamSearchDecoder(
            TableCell(table, history),
            beams,
            embedding_fn=lambda ids: tf.one_hot(ids, vocabulary),
            length_penalty_weight=weight,
            coverage_penalty_weight=0.0,
            maximum_iterations=limit,
        )
        outputs, state, _ = decoder(
            None,
            start_tokens=np.full(len(first), start, "int32"),
            end_token=end,
            initial_state=tfa.seq2seq.tile_batch(first, beams),
        )
        steps = outputs.beam_search_decoder_output
        result |= {
            f"{name}/weight": np.float32(weight),
            f"{name}/ids": outputs.predicted_ids,  # [batch, time, beams]
            f"{name}/lengths": state.lengths,  # with the end token
            f"{name}/step_ids": steps.predicted_ids,
            f"{name}/log_probs": state.log_probs,
            f"{name}/step_parents": steps.parent_ids,
            f"{name}/scores": steps.scores[:, -1],
        }
    return result


def cells() -> dict:
    """Recurrent cells over a few steps from given states, with all weights drawn."""
    x, h, c = normal(40, 3, 5, 6), normal(41, 3, 4), normal(42, 3, 4)
    result = {"x": x, "h": h, "c": c}
    kinds = {
        "layer_norm": tfa.rnn.LayerNormLSTMCell(4),
        "layer_norm_fine": tfa.rnn.LayerNormLSTMCell(4, norm_epsilon=1e-5),
        "peephole": tfa.rnn.PeepholeLSTMCell(4),
    }
    for name, cell in kinds.items():
        layer = tf.keras.layers.RNN(cell, return_sequences=True, return_state=True)
        layer.build(x.shape)
        for seed, weight in enumerate(layer.weights):
            value = normal(43 + seed, *weight.shape, scale=0.7)
            weight.assign(value)
            path = weight.name.removesuffix(":0").split("/")
            key = "_".join(path[-2:] if path[-1] in ("gamma", "beta") else path[-1:])
            result[f"{name}/{key}"] = value
        outputs = layer(x, initial_state=[tf.constant(h), tf.constant(c)])
        for key, value in zip(("y", "last_h", "last_c"), outputs):
            result[f"{name}/{key}"] = value
    return {**result, **layer_norm_alike(x[:, 0], h, c)}


def layer_norm_alike(x, h, c) -> dict:
    """One step of LayerNormLSTMCell where it equals layer normalisation gate by gate.

    Inputs or state alone, and kernels with the same columns for each gate, so that the
    mean over all gates is the mean over each (see test_layer_norm.py).
    """
    kernel, recurrent = normal(60, 6, 4), normal(61, 4, 4)
    result = {}
    for name, source, step in (("input", "kernel", x), ("state", "recurrent", h)):
        cell = tfa.rnn.LayerNormLSTMCell(4, norm_epsilon=1e-5)
        cell.build((None, 6))
        weights = {
            "kernel": (cell.kernel, np.tile(kernel, 4)),
            "recurrent": (cell.recurrent_kernel, np.tile(recurrent, 4)),
            "bias": (cell.bias, normal(62, 16)),
            "gamma": (getattr(cell, f"{source}_norm").gamma, normal(63, 16)),
            "cell_gamma": (cell.state_norm.gamma, normal(64, 4)),
            "cell_beta": (cell.state_norm.beta, normal(65, 4)),
        }
        for key, (variable, value) in weights.items():
            variable.assign(value)
            result[f"layer_norm_{name}/{key}"] = value
        nothing = [tf.zeros(step.shape) for step in (x, h)]
        at = ["kernel", "recurrent"].index(source)
        nothing[at] = tf.constant(step)
        y, _ = cell(nothing[0], [nothing[1], tf.constant(c)])
        result[f"layer_norm_{name}/y"] = y
    return result


def metrics() -> dict:
    """Metrics over two batches, one class never predicted."""
    ids, scores = whole(70, 4, 2, 12), normal(71, 2, 12, 5)
    true = np.eye(5, dtype="float32")[ids]
    scores += true
    scores[..., 3] = -9.0
    labels = (np.random.default_rng(72).random((2, 12, 5)) < 0.4).astype("float32")
    chances = 1 / (1 + np.exp(0.5 - labels - normal(73, 2, 12, 5)))
    result = {"ids": ids, "true": true, "scores": scores}
    result |= {"labels": labels, "chances": chances}

    def run(metric, y_true, y_pred):
        for batch in zip(y_true, y_pred):
            metric.update_state(*batch)
        return metric.result()

    for average in ("macro", "micro", "weighted", None):
        f1 = tfa.metrics.F1Score(5, average=average)
        result[f"f1/{average}"] = run(f1, true, scores)
        f1 = tfa.metrics.F1Score(5, average=average, threshold=0.5)
        result[f"f1_multilabel/{average}"] = run(f1, labels, chances)
        f2 = tfa.metrics.FBetaScore(5, average=average, beta=2.0)
        result[f"f2/{average}"] = run(f2, true, scores)
    result["mcc"] = run(tfa.metrics.MatthewsCorrelationCoefficient(5), true, scores)
    for weightage in (None, "linear", "quadratic"):
        kappa = tfa.metrics.CohenKappa(5, weightage=weightage)
        result[f"kappa/{weightage}"] = run(kappa, true, scores)
    hamming = tfa.metrics.HammingLoss(mode="multilabel", threshold=0.5)
    return {**result, "hamming": run(hamming, labels, chances)}


def losses_and_activations() -> dict:
    """The small pieces that Keras 3 took over."""
    x, labels = normal(80, 6, 5, scale=2.0), whole(81, 2, 6, 5).astype("float32")
    focal = tfa.losses.sigmoid_focal_crossentropy
    result = {"x": x, "labels": labels}
    result["focal"] = focal(labels, 1 / (1 + np.exp(-x)))
    result["focal_logits"] = focal(labels, x, from_logits=True)
    result["gelu"] = tfa.activations.gelu(x)
    for name in ("hardshrink", "softshrink", "tanhshrink", "mish", "sparsemax"):
        result[name] = getattr(tfa.activations, name)(tf.constant(x))
    return result


def optimizers() -> dict:
    """A few steps from given gradients."""
    start, gradients = normal(90, 4, 3), normal(91, 5, 4, 3)
    kinds = {
        "adamw": tfa.optimizers.AdamW(weight_decay=1e-3, learning_rate=0.1),
        "lamb": tfa.optimizers.LAMB(learning_rate=0.1),
    }
    result = {"start": start, "gradients": gradients}
    for name, optimizer in kinds.items():
        variable = tf.Variable(start)
        for gradient in gradients:
            optimizer.apply_gradients([(tf.constant(gradient), variable)])
        result[name] = variable
    return result


SECTIONS = (
    crf,
    sequence_loss,
    attention,
    beam_search,
    cells,
    metrics,
    losses_and_activations,
    optimizers,
)


def generate() -> dict[str, np.ndarray]:
    """All arrays, as `section/name`."""
    return {
        f"{section.__name__}/{name}": np.asarray(value)
        for section in SECTIONS
        for name, value in section().items()
    }


def differences(new: dict, old: dict) -> list[str]:
    """Names that only one side has, or whose values differ."""
    wrong = sorted(new.keys() ^ old.keys())
    for name in sorted(new.keys() & old.keys()):
        a, b = new[name], old[name]
        same = a.shape == b.shape and a.dtype == b.dtype
        if not same or not np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE):
            wrong.append(name)
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    if tfa.__version__ != "0.23.0":
        raise SystemExit(f"tensorflow-addons must be 0.23.0; it is {tfa.__version__}")
    arrays = generate()
    if not check:
        np.savez_compressed(GOLDEN, **arrays)
        print(f"{len(arrays)} arrays, {GOLDEN.stat().st_size} bytes: {GOLDEN.name}")
        return 0
    with np.load(GOLDEN, allow_pickle=False) as golden:
        wrong = differences(arrays, dict(golden))
    print("\n".join(wrong) or f"{len(arrays)} arrays equal")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
