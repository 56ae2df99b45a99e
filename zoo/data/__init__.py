"""Reads, splits and names data sets; needs no TensorFlow."""

from zoo.data.errors import BadRow, DataError
from zoo.data.examples import Examples, join
from zoo.data.parts import Splits
from zoo.data.readers import read_columns, read_table
from zoo.data.sets.named import load_named
from zoo.data.sets.registry import named_set, named_sets
from zoo.data.splits import assemble, drop_leaked, hold_out, split
from zoo.data.targets import encode_labels, learn_tasks, leave_out_single
from zoo.data.unknown import leave_out_unknown
from zoo.text.characters import text_key

__all__ = [
    "BadRow",
    "DataError",
    "Examples",
    "Splits",
    "assemble",
    "drop_leaked",
    "encode_labels",
    "hold_out",
    "join",
    "learn_tasks",
    "leave_out_single",
    "leave_out_unknown",
    "load_named",
    "named_set",
    "named_sets",
    "read_columns",
    "read_table",
    "split",
    "text_key",
]
