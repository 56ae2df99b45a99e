"""Models whose operations differ, in LiteRT and onnxruntime, beside Python.

`benchmarks/edge.py` converts all of them, which takes minutes.
"""

from __future__ import annotations

import pytest
from marks import slow_but
from small_models import VOCAB_SIZE, build, row_id, tasks_of

from zoo.edge.compare import largest_difference, sample_tokens, scores_of
from zoo.edge.graph import score_function
from zoo.edge.model import MODULES

pytestmark = pytest.mark.tensorflow
LENGTH = 9
ROWS = [
    ("text_cnn", {}),
    ("bilstm", {"pooling": "attention"}),  # a loop from the end; no number for padding
    ("bilstm_mt", {"private_units": 0}),  # n-grams
    ("moe_classifier", {}),  # more experts than are computed densely otherwise
]


@pytest.mark.parametrize("row", slow_but(ROWS[:1], ROWS), ids=row_id)
def test_models_answer_as_in_python(row, tmp_path):
    model, tasks = build(row, num_experts=20), tasks_of(row[0])
    # Small weights would make all answers alike, and errors with them.
    model.set_weights([3 * weight for weight in model.get_weights()])
    expected = [
        (tokens, scores_of(model, tasks, tokens))
        for tokens in sample_tokens(VOCAB_SIZE, LENGTH)
    ]
    function = score_function(model, tasks)
    for module in MODULES.values():
        path = tmp_path / f"model{module.SUFFIX}"
        path.write_bytes(module.Converter(function, LENGTH).float32())
        run = module.Runner(path, LENGTH)
        assert largest_difference(run, tasks, expected, LENGTH) < 1e-5, path.name
