"""Searches for likely sequences in the graph, for TensorFlow and its serving.

A search takes the model as a function of one step:

    step(ids int32 [rows], state) -> (log_probabilities [rows, vocab], state, attention)

`state` is any structure of tensors `[rows, ...]` that keep their shapes from step to
step; the log-probabilities are those of the next token, so at most 0; `attention` is
`[rows, time]`, the weights of the step over a memory, or `None`. Constants such as the
memory need not be in the state: a closure can hold them.
"""

from zoo.decoding.beam_search import beam_search
from zoo.decoding.greedy_search import greedy_search
from zoo.decoding.hypotheses import Hypotheses
from zoo.decoding.inputs import repeat_rows

__all__ = ["Hypotheses", "beam_search", "greedy_search", "repeat_rows"]
