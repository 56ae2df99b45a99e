"""Tags a token: schemes, readers and entity scores; needs no Keras."""

from zoo.tagging.metrics import entity_scores
from zoo.tagging.readers import read_conll, read_conllu
from zoo.tagging.rows import read_tagged_jsonl, read_tagged_tsv
from zoo.tagging.schemes import (
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
from zoo.tagging.sentences import TaggedSentences, check_known

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
