"""Tag schemes: entities as one tag per token, and back.

    BIO     B-X begins an entity of type X, I-X goes on with it, O is outside (IOB2)
    IOB1    as BIO, but B-X only after another entity of the same type
    BIOES   as BIO, but E-X ends an entity and S-X is an entity of one token (IOBES)

A tag may lack a type: `B`, `I`. Sources: Ramshaw and Marcus 1995; Tjong Kim Sang and
Veenstra 1999; Ratinov and Roth 2009 for BIOES.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from zoo._lazy import numpy as np

SCHEMES = ("BIO", "IOB1", "BIOES")
OUTSIDE = "O"
_ALIASES = {"IOB2": "BIO", "IOBES": "BIOES"}
_PREFIXES = {"BIO": "BIO", "IOB1": "BIO", "BIOES": "BIOES"}
_ANY = "BIOES"


class Span(NamedTuple):
    """An entity: its type, its first token, and the token after its last one."""

    type: str
    start: int
    stop: int


@dataclass(frozen=True)
class Violation:
    """The tag at `index` breaks a scheme: the problem, and what is accepted."""

    index: int
    tag: str
    problem: str
    accepted: str


def scheme_name(name: str) -> str:
    """Returns the name in `SCHEMES`; IOB2 is BIO and IOBES is BIOES.

    Raises:
        ValueError: for an unknown scheme.
    """
    found = _ALIASES.get(str(name).upper(), str(name).upper())
    if found not in SCHEMES:
        raise ValueError(
            f"`scheme` must be one of {', '.join((*SCHEMES, *_ALIASES))}. "
            f"Received: scheme={name!r}."
        )
    return found


def spans_of(tags: Sequence[str]) -> list[Span]:
    """Returns the entities of tags, as conlleval and seqeval (default mode) do.

    No scheme is required or enforced: an entity begins at `B`, at `S`, after `E`, `S`
    or `O`, and wherever the type changes.

    Args:
        tags: tags of one sentence, in any of the schemes.

    Raises:
        ValueError: for a tag that belongs to no scheme.

    Example:
        >>> spans_of(["B-PER", "I-PER", "O", "I-LOC"])
        [Span(type='PER', start=0, stop=2), Span(type='LOC', start=3, stop=4)]
    """
    spans: list[Span] = []
    begun, last, last_type = 0, OUTSIDE, ""
    for i, tag in enumerate([*tags, OUTSIDE]):
        prefix, kind = _parts(tag)
        joined = prefix in "IE" and last in "BI" and kind == last_type
        if last != OUTSIDE and not joined:
            spans.append(Span(last_type, begun, i))
        if not joined:
            begun = i
        last, last_type = prefix, kind
    return spans


def tags_of(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Returns the tags of a sentence of `length` tokens, from its entities.

    Args:
        spans: in the order of the tokens, not overlapping.
        length: number of tokens.
        scheme: see `SCHEMES`.

    Raises:
        ValueError: for spans that overlap, are empty or exceed the sentence.

    Example:
        >>> tags_of([Span("PER", 0, 2), Span("LOC", 3, 4)], 4, "BIOES")
        ['B-PER', 'E-PER', 'O', 'S-LOC']
    """
    scheme = scheme_name(scheme)
    tags = [OUTSIDE] * length
    before = Span("", 0, 0)
    for span in spans:
        kind, start, stop = span
        if not before.stop <= start < stop <= length:
            raise ValueError(
                "`spans` must be in order, not empty, not overlapping and within the "
                f"sentence. Accepted: from {before.stop} to {length}. "
                f"Received: {span!r}."
            )
        prefixes = ["I"] * (stop - start)
        touches = before.stop == start and before.type == kind and start > 0
        if scheme != "IOB1" or touches:
            prefixes[0] = "B"
        if scheme == "BIOES":
            prefixes[-1] = "S" if len(prefixes) == 1 else "E"
        tags[start:stop] = [f"{p}-{kind}" if kind else p for p in prefixes]
        before = span
    return tags


def tags_of_types(types: Iterable[str], scheme: str) -> list[str]:
    """Returns all tags that a scheme has for entities of some types, O first.

    Example:
        >>> tags_of_types(["LOC"], "BIO")
        ['O', 'B-LOC', 'I-LOC']
    """
    prefixes = _PREFIXES[scheme_name(scheme)].replace(OUTSIDE, "")
    return [OUTSIDE, *(_join(p, kind) for kind in types for p in prefixes)]


def types_of(tags: Iterable[str]) -> list[str]:
    """Returns the sorted types of entities that occur among some tags.

    Example:
        >>> types_of(["O", "I-PER", "B-LOC"])
        ['LOC', 'PER']
    """
    return sorted({span.type for tag in tags for span in spans_of([tag])})


