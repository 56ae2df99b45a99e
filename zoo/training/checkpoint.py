"""Keeps the best weights, stops when they stop improving, resumes a killed run."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from keras.src.saving import saving_lib

from zoo.text.writing import replaced
from zoo.training.distributed.context import check_agreement, leads, wait_for_all
from zoo.training.distributed.placing import whole
from zoo.training.history import rank
from zoo.training.kept import intact, read_json, sha256_of, write_json

_STATE, _WEIGHTS = "state.json", ".weights.h5"
_OWN = ("last-", "best-", ".partial-")  # beginnings of the names of files of epochs


class Diverged(RuntimeError):
    """No epoch of a training had a finite loss and finite scores."""


class Checkpoint(keras.callbacks.Callback):
    """Early stopping whose complete state survives a kill.

    Keras's `BackupAndRestore` and `EarlyStopping` are independent: a restart loses the
    best score, the patience and the best weights. Here they are written together at the
    end of each epoch, each file by an atomic rename.

    Args:
        score: from the epoch's logs to numbers that `rank` orders, or to `None` to keep
            the last weights.
        patience: epochs without a better score before training stops.
        folder: for the files; `None` keeps the best weights in memory.
    """

    def __init__(
        self, score: Callable, *, patience: int, folder: str | Path | None = None
    ) -> None:
        super().__init__()
        self.score = score
        self.patience = patience
        self.folder = Path(folder) if folder else None
        self.history: list[dict] = []
        self.best_epoch = -1
        self.finished = False
        self._best_weights = None
        self._digests: dict[str, str] = {}  # of the files of weights

    def restore(self, model: keras.Model) -> int:
        """Loads the last finished epoch into the model.

        Returns:
            The number of finished epochs; 0 for a new run.

        Raises:
            ValueError: for a damaged file, with its name and the remedy.
        """
        if self.folder is None:
            return 0
        path = self.folder / _STATE
        known = sha256_of(path) if path.exists() else ""
        check_agreement(
            known,
            "`out` (--out) must be a folder that all processes share. Received: "
            f"{self.folder}, whose checkpoints differ between them.",
        )
        if not known:
            return 0
        state, variables = read_json(path, _remedy(self.folder)), _random_states(model)
        with intact(path, _remedy(self.folder)):
            done = state["epoch"] + 1
            self.history = [*state["history"]]
            self.best_epoch = state["best_epoch"]
            self.finished = state["finished"]
            self._digests = dict(state.get("sha256", {}))
            if len(self.history) != done or not -1 <= self.best_epoch < done:
                raise ValueError(f"it has {len(self.history)} of {done} epochs")
            for variable, value in zip(variables, state["random"], strict=True):
                variable.assign(value)
        model.optimizer.build(model.trainable_variables)
        self._load(self.folder, model, f"last-{state['epoch']}")
        return done

    def keep_best(self, model: keras.Model) -> None:
        """Loads the weights of the best epoch into the model.

        Raises:
            Diverged: if there are none.
        """
        if self.best_epoch < 0 and self.history:
            self._check_last()
        if self._best_weights is not None:
            model.set_weights(self._best_weights)
        elif self.folder is not None and self.best_epoch >= 0:
            self._load(self.folder, model, f"best-{self.best_epoch}")

    def on_epoch_begin(self, epoch: int, logs=None) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        score = self.score(logs)
        best = rank(self.history[self.best_epoch]) if self.best_epoch >= 0 else None
        self.history.append(
            {
                **{name: np.asarray(value).tolist() for name, value in logs.items()},
                "score": score,
                "seconds": time.perf_counter() - self._start,
            }
        )
        found = rank(self.history[-1])
        better = found is not None and (best is None or found > best)
        if better:
            self.best_epoch = epoch
            if self.folder is None:
                with averaged(self.model), whole(self.model):
                    self._best_weights = self.model.get_weights()
        waited = epoch - self.best_epoch  # epochs count from 0; -1 means none
        self.finished = score is not None and waited >= self.patience
        self.model.stop_training = self.model.stop_training or self.finished
        if self.folder is not None:
            self._write(self.folder, epoch, better)
            wait_for_all()  # the others read what the first process wrote

    def _check_last(self) -> None:
        """Keeps the last epoch if there is no best one, unless it was validated."""
        last = self.history[-1]
        score, loss = last["score"], last.get("loss", 0.0)
        if score is None and np.isfinite(loss):
            return
        raise Diverged(
            "The training diverged: its loss and its validation scores must be finite "
            "in at least one epoch. Accepted: another training, such as one with a "
            f"smaller `learning_rate`. Received: {len(self.history)} epoch(s), the "
            f"last with loss {loss} and scores {score}; no weights were kept."
        )

    def _write(self, folder: Path, epoch: int, better: bool) -> None:
        """Writes this epoch's files, then updates the state, then removes old files."""
        folder.mkdir(parents=True, exist_ok=True)
        self._save(folder, f"last-{epoch}")
        if better:
            with averaged(self.model):
                self._save(folder, f"best-{epoch}")
        keep = {f"last-{epoch}{_WEIGHTS}", f"best-{self.best_epoch}{_WEIGHTS}"}
        self._digests = {n: d for n, d in self._digests.items() if n in keep}
        if not leads():
            return
        state = {
            "epoch": epoch,
            "best_epoch": self.best_epoch,
            "finished": self.finished,
            "history": self.history,
            "sha256": self._digests,
            "random": [
                keras.ops.convert_to_numpy(state).tolist()
                for state in _random_states(self.model)
            ],
        }
        write_json(folder / _STATE, state)
        for path in folder.iterdir():
            if path.name not in keep and path.name.startswith(_OWN):
                path.unlink()

    def _load(self, folder: Path, model: keras.Model, name: str) -> None:
        path = folder / f"{name}{_WEIGHTS}"
        with intact(path, _remedy(folder)):
            known = self._digests.get(path.name)  # none of older versions
            if known is not None and sha256_of(path) != known:
                raise ValueError("its sha256 is not that of the file that was written")
            model.load_weights(path)

    def _save(self, folder: Path, name: str) -> None:
        path = folder / f"{name}{_WEIGHTS}"
        with whole(self.model) as first:  # with the values of all processes
            if not first:
                return
            content = weights_file(self.model)
            with replaced(path) as partial:
                partial.write_bytes(content)
            self._digests[path.name] = hashlib.sha256(content).hexdigest()


