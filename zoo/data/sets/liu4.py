"""The four sets of Liu, Qiu and Huang 2016 as four tasks."""

from __future__ import annotations

from pathlib import Path

from zoo.data.examples import join
from zoo.data.parts import PARTS, Splits
from zoo.data.sets.imdb import load_imdb
from zoo.data.sets.registry import register_set
from zoo.data.sets.sst import load_sst
from zoo.data.sets.subj import load_subj
from zoo.data.splits import drop_leaked


@register_set(
    "liu4",
    "sst1, sst2, subj and imdb as four tasks (Liu et al. 2016; ZOO_DATA only)",
    folder=".",
    files="the sets sst1, sst2, subj and imdb",
    content="labels of texts",
    rank=16,
)
def load_liu4(folder: Path) -> Splits:
    """The sets sst1, sst2, subj and imdb, each a task of that name."""

    def at(name: str) -> Path | None:
        return folder / name if (folder / name).is_dir() else None

    sets = [
        load_sst(at("sst1"), binary=False, task="sst1"),
        load_sst(at("sst2"), binary=True, task="sst2"),
        load_subj(at("subj"), "subj"),
        load_imdb(folder / "imdb", "imdb"),
    ]
    train, valid, test = (join([one.parts[name] for one in sets]) for name in PARTS)
    # SST-1 and SST-2 hold the same sentences: a text used to evaluate any task must not
    # be in the training part of another.
    train, dropped = drop_leaked(train, valid, test)
    notes = [note for one in sets for note in one.notes]
    notes.append(
        f"liu4: {dropped} training rows dropped, because their text is in a "
        "validation or test part of one of the four sets."
    )
    return Splits(train, valid, test, notes=notes)
