"""Reads files of pairs of texts, and reads them again in the same way later."""

from __future__ import annotations

from zoo.families.reading import (
    fill,
    given,
    list_skipped,
    recall_encoding,
    with_notes,
)

_OF_PAIRS = ("text", "label", "quotes")


def read_pair_splits(options):
    """Reads the parts from files of pairs."""
    from zoo.data.pairs import assemble_pairs

    parts = [read_pair_file(options.data, options.target, options)]
    for name in ("valid", "test"):
        path, target = getattr(options, name), getattr(options, f"{name}_target")
        parts.append(path and read_pair_file(path, target, options, f"--{name}"))
    splits = assemble_pairs(*parts, seed=options.seed or 0)
    return with_notes(splits, parts, remember_pairs(options))


def read_pair_file(path, target, options, option: str = "--data"):
    """Reads the pairs of two text files, or of a table if `target` is `None`."""
    from zoo.data.formats.registry import suffix_of, table_suffixes
    from zoo.data.memory import Memory
    from zoo.data.pairs import read_pair_table, read_pairs

    if target is not None:
        if options.label:
            raise ValueError(
                "`--label` must name the target column of a table. Accepted: "
                f"--label or --target. Received: both, {options.label[0]} and {target}."
            )
        pairs = read_pairs(
            path, target, on_bad_rows=options.on_bad_rows, encoding=options.encoding
        )
    elif not isinstance(path, Memory) and suffix_of(path) not in (
        suffixes := table_suffixes()
    ):
        beside = "--target" if option == "--data" else f"{option}-target"
        raise ValueError(
            f"`{option}` needs translations. Accepted: {beside} FILE with as many "
            f"lines, or a table ({', '.join(suffixes)}). Received: {path} alone."
        )
    else:
        labels = options.label or ["target"]
        if len(labels) > 1:
            raise ValueError(
                "`--label` must name one column, that of the targets. "
                f"Received: {', '.join(labels)}."
            )
        pairs = read_pair_table(
            path,
            source=options.text or "source",
            target=labels[0],
            on_bad_rows=options.on_bad_rows,
            encoding=options.encoding,
            quotes=options.quotes is not False,
        )
    list_skipped(path, pairs.skipped, options)
    return pairs


def remember_pairs(options) -> dict:
    """Records how pairs were read: from a table, or from two files."""
    names = () if options.target is not None else _OF_PAIRS
    return given(options, (*names, "encoding"))


def recall_pairs(options, text_model) -> None:
    """Fills in missing options of pairs of texts from the model's record."""
    reading = text_model.metadata.get("reading", {})
    if options.target is None:
        fill(options, reading, _OF_PAIRS)
    recall_encoding(options, reading)
