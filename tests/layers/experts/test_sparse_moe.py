"""The mixture of experts against its equations in NumPy, and its hard cases."""

from __future__ import annotations

import dataclasses
import math

import keras
import numpy as np
import pytest
from gradients import BACKEND, call_once
from keras import ops
from marks import HALF_PRECISION, not_on_jax, slow_but

from zoo.kernels.grouped import grouped_matmul
from zoo.layers import SparseMoE
from zoo.layers.experts.gates import (
    Routing,
    cv_squared,
    probability_in_top_k,
    spread_gates,
)

WIDTH, HIDDEN = 6, 5
FORMS = ["blocks", "dense"] + (["sliced"] if BACKEND == "tensorflow" else [])
if BACKEND == "jax":  # what a compiled call of a gate returns
    import jax

    fields = [field.name for field in dataclasses.fields(Routing)]
    jax.tree_util.register_dataclass(Routing, fields, [])


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def make(num_experts=5, k=2, *, inputs=(3, 4, WIDTH), **options):
    """A built layer whose weights are large enough that a wrong term shows."""
    keras.utils.set_random_seed(0)
    layer = SparseMoE(num_experts, k, HIDDEN, name="moe", **options)
    layer.build(inputs)
    generator = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(generator.normal(0, 0.7, weight.shape))
    return layer


def answer(layer, *inputs, **call_arguments):
    """What one call of a layer or of its gate returns."""
    return call_once(layer, *inputs, **call_arguments)[0]


def named(layer):
    weights = layer.trainable_weights
    return {w.path.split("moe/")[-1]: ops.convert_to_numpy(w) for w in weights}


def softmax(x):
    x = np.exp(x - x.max())
    return x / x.sum()


def expert(layer, i, x):
    kernels = [ops.convert_to_numpy(kernel)[i] for kernel in layer.kernels]
    for index, kernel in enumerate(kernels):
        x = (np.maximum(x, 0) if index else x) @ kernel
    return x


def gates_of(layer, x):
    """Gates of one token by expert, without noise."""
    n, k = layer.num_experts, layer.k
    if n == 1:
        return np.ones(1)
    weights = named(layer)
    gates = np.zeros(n)
    if layer.groups:
        first = x @ weights["gate/kernel"]
        groups = np.argsort(-first)[: min(k, layer.groups)]
        each = n // layer.groups
        for group, outer in zip(groups, softmax(first[groups]), strict=True):
            second = x @ weights["gate/group_kernel"][group]
            chosen = np.argsort(-second)[: min(k, each)]
            for place, inner in zip(chosen, softmax(second[chosen]), strict=True):
                gates[group * each + place] = outer * inner
        return gates
    logits = x @ weights["gate/kernel"]
    if layer.gating == "balanced":
        scores = softmax(logits)
        gates = np.where(scores > weights["gate/thresholds"], scores, 0.0)
        return gates / max(gates.sum(), 1e-20)
    chosen = np.argsort(-logits)[:k]
    if layer.gating == "switch":
        gates[chosen] = softmax(logits)[chosen]
    else:
        gates[chosen] = softmax(logits[chosen])
    return gates


def reference(layer, inputs):
    rows = inputs.reshape(-1, WIDTH)
    out = [
        sum(g * expert(layer, i, x) for i, g in enumerate(gates_of(layer, x)))
        for x in rows
    ]
    return np.reshape(out, (*inputs.shape[:-1], -1))


CASES = {
    "two of five": {},
    "one": {"k": 1},
    "all": {"k": 5},
    "one expert": {"num_experts": 1, "k": 1},
    "switch": {"gating": "switch", "k": 1},
    "switch of two": {"gating": "switch"},
    "balanced": {"gating": "balanced"},
    "groups": {"num_experts": 6, "groups": 3},
    "one group": {"num_experts": 6, "groups": 1},
    "groups of one": {"num_experts": 3, "groups": 3},
    "wider output": {"output_dim": 9},
}
QUICK = ["two of five", "switch", "balanced", "groups"]
every_case = pytest.mark.parametrize(
    "case", slow_but(QUICK, CASES, ["one expert", "groups of one"])
)
every_form = pytest.mark.parametrize("form", FORMS)


