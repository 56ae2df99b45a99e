"""Trains a model that ships, packs it, measures what was packed, and writes its card.

    python recipes/trained/make.py spam-en --to zoo/weights/trained/spam-en/1
    python recipes/trained/make.py sentiment-en --teacher models/minilm
        --to zoo/weights/trained/sentiment-en/1
    python recipes/trained/make.py spam-en --pack --to zoo/weights/trained/spam-en/1

The check set, `checks/NAME.jsonl` beside this file, is not trained on: its texts were
written for it. `--pack` takes the run of an earlier call.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models import MODELS, Spec

import zoo
from zoo.data.download import hashes_of
from zoo.families.card import add_card
from zoo.reporting.card import CARD, write_card
from zoo.reporting.timing import milliseconds
from zoo.weights.packing import pack, unpack

TIME = "ms a text, one at a time"
SERVED = f"{TIME}, served"
EPOCHS = 2  # of a teacher on the labelled rows
CHECKS = Path(__file__).parent / "checks"


def make(
    name: str,
    spec: Spec,
    to: Path,
    runs: Path,
    teacher: str | None = None,
    **settings,
) -> dict:
    """Trains, packs and measures a model; returns its card.

    Args:
        name: name of the trained model.
        spec: how it is made.
        to: folder of the version, which must not exist.
        runs: folder of the run, from which a stopped training continues.
        teacher: what teaches it, for a model with further texts; see `zoo.distill`.
        settings: of the training, instead of those of `spec`.
    """
    data = dict(spec.data())
    train(name, spec, data, runs / name, teacher, **settings)
    return packed(name, spec, data, runs / name, to)


def train(
    name: str,
    spec: Spec,
    data: Mapping[str, Any],
    folder: Path,
    teacher: str | None = None,
    **settings,
) -> None:
    """Trains a model, or continues its training, in a folder; see `make`."""
    given = {**spec.settings, **settings, "out": folder}
    if spec.further is None:
        zoo.train(spec.model, **data, **given)
        return
    taught = {"teacher": teacher, "teacher_epochs": EPOCHS}
    zoo.distill(spec.model, **data, unlabelled=spec.further(data), **taught, **given)


def packed(
    name: str, spec: Spec, data: Mapping[str, Any], folder: Path, to: Path
) -> dict:
    """Packs and measures the model of a run; returns its card."""
    trained = zoo.load(folder / "model")
    own = trained.metadata["card"]
    asked = " --teacher MINILM" if spec.further else ""
    described = {
        **own,
        "title": name,
        "version": int(to.name),
        "summary": spec.summary,
        "table": without_advice(own["table"]),
        "sources": [dict(zip(("name", "licence", "texts"), s)) for s in spec.sources],
        "uses": list(spec.uses),
        "limits": list(dict.fromkeys([*spec.limits, *own["limits"]])),  # once packed
        "command": f"python recipes/trained/make.py {name}{asked} --to FOLDER",
    }
    add_card(folder / "model", trained, described)  # exports carry it
    pack(folder / "model", to)
    with tempfile.TemporaryDirectory() as place:
        unpack(to, Path(place, "model"))
        model = zoo.load(Path(place, "model"))
        after = zoo.evaluate(model, **_test_of(data))
        further = spec.sections(model, data) if spec.sections else []
        checks = checks_of(name)
        texts = [check["text"] for check in checks]
        answers = [model.predict([text])[0] for text in texts]
        times = times_of(model, texts)
    hashes = hashes_of(to)
    size = sum((to / file).stat().st_size for file in hashes)
    results = json.loads((folder / "results.json").read_text("utf-8"))
    card = {
        **described,
        "facts": {
            "model": spec.model,
            **own["facts"],
            "size of the package, MB": f"{size / 1e6:.1f}",
            **times,
            **_calibration(results.get("calibration", {})),
        },
        "sections": [
            *own["sections"],
            *([_taught(folder)] if spec.further else []),
            *further,
            _rounding(own["test"], after),
        ],
        "test_packed": after,
        "checks": [
            {**check, "answer": answer}
            for check, answer in zip(checks, answers, strict=True)
        ],
        "sha256": hashes,
    }
    write_card(to, card)
    return card


def time_again(folder: Path) -> None:
    """Measures the times per text again, on a machine that does nothing else."""
    card = json.loads((folder / CARD).read_text("utf-8"))
    model = zoo.load(card["title"], version=card["version"])
    texts = [check["text"] for check in card["checks"]]
    card["table"] = without_advice(card["table"])
    card["facts"].update(times_of(model, texts))
    write_card(folder, card)


def times_of(model, texts: Sequence[str]) -> dict[str, str]:
    """Returns the times of one text in Python and served, as a card shows them."""
    times = {
        TIME: milliseconds(model.predict, texts * 5),
        SERVED: served_milliseconds(model, texts),
    }
    return {name: f"{time:.2f}" for name, time in times.items()}


def served_milliseconds(model, texts: Sequence[str]) -> float:
    """Returns the time of a request of one text, as the check of an export takes it."""
    with tempfile.TemporaryDirectory() as folder:
        version = model.export(Path(folder, "served"), texts)
        metadata = json.loads((version / "metadata.json").read_text("utf-8"))
    return metadata["milliseconds"]


def without_advice(table: str) -> str:
    """Returns the results without the sentence that says which model to take.

    Its times are those of the machine in training, which may have done other work.
    """
    parts = table.split("\n\n")
    return "\n\n".join(part for part in parts if not part.startswith("Take "))


def checks_of(name: str) -> list[dict]:
    """Returns texts and their labels, by task, that were written to check a model."""
    lines = (CHECKS / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _test_of(data: Mapping) -> dict:
    """Returns the arguments of `zoo.evaluate` for the test part."""
    given = {key: data[key] for key in ("label", "task_column") if key in data}
    return {**given, "data": data.get("test", data["data"]), "verbose": False}


def _calibration(tasks: Mapping) -> dict[str, str]:
    return {f"ECE, {name}": f"{facts['ece']:.4f}" for name, facts in tasks.items()}


def _taught(folder: Path) -> str:
    means = json.loads((folder / "teaching.json").read_text("utf-8"))["accuracy"]
    parts = [
        f"{who} {100 * scores['valid']:.1f} and {100 * scores['test']:.1f}"
        for who, scores in means.items()
    ]
    return f"Mean accuracy on the validation and test parts, %: {'; '.join(parts)}."


def _rounding(before: Mapping, after: Mapping) -> str:
    parts = []
    for name, old in before.items():
        new = after[name]
        if isinstance(old, Mapping):
            metric = next(key for key, value in old.items() if isinstance(value, float))
            name, old, new = f"{name} {metric}", old[metric], new[metric]
        parts.append(f"{name} {old:.4f} before and {new:.4f} after")
    return f"Rounding of the weights, on the test part: {'; '.join(parts)}."


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python recipes/trained/make.py")
    parser.add_argument("name", choices=MODELS)
    parser.add_argument("--to", type=Path, required=True, help="folder of the version")
    parser.add_argument("--teacher", help="of a model with further texts")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="(runs)")
    parser.add_argument("--time", action="store_true", help="only measure the time")
    parser.add_argument("--pack", action="store_true", help="a run that has ended")
    options = parser.parse_args(arguments)
    if options.time:
        time_again(options.to)
        return
    spec = MODELS[options.name]
    if options.pack:
        run = options.runs / options.name
        packed(options.name, spec, dict(spec.data()), run, options.to)
        return
    if bool(options.teacher) != bool(spec.further):
        wanted = "a folder of transformers" if spec.further else "no teacher"
        parser.error(f"`--teacher` of {options.name} must be {wanted}")
    make(options.name, spec, options.to, options.runs, options.teacher)


if __name__ == "__main__":
    main()
