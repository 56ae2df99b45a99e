"""Tag schemes: what is an entity, what is allowed, and every way round."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from zoo.data.tag_schemes import (
    SCHEMES,
    Span,
    check_tags,
    convert_tags,
    crf_constraints,
    first_violation,
    spans_of,
    tags_of,
)

TYPES = ("PER", "LOC", "a-b", "")
SAME = {  # three entities, two of them side by side and of one type
    "BIO": ["B-X", "I-X", "B-X", "O", "B-Y", "I-Y", "I-Y"],
    "IOB1": ["I-X", "I-X", "B-X", "O", "I-Y", "I-Y", "I-Y"],
    "BIOES": ["B-X", "E-X", "S-X", "O", "B-Y", "I-Y", "E-Y"],
}


def random_spans(generator, length):
    spans, place = [], 0
    while place < length:
        place += int(generator.integers(0, 3))
        stop = place + int(generator.integers(1, 4))
        if stop <= length:
            spans.append(Span(str(generator.choice(TYPES)), place, stop))
        place = stop
    return spans


def all_names(scheme, types=("X", "Y")):
    prefixes = "BIES" if scheme == "BIOES" else "BI"
    return ["O", *(f"{p}-{t}" for p in prefixes for t in types)]


@pytest.mark.parametrize("source, target", [*itertools.product(SCHEMES, SCHEMES)])
def test_the_same_entities_in_every_scheme(source, target):
    assert convert_tags(SAME[source], source, target) == SAME[target]
    expected = [Span("X", 0, 2), Span("X", 2, 3), Span("Y", 4, 7)]
    assert spans_of(SAME[source]) == expected


@pytest.mark.parametrize("seed", range(20))
def test_spans_survive_every_conversion(seed):
    generator = np.random.default_rng(seed)
    for length in range(15):
        spans = random_spans(generator, length)
        for source, target in itertools.product(SCHEMES, SCHEMES):
            tags = tags_of(spans, length, source)
            assert len(tags) == length and first_violation(tags, source) is None
            converted = convert_tags(tags, source, target)
            assert spans_of(converted) == spans
            assert convert_tags(converted, target, source) == tags


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_valid_is_what_can_be_written(scheme):
    """A sequence keeps a scheme exactly if its entities are written like that."""
    for length in range(4):
        for tags in itertools.product(all_names(scheme), repeat=length):
            written = tags_of(spans_of(tags), length, scheme)
            valid = first_violation(tags, scheme) is None
            assert valid == (written == list(tags)), tags


@pytest.mark.parametrize("scheme", SCHEMES)
def test_constraints_allow_what_is_valid(scheme):
    names = all_names(scheme)
    allowed = crf_constraints(names, scheme)
    for length in range(1, 4):
        for path in itertools.product(range(len(names)), repeat=length):
            permitted = (
                allowed["allowed_starts"][path[0]]
                and allowed["allowed_ends"][path[-1]]
                and all(
                    allowed["allowed_transitions"][pair]
                    for pair in itertools.pairwise(path)
                )
            )
            tags = [names[i] for i in path]
            assert permitted == (first_violation(tags, scheme) is None), tags


@pytest.mark.parametrize(
    "tags, spans",
    [
        ([], []),
        (["I-PER"], [("PER", 0, 1)]),
        (["O", "I-PER", "I-LOC"], [("PER", 1, 2), ("LOC", 2, 3)]),
        (["B-PER", "I-LOC", "I-LOC"], [("PER", 0, 1), ("LOC", 1, 3)]),
        (["B-PER", "O", "E-PER"], [("PER", 0, 1), ("PER", 2, 3)]),
        (["E-PER", "E-PER"], [("PER", 0, 1), ("PER", 1, 2)]),
        (["S-PER", "I-PER", "E-PER"], [("PER", 0, 1), ("PER", 1, 3)]),
        (["B", "I", "O", "B"], [("", 0, 2), ("", 3, 4)]),
    ],
)
def test_entities_are_read_leniently(tags, spans):
    assert [tuple(span) for span in spans_of(tags)] == spans


@pytest.mark.parametrize(
    "tags, scheme, parts",
    [
        (["I-X"], "BIO", ["tags[0]", "I-X comes first", "only after B-X or I-X"]),
        (["B-X", "I-Y"], "IOB2", ["tags[1]", "I-Y follows B-X", "BIO"]),
        (["O", "B-X"], "IOB1", ["tags[1]", "B-X follows O", "B-X or I-X"]),
        (["B-X", "O"], "BIOES", ["tags[1]", "O follows B-X", "I-X or E-X"]),
        (["O", "E-X"], "IOBES", ["tags[1]", "E-X follows O", "B-X or I-X"]),
        (["B-X", "I-X"], "BIOES", ["tags[1]", "I-X comes last", "E-X or S-X"]),
        (["S-X"], "BIO", ["'S-X' is not a BIO tag", "B-TYPE, I-TYPE, O"]),
        (["O", "PER"], "BIOES", ["tags[1]", "'PER' is not a BIOES tag"]),
        (["O-X"], "BIO", ["'O-X' is not a BIO tag"]),
        (["B-"], "BIO", ["'B-' is not a BIO tag"]),
        ([""], "BIO", ["'' is not a BIO tag"]),
        ([3], "BIO", ["3 is not a BIO tag"]),
        (["b-x"], "BIO", ["'b-x' is not a BIO tag"]),
    ],
)
def test_the_error_says_which_tag_breaks_which_rule(tags, scheme, parts):
    with pytest.raises(ValueError) as caught:
        check_tags(tags, scheme)
    for part in (*parts, "Accepted: ", "Received: "):
        assert part in str(caught.value)
    with pytest.raises(ValueError, match="breaks"):
        convert_tags(tags, scheme, "BIO")


def test_arguments():
    check_tags([], "bio")
    with pytest.raises(ValueError, match="`scheme` must be one of.*Received.*'BILOU'"):
        check_tags(["O"], "BILOU")
    with pytest.raises(ValueError, match="Accepted: O, B-PER.*Received: 'PER'"):
        spans_of(["PER"])
    with pytest.raises(ValueError, match="`names` must be tags of BIO.*'E-X'"):
        crf_constraints(["O", "E-X"], "BIO")
    for spans in ([("X", 2, 3), ("X", 0, 1)], [("X", 0, 0)], [("X", 2, 4)]):
        with pytest.raises(ValueError, match="`spans` must be in order"):
            tags_of([Span(*span) for span in spans], 3, "BIO")