@every_case
@every_form
def test_outputs_follow_the_equations(case, form):
    layer = make(**CASES[case], form=form)
    x = numbers(3, 4, WIDTH)
    found = answer(layer, x)
    np.testing.assert_allclose(found, reference(layer, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("hidden", [[4, 7], [3]])
def test_deeper_experts(hidden):
    layer = SparseMoE(3, 2, hidden, name="moe")
    x = numbers(4, WIDTH)
    layer.build(x.shape)
    found = answer(layer, x)
    np.testing.assert_allclose(found, reference(layer, x), rtol=1e-4, atol=1e-5)


def gradients(layer, x, weight, mask=None, training=False):
    """Of `sum(y * weight)` plus the layer's losses: by inputs and by each weight."""

    def loss(x):
        y = layer(x, mask=mask, training=training)
        return ops.sum(y * weight) + sum(layer.losses, ops.zeros(()))

    variables = layer.trainable_variables
    if BACKEND == "tensorflow":
        import tensorflow as tf

        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(x)
        found = tape.gradient(value, [x, *[v.value for v in variables]])
        zero = [x, *[v.value for v in variables]]
        return [
            np.zeros(z.shape) if f is None else tf.convert_to_tensor(f).numpy()
            for f, z in zip(found, zero, strict=True)
        ]
    import jax

    def pure(x, values):
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            return loss(x)

    compiled = jax.jit(jax.grad(pure, argnums=(0, 1)))
    found = compiled(x, [v.value for v in variables])
    return [ops.convert_to_numpy(g) for g in (found[0], *found[1])]


@every_case
def test_all_forms_agree_in_gradients(case):
    x, w = numbers(3, 4, WIDTH), numbers(3, 4, 1, seed=4)
    mask = numbers(3, 4, seed=5) > -0.5
    found = [gradients(make(**CASES[case], form=f), x, w, mask) for f in FORMS]
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
    assert all(np.isfinite(g).all() for g in found[0])


def test_gradients_are_those_of_finite_differences():
    layer = make(form=FORMS[-1])
    x, w = numbers(2, WIDTH), numbers(2, 1, seed=4)
    found = gradients(layer, x, w)[0]

    def value(x):
        return float(np.sum(reference(layer, x.astype("float64")) * w))

    for place in np.ndindex(x.shape):
        step = np.zeros_like(x, "float64")
        step[place] = 1e-5
        slope = (value(x + step) - value(x - step)) / 2e-5
        assert found[place] == pytest.approx(slope, rel=1e-2, abs=1e-3)


def test_one_expert_a_token_gives_the_switch_gate_a_gradient():
    layer = make(k=1, gating="switch")
    *_, kernel = gradients(layer, numbers(4, WIDTH), 1.0)[:2]
    assert np.abs(kernel).max() > 1e-3


@pytest.mark.parametrize("counts", [[3, 0, 40, 1], [0, 0, 0, 0], [0, 50, 0, 0]])
@pytest.mark.parametrize("form", [f for f in FORMS if f != "dense"])
def test_grouped_matmul(counts, form):
    rows, weights = numbers(50, 3), numbers(4, 3, 2)
    expected, start = np.zeros((50, 2), "float32"), 0
    for group, count in enumerate(counts):
        part = slice(start, start + count)
        expected[part] = rows[part] @ weights[group]
        start += count
    found = grouped_matmul(
        ops.convert_to_tensor(rows),
        ops.convert_to_tensor(weights),
        ops.convert_to_tensor(np.array(counts, "int32")),
        form=form,
    )
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


@pytest.mark.tensorflow
def test_the_gradient_of_untouched_experts_is_not_there():
    import tensorflow as tf

    rows, weights = tf.constant(numbers(6, 3)), tf.constant(numbers(1000, 3, 2))
    counts = tf.scatter_nd([[7], [900]], [4, 2], [1000])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        y = grouped_matmul(rows, weights, counts, sparse_gradient=True)
        total = tf.reduce_sum(y)
    gradient = tape.gradient(total, weights)
    assert isinstance(gradient, tf.IndexedSlices)
    assert gradient.indices.numpy().tolist() == [7, 900]
    with tf.GradientTape() as tape:
        tape.watch(weights)
        total = tf.reduce_sum(grouped_matmul(rows, weights, counts))
    dense = tape.gradient(total, weights)
    np.testing.assert_allclose(tf.convert_to_tensor(gradient), dense, atol=1e-6)


@pytest.mark.tensorflow
@pytest.mark.parametrize("counts", [[20, 0, 0, 0], [5, 5, 4, 6]])
def test_gradients_of_uneven_and_even_groups(counts):
    """Two ways to the same gradient, chosen by how even the groups are."""
    import tensorflow as tf

    rows, weights = tf.constant(numbers(20, 3)), tf.constant(numbers(4, 3, 2))
    cotangent = numbers(20, 2, seed=2)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        y = grouped_matmul(rows, weights, tf.constant(counts))
        total = tf.reduce_sum(y * cotangent)
    ends = np.cumsum(counts)
    expected = [
        rows.numpy()[end - count : end].T @ cotangent[end - count : end]
        for count, end in zip(counts, ends, strict=True)
    ]
    np.testing.assert_allclose(tape.gradient(total, weights), expected, atol=1e-5)


@not_on_jax
@every_case
@every_form
def test_masked_tokens_go_nowhere_and_do_not_count(case, form):
    x, mask = numbers(3, 4, WIDTH), numbers(3, 4, seed=5) > 0
    layer = make(**CASES[case], form=form)
    found = ops.convert_to_numpy(layer(x, mask=mask))
    assert not found[~mask].any()
    np.testing.assert_allclose(
        found[mask], reference(layer, x[mask]), rtol=1e-4, atol=1e-5
    )
    other = np.where(mask[..., None], x, np.float32("nan"))
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(other, mask=mask)), found)
    losses = []
    for tokens in (x, other):
        layer(tokens, mask=mask, training=True)
        losses.append([float(loss) for loss in layer.losses])
    assert np.isfinite(losses).all()


