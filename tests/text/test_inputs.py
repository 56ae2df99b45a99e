"""Texts in any kind of iterable, numbers of any type: what public methods take.

Served models and those for devices are asked in test_threads.py.
"""

from __future__ import annotations

import json
from collections import deque
from fractions import Fraction
from itertools import count, islice

import numpy as np
import pytest
from saved import SAVED

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

import zoo  # noqa: E402
from zoo.client import connect  # noqa: E402
from zoo.families.language.settings import LanguageSettings  # noqa: E402
from zoo.families.text_model import describe_training  # noqa: E402
from zoo.text.inputs import (  # noqa: E402
    INT32,
    as_texts,
    each_item,
    each_text,
    fold_seed,
    plain,
    real,
    whole,
)
from zoo.training.fit import seed_everything  # noqa: E402

pytestmark = pytest.mark.tensorflow

FAMILIES = ("classification", "language", "tagging", "translation")
TEXTS = ["a good day", "", "na\u00efve \u597d"]
CLOSED = "localhost:1"  # where nothing listens


def encoded(texts):
    return [text.encode() for text in texts]


def series(texts):
    return pytest.importorskip("pandas").Series(texts, index=range(7, 7 + len(texts)))


def arrow(texts):
    return pytest.importorskip("pyarrow").array(texts)


def pieces(texts):
    chunks = [texts[:1], texts[1:]]
    return pytest.importorskip("pyarrow").chunked_array(chunks)


KINDS = {
    "list": list,
    "tuple": tuple,
    "iterator": iter,
    "generator": lambda texts: (text for text in texts),
    "map": lambda texts: map(str, texts),
    "deque": deque,
    "keys": lambda texts: dict.fromkeys(texts).keys(),
    "values": lambda texts: dict(enumerate(texts)).values(),
    "bytes": encoded,
    "array": np.array,
    "array of bytes": lambda texts: np.array(encoded(texts)),
    "array of objects": lambda texts: np.array(texts, object),
    "strings of NumPy": lambda texts: [np.str_(text) for text in texts],
    "series": series,
    "arrow": arrow,
    "arrow in chunks": pieces,
    "tensor": tf.constant,
    "dataset": tf.data.Dataset.from_tensor_slices,
}
# Once through each family; the others are told apart by `as_texts` alone.
ASKED = ("generator", "array", "series", "tensor", "dataset")
ONE = [
    "a good day",
    b"a good day",
    bytearray(b"good"),
    memoryview(b"good"),
    np.str_("good"),
    np.array("good"),
    tf.constant("good"),
]
# Method, and what it takes behind the texts.
METHODS = {
    "classification": [("predict", ()), ("logits", ())],
    "language": [("predict", ()), ("generate", ()), ("score", ())],
    "tagging": [("predict", ())],
    "translation": [("predict", ()), ("translate", ()), ("n_best", (2,))],
}
ALL = [(family, *method) for family in FAMILIES for method in METHODS[family]]


@pytest.fixture(scope="module")
def models():
    return {family: zoo.load(SAVED / family) for family in FAMILIES}


def jsonable(value):
    return json.loads(json.dumps(value, default=lambda array: array.tolist()))


def close(value):
    if isinstance(value, float):
        return pytest.approx(value, abs=1e-5)
    if isinstance(value, list):
        return [close(item) for item in value]
    if isinstance(value, dict):
        return {key: close(item) for key, item in value.items()}
    return value


def assert_same(found, expected):
    assert jsonable(found) == close(jsonable(expected))


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_iterables(kind):
    found = as_texts(KINDS[kind](TEXTS))
    assert [t.decode() if isinstance(t, bytes) else t for t in found] == TEXTS
    assert {type(text) for text in found} <= {str, bytes}


def test_lines_of_an_open_file(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("a good day\nbad\n", "utf-8")
    with path.open(encoding="utf-8") as file:
        assert as_texts(file) == ["a good day\n", "bad\n"]
    with path.open("rb") as file:
        assert as_texts(file) == [b"a good day\n", b"bad\n"]


def test_texts_are_read_one_by_one():
    endless = (str(number) for number in count())
    assert list(islice(each_text(endless), 3)) == ["0", "1", "2"]
    assert next(endless) == "3"


@pytest.mark.parametrize("one", ONE, ids=lambda one: type(one).__name__)
def test_one_text_is_not_several(one):
    with pytest.raises(ValueError, match="`prompts` must be a list.*Received: one "):
        each_text(one, "prompts")  # at once, not when it is read
    with pytest.raises(ValueError, match="must be a list of lists. Received: one "):
        each_item(one, accepted="a list of lists")


def test_names_and_tables_are_no_texts():
    with pytest.raises(ValueError, match="must be a list of strings. .*: a dict."):
        as_texts({"a": "b"})
    for table in (np.array([["a", "b"]]), tf.constant([["a"], ["b"]])):
        with pytest.raises(ValueError, match="Received: a ndarray of 2 axes"):
            as_texts(table)
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="Received: a DataFrame of 2 axes"):
        as_texts(pandas.DataFrame({"text": TEXTS}))


