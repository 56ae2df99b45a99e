"""The teacher's vectors are computed once, and a killed pass continues."""

from __future__ import annotations

import os

import numpy as np
import pytest
from tiny_teacher import make_teacher, table, texts, vectors_by_hand, write_model

from zoo.families.encoding.cache import teacher_vectors
from zoo.families.encoding.teacher import Teacher


class Counting(Teacher):
    """Counts the texts that it reads, and may fail after some."""

    seen, most = 0, 10**6

    def __call__(self, rows, first=0):
        if self.seen >= self.most:
            raise KeyboardInterrupt
        self.seen += len(rows)
        return super().__call__(rows, first)


@pytest.fixture
def teacher(tmp_path):
    return Counting(make_teacher(tmp_path / "teacher"))


def test_vectors_are_mapped_and_computed_once(tmp_path, teacher):
    rows, said = texts(20), []
    options = {"folder": tmp_path / "cache", "chunk": 6}
    found = teacher_vectors(teacher, rows, **options, say=said.append)
    assert isinstance(found, np.memmap) and found.dtype == np.float16
    assert not found.flags.writeable
    np.testing.assert_allclose(found, vectors_by_hand(rows), atol=1e-3)
    again = teacher_vectors(teacher, rows, **options, say=said.append)
    np.testing.assert_array_equal(again, found)
    assert teacher.seen == 20
    assert said[0] == "Teacher: 6 of 20 texts" and len(said) == 4
    [place] = (tmp_path / "cache").iterdir()
    assert [path.name for path in place.iterdir()] == ["vectors.npy"]


def test_a_stopped_pass_continues_bit_for_bit(tmp_path, teacher):
    rows = texts(20)
    whole = teacher_vectors(teacher, rows, folder=tmp_path / "whole", chunk=6)
    stopped = Counting(teacher.path)
    stopped.most = 12
    options = {"folder": tmp_path / "cache", "chunk": 6}
    with pytest.raises(KeyboardInterrupt):
        teacher_vectors(stopped, rows, **options)
    [place] = (tmp_path / "cache").iterdir()
    assert len(list(place.glob("chunk-*.npy"))) == 2
    assert not (place / "vectors.npy").exists()
    last = Counting(teacher.path)
    found = teacher_vectors(last, rows, **options)
    assert last.seen == 8
    np.testing.assert_array_equal(found, whole)


def test_two_passes_at_once_give_the_same(tmp_path, teacher):
    """The other one ends first, and removes the parts of both."""
    rows, options = texts(12), {"folder": tmp_path / "cache", "chunk": 6}

    class Slow(Teacher):
        def __call__(self, texts, first=0):
            if first:
                teacher_vectors(teacher, rows, **options)
            return super().__call__(texts, first)

    found = teacher_vectors(Slow(teacher.path), rows, **options)
    np.testing.assert_allclose(found, vectors_by_hand(rows), atol=1e-3)
    [place] = (tmp_path / "cache").iterdir()
    assert (place / "vectors.npy").exists()


def test_damaged_files_are_made_again(tmp_path, teacher):
    rows, options = texts(12), {"folder": tmp_path / "cache", "chunk": 6}
    expected = np.array(teacher_vectors(teacher, rows, **options))
    [place] = (tmp_path / "cache").iterdir()
    for damage in (b"", b"\x93NUMPY\x01", (place / "vectors.npy").read_bytes()[:-9]):
        (place / "vectors.npy").unlink()
        (place / "vectors.npy").write_bytes(damage)
        (place / "chunk-000001.npy").write_bytes(damage)
        found = teacher_vectors(teacher, rows, **options)
        np.testing.assert_array_equal(found, expected)


def test_another_teacher_text_or_length_has_vectors_of_its_own(tmp_path, teacher):
    rows, folder = texts(9), tmp_path / "cache"
    first = teacher_vectors(teacher, rows, folder=folder)
    write_model(teacher.path, vectors=-table())
    other = teacher_vectors(Teacher(teacher.path), rows, folder=folder)
    np.testing.assert_array_equal(other, -first)
    teacher_vectors(teacher, rows[::-1], folder=folder)
    teacher_vectors(Teacher(teacher.path, max_length=1), rows, folder=folder)
    assert len(os.listdir(folder)) == 4


def test_a_failed_pass_leaves_no_vectors(tmp_path):
    vectors = table()
    vectors[3] = np.nan
    teacher = Teacher(make_teacher(tmp_path / "teacher", vectors=vectors))
    with pytest.raises(ValueError, match="text 3, 'good'"):
        teacher_vectors(teacher, ["a", "the", "good"], folder=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
