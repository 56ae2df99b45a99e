"""Beam search against all sequences, and against a plain search over lists."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

import keras  # noqa: E402

from zoo.decoding import beam_search, greedy_search, repeat_rows  # noqa: E402
from zoo.layers.attention import MultiplicativeAttention  # noqa: E402

BEGIN, END = 0, 1
LENGTHS = (4, 1, 3)  # of the memories
PENALTIES = list(itertools.product((0.0, 0.6, 1.4), (0.0, 0.3)))


class Tiny:
    """A recurrent network that attends over a memory, in TensorFlow and in NumPy."""

    def __init__(self, seed, vocab=4, rows=3, width=3, sharpness=2.0):
        random = np.random.default_rng(seed)
        self.vocab, self.rows = vocab, rows
        shapes = {
            "embedding": (vocab, width),
            "kernel": (2 * width, width),
            "softmax": (2 * width, vocab),
            "memory": (rows, 4, width),
            "state": (rows, width),
        }
        self.weights = {
            name: (random.normal(size=shape) * sharpness).astype("float32")
            for name, shape in shapes.items()
        }
        lengths = np.resize(LENGTHS, rows)[:, None]
        self.weights["mask"] = np.arange(4) < lengths

    def of(self, row):
        """The same network for one row alone."""
        alone = object.__new__(Tiny)
        alone.vocab, alone.rows, alone.weights = self.vocab, 1, dict(self.weights)
        for name in ("memory", "state", "mask"):
            alone.weights[name] = self.weights[name][row : row + 1]
        return alone

    def step(self, row, word, state):
        """In float64: log-probabilities `[vocab]`, state, attention `[time]`."""
        w = {name: np.asarray(v, "float64") for name, v in self.weights.items()}
        memory = w["memory"][row][self.weights["mask"][row]]
        state = np.tanh(np.concatenate([w["embedding"][word], state]) @ w["kernel"])
        attention = np.exp(memory @ state)
        attention /= attention.sum()
        logits = np.concatenate([state, attention @ memory]) @ w["softmax"]
        return logits - np.log(np.exp(logits).sum()), state, attention


def tensor_step(w, rows):
    """The step of `Tiny` on tensors; the memory is not repeated for the beams."""

    def step(ids, state):
        (old,) = state["h"]
        word = tf.gather(w["embedding"], ids)
        new = tf.tanh(tf.concat([word, old], 1) @ w["kernel"])
        width = tf.shape(new)[1]
        query = tf.reshape(new, [rows, -1, width])
        scores = tf.matmul(query, w["memory"], transpose_b=True)
        scores = tf.where(w["mask"][:, None], scores, -float("inf"))
        attention = tf.nn.softmax(scores)
        context = tf.reshape(attention @ w["memory"], [-1, width])
        logits = tf.concat([new, context], 1) @ w["softmax"]
        attention = tf.reshape(attention, [-1, tf.shape(w["mask"])[1]])
        return tf.nn.log_softmax(logits), {"h": (new,)}, attention

    return step


def search_of(w, rows, vocab, **options):
    return beam_search(
        tensor_step(w, rows),
        {"h": (w["state"],)},
        batch=rows,
        vocab_size=vocab,
        begin=BEGIN,
        end=END,
        memory_mask=w["mask"],
        **options,
    )


def found_by(model, **options):
    """Runs the search eagerly; NumPy arrays."""
    w = {name: tf.constant(value) for name, value in model.weights.items()}
    found = search_of(w, model.rows, model.vocab, **options)
    return [None if x is None else x.numpy() for x in found]


def score(total, length, coverage, alpha, beta, mask=None):
    covered = np.log(np.minimum(coverage, 1.0)).sum() if beta else 0.0
    return total / ((5 + length) / 6) ** alpha + beta * covered


def every_sequence(model, row, max_steps, alpha, beta):
    """All (ended?, score, ids, log-probability), the best first, ended ones first."""
    found = []

    def extend(ids, state, total, coverage):
        length = len(ids)
        ended = bool(ids) and ids[-1] == END
        if ended or length == max_steps:
            value = score(total, length, coverage, alpha, beta)
            found.append((ended, value, ids, total))
            return
        word = ids[-1] if ids else BEGIN
        gained, state, attention = model.step(row, word, state)
        for word in range(model.vocab):
            extend([*ids, word], state, total + gained[word], coverage + attention)

    start = model.weights["state"][row].astype("float64")
    extend([], start, 0.0, np.zeros(model.weights["mask"][row].sum()))
    return sorted(found, key=lambda f: (-f[0], -f[1]))


def plain_search(model, row, beam, max_steps, alpha, beta):
    """The search as its docstring says it, over Python lists, never stopping early."""
    live = [([], model.weights["state"][row].astype("float64"), 0.0, 0.0)]
    ended = []
    for length in range(1, max_steps + 1):
        candidates = []
        for ids, state, total, coverage in live:
            gained, state, attention = model.step(row, ids[-1] if ids else BEGIN, state)
            candidates += [
                ([*ids, w], state, total + gained[w], coverage + attention)
                for w in range(model.vocab)
            ]
        best = sorted(candidates, key=lambda c: -c[2])[:beam]
        ended += [
            (True, score(t, length, c, alpha, beta), i, t)
            for i, _, t, c in best
            if i[-1] == END
        ]
        live = [c for c in best if c[0][-1] != END]
    cut = [(False, score(t, max_steps, c, alpha, beta), i, t) for i, _, t, c in live]
    return sorted(ended + cut, key=lambda f: (-f[0], -f[1]))


def assert_found(found, row, expected):
    """`found` of a row against the best of a list of hypotheses."""
    ids, lengths, totals, scores, _ = found
    known = [tuple(i[:n]) for i, n in zip(ids[row], lengths[row]) if n]
    assert len(set(known)) == len(known)
    for place in range(ids.shape[1]):
        if place >= len(expected):
            assert lengths[row, place] == 0 and not ids[row, place].any()
            assert scores[row, place] == totals[row, place] == -np.inf
            continue
        ended, value, *_ = expected[place]
        length = lengths[row, place]
        words = ids[row, place, :length].tolist()
        # Scores closer than float32 can tell apart may come in either order.
        same = [e for e in expected if e[0] == ended and abs(e[1] - value) < 1e-5]
        (total,) = (e[3] for e in same if e[2] == words)
        assert not ids[row, place, length:].any()
        np.testing.assert_allclose(scores[row, place], value, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(totals[row, place], total, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def traced():
    """One graph for many networks, penalties and batches: everything is an input."""
    sizes = {
        "embedding": [4, 3],
        "kernel": [6, 3],
        "softmax": [6, 4],
        "memory": [None, None, 3],
        "state": [None, 3],
    }
    specs = {name: tf.TensorSpec(size) for name, size in sizes.items()}
    specs["mask"] = tf.TensorSpec([None, None], tf.bool)
    number = tf.TensorSpec([])
    functions = {}

    def function(beam, n_best, **options):
        key = (beam, n_best, *options.items())
        if key in functions:
            return functions[key]

        @tf.function(
            input_signature=[specs, tf.TensorSpec([None], tf.int32), number, number],
            autograph=False,
        )
        def run(w, max_steps, alpha, beta):
            return search_of(
                w,
                tf.shape(w["mask"])[0],
                4,
                beam=beam,
                n_best=n_best,
                max_steps=max_steps,
                length_penalty=alpha,
                coverage_penalty=beta,
                **options,
            )

        def call(model, max_steps, alpha, beta):
            found = run(model.weights, np.array(max_steps, "int32"), alpha, beta)
            return [None if x is None else x.numpy() for x in found]

        functions[key] = call
        return call

    return function


@pytest.mark.parametrize("alpha,beta", PENALTIES)
def test_a_wide_beam_finds_the_best_of_all_sequences(traced, alpha, beta):
    search, limits = traced(beam=108, n_best=7), (4, 3, 2)
    for seed in range(20):
        model = Tiny(seed)
        found = search(model, limits, alpha, beta)
        for row, limit in enumerate(limits):
            assert_found(found, row, every_sequence(model, row, limit, alpha, beta))


@pytest.mark.parametrize("alpha,beta", PENALTIES)
@pytest.mark.parametrize("beam,n_best", [(1, 1), (2, 1), (3, 3), (5, 2)])
def test_a_narrow_beam_keeps_the_best_of_each_step(traced, alpha, beta, beam, n_best):
    search, limits = traced(beam=beam, n_best=n_best), (9, 4, 1)
    for seed in range(6):
        model = Tiny(seed)
        found = search(model, limits, alpha, beta)
        for row, limit in enumerate(limits):
            expected = plain_search(model, row, beam, limit, alpha, beta)
            assert_found(found, row, expected)


@pytest.mark.parametrize("alpha,beta", PENALTIES)
def test_stopping_early_changes_nothing(traced, alpha, beta):
    early = traced(beam=3, n_best=2, return_attention=True)
    late = traced(beam=3, n_best=2, return_attention=True, early_stop=False)
    for seed in range(12):
        model = Tiny(seed, sharpness=1.0 + seed % 3)
        pair = (run(model, (12, 6, 9), alpha, beta) for run in (early, late))
        for one, other in zip(*pair):
            np.testing.assert_array_equal(one, other)


def test_stopping_early_saves_steps():
    table = tf.math.log([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])
    for early, expected in ((True, 1), (False, 20)):
        calls = []

        def step(ids, state, calls=calls):
            calls.append(1)
            return tf.gather(table, ids), state, None

        beam_search(
            step,
            (),
            batch=2,
            vocab_size=3,
            beam=2,
            max_steps=20,
            begin=BEGIN,
            end=END,
            early_stop=early,
        )
        # After one step 0.8 has ended and 0.1 is live, which cannot beat it.
        assert len(calls) == expected


@pytest.mark.parametrize("alpha,beta", PENALTIES)
def test_a_row_is_answered_as_if_it_were_alone(traced, alpha, beta):
    search = traced(beam=3, n_best=3, return_attention=True)
    for seed in range(4):
        model, limits = Tiny(seed), (7, 3, 5)
        together = search(model, limits, alpha, beta)
        for row, limit in enumerate(limits):
            alone = search(model.of(row), (limit,), alpha, beta)
            ids, lengths, *numbers = (x[row] for x in together)
            assert lengths.tolist() == alone[1][0].tolist()
            assert ids[:, :limit].tolist() == alone[0][0].tolist()
            for one, other in zip(numbers[:2], alone[2:4]):
                np.testing.assert_allclose(one, other[0], atol=1e-5)
            np.testing.assert_allclose(numbers[2][:, :limit], alone[4][0], atol=1e-5)
            assert not ids[:, limit:].any() and not numbers[2][:, limit:].any()


@pytest.mark.parametrize("seed", range(6))
def test_greedy_takes_the_likeliest_token(seed):
    model, limits = Tiny(seed), (8, 3, 5)
    w = {name: tf.constant(value) for name, value in model.weights.items()}
    found = greedy_search(
        tensor_step(w, 3),
        {"h": (w["state"],)},
        batch=3,
        max_steps=limits,
        begin=BEGIN,
        end=END,
    )
    for row, limit in enumerate(limits):
        ids, total, state = [], 0.0, model.weights["state"][row]
        while len(ids) < limit and END not in ids:
            gained, state, _ = model.step(row, ids[-1] if ids else BEGIN, state)
            ids.append(int(gained.argmax()))
            total += gained.max()
        assert found.ids[row].numpy().tolist() == ids + [0] * (8 - len(ids))
        assert int(found.lengths[row]) == len(ids)
        np.testing.assert_allclose(
            found.log_probabilities[row], total, rtol=1e-4, atol=1e-5
        )
    for alpha, beta in PENALTIES:
        one = found_by(
            model, beam=1, max_steps=limits, length_penalty=alpha, coverage_penalty=beta
        )
        np.testing.assert_array_equal(one[0][:, 0], found.ids)
        np.testing.assert_array_equal(one[1][:, 0], found.lengths)
        np.testing.assert_allclose(one[2][:, 0], found.log_probabilities, rtol=1e-5)


def test_attention_is_that_of_each_token_of_the_hypothesis():
    model = Tiny(3)
    ids, lengths, _, _, attention = found_by(
        model, beam=4, max_steps=6, n_best=4, return_attention=True
    )
    assert attention.shape == (3, 4, 6, 4)
    for row, place in itertools.product(range(3), range(4)):
        state, word = model.weights["state"][row], BEGIN
        for count in range(6):
            seen, inside = attention[row, place, count], count < lengths[row, place]
            if inside:
                _, state, expected = model.step(row, word, state)
                length = len(expected)
                np.testing.assert_allclose(seen[:length], expected, atol=1e-5)
                word = ids[row, place, count]
            assert not seen[length if inside else 0 :].any()


@pytest.mark.slow
def test_xla_finds_the_same():
    model = Tiny(5)
    w = {name: tf.constant(value) for name, value in model.weights.items()}
    options = {
        "beam": 3,
        "n_best": 2,
        "max_steps": 5,
        "length_penalty": 0.6,
        "coverage_penalty": 0.2,
        "return_attention": True,
    }

    def run(w):
        return search_of(w, 3, 4, **options)

    for one, other in zip(tf.function(run, jit_compile=True)(w), run(w)):
        np.testing.assert_allclose(one, other, atol=1e-5)


def by_table(table, **options):
    """A search where the next token depends on the last one alone."""
    table = tf.constant(table, tf.float32)
    options = {"batch": 1, "vocab_size": len(table), "begin": 0, "end": 1, **options}
    return beam_search(lambda i, s: (tf.gather(table, i), s, None), None, **options)


def test_fewer_sequences_than_places():
    """Two tokens, two steps: end; other, end; other, other."""
    found = by_table(np.log([[0.4, 0.6], [0.5, 0.5]]), beam=8, n_best=5, max_steps=2)
    assert found.ids[0].numpy().tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]
    assert found.lengths[0].numpy().tolist() == [1, 2, 2, 0, 0]
    expected = [0.6, 0.24, 0.16, 0, 0]
    np.testing.assert_allclose(np.exp(found.scores[0]), expected, atol=1e-6)


def test_one_token_in_the_vocabulary():
    found = by_table([[0.0]], beam=2, max_steps=3, end=0)
    assert found.ids.numpy().tolist() == [[[0, 0, 0]]]
    assert found.lengths.numpy().tolist() == [[1]]


@pytest.mark.parametrize("end", [-1e9, -np.inf])
def test_an_end_that_never_comes(end):
    table = np.log([[0.3, 1.0, 0.7], [0.3, 1.0, 0.7], [0.6, 1.0, 0.4]])
    table[:, 1] = end
    found = by_table(table, beam=2, n_best=2, max_steps=3, length_penalty=1.0)
    assert found.ids.numpy().tolist() == [[[2, 0, 2], [2, 2, 0]]]
    assert found.lengths.numpy().tolist() == [[3, 3]]
    np.testing.assert_allclose(
        found.scores[0], np.log([0.7 * 0.6 * 0.7, 0.7 * 0.4 * 0.6]) / (8 / 6), rtol=1e-5
    )


def test_nothing_but_the_end():
    table = np.array([[-np.inf, 0.0, -np.inf]] * 3)
    for early in (True, False):
        found = by_table(table, beam=3, n_best=2, max_steps=4, early_stop=early)
        assert found.ids.numpy().tolist() == [[[1, 0, 0, 0], [0, 0, 0, 0]]]
        assert found.scores.numpy().tolist() == [[0.0, -np.inf]]


def test_one_step():
    found = by_table(np.log([[0.2, 0.3, 0.5]] * 3), beam=3, n_best=3, max_steps=1)
    # The end that was reached stands before what was cut.
    assert found.ids[0].numpy().tolist() == [[1], [2], [0]]


def test_no_rows():
    found = by_table(np.zeros((3, 3)), batch=0, beam=2, max_steps=4)
    assert found.ids.shape == (0, 1, 4)


def test_each_row_begins_with_its_own_token():
    table = np.log([[0.1, 0.2, 0.7], [0.1, 0.8, 0.1], [0.1, 0.6, 0.3]])
    found = by_table(table, batch=2, begin=np.array([0, 2]), beam=1, max_steps=3)
    assert found.ids[:, 0].numpy().tolist() == [[2, 1, 0], [1, 0, 0]]


def test_half_precision_log_probabilities_are_summed_in_float32():
    table = tf.constant(np.full((2, 2), -1.001), tf.bfloat16)
    found = greedy_search(
        lambda i, s: (tf.gather(table, i), s, None),
        (),
        batch=1,
        max_steps=300,
        begin=0,
        end=1,
    )
    np.testing.assert_allclose(found.scores, 300 * float(table[0, 0]), rtol=1e-5)


def test_keras_layers_in_the_step():
    """A cell and an attention layer with prepared keys, against the layer at once."""
    keras.utils.set_random_seed(2)
    random = np.random.default_rng(0)
    memory = tf.constant(random.normal(size=(2, 5, 6)), tf.float32)
    mask = tf.constant([[True] * 5, [True] * 2 + [False] * 3])
    embedding, cell = keras.layers.Embedding(7, 4), keras.layers.LSTMCell(6)
    attention, softmax = MultiplicativeAttention(), keras.layers.Dense(7)
    attention.build((None, None, 6), (None, None, 6))

    def read(ids, state):
        return cell(embedding(ids), list(state))

    @tf.function(autograph=False)
    def search(memory, mask):
        keys = attention.prepare(memory, mask)

        def step(ids, state):
            h, state = read(ids, state)
            query = tf.reshape(h, [tf.shape(memory)[0], -1, 6])
            context, weights = attention(query, memory, mask, keys=keys)
            logits = softmax(tf.concat([h, tf.reshape(context, [-1, 6])], 1))
            weights = tf.reshape(weights, [-1, tf.shape(memory)[1]])
            return tf.nn.log_softmax(3 * logits), tuple(state), weights

        zeros = tf.zeros([2, 6])
        return beam_search(
            step,
            (zeros, zeros),
            batch=2,
            vocab_size=7,
            beam=3,
            n_best=3,
            max_steps=6,
            begin=BEGIN,
            end=END,
            coverage_penalty=0.1,
            memory_mask=mask,
        )

    found = search(memory, mask)
    ids = tf.reshape(found.ids, [6, 6])
    state, outputs = (tf.zeros([6, 6]),) * 2, []
    for word in tf.unstack(
        tf.concat([tf.zeros([6, 1], tf.int32), ids], 1)[:, :-1], 6, 1
    ):
        h, state = read(word, state)
        outputs.append(h)
    h = tf.stack(outputs, 1)
    context, _ = attention(h, *(repeat_rows(x, 3) for x in (memory, mask)))
    each = tf.nn.log_softmax(3 * softmax(tf.concat([h, context], -1)))
    each = tf.gather(each, ids, batch_dims=2)
    real = tf.sequence_mask(tf.reshape(found.lengths, [-1]), 6)
    total = tf.reduce_sum(tf.where(real, each, 0.0), 1)
    np.testing.assert_allclose(
        tf.reshape(found.log_probabilities, [-1]), total, rtol=1e-4
    )


GOOD = {"batch": 1, "vocab_size": 3, "beam": 2, "max_steps": 2, "begin": 0, "end": 1}


@pytest.mark.parametrize(
    "wrong,message",
    [
        ({"beam": 0}, "`beam` must be an integer of at least 1. Received: beam=0"),
        ({"n_best": 3}, "`n_best` must be at most `beam`.*1 to 2.*n_best=3"),
        ({"max_steps": 0}, "`max_steps` must be positive.*max_steps=0"),
        ({"max_steps": [1, 0]}, "`max_steps` must be positive.*\\[1, 0\\]"),
        ({"max_steps": 1.5}, "`max_steps` must be positive.*max_steps=1.5"),
        ({"end": 3}, "`end` must be the id of a token.*below `vocab_size`=3.*end=3"),
        ({"begin": -1}, "`begin` must be the id of a token.*begin=-1"),
        ({"begin": None}, "`begin` must be the id of a token.*begin=None"),
        ({"length_penalty": -1.0}, "`length_penalty` must be at least 0.*-1.0"),
        ({"coverage_penalty": -0.1}, "`coverage_penalty` must be at least 0.*-0.1"),
        ({"coverage_penalty": 0.1}, "`memory_mask` must mark.*Received: None"),
        ({"return_attention": True}, "`memory_mask` must mark.*Received: None"),
        (
            {"coverage_penalty": 0.1, "memory_mask": [[True]]},
            "`step` must return attention weights.*Received: None",
        ),
        ({"vocab_size": 4}, "`step` must return log-probabilities of all ids.*\\(2, 3"),
        ({"state": tf.constant(1)}, "`state` must hold tensors.*int32 without axes"),
    ],
)
def test_errors(wrong, message):
    wrong = dict(wrong)
    state = wrong.pop("state", ())
    table = tf.zeros([3, 3])
    with pytest.raises(ValueError, match=message):
        beam_search(
            lambda i, s: (tf.gather(table, i), s, None), state, **{**GOOD, **wrong}
        )


@pytest.mark.parametrize(
    "step,message",
    [
        (lambda i, s: tf.zeros([2, 3]), "`step` must return three parts.*Received"),
        (
            lambda i, s: (tf.zeros([2, 3]), (), None),
            "`step` must return a state.*float",
        ),
        (
            lambda i, s: (tf.zeros([2, 3]), tf.zeros([2, 5], tf.int32), None),
            "`step` must return a state.*float32.*Received: int32",
        ),
    ],
)
def test_errors_of_the_step(step, message):
    with pytest.raises(ValueError, match=message):
        beam_search(step, tf.zeros([1, 5]), **GOOD)