@pytest.mark.parametrize("given", [7, None, 2.5, object()])
def test_what_is_no_iterable(given):
    with pytest.raises(
        TypeError, match="`texts` must be a list of strings, or another"
    ):
        as_texts(given)


@pytest.mark.parametrize("item", [7, None, float("nan"), ["a"], np.array(["a"])])
def test_items_that_are_no_texts_are_told_with_their_place(item):
    with pytest.raises(TypeError, match=r"`lines\[2\]` must be `str` or `bytes`"):
        as_texts(["a", b"b", item], "lines")


def test_a_batched_dataset_is_named():
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2)
    with pytest.raises(TypeError, match=r"`texts\[0\]` must be .*of type ndarray"):
        as_texts(dataset)


def test_whole_numbers():
    for value in (3, np.int8(3), np.uint64(3), np.array(3), tf.constant(3)):
        found = whole("beam", value, 1)
        assert found == 3 and type(found) is int
    assert whole("beam", INT32, 1) == 2**31 - 1
    for value in (0, 2**31, -1, 2.5, 3.0, "3", None, True, np.True_, float("nan")):
        with pytest.raises(ValueError, match="`beam` must be a whole .*from 1 to 214"):
            whole("beam", value, 1)
    assert whole("version", 2**40, 0, 2**63 - 1) == 2**40


def test_real_numbers():
    for value in (0.5, np.float32(0.5), np.array(0.5), Fraction(1, 2)):
        found = real("top_p", value, 0, 1)
        assert found == 0.5 and type(found) is float
    assert real("top_p", np.int64(1), 0, 1) == 1.0
    for value in (-0.1, 1.1, float("nan"), float("inf"), "0.5", b"0.5", None, [0.5]):
        with pytest.raises(ValueError, match="`top_p` must be a number from 0 to 1."):
            real("top_p", value, 0, 1)


def test_numbers_for_json():
    values = [np.int64(7), np.float64(0.5), np.bool_(True), np.str_("a"), np.array(2)]
    assert json.dumps([plain(value) for value in values]) == '[7, 0.5, true, "a", 2]'
    for value in (7, "a", None, [1], (2, 3)):
        assert plain(value) is value
    settings = LanguageSettings(seed=2**40, epochs=np.int64(3), clip=np.float64(2.5))
    keywords = {"units": np.int32(6), "dropout": np.float64(0.25)}
    found = json.loads(json.dumps(describe_training("lstm_lm", keywords, settings)))
    assert found["keywords"] == {"units": 6, "dropout": 0.25}
    assert found["settings"]["seed"] == 2**40
    assert found["settings"]["epochs"] == 3 and found["settings"]["clip"] == 2.5


def test_seeds_of_any_size():
    small = [0, 1, 7, INT32, np.int64(5)]
    assert [fold_seed(seed) for seed in small] == small
    large = [2**31, 2**40, 2**40 + 1, 2**41, 10**30, -1, -2, np.int64(2**40 + 2)]
    folded = [fold_seed(seed) for seed in large]
    assert len(set(folded)) == len(large)
    assert all(type(seed) is int and 0 <= seed <= INT32 for seed in folded)
    assert folded == [fold_seed(seed) for seed in large]
    assert fold_seed(np.int64(2**40)) == fold_seed(2**40)
    for seed in (1.5, "7", None):
        with pytest.raises(TypeError):
            fold_seed(seed)


def test_a_large_seed_decides_what_is_drawn():
    drawn = []
    for seed in (2**40, 2**40, 2**41):
        seed_everything(seed)
        drawn.append(np.random.random())
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("family, method, behind", ALL)
def test_methods_refuse_one_text(models, family, method, behind):
    ask = getattr(models[family], method)
    for one in ("a good day", b"a good day", np.str_("good"), np.array("good")):
        with pytest.raises(ValueError, match="must be a list.*Received: one "):
            ask(one, *behind)
    with pytest.raises(ValueError, match="must be a"):
        ask(tf.constant("good"), *behind)


@pytest.mark.parametrize("family", FAMILIES)
def test_pipelines_refuse_one_text(models, family):
    pipeline = models[family].pipeline
    with pytest.raises(ValueError, match="Received: one str"):
        pipeline.tokenize("a good day")
    if family == "translation":  # which encodes pairs
        return
    with pytest.raises(ValueError, match="must be a list.*Received: one str"):
        pipeline.encode("a good day")


