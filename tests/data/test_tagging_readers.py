"""What the readers of tagged sentences read, and what they say of the rest."""

from __future__ import annotations

import gzip
import itertools
import json
import os
from pathlib import Path

import numpy as np
import pytest

from zoo.data import DataError
from zoo.data.formats.conll import read_conll
from zoo.data.formats.conllu import read_conllu
from zoo.data.formats.tagged_rows import read_tagged_jsonl, read_tagged_tsv
from zoo.data.sentences import TaggedSentences, check_known
from zoo.data.tag_schemes import check_tags

CONLL = """-DOCSTART- -X- -X- O

EU NNP I-NP I-ORG
rejects VBZ I-VP O

-DOCSTART- -X-

Peter NNP I-NP I-PER
"""
CONLLU = """# sent_id = 1
# text = Vámonos al mar
1-2\tVámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tVamos\tir\tVERB\t_\tMood=Imp|Person=1\t0\troot\t_\tNER=O|SpaceAfter=No
2\tnos\tnosotros\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tgo\tgo\tVERB\t_\t_\t_\t_\t_\t_
3\tmar\tmar\tNOUN\t_\t_\t1\tobl\t_\tNER=B-LOC

1\t#\t#\tSYM\t_\t_\t0\troot\t_\t_
"""
SNIPS = "PlayMusic\tplay a b\tO B-song I-song\nGetWeather\train in x\tO O B-city\n"
COLUMNS = ["intent", "tokens", "slots"]


