"""Tokenized sentences with one tag per token, and their collection by readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from zoo.data.errors import (
    SHOWN,
    Argument,
    BadRow,
    DataError,
    check_on_bad_rows,
    nearest,
    problem,
    shorten,
)
from zoo.data.notes import alike_notes
from zoo.data.tag_schemes import convert_tags, first_violation, scheme_name


@dataclass(frozen=True)
class TaggedSentences:
    """Sentences of one file.

    Args:
        tokens: the tokens of each sentence.
        tags: for every tagging task the tags of each sentence, one per token.
        labels: for every task of whole sentences one label per sentence.
        where: `(file, line)` of the first token of each sentence, for messages.
        skipped: the problems of sentences that `on_bad_rows="skip"` left out.
        notes: what a reader should know about the tags and labels.
        soft: for tasks that a teacher answered one value per sentence: `None`, or from
            tag to probability for each word, or from label to probability, which a
            model then learns in place of the tags or the label. Scores ignore them.

    Example:
        >>> data = TaggedSentences([["in", "Rome"]], {"ner": [["O", "I-LOC"]]})
        >>> data.convert("ner", "IOB1", "BIOES").tags
        {'ner': [['O', 'S-LOC']]}
    """

    tokens: list[list[str]]
    tags: dict[str, list[list[str]]]
    labels: dict[str, list[str]] = field(default_factory=dict)
    where: list[tuple[str, int]] = field(default_factory=list)
    skipped: list[BadRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    soft: dict[str, list] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.where:
            places = [("<memory>", i + 1) for i in range(len(self.tokens))]
            object.__setattr__(self, "where", places)
        parts: dict[str, Mapping[str, list]] = {
            "tags": self.tags,
            "labels": self.labels,
            "soft": self.soft,
        }
        for name, values in parts.items():
            for task, rows in values.items():
                if len(rows) != len(self.tokens):
                    raise DataError(
                        f"`{name}[{task!r}]` must have one entry per sentence. "
                        f"Accepted: {len(self.tokens)}. Received: {len(rows)}."
                    )
        for task, rows in self.tags.items():
            for i, (tokens, tags) in enumerate(zip(self.tokens, rows)):
                if len(tokens) != len(tags):
                    raise DataError(
                        f"`tags[{task!r}][{i}]` must have one tag per token. "
                        f"Accepted: {len(tokens)} tags. Received: {len(tags)}."
                    )

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def texts(self) -> list[str]:
        """The tokens of each sentence, joined by spaces."""
        return [" ".join(tokens) for tokens in self.tokens]

    def select(self, rows: Iterable[int]) -> TaggedSentences:
        """Returns the sentences `rows`, in that order."""
        rows = list(rows)

        def chosen(values: Mapping[str, list]) -> dict[str, list]:
            return {task: [found[i] for i in rows] for task, found in values.items()}

        tokens = [self.tokens[i] for i in rows]
        where = [self.where[i] for i in rows]
        parts = (chosen(values) for values in (self.tags, self.labels, self.soft))
        tags, labels, soft = parts
        return TaggedSentences(tokens, tags, labels, where, soft=soft)

    def convert(self, task: str, source: str, target: str) -> TaggedSentences:
        """Converts the tags of one task to another scheme, not its distributions.

        Raises:
            ValueError: for a tag that breaks the scheme `source`.
        """
        rows = [convert_tags(tags, source, target) for tags in self.tags[task]]
        tags = {**self.tags, task: rows}
        return TaggedSentences(
            self.tokens, tags, self.labels, self.where, soft=self.soft
        )


def check_known(data: TaggedSentences, known: Mapping[str, Collection[str]]) -> None:
    """Raises if `data` has tags or labels that a model does not know.

    Args:
        data: the validation or test part.
        known: the tags or labels of training, by task; other tasks are not checked.

    Raises:
        DataError: with the first place of each unknown tag or label.

    Example:
        >>> data = TaggedSentences([["Rome"]], {"ner": [["B-LOK"]]})
        >>> check_known(data, {"ner": ["O", "B-LOC"]})
        Traceback (most recent call last):
        zoo.data.errors.DataError: <memory>, line 1, column 'ner': 'B-LOK' of token 1, \
