"""The types of the package hold, and its users' type checkers see them."""

from __future__ import annotations

from pathlib import Path

import pytest

import zoo

api = pytest.importorskip("mypy.api")

ROOT = Path(zoo.__file__).parents[1]
RIGHT = """\
from pathlib import Path

import zoo

model = zoo.get("bilstm_mt", 100, {"topic": 3}, units=8)
names: list[str] = zoo.list_models("*mt*", task="text classification")
text: str = zoo.describe(names[0]).summary
trained = zoo.load(Path("runs") / names[0])
answers: list[dict] = trained.predict(["a text"])
task = zoo.Task("categories", ("no", "yes"))
folder: Path = trained.export("saved_models/topic")
rows = [("so good", "good"), ("so bad", "bad")]
run = zoo.train("bilstm", rows, label={"mood": "categories"}, epochs=3, out="runs/a")
score: float = zoo.evaluate(run, rows)["mood"]["accuracy"]
pairs = [("why", "so", "yes"), ("how", "so", "no")]
run = zoo.train("bilstm", pairs, text=["question", "answer"], label="relevant")
answers = zoo.load("runs/bilstm").predict([("why", "so")])
version: Path = zoo.export(run, keep=2)
found = zoo.tune(["bilstm", "lstm"], rows, trials=3, budget={"parameters": 2e6})
best: Path | None = found.exported if found else None
texts: list[str] = zoo.read(rows, seed=1).train.texts
"""
WRONG = {
    "zoo.get(3)": "arg-type",
    "zoo.load(3)": "arg-type",
    "zoo.load('runs/a').predict(3)": "arg-type",
    "zoo.list_models(tasks='tagging')": "call-arg",
    "zoo.Task('categories', 3)": "arg-type",
    "zoo.describe('bilstm').sumary": "attr-defined",
    "zoo.gte('bilstm')": "attr-defined",
    "zoo.train(3)": "arg-type",
    "zoo.train('bilstm', [], callbacks=3)": "arg-type",
    "zoo.tune('bilstm', [], trials='3')": "arg-type",
    "zoo.evaluate()": "call-arg",
    "zoo.export('runs/a').metrics": "attr-defined",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """Runs mypy with the package's configuration; later runs take what it kept."""
    cache = str(tmp_path_factory.mktemp("mypy"))

    def run(*arguments: str) -> tuple[str, int]:
        settings = ("--config-file", str(ROOT / "setup.cfg"), "--cache-dir", cache)
        output, errors, status = api.run([*settings, *arguments])
        return output + errors, status

    return run


@pytest.fixture
def check_user(check, tmp_path, monkeypatch):
    """Checks a user's program, for which `zoo` is an installed package."""
    monkeypatch.setenv("MYPYPATH", str(ROOT))

    def run(program: str) -> tuple[str, int]:
        path = tmp_path / "program.py"
        path.write_text(program, "utf-8")
        return check(str(path))

    return run


def test_package(check):
    output, status = check(str(ROOT / "zoo"))
    assert status == 0, output


def test_package_says_that_it_has_types():
    assert (ROOT / "zoo" / "py.typed").is_file()


def test_right_program(check_user):
    output, status = check_user(RIGHT)
    assert status == 0, output


def test_wrong_calls(check_user):
    lines = ["import zoo", *WRONG]
    output, status = check_user("\n".join(lines) + "\n")
    assert status == 1, output
    errors = [row for row in output.splitlines() if ": error: " in row]
    for line, (call, code) in enumerate(WRONG.items(), 2):
        found = [row for row in errors if f"program.py:{line}:" in row]
        assert len(found) == 1 and f"[{code}]" in found[0], (call, output)
