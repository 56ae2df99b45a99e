"""The tags of a text as parts to look at: entities, or the tag of each word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from zoo.data.tag_schemes import spans_of
from zoo.reporting.parts import Marked, Part, label_parts
from zoo.tasks import Task

ENTITY = "entity"  # of a scheme whose tags have no type


def tagged_parts(text: str, answer: Mapping, tasks: Mapping[str, Task]) -> list[Part]:
    """Returns a part for each task: marked words, and labels of the whole text.

    Args:
        text: that was asked.
        answer: of `TaggingModel.predict`.
        tasks: of the model, by name.

    Example:
        >>> tasks = {"ner": Task("tags", ("B-PER", "O"), scheme="BIO")}
        >>> answer = {"offsets": [[0, 3], [4, 8]], "tags": {"ner": ["B-PER", "O"]}}
        >>> tagged_parts("Ada sang", answer, tasks)
        [Marked(title='ner', pieces=(('Ada', 'PER'), (' sang', '')))]
    """
    parts: list[Part] = []
    for name, tags in answer["tags"].items():
        named = _entities(tags) if tasks[name].scheme else _each(tags)
        parts.append(Marked(name, tuple(_pieces(text, answer["offsets"], named))))
    return [*label_parts(answer.get("labels", {}), tasks), *parts]


def _entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    return [(kind or ENTITY, start, stop) for kind, start, stop in spans_of(tags)]


def _each(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    return [(tag, word, word + 1) for word, tag in enumerate(tags)]


def _pieces(
    text: str, offsets: Sequence[Sequence[int]], named: list[tuple[str, int, int]]
) -> Iterator[tuple[str, str]]:
    """Yields the whole text in pieces; the offsets count its bytes in UTF-8."""
    raw, end = text.encode("utf-8"), 0
    for name, start, stop in named:
        first, last = offsets[start][0], offsets[stop - 1][1]
        if first > end:
            yield raw[end:first].decode("utf-8"), ""
        yield raw[first:last].decode("utf-8"), name
        end = last
    if end < len(raw):
        yield raw[end:].decode("utf-8"), ""
