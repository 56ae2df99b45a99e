"""What a search runs over: the user's ranges, several models, conditions, the grid."""

from __future__ import annotations

import pytest

from zoo.tuning import Choice, Float, Int
from zoo.tuning.searched import searched_space


def names(searched):
    return [name for name, _ in searched.parameters]


def test_ranges_and_fixed_values_of_the_user():
    searched = searched_space(
        ["bilstm"],
        {"units": Int(4, 8), "epochs": Choice(2, 3), "dropout": Float(0.6, 0.7)},
        {"pooling": "mean", "batch_size": 64},
        ["embedding_dim"],
    )
    assert sorted(names(searched)) == ["dropout", "embedding_dim", "epochs", "units"]
    assert searched.defaults() == {
        "embedding_dim": 128,
        "units": 8,
        "dropout": 0.6,
        "epochs": 3,
    }
    assert sorted(searched.moved()) == ["dropout", "epochs", "units"]
    model, settings, keywords = searched.chosen({"units": 5, "epochs": 3})
    assert model == "bilstm"
    assert settings == {"batch_size": 64, "epochs": 3}
    assert keywords == {"pooling": "mean", "units": 5}
    everything = searched_space(["bilstm"], {"epochs": Choice(2, 3)})
    assert {"units", "pooling", "learning_rate", "epochs"} <= set(names(everything))


@pytest.mark.parametrize(
    "fixed", [{}, {"weights": "glove-en"}, {"vectors": "a.txt"}], ids=str
)
def test_an_embedding_is_as_wide_as_the_vectors_if_there_may_be_any(fixed):
    assert "embedding_dim" not in names(searched_space(["bilstm"], fixed=fixed))
    random = searched_space(["bilstm"], fixed={"weights": "none"})
    assert "embedding_dim" in names(random)
    asked = searched_space(["bilstm"], fixed=fixed, only=["embedding_dim"])
    assert names(asked) == ["embedding_dim"]
    assert "embedding_dim" in names(searched_space(["lstm_lm"]))  # keeps its width
    model, settings, keywords = searched_space(["bilstm"], fixed=fixed).chosen({})
    assert settings == fixed and keywords == {}


def test_conditions():
    searched = searched_space(["bilstm_tagger"], only=["characters", "character_dim"])
    assert names(searched) == ["characters", "character_dim"]  # the parent first
    shown = {tuple(values.items()) for values in searched.grid()}
    assert shown == {
        *(
            (("characters", kind), ("character_dim", dim))
            for kind in ("cnn", "lstm")
            for dim in (15, 30, 60)
        ),
        (("characters", "none"),),
    }
    # A fixed parent decides once for all, and so does its default.
    fixed = {"characters": "none"}
    assert names(searched_space(["bilstm_tagger"], None, fixed, ["units"])) == ["units"]
    assert "character_dim" not in names(searched_space(["bilstm_tagger"], None, fixed))
    alone = searched_space(["bilstm_tagger"], only=["character_dim"])
    assert alone.parameters[0][1].when == {}
    # The user's range keeps the condition of the model's.
    ranges = {"ngram_weight": Float(0.1, 0.2)}
    searched = searched_space(["bilstm_mt"], ranges, only=["ngrams"])
    assert "ngram_weight" in dict(searched.active({"ngrams": [1]}))
    assert "ngram_weight" not in dict(searched.active({"ngrams": ()}))


def test_several_models_are_one_more_choice():
    searched = searched_space(["bilstm", "flstm", "glstm"], only=["units", "rank"])
    assert names(searched) == ["model", "units", "rank"]
    assert searched.parameters[0][1] == Choice("bilstm", "flstm", "glstm")
    assert searched.defaults() == {"model": "bilstm", "units": 128}
    model, settings, keywords = searched.chosen({"model": "flstm", "rank": 8})
    assert (model, settings, keywords) == ("flstm", {}, {"rank": 8})
    # One name with a range for each model; what one model lacks is kept from it.
    searched = searched_space(["bilstm", "text_cnn"], None, {"maps": 7}, ["batch_size"])
    assert names(searched) == ["model", "batch_size", "batch_size"]
    drawn = {"model": "text_cnn"}
    assert dict(searched.active(drawn))["batch_size"].grid() == (25, 50, 100)
    assert searched.chosen({"model": "bilstm"})[2] == {}
    assert searched.chosen(drawn)[2] == {"maps": 7}
    assert "|" in searched.describe()["batch_size"]


def test_the_grid_begins_with_the_defaults():
    searched = searched_space(
        ["lstm"],
        {"units": Int(16, 128, factor=2), "dropout": Float(0.4, 0.6)},
        None,
        [],
    )
    only = searched_space(
        ["lstm"], {"units": Int(64, 256, factor=2)}, None, ["dropout"]
    )
    rows = list(only.grid())
    assert rows[0] == only.defaults() == {"units": 128, "dropout": 0.5}
    assert len(rows) == 3 * 6 == len({tuple(row.items()) for row in rows})
    assert next(searched.grid()) == searched.defaults()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((["bilstm", "lstm_lm"],), "belong to one family.*language"),
        ((["bilstn"],), "did you mean 'bilstm'"),
        (([],), "none"),
        ((["lstm"], {"unit": Int(1, 2)}), "did you mean 'units'"),
        ((["lstm"], {"tasks": Int(1, 2)}), "`tasks` is not an argument"),
        ((["lstm"], {"batch_size": Int(-4, 2)}), "`batch_size` must be a whole number"),
        ((["lstm"], {"learning_rate": Choice("fast", 1)}), "a number above 0"),
        ((["lstm"], {"units": Float(0.5, 2.5)}), "type of its default, 128"),
        ((["lstm"], {"units": Float(1, 2)}), "type of its default, 128"),
        ((["lstm"], {"units": Choice(1, "2")}), "type of its default, 128"),
        ((["bilstm"], {"pooling": Int(1, 2)}), 'type of its default, "max"'),
        ((["lstm"], None, {"units": "many"}), 'type of its default, 128.*"many"'),
        ((["lstm"], {"units": Int(1, 2)}, {"units": 2}), "both for units"),
        ((["lstm"], None, {"units": 2}, ["units"]), "something to vary"),
        ((["lstm"], None, None, ["unit"]), "did you mean 'units'"),
        ((["lstm_lm"], {"vocab_size": Int(5, 9)}), "cannot be compared"),
        (
            (
                ["lstm"],
                {
                    "units": Int(1, 2, when={"dropout": [0]}),
                    "dropout": Choice(0.5, 0.6, when={"units": [1]}),
                },
            ),
            "be circular",
        ),
    ],
)
def test_searches_of_no_use_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        searched_space(*arguments)
