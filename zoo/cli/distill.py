"""The command `zoo distill`: trains a model that learns from a teacher."""

from __future__ import annotations

from pathlib import Path

from zoo.cli.answer import Answer
from zoo.cli.common import add_trust_argument, duration, positive
from zoo.cli.data import add_data_arguments, add_part_arguments, data_arguments
from zoo.cli.serve import after_export
from zoo.cli.train import add_training_arguments, run_answer, training_arguments


def add_distill_parser(commands) -> None:
    """Adds the command to the subparsers of `zoo`."""
    parser = commands.add_parser(
        "distill", help="train a model that learns from a larger one, or from others"
    )
    parser.add_argument(
        "model",
        metavar="STUDENT",
        help="a classifier, tagger or translation model of `zoo list`",
    )
    parser.add_argument(
        "--teacher",
        nargs="+",
        required=True,
        metavar="TEACHER",
        help="folder of a run, an export, a SavedModel or a transformer; an ONNX file "
        "of a sentence encoder; HOST:PORT/MODEL of a TensorFlow Serving; or "
        "'command:PROGRAM ARGUMENTS'; several are an ensemble",
    )
    parser.add_argument(
        "--unlabelled",
        metavar="FILE",
        help="texts that the teacher labels: .txt with one text a line, or a table",
    )
    add_data_arguments(parser)
    add_part_arguments(parser)
    add_training_arguments(parser, "runs/STUDENT-taught")
    parser.add_argument(
        "--temperature",
        type=float,
        metavar="T",
        help="divisor of the teacher's logits (default: the one that calibrates it)",
    )
    parser.add_argument(
        "--mixture",
        type=float,
        metavar="SHARE",
        help="share of the label in the target of a labelled row (default: 0.5)",
    )
    parser.add_argument(
        "--budget",
        type=positive,
        metavar="N",
        help="texts of --unlabelled that the teacher labels at most: first those that "
        "the student is least certain of (default: all)",
    )
    parser.add_argument(
        "--rounds",
        type=positive,
        metavar="N",
        help="with --budget, trainings between which texts are chosen (default: 3)",
    )
    parser.add_argument(
        "--augment",
        type=positive,
        metavar="N",
        help="also label N variants of each training text (default: none)",
    )
    parser.add_argument(
        "--teacher-epochs",
        type=positive,
        metavar="N",
        help="epochs of a transformer that is fine-tuned first (default: 3)",
    )
    parser.add_argument(
        "--deadline",
        type=duration,
        metavar="TIME",
        help="longest time that a server or command may take to answer (default: 10m)",
    )
    parser.add_argument(
        "--answers",
        type=Path,
        dest="cache",
        metavar="FOLDER",
        help="where answers are kept (default: teachers in ZOO_CACHE)",
    )
    add_trust_argument(parser, "a teacher")
    parser.set_defaults(command=_distill)


def _distill(options) -> Answer:
    from zoo.api.distillation import distill
    from zoo.families.catalogue import parse_overrides

    settings, keywords = parse_overrides(options.overrides, options.model)
    own = ("temperature", "mixture", "budget", "rounds", "augment")
    given = {
        name: getattr(options, name)
        for name in (*own, "teacher_epochs", "deadline", "cache")
        if getattr(options, name) is not None
    }
    export_to = None if options.no_export else options.export / options.model
    run = distill(
        options.model,
        **data_arguments(options),
        teacher=options.teacher,
        unlabelled=options.unlabelled,
        out=options.out,
        export=export_to,
        trust=options.trust,
        **given,
        **{**settings, **training_arguments(options)},
        **keywords,
    )
    if export_to is not None:
        after_export(export_to, options)
    return run_answer(run)