@not_on_jax
@every_case
@every_form
@pytest.mark.parametrize("shape", [(1, WIDTH), (2, 1, WIDTH)])
def test_nothing_to_do(case, form, shape):
    layer = make(**CASES[case], form=form, inputs=shape)
    nothing = np.zeros(shape[:-1], bool)
    y = ops.convert_to_numpy(layer(numbers(*shape), mask=nothing, training=True))
    assert y.shape[:-1] == shape[:-1] and not y.any()
    assert all(float(loss) == 0 for loss in layer.losses)
    if BACKEND == "tensorflow" or form == "dense":
        assert layer(np.zeros((0, WIDTH), "float32")).shape[0] == 0


@every_form
def test_a_token_of_nan_spoils_itself_alone(form):
    layer, x = make(form=form), numbers(5, WIDTH)
    expected = answer(layer, x)
    x[2] = np.nan
    found = answer(layer, x, training=False)
    np.testing.assert_allclose(np.delete(found, 2, 0), np.delete(expected, 2, 0), 1e-5)
    _, losses = call_once(layer, x, training=True)
    assert losses and all(np.isfinite(float(loss)) for loss in losses)


@not_on_jax
@pytest.mark.slow
@every_case
def test_an_answer_does_not_depend_on_the_batch(case):
    layer, x = make(**CASES[case]), numbers(40, WIDTH)
    together = ops.convert_to_numpy(layer(x))
    generator = np.random.default_rng(3)
    for _ in range(20):
        rows = generator.choice(40, generator.integers(1, 9), replace=False)
        found = ops.convert_to_numpy(layer(x[rows]))
        np.testing.assert_allclose(found, together[rows], rtol=1e-4, atol=1e-5)


def test_noise_is_there_in_training_alone():
    layer, x = make(), numbers(30, WIDTH)
    np.testing.assert_array_equal(*(answer(layer, x) for _ in "ab"))
    one, two = (np.asarray(answer(layer, x, training=True)) for _ in "ab")
    assert (one != two).any()


