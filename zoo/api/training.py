"""`zoo.train`: from data to a trained, measured and exported model in one call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.api.reading import Reading, split_off
from zoo.api.start import check_writable, load_tensorflow
from zoo.families import family_of, get_family
from zoo.families.catalogue import split_overrides
from zoo.families.choosing import train_best
from zoo.families.earlier import check_place, find_earlier, inherit
from zoo.families.run import Run
from zoo.text.locks import locked

if TYPE_CHECKING:
    import keras

AUTO = "auto"  # the best of a few models
AUTO_FAMILY, AUTO_MODEL = "classification", "bilstm_mt"  # whose settings it takes


def train(
    model: str,
    data: Any = None,
    *,
    label: str | Sequence[str] | Mapping[str, str] | None = None,
    text: str | Sequence[str] | None = None,
    valid: Any = None,
    test: Any = None,
    task_column: str | None = None,
    out: str | Path | None = None,
    export: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    tensorboard: str | Path | None = None,
    max_time: float | None = None,
    verbose: bool = True,
    **settings: Any,
) -> Run:
    """Trains a registered model, reports on it and exports it, as `zoo train` does.

    A call that was interrupted continues from its last epoch when it is made again.

    Args:
        model: a name from `zoo.list()`; or `"auto"`, for texts with labels, which
            trains a few models, from a linear one to a recurrent one, compares them on
            the validation part and keeps the best.
        data: a named set, a file, or rows in memory: a pandas or Polars frame, a
            pyarrow table, a `datasets.Dataset`, a `tf.data.Dataset`, a dict of columns,
            or any iterable of dicts, of `(text, label)` pairs or, for a language model,
            of texts. A tagger learns from dicts with lists of words and tags, a
            translation model from `(source, target)` pairs. By default the data set
            that the command line takes.
        label: column of labels, several, or a dict from columns to kinds
            (`"categories"`, `"multilabel"`, `"regression"`; for a tagger the scheme of
            the tags). Pairs without names hold the columns in this order.
        text: column of the texts; by default `"text"`, for a tagger `"tokens"`, for a
            translation model `"source"`. Two columns, such as `["question",
            "answer"]`, make pairs of texts, which a classifier or regression reads.
        valid: validation data of the same kinds; by default 10 % of `data`.
        test: test data of the same kinds; by default 10 % of `data`.
        task_column: splits the one label column into a task for each of its values.
        out: folder of the run; by default `runs/<model>`.
        export: folder of the exported versions, or `None` for no export.
        callbacks: Keras callbacks.
        tensorboard: folder for event files.
        max_time: with `"auto"`, seconds after which no model begins and the one in
            training ends.
        verbose: whether to print what the command prints.
        **settings: `epochs`, `seed` and the other settings and builder arguments that
            `zoo.describe(model)` lists, of which `weights` also takes a run, or the
            folder of one, to continue from; and further arguments about the data:
            `separator`, `missing`, `on_bad_rows`, `on_single_class`, `encoding`,
            `quotes`, `comment`, `weight`, `stream`, `target`, `valid_target` and
            `test_target`, which are the options of these names of `zoo train`.

    Returns:
        A `Run`: `model`, `folder`, `metrics`, `report`, `history` and `exported`.

    Raises:
        ValueError: for an unknown model or setting, and for data that cannot be used;
            that names the file and line, or the row of the argument.
        OSError: if `out` or `export` cannot be written, or the disk is full.

    Example:
        >>> run = zoo.train(  # doctest: +SKIP
        ...     "bilstm", "reviews.csv", label="sentiment", epochs=3
        ... )
        >>> run.model.predict(["What a lovely day"])  # doctest: +SKIP
    """
    # Check everything that needs no TensorFlow before it loads.
    family = get_family(AUTO_FAMILY) if model == AUTO else family_of(_name(model))
    further = split_off(settings)
    if isinstance(settings.get("weights"), (Run, os.PathLike)):
        settings["weights"] = _folder_of(settings["weights"])
    keywords: dict[str, Any] = {}
    if model == AUTO:
        chosen = settings
    else:
        chosen, keywords = split_overrides(settings, model)
        _check_time(model, max_time)
    folder = Path("runs", model) if out is None else Path(out)
    if earlier := find_earlier(chosen.get("weights") or AUTO):
        chosen, keywords = inherit(earlier, model, family, chosen, keywords)
        check_place(earlier, folder)
    family.settings.of(AUTO_MODEL if model == AUTO else model, **chosen)
    check_writable(folder, "`out` (--out)")
    export_to = None if export is None else Path(export)
    if export_to is not None:
        check_writable(export_to, "`export` (--export)")
    reading = Reading(
        data=data,
        label=label,
        text=text,
        task_column=task_column,
        valid=valid,
        test=test,
        seed=chosen.get("seed"),
        verbose=verbose,
        **further,
    )
    splits = family.read(reading)
    load_tensorflow()
    watching = list(callbacks)
    if tensorboard is not None:
        from zoo.training.callbacks import TensorBoard

        watching.append(TensorBoard(str(tensorboard)))
    if model == AUTO:
        with locked(folder, "`out` (--out)"):
            return train_best(
                family,
                splits,
                chosen,
                folder=folder,
                export_to=export_to,
                max_time=max_time,
                callbacks=watching,
                verbose=verbose,
            )
    return family.run(
        model,
        splits,
        chosen,
        keywords,
        folder=folder,
        export_to=export_to,
        callbacks=watching,
        verbose=verbose,
    )


def _folder_of(weights: Run | os.PathLike) -> str:
    return str(weights.folder if isinstance(weights, Run) else weights)


def _check_time(model: str, max_time: float | None) -> None:
    if max_time is not None:
        raise ValueError(
            "`max_time` (--max-time) needs the model 'auto'. Accepted for other "
            f"models: `epochs`. Received: max_time={max_time!r} with {model!r}."
        )


def _name(model: Any) -> str:
    if isinstance(model, str):
        return model
    raise ValueError(
        "`model` must be a name. Accepted: a name from zoo.list(); a Keras model is "
        "trained by its own `fit`, and zoo.TextModel(model, pipeline, tasks) then "
        f"takes it. Received: {type(model).__name__}."
    )
