"""Rows dealt in one pass: bounded parts, no row lost, copies together."""

import random
import tracemalloc

import pytest

from zoo.data import Examples, dealing
from zoo.data.dealing import deal
from zoo.data.errors import DataError

PART = 50


def rows_of(numbers):
    """Rows of two tasks; one label in twenty of the first is rare."""
    texts = [f"text number {n}" for n in numbers]
    rare = [f"rare {n % 7}" if n % 20 == 0 else "usual" for n in numbers]
    stars = [float(n % 5) if n % 2 else None for n in numbers]
    return Examples(texts, {"kind": rare, "stars": stars})


def parts_of(numbers):
    def read():
        for start in range(0, len(numbers), PART):
            yield rows_of(numbers[start : start + PART])

    return read


def streamed(splits):
    return [text for rows in splits.stream for text in rows.texts]


@pytest.fixture
def small(monkeypatch):
    """Room for few rows."""
    monkeypatch.setattr(dealing, "HELD_OUT", 30)
    monkeypatch.setattr(dealing, "SELECTED", 200)


def test_every_row_is_in_one_part():
    splits = deal(parts_of(range(1000)))
    assert 70 < len(splits.valid) < 130 and 70 < len(splits.test) < 130
    everything = [*splits.valid.texts, *splits.test.texts, *streamed(splits)]
    assert sorted(everything) == sorted(rows_of(range(1000)).texts)
    assert sorted(splits.train.texts) == sorted(streamed(splits))
    assert len(splits.stream) == len(splits.train)


def test_parts_are_bounded_and_no_row_is_lost(small):
    splits = deal(parts_of(range(3000)))
    assert len(splits.valid) == len(splits.test) == 30
    assert len(splits.train) == 200
    found = streamed(splits)
    assert set(splits.train.texts) <= set(found)
    everything = [*splits.valid.texts, *splits.test.texts, *found]
    assert sorted(everything) == sorted(rows_of(range(3000)).texts)
    assert len(splits.stream) == 2940


def test_the_selection_has_rows_of_each_label(small):
    splits = deal(parts_of(range(3000)))
    labels = splits.train.labels["kind"]
    assert all(labels.count(f"rare {n}") >= dealing.OF_EACH for n in range(7))


def test_characters_bound_the_parts(monkeypatch):
    monkeypatch.setattr(dealing, "HELD_OUT_CHARACTERS", 400)
    splits = deal(parts_of(range(1000)))
    assert 300 < sum(map(len, splits.valid.texts)) <= 400
    everything = [*splits.valid.texts, *splits.test.texts, *streamed(splits)]
    assert sorted(everything) == sorted(rows_of(range(1000)).texts)


def test_the_order_of_rows_changes_nothing_and_the_seed_does(small):
    numbers = list(range(2000))
    splits = deal(parts_of(numbers))
    random.Random(0).shuffle(numbers)
    again = deal(parts_of(numbers))
    assert sorted(again.valid.texts) == sorted(splits.valid.texts)
    assert sorted(streamed(again)) == sorted(streamed(splits))
    other = deal(parts_of(range(2000)), seed=1)
    assert sorted(other.valid.texts) != sorted(splits.valid.texts)


def test_copies_stay_together(small):
    def read():
        yield from parts_of(range(1500))()
        copies = rows_of(range(1500))
        copies.texts = [f"  TEXT number {n}" for n in range(1500)]
        yield copies

    splits = deal(read)
    keys = [{*part.text_keys} for part in (splits.valid, splits.test)]
    training = {key for rows in splits.stream for key in rows.text_keys}
    assert keys[0] and not keys[0] & keys[1] and not training & (keys[0] | keys[1])
    assert len(splits.valid) == 2 * len(keys[0])


def test_texts_of_given_parts_leave_training():
    given = rows_of(range(40))
    splits = deal(parts_of(range(500)), test=given)
    assert splits.test is given
    assert not {*given.texts} & {*streamed(splits), *splits.valid.texts}
    assert len(splits.valid) + len(splits.stream) == 460
    assert any(note.startswith("40 training row(s) dropped") for note in splits.notes)


def test_labels_that_only_a_held_out_row_has_are_left_out():
    def read():
        rows = rows_of(range(500))
        [rare] = [n for n, t in enumerate(rows.texts) if t == alone]
        rows.labels["kind"][rare] = "once"
        yield rows

    alone = deal(parts_of(range(500))).valid.texts[3]
    splits = deal(read)
    assert alone not in [*splits.valid.texts, *streamed(splits)]
    assert "valid: 1 row(s) with labels unknown to training." in splits.notes


def test_too_few_rows_are_refused():
    with pytest.raises(DataError, match="valid part is left without rows.*--valid"):
        deal(parts_of(range(2)))


def test_memory_does_not_grow_with_the_rows(small):
    peaks = []
    for count in (8_000, 32_000):
        tracemalloc.start()
        splits = deal(parts_of(range(count)))
        assert sum(len(rows) for rows in splits.stream) == len(splits.stream)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 24_000 < 8  # bytes a row, of which a text has 70