def test_routing_starts_uniform():
    keras.utils.set_random_seed(0)
    layer = SparseMoE(8, 2, HIDDEN)
    gate = layer.gate
    x = numbers(4000, WIDTH)
    layer.build(x.shape)
    routing = answer(gate, x, np.ones(4000, "bool"), training=True)
    counts = np.bincount(ops.convert_to_numpy(routing.experts).ravel(), minlength=8)
    assert counts.sum() == 8000
    # (n - k) / (k S) is the expected CV² of counts of uniform choices.
    spread = counts.var() / counts.mean() ** 2
    assert spread < 5 * (8 - 2) / (2 * 4000)
    np.testing.assert_allclose(ops.sum(routing.gates, axis=-1), 1.0, rtol=1e-5)


def test_probability_in_top_k_is_that_of_drawing_its_noise_again():
    generator = np.random.default_rng(0)
    clean, deviation = generator.normal(size=6), generator.uniform(0.3, 1.5, 6)
    noisy = clean + deviation * generator.normal(size=6)
    found = ops.convert_to_numpy(
        probability_in_top_k(
            *(x[None].astype("float32") for x in (clean, noisy, deviation)), 2
        )
    )[0]
    for i in range(6):
        others = np.sort(np.delete(noisy, i))[::-1]
        drawn = clean[i] + deviation[i] * generator.normal(size=100_000)
        assert found[i] == pytest.approx((drawn > others[1]).mean(), abs=0.01)
    assert (
        ops.convert_to_numpy(probability_in_top_k(noisy, noisy, noisy, 6)) == 1
    ).all()


def test_expected_load_is_the_expected_count():
    """Over all noise, the smooth load and the hard counts have the same mean."""
    keras.utils.set_random_seed(0)
    layer = make(num_experts=6)
    x, real = numbers(50, WIDTH), np.ones(50, "bool")
    load, counts = np.zeros(6), np.zeros(6)
    for _ in range(200):
        routing = answer(layer.gate, x, real, training=True)
        load += ops.convert_to_numpy(routing.load)
        counts += np.bincount(
            ops.convert_to_numpy(routing.experts).ravel(), minlength=6
        )
    np.testing.assert_allclose(load / 200, counts / 200, rtol=0.05, atol=0.3)


def test_losses_follow_the_equations():
    layer = make(importance_loss=0.3, load_loss=0.2)
    x = numbers(20, WIDTH)
    seed = layer.gate.seed_generator
    state = ops.convert_to_numpy(seed.state)
    routing = answer(layer.gate, x, np.ones(20, "bool"), training=True)
    seed.state.assign(state)
    _, losses = call_once(layer, x, training=True)
    gates = ops.convert_to_numpy(spread_gates(routing.gates, routing.experts, 5))
    importance = gates.sum(0)
    load = ops.convert_to_numpy(routing.load)
    expected = [
        0.3 * importance.var() / importance.mean() ** 2,
        0.2 * load.var() / load.mean() ** 2,
    ]
    np.testing.assert_allclose([float(loss) for loss in losses], expected, 1e-5)


def test_the_z_loss_follows_its_equation():
    layer = make(gating="switch", z_loss=0.5, importance_loss=0, load_loss=0)
    x, mask = numbers(6, WIDTH), np.arange(6) < 4
    _, losses = call_once(layer, x, mask=mask, training=True)
    logits = x[:4] @ named(layer)["gate/kernel"]
    expected = 0.5 * np.mean(np.log(np.exp(logits).sum(-1)) ** 2)
    assert float(sum(losses)) == pytest.approx(expected, rel=1e-5)


