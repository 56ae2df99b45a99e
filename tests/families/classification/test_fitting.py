"""The linear part of a model: what is fitted, and that the graph computes just that."""

from dataclasses import replace

import numpy as np
import pytest
from marks import slow_but
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

import zoo
from zoo.data import Examples, Splits, learn_tasks
from zoo.families import family_of
from zoo.families.classification import estimators, fitting
from zoo.families.classification.estimators import (
    FIRST_STRENGTHS,
    STRENGTHS,
    Strength,
    choose_strength,
    fit_weights,
)
from zoo.families.classification.stacking import best_shares
from zoo.families.classification.token_features import (
    document_weights,
    hashed_ngrams,
    letter_features,
    token_counts,
    unit_rows,
    vector_features,
)
from zoo.serving import ServedModel
from zoo.tasks import Task, same_labels
from zoo.training.losses import mean_loss

SPECIALS = ["[PAD]", "[UNK]", "[BEGIN]", "[END]"]
GOOD = "the film was lovely , a joy to see", "great fun and a fine cast"
BAD = "the film was awful , a bore to see", "dull plot and a poor cast"


def rows(seed: int, number: int):
    """Texts of two classes, told apart by single words among others."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for row in range(number):
        words = (GOOD, BAD)[row % 2][generator.integers(2)].split()
        kept = generator.permutation(words)[: generator.integers(4, 8)]
        texts.append(" ".join([*kept, str(row)]))
        labels.append(("good", "bad")[row % 2])
    return texts, labels


def splits(kinds=None, labels=lambda label: label):
    kinds = kinds or {"label": "categories"}
    parts = []
    for seed, size in ((0, 160), (1, 40), (2, 40)):
        texts, found = rows(seed, size)
        named = {task: [labels(label) for label in found] for task in kinds}
        parts.append(Examples(texts=texts, labels=named, kinds=kinds))
    return Splits(*parts)


def trained(name, data, *, keywords=None, **overrides):
    family = family_of(name)
    settings = family.choose(name, data, {"epochs": 1, **overrides}, keywords or {})
    prepared = family.prepare(data, settings)
    return (
        *family.train(
            name, prepared, settings, keywords or {}, folder=None, verbose=False
        ),
        prepared,
    )


@pytest.mark.parametrize("weights", slow_but(["none"], ["glove-en", "none"]))
@pytest.mark.tensorflow
def test_the_graph_gives_what_was_fitted(weights, monkeypatch):
    fitted = []

    def remember(task, strength, found, **options):
        result = fit_weights(task, strength, found, **options)
        fitted.append((strength, found, result))
        return result

    monkeypatch.setattr("zoo.families.classification.fitting.fit_weights", remember)
    model, history, prepared = trained("linear", splits(), weights=weights)
    assert len(history) == 1 and np.isfinite(history[0]["loss"])
    [(strength, (features, targets, counted), estimate)] = fitted
    assert strength in STRENGTHS
    ids = prepared.parts["train"].tokens
    padded = np.zeros((len(ids), max(map(len, ids)) + 3), "int32")
    for row, tokens in enumerate(ids):
        padded[row, : len(tokens)] = tokens
    found = model.model.predict_on_batch(padded)["label"]
    np.testing.assert_allclose(found, estimate(features), rtol=1e-3, atol=1e-4)
    reference = LogisticRegression(C=strength, max_iter=1000, tol=1e-8)
    reference.fit(features, targets)
    difference = found[:, 1] - found[:, 0]
    expected = reference.decision_function(features)
    np.testing.assert_allclose(difference, expected, rtol=0.02, atol=0.02)


@pytest.mark.tensorflow
@pytest.mark.parametrize("least, better", [(40, 0), (40, 1), (41, 0)])
def test_ngrams_have_the_weights_of_the_better_score(least, better, monkeypatch):
    calls = []
    monkeypatch.setattr(fitting, "LEAST_JUDGES", least)  # of 40 validation texts

    def choose(*_, strengths, **__):
        calls.append(strengths)
        return Strength(1.0, float(len(calls) - 1 == better))

    monkeypatch.setattr("zoo.families.classification.fitting.choose_strength", choose)
    model, _, prepared = trained("linear", splits(), weights="none")
    compared = [FIRST_STRENGTHS] * 2 if least == 40 else []
    assert calls == [*compared, STRENGTHS]
    bag = model.model.get_layer("linear_words")
    train = prepared.parts["train"]
    there = hashed_ngrams(bag, train.tokens).toarray()
    expected = np.log((1 + len(there)) / (1 + there.sum(axis=0))) + 1
    if better:
        inside, outside = (
            1 + there[train.targets["label"] == c].sum(0) for c in (0, 1)
        )
        ratio = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
        expected = expected * np.abs(ratio)
    expected = expected * there.any(axis=0)  # others would only shrink the known ones
    np.testing.assert_allclose(np.asarray(bag.ngram_weights), expected, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_equal_labels_of_two_questions_are_learnt_apart():
    def part(seed, number):
        texts, labels = rows(seed, number)
        odd = ["good" if len(text) % 2 else "bad" for text in texts]
        texts = [f"{text} {word}ly" for text, word in zip(texts, odd)]
        return Examples(texts=texts, labels={"mood": labels, "other": odd})

    data = Splits(part(0, 160), part(1, 40), part(2, 40))
    model, *_ = trained("linear", data, weights="none")
    scores = family_of("linear").score(model, data, "test")
    assert min(scores["mood:accuracy"], scores["other:accuracy"]) > 0.9
    assert all(task.apart for task in model.tasks.values())
    # A task column makes tasks that ask the same question about different texts.
    texts, labels = rows(3, 80)
    halves = {
        "one": [label if row < 40 else None for row, label in enumerate(labels)],
        "two": [label if row >= 40 else None for row, label in enumerate(labels)],
    }
    tasks = learn_tasks(Examples(texts=texts, labels=halves))
    assert list(same_labels(tasks).values()) == [["one", "two"]]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_linear_part_reads_wide_vectors_unless_others_are_asked_for(monkeypatch):
    widths = []

    def remember(matrix, *arguments):
        widths.append(matrix.shape[1])
        return vector_features(matrix, *arguments)

    place = "zoo.families.classification.fitting.vector_features"
    monkeypatch.setattr(place, remember)
    for weights in ("auto", "english", "glove-en"):
        model, *_ = trained("linear", splits(), weights=weights)
        taken = model.metadata.get("linear_weights")
        assert taken == ("english" if weights == "auto" else None)
    assert widths == [256, 256, 100]
    model, *_ = trained("linear", splits(), weights="none")
    assert len(widths) == 3 and "linear_weights" not in model.metadata


@pytest.mark.slow
@pytest.mark.tensorflow
def test_it_answers_words_that_training_never_saw():
    # Two have a vector; of the others glove-en and the texts know the beginning.
    model, _, prepared = trained("linear", splits(), weights="glove-en")
    scores = family_of("linear").score(model, prepared.splits, "test")
    assert scores["accuracy"] > 0.9
    for word, label in (
        ("joyful", "good"),
        ("loveliest", "good"),
        ("boredom", "bad"),
        ("dullness", "bad"),
    ):
        assert word not in " ".join(prepared.splits.train.texts)
        assert model.predict([word])[0]["label"]["label"] == label


@pytest.mark.tensorflow
def test_letters_are_those_of_scikit_learn_within_words():
    words = ["film", "films", "a"]
    vocabulary = [*SPECIALS, *words, "##er"]
    counts = token_counts([np.array([4, 5, 7]), np.array([4, 6]), np.array([6])], 8)
    found = letter_features(vocabulary, counts)
    analyze = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5)).build_analyzer()
    assert found.values.shape == (8, len({*analyze("film films a"), "er"}))
    for row, word in enumerate(words, 4):
        assert np.count_nonzero(found.values[row].toarray()) == len(set(analyze(word)))
    assert not found.values[:4].nnz and found.values[7].nnz == 1
    length = np.sqrt((found.values[4].toarray() ** 2).sum())
    assert found.lengths[4] == pytest.approx(length)
    texts = found.of_texts(counts).toarray()
    expected = found.values[[4, 5, 7]].sum(axis=0) / np.sqrt(
        (found.lengths[[4, 5, 7]] ** 2).sum()
    )
    np.testing.assert_allclose(texts[0], np.asarray(expected).ravel())


def test_features_that_training_never_saw_do_not_shrink_those_that_it_saw():
    rng = np.random.default_rng(0)
    seen = (rng.uniform(size=(30, 12)) < 0.3).astype(float)
    seen[:, 9:] = 0
    seen = csr_matrix(seen)
    new = csr_matrix((rng.uniform(size=(5, 12)) < 0.7).astype(float))
    weighted = new.multiply(document_weights(seen)).tocsr()
    of_others = TfidfTransformer().fit(seen[:, :9]).transform(new[:, :9])
    found = unit_rows(weighted).toarray()
    np.testing.assert_allclose(found[:, :9], of_others.toarray())
    assert not found[:, 9:].any() and new[:, 9:].nnz


def test_hashed_ngrams_are_the_rows_of_the_layer():
    bag = zoo.layers.NGramBag(1, buckets=64, n=(1, 2), binary=True, weighted=True)
    texts = [np.array([5, 6, 5]), np.array([9]), np.array([5, 6])]
    found = hashed_ngrams(bag, texts).toarray()
    for text, row in zip(texts, found, strict=True):
        hit, real = map(np.asarray, bag.rows(text[None], np.ones((1, len(text)), bool)))
        assert set(np.flatnonzero(row)) == set(hit[real])


def random_rows(task, number=300, width=6, seed=0):
    generator = np.random.default_rng(seed)
    features = csr_matrix(generator.normal(size=(number, width)))
    logits = features @ generator.normal(size=(width, task.outputs))
    targets = {
        "categories": logits.argmax(axis=1),
        "multilabel": (logits > 0).astype("float32"),
        "regression": logits[:, 0],
    }[task.kind]
    return features, targets, np.ones(number)


TASKS = [
    Task("categories", ("a", "b")),
    Task("categories", ("a", "b", "c", "d")),
    Task("multilabel", ("a", "b", "c")),
    Task("regression", mean=3.0, scale=2.0),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.kind}-{task.outputs}")
def test_weights_are_those_of_scikit_learn(task):
    features, targets, weights = random_rows(task)
    found = fit_weights(task, 3.0, (features, targets, weights))(features)
    if task.kind == "regression":
        expected = Ridge(alpha=1 / 3).fit(features, targets).predict(features)[:, None]
    elif task.kind == "multilabel":
        expected = np.stack(
            [
                LogisticRegression(C=3.0)
                .fit(features, column)
                .decision_function(features)
                for column in targets.T
            ],
            axis=1,
        )
    else:
        model = LogisticRegression(C=3.0).fit(features, targets)
        powers = np.exp(found - found.max(axis=1, keepdims=True))
        found = powers / powers.sum(axis=1, keepdims=True)
        expected = model.predict_proba(features)
    np.testing.assert_allclose(found, expected, rtol=2e-2, atol=1e-2)


def test_a_class_without_rows_is_the_least_likely():
    task = TASKS[1]
    features, targets, weights = random_rows(task)
    kept = targets != 2
    found = fit_weights(task, 1.0, (features[kept], targets[kept], weights[kept]))
    outputs = found(features[kept])
    assert (outputs.argmax(axis=1) != 2).all()
    alone = fit_weights(task, 1.0, (features[:5], np.full(5, 3), weights[:5]))
    assert (alone(features).argmax(axis=1) == 3).all()


def test_labels_that_all_or_no_rows_have():
    task = TASKS[2]
    features, targets, weights = random_rows(task)
    targets[:, 0], targets[:, 1] = 1.0, 0.0
    found = fit_weights(task, 1.0, (features, targets, weights))(features)
    assert (found[:, 0] > 3).all() and (found[:, 1] < -3).all()


@pytest.mark.slow
def test_the_strength_is_chosen_on_rows_that_were_not_fitted():
    task = TASKS[0]
    train, valid = random_rows(task, 2000, 400), random_rows(task, 500, 400, seed=1)
    noise = np.random.default_rng(2).integers(0, 2, 2000)
    scores = {}
    for strength in STRENGTHS:
        fitted = fit_weights(task, strength, (train[0], noise, train[2]))
        scores[strength] = (fitted(valid[0]).argmax(axis=1) == valid[1]).mean()
    chosen = choose_strength(task, (train[0], noise, train[2]), valid)
    assert scores[chosen.value] == chosen.score == max(scores.values())
    # Few rows: folds, so that a validation part without rows will do.
    few = tuple(part[:60] for part in train)
    none = tuple(part[:0] for part in valid)
    assert choose_strength(task, few, none).value in STRENGTHS


@pytest.fixture
def fitted(monkeypatch):
    """The number of rows of each fit."""
    rows: list[int] = []
    original = estimators.fit_weights

    def note(task, strength, found, **options):
        rows.append(found[0].shape[0])
        return original(task, strength, found, **options)

    monkeypatch.setattr(estimators, "fit_weights", note)
    return rows


def test_rows_are_sampled_where_a_comparison_would_take_long(monkeypatch, fitted):
    monkeypatch.setattr(estimators, "MOST_VALUES", 1000)
    monkeypatch.setattr(estimators, "FEWEST_ROWS", 100)
    task = TASKS[0]
    choose_strength(task, random_rows(task, 1200), random_rows(task, 500, seed=1))
    assert fitted == [166] * len(STRENGTHS)  # 1000 values of 6 a row


@pytest.mark.parametrize(
    ("rows", "judges", "values", "expected"),
    [
        (900, 50, 0, 760),  # four fifths of both
        (1200, 50, 7500, 1000),  # 6 values a row
        (1200, 50, 7499, 1200),
        (1200, 500, 10**6, 1200),
    ],
)
def test_folds_judge_where_rows_are_few(
    monkeypatch, fitted, rows, judges, values, expected
):
    monkeypatch.setattr(estimators, "FOLDED_VALUES", values)
    task = TASKS[0]
    choose_strength(task, random_rows(task, rows), random_rows(task, judges, seed=1))
    assert set(fitted) == {expected}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"{task.kind}-{task.outputs}")
def test_shares_are_of_the_lowest_loss(task):
    _, target, weight = random_rows(task, 400)
    generator = np.random.default_rng(3)
    truth = {
        "categories": lambda: np.eye(task.outputs)[target],
        "multilabel": lambda: target * 2 - 1,
        "regression": lambda: target[:, None],
    }[task.kind]()
    good = truth + generator.normal(0, 0.5, truth.shape)
    noise = generator.normal(size=truth.shape)
    first, second = best_shares(task, target, weight, good, noise)
    assert first > 0.6 and second < 0.1 * first

    def loss(a, b):
        return mean_loss(task, target, weight, a * good + b * noise)

    assert loss(first, second) < min(loss(1, 0), loss(0.5, 0.5), loss(0, 1)) + 1e-3
    assert best_shares(task, target, weight * 0, good, noise) == (0.5, 0.5)
    # One row moves them little.
    one = np.zeros_like(weight)
    one[0] = 1.0
    assert abs(best_shares(task, target, one, good, noise)[0] - 0.5) < 0.3


@pytest.mark.parametrize("kind", ["multilabel", "regression"])
@pytest.mark.tensorflow
def test_other_kinds_of_tasks(kind):
    values = {
        "multilabel": lambda label: ["x"] if label == "good" else ["y"],
        "regression": lambda label: 4.0 if label == "good" else 2.0,
    }[kind]
    data = splits({"label": kind}, values)
    model, _, prepared = trained("linear", data, weights="none")
    scores = family_of("linear").score(model, prepared.splits, "test")
    assert scores[{"multilabel": "micro_f1", "regression": "r2"}[kind]] > 0.6


@pytest.mark.slow
@pytest.mark.tensorflow
def test_tasks_with_the_same_labels_learn_from_all_texts():
    texts, labels = rows(0, 160)
    first = [label if row < 80 else None for row, label in enumerate(labels)]
    second = [label if row >= 80 else None for row, label in enumerate(labels)]
    kinds = {"a": "categories", "b": "categories"}
    part = Examples(texts=texts, labels={"a": first, "b": second}, kinds=kinds)
    model, _, _ = trained("linear", Splits(part, part, part), weights="none")
    answers = model.predict(["lovely joy", "awful bore"])
    for answer, label in zip(answers, ("good", "bad"), strict=True):
        assert answer["a"]["label"] == answer["b"]["label"] == label
    outputs = model.model.predict_on_batch(np.array([[5, 6, 7]]))
    np.testing.assert_array_equal(outputs["a"], outputs["b"])


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_export_answers_as_python_does(tmp_path):
    model, _, prepared = trained("linear", splits())
    texts = [*prepared.splits.test.texts, "", "loveliest \u597d"]
    folder = model.export(tmp_path / "linear", texts[:10])
    served = ServedModel(folder)
    for one, other in zip(model.predict(texts), served.predict(texts), strict=True):
        assert one["label"]["label"] == other["label"]["label"]
        for name, score in one["label"]["scores"].items():
            assert other["label"]["scores"][name] == pytest.approx(score, abs=1e-5)


@pytest.mark.slow
def test_models_that_learn_the_same_are_fitted_once(monkeypatch):
    fits = []
    problem = fitting._problem
    monkeypatch.setattr(
        fitting, "_problem", lambda *given: fits.append(1) or problem(*given)
    )

    def fitted(prepared, **overrides):
        settings = family.settings_for("linear", data, {"weights": "none", **overrides})
        model = zoo.get("linear", prepared.pipeline.vocab_size, prepared.tasks)
        fitting.fit_linear_part(model, prepared, settings, "none")
        fits.append(0)
        return model.get_weights()

    family, data = family_of("linear"), splits()
    prepared = family.prepare(data, family.settings_for("linear", data, {}))
    first = fitted(prepared)
    again = fitted(prepared, batch_size=7)
    assert fits == [1, 0, 0]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    fitted(prepared, class_weights={"label": {"good": 50.0}})
    fitted(prepared.only("label"))
    assert fits == [1, 0, 0, 1, 0, 1, 0]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_network_beside_it_gets_its_share_on_the_validation_part():
    sizes = {"units": 4, "private_units": 4}
    data = splits()
    model, history, prepared = trained(
        "bilstm_mt", data, keywords=sizes, epochs=2, least_steps=20, weights="none"
    )
    stack = model.model.get_layer("stack_label")
    first, second = np.array(stack.shares.value)
    assert (first, second) != (1.0, 0.0) and second > 0.2
    # The validation score of the kept epoch is that of the stacked model.
    scores = family_of("linear").score(model, prepared.splits, "valid")
    assert scores["accuracy"] == pytest.approx(max(log["score"][0] for log in history))
    with_class_weights = replace(
        family_of("linear").choose("linear", data, {}, {}),
        class_weights={"label": {"good": 50.0}},
    )
    prepared = family_of("linear").prepare(data, with_class_weights)
    leaning, _ = family_of("linear").train(
        "linear", prepared, with_class_weights, {}, folder=None, verbose=False
    )
    answers = leaning.predict(["the film", "a cast to see"])
    assert [answer["label"]["label"] for answer in answers] == ["good", "good"]


@pytest.mark.tensorflow
def test_many_classes_have_fewer_features_the_most_frequent(monkeypatch):
    monkeypatch.setattr(fitting, "MOST_WEIGHTS", 240)
    seen = []

    def remember(task, strength, found, **options):
        seen.append(found[0].shape[1])
        return fit_weights(task, strength, found, **options)

    monkeypatch.setattr(fitting, "fit_weights", remember)
    texts, labels = rows(0, 160)
    labels = [f"{label} {row % 4}" for row, label in enumerate(labels)]
    part = Examples(texts, {"label": labels})
    model, _, _ = trained("linear", Splits(part, part, part), weights="none")
    assert seen == [240 // 4]
    found = fitting._frequent(csr_matrix(np.array([[1, 0, 1, 1], [1, 0, 0, 1]])), 2)
    assert found.tolist() == [0, 3]


@pytest.mark.slow
def test_a_fit_of_many_classes_comes_near_its_optimum():
    """It stops after fewer iterations than one of few classes."""
    generator = np.random.default_rng(0)
    task = Task("categories", tuple(f"{label}" for label in range(30)))
    features = generator.poisson(0.15, (900, 300)).astype(float)
    target = (features @ generator.normal(size=(300, 30))).argmax(axis=1)
    rows = csr_matrix(features), target, np.ones(900)
    found = fit_weights(task, 10.0, rows)(rows[0]).argmax(axis=1)
    optimum = LogisticRegression(C=10.0, max_iter=2000).fit(features, target)
    assert (found == optimum.predict(features)).mean() > 0.99
