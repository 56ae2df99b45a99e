"""Ranges, and that every model's space keeps in step with what its builder takes."""

from __future__ import annotations

from dataclasses import fields

import pytest
from marks import first_of_each_file, slow_but

import zoo
from zoo.families.catalogue import settings_of, space_of
from zoo.models._search_space import Choice, Float, Int, Range, as_json, parse_range
from zoo.tasks import TAGS, Task
from zoo.tuning.searched import default_of, searched_space

MODELS = zoo.list_models()
FIRST = first_of_each_file(MODELS)
# Those that other arguments must fit: a test builds them large beside small widths.
RELATIVE = ("k", "groups", "rank")


def test_whole_numbers():
    assert Int(2, 6).grid() == (2, 3, 4, 5, 6)
    assert Int(10, 33, step=10).grid() == (10, 20, 30)
    assert Int(3, 30, factor=3).grid() == (3, 9, 27)
    assert Int(8, 128, log=True).grid() == (8, 16, 32, 64, 128)
    assert 7 in Int(2, 9) and 10 not in Int(2, 9) and 2.0 not in Int(2, 9)
    assert 20 in Int(10, 33, step=10) and 25 not in Int(10, 33, step=10)
    assert True not in Int(0, 3)
    assert Int(32, 256, factor=2).nearest(100) == 128
    assert Int(32, 256, factor=2).nearest(64) == 64
    assert Int(32, 256).nearest(None) == 32


def test_numbers_and_choices():
    assert Float(0.0, 1.0).grid() == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert 0.3 in Float(0, 1) and 1 in Float(0, 1) and 1.1 not in Float(0, 1)
    assert Float(0.1, 0.5).nearest(0.9) == 0.5
    choice = Choice("a", None, (1, 2))
    assert [1, 2] in choice and (1, 2) in choice and "b" not in choice
    assert choice.nearest("b") == "a" and choice.nearest((1, 2)) == (1, 2)
    assert Choice(16, 50, 100).nearest(60) == 50
    assert Choice(False, True).nearest(True) is True
    assert True not in Choice(1, 2)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Int(5, 5), "below `high`"),
        (lambda: Int(1.5, 5), "`low` must be a whole number"),
        (lambda: Int(1, 5, step=2, log=True), "exclude each other"),
        (lambda: Int(0, 5, factor=2), "above 0"),
        (lambda: Int(1, 5, factor=1), "`factor` must be"),
        (lambda: Float(0.0, 1.0, log=True), "above 0"),
        (lambda: Float("0", 1.0), "`low` must be a number"),
        (lambda: Choice(), "Received: none"),
        (lambda: Choice(1, 1), "each once"),
        (lambda: parse_range(""), "LOW:HIGH"),
        (lambda: parse_range("1:2:y"), "LOW:HIGH"),
        (lambda: parse_range("0.5:2:x2"), "LOW:HIGH"),
        (lambda: parse_range("9:2"), "below `high`"),
    ],
)
def test_ranges_of_no_use_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "text, expected",
    [
        ("64:256", Int(64, 256)),
        ("64:256:32", Int(64, 256, step=32)),
        ("64:256:x2", Int(64, 256, factor=2)),
        ("8:64:log", Int(8, 64, log=True)),
        ("1e-4:1e-2:log", Float(1e-4, 1e-2, log=True)),
        ("0:0.5", Float(0, 0.5)),
        ("16,32,50", Choice(16, 32, 50)),
        ("null,0.5", Choice(None, 0.5)),
        ("max, last", Choice("max", "last")),
        ("[3],[2,3]", Choice([3], [2, 3])),
        ('"a:b",true', Choice("a:b", True)),
    ],
)
def test_ranges_of_the_command_line(text, expected):
    assert parse_range(text) == expected


@pytest.mark.parametrize("name", MODELS)
def test_a_space_names_what_the_model_takes(name):
    space, settings = space_of(name), settings_of(name)
    known = {setting.name for setting in fields(settings)}
    arguments = zoo.describe(name).keywords
    assert len(space) >= 8
    for key, range_ in space.items():
        assert isinstance(range_, Range)
        assert key in known or key in arguments, key
        assert default_of(name, key) in range_, "the first trial has the defaults"
        for value in range_.grid() if key in known else ():
            assert getattr(settings.of(name, **{key: value}), key) == value
        for other, accepted in range_.when.items():
            assert all(value in space[other] for value in accepted)
    searched = searched_space([name])
    assert searched.moved() == []
    first = searched.defaults()
    assert set(first) == {key for key, _ in searched.active(first)}
    assert all(
        f"  {key}: {range_}" in str(zoo.describe(name)) for key, range_ in space.items()
    )


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", slow_but(["text_cnn"], MODELS, FIRST))
def test_a_builder_takes_the_corners_of_its_space(name):
    entry = zoo.describe(name)
    known = {setting.name for setting in fields(settings_of(name))}
    space = {k: r for k, r in space_of(name).items() if k not in known}
    tasks = {"a": 2, "b": 3}
    if entry.task == "tagging":
        tasks = {"a": Task(TAGS, ("O", "B", "I"), scheme="BIO")}
    sizes = {
        "language modelling": (50,),
        "sentence encoding": (50,),
        "translation": (50, None),
    }
    sizes = sizes.get(entry.task, (50, tasks))
    large = entry.task == "language modelling" and {"hidden", "projection"} & {*space}
    searched = searched_space([name])
    choices = [len(r.grid()) for r in space.values() if isinstance(r, Choice)]
    for turn in range(max([2, *choices])):
        values = {}
        for key, range_ in space.items():
            grid = range_.grid()
            if isinstance(range_, Choice):
                values[key] = grid[turn % len(grid)]
            else:
                # What is relative is large where the rest is small, and vice versa.
                high = (turn % 2 == 0) == (key in RELATIVE)
                high = high and not (large and key in ("units", "hidden"))
                values[key] = grid[-1 if high else 0]
        active = {key for key, _ in searched.active(values)}
        keywords = {key: value for key, value in values.items() if key in active}
        model = zoo.get(name, *sizes, **keywords)
        assert model.count_params() > 0, as_json(keywords)