def test_balanced_gating_gives_every_expert_as_many_tokens():
    layer, x = make(8, gating="balanced", load_loss=0.3), numbers(40, WIDTH) + 1.0
    mask = np.arange(40) % 5 > 0  # 32 real tokens: 2 * 32 / 8 of them an expert
    routing, losses = call_once(layer.gate, x, mask, training=True)
    experts = ops.convert_to_numpy(routing.experts)
    assert np.bincount(experts[mask].ravel(), minlength=9)[:8].tolist() == [8] * 8
    assert (experts[~mask] == 8).all()
    weights = named(layer)
    scores = np.apply_along_axis(softmax, -1, x[mask] @ weights["gate/kernel"])
    chosen = scores >= np.sort(scores, axis=0)[-8]
    gates = np.where(chosen, scores, 0.0)
    sums = ops.convert_to_numpy(ops.sum(routing.gates, axis=-1))
    np.testing.assert_allclose(sums[mask], gates.any(-1), atol=1e-6)
    shares = gates / np.maximum(gates.sum(-1, keepdims=True), 1e-20)
    np.testing.assert_allclose(routing.importance, shares.sum(0), rtol=1e-4)
    above = scores > weights["gate/thresholds"]
    differ = above.astype(float) - chosen
    loss = 0.3 * np.sum(differ * (scores - weights["gate/thresholds"])) / 32
    assert float(sum(losses)) == pytest.approx(loss, rel=1e-4)


def test_equal_scores_do_not_overfill_balanced_experts():
    layer = make(4, gating="balanced")
    x = np.tile(numbers(1, WIDTH), (10, 1))
    routing = answer(layer.gate, x, np.ones(10, "bool"), training=True)
    np.testing.assert_array_equal(routing.load, [5] * 4)


@pytest.mark.slow
def test_thresholds_learn_to_balance():
    """Trained on skewed tokens, inference loads the experts about as evenly."""
    keras.utils.set_random_seed(0)
    layer = SparseMoE(8, 2, 4, gating="balanced", importance_loss=0.0)
    model = keras.Sequential([keras.Input((WIDTH,)), layer])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x = numbers(512, WIDTH) + 2.0

    def counts():
        routing = layer.gate(ops.convert_to_tensor(x), ops.ones((512,), "bool"))
        return ops.convert_to_numpy(routing.load)

    model.fit(x, x, batch_size=256, epochs=60, verbose=0)
    found = counts()
    assert 0.6 < found.sum() / (2 * 512) < 1.6, found
    assert found.max() / found.mean() < 2.0, found


def test_cv_squared_is_safe():
    assert float(cv_squared(ops.zeros((4,)))) == 0
    assert float(cv_squared(ops.ones((1,)))) == 0
    assert float(cv_squared(ops.convert_to_tensor([1.0, 3.0]))) == pytest.approx(0.25)


def test_several_gates_are_several_layers_over_the_same_experts():
    layer = make(gates=3, inputs=(4, 3, WIDTH))
    x, kernels = numbers(4, 3, WIDTH), ops.convert_to_numpy(layer.gate.kernel)
    found = answer(layer, x)
    one = make(inputs=(4, WIDTH))
    for mine, theirs in zip(one.kernels, layer.kernels, strict=True):
        mine.assign(theirs)
    for task in range(3):
        one.gate.kernel.assign(kernels[task])
        expected = answer(one, x[:, task])
        np.testing.assert_allclose(found[:, task], expected, rtol=1e-4, atol=1e-5)


def test_one_group_is_the_flat_gate():
    flat, grouped = make(6), make(6, groups=1)
    weights = named(flat)
    grouped.gate.group_kernel.assign(weights["gate/kernel"][None])
    for one, other in zip(flat.kernels, grouped.kernels, strict=True):
        other.assign(one)
    x = numbers(9, WIDTH)
    np.testing.assert_allclose(answer(grouped, x), answer(flat, x), atol=1e-5)
    real = np.ones(9, "bool")
    one, two = (answer(layer.gate, x, real) for layer in (flat, grouped))
    np.testing.assert_allclose(one.importance, two.importance, atol=1e-5)
    np.testing.assert_allclose(one.load, two.load, atol=1e-5)


