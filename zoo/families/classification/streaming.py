"""Training rows that stay in their files: encoded once, into shards on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zoo.data import Examples, encode_labels
from zoo.data.errors import DataError
from zoo.families.classification.encoded import Encoded
from zoo.families.classification.settings import ClassificationSettings
from zoo.models.classifiers import WINDOW
from zoo.tasks import Task
from zoo.text import TextPipeline
from zoo.training.batching import ROUND_TO, TokenBatches
from zoo.training.shards import ShardedBatches, Shards

if TYPE_CHECKING:
    from zoo.data.dealing import TrainingStream
    from zoo.families.classification.train import Prepared

MOST_WORDS = 1_000_000  # that are counted at a time; beyond, the rarest are forgotten
SHARD_TOKENS, SHARD_ROWS = 2**22, 200_000  # of a shard, about
_ROWS, _TARGET, _WEIGHT = "rows", "target ", "weight "


def count_words(parts: Iterable[Examples], reading: Mapping) -> Counter[bytes]:
    """Counts the words of rows that come in parts, in bounded memory.

    Args:
        parts: the rows.
        reading: arguments of `TextPipeline.count`.
    """
    counts: Counter[bytes] = Counter()
    for rows in parts:
        counts.update(TextPipeline.count(rows.each_text, **reading))
        least = 1
        while len(counts) > MOST_WORDS:
            least += 1
            counts = Counter({w: n for w, n in counts.items() if n >= least})
    return counts


def write_shards(
    stream: TrainingStream,
    prepared: Prepared,
    settings: ClassificationSettings,
    folder: Path,
) -> Shards:
    """Encodes all training rows of a stream.

    Args:
        stream: the rows.
        prepared: a selection of them.
        settings: the seed.
        folder: for the files.

    Raises:
        DataError: for rows with distributions over labels, and for labels that the
            selected rows lack.
        OSError: if the disk is full.
    """
    selected = prepared.parts["train"].tokens
    mean = sum(map(len, selected)) / len(selected)
    count = max(mean * len(stream) / SHARD_TOKENS, len(stream) / SHARD_ROWS)
    shards = Shards(folder, max(1, round(count)), seed=settings.seed)
    for rows in stream:
        if any(value is not None for values in rows.soft.values() for value in values):
            raise DataError(
                "`stream` (--stream) reads labels. Accepted: columns of labels, or "
                "rows in memory. Received: rows with distributions over labels."
            )
        known = rows.with_tasks(
            [name for name in rows.labels if name in prepared.tasks]
        )
        known = known.select(np.flatnonzero(_labelled(known)))
        targets, weights = encode_labels(known, prepared.tasks)
        of_rows = np.array(known.weights, np.float32)
        columns = {_ROWS: of_rows}
        columns |= {_TARGET + name: values for name, values in targets.items()}
        columns |= {_WEIGHT + name: w * of_rows for name, w in weights.items()}
        shards.add(prepared.pipeline.encode(known.texts), columns)
    return shards


def sharded_batches(
    shards: Shards,
    tasks: Mapping[str, Task],
    settings: ClassificationSettings,
    buckets: Sequence[int],
) -> ShardedBatches:
    """Returns the batches of all shards; see `Encoded.training_batches`."""
    step = WINDOW if shards.longest > WINDOW else ROUND_TO
    longest = -(-shards.longest // step) * step
    buckets = [*buckets, longest] if longest > buckets[-1] else buckets

    def load(number: int) -> TokenBatches:
        shard = shards.read(number)
        encoded = Encoded(
            shard.tokens,
            {name: shard.columns[_TARGET + name] for name in tasks},
            {name: shard.columns[_WEIGHT + name] for name in tasks},
            rows=shard.columns[_ROWS],
        )
        return encoded.training_batches(tasks, settings, buckets)

    filled = np.flatnonzero(shards.sizes).tolist()
    return ShardedBatches(filled, load, seed=settings.seed)


def _labelled(rows: Examples) -> np.ndarray:
    """Returns for each row whether it has a label."""
    there = [[value is not None for value in values] for values in rows.labels.values()]
    return np.any(there, axis=0)
