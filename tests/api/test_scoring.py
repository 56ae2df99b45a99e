"""Scoring in parts, without an engine: plan, parts, bad rows, and going on."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from zoo.api.labelling import columns_of, label_file
from zoo.api.scoring import part
from zoo.api.scoring.job import Unfinished, score_files
from zoo.api.scoring.plan import Asked
from zoo.data import DataError
from zoo.text.pairs import joined


def ask(texts):
    """Answers of a model with a category and a number."""
    scores = [min(len(text), 10) / 10 for text in texts]
    return [
        {
            "mood": {"label": "yes" if s > 0.5 else "", "scores": {"yes": s}},
            "stars": {"value": float(len(text))},
        }
        for s, text in zip(scores, texts, strict=True)
    ]


def here(score, works):
    return map(score, works)


class Job:
    """A folder with a model, tables and the parts; `asked` counts texts."""

    def __init__(self, tmp_path, monkeypatch):
        self.folder, self.out, self.texts = tmp_path, tmp_path / "scored", 0
        self.model = tmp_path / "model"
        self.model.mkdir()
        (self.model / "weights").write_text("one")
        self.opened = SimpleNamespace(model=SimpleNamespace(predict=ask), pairs=False)
        monkeypatch.setattr(part, "_asked_here", lambda model, trust: self.count)
        self.files = [self.table("a.csv", 5), self.table("b.csv", 3, first=5)]

    def count(self, texts):
        self.texts += len(texts)
        return ask(texts)

    def table(self, name, rows, first=0):
        with (self.folder / name).open("w", newline="") as file:
            write = csv.writer(file).writerow
            write(["id", "text"])
            for number in range(first, first + rows):
                write([number, f'{"word " * number}"\n{number}'])
        return self.folder / name

    def run(self, *, engine=here, compare=False, tell=lambda *_: None, **changed):
        asked = Asked(
            self.model, False, ["text"], columns_of(ask(["a"])[0]), self.files, 2
        )
        asked = replace(asked, **changed)
        return score_files(
            self.opened, asked, self.out, engine, compare=compare, tell=tell
        )

    @property
    def parts(self):
        return sorted((self.out / "parts").iterdir())

    def rows(self):
        found = []
        for path in self.parts:
            with path.open(newline="") as file:
                found += csv.DictReader(file)
        return found

    def expected(self):
        """The rows that the plain command writes."""
        found = []
        for path in self.files:
            label_file(ask, path, self.folder / "plain.csv", text="text")
            with (self.folder / "plain.csv").open(newline="") as file:
                found += csv.DictReader(file)
        return found

    def bad(self):
        lines = (self.out / "bad.jsonl").read_text("utf-8").splitlines()
        return list(map(json.loads, lines))


@pytest.fixture
def job(tmp_path, monkeypatch):
    return Job(tmp_path, monkeypatch)


def names(paths):
    return [path.name for path in paths]


def test_the_parts_are_what_one_call_writes(job):
    told = []
    done = job.run(tell=lambda *counts: told.append(counts))
    assert (done.rows, done.bad, done.parts, done.now) == (8, 0, 5, 8)
    assert names(job.parts) == [f"part-0000{n}.csv" for n in range(5)]
    assert job.rows() == job.expected()
    assert told == [(0, 8), (2, 8), (4, 8), (5, 8), (7, 8), (8, 8)]
    assert not (job.out / "bad.jsonl").exists()
    assert done.alone is None and job.run(compare=True).alone is None


def test_parts_may_come_in_any_order(job):
    job.run(engine=lambda score, works: map(score, reversed(works)))
    assert job.rows() == job.expected()


def test_a_stopped_job_goes_on(job):
    def stops(score, works):
        yield score(works[1])
        (job.out / "parts/.partial-1-part-00003.csv").write_text("half")
        raise RuntimeError("the worker is gone.")

    said = "the worker is gone. 1 of 5 parts are finished in .*; the same command"
    with pytest.raises(Unfinished, match=said):
        job.run(engine=stops)
    assert job.texts == 2 and not (job.out / "bad.jsonl").exists()
    done = job.run(part_rows=None, compare=True)  # 2, as the job began
    assert job.texts == 8 and (done.rows, done.now) == (8, 6) and done.alone > 0
    assert names(job.parts) == [f"part-0000{n}.csv" for n in range(5)]
    assert job.rows() == job.expected()
    assert job.run().now == 0 and job.texts == 8


def test_a_part_without_its_record_or_its_end_is_scored_again(job):
    job.run()
    (job.out / "records/part-00000.csv.json").unlink()
    (job.out / "records/part-00001.csv.json").write_text('{"rows": 2,')
    job.parts[3].write_text("id,te")
    job.parts[4].unlink()
    assert job.run().now == 7
    assert job.rows() == job.expected()


@pytest.mark.parametrize("other", ["model", "tables", "columns", "part rows"])
def test_another_job_is_refused(job, other):
    job.run()
    changed = {}
    if other == "model":
        (job.model / "weights").write_text("two")
    elif other == "tables":
        job.files.reverse()
    elif other == "columns":
        changed = {"text": ["id"]}
    else:
        changed = {"part_rows": 3}
    with pytest.raises(ValueError, match=f"begun with another value of: {other}."):
        job.run(**changed)
    assert job.texts == 8


def test_tables_and_folder_may_move(job):
    job.run()
    job.files = [
        path.rename(path.with_name(f"moved-{path.name}")) for path in job.files
    ]
    job.out = job.out.rename(job.folder / "other")
    (job.out / "parts/part-00004.csv").unlink()
    assert job.run().now == 1
    assert job.rows() == job.expected()


def test_a_folder_of_something_else_is_refused(job):
    job.out.mkdir()
    (job.out / "mine.txt").touch()
    with pytest.raises(ValueError, match="which lacks manifest.json"):
        job.run()
    assert names(job.out.iterdir()) == ["mine.txt"]


def test_a_plan_that_was_not_written_whole_is_made_again(job):
    job.out.mkdir()
    (job.out / ".partial-1-manifest.json").touch()
    assert job.run().rows == 8


@pytest.mark.parametrize(
    "content, message",
    [
        ('{"format": 1', "manifest.json must be intact"),
        ('{"format": 1, "parts": [{}]}', "manifest.json must be intact"),
        ('{"format": 2}', "Received: format 2"),
    ],
)
def test_a_damaged_plan(job, content, message):
    job.out.mkdir()
    (job.out / "manifest.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        job.run()


def test_bad_rows_are_set_aside(job):
    text = "w" * 1_000_001
    lines = [
        b"id,text",
        b"0,caf\xe9",
        b"1,good",
        b"2,a,b",
        b'3,"x"y',
        f"4,{text}".encode(),
        b"5,nul\0",
        b"\xe9,good",
        b"7,",
    ]
    job.files = [job.folder / "a.csv", job.folder / "b.jsonl"]
    job.files[0].write_bytes(b"\n".join(lines))
    values = [
        {"text": ["a"]},
        {"n": 1},
        {"text": "\ud800"},
        {"text": 7},
        {"text": None},
    ]
    objects = [*map(json.dumps, values), '["a"]', '{"text": "half', '{"text": "last"}']
    job.files[1].write_text("\n".join(objects))
    done = job.run()
    assert (done.rows, done.bad) == (4, 12)
    assert [(row["row"], row["column"]) for row in job.bad()] == [
        (2, "text"),
        (4, None),
        (5, None),
        (6, "text"),
        (7, "text"),
        (8, "id"),
        (1, "text"),
        (2, "text"),
        (3, "text"),
        (5, "text"),
        (6, None),
        (7, None),
    ]
    first, *_, last = job.bad()
    assert first["file"] == str(job.files[0]) and "not Unicode" in first["reason"]
    assert last["file"] == str(job.files[1]) and "bad JSON" in last["reason"]
    assert "too long" in job.bad()[3]["reason"]
    assert "missing" in job.bad()[7]["reason"]
    [*csvs, a, b, c, d] = job.parts
    assert b"\n1,good,,0.4,4.0\n" in csvs[0].read_bytes()
    assert (
        csvs[3].read_bytes()
        == b"id,text,predicted_mood,score_mood,predicted_stars\n7,,,0.0,0.0\n"
    )
    assert (a.read_text(), c.read_text()) == ("", "")
    assert json.loads(b.read_text()) == {
        "text": 7,
        "n": None,
        "predicted_mood": "",
        "score_mood": 0.1,
        "predicted_stars": 1.0,
    }
    assert json.loads(d.read_text())["text"] == "last"


def test_parts_of_parquet_have_one_schema(job):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import read_schema, read_table, write_table

    texts = ["a", "b", None, None, "eleven"]
    types = {
        "id": "int16",
        "share": "float32",
        "kind": pyarrow.dictionary("int8", "string"),
    }
    columns = {"id": [1, 2, 3, 4, 5], "share": [None] * 4 + [0.1], "kind": ["x"] * 5}
    data = {name: pyarrow.array(columns[name], types[name]) for name in columns}
    job.files = [job.folder / "a.parquet"]
    write_table(pyarrow.table({**data, "text": texts}), job.files[0])
    done = job.run()
    assert (done.rows, done.bad) == (3, 2)
    assert [row["row"] for row in job.bad()] == [3, 4]
    label_file(ask, job.files[0], job.folder / "plain.parquet", text="text")
    plain = read_table(job.folder / "plain.parquet")
    assert plain.schema.field("share").type == pyarrow.float32()
    found = read_table(job.out / "parts")
    assert all(read_schema(path) == plain.schema for path in job.parts)
    assert found.to_pylist() == plain.take([0, 1, 4]).to_pylist()


def test_pairs_of_texts(job, monkeypatch):
    asked = []
    monkeypatch.setattr(
        part,
        "_asked_here",
        lambda model, trust: lambda texts: asked.extend(texts) or ask(texts),
    )
    job.files = [job.folder / "a.csv"]
    job.files[0].write_text("q,id,a\nwhy,1,so\nhow,2,\n")
    assert job.run(text=["a", "q"]).rows == 2
    assert asked == [joined("so", "why"), joined("", "how")]
    assert [row["id"] for row in job.rows()] == ["1", "2"]


def test_a_table_that_changes_meanwhile(job):
    def changes(score, works):
        job.table("a.csv", 2)
        return map(score, works)

    with pytest.raises(Unfinished, match="the table has changed"):
        job.run(engine=changes)


@pytest.mark.parametrize(
    "header, message",
    [
        (b"id,body", "column 'text': no such column"),
        (b"text,score_mood", "columns of the names of the answers"),
        (b"text,caf\xe9", "the name of a column holds bytes"),
    ],
)
def test_what_cannot_be_planned(job, header, message):
    job.files[1].write_bytes(header + b"\n1,2\n")
    with pytest.raises(DataError, match=message):
        job.run()
    assert not job.out.exists() and job.texts == 0


def test_more_parts_than_a_manifest_holds(job, monkeypatch):
    monkeypatch.setattr("zoo.api.scoring.plan.MOST_PARTS", 4)
    with pytest.raises(DataError, match="5 of them, with part_rows=2"):
        job.run()


def test_a_table_that_is_not_there(job):
    job.files[1].unlink()
    with pytest.raises(DataError, match="b.csv: no such file"):
        job.run()
