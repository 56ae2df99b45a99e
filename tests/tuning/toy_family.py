"""A family without TensorFlow, for tests of the search: its "training" counts epochs.

Importing it registers nothing: `toy_plugin.py` does, in the processes of a search.

The objective is a function of `units` and the epochs, or what `scores` in the file
`script.json` in the folder of the search says. That file also says what else a trial
does, by the name of the trial.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

from zoo.data import Examples, Splits
from zoo.tuning import Int

RANGES = {"units": Int(1, 64), "embedding_dim": Int(1, 64)}
_LEAK = []  # what a process that runs many trials would keep
_LEAKED = 8_000_000  # bytes of a trial


def splits() -> Splits:
    part = Examples(["a", "b"], {"label": ["x", "y"]})
    return Splits(part, part, part)


def objectives(splits) -> list[str]:
    return ["mean", "perplexity"]


def trial(name, splits, settings, keywords, *, folder, callbacks=()):
    """Goes on from the epoch in `state.json` as the real families do."""
    root = Path(folder).parents[2]
    script = json.loads((root / "script.json").read_text("utf-8"))
    acts = script.get(Path(folder).parent.name, {})
    _LEAK.append(bytearray(os.urandom(1) * _LEAKED))
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "state.json"
    history = json.loads(state.read_text("utf-8")) if state.exists() else []
    for callback in callbacks:
        callback.set_model(_model(keywords))
        callback.on_train_begin()
    if "meet" in script:
        _wait_for(root / "workers", script["meet"])
    for epoch in range(len(history), settings.get("epochs", 4)):
        act = acts.get(str(epoch))
        if act is not None:
            _act(act, root)
        for callback in callbacks:
            callback.on_train_batch_end(0)
        score = keywords["units"] / (1 + 1 / (epoch + 1))
        score = script.get("scores", {}).get(Path(folder).parent.name, score)
        history.append({"score": [score], "seconds": 0.5})
        state.write_text(json.dumps(history), "utf-8")
        with (root / "epochs.txt").open("a") as log:
            log.write(
                f"{folder.parent.name} {epoch} {os.getpid()} {len(splits.test)}\n"
            )
    return SimpleNamespace(
        model=_model(keywords), save=lambda to: to.mkdir(), score=history[-1]["score"]
    ), history


def score(text_model, splits, part):
    value = text_model.score[0]
    return {"mean": value, "perplexity": 1 + value}


FAMILY = SimpleNamespace(name="toy", objectives=objectives, trial=trial, score=score)


def _model(keywords):
    return SimpleNamespace(count_params=lambda: 100 * keywords["units"])


def _act(act: str, root: Path) -> None:
    if act == "fail":
        raise ValueError("a failure of one kind")
    if act == "fail otherwise":
        raise KeyError("another kind")
    once = root / f"{act}.done"
    if once.exists():
        return
    once.touch()
    if act == "interrupt":
        raise KeyboardInterrupt
    os.kill(os.getpid() if act == "die" else os.getppid(), signal.SIGKILL)
    time.sleep(600)  # whoever started it is dead, and so is this process at once


def _wait_for(folder: Path, count: int) -> None:
    """Until so many processes have come here."""
    folder.mkdir(exist_ok=True)
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < count:
        time.sleep(0.1)
