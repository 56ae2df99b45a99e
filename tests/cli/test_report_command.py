"""`zoo report`: what folders of runs say, and the page that compares them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from zoo.cli.app import main
from zoo.reporting.comparison import write_comparison
from zoo.reporting.curves import HEIGHT, line_svg
from zoo.reporting.runs import differing, read_run

EVIL = '<script>alert("1")</script>'
FAMILY = "classification"
HISTORY = [
    {"loss": 1.0, "val_loss": 0.9, "score": [0.6, 1]},
    {"loss": 0.5, "val_loss": 0.7, "score": [0.7, 1]},
]


def write_run(
    folder, model="text_cnn", accuracy=0.75, test=12, family=FAMILY, **settings
):
    """A folder as a training leaves it, of a classifier by default."""
    (folder / "model").mkdir(parents=True)
    scores = {"accuracy": accuracy, "rows": test, "interval": [0.5, 0.875]}
    card = {
        "tasks": {EVIL: {"kind": "categories", "labels": ["a", "b"]}},
        "test": {EVIL: {**scores, "confusion": [[0, 0, 6]], "auc": None}},
        "rows": {"train": 96, "valid": 12, "test": test},
    }
    metadata = {
        "name": model,
        "family": family,
        "settings": {"epochs": 2, "seed": 0, **settings},
        "keywords": {"maps": 2},
        "card": card,
    }
    results = {
        "parameters": 1234,
        "seconds": 3.4,
        "history": HISTORY,
        "costs": {model: {"ms_a_text": 2.5}},
    }
    (folder / "model/metadata.json").write_text(json.dumps(metadata), "utf-8")
    (folder / "results.json").write_text(json.dumps(results), "utf-8")
    return folder


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "runs/one")
    write_run(tmp_path / "runs/two & <b>", "bilstm", 0.8125, note=EVIL)
    return tmp_path / "runs"


class Page(HTMLParser):
    """The cells of all rows, and what a browser would fetch or run."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.tags, self.links, self.inside = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        values = dict(attributes)
        self.links += [values[key] for key in ("src", "href") if key in values]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data

    def row(self, name):
        return next(row for row in self.rows if row and row[0].startswith(name))


def test_the_page(runs, capsys):
    assert main(["report", *map(str, sorted(runs.iterdir())), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["file"] == "report.html"
    first = found["runs"][0]
    assert (first["model"], first["parameters"], first["ms_a_text"]) == (
        "text_cnn",
        1234,
        2.5,
    )
    score = {
        "task": EVIL,
        "metric": "accuracy",
        "value": 0.75,
        "interval": [0.5, 0.875],
    }
    assert first["scores"] == [score], "counts and matrices are no scores"
    size = (runs / "one/model/metadata.json").stat().st_size
    assert first["size"] == size
    page = Page((runs.parent / "report.html").read_text("utf-8"))
    row = page.row("1. text_cnn")
    assert row[1:] == [
        str(runs / "one"),
        FAMILY,
        *("96", "12", "12", "1,234", f"{size / 1e6:.1f}", "2.5", "2", "3"),
    ]
    assert page.links[0] == "runs/one/report.md"
    assert page.row(f"{EVIL} accuracy")[1:] == [
        "0.7500 (0.50 to 0.88)",
        "0.8125 (0.50 to 0.88)",
    ]
    assert page.row("note") == ["note", "", json.dumps(EVIL)]
    assert [row[0] for row in page.rows].count("epochs") == 0, "it is the same in both"


def test_nothing_is_fetched_or_run(runs):
    path = write_comparison([read_run(one) for one in runs.iterdir()], runs / "x.html")
    text = path.read_text("utf-8")
    page = Page(text)
    assert "script" not in page.tags and "<script" not in text
    assert set(page.tags).isdisjoint({"link", "img", "iframe", "object"})
    assert not re.search(r"url\(|@import|https?://|//", text)
    assert [link.rpartition("/")[2] for link in page.links] == ["report.md"] * 2
    assert page.tags.count("polyline") == 3 * 2, "losses and score of two runs"


def test_the_best_is_marked_unless_all_are_equal(runs):
    one, two = (read_run(run) for run in sorted(runs.iterdir()))
    page = write_comparison([one, two], runs / "x.html").read_text("utf-8")
    assert "<b>0.8125</b>" in page and "<b>0.7500</b>" not in page
    page = write_comparison([one, one], runs / "x.html").read_text("utf-8")
    assert "<b>" not in page and "All settings are the same" in page


def test_other_test_parts_are_noted(runs):
    other = read_run(write_run(runs / "three", test=50))
    page = write_comparison([read_run(runs / "one"), other], runs / "x.html")
    assert "different numbers of rows" in page.read_text("utf-8")


def test_families_are_not_compared(runs):
    """Each has scores, settings and curves of its own."""
    folder = write_run(runs / "lm", "lstm_lm", 0.25, family="language", units=7)
    results = json.loads((folder / "results.json").read_text("utf-8"))
    results |= {"history": [], "curve": [[1.5, 90.0], [3.0, 70.0]]}
    (folder / "results.json").write_text(json.dumps(results), "utf-8")
    found = [read_run(run) for run in sorted(runs.iterdir())]
    text = write_comparison(found, runs / "x.html").read_text("utf-8")
    assert re.findall("<h2>(.*?)</h2>", text) == ["Language", "Classification"]
    language, classification = text.split("<h2>")[1:]
    assert "<b>" not in language and "<b>0.8125</b>" in classification
    assert "Settings" not in language and "units" not in text
    assert language.count("<polyline") == 1 and "validation perplexity" in language
    assert "validation perplexity" not in classification


def test_settings_that_differ(runs):
    one, two = (read_run(run) for run in sorted(runs.iterdir()))
    assert differing([one, two]) == {"note": [None, EVIL]}
    assert differing([one]) == {}


def test_folders_without_a_run(runs, capsys):
    (runs / "empty").mkdir()
    assert main(["report", *map(str, runs.iterdir())]) == 0
    said = capsys.readouterr()
    assert said.out == "report.html: 2 runs\n"
    assert "left out: `runs` must be folders of finished runs" in said.err
    assert main(["report", str(runs / "empty")]) == 2
    assert "results.json" in capsys.readouterr().err
    assert main(["report", str(runs / "one"), "--out", str(runs / "one")]) == 2


def test_a_line_is_drawn_where_its_values_are():
    """The largest value is at the top, the smallest at the bottom."""
    image = line_svg({0: [3.0, 1.0, 2.0]}, "a <b>")
    [points] = re.findall(r'<polyline points="(.*?)"', image)
    x, y = zip(*(map(float, point.split(",")) for point in points.split()))
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2) and x[0] < x[1]
    assert 0 < y[0] < y[2] < y[1] < HEIGHT
    assert y[2] == pytest.approx((y[0] + y[1]) / 2, abs=0.2)
    assert 'aria-label="a &lt;b&gt;"' in image
    assert "nan" not in line_svg({0: [2.0], 1: [2.0]}, "one point")
