"""Properties of the split that hold for any table, by hypothesis."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.data import DataError, Examples, split, text_key
from zoo.data.bundles import bundle

SHARES = [(0.1, 0.1), (0.2, 0.1), (0.25, 0.25), (0.3, 0.0), (0.1, 0.6)]
QUICK = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
KINDS = {
    "categories": lambda draw: draw.choice([None, *"aaabbcde"]),
    "multilabel": lambda draw: draw.choice(
        [None, tuple(sorted(draw.sample("pqrst", draw.randint(0, 3))))]
    ),
    "regression": lambda draw: draw.choice([None, 0.0, draw.random(), -1e9]),
}


@st.composite
def tables(draw):
    """Rows, some of them copies, with up to three columns of labels, and a group for
    some rows, or no groups."""
    sizes = draw(
        st.lists(st.sampled_from([1, 1, 1, 2, 3, 40]), min_size=12, max_size=60)
    )
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), max_size=3))
    groups = draw(st.sampled_from([None, [None, *range(5)], [None, None, 1, 2]]))
    seed = random.Random(draw(st.integers(0, 2**32)))
    texts = [
        seed.choice([f"Text {number}", f"text  {number}\u200b"])
        for number, size in enumerate(sizes)
        for _ in range(size)
    ]
    labels = {
        f"{task}": [KINDS[kind](seed) for _ in texts] for task, kind in enumerate(kinds)
    }
    names = {f"{task}": kind for task, kind in enumerate(kinds)}
    examples = Examples(texts, labels, kinds=names)
    return examples, groups and [seed.choice(groups) for _ in texts]


def parts_of(examples, shares, seed=0, groups=None):
    """The part of each row; none where a part would stay empty."""
    try:
        found = split(
            examples, valid=shares[0], test=shares[1], seed=seed, groups=groups
        )
    except DataError as error:
        assert "leaves it without rows" in str(error)
        return None
    sides = {}
    for number, part in enumerate((found.train, found.valid, found.test)):
        assert part.where == sorted(part.where, key=lambda place: place[1])
        for _, line in part.where:
            assert sides.setdefault(line - 1, number) == number
    assert sorted(sides) == list(range(len(examples)))  # complete
    return [sides[row] for row in range(len(examples))]


@QUICK
@given(tables(), st.sampled_from(SHARES), st.integers(0, 2**40))
def test_bundles_stay_whole_and_every_class_is_in_training(table, shares, seed):
    examples, groups = table
    parts = parts_of(examples, shares, seed, groups)
    if parts is None:
        return
    for rows in bundle([text_key(text) for text in examples.texts], groups).rows:
        assert len({parts[row] for row in rows}) == 1
    for task, values in examples.labels.items():
        if examples.kinds[task] == "regression":
            continue
        classes = [{v} if isinstance(v, str) else set(v or ()) for v in values]
        there = {
            name for part, held in zip(parts, classes) for name in held if not part
        }
        assert there == set().union(*classes)


@QUICK
@given(tables(), st.sampled_from(SHARES), st.integers(0, 5))
def test_the_order_of_the_rows_does_not_matter(table, shares, seed):
    examples, groups = table
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    shuffled = Examples(
        [examples.texts[row] for row in order],
        {t: [v[row] for row in order] for t, v in examples.labels.items()},
        kinds=examples.kinds,
    )
    moved = groups and [groups[row] for row in order]
    first = parts_of(examples, shares, seed, groups)
    second = parts_of(shuffled, shares, seed, moved)
    assert (first is None) == (second is None)
    if first is not None:
        assert [first[row] for row in order] == second


@QUICK
@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([1, 1, 1, 2, 9, 90])),
        min_size=12,
        max_size=80,
    ),
    st.sampled_from(SHARES),
    st.integers(0, 99),
)
def test_one_label_a_bundle_has_its_share_to_within_one(bundles, shares, seed):
    texts = [f"{i}" for i, (_, copies) in enumerate(bundles) for _ in range(copies)]
    labels = [None if y == "h" else y for y, copies in bundles for _ in range(copies)]
    parts = parts_of(Examples(texts, {"y": labels}), shares, seed)
    if parts is None:
        return
    side = dict(zip(texts, parts))
    for label in {label for label, _ in bundles}:
        held = [side[f"{i}"] for i, (y, _) in enumerate(bundles) if y == label]
        for part, share in enumerate((1 - sum(shares), *shares)):
            assert abs(held.count(part) - share * len(held)) < 1 + 1e-6


@QUICK
@given(st.integers(0, 2**32), st.sampled_from(SHARES[:3]), st.integers(1, 6))
def test_columns_and_tags_together_have_their_shares(seed, shares, columns):
    draw = random.Random(seed)
    rows = 300
    labels = {
        f"{c}": [draw.choice([None, *"aaabbc"]) for _ in range(rows)]
        for c in range(columns)
    }
    labels["tags"] = [
        tuple(tag for tag in "pqrs" if draw.random() < 0.3) for _ in range(rows)
    ]
    parts = parts_of(Examples([f"{i}" for i in range(rows)], labels), shares, seed)
    for values in labels.values():
        for name in {n for v in values for n in (v or ())}:
            held = [part for part, v in zip(parts, values) if v and name in v]
            for part, share in enumerate((1 - sum(shares), *shares)):
                assert abs(held.count(part) - share * len(held)) <= 1 + 1e-6
