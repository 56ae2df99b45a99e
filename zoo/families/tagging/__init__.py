"""Tags a token: schemes, readers and entity scores; needs no Keras."""

from zoo.data.formats.conll import read_conll, read_conllu
from zoo.data.formats.tagged_rows import read_tagged_jsonl, read_tagged_tsv
from zoo.data.sentences import TaggedSentences, check_known
from zoo.data.tag_schemes import (
    SCHEMES,
    Span,
    Violation,
    check_tags,
    convert_tags,
    crf_constraints,
    first_violation,
    spans_of,
    tags_of,
)
from zoo.families.tagging.metrics import entity_scores

__all__ = [
    "SCHEMES",
    "Span",
    "TaggedSentences",
    "Violation",
    "check_known",
    "check_tags",
    "convert_tags",
    "crf_constraints",
    "entity_scores",
    "first_violation",
    "read_conll",
    "read_conllu",
    "read_tagged_jsonl",
    "read_tagged_tsv",
    "spans_of",
    "tags_of",
]
