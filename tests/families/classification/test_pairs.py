"""Pairs of texts from training to a server: only the relation of both decides."""

from __future__ import annotations

import csv
import itertools
import json

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

import zoo  # noqa: E402
from zoo.cli import main  # noqa: E402
from zoo.families import families  # noqa: E402
from zoo.serving import ServedModel  # noqa: E402
from zoo.serving.method_names import as_example  # noqa: E402
from zoo.serving.warmup import rewrite_warmup  # noqa: E402
from zoo.serving.warmup_records import WARMUP_FILE, read_warmup  # noqa: E402
from zoo.text.pairs import joined  # noqa: E402

pytestmark = pytest.mark.tensorflow

COLUMNS = ["question", "answer"]
COLOURS = {"red": "rot", "blue": "blau"}
ODD = [
    ("the red one", ""),
    ("", ""),
    ("the \x1f red one", "der\x00rote"),
    ("the red one " * 200, "the rot one"),
    (b"\xff\xfe", "\ud800"),
]


def rows(seed: int, number: int) -> list[dict]:
    """Whether the second text has the colour of the first: neither alone says so."""
    generator = np.random.default_rng(seed)
    found = []
    for asked, told in itertools.islice(
        itertools.cycle(itertools.product(COLOURS, COLOURS)), number
    ):
        ends = generator.choice(["now", "here", "again"], 2)
        found.append(
            {
                "question": f"the {asked} one {generator.integers(999)} {ends[0]}",
                "answer": f"one {COLOURS[told]} thing {ends[1]}",
                "relevant": "yes" if asked == told else "no",
                "degree": float(asked == told) * 8 + 3,
            }
        )
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("pairs")


@pytest.fixture(scope="module")
def run(place, exports_checked_here):
    return zoo.train(
        "text_cnn",
        rows(0, 400),
        valid=rows(1, 80),
        test=rows(2, 80),
        text=COLUMNS,
        label={"relevant": "categories", "degree": "regression"},
        weights="none",
        learning_rate=0.01,
        epochs=4,
        embedding_dim=8,
        maps=16,
        windows=[1],
        dropout=0.0,
        out=place / "run",
        export=place / "exported",
        verbose=False,
    )


@pytest.fixture(scope="module")
def served(run, place):
    return ServedModel(place / "exported")


@pytest.mark.slow
def test_it_learns_what_no_sum_over_words_can_tell(run):
    results = json.loads((run.folder / "results.json").read_text())["results"]
    assert results["text_cnn"]["relevant"]["accuracy"] == 1.0
    assert results["text_cnn"]["degree"]["r2"] > 0.9
    assert results["linear"]["relevant"]["accuracy"] < 0.75
    assert "| linear |" in (run.folder / "report.md").read_text()


@pytest.mark.slow
def test_a_loaded_model_answers_pairs(run, place):
    model = zoo.load(place / "run")
    pairs = [("the red one", "one rot thing"), ["the red one", b"one blau thing"]]
    answers = model.predict(iter(pairs))
    assert [answer["relevant"]["label"] for answer in answers] == ["yes", "no"]
    values = [answer["degree"]["scores"]["value"] for answer in answers]
    assert values[0] > 8 and values[1] < 6
    assert model.predict([joined(*pairs[0])]) == run.model.predict(pairs[:1])
    assert model.predict([]) == []
    with pytest.raises(TypeError, match=r"`texts\[0\]` must be a pair of texts"):
        model.predict(["the red one"])


@pytest.mark.slow
def test_the_server_answers_as_python_does(run, served):
    pairs = [*ODD, *((row["question"], row["answer"]) for row in rows(3, 20))]
    expected = run.model.predict(pairs)
    for batch in (served.predict(pairs), [served.predict([p])[0] for p in pairs]):
        for one, other in zip(batch, expected, strict=True):
            for task, scale in (("relevant", 1.0), ("degree", 4.0)):
                found = list(one[task]["scores"].values())
                wanted = list(other[task]["scores"].values())
                np.testing.assert_allclose(found, wanted, atol=1e-5 * scale)
    assert served.predict([]) == []


