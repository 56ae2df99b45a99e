"""A student alone, its teacher, and the student taught, over several seeds.

python -m benchmarks.quality.teaching --data sst2 --teacher MINILM_FOLDER

Sentences of the training and unlabelled texts of other named sets are what the teacher
labels besides; whatever shares 13 words in a row with a validation or test text of any
of the sets is left out. With `--rows N` the student has N labelled rows, and the
teacher labels the other training texts, as far as `--most` allows. With `--ensemble N`
instead of `--teacher`, the teacher is the student's kind itself, from N seeds.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

import zoo
from benchmarks.quality import seeds
from zoo.data import load_named, named_set
from zoo.data.overlap import HeldOut
from zoo.data.sets.registry import register_set
from zoo.text.sentences import sentences

_MARKUP = re.compile(r"<[^>]*>")


def sentences_of(data: str, sources: list[str], most: int, longest: int) -> list[str]:
    """Returns sentences of named sets that no held-out text overlaps, in random order.

    Args:
        data: the set of the student, whose held-out texts count too.
        sources: the sets; each has the same share of the sentences.
        most: number of sentences.
        longest: words of a sentence.
    """
    sets = {name: load_named(name) for name in dict.fromkeys([data, *sources])}
    held = HeldOut(
        text
        for splits in sets.values()
        for part in (splits.valid, splits.test)
        for text in part.each_text
    )
    generator, found = random.Random(0), []
    for name in sources:
        texts = [*sets[name].train.each_text, *sets[name].unlabeled]
        generator.shuffle(texts)
        clean = []
        for sentence in sentences(_MARKUP.sub(" ", text) for text in texts):
            if len(sentence.split()) <= longest and not held.overlaps(sentence):
                clean.append(sentence)
            if len(clean) == most // len(sources):
                break
        found += clean
    generator.shuffle(found)
    return found


def register_fewer(data: str, rows: int) -> str:
    """Registers a named set with a few labelled rows of another; returns its name.

    Nine tenths of them train and one tenth validates; the test part stays whole.
    """
    found, name = named_set(data), f"{data}_{rows}"
    same = {"files": found.files, "content": found.content, "public": True}

    @register_set(name, found.description, **same)
    def load(_folder):
        return seeds.fewer(load_named(data), rows, 0)

    return name


def others(data: str, fewer: str, most: int) -> list:
    """Returns the training texts of a set, or their words, that a part of it lacks.

    Args:
        data: the whole set.
        fewer: the part.
        most: number of texts.
    """
    whole, part = load_named(data), load_named(fewer)
    labelled = {text for one in (part.train, part.valid) for text in one.texts}
    chosen = [n for n, text in enumerate(whole.train.texts) if text not in labelled]
    rest = whole.train.select(chosen[:most])
    return getattr(rest, "tokens", rest.texts)


def trained(model: str, data: str, seed: int, folder: Path) -> str:
    """Returns the folder of a run, which a former call may have finished."""
    if not (folder / "report.md").exists():
        zoo.train(model, data, seed=seed, out=folder)
    return str(folder)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", default="sst2")
    parser.add_argument("--student", default="bilstm_mt")
    teachers = parser.add_mutually_exclusive_group(required=True)
    teachers.add_argument("--teacher", nargs="+")
    teachers.add_argument("--ensemble", type=int, metavar="SEEDS")
    parser.add_argument("--teacher-epochs", type=int, default=2)
    parser.add_argument("--sources", nargs="*", default=["mtl16", "imdb"])
    parser.add_argument("--augment", type=int, default=0, metavar="VARIANTS")
    parser.add_argument("--rows", type=int, help="labelled rows, without --sources")
    parser.add_argument("--most", type=int, default=30_000, help="texts to label")
    parser.add_argument("--longest", type=int, default=30, help="words of a sentence")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=Path("runs", "teaching"))
    options = parser.parse_args(arguments)
    data, more = options.data, {}
    if options.rows:
        data = register_fewer(options.data, options.rows)
        more["unlabelled"] = others(options.data, data, options.most)
    elif options.sources:
        chosen = options.data, options.sources, options.most, options.longest
        more["unlabelled"] = sentences_of(*chosen)
    teacher = options.teacher or [
        trained(options.student, data, seed, options.out / f"teacher{seed}")
        for seed in range(options.ensemble)
    ]
    for seed in options.seeds:
        run = zoo.distill(
            options.student,
            data,
            teacher=teacher,
            teacher_epochs=options.teacher_epochs,
            augment=options.augment,
            out=options.out / str(seed),
            seed=seed,
            **more,
        )
        found = json.loads((run.folder / "teaching.json").read_text("utf-8"))
        scores = {name: task["scores"] for name, task in found["tasks"].items()}
        print(f"seed {seed}: {json.dumps(scores)}")


if __name__ == "__main__":
    main()
