"""The catalogue: what may be registered, what unknown names are told, what loads."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

import zoo
from zoo.families.catalogue import parse_overrides, settings_of
from zoo.families.classification.settings import ClassificationSettings
from zoo.models import _registry as registry
from zoo.models._registry import register, variant
from zoo.models._search_space import Choice, Int


@pytest.fixture
def entries(monkeypatch):
    """A copy of the catalogue, to add to."""
    zoo.list_models()
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))


def test_models_of_the_zoo_are_listed():
    names = zoo.list_models()
    assert names == sorted(names)
    assert {"text_cnn", "lstm", "bilstm", "bilstm_mt", "mt_shared"} <= set(names)
    assert zoo.list is zoo.list_models
    assert set(zoo.list_models("*mt*")) == {name for name in names if "mt" in name}
    assert "text_cnn" not in zoo.list_models(task=zoo.describe("bilstm_mt").task)
    assert zoo.list_models("nothing*") == []


def test_a_registered_builder_is_built(entries):
    @register(task="test", summary="One line.", defaults={"epochs": 3})
    def parrot(vocab_size: int = 7, tasks=None, *, units: int = 2):
        """The page."""
        return vocab_size, tasks, units

    assert zoo.get("parrot") == (7, None, 2)
    assert zoo.get("parrot", 9, {"a": 2}, units=4) == (9, {"a": 2}, 4)
    assert "parrot" in zoo.list_models(task="test")
    assert ClassificationSettings.of("parrot").epochs == 3
    assert ClassificationSettings.of("parrot", epochs=5, seed=None).epochs == 5
    page = str(zoo.describe("parrot"))
    for part in ("parrot (test): One line.", "units = 2", "epochs = 3", "The page."):
        assert part in page


def test_a_second_builder_of_a_name_is_refused(entries):
    def text_cnn():
        pass

    with pytest.raises(
        ValueError, match="'text_cnn'.*first is from zoo.models.text_cnn"
    ):
        register(task="test", summary="")(text_cnn)


def test_a_variant_has_other_defaults_and_fewer_arguments(entries):
    space = {
        "kind": Choice("a", "b"),
        "rank": Int(1, 9, when={"kind": ["a"]}),
        "groups": Int(2, 4, when={"kind": ["b"]}),
        "units": Int(1, 5),
    }

    @register(task="test", summary="", paper="P", defaults={"epochs": 3}, space=space)
    def parrot(vocab_size: int = 7, *, kind: str = "a", rank=1, groups=2, units=2):
        """The page.

        Args:
            vocab_size: how many
                words.
            kind: a
                or b.
            groups: of b.
            units: width.

        Returns:
            All of it.

        Example:
            >>> parrot()
        """
        return SimpleNamespace(given=(vocab_size, kind, rank, groups, units), name="")

    grey = variant(
        parrot,
        "grey",
        "The grey one.",
        fixed={"kind": "a"},
        without=["groups"],
        arguments={"units": 5},
        space={"units": Int(1, 9)},
        summary="Grey.",
    )
    assert zoo.get("grey", 9, rank=3).given == (9, "a", 3, 2, 5)
    assert zoo.get("grey").name == "grey" and grey(8, units=1).given[-1] == 1
    assert zoo.get("parrot").given == (7, "a", 1, 2, 2)
    with pytest.raises(ValueError, match="`kind` is not an argument of model 'grey'"):
        zoo.get("grey", kind="b")
    with pytest.raises(TypeError, match="groups"):
        grey(groups=3)
    entry, base = zoo.describe("grey"), zoo.describe("parrot")
    assert entry.keywords == {"vocab_size": 7, "rank": 1, "units": 5}
    assert entry.space == {"rank": Int(1, 9), "units": Int(1, 9)}
    assert (entry.summary, entry.paper, entry.defaults) == ("Grey.", "P", base.defaults)
    assert base.space == space and base.keywords["units"] == 2
    page = "The grey one.\n\nArgs:\n    vocab_size: how many\n        words."
    page += "\n    units: width.\n\nReturns:\n    All of it."
    assert grey.__doc__ == page and str(entry).endswith(f"{page}\n")
    with pytest.raises(ValueError, match="`wings` is not an argument of .*'parrot'"):
        variant(parrot, "blue", "", fixed={"wings": 2})
    with pytest.raises(ValueError, match="second builder for 'grey'"):
        variant(parrot, "grey", "")


def test_builders_must_name_their_arguments(entries):
    def loose(vocab_size=1, *sizes):
        pass

    def looser(vocab_size=1, **keywords):
        pass

    for builder, argument in ((loose, r"\*sizes"), (looser, r"\*\*keywords")):
        with pytest.raises(ValueError, match=f"{builder.__name__} with {argument}"):
            register(task="test", summary="")(builder)
        assert builder.__name__ not in registry._ENTRIES


def test_unknown_names_get_a_suggestion():
    with pytest.raises(
        ValueError, match="mean 'bilstm'.*Accepted:.*Received: name='bi"
    ):
        zoo.get("bi_lstm")
    with pytest.raises(ValueError, match=r"mean 'units'.*Received: unit=3"):
        zoo.get("bilstm", unit=3)
    with pytest.raises(AttributeError, match="no attribute 'lists'"):
        zoo.lists  # noqa: B018


def test_settings_are_checked():
    for name, value in (
        ("epochs", 0),
        ("epochs", 2.5),
        ("batch_size", True),
        ("seed", -1),
        ("learning_rate", "fast"),
        ("learning_rate", 0.0),
        ("fine_tune", "no"),
        ("class_weights", ["balanced"]),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}="):
            ClassificationSettings.of("text_cnn", **{name: value})
    with pytest.raises(ValueError, match="Settings must be among.*Received: epoch"):
        ClassificationSettings.of("text_cnn", epoch=3)
    for name in zoo.list_models():
        settings_of(name).of(name)  # the models' own defaults


def test_overrides_are_sorted_into_settings_and_arguments():
    pairs = ["epochs=3", "maps=8", "variant=static", "windows=[2, 3]", "seed=1"]
    settings, keywords = parse_overrides(pairs, "text_cnn")
    assert settings == {"epochs": 3, "seed": 1}
    assert keywords == {"maps": 8, "variant": "static", "windows": [2, 3]}
    with pytest.raises(ValueError, match="KEY=VALUE. Received: 'maps'"):
        parse_overrides(["maps"], "text_cnn")
    with pytest.raises(ValueError, match="mean 'epochs'"):
        parse_overrides(["epoch=3"], "text_cnn")
    with pytest.raises(ValueError, match="`tasks` is not an argument"):
        parse_overrides(["tasks=3"], "text_cnn")


HEAVY = ("tensorflow", "keras", "jax", "sklearn", "numpy")


@pytest.mark.parametrize(
    "code",
    [
        "import zoo; zoo.list_models(); str(zoo.describe('bilstm_mt'))",
        "import zoo.cli; zoo.cli.main(['list'])",
        "import zoo.cli; zoo.cli.main(['describe', 'bilstm_mt'])",
        "import zoo.cli\ntry: zoo.cli.main(['train', '--help'])\n"
        "except SystemExit as end: assert not end.code",
    ],
)
def test_listing_and_help_load_nothing_heavy(code):
    code += f"\nimport sys; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stderr == ""
