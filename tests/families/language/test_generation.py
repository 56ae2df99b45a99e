"""Continuing and scoring texts: in Python, in the SavedModel, from the command line."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from marks import slow_but

import zoo

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

from zoo.families.language.generation import Generator  # noqa: E402
from zoo.families.language.model import LanguageModel  # noqa: E402
from zoo.families.language.perplexity import log_probabilities, zero_state  # noqa: E402
from zoo.serving import ServedModel  # noqa: E402
from zoo.text import END, SPECIALS, TextPipeline  # noqa: E402
from zoo.text.detokenize import Detokenizer  # noqa: E402

TEXTS = ["the cat sat on the mat", "the dog sat on the cat", "a dog and a cat"]
ODD = ["", "  ", "the cat", "zzz the", "\u597d \U0001f600", "the " * 50]


def make(tokenizer="unicode", name="lstm_lm", **options):
    keras.utils.set_random_seed(1)
    pipeline = TextPipeline.learn(
        TEXTS, tokenizer=tokenizer, min_count=1, max_length=1000
    )
    sizes = {"embedding_dim": 8, "units": 8, "init_scale": 0.9, **options}
    model = zoo.get(name, pipeline.vocab_size, **sizes)
    return LanguageModel(model, pipeline, {}, {"name": name})


def ids_of(model, text):
    return model.pipeline.encode([text])[0] if text.strip() else np.zeros(0, "int32")


def greedy(model, text, count):
    """Reads all anew for each token; returns ids and their log-probability."""
    ids, total, chosen = [END, *ids_of(model, text)], 0.0, []
    for _ in range(count):
        tokens = np.array([ids], "int32")
        state = zero_state(model.model, 1)
        # Eagerly: a graph would be traced for each length.
        found = model.model({"tokens": tokens, "state": state}, training=False)
        logits = keras.ops.convert_to_numpy(found["logits"])[0, -1].astype("float64")
        probabilities = np.exp(logits - logits.max())
        probabilities /= probabilities.sum()
        allowed = [i for i in range(len(logits)) if i == END or i >= len(SPECIALS)]
        best = max(allowed, key=lambda i: probabilities[i])
        total += np.log(probabilities[best])
        if best == END:
            break
        ids.append(best)
        chosen.append(best)
    return chosen, total


@pytest.mark.parametrize("name", slow_but([], ["lstm_lm", "glstm_lm"], ["lstm_lm"]))
def test_greedy_is_the_likeliest_token_each_time(name):
    model = make(name=name)
    names = model.pipeline.vocabulary
    found = model.generate(ODD, max_tokens=7)
    for text, continuation in zip(ODD, found, strict=True):
        chosen, _ = greedy(model, text, 7)
        assert continuation == " ".join(names[i] for i in chosen)


def test_a_continuation_does_not_depend_on_the_batch():
    model = make()
    for options in ({}, {"temperature": 1.0, "seed": 3, "top_k": 6, "top_p": 0.9}):
        together = model.generate(ODD, max_tokens=9, **options)
        alone = [model.generate([text], max_tokens=9, **options)[0] for text in ODD]
        assert together == alone


@pytest.mark.slow
def test_samples_differ_by_seed_and_follow_the_probabilities():
    """First tokens of many seeds against the model's distribution."""
    model = make(init_scale=1.5)
    state = zero_state(model.model, 1)
    tokens = np.array([[END, *ids_of(model, "the")]], "int32")
    result = model.model.predict_on_batch({"tokens": tokens, "state": state})
    logits = result["logits"][0, -1].astype("float64")
    logits[: len(SPECIALS)] = -np.inf
    logits[END] = result["logits"][0, -1][END]
    expected = np.exp(logits - logits.max())
    expected /= expected.sum()
    draw = Generator(model.model, model.pipeline).endpoints["generate"]
    counts = np.zeros(len(expected))
    for seed in range(400):
        found = draw(
            tf.constant(["the"]),
            tf.constant(1),
            tf.constant(1.0),
            tf.constant(0),
            tf.constant(1.0),
            tf.constant(seed),
        )
        token = int(found["ids"][0, 0])
        counts[token if token else END] += 1
    deviation = np.sqrt(expected * (1 - expected) / 400)
    assert (np.abs(counts / 400 - expected) <= 4.5 * deviation + 1e-9).all()


def test_top_k_and_top_p_leave_the_likeliest():
    model = make()
    first = {text.split(" ")[0] for text in model.generate(["the"], max_tokens=1)}
    for options in ({"top_k": 1}, {"top_p": 0.0}):
        found = {
            model.generate(
                ["the"], max_tokens=1, temperature=5.0, seed=seed, **options
            ).pop()
            for seed in range(20)
        }
        assert found == first
    some = {
        model.generate(["the"], max_tokens=1, temperature=9.0, seed=seed, top_k=2)[0]
        for seed in range(40)
    }
    assert len(some) == 2


def test_score_is_the_sum_of_the_log_probabilities():
    model = make()
    ids = [ids_of(model, text) for text in ODD]
    expected = log_probabilities(model.model, ids, end=END)
    for score, row in zip(model.score(ODD), expected, strict=True):
        assert score["tokens"] == len(row)
        assert score["log_probability"] == pytest.approx(float(row.sum()), rel=1e-5)


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="`top_p` must be a number from 0 to 1"):
        make().generate(["a"], top_p=1.5)
    with pytest.raises(ValueError, match="`max_tokens` must be a whole number from 1"):
        make().generate(["a"], max_tokens=0)


