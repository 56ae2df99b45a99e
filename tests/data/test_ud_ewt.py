"""The English Web Treebank: words as they are written, and rare joined tags."""

from __future__ import annotations

from zoo.data.sets.ud_ewt import FILES, LEAST, load_ud_ewt


def word(number, form, tag="_"):
    return f"{number}\t{form}\t_\t{tag}\t_\t_\t_\t_\t_\t_\n"


def sentence(form: str, parts: list[tuple[str, str]]) -> str:
    rows = [word(n, *part) for n, part in enumerate(parts, 1)]
    return word("1-2", form) + "".join(rows) + "\n"


def test_contractions_are_one_word_and_rare_joined_tags_are_their_first(tmp_path):
    often = sentence("don't", [("do", "AUX"), ("n't", "PART"), ("go", "VERB")])
    once = sentence("wanna", [("wan", "VERB"), ("na", "PART"), ("go", "VERB")])
    unseen = sentence("outta", [("out", "ADV"), ("ta", "ADP"), ("it", "PRON")])
    for file, text in zip(FILES, (often * LEAST + once, often + unseen, often)):
        (tmp_path / file).write_text(text, "utf-8")
    splits = load_ud_ewt(tmp_path)
    assert splits.train.tokens[-1] == ["wanna", "go"]
    assert splits.train.tags["pos"][0] == ["AUX+PART", "VERB"]
    assert splits.train.tags["pos"][-1] == ["VERB", "VERB"]
    assert splits.valid.tags["pos"] == [["AUX+PART", "VERB"], ["ADV", "PRON"]]
    assert splits.test.tokens == [["don't", "go"]] and splits.schemes == {}
