"""The command `zoo evaluate`: metrics of a trained model on data.

A model knows how its training data were read: see `zoo.cli.reading`.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from zoo.cli.data import (
    LABELS,
    PAIRS,
    TAGS,
    add_data_arguments,
    expect,
    is_named,
    list_skipped,
    read_examples,
    read_named,
    read_pair_file,
    read_tagged_file,
)
from zoo.cli.reading import recall_pairs, recall_table, recall_tags


def add_evaluate_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "evaluate", help="metrics of a trained model on data",
        description="The data are read as in training, where no option says otherwise.",
    )  # fmt: skip
    parser.add_argument("folder", type=Path, help="folder of a run")
    add_data_arguments(parser)
    add_unknown_argument(parser)
    parser.set_defaults(command=_evaluate)


def add_unknown_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--unknown-labels", choices=("error", "wrong"), default="error",
        help="wrong counts rows as wrong whose label training did not know (error)",
    )  # fmt: skip


def read_labelled(text_model, options):
    """Rows to measure a classifier on: a named set's test part, or a whole file.

    With `--on-bad-rows skip` rows are left out and listed whose label the model does
    not know, unless `--unknown-labels wrong` counts them.
    """
    from zoo.data import leave_out_unknown
    from zoo.data.targets import without_tasks
    from zoo.data.unknown import with_unknown

    expect(options, LABELS)
    if is_named(options):
        return read_named(options).test
    recall_table(options, text_model)
    examples = read_examples(options.data, options)
    tasks = text_model.tasks
    if len(tasks) == len(examples.labels) == 1 and not options.task_column:
        examples = _renamed(examples, next(iter(tasks)))
    left_out = text_model.metadata.get("reading", {}).get("left_out", ())
    gone = [name for name in left_out if name in examples.labels]
    if gone:
        rest = without_tasks(examples, gone)
        note = f"{len(examples) - len(rest)} rows left out of tasks that training left"
        examples = replace(rest, notes=[*rest.notes, f"{note} out: {', '.join(gone)}."])
    for note in examples.notes:
        print(note, file=sys.stderr)
    if options.on_bad_rows == "skip":
        known = with_unknown(tasks, examples) if counts_unknown(options) else tasks
        before = len(examples.skipped)
        examples = leave_out_unknown(examples, known)
        list_skipped(options.data, examples.skipped[before:])
    return examples


def counts_unknown(options) -> bool:
    """Whether rows with labels that the model does not know count as wrong."""
    return options.unknown_labels == "wrong"


def _renamed(examples, task: str):
    """The rows with their one task under another name."""
    ((name, values),) = examples.labels.items()
    return replace(
        examples,
        labels={task: values},
        kinds={task: examples.kinds[name]},
        columns={task: examples.columns[name]},
    )


def _evaluate(options) -> None:
    from zoo.cli.app import load_tensorflow

    load_tensorflow()
    from zoo.families.tagging.decoder import is_tagger
    from zoo.families.translation import is_translation_model
    from zoo.loading import load

    text_model = load(options.folder)
    if is_translation_model(text_model.model):
        _evaluate_translator(text_model, options)
    elif is_tagger(text_model.tasks):
        _evaluate_tagger(text_model, options)
    else:
        _evaluate_classifier(text_model, options)


def _evaluate_classifier(text_model, options) -> None:
    from zoo.data import encode_labels
    from zoo.data.unknown import never_said, with_unknown
    from zoo.families.classification.report import results_table
    from zoo.training.metrics import evaluate

    examples, tasks = read_labelled(text_model, options), text_model.tasks
    if counts_unknown(options):
        tasks = with_unknown(tasks, examples)
    targets, weights = encode_labels(examples, tasks)
    outputs = never_said(text_model.logits(examples.texts), tasks)
    results = {
        name: evaluate(task, targets[name], weights[name], outputs[name])
        for name, task in tasks.items()
    }
    print(results_table(tasks, {str(options.folder): results}))


def _evaluate_tagger(text_model, options) -> None:
    from zoo.families.tagging.report import results_table
    from zoo.families.tagging.train import evaluate
    from zoo.families.tagging.unknown import in_scheme_of_model, leave_out_unknown

    expect(options, TAGS)
    if is_named(options):
        splits = read_named(options)
        data, schemes = splits.test, splits.schemes
    else:
        recall_tags(options, text_model)
        data, schemes = read_tagged_file(options.data, options)
        for note in data.notes:
            print(note, file=sys.stderr)
    tasks = text_model.tasks
    if options.on_bad_rows == "skip" and not counts_unknown(options):
        before = len(data.skipped)
        data = in_scheme_of_model(data, tasks, schemes)
        schemes = {name: task.scheme for name, task in tasks.items()}
        data = leave_out_unknown(data, {n: task.labels for n, task in tasks.items()})
        list_skipped(options.data, data.skipped[before:])
    scores = evaluate(text_model, data, schemes, unknown=options.unknown_labels)
    print(results_table(tasks, {str(options.folder): scores}))


def _evaluate_translator(text_model, options) -> None:
    from zoo.families.translation.report import results_table
    from zoo.families.translation.train import evaluate

    expect(options, PAIRS)
    tokenized = False
    if is_named(options):
        splits = read_named(options)
        pairs, tokenized = splits.test, splits.tokenized
    else:
        recall_pairs(options, text_model)
        pairs = read_pair_file(options.data, options.target, options)
        for note in pairs.notes:
            print(note, file=sys.stderr)
    scores = evaluate(text_model, pairs, tokenized=tokenized)
    print(results_table({str(options.folder): scores}))
    print(scores["signature"])