def weights_file(model: keras.Model) -> memoryview:
    """Returns what `save_weights` would write to a file.

    It is made in memory: HDF5 ends the process where the end of its file does not fit
    on the disk.
    """
    content = io.BytesIO()
    store = saving_lib.H5IOStore(content, mode="w")
    saving_lib._save_state(
        model,
        weights_store=store,
        assets_store=None,
        inner_path="",
        visited_saveables=set(),
    )
    store.close()
    return content.getbuffer()


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Gives the model the moving averages of its weights, if any, within the context.

    Args:
        model: a compiled model; its optimizer needs `use_ema=True` for averages.
    """
    if not getattr(model.optimizer, "use_ema", False):
        yield
        return
    variables = model.trainable_variables
    raw = [keras.ops.copy(variable.value) for variable in variables]
    model.optimizer.finalize_variable_values(variables)
    for variable in variables:
        # On JAX they are the optimizer's own arrays until here, and `predict` donates
        # the arrays of a model.
        variable.assign(keras.ops.copy(variable.value))
    try:
        yield
    finally:
        for variable, value in zip(variables, raw, strict=True):
            variable.assign(value)


def claim(folder: str | Path, identity: Mapping) -> None:
    """Claims the folder for this run: removes the files of another run.

    The files of the same run with fewer epochs are kept, so that it can continue.

    Args:
        folder: for checkpoints.
        identity: JSON-ready: everything that determines the run, with its `settings`.

    Raises:
        ValueError: if the record of another run is damaged.
    """
    folder, text = Path(folder), json.dumps(identity)
    check_agreement(
        text,
        "All processes must train the same model with the same settings on the same "
        "data. Received: runs that differ between them.",
    )
    if leads():
        _claim(folder, json.loads(text))
    wait_for_all()


def _claim(folder: Path, identity: dict) -> None:
    path = folder / "identity.json"
    if path.exists():
        old, new = read_json(path, _remedy(folder)), copy.deepcopy(identity)
        before, now = (
            (one.get("settings") or {}).pop("epochs", 0) for one in (old, new)
        )
        if old == new and before == now:
            return
        if old == new and before < now:
            write_json(path, identity)
            return
    for file in [*folder.rglob(_STATE), *folder.rglob("*.weights.h5")]:
        file.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    write_json(path, identity)


def _remedy(folder: Path) -> str:
    return f"Remove the folder {folder}; the same command then trains from the start."


def fingerprint(data) -> str:
    """Returns the SHA-256 of nested lists and dicts of arrays and values with a `repr`.

    Example:
        >>> fingerprint([1, {"a": "b"}]) == fingerprint([1, {"a": "c"}])
        False
    """
    digest = hashlib.sha256()
    for value in keras.tree.flatten(data):
        if isinstance(value, np.ndarray):
            digest.update(repr((value.shape, value.dtype.str)).encode())
            digest.update(np.ascontiguousarray(value).data)
        else:
            digest.update(repr(value).encode())
    return digest.hexdigest()


def _random_states(model: keras.Model) -> list[keras.Variable]:
    """Returns the seeds of the dropout layers, which Keras does not save."""
    return [v for v in model.variables if v.name == "seed_generator_state"]