def write(folder, content, name="train.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def snips(path, **options):
    return read_tagged_tsv(
        path,
        COLUMNS,
        tags=["slots"],
        labels=["intent"],
        schemes={"slots": "BIO"},
        **options,
    )


def refused(read, path, *parts):
    with pytest.raises(DataError) as caught:
        read(path)
    for part in (str(path), "Accepted: ", "Received: ", *parts):
        assert part in str(caught.value), f"{part!r} is not in {caught.value}"
    return caught.value


def ner(path, **options):
    return read_conll(path, {"ner": -1}, **options)


# --- what is read -----------------------------------------------------------------


def test_conll_columns(tmp_path):
    path = write(tmp_path, CONLL)
    data = read_conll(path, {"ner": 3, "pos": 1}, schemes={"ner": "IOB1"})
    assert data.tokens == [["EU", "rejects"], ["Peter"]] and len(data) == 2
    assert data.tags["ner"] == [["I-ORG", "O"], ["I-PER"]]
    assert data.tags["pos"] == [["NNP", "VBZ"], ["NNP"]]
    assert data.where == [(str(path), 3), (str(path), 8)] and data.labels == {}
    converted = data.convert("ner", "IOB1", "BIOES")
    assert converted.tags["ner"] == [["S-ORG", "O"], ["S-PER"]]
    assert converted.tags["pos"] == data.tags["pos"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_marks_line_ends_and_gzip_change_nothing(tmp_path, ending, mark, pack):
    def packed(text):
        return pack(mark + text.replace("\n", ending).encode())

    data = ner(write(tmp_path, packed(CONLL)))
    assert data.tokens == [["EU", "rejects"], ["Peter"]]
    data = read_conllu(write(tmp_path, packed(CONLLU)), {"pos": "UPOS"})
    assert data.tokens == [["Vamos", "nos", "mar"], ["#"]]
    if ending != "\r":
        assert snips(write(tmp_path, packed(SNIPS))).tokens[1] == ["rain", "in", "x"]


def test_delimiters_and_comments(tmp_path):
    path = write(tmp_path, "# a b\nNew York\tB-LOC\n \t\n#\tO\n")
    data = ner(path, delimiter="\t", comment="# ")
    assert data.tokens == [["New York"], ["#"]]
    path = write(tmp_path, "1\tO\tIn\n2\tB-X\tRome\u00a0x\n")
    data = read_conll(path, {"ner": 1}, token_column=2)
    assert data.tokens == [["In", "Rome\u00a0x"]] and data.tags["ner"] == [["O", "B-X"]]
    path = write(tmp_path, "a  \t O\nb\tO \n\n\n\nc O")  # no line end at the end
    assert ner(path).tokens == [["a", "b"], ["c"]]
    path = write(tmp_path, "a\u2028b O\n")
    assert ner(path).tokens == [["a\u2028b"]]


def test_conllu_fields_and_keys(tmp_path):
    path = write(tmp_path, CONLLU)
    fields = {"pos": "UPOS", "ner": "MISC:NER", "mood": "FEATS:Mood", "rel": "DEPREL"}
    data = read_conllu(path, fields, schemes={"ner": "BIO"})
    assert data.tokens == [["Vamos", "nos", "mar"], ["#"]]
    assert data.tags == {
        "pos": [["VERB", "PRON", "NOUN"], ["SYM"]],
        "ner": [["O", "O", "B-LOC"], ["O"]],
        "mood": [["Imp", "O", "O"], ["O"]],
        "rel": [["root", "obj", "obl"], ["root"]],
    }
    assert [line for _, line in data.where] == [4, 9]


def test_rows_of_json_and_tsv(tmp_path):
    from_tsv = snips(write(tmp_path, SNIPS))
    assert from_tsv.labels == {"intent": ["PlayMusic", "GetWeather"]}
    assert from_tsv.tags == {"slots": [["O", "B-song", "I-song"], ["O", "O", "B-city"]]}
    lines = [
        {"intent": label, "tokens": tokens, "slots": tags, "id": 3}
        for label, tokens, tags in zip(
            from_tsv.labels["intent"], from_tsv.tokens, from_tsv.tags["slots"]
        )
    ]
    path = write(tmp_path, "\n".join(map(json.dumps, lines)))
    from_json = read_tagged_jsonl(path, tags=["slots"], labels=["intent"])
    assert (from_json.tokens, from_json.tags, from_json.labels) == (
        from_tsv.tokens,
        from_tsv.tags,
        from_tsv.labels,
    )


@pytest.mark.parametrize("seed", range(5))
def test_any_sentences_come_back(tmp_path, seed):
    generator = np.random.default_rng(seed)
    odd = list("a#\"'|,;=\\é中\u00a0\u3000\u200b\x0b\x0c\x1c\x85\u2028")
    tokens = [
        ["".join(generator.choice(odd, 3)) + "." for _ in range(n)]
        for n in generator.integers(1, 6, size=30)
    ]
    tags = [[str(generator.choice(["O", "B-X"])) for _ in row] for row in tokens]
    pairs = [list(zip(*rows)) for rows in zip(tokens, tags)]
    text = "\n\n".join("\n".join(map("\t".join, rows)) for rows in pairs)
    read = [ner(write(tmp_path, text))]
    text = "".join(f"{' '.join(a)}\t{' '.join(b)}\n" for a, b in zip(tokens, tags))
    read.append(read_tagged_tsv(write(tmp_path, text), ["tokens", "tags"]))
    text = "\n".join(
        json.dumps({"tokens": a, "tags": b}, ensure_ascii=False)
        for a, b in zip(tokens, tags)
    )
    read.append(read_tagged_jsonl(write(tmp_path, text)))
    for data in read:
        assert data.tokens == tokens and list(data.tags.values()) == [tags]


# --- what is refused --------------------------------------------------------------


def test_ragged_columns(tmp_path):
    error = refused(
        ner,
        write(tmp_path, "a O\n\nb X O\nc\n\nd\n"),
        "line 3: the line has 3 column(s)",
        "2 columns",
        "'b X O'",
        "line 6",
    )
    assert [row.line for row in error.rows] == [3, 6]  # the first of each sentence
    refused(
        lambda path: read_conllu(path, {"pos": "UPOS"}),
        write(tmp_path, "1\ta\tb\n"),
        "line 1: the line has 3",
        "10 columns",
    )
    refused(snips, write(tmp_path, "a\tb\n"), "line 1: the row has 2 cell(s)")
    refused(
        lambda path: ner(path, delimiter="\t"),
        write(tmp_path, "a\tO\n\tO\n"),
        "line 2, column 'token': the token is empty",
    )


def test_tags_that_break_their_scheme(tmp_path):
    path = write(tmp_path, "a O\nb I-X\n\nc PER\n")
    error = refused(
        lambda path: ner(path, schemes={"ner": "BIO"}),
        path,
        "line 2, column 'ner': token 2, 'b': I-X follows O",
        "only after B-X or I-X (BIO). Received: 'I-X'",
        "line 4, column 'ner': token 1, 'c': 'PER' is not a BIO tag",
    )
    assert len(error.rows) == 2
    assert ner(path).tags["ner"] == [["O", "I-X"], ["PER"]]  # no scheme is declared
    refused(
        snips, write(tmp_path, SNIPS + "A\tx\tI-y\n"), "line 3, column 'slots': token 1"
    )


def test_counts_that_differ(tmp_path):
    refused(
        snips,
        write(tmp_path, SNIPS + "A\tx y\tO\n"),
        "line 3, column 'slots': 1 tags for 2 tokens",
        "2 tags",
        "'O'",
    )
    path = write(tmp_path, '{"tokens": ["a"], "tags": ["O", "O"]}')
    refused(read_tagged_jsonl, path, "line 1, column 'tags': 2 tags for 1 tokens")
    with pytest.raises(DataError, match=r"`tags\['a'\]\[0\]`.*1 tags. Received: 2"):
        TaggedSentences([["x"]], {"a": [["O", "O"]]})
    with pytest.raises(DataError, match=r"`labels\['a'\]`.*: 1. Received: 0"):
        TaggedSentences([["x"]], {}, {"a": []})


@pytest.mark.parametrize(
    "row, column",
    [
        ('{"tokens": [], "tags": []}', "tokens"),
        ('{"tokens": "a b", "tags": ["O", "O"]}', "tokens"),
        ('{"tokens": ["a", ""], "tags": ["O", "O"]}', "tokens"),
        ('{"tokens": ["a"], "tags": [3]}', "tags"),
        ('{"tokens": ["a"], "tags": null}', "tags"),
        ('{"tokens": ["a"], "tags": ["O"], "intent": ["x"]}', "intent"),
        ('{"tokens": ["a"], "tags": ["O"]}', "intent"),
    ],
)
def test_broken_json_rows(tmp_path, row, column):
    good = '{"tokens": ["a"], "tags": ["O"], "intent": "x"}\n'
    refused(
        lambda path: read_tagged_jsonl(path, labels=["intent"]),
        write(tmp_path, good + row),
        f"line 2, column '{column}'",
    )
    refused(read_tagged_jsonl, write(tmp_path, good + '{"tokens'), "line 2: bad JSON")


@pytest.mark.parametrize("number", ["2", "x", "", "01"])
def test_conllu_words_are_numbered(tmp_path, number):
    def read(path):
        return read_conllu(path, {"pos": "UPOS"})

    path = write(tmp_path, f"{number}\ta\t_\tX\t_\t_\t_\t_\t_\t_\n")
    refused(read, path, "line 1, column 'ID': words must be numbered", f"{number!r}")
    path = write(tmp_path, "1\t\t_\tX\t_\t_\t_\t_\t_\t_\n")
    refused(read, path, "line 1, column 'FORM': the word is empty")


def conllu_row(number, form, tag="_", misc="_"):
    return f"{number}\t{form}\t_\t{tag}\t_\t_\t_\t_\t_\t{misc}\n"


def test_conllu_words_as_they_are_written(tmp_path):
    rows = [
        conllu_row("1", "We", "PRON"),
        conllu_row("2-3", "don't"),
        conllu_row("2", "do", "AUX", "NER=O"),
        conllu_row("3", "n't", "PART"),
        conllu_row("3.1", "left", "VERB"),
        conllu_row("4-6", "gotcha"),
        conllu_row("4", "got", "VERB"),
        conllu_row("5", "ch", "VERB"),
        conllu_row("6", "a", "VERB"),
    ]
    path = write(tmp_path, "".join(rows))
    tags = {"pos": "UPOS", "ner": "MISC:NER"}
    data = read_conllu(path, tags, schemes={"ner": "BIO"}, multiword="join")
    assert data.tokens == [["We", "don't", "gotcha"]]
    assert data.tags == {
        "pos": [["PRON", "AUX+PART", "VERB"]],
        "ner": [["O", "O", "O"]],
    }
    assert len(read_conllu(path, tags).tokens[0]) == 6
    with pytest.raises(ValueError, match="`multiword` must be one of split, join"):
        read_conllu(path, tags, multiword="both")


@pytest.mark.parametrize("span", ["1-3", "2-2", "2-1", "0-1", "1-2\n1-2"])
def test_conllu_ranges_hold_words(tmp_path, span):
    ranges = "".join(conllu_row(one, "ab") for one in span.split("\n"))
    path = write(tmp_path, ranges + conllu_row(1, "a", "X") + conllu_row(2, "b", "X"))
    received = repr(span.split("\n")[-1])
    refused(
        lambda p: read_conllu(p, {"pos": "UPOS"}, multiword="join"),
        path,
        "column 'ID': a range must hold words",
        received,
    )
    assert read_conllu(path, {"pos": "UPOS"}).tokens == [["a", "b"]]


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_empty_files(tmp_path, content):
    for read in (ner, snips, read_tagged_jsonl):
        refused(read, write(tmp_path, content), "the file is empty")
    refused(ner, write(tmp_path, "-DOCSTART- O\n"), "the file has no sentences")


def test_undecodable_bytes(tmp_path):
    path = write(tmp_path, "a O\né O\n".encode("latin-1"))
    for read in (ner, snips, read_tagged_jsonl):
        refused(read, path, "line 2: the text is not valid UTF-8: byte 0xe9")
    assert ner(path, encoding="latin-1").tokens == [["a", "é"]]


def test_bad_sentences_are_left_out_and_listed(tmp_path):
    text = b"a O\n\nb I-X\n\nc\n\nd\xe9 O\n\ne O\n"
    data = ner(write(tmp_path, text), schemes={"ner": "BIO"}, on_bad_rows="skip")
    assert data.tokens == [["a"], ["e"]] and data.tags["ner"] == [["O"], ["O"]]
    assert [(row.line, row.column) for row in data.skipped] == [
        (3, "ner"),
        (5, None),
        (7, "token"),
    ]
    assert data.where[1][1] == 9
    text = '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["\\ud800"], "tags": ["O"]}\n'
    path = write(tmp_path, text + '{"tokens": ["b"], "tags": []}\n', "train.jsonl")
    assert read_tagged_jsonl(path, on_bad_rows="skip").tokens == [["a"]]
    refused(read_tagged_jsonl, path, "line 2, column 'token': the text is not valid")
    rows = write(tmp_path, SNIPS + "x\ta b\tO\n")
    assert len(snips(rows, on_bad_rows="skip")) == 2
    nothing = write(tmp_path, "play\ta b\tO\n")
    refused(lambda p: snips(p, on_bad_rows="skip"), nothing, "has no sentences")
    with pytest.raises(DataError, match="`on_bad_rows` sets.*Received: 'drop'"):
        ner(nothing, on_bad_rows="drop")


def test_arguments(tmp_path):
    path = write(tmp_path, "a O\n")
    refused(
        lambda p: read_conll(p, {"ner": 2}), path, "'ner' has no column 2", "0 to 1"
    )
    with pytest.raises(DataError, match="`schemes` must name tasks.*Received: 'pos'"):
        ner(path, schemes={"pos": "BIO"})
    with pytest.raises(ValueError, match="`scheme` must be one of.*'BILOU'"):
        ner(path, schemes={"ner": "BILOU"})
    for field in ("upos", "ID", "UPOS:x", "MISC:"):
        with pytest.raises(DataError, match=f"must be a field .*Received: '{field}'"):
            read_conllu(path, {"pos": field})
    with pytest.raises(DataError, match="`columns` must name every column"):
        read_tagged_tsv(path, ["tokens"])
    with pytest.raises(DataError, match="must be different columns"):
        read_tagged_jsonl(path, tags=["tokens"])


def test_tags_unseen_in_training():
    data = TaggedSentences(
        [["in", "Rome"], ["x"]], {"ner": [["O", "B-LOK"], ["B-LOK"]]}, {"intent": "ab"}
    )
    check_known(data, {"ner": {"O", "B-LOK"}, "intent": ["a", "b"], "other": []})
    with pytest.raises(DataError) as caught:
        check_known(data, {"ner": ["O", "B-LOC"], "intent": ["a"]})
    assert [(row.line, row.column) for row in caught.value.rows] == [
        (1, "ner"),
        (2, "intent"),
    ]
    message = str(caught.value)
    for part in ("'B-LOK' of token 2, 'Rome', was not seen", "mean 'B-LOC'?", "'b' of"):
        assert part in message


# --- real data --------------------------------------------------------------------


@pytest.mark.real_data
def test_conll2003():
    folder = Path(os.environ["ZOO_DATA"], "conll2003")
    expected = {
        "train": (14041, 203621, 23499),
        "valid": (3250, 51362, 5942),
        "test": (3453, 46435, 5648),
    }
    for part, sizes in expected.items():
        columns = {"pos": 1, "chunk": 2, "ner": 3}
        data = read_conll(
            folder / f"{part}.tsv", columns, delimiter="\t", schemes={"ner": "BIO"}
        )
        begun = sum(tag[0] == "B" for row in data.tags["ner"] for tag in row)
        assert (len(data), sum(map(len, data.tokens)), begun) == sizes
        bioes = data.convert("ner", "BIO", "BIOES")
        assert bioes.convert("ner", "BIOES", "BIO") == data
        for tags in itertools.islice(bioes.tags["ner"], 100):
            check_tags(tags, "BIOES")


@pytest.mark.real_data
def test_snips():
    folder = Path(os.environ["ZOO_DATA"], "snips")
    parts = {part: snips(folder / f"{part}.tsv") for part in ("train", "valid", "test")}
    assert [len(data) for data in parts.values()] == [13084, 700, 700]
    known = {
        "slots": {tag for row in parts["train"].tags["slots"] for tag in row},
        "intent": set(parts["train"].labels["intent"]),
    }
    assert (len(known["slots"]), len(known["intent"])) == (72, 7)
    for part in ("valid", "test"):
        check_known(parts[part], known)
