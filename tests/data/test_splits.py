"""Splits: shares of the labels, copies, rare categories, determinism, leakage."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from zoo.data import (
    DataError,
    Examples,
    assemble,
    drop_leaked,
    hold_out,
    split,
    text_key,
)


def rows(count, labels=("a", "b"), prefix="text"):
    texts = [f"{prefix} {i}" for i in range(count)]
    return Examples(texts, {"y": [labels[i % len(labels)] for i in range(count)]})


def parts_of(splits):
    return (splits.train, splits.valid, splits.test)


def fingerprint(splits):
    texts = "\n".join("|".join(part.texts) for part in parts_of(splits))
    return hashlib.sha256(texts.encode()).hexdigest()


def test_every_row_is_in_one_part_in_the_order_of_the_file():
    data = rows(500)
    parts = parts_of(split(data))
    assert [len(part) for part in parts] == [400, 50, 50]
    assert sorted(t for part in parts for t in part.texts) == sorted(data.texts)
    for part in parts:
        assert part.where == sorted(part.where)


@pytest.mark.parametrize(
    "valid, test", [(0.1, 0.1), (0.2, 0.1), (0.25, 0.25), (0, 0.3)]
)
def test_each_label_keeps_its_share(valid, test):
    labels = ["common"] * 700 + ["some"] * 200 + ["few"] * 100
    random.Random(0).shuffle(labels)
    data = Examples([f"text {i}" for i in range(1000)], {"y": labels})
    result = split(data, valid=valid, test=test)
    for share, part in ((valid, result.valid), (test, result.test)):
        counts = Counter(part.labels["y"])
        for label, total in Counter(labels).items():
            assert abs(counts[label] - share * total) <= 2


def test_several_tasks_keep_the_shares_of_their_combinations():
    data = Examples(
        [f"text {i}" for i in range(600)],
        {
            "p": [("a", None, "b")[i % 3] for i in range(600)],
            "q": [(None, "c")[i % 2] for i in range(600)],
        },
    )
    part = split(data).test
    counts = Counter(zip(part.labels["p"], part.labels["q"], strict=True))
    assert len(counts) == 6 and all(9 <= n <= 11 for n in counts.values())


def test_regression_targets_are_spread():
    data = Examples(
        [f"text {i}" for i in range(400)], {"y": [float(i) for i in range(400)]}
    )
    tenths = Counter(int(y // 40) for y in split(data, test=0.2).test.labels["y"])
    assert len(tenths) == 10 and all(7 <= n <= 9 for n in tenths.values())


def test_duplicates_stay_on_one_side():
    texts, labels = [], []
    for i in range(300):
        word = f"Straße №{i}"
        same = [word, f"  {word.upper()}\t", word.replace("№", "No"), word]
        texts += same[: 1 + i % 4]
        labels += ["ab"[i % 2]] * (1 + i % 4)
    result = split(Examples(texts, {"y": labels}))
    sides = [{text_key(t) for t in part.texts} for part in parts_of(result)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert sum(map(len, sides)) == 300
    assert 65 <= len(result.test) <= 85  # 750 rows


def test_one_text_on_most_rows_counts_once():
    data = rows(1000)
    data.texts[:600] = ["ok"] * 600
    result = split(data)
    assert result.train.texts.count("ok") == 600
    assert [len(part) for part in parts_of(result)] == [920, 40, 40]


def test_copies_change_the_shares_of_their_own_class_at_most():
    labels = list("abcd") * 60 + ["e"] * 30
    texts = [f"text {i}" for i in range(len(labels))]
    plain = split(Examples(texts, {"y": labels}))
    copied = split(Examples(texts + ["away"] * 500, {"y": labels + ["e"] * 500}))
    for result in (plain, copied):
        counts = [Counter(part.labels["y"]) for part in parts_of(result)]
        for label in "abcd":
            assert [count[label] for count in counts] == [48, 6, 6]
    assert copied.train.texts.count("away") == 500
    assert [part.labels["y"].count("e") for part in parts_of(copied)] == [524, 3, 3]


def test_several_large_bundles_stay_in_training():
    labels = ["a"] * 60 + [y for y in "bcde" for _ in range(200)]
    texts = [f"text {i}" for i in range(60)] + [y for y in "bcde" for _ in range(200)]
    data = Examples(texts, {"y": ["a"] * 860, "z": labels})
    for seed in range(5):
        valid = split(data, seed=seed).valid
        assert 5 <= len(valid) <= 7 and set(valid.labels["z"]) == {"a"}


def test_blank_rows_disturb_no_class():
    labels = ["bad"] * 10 + ["good"] * 10 + [None] * 80
    texts = [f"text {i}" for i in range(20)] + [""] * 80
    result = split(Examples(texts, {"y": labels}))
    for part, count in zip(parts_of(result), (8, 1, 1)):
        found = Counter(part.labels["y"])
        assert found["bad"] == found["good"] == count
    assert result.train.texts.count("") == 80


def test_unlabelled_rows_are_a_class_of_their_own():
    labels = (["a"] * 20 + ["b"] * 10 + [None] * 70) * 2
    result = split(Examples([f"{i}" for i in range(200)], {"y": labels}))
    for part, tenths in zip(parts_of(result), (8, 1, 1)):
        found = Counter(part.labels["y"])
        assert found == {"a": 4 * tenths, "b": 2 * tenths, None: 14 * tenths}


def test_groups_stay_on_one_side():
    data = rows(900)
    groups = [None if i % 3 else f"author {i // 30}" for i in range(900)]
    result = split(data, groups=groups)
    side = {}
    for number, part in enumerate(parts_of(result)):
        for _, line in part.where:
            group = groups[line - 1]
            assert group is None or side.setdefault(group, number) == number
    counts = Counter(side.values())  # 30 authors
    assert counts[0] >= 22 and 2 <= counts[1] <= 5 and 2 <= counts[2] <= 5
    with pytest.raises(DataError, match="`groups` must hold one value per row"):
        split(data, groups=["a"])


def test_a_category_of_one_row_stays_in_train():
    labels = ["a"] * 100 + ["b"] * 100 + ["once"] + ["twice"] * 2 + ["thrice"] * 3
    data = Examples([f"text {i}" for i in range(len(labels))], {"y": labels})
    for seed in range(30):
        result = split(data, valid=0.3, test=0.3, seed=seed)
        counts = Counter(result.train.labels["y"])
        assert counts["once"] == 1 and counts["twice"] == 1
        assert 1 <= counts["thrice"] <= 2


def test_rare_tags_stay_in_train_and_the_others_keep_their_shares():
    tags = [
        ("pqr"[i % 3],) + ((f"rare {i}",) if i % 4 == 0 else ()) for i in range(600)
    ]
    for seed in range(3):
        data = Examples([f"{i}" for i in range(600)], {"y": tags})
        parts = parts_of(split(data, seed=seed))
        counts = [Counter(t for row in part.labels["y"] for t in row) for part in parts]
        assert not any(tag.startswith("rare") for tag in counts[1] | counts[2])
        for tag in "pqr":
            assert 159 <= counts[0][tag] <= 161
            assert 19 <= counts[1][tag] <= 21 and 19 <= counts[2][tag] <= 21


def test_many_small_classes_together_fill_their_parts():
    labels = [f"{i // 4}" for i in range(2000)]  # 0.4 rows a class to a part
    result = split(Examples([f"text {i}" for i in range(2000)], {"y": labels}))
    assert [len(part) for part in parts_of(result)] == [1600, 200, 200]
    for part in (result.valid, result.test):
        assert max(Counter(part.labels["y"]).values()) == 1


def test_six_columns_keep_the_shares_of_each():
    draw = random.Random(0)
    labels = {f"{c}": draw.choices("abcde", k=1000) for c in range(6)}
    result = split(Examples([f"text {i}" for i in range(1000)], labels), seed=1)
    for part in (result.valid, result.test):
        for column, values in labels.items():
            for label, total in Counter(values).items():
                found = part.labels[column].count(label)
                assert abs(found - total / 10) <= 1 + 1e-6


@pytest.mark.parametrize("kind", ["one label", "tags", "six columns", "groups"])
def test_another_seed_is_another_split(kind):
    draw = random.Random(1)
    groups = None
    if kind == "tags":
        labels = {"y": [tuple(draw.sample("pqrstuvw", i % 4)) for i in range(1000)]}
    elif kind == "six columns":
        labels = {f"{c}": draw.choices("abcde", k=1000) for c in range(6)}
    else:
        labels = {"y": draw.choices("abcde", k=1000)}
    if kind == "groups":  # of 1 to 12 rows
        groups = [int(600 * (i / 1000) ** 2) for i in range(1000)]
    data = Examples([f"text {i}" for i in range(1000)], labels)
    found = [set(split(data, seed=s, groups=groups).valid.texts) for s in range(5)]
    assert mean_overlap(found) < (0.25 if groups else 0.15)  # 0.1 by chance


def mean_overlap(parts):
    pairs = [(a, b) for i, a in enumerate(parts) for b in parts[:i]]
    return sum(len(a & b) / min(len(a), len(b)) for a, b in pairs) / len(pairs)


def test_every_other_category_has_a_row_in_train():
    labels = ["a"] * 100 + ["thrice"] * 3
    data = Examples([f"text {i}" for i in range(103)], {"y": labels})
    for seed in range(30):
        result = split(data, valid=0.48, test=0.48, seed=seed)
        assert "thrice" in result.train.labels["y"]
        assert sum(map(len, parts_of(result))) == 103


def test_seeds_differ_and_the_order_of_the_rows_does_not_matter():
    data = rows(200)
    first, again = split(data, seed=1), split(data, seed=1)
    assert fingerprint(first) == fingerprint(again) != fingerprint(split(data, seed=2))
    order = list(range(200))
    random.Random(0).shuffle(order)
    shuffled = split(data.select(order), seed=1)
    assert sorted(shuffled.test.texts) == sorted(first.test.texts)


def test_the_same_split_in_another_process():
    code = (
        "from zoo.data import Examples, split\n"
        "data = Examples([f'text {i}' for i in range(200)], {'y': list('ab' * 100)})\n"
        "s = split(data, seed=3)\n"
        "print('|'.join(s.valid.texts + s.test.texts))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    here = split(rows(200), seed=3)
    assert answers == {"|".join(here.valid.texts + here.test.texts) + "\n"}


def test_the_split_never_changes_between_versions():
    # A changed split makes results incomparable: change this only on purpose.
    texts = split(rows(40), seed=0).test.texts
    assert texts == ["text 6", "text 13", "text 22", "text 27"]


def test_zero_shares_and_no_labels():
    result = split(Examples(list("abcdefghijklmnopqrst"), {}), valid=0, test=0.25)
    assert [len(part) for part in parts_of(result)] == [15, 0, 5]


@pytest.mark.parametrize("valid, test", [(-0.1, 0.1), (1.0, 0), (0.5, 0.5), (0, 1.5)])
def test_shares_out_of_range(valid, test):
    with pytest.raises(DataError, match="Accepted: .*below 1. Received"):
        split(rows(10), valid=valid, test=test)


def test_too_few_rows():
    with pytest.raises(DataError, match="leaves it without rows.*Received: 3 rows"):
        split(rows(3))
    with pytest.raises(DataError, match="leaves it without rows"):
        split(Examples(["a"] * 50, {"y": ["x", "y"] * 25}))


def test_hold_out():
    rest, held = hold_out(rows(100), 0.2, seed=4)
    assert len(rest) == 80 and Counter(held.labels["y"]) == {"a": 10, "b": 10}
    assert not set(rest.texts) & set(held.texts)


def test_drop_leaked():
    train = Examples(["A  b", "c", "d", "ﬁne"], {"y": list("1212")})
    rest, dropped = drop_leaked(
        train, Examples(["a B"], {}), Examples(["FINE", "x"], {})
    )
    assert rest.texts == ["c", "d"] and dropped == 2
    assert rest.labels == {"y": ["2", "1"]}
    assert drop_leaked(train)[1] == 0


def test_assemble_fills_the_parts_that_are_not_given():
    train, given = rows(100), rows(10, prefix="other")
    result = assemble(train)
    assert [len(part) for part in parts_of(result)] == [80, 10, 10]
    result = assemble(train, valid=given)
    assert [len(part) for part in parts_of(result)] == [90, 10, 10]
    assert result.valid is given and "test: 10 %" in result.notes[0]
    result = assemble(train, test=given)
    assert result.test is given and len(result.valid) == 10
    result = assemble(train, given, rows(10, prefix="third"))
    assert result.train is train and result.notes == []


def test_assemble_reports_what_it_drops():
    train = rows(100)
    result = assemble(train, train.select([3]), train.select([4, 5]))
    assert len(result.train) == 97 and result.notes[0].startswith("3 training row(s)")
    with pytest.raises(DataError, match="No training row is left"):
        assemble(train, train)


def test_skipped_rows_stay_with_train():
    data = rows(100)
    data.skipped = ["a bad row"]
    assert split(data).train.skipped == ["a bad row"]
    assert drop_leaked(data, data.select([0]))[0].skipped == ["a bad row"]


@pytest.mark.parametrize("classes", [2, 6, 20])
@pytest.mark.parametrize("seed", range(5))
def test_eight_rows_a_class_leave_at_least_six_of_each_to_training(classes, seed):
    labels = [f"class {n}" for n in range(classes)]
    parts = assemble(rows(8 * classes, labels), seed=seed)
    count = Counter(parts.train.labels["y"])
    assert set(count) == set(labels) and min(count.values()) >= 6
    for part in (parts.valid, parts.test):
        assert len(part) >= 0.1 * 8 * classes - 1
        assert max(Counter(part.labels["y"]).values()) == 1
