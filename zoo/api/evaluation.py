"""`zoo.evaluate`: scores of a trained model on data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.api.reading import Reading, check_further
from zoo.api.start import load_tensorflow
from zoo.api.trained import trained
from zoo.families import get_family
from zoo.families.reading import check_texts
from zoo.families.scores import Scores


def evaluate(
    model: Any,
    data: Any = None,
    *,
    label: str | Sequence[str] | Mapping[str, str] | None = None,
    text: str | Sequence[str] | None = None,
    task_column: str | None = None,
    unknown_labels: str = "error",
    verbose: bool = True,
    **further: Any,
) -> Scores:
    """Measures a trained model; data are read as in training unless arguments differ.

    Args:
        model: what `zoo.train` or `zoo.load` returned, or the folder of a run.
        data: as of `zoo.train`; of a named set the test part is read. By default the
            data set that the command line takes.
        label: as of `zoo.train`.
        text: as of `zoo.train`.
        task_column: as of `zoo.train`.
        unknown_labels: `"wrong"` counts rows as wrong whose label training did not
            know, `"error"` refuses them.
        verbose: tells on standard error what reading noticed.
        **further: further arguments about the data, see `zoo.train`.

    Returns:
        Scores, by task where the model has tasks; they print as a table.

    Raises:
        ValueError: for data that cannot be used.

    Example:
        >>> scores = zoo.evaluate("runs/bilstm", "later.csv")  # doctest: +SKIP
        >>> scores["sentiment"]["accuracy"]  # doctest: +SKIP
        0.861
    """
    check_further(further)
    load_tensorflow()
    text_model, name = trained(model)
    family = get_family(text_model.family)
    reading = Reading(
        data=family.default_data if data is None else data,
        label=label,
        text=text,
        task_column=task_column,
        unknown_labels=unknown_labels,
        verbose=verbose,
        **further,
    )
    check_texts(reading, family)
    return family.evaluate(text_model, reading, name)