def convert_tags(tags: Sequence[str], source: str, target: str) -> list[str]:
    """Converts the tags of the same entities to another scheme.

    Raises:
        ValueError: for a tag that breaks the scheme `source`. `tags_of(spans_of(tags),
            ...)` accepts such tags.

    Example:
        >>> convert_tags(["I-PER", "B-PER", "I-PER"], "IOB1", "BIO")
        ['B-PER', 'B-PER', 'I-PER']
    """
    check_tags(tags, source)
    return tags_of(spans_of(tags), len(tags), target)


def check_tags(tags: Sequence[str], scheme: str) -> None:
    """Raises a `ValueError` if a tag breaks a scheme; it names the tag and the rule."""
    found = first_violation(tags, scheme)
    if found is not None:
        raise ValueError(
            f"`tags[{found.index}]` breaks {scheme_name(scheme)}: {found.problem}. "
            f"Accepted: {found.accepted}. Received: {found.tag!r}."
        )


def first_violation(tags: Sequence[str], scheme: str) -> Violation | None:
    """Returns the first tag that breaks the scheme, or `None`.

    Example:
        >>> first_violation(["O", "I-PER"], "BIO").problem
        'I-PER follows O'
    """
    scheme = scheme_name(scheme)
    prefixes = _PREFIXES[scheme]
    forms = ", ".join(p if p == OUTSIDE else f"{p}-TYPE" for p in prefixes)
    before = None
    for i, tag in enumerate(tags):
        if not _is_tag(tag, prefixes):
            return Violation(i, tag, f"{tag!r} is not a {scheme} tag", forms)
        if not _follows(before, tag, scheme):
            place = "comes first" if before is None else f"follows {before}"
            accepted = _accepted_after(before, tag, scheme)
            return Violation(i, tag, f"{tag} {place}", accepted)
        before = tag
    if before is not None and not _follows(before, None, scheme):
        kind = _parts(before)[1]
        accepted = f"{_join('E', kind)} or {_join('S', kind)} at the end of an entity"
        return Violation(len(tags) - 1, before, f"{before} comes last", accepted)
    return None


def crf_constraints(names: Sequence[str], scheme: str) -> dict[str, np.ndarray]:
    """Returns what a scheme allows, as the arguments of `zoo.layers.crf.CRF`.

    Args:
        names: the tags, in the order of their ids.
        scheme: see `SCHEMES`.

    Returns:
        Bool arrays: `allowed_transitions` `[tags, tags]`, from row to column,
        `allowed_starts` `[tags]` and `allowed_ends` `[tags]`.

    Raises:
        ValueError: for a name that is not a tag of the scheme.

    Example:
        >>> crf_constraints(["O", "B-X", "I-X"], "BIO")["allowed_transitions"].tolist()
        [[True, True, False], [True, True, True], [True, True, True]]
    """
    scheme = scheme_name(scheme)
    for name in names:
        if not _is_tag(name, _PREFIXES[scheme]):
            raise ValueError(
                f"`names` must be tags of {scheme}. Accepted: O, or a prefix of "
                f"{', '.join(_PREFIXES[scheme].replace(OUTSIDE, ''))} with a type, "
                f"such as B-PER. Received: {name!r}."
            )
    return {
        "allowed_transitions": np.array(
            [[_follows(a, b, scheme) for b in names] for a in names]
        ),
        "allowed_starts": np.array([_follows(None, name, scheme) for name in names]),
        "allowed_ends": np.array([_follows(name, None, scheme) for name in names]),
    }


def _follows(before: str | None, tag: str | None, scheme: str) -> bool:
    """Returns whether `tag` may follow; `None` stands for both ends of a sentence."""
    last, last_type = _parts(before or OUTSIDE)
    prefix, kind = _parts(tag or OUTSIDE)
    open_before = last in "BI" and last_type == kind
    if scheme == "BIO":
        return prefix != "I" or open_before
    if scheme == "IOB1":
        return prefix != "B" or open_before
    if prefix in "IE":
        return open_before
    return last not in "BI"


def _accepted_after(before: str | None, tag: str, scheme: str) -> str:
    prefix, kind = _parts(tag)
    if before is not None and scheme == "BIOES" and before[0] in "BI":
        inner = _parts(before)[1]
        return f"{_join('I', inner)} or {_join('E', inner)} after {before}"
    openers = f"{_join('B', kind)} or {_join('I', kind)}"
    return f"{_join(prefix, kind)} only after {openers}"


def _join(prefix: str, kind: str) -> str:
    return f"{prefix}-{kind}" if kind else prefix


def _is_tag(tag, prefixes: str) -> bool:
    if not isinstance(tag, str) or not tag or tag[0] not in prefixes:
        return False
    return len(tag) == 1 or (tag[0] != OUTSIDE and tag[1] == "-" and len(tag) > 2)


def _parts(tag: str) -> tuple[str, str]:
    """Returns the prefix and the type, which may be empty."""
    if not _is_tag(tag, _ANY):
        raise ValueError(
            "A tag must be O or a prefix with a type. Accepted: O, B-PER, I-PER, "
            f"E-PER, S-PER. Received: {tag!r}."
        )
    return tag[0], tag[2:]