@pytest.mark.parametrize("tokenizer", ["unicode", "whitespace", "wordpiece", "bytes"])
def test_known_text_comes_back(tokenizer):
    pipeline = TextPipeline.learn(TEXTS, tokenizer=tokenizer, min_count=1)
    found = Detokenizer(pipeline)(pipeline(TEXTS)).numpy()
    assert [text.decode() for text in found] == TEXTS


@pytest.mark.parametrize(
    "text",
    [
        "He left (in 1990-1995), and/or came back: why not?",
        "x-y-z costs $40, or 5%; see [3]…",
        "“Yes”, he said. It's well-known!",
    ],
)
def test_punctuation_stands_beside_its_words(text):
    pipeline = TextPipeline.learn([text], min_count=1, lowercase=False)
    words = Detokenizer(pipeline)(pipeline([text])).numpy()[0].decode()
    assert words == text.replace("…", "...")  # NFKC


def test_bytes_that_are_no_text_are_replaced():
    pipeline = TextPipeline(tokenizer="bytes")
    ids = np.array([[4 + 0xE4, 4 + 0xBD, 4 + ord("a"), 0]], "int32")
    assert Detokenizer(pipeline)(ids).numpy()[0].decode() == "\ufffda"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    model = make()
    folder = tmp_path_factory.mktemp("served") / "lm"
    zoo.export(model.model, model.pipeline, folder, examples=TEXTS)
    return model, folder


@pytest.mark.slow
def test_the_served_model_answers_as_python_does(exported):
    model, folder = exported
    served = ServedModel(folder).predict(ODD)
    for found, expected in zip(served, model.predict(ODD), strict=True):
        assert found["continuation"] == expected["continuation"]
        assert found["tokens"] == expected["tokens"]
        close = pytest.approx(expected["log_probability"], rel=1e-5)
        assert found["log_probability"] == close


@pytest.mark.slow
def test_signatures(exported):
    _, folder = exported
    metadata = json.loads((folder / "1/metadata.json").read_text())
    outputs = {name: set(s["outputs"]) for name, s in metadata["signatures"].items()}
    assert outputs == {
        "serving_default": {"text", "ids", "log_probability"},
        "generate": {"text", "ids", "log_probability"},
        "score": {"log_probability", "tokens"},
        "step": {"logits", "state"},
        "tokens": {"ids", "tokens", "length"},
    }


@pytest.mark.slow
def test_a_stream_of_steps_is_the_text_at_once(exported):
    model, folder = exported
    step = tf.saved_model.load(str(folder / "1")).signatures["step"]
    tokens = np.array([[END, *ids_of(model, TEXTS[0])]], "int32")
    state = zero_state(model.model, 1)
    whole = model.model.predict_on_batch({"tokens": tokens, "state": state})
    for place in range(tokens.shape[1]):
        found = step(
            ids=tf.constant(tokens[:, place : place + 1]), state=tf.constant(state)
        )
        state = found["state"].numpy()
        np.testing.assert_allclose(
            found["logits"][0, 0], whole["logits"][0, place], atol=1e-5
        )


@pytest.mark.slow
def test_a_wrong_answer_is_not_published(tmp_path, monkeypatch):
    """The check in the fresh process replays the calls and sees the difference."""
    from zoo.families.language import servable
    from zoo.serving import ExportError

    model = make()
    right = servable.expected_calls

    def wrong(*arguments):
        calls = right(*arguments)
        calls[0]["outputs"]["log_probability"]["values"][2] += 0.01
        return calls

    monkeypatch.setattr(servable, "expected_calls", wrong)
    with pytest.raises(ExportError, match="score, row"):
        zoo.export(model.model, model.pipeline, tmp_path / "lm", examples=TEXTS)
    assert list((tmp_path / "lm").iterdir()) == []


@pytest.mark.slow
def test_a_saved_language_model_comes_back(tmp_path):
    model = make()
    again = zoo.load(model.save(tmp_path / "lm"))
    assert isinstance(again, LanguageModel)
    assert again.predict(ODD[:3]) == model.predict(ODD[:3])


@pytest.mark.slow
def test_the_command_line_trains_continues_and_exports(tmp_path, monkeypatch, capsys):
    """Texts alone, without a label; the same answers from the run and the export."""
    from zoo.cli import main

    rows = [f"{text} {number}" for number in range(12) for text in TEXTS]
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(rows) + "\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    sizes = ["units=8", "embedding_dim=8", "epochs=2", "batch_size=2", "window=5"]
    code = main(["train", "lstm_lm", "--data", "texts.csv", "--set", *sizes])
    out = capsys.readouterr().out
    assert code == 0 and "perplexity" in out and "zoo predict saved_models/lstm" in out
    report = (tmp_path / "runs/lstm_lm/report.md").read_text("utf-8")
    assert "read as one stream" in report and "| test " in report
    answers = []
    for place in ("runs/lstm_lm", "saved_models/lstm_lm"):
        assert main(["predict", place, "the cat", ""]) == 0
        lines = capsys.readouterr().out.splitlines()
        answers.append([json.loads(line)["answers"] for line in lines])
    for one, other in zip(*answers, strict=True):
        assert set(one) == {"continuation", "log_probability", "tokens"}
        assert one["continuation"] == other["continuation"]
        close = pytest.approx(other["log_probability"], rel=1e-4)
        assert one["log_probability"] == close