'Rome', was not seen in training. Accepted: 'B-LOC', 'O'. Received: 'B-LOK'. \
Did you mean 'B-LOC'?
    """
    rows, hints = [], []
    for task, names in known.items():
        unknown: dict[str, tuple[int, str]] = {}
        if task in data.tags:
            for i, tags in enumerate(data.tags[task]):
                for token, tag in enumerate(tags):
                    shown = f"token {token + 1}, {shorten(data.tokens[i][token])}"
                    if tag not in names:
                        unknown.setdefault(tag, (i, shown))
        else:
            for i, label in enumerate(data.labels.get(task, [])):
                if label not in names:
                    unknown.setdefault(label, (i, "the sentence"))
        accepted = ", ".join(map(repr, sorted(names)[:50]))
        for name, (i, shown) in unknown.items():
            what = f"{name!r} of {shown}, was not seen in training"
            file, line = data.where[i]
            rows.append(BadRow(file, line, task, what, accepted, repr(name)))
            hints.append(nearest(name, names))
    if rows:
        raise _error(rows, hints)


class Collector:
    """Collects and checks the sentences of a reader.

    Args:
        path: name of the file.
        tags: names of the tagging tasks.
        labels: names of the tasks of whole sentences.
        schemes: by tagging task the scheme that its tags must follow.
        on_bad_rows: `"error"`, or `"skip"` to leave out invalid sentences.

    Raises:
        DataError: for a scheme of a task that does not exist.
        ValueError: for an unknown scheme or `on_bad_rows`.
    """

    def __init__(
        self,
        path: str,
        tags: Iterable[str],
        labels: Iterable[str] = (),
        schemes: Mapping[str, str] | None = None,
        on_bad_rows: str = "error",
    ) -> None:
        check_on_bad_rows(on_bad_rows)
        self.path, self.skip = path, on_bad_rows == "skip"
        self.tokens: list[list[str]] = []
        self.where: list[tuple[str, int]] = []
        self.bad: list[BadRow] = []
        self.tags: dict[str, list[list[str]]] = {task: [] for task in tags}
        self.labels: dict[str, list[str]] = {task: [] for task in labels}
        self.schemes = {k: scheme_name(v) for k, v in (schemes or {}).items()}
        for task in self.schemes:
            if task not in self.tags:
                raise DataError(
                    "`schemes` must name tasks that have tags. Accepted: "
                    f"{', '.join(self.tags) or 'none'}. Received: {task!r}."
                )

    def fail(self, line, column, what: str, accepted: str, received: str) -> None:
        """Records a problem of a sentence, which is then left out."""
        self.bad.append(BadRow(self.path, line, column, what, accepted, received))

    def add(
        self,
        lines: list[int],
        tokens: list[str],
        tags: Mapping[str, list[str]],
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Adds one sentence; `lines` holds the line of each token."""
        before = len(self.bad)
        for name, cells in (("token", tokens), *tags.items()):
            for line, cell in zip(lines, cells):
                if not _is_unicode(cell):
                    what = "the text is not valid Unicode"
                    self.fail(line, name, what, "text", ascii(cell))
        for task, scheme in self.schemes.items():
            found = first_violation(tags[task], scheme)
            if found is not None:
                i = found.index
                what = f"token {i + 1}, {shorten(tokens[i])}: {found.problem}"
                accepted = f"{found.accepted} ({scheme})"
                self.fail(lines[i], task, what, accepted, shorten(found.tag))
        if len(self.bad) > before:
            return
        self.tokens.append(tokens)
        self.where.append((self.path, lines[0]))
        for task, rows in self.tags.items():
            rows.append(tags[task])
        given = labels or {}
        for task, known in self.labels.items():
            known.append(given[task])

    def result(self) -> TaggedSentences:
        """Returns the sentences.

        Raises:
            DataError: with the problems, or if there are no sentences.
        """
        if self.bad and not self.skip:
            raise _error(self.bad)
        if not self.tokens:
            in_memory = isinstance(self.path, Argument)
            what = f"{'there are' if in_memory else 'the file has'} no sentences"
            accepted = "at least one sentence"
            raise DataError(problem(self.path, None, None, what, accepted, "no tokens"))
        return TaggedSentences(
            self.tokens, self.tags, self.labels, self.where, self.bad, self._notes()
        )

    def _notes(self) -> list[str]:
        counts = {
            task: Counter(tag for tags in rows for tag in tags)
            for task, rows in self.tags.items()
        }
        counts |= {task: Counter(rows) for task, rows in self.labels.items()}
        return [
            f"{self.path}, column {task!r}: {sentence}"
            for task, found in counts.items()
            for sentence in alike_notes(found, "word" if task in self.tags else "row")
        ]


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate: an undecodable byte, or from JSON
        return False
    return True


def _error(rows: list[BadRow], hints: Iterable[str] = ()) -> DataError:
    hints = [*hints] or [""] * len(rows)
    lines = [f"{row}{hint}" for row, hint in zip(rows[:SHOWN], hints)]
    if len(rows) > SHOWN:
        lines.append(f"... and {len(rows) - SHOWN} more.")
    return DataError("\n".join(lines), rows)