@pytest.mark.slow
def test_every_signature_takes_two_texts(run, served):
    signatures = served.metadata["signatures"]
    for name in ("serving_default", "embed", "tokens"):
        assert sorted(signatures[name]["inputs"]) == ["text", "text_pair"]
    pairs = [("the red one", "one rot thing"), ("the blue one", "")]
    asked = dict(zip(("text", "text_pair"), map(list, zip(*pairs))))
    call = {name: tf.constant(texts) for name, texts in asked.items()}
    loaded = tf.saved_model.load(str(served.path))
    found = loaded.signatures["embed"](**call)["embedding"].numpy()
    assert found.shape == (2, 4 * 16)
    u, v, difference, product = np.split(found, 4, axis=1)
    np.testing.assert_allclose(difference, np.abs(u - v), atol=1e-6)
    np.testing.assert_allclose(product, u * v, atol=1e-6)
    examples = tf.constant([as_example(*pair) for pair in pairs])
    scores = loaded.signatures["classify"](inputs=examples)["scores"].numpy()
    answers = [row["relevant"]["scores"].values() for row in run.model.predict(pairs)]
    np.testing.assert_allclose(scores, [list(row) for row in answers], atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError):
        loaded.signatures["classify"](inputs=tf.constant([as_example("the red one")]))
    assert served.tokens(pairs[:1]) == [
        ["the", "red", "one", "\x1f", "one", "rot", "thing"]
    ]
    assert rewrite_warmup(served.path, lengths=[4], batch_sizes=[1]) == 7
    path = str(served.path / "assets.extra" / WARMUP_FILE)
    inputs = dict(read_warmup(path))["serving_default"]
    assert {name: len(texts) for name, texts in inputs.items()} == dict.fromkeys(
        ("text", "text_pair"), 1
    )


@pytest.mark.slow
def test_commands_read_pairs(run, served, place, capsys, monkeypatch):
    path = place / "later.csv"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows(0, 1)[0]))
        table.writeheader()
        table.writerows(rows(5, 12))
    assert main(["evaluate", str(run.folder), "--data", str(path)]) == 0
    assert "| relevant | accuracy | 12 " in capsys.readouterr().out
    for folder in (run.folder, place / "exported"):
        texts = ["the red one", "one rot thing", "the red one", "one blau thing"]
        assert main(["predict", str(folder), *texts]) == 0
        printed = list(map(json.loads, capsys.readouterr().out.splitlines()))
        assert [line["text_pair"] for line in printed] == texts[1::2]
        labels = [line["answers"]["relevant"]["label"] for line in printed]
        assert labels == ["yes", "no"]
        assert main(["predict", str(folder), "--data", str(path)]) == 0
        assert len(capsys.readouterr().out.splitlines()) == 12
        assert main(["predict", str(folder), *texts[:3]]) != 0
        assert "Accepted: an even number. Received: 3." in capsys.readouterr().err
        one = ["--data", str(path), "--text", "question"]
        assert main(["predict", str(folder), *one]) != 0
        assert "must name two columns" in capsys.readouterr().err
    assert main(["evaluate", str(run.folder), *one]) != 0
    assert "`text` (--text) must name two columns" in capsys.readouterr().err


@pytest.mark.slow
def test_a_device_is_not_given_pairs(run, place):
    with pytest.raises(ValueError, match="must read one text.*'text_cnn', a model of"):
        zoo.export(run, folder=place / "edge", edge="litert")


@pytest.mark.parametrize("family", [n for n in families() if n != "classification"])
def test_other_families_refuse_pairs(family):
    with pytest.raises(ValueError, match=rf"one column for models of {family}"):
        zoo.read([{"a": "x", "b": "y"}], family=family, text=["a", "b"])


def test_what_sums_over_words_alone_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Received: 'linear'"):
        zoo.train(
            "linear",
            rows(0, 40),
            text=COLUMNS,
            label="relevant",
            out=tmp_path / "run",
            weights="none",
            verbose=False,
        )
