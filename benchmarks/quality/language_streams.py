"""Language models measured on streams of ids, where TensorFlow is not installed.

A machine with an accelerator may have JAX alone. The text pipeline needs TensorFlow, a
stream of ids does not:

    python -m benchmarks.quality.language_streams write wikitext2 wikitext2.npz
    KERAS_BACKEND=jax python -m benchmarks.quality.language_streams \
        measure wikitext2.npz --jobs 4 \
        --models moe_lm:num_experts=4 moe_lm:num_experts=32

`measure` takes what `benchmarks.quality.language_modeling` takes and leaves the facts
of each seed where that finds them: with `--data wikitext2` it prints the table. Test
texts of several files, as `english` has, are measured by file as well, and `measure`
prints that table.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.quality import seeds
from zoo.families.catalogue import parse_overrides
from zoo.families.language.settings import LanguageSettings
from zoo.reporting.markdown import markdown_table
from zoo.training.history import best_epoch

OF_KIND = "test/"  # begins the name of a stream of test texts of one kind
ROOT = Path(__file__).resolve().parents[2]
_OF_THE_TEXT = ("tokenizer", "vocab_size", "lowercase", "min_count")


def write(data: str, path: Path, words: int | None, overrides: list[str]) -> None:
    """Writes the streams of a named data set, as its own settings read it.

    Args:
        data: name of the set.
        path: file to write.
        words: of the training part; all by default.
        overrides: `KEY=VALUE` pairs of the settings that read the text.
    """
    from benchmarks.quality.language_modeling import FAMILY
    from zoo.data import load_named
    from zoo.data.sets.english import by_kind, first_words
    from zoo.families.language.stream import token_stream

    splits = load_named(data)
    if words is not None:
        splits = replace(splits, train=first_words(splits.train, words))
    chosen, _ = parse_overrides(overrides, "lstm_lm")
    corpus = FAMILY.prepare(splits, FAMILY.settings_for("lstm_lm", splits, chosen))
    streams = dict(corpus.streams)
    kinds = by_kind(splits.test)
    for kind, texts in kinds.items() if len(kinds) > 1 else ():
        streams[OF_KIND + kind] = token_stream(corpus.pipeline, texts)
    about = {
        "data": data,
        "vocab_size": corpus.pipeline.vocab_size,
        "settings": {**splits.settings, **chosen},
    }
    np.savez_compressed(path, about=json.dumps(about), **streams)
    sizes = ", ".join(f"{len(s) - 1:,} {part}" for part, s in streams.items())
    print(f"{path}: {sizes} tokens, {about['vocab_size']:,} in all")


def measure(options: argparse.Namespace, model: str, seed: int) -> None:
    """Measures one seed of one model, or reads back what was measured."""
    arrays = dict(np.load(options.file))
    about = json.loads(str(arrays.pop("about")))
    name, own = seeds.parse_model(model)
    overrides, keywords = parse_overrides([*options.overrides, *own], name)
    fixed = sorted(set(overrides).intersection(_OF_THE_TEXT))
    if fixed:
        raise ValueError(
            "`--set` cannot change how the text of a written file was read. Accepted: "
            f"the other settings. Received: {', '.join(fixed)}."
        )
    settings = LanguageSettings.of(name, **about["settings"], **overrides, seed=seed)
    new, facts = seeds.facts_of_seed(
        name,
        {**about, "streams": arrays},
        settings,
        keywords,
        _folder(options, about["data"], model, seed),
        _measured,
    )
    if new:
        told = f"{facts['valid']:.2f} (valid), {facts['test']:.2f} (test)"
        seconds = f"{facts['seconds']:.0f} s, epoch {facts['best_epoch']} the best"
        print(f"{model} seed {seed}: {told}, {seconds}", flush=True)


def _folder(options: argparse.Namespace, data: str, model: str, seed: int) -> Path:
    """Where `benchmarks.quality.language_modeling` finds the facts of a seed."""
    return options.folder / data / model.replace(" ", "_") / str(seed)


def _measured(
    name: str, corpus: Mapping, settings: LanguageSettings, keywords, folder: Path
) -> dict:
    """As `zoo.families.base.Family.measure`, without a text pipeline."""
    import zoo
    from zoo.families.language.fitting import train_streams
    from zoo.families.language.perplexity import perplexity
    from zoo.families.language.results import results_of
    from zoo.training.checkpoint import fingerprint
    from zoo.training.fit import seed_everything

    streams, checkpoints = corpus["streams"], folder / "checkpoints"
    identity = {"settings": settings.to_config(), "keywords": keywords, "name": name}
    seed_everything(settings.seed)
    model = zoo.get(name, corpus["vocab_size"], **keywords)
    history = train_streams(
        model,
        streams,
        settings,
        identity={**identity, "data": fingerprint(streams)},
        folder=checkpoints,
    )
    facts = results_of(model, streams, history)
    kinds = {
        part.removeprefix(OF_KIND): perplexity(model, stream)
        for part, stream in streams.items()
        if part.startswith(OF_KIND)
    }
    shutil.rmtree(checkpoints, ignore_errors=True)
    return {**facts, "kinds": kinds, "best_epoch": best_epoch(history)}


def table_of_kinds(options: argparse.Namespace, data: str) -> str:
    """Test perplexity of the first seed by kind of text, and over all."""
    rows: list[list[str]] = []
    for model in options.models:
        kept = _folder(options, data, model, 0) / "facts.json"
        facts = json.loads(kept.read_text("utf-8"))
        found = {"all": facts["test"], **facts["kinds"]}
        rows = rows or [[data, *found]]
        rows.append([model, *(f"{value:.1f}" for value in found.values())])
    return markdown_table(rows)


def measure_all(options: argparse.Namespace, arguments: list[str]) -> int:
    """Every seed of every model in a process of its own, some at a time.

    The first seeds of all models come first, so that a run that is cut short leaves a
    table of fewer seeds. Returns the number of failed processes.
    """
    waiting = [
        [*arguments, "--only", model, str(seed)]
        for seed in range(options.seeds)
        for model in options.models
    ]
    running, failed = [], 0
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    places = {**os.environ, "PYTHONPATH": path}
    while waiting or running:
        while waiting and len(running) < options.jobs:
            command = [sys.executable, "-m", "benchmarks.quality.language_streams"]
            running.append(subprocess.Popen([*command, *waiting.pop(0)], env=places))
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        for done in [process for process in running if process.poll() is not None]:
            failed += done.returncode != 0
            running.remove(done)
    return failed


def main(arguments: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    writer = commands.add_parser("write", help="streams of a named data set")
    writer.add_argument("data", help="name of a data set")
    writer.add_argument("file", type=Path, help="file to write, .npz")
    writer.add_argument("--words", type=int, help="of the training part (all)")
    writer.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE")
    meter = commands.add_parser("measure", help="models on such a file")
    meter.add_argument("file", type=Path, help="what `write` wrote")
    seeds.add_model_arguments(meter, models=["lstm_lm"])
    meter.add_argument("--jobs", type=int, default=1, help="trainings at a time (1)")
    meter.add_argument("--only", nargs=2, metavar=("MODEL", "SEED"), help="one of them")
    options = parser.parse_args(arguments)
    if options.command == "write":
        write(options.data, options.file, options.words, options.set)
    elif options.only:
        measure(options, options.only[0], int(options.only[1]))
    elif failed := measure_all(options, arguments):
        parser.exit(1, f"{failed} process(es) failed; the others' facts are kept\n")
    else:
        about = json.loads(str(np.load(options.file)["about"]))
        print(table_of_kinds(options, about["data"]))


if __name__ == "__main__":
    main()
