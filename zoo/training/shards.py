"""Training rows on disk, in shards that are each a random sample of all rows.

An epoch reads one shard after the other, in a new order, and shuffles the rows of each
in memory: as random as a shuffle of all rows, as long as the rows of a shard are many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.training.batching import EpochBatches, TokenBatches

_NONE = np.zeros(0, np.int32)


@dataclass(frozen=True)
class Shard:
    """The rows of a shard, in memory.

    Args:
        tokens: ids of each text.
        columns: by name, arrays with one entry per text.
    """

    tokens: list[np.ndarray]
    columns: dict[str, np.ndarray]


class Shards:
    """Files of rows, each row in one of them by chance.

    A file is a sequence of blocks: the number of rows and of tokens, the lengths of
    the texts, their tokens, and the columns in the order of their names.

    Args:
        folder: for the files; those of earlier shards are removed.
        count: number of files.
        seed: of the chance.

    Attributes:
        sizes: number of rows of each file.
        longest: most tokens of a text.

    Example:
        >>> import tempfile
        >>> shards = Shards(Path(tempfile.mkdtemp()), 2, seed=0)
        >>> texts = [np.array([n, n]) for n in range(10)]
        >>> shards.add(texts, {"label": np.arange(10)})
        >>> read = [shards.read(number) for number in range(2)]
        >>> sorted(np.concatenate([one.columns["label"] for one in read]).tolist())
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """

    def __init__(self, folder: Path, count: int, *, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("*.rows"):
            file.unlink()
        self._files = [folder / f"{number:05d}.rows" for number in range(count)]
        self._chance = np.random.default_rng([seed, count])
        self._layout: dict[str, tuple[np.dtype, tuple[int, ...]]] = {}
        self._digest = hashlib.sha256()
        self.sizes = np.zeros(count, int)
        self.longest = 0

    def __len__(self) -> int:
        return len(self._files)

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of all rows, in the order in which they were added."""
        return self._digest.hexdigest()

    def add(
        self, tokens: Sequence[np.ndarray], columns: Mapping[str, np.ndarray]
    ) -> None:
        """Appends rows; every call has the same columns, of the same types.

        Raises:
            OSError: if the disk is full.
        """
        self._layout = {
            name: (values.dtype, values.shape[1:])
            for name, values in sorted(columns.items())
        }
        lengths = np.array([len(ids) for ids in tokens], np.int32)
        self.longest = max(self.longest, int(lengths.max(initial=0)))
        places = self._chance.integers(len(self), size=len(lengths))
        self.sizes += np.bincount(places, minlength=len(self))
        for number, file in enumerate(self._files):
            rows = np.flatnonzero(places == number)
            flat = np.concatenate([_NONE, *(tokens[row] for row in rows.tolist())])
            head = np.array([len(rows), len(flat)], np.int64)
            values = [columns[name][rows] for name in self._layout]
            block: list[np.ndarray] = [
                head,
                lengths[rows],
                flat.astype(np.int32),
                *values,
            ]
            content = b"".join(part.tobytes() for part in block)
            self._digest.update(content)
            with file.open("ab") as opened:
                opened.write(content)

    def read(self, number: int) -> Shard:
        """Returns the rows of a file."""
        tokens: list[np.ndarray] = []
        parts: dict[str, list[np.ndarray]] = {name: [] for name in self._layout}
        with self._files[number].open("rb") as file:
            while (head := np.fromfile(file, np.int64, 2)).size:
                rows, ids = head.tolist()
                ends = np.cumsum(np.fromfile(file, np.int32, rows))
                flat = np.fromfile(file, np.int32, ids)
                tokens += np.split(flat, ends[:-1]) if rows else []
                for name, (kind, shape) in self._layout.items():
                    size = rows * int(np.prod(shape, dtype=int))
                    values = np.fromfile(file, kind, size)
                    parts[name].append(values.reshape(rows, *shape))
        columns = {name: np.concatenate(found) for name, found in parts.items()}
        return Shard(tokens, columns)


class ShardedBatches(EpochBatches):
    """The batches of all shards, one shard after the other.

    Args:
        numbers: of the shards, each with a row to learn from.
        load: returns the shuffled batches of a shard; the same number each time.
        seed: of the order of the shards.
    """

    def __init__(
        self, numbers: Sequence[int], load: Callable[[int], TokenBatches], *, seed: int
    ) -> None:
        super().__init__()
        self._load, self.seed = load, seed
        self._opened: tuple[tuple[int, int], TokenBatches] | None = None
        self._numbers = numbers
        self._sizes = np.array([len(load(number)) for number in numbers])
        self._plan()

    def __len__(self) -> int:
        return int(self._sizes.sum())

    def __getitem__(self, index: int):
        place = int(np.searchsorted(self._ends, index, side="right"))
        which = int(self._order[place])
        if self._opened is None or self._opened[0] != (self.epoch, which):
            self._opened = None  # before the next one is in memory
            batches = self._load(self._numbers[which])
            batches.start_at(self.epoch)
            self._opened = (self.epoch, which), batches
        first = self._ends[place] - self._sizes[which]
        return self._opened[1][int(index - first)]

    def _plan(self) -> None:
        chance = np.random.default_rng([self.seed, self.epoch])
        self._order = chance.permutation(len(self._sizes))
        self._ends = np.cumsum(self._sizes[self._order])