def test_a_sentence_of_a_tagger_is_not_read_by_the_letter(models):
    pipeline = models["tagging"].pipeline
    with pytest.raises(ValueError, match=r"`sentences\[1\]` must be a list of words"):
        pipeline.encode([["a", "day"], "a day"])
    with pytest.raises(ValueError, match=r"`sentences\[0\]` must be a list of words"):
        type(pipeline).learn(["a good day"])
    split = models["tagging"].predict([["a", "good"], "a good"])
    assert [answer["tokens"] for answer in split] == [["a", "good"]] * 2
    with pytest.raises(TypeError, match=r"`texts\[0\]\[1\]` must be `str` or `bytes`"):
        models["tagging"].predict([["a", 7]])


@pytest.mark.slow
@pytest.mark.parametrize("family, method, behind", ALL)
def test_methods_take_any_iterable(models, family, method, behind, tmp_path):
    ask = getattr(models[family], method)
    expected = ask(TEXTS, *behind)
    kinds = ASKED if method == "predict" else ASKED[:1]
    for kind in kinds:
        assert_same(ask(KINDS[kind](TEXTS), *behind), expected)
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n", "utf-8")
    with path.open(encoding="utf-8") as file:
        assert_same(ask(file, *behind), ask([text + "\n" for text in TEXTS], *behind))


@pytest.mark.parametrize("family, method, behind", ALL)
def test_no_texts(models, family, method, behind):
    for nothing in ([], iter(()), np.array([], str)):
        found = getattr(models[family], method)(nothing, *behind)
        if method == "logits":
            assert {name: array.shape for name, array in found.items()} == {
                "mood": (0, 2)
            }
        else:
            assert found == []


@pytest.mark.slow
def test_numbers_of_numpy(models):
    language, translation = models["language"], models["translation"]
    sampled = {"max_tokens": 5, "temperature": 1.0, "top_k": 3, "top_p": 0.5, "seed": 7}
    kinds = (np.int64, np.float32, np.int32, np.float64, np.uint8)
    others = {key: kind(sampled[key]) for key, kind in zip(sampled, kinds, strict=True)}
    assert language.generate(TEXTS, **others) == language.generate(TEXTS, **sampled)
    found = translation.n_best(
        TEXTS,
        np.int64(2),
        beam=np.int32(3),
        length_penalty=np.float32(0.5),
        coverage_penalty=np.int64(0),
        max_tokens=np.uint8(4),
        batch_size=np.int16(2),
    )
    expected = translation.n_best(
        TEXTS, 2, beam=3, length_penalty=0.5, max_tokens=4, batch_size=2
    )
    assert_same(found, expected)
    for family in FAMILIES:
        ask = models[family].predict
        assert_same(ask(TEXTS, batch_size=np.int64(2)), ask(TEXTS))
        for size in (0, -1, 2.5, True, "2", None):
            with pytest.raises(ValueError, match="`batch_size` must be a whole number"):
                ask(TEXTS, batch_size=size)


@pytest.mark.parametrize(
    "option, value",
    [
        ("max_tokens", 0),
        ("max_tokens", 2.5),
        ("top_k", -1),
        ("top_p", 1.5),
        ("temperature", -1),
        ("temperature", float("nan")),
        ("top_p", "1"),
    ],
)
def test_numbers_out_of_their_range(models, option, value):
    with pytest.raises(ValueError, match=f"`{option}` must be"):
        models["language"].generate(TEXTS, **{option: value})


def test_a_large_seed_samples(models):
    def sample(seed):
        return models["language"].generate(["a"], temperature=1.0, seed=seed)

    assert sample(2**40) == sample(np.int64(2**40)) == sample(fold_seed(2**40))
    assert len({*sample(2**40), *sample(2**41), *sample(-3), *sample(10**30)}) > 1


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_clients_refuse_one_text_before_any_connection(scheme, monkeypatch):
    if scheme == "grpc":
        pytest.importorskip("tensorflow_serving")
    client = connect(f"{scheme}://{CLOSED}", "m", batch_size=np.int64(2))
    monkeypatch.setattr(client, "_rows", None)  # what sends a request
    for one in ONE:
        with pytest.raises(ValueError, match="`texts` must be a list"):
            client.predict(one)
    assert client.predict([]) == client.predict(iter(())) == []
    sent = []

    def rows(texts, signature, timeout):
        sent.append(texts)
        return [{"label": text} for text in texts]

    monkeypatch.setattr(client, "_rows", rows)
    assert client.predict(np.array(["a", "b", "c"])) == [{"label": x} for x in "abc"]
    assert sent == [["a", "b"], ["c"]]
