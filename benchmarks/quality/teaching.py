"""A student alone, its teacher, and the student taught, over several seeds.

python -m benchmarks.quality.teaching --data sst2 --teacher MINILM_FOLDER

Sentences of the training and unlabelled texts of other named sets are what the teacher
labels besides; whatever shares 13 words in a row with a validation or test text of any
of the sets is left out.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from pathlib import Path

import zoo
from zoo.data import load_named
from zoo.data.overlap import HeldOut
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


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--data", default="sst2")
    parser.add_argument("--student", default="bilstm_mt")
    parser.add_argument("--teacher", nargs="+", required=True)
    parser.add_argument("--teacher-epochs", type=int, default=2)
    parser.add_argument("--sources", nargs="*", default=["mtl16", "imdb"])
    parser.add_argument("--most", type=int, default=30_000, help="sentences to label")
    parser.add_argument("--longest", type=int, default=30, help="words of a sentence")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--out", type=Path, default=Path("runs", "teaching"))
    options = parser.parse_args(arguments)
    more = {}
    if options.sources:
        chosen = options.data, options.sources, options.most, options.longest
        more["unlabelled"] = sentences_of(*chosen)
    for seed in options.seeds:
        run = zoo.distill(
            options.student,
            options.data,
            teacher=options.teacher,
            teacher_epochs=options.teacher_epochs,
            out=options.out / str(seed),
            seed=seed,
            **more,
        )
        found = json.loads((run.folder / "teaching.json").read_text("utf-8"))
        print(f"seed {seed}: {json.dumps(found['accuracy'])}")


if __name__ == "__main__":
    main()
