"""The scan's values and own gradient against autodiff of the unrolled equations."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from gradients import BACKEND, MODES, assert_close, value_and_gradients
from keras import ops
from marks import slow_but

from zoo.kernels.recurrence import multiply, recurrence

TIME, BATCH, UNITS, STATE = 5, 3, 4, 2
# Rows of different lengths, one with a hole, one that begins late.
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 0]], bool).T


def draw(seed, *shape):
    return np.random.default_rng(seed).normal(0, 0.5, shape).astype("float32")


def arrays(time=TIME, batch=BATCH):
    return {
        "x": draw(1, time, batch, 4 * UNITS),
        "h": draw(2, batch, STATE),
        "c": draw(3, batch, UNITS),
        "weights": draw(4, STATE, 4 * UNITS),
        "projection": draw(5, UNITS, STATE),
        "peepholes": [draw(6, UNITS), draw(7, UNITS), draw(8, UNITS)],
    }


def affine(x, h, weights):
    return x + multiply(h, weights)


def pointwise(a, c, peepholes):
    i, f, g, o = ops.split(a, 4, axis=-1)
    v_i, v_f, v_o = peepholes
    c = ops.sigmoid(f + v_f * c) * c + ops.sigmoid(i + v_i * c) * ops.tanh(g)
    return ops.sigmoid(o + v_o * c) * ops.tanh(c), c


def project(m, projection):
    return multiply(m, projection)


def score(outputs, h, c):
    """A scalar that every output has a part in."""
    scales = [draw(9 + k, *y.shape) for k, y in enumerate((outputs, h, c))]
    return sum(ops.sum(y * s) for y, s in zip((outputs, h, c), scales))


def unrolled(a, mask=None, dropout=None, reverse=False):
    h, c, outputs = a["h"], a["c"], {}
    steps = range(a["x"].shape[0])
    for t in reversed(steps) if reverse else steps:
        drop = 1.0 if dropout is None else dropout
        drop = drop[t] if np.ndim(drop) == 3 else drop
        pre = affine(a["x"][t], h * drop, a["weights"])
        m, c_new = pointwise(pre, c, a["peepholes"])
        h_new = project(m, a["projection"])
        if mask is not None:
            shown = ops.convert_to_tensor(mask[t][:, None])
            h_new, c_new = ops.where(shown, h_new, h), ops.where(shown, c_new, c)
        h, c = h_new, c_new
        outputs[t] = h
    return ops.stack([outputs[t] for t in steps]), h, c


def fast(a, **options):
    if options.get("mask") is not None:
        options["mask"] = ops.convert_to_tensor(options["mask"])
    outputs, (h, c) = recurrence(
        affine,
        pointwise,
        a["x"],
        (a["h"], a["c"]),
        a["weights"],
        project=project,
        projection=a["projection"],
        peepholes=tuple(a["peepholes"]),
        **options,
    )
    return outputs, h, c


@pytest.mark.parametrize("mode", slow_but(["graph"], MODES))
@pytest.mark.parametrize("keep", ["gates", "states", "inputs"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_equals_autodiff_of_the_unrolled_loop(mode, keep, reverse):
    given = arrays()
    masks = [None, MASK]
    drops = [None, draw(20, BATCH, STATE), draw(21, TIME, BATCH, STATE)]
    pairs = list(itertools.product(masks, drops))
    if mode != "eager":
        pairs = pairs[-1:]
    for mask, dropout in pairs:
        options = {"mask": mask, "dropout": dropout, "reverse": reverse}

        def reference(a, options=options):
            return score(*unrolled(a, **options))

        def kernel(a, options=options):
            return score(*fast(a, keep=keep, **options))

        expected = value_and_gradients(reference, given)
        assert_close(value_and_gradients(kernel, given, mode), expected, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("time, batch", [(1, 3), (4, 1)])
def test_one_step_and_one_row(mode, time, batch):
    given = arrays(time, batch)
    expected = value_and_gradients(lambda a: score(*unrolled(a)), given)
    actual = value_and_gradients(lambda a: score(*fast(a)), given, mode)
    assert_close(actual, expected, 1e-5)


@pytest.mark.slow
def test_nested_states_with_axes_before_the_batch():
    """Two leaves, one with a leading axis of tasks and a batched matmul."""
    given = {
        "x": [draw(1, TIME, BATCH, 8), draw(2, TIME, 2, BATCH, 8)],
        "h": [draw(3, BATCH, 2), draw(4, 2, BATCH, 2)],
        "w": [draw(5, 2, 8), draw(6, 2, 2, 8)],
        "v": [draw(7, 3, 2), draw(8, 2, 3, 1, 2)],
    }

    def several(x, h, w):
        return tuple(affine(*each) for each in zip(x, h, w))

    def both(a, c, v):
        v = ops.unstack(v[0], 3), ops.unstack(v[1], 3, axis=1)
        pairs = [pointwise(*each) for each in zip(a, c, v)]
        return tuple(m for m, _ in pairs), tuple(c for _, c in pairs)

    def kernel(a):
        x, h, w, v = (tuple(a[k]) for k in "xhwv")
        y, (h, c) = recurrence(
            several, both, x, (h, h), w, peepholes=v, mask=ops.convert_to_tensor(MASK)
        )
        return sum(score(*each) for each in zip(y, h, c))

    def reference(a):
        x, h, w, v = (tuple(a[k]) for k in "xhwv")
        c, outputs = h, []
        for t in range(TIME):
            new = both(several((x[0][t], x[1][t]), h, w), c, v)
            shown = ops.convert_to_tensor(MASK[t][:, None])
            h, c = keras.tree.map_structure(
                lambda n, o, shown=shown: ops.where(shown, n, o), new, (h, c)
            )
            outputs.append(h)
        stacks = [ops.stack([y[k] for y in outputs]) for k in (0, 1)]
        return sum(score(*each) for each in zip(stacks, h, c))

    expected = value_and_gradients(reference, given)
    for mode in MODES:
        assert_close(value_and_gradients(kernel, given, mode), expected, 1e-5)


@pytest.mark.parametrize("mode", slow_but(["graph"], MODES))
@pytest.mark.parametrize("keep", ["gates", "states", "inputs"])
def test_a_cell_may_have_no_state_beside_its_output(mode, keep):
    """The pointwise step then reads the output, which a projection has made."""
    given = {
        "x": draw(1, TIME, BATCH, 2 * STATE),
        "h": draw(2, BATCH, STATE),
        "weights": draw(3, STATE, 2 * STATE),
        "projection": draw(4, STATE, STATE),
        "scale": draw(5, STATE),
    }
    dropout = draw(20, TIME, BATCH, STATE)

    def mix(a, h, scale):
        z, g = ops.split(a, 2, axis=-1)
        z = ops.sigmoid(z)
        return (z * scale * h + (1 - z) * ops.tanh(g),)

    def reference(a):
        h, outputs = a["h"], {}
        for t in reversed(range(TIME)):
            pre = affine(a["x"][t], h * dropout[t], a["weights"])
            new = project(mix(pre, h, a["scale"])[0], a["projection"])
            h = ops.where(ops.convert_to_tensor(MASK[t][:, None]), new, h)
            outputs[t] = h
        return score(ops.stack([outputs[t] for t in range(TIME)]), h, h)

    def kernel(a):
        outputs, (h,) = recurrence(
            affine,
            mix,
            a["x"],
            (a["h"],),
            a["weights"],
            project=project,
            projection=a["projection"],
            peepholes=a["scale"],
            mask=ops.convert_to_tensor(MASK),
            dropout=dropout,
            reverse=True,
            keep=keep,
        )
        return score(outputs, h, h)

    expected = value_and_gradients(reference, given)
    assert_close(value_and_gradients(kernel, given, mode), expected, 1e-5)


def test_a_masked_row_holds_its_state_and_reverse_begins_at_its_last_token():
    given = arrays()
    outputs, h, c = fast(given, mask=MASK)
    outputs = ops.convert_to_numpy(outputs)
    np.testing.assert_array_equal(outputs[3, 1], outputs[2, 1])
    np.testing.assert_array_equal(outputs[0, 2], given["h"][2])
    np.testing.assert_array_equal(ops.convert_to_numpy(h), outputs[-1])
    short = {**given, "x": given["x"][:3]}
    for reverse in (False, True):
        long, *_ = fast(given, mask=MASK, reverse=reverse)
        alone, *_ = fast(short, mask=MASK[:3], reverse=reverse)
        assert_close(long[:3, 1], alone[:, 1], 1e-6)


def test_a_row_of_nan_leaves_the_other_rows_alone():
    given = arrays()
    clean = fast(given)
    given["x"][1, 0, 3] = np.nan
    outputs, h, c = fast(given)
    assert np.isnan(ops.convert_to_numpy(h)[0]).all()
    assert_close(outputs[:, 1:], clean[0][:, 1:], 0)
    assert_close([h[1:], c[1:]], [clean[1][1:], clean[2][1:]], 0)


def test_the_cell_accumulates_in_the_type_of_its_state():
    given = arrays()

    def in_float32(a, c, peepholes):
        return pointwise(ops.cast(a, "float32"), c, peepholes)

    def run(a):
        half = {k: ops.cast(a[k], "bfloat16") for k in ("x", "h", "weights")}
        outputs, (h, c) = recurrence(
            affine,
            in_float32,
            half["x"],
            (half["h"], a["c"]),
            half["weights"],
            project=project,
            projection=ops.cast(a["projection"], "bfloat16"),
            peepholes=tuple(a["peepholes"]),
        )
        return outputs, h, c

    outputs, h, c = run(given)
    types = [keras.backend.standardize_dtype(y.dtype) for y in (outputs, h, c)]
    assert types == ["bfloat16", "bfloat16", "float32"]
    full = value_and_gradients(lambda a: score(*unrolled(a)), given)

    def loss(a):
        return score(*(ops.cast(y, "float32") for y in run(a)))

    for mode in MODES:
        assert_close(value_and_gradients(loss, given, mode), full, 0.05)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="JAX has no unknown sizes")
def test_time_and_batch_may_be_unknown_while_tracing():
    import tensorflow as tf

    given = arrays()

    @tf.function(input_signature=[tf.TensorSpec([None, None, 4 * UNITS])])
    def run(x):
        batch = tf.shape(x)[1]
        a = {**given, "h": tf.zeros((batch, STATE)), "c": tf.zeros((batch, UNITS))}
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = score_any(*fast({**a, "x": x}))
        return tape.gradient(y, x)

    def score_any(outputs, h, c):
        return tf.reduce_sum(outputs**2) + tf.reduce_sum(h * 2) + tf.reduce_sum(c)

    for time, batch in ((5, 3), (1, 2)):
        a = arrays(time, batch)
        zeros = {"h": 0 * a["h"], "c": 0 * a["c"]}
        _, expected = value_and_gradients(
            lambda v, a=a, z=zeros: score_any(*unrolled({**a, **z, "x": v})), a["x"]
        )
        assert_close(run(a["x"]), expected, 1e-5)


def test_an_unknown_keep_is_refused():
    with pytest.raises(ValueError, match="`keep` .*one of gates.*Received: keep='all'"):
        fast(arrays(), keep="all")
