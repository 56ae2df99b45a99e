"""The teacher's vector of every token is cached along few directions."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_teacher import WIDTH, WORDS, make_teacher, table, texts

from zoo.families.encoding.alignment import means_of_pieces
from zoo.families.encoding.teacher import Teacher
from zoo.families.encoding.token_vectors import token_vectors
from zoo.text import TextPipeline
from zoo.text.vocabulary import SPECIALS

pytestmark = pytest.mark.tensorflow


class Stopping(Teacher):
    """Counts the texts whose states it gives, and may stop after some."""

    seen, most = 0, 10**6

    def states(self, rows):
        if self.seen >= self.most:
            raise KeyboardInterrupt
        self.seen += len(rows)
        return super().states(rows)


@pytest.fixture
def teacher(tmp_path):
    return Stopping(make_teacher(tmp_path / "teacher"))


@pytest.fixture
def pipeline():
    return TextPipeline([*SPECIALS, *WORDS])


def distances(vectors) -> np.ndarray:
    """Between each two, relative to their mean."""
    vectors = np.asarray(vectors, "float32")
    found = np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    return found / found.mean()


def test_all_directions_keep_the_distances(tmp_path, teacher, pipeline):
    rows = [*texts(20), ""]
    found = token_vectors(teacher, pipeline, rows, folder=tmp_path / "cache")
    ids = pipeline.encode(rows)
    assert isinstance(found.values, np.memmap) and found.values.dtype == np.float16
    assert np.diff(found.ends).tolist() == [len(row) for row in ids]
    assert not found.values[-1].any()  # the empty text has no word
    known = np.concatenate(ids)[:-1] - len(SPECIALS) + 1
    expected = distances(table()[known])
    np.testing.assert_allclose(distances(found.values[:-1]), expected, atol=5e-3)
    lengths = np.square(found.values[:-1].astype("float32")).sum(axis=1)
    assert lengths.mean() == pytest.approx(1, abs=1e-2)
    few = token_vectors(teacher, pipeline, rows, size=2, folder=tmp_path / "cache")
    assert few.values.shape == (len(found.values), 2)


def test_a_stopped_pass_continues_bit_for_bit(tmp_path, teacher, pipeline):
    rows, options = texts(20), {"chunk": 6}
    whole = token_vectors(teacher, pipeline, rows, folder=tmp_path / "a", **options)
    stopped = Stopping(teacher.path)
    stopped.most = 20 + 12
    with pytest.raises(KeyboardInterrupt):
        token_vectors(stopped, pipeline, rows, folder=tmp_path / "b", **options)
    last = Stopping(teacher.path)
    found = token_vectors(last, pipeline, rows, folder=tmp_path / "b", **options)
    assert last.seen == 8
    np.testing.assert_array_equal(found.values, whole.values)
    token_vectors(last, pipeline, rows, folder=tmp_path / "b", **options)
    assert last.seen == 8


def test_parts_of_a_word_share_its_vector(tmp_path, teacher):
    pieces = TextPipeline([*SPECIALS, "go", "##od", "film", "bad"])
    rows = ["good film", "film bad", "bad good"]
    found = token_vectors(teacher, pieces, rows, folder=tmp_path)
    first, second, film = found.values[:3]
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(film, found.values[3])
    assert np.abs(first - film).max() > 0.1


def test_words_that_the_teacher_does_not_reach_have_no_weight(tmp_path, pipeline):
    teacher = Teacher(make_teacher(tmp_path / "teacher"), max_length=2)
    found = token_vectors(
        teacher, pipeline, ["good bad film", "a day"], folder=tmp_path
    )
    vectors, weights = found.padded([1, 0], 4)
    assert vectors.shape == (2, 4, WIDTH) and vectors.dtype == np.float32
    assert weights.tolist() == [[1, 1, 0, 0], [1, 1, 0, 0]]
    np.testing.assert_array_equal(vectors[1, :2], found.values[:2].astype("float32"))


def test_what_has_no_tokens_is_refused(tmp_path, teacher, pipeline):
    with pytest.raises(ValueError, match="`token_weight` needs.*tokenizer='bytes'"):
        token_vectors(teacher, TextPipeline(tokenizer="bytes"), ["a"], folder=tmp_path)
    pooled = Teacher(make_teacher(tmp_path / "pooled", pooled=True))
    with pytest.raises(ValueError, match="`token_weight` needs.*sentence_embedding"):
        token_vectors(pooled, pipeline, ["a"], folder=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_piece_belongs_to_the_tokens_that_share_a_character_with_it():
    tokens, pieces = np.array([[0, 2], [2, 5]]), np.array([[0, 2], [2, 3], [3, 5]])
    means, known = means_of_pieces(tokens, pieces, np.eye(3))
    assert means.tolist() == [[1, 0, 0], [0, 0.5, 0.5]] and known.all()
