"""The rows of `zoo describe --layers`, against counts from the equations."""

from __future__ import annotations

import pytest

import zoo
from zoo.models.layer_rows import layer_rows, said, total


def by_name(name, *sizes, **keywords):
    return {row.layer: row for row in layer_rows(zoo.get(name, *sizes, **keywords))}


def test_a_classifier():
    """Kim 2014: windows of 3, 4 and 5 words of 300 numbers, 100 maps each."""
    rows = by_name("text_cnn", ngrams=())
    assert rows["embedding"].output == "[batch, time, 300]"
    assert rows["embedding"].parameters == 20_000 * 300
    assert rows["embedding"].multiplications == 0
    for window in (3, 4, 5):
        row = rows[f"convolution_{window}"]
        assert row.weights == [("kernel", (window, 300, 100)), ("bias", (100,))]
        assert row.parameters == window * 300 * 100 + 100
        assert (row.multiplications, row.each) == (window * 300 * 100, "token")
        assert row.output == "[batch, 100]"
    head = rows["head_label"]
    assert (head.multiplications, head.each) == (600, "text")
    sums = total(list(rows.values()))
    assert sums == {"parameters": 6_360_902, "token": 12 * 300 * 100, "text": 600}
    assert said(sums) == (
        "6,360,902 parameters; multiplications: 360,000 a token, 600 a text."
    )


def test_a_token_uses_some_experts():
    rows = by_name("moe_lm", 10, units=64, num_experts=16, k=2, hidden=128)
    used = 2 * (64 * 128 + 128 * 64) + 2 * 64 * 16  # two experts, gate and noise
    held = 16 * (64 * 128 + 128 * 64) + 2 * 64 * 16
    assert rows["experts"].multiplications == used
    assert rows["experts"].parameters == held
    assert (rows["softmax"].multiplications, rows["softmax"].each) == (640, "token")


def test_letters_tags_and_shared_tables():
    rows = by_name("bilstm_crf", 9, embedding_dim=4, units=6)
    letters = rows["spelling"]
    assert letters.each == "letter" and letters.multiplications == 3 * 30 * 30
    assert rows["letters"].output == "[batch, time, letters, 30]"
    assert rows["crf_tags"].multiplications == 0, "it adds"
    rows = by_name("seq2seq", 9, 8, embedding_dim=4, units=4)
    assert (rows["softmax"].multiplications, rows["softmax"].each) == (8 * 4, "token")


@pytest.mark.parametrize("name", ["flstm", "glstm"])
def test_factors_and_groups_cost_less(name):
    both = by_name(name)["bidirectional"]
    if name == "flstm":  # 32 = n/4: (128 + 128) 32 + 32 · 4 · 128, in two directions
        assert both.multiplications == 2 * (256 * 32 + 32 * 512)
    else:  # four groups of 32: 4 (32 + 32) 4 · 32
        assert both.multiplications == 2 * 4 * 64 * 128
    assert both.parameters == both.multiplications + 2 * 512
