"""The teacher reads ONNX files, and says what is wrong with those it cannot use."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_teacher import (
    WIDTH,
    WORDS,
    make_teacher,
    table,
    texts,
    vectors_by_hand,
    write_model,
    write_tokenizer,
)

from zoo.families.encoding import extra
from zoo.families.encoding.teacher import Teacher


def test_vectors_are_means_under_the_mask(tmp_path):
    teacher = Teacher(make_teacher(tmp_path))
    rows = ["good film", "so very very bad was the day 1 2 3", "unknown", "a"]
    found = teacher(rows)
    assert teacher.width == WIDTH and found.dtype == np.float16
    np.testing.assert_allclose(found, vectors_by_hand(rows), atol=1e-3)


def test_batches_change_no_vector(tmp_path):
    teacher, rows = Teacher(make_teacher(tmp_path)), texts(70)
    alone = np.concatenate([teacher([row]) for row in rows])
    np.testing.assert_allclose(teacher(rows), alone, atol=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {"pooled": True},
        {"kind": "INT32"},
        {"inputs": ("input_ids", "attention_mask", "token_type_ids")},
    ],
)
def test_other_forms_of_the_same_teacher(tmp_path, options):
    teacher = Teacher(make_teacher(tmp_path, **options))
    np.testing.assert_allclose(
        teacher(["good film", "so bad"]),
        vectors_by_hand(["good film", "so bad"]),
        atol=1e-3,
    )


def test_no_token_and_odd_characters_are_read(tmp_path):
    teacher = Teacher(make_teacher(tmp_path))
    found = teacher(["", "\ud800 good", "good " * 5000])
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[2], vectors_by_hand(["good"])[0], atol=1e-3)


def test_the_tokenizer_may_lie_above_or_elsewhere(tmp_path):
    write_model(tmp_path / "onnx" / "model.onnx")
    write_tokenizer(tmp_path / "tokenizer.json")
    above = Teacher(tmp_path / "onnx" / "model.onnx")
    write_tokenizer(tmp_path / "other.json", WORDS[:5])
    other = Teacher(tmp_path / "onnx" / "model.onnx", tmp_path / "other.json")
    assert above.digests[0] == other.digests[0]
    assert above.digests[1] != other.digests[1]


def message(make) -> str:
    with pytest.raises(ValueError) as raised:
        make()
    said = str(raised.value)
    assert "Accepted: " in said and "Received: " in said
    return said


def test_missing_files_are_named(tmp_path):
    path = make_teacher(tmp_path)
    assert "Received: none" in message(lambda: Teacher(""))
    assert "no.onnx, which is no file" in message(lambda: Teacher(tmp_path / "no.onnx"))
    assert "no.json" in message(lambda: Teacher(path, tmp_path / "no.json"))
    (tmp_path / "tokenizer.json").unlink()
    said = message(lambda: Teacher(path))
    assert "(--tokenizer)" in said and "tokenizer.json, which is no file" in said


def test_what_is_no_onnx_file(tmp_path):
    path = make_teacher(tmp_path)
    path.write_bytes(path.read_bytes()[:50])
    assert "must be a model in ONNX" in message(lambda: Teacher(path))
    path.write_text("text\n" * 30)
    assert "must be a model in ONNX" in message(lambda: Teacher(path))


def test_what_is_no_sentence_encoder(tmp_path):
    path = make_teacher(tmp_path, inputs=("ids", "attention_mask"))
    said = message(lambda: Teacher(path))
    assert "ids tensor(int64)" in said and "input_ids and attention_mask" in said
    write_model(path, inputs=("input_ids", "attention_mask", "pixels"))
    assert "pixels tensor(int64)" in message(lambda: Teacher(path))


def test_an_output_that_is_no_vector(tmp_path):
    onnx = pytest.importorskip("onnx")
    path = make_teacher(tmp_path)
    model = onnx.load(path)
    types = onnx.TensorProto
    model.graph.node[0].CopyFrom(
        onnx.helper.make_node("Cast", ["input_ids"], ["states"], to=types.FLOAT)
    )
    shape = ["batch", "time"]
    flat = onnx.helper.make_tensor_value_info("states", types.FLOAT, shape)
    model.graph.output[0].CopyFrom(flat)
    onnx.save(model, path)
    said = message(lambda: Teacher(path))
    assert "must give a vector for each text" in said
    assert "'states' has the shape [1, 2] for 1 text(s) of 2 token(s)" in said


def test_a_tokenizer_that_does_not_fit(tmp_path):
    path = make_teacher(tmp_path, vectors=table(4))
    said = message(lambda: Teacher(path))
    assert "must be the tokenizer of the teacher" in said and "21 tokens" in said
    (tmp_path / "tokenizer.json").write_text('{"version": "1.0"}')
    assert "file of the package tokenizers" in message(lambda: Teacher(path))
    (tmp_path / "tokenizer.json").write_bytes(b"\x00\xff" * 9)
    assert "file of the package tokenizers" in message(lambda: Teacher(path))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_vectors_without_a_direction(tmp_path, value):
    vectors = table()
    vectors[1 + WORDS.index("dull")] = value
    teacher = Teacher(make_teacher(tmp_path, vectors=vectors))
    said = message(lambda: teacher(["good", "dull", "film"], first=10))
    assert "for text 12, 'dull'" in said and "NaN or zeros" in said


def test_the_extra_is_named(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(extra.importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"'\.\[teacher\]'.*No module named 'onnxr"):
        extra.need("onnxruntime")