def test_capacity_drops_in_training_alone_and_says_so():
    layer = make(num_experts=4, k=1, capacity_factor=0.5)
    x = np.tile(numbers(1, WIDTH), (16, 1))  # all to one expert
    layer.gate.noise_kernel.assign(-100 * np.ones((WIDTH, 4)) * np.sign(x[0])[:, None])
    y = np.asarray(answer(layer, x, training=True))
    kept = y.any(axis=-1)
    assert kept.tolist() == [True] * 2 + [False] * 14  # 0.5 * 16 / 4 tokens
    found = {part: float(m.result()) for part, m in layer.routing_metrics.means.items()}
    assert found["dropped"] == pytest.approx(14 / 16)
    assert found["max_over_mean"] == pytest.approx(4)
    assert found["entropy"] == pytest.approx(0, abs=1e-6)
    assert np.asarray(answer(layer, x)).any(axis=-1).all()


@pytest.mark.parametrize("policy", HALF_PRECISION)
def test_the_gate_is_in_float32_under_every_policy(policy):
    layer = make(dtype=policy)
    x = numbers(6, WIDTH)
    found = answer(layer, x)
    assert keras.backend.standardize_dtype(found.dtype) == policy[6:]
    routing = answer(layer.gate, x, np.ones(6, "bool"))
    assert keras.backend.standardize_dtype(routing.gates.dtype) == "float32"
    np.testing.assert_allclose(
        ops.convert_to_numpy(ops.cast(found, "float32")),
        reference(layer, x),
        rtol=0.1,
        atol=0.15,
    )


@not_on_jax
@pytest.mark.slow
def test_balance_losses_balance():
    """Skewed inputs: without the losses one expert takes all, with them none does."""

    def most_loaded(weight):
        keras.utils.set_random_seed(0)
        layer = SparseMoE(8, 2, 4, importance_loss=weight, load_loss=weight, name="moe")
        model = keras.Sequential([keras.Input((WIDTH,)), layer])
        model.compile(keras.optimizers.Adam(0.03), "mse")
        x = numbers(512, WIDTH) + 2.0
        logs = model.fit(x, x, batch_size=256, epochs=30, verbose=0)
        return logs.history["moe_max_over_mean"][-1]

    found = most_loaded(0.1), most_loaded(0.0)
    assert found[0] < 2.0 < 3.5 < found[1], found


@pytest.mark.parametrize("case", ["two of five", "switch", "balanced", "groups"])
def test_a_saved_layer_comes_back(case, tmp_path):
    layer = make(**CASES[case])
    inputs = keras.Input((4, WIDTH))
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    x = numbers(3, 4, WIDTH)
    found, expected = (one.predict_on_batch(x) for one in (again, model))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert again.layers[-1].get_config() == layer.get_config()


def test_bad_arguments():
    for options, message in (
        ({"k": 6}, "`k` must be at most `num_experts`. Received: k=6"),
        ({"k": 0}, "`k` must be an integer of at least 1"),
        ({"gating": "soft"}, "`gating` must be one of .*Received: gating='soft'"),
        ({"form": "loop"}, "`form` must be one of"),
        ({"gates": 2, "gating": "switch"}, "Several `gates` need.*Received: gates=2"),
        ({"groups": 2}, "`groups` must divide `num_experts`.*Received: groups=2"),
    ):
        with pytest.raises(ValueError, match=message):
            make(**options)


@every_case
def test_weights_are_counted_without_building(case):
    layer = make(**CASES[case])
    built = sum(math.prod(weight.shape) for weight in layer.trainable_weights)
    assert layer.count_weights(WIDTH)[0] == built


@pytest.mark.parametrize(
    ("experts", "k", "groups", "expected"),
    [
        (256, 4, None, (272_891_904, 8_650_752)),
        (256, 2, 16, (272_908_288, 8_437_760)),
        (4096, 2, 16, (4_303_372_288, 8_929_280)),
        (131_072, 2, 256, (137_577_627_648, 9_699_328)),
    ],
)
def test_parameters_and_operations_of_the_paper(experts, k, groups, expected):
    """Tables 7 and 8 of Shazeer et al. 2017: with the two LSTMs of width 512."""
    lstms = 2 * 4 * (512 + 512) * 512
    found = SparseMoE(experts, k, 1024, groups=groups).count_weights(512)
    assert tuple(count + lstms for count in found) == expected
