"""A run that was killed goes on as if nothing had happened, to the last bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.text.locks import locked
from zoo.training.checkpoint import Checkpoint, claim, fingerprint

TESTS = Path(__file__).absolute().parents[1]


@pytest.mark.slow
def test_a_killed_run_ends_like_one_that_was_not(tmp_path, capsys):
    import checkpoint_run
    from checkpoint_run import BEFORE, train

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Set by `conftest.py` as well, before a test with TensorFlow in memory.
        options = {"disable_meta_optimizer": True}
        tf.config.optimizer.set_experimental_options(options)
    folder = tmp_path / "killed"
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    killed = subprocess.run(
        [sys.executable, checkpoint_run.__file__, str(folder)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert json.loads((folder / "state.json").read_text())["epoch"] == BEFORE - 1
    # As a kill between two writes would leave it: the state still names epoch 2.
    for name in (f"last-{BEFORE}", f".partial-7-best-{BEFORE}"):
        (folder / f"{name}.weights.h5").write_bytes(b"half a file")
    (folder / ".partial-7-state.json").write_text('{"epo')
    weights, history = train(folder)
    said = capsys.readouterr().err
    assert "continuing after epoch 2" in said and "epoch 2/30" not in said
    assert "epoch 3/30" in said
    whole, expected = train(tmp_path / "whole")
    assert "epoch 1/30" in capsys.readouterr().err
    assert history == expected
    assert 3 < len(history) < 30  # it stopped early, by what it knew from before
    assert len(whole) == len(weights) > 4 and all(map(np.array_equal, whole, weights))
    names = sorted(path.name for path in folder.iterdir())
    best = max(range(len(history)), key=lambda epoch: history[epoch]["score"])
    assert names == [
        f"best-{best}.weights.h5",
        f"last-{len(history) - 1}.weights.h5",
        "state.json",
    ]
    # Once it is finished, it only reads its best weights.
    again, _ = train(folder)
    assert "epoch" not in capsys.readouterr().err
    assert all(map(np.array_equal, again, weights))


def small(folder, epochs: int):
    """Weights of a run of some epochs without data, and how many of them it found."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((3,))
    model = keras.Model(ids, keras.layers.Dense(2)(ids))
    model.compile("adam", "mse")
    model.stop_training = False
    model.optimizer.build(model.trainable_variables)
    kept = Checkpoint(lambda logs: [logs["loss"]], patience=9, folder=folder)
    done = kept.restore(model)
    kept.set_model(model)
    for epoch in range(done, epochs):
        model.set_weights([weight + 1 for weight in model.get_weights()])
        kept.on_epoch_begin(epoch)
        kept.on_epoch_end(epoch, {"loss": float(epoch)})
    kept.keep_best(model)
    return model.get_weights(), done


@pytest.mark.parametrize("name", ["last-1.weights.h5", "state.json"])
def test_no_part_of_a_file_is_taken_for_it(tmp_path, name):
    """Neither one that was cut at any place, nor one in which a byte changed."""
    folder = tmp_path / "run"
    small(folder, 2)
    whole = (folder / name).read_bytes()
    size = len(whole)
    cuts = [whole[:keep] for keep in (0, 1, 8, 96, size // 3, size - 512, size - 1)]
    changed = bytearray(whole)
    changed[size // 2] ^= 1
    for content in [*cuts, whole + b"\0", *([bytes(changed)] if "h5" in name else [])]:
        (folder / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} must be intact. Received: "):
            small(folder, 3)
    (folder / name).write_bytes(whole)
    assert small(folder, 3)[1] == 2


def test_a_folder_that_is_moved_continues(tmp_path):
    expected, _ = small(tmp_path / "whole", 4)
    small(tmp_path / "here", 2)
    (tmp_path / "here").rename(tmp_path / "there")
    weights, done = small(tmp_path / "there", 4)
    assert done == 2 and all(map(np.array_equal, weights, expected))


def test_a_state_of_a_version_without_digests_is_read(tmp_path):
    small(tmp_path, 2)
    state = json.loads((tmp_path / "state.json").read_text())
    assert sorted(state.pop("sha256")) == ["best-1.weights.h5", "last-1.weights.h5"]
    (tmp_path / "state.json").write_text(json.dumps(state))
    assert small(tmp_path, 3)[1] == 2


HOLD = """
import pathlib, sys, time
from zoo.text.locks import locked
with locked(pathlib.Path(sys.argv[1]), "`out`"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_folder_is_locked_until_its_process_ends_however_it_does(tmp_path):
    folder = tmp_path / "run"
    command = [sys.executable, "-c", HOLD, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, text=True
    ) as held:
        assert held.stdout.readline() == "held\n"
        with pytest.raises(ValueError, match="`out` must be .*Accepted: .*Received: "):
            with locked(folder, "`out`"):
                pass
        held.kill()
        held.wait()
    with locked(folder, "`out`"):
        assert list(folder.iterdir()) == []  # no file is left
        with pytest.raises(ValueError, match="another process is writing"):
            with locked(folder, "`out`"):
                pass


def test_no_time_of_a_run_depends_on_the_clock():
    """It may jump in either direction; only an HTTP date is compared with it."""
    zoo_folder = TESTS.parent / "zoo"
    found = [
        path.relative_to(zoo_folder).as_posix()
        for path in sorted(zoo_folder.rglob("*.py"))
        if "time.time()" in path.read_text("utf-8")
    ]
    assert found == ["client/rest.py"]


def files_of(folder: Path):
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(str(path.relative_to(folder)) for path in files)


def test_a_folder_belongs_to_one_run(tmp_path):
    folder = tmp_path / "a" / "checkpoints"
    claim(folder, {"name": "text_cnn", "epochs": 3})
    (folder / "pretraining").mkdir()
    for name in (
        "state.json",
        "last-1.weights.h5",
        "pretraining/state.json",
        "pretraining/last-1.weights.h5",
        "mine.txt",
    ):
        (folder / name).write_text(name)
    before = files_of(folder)
    claim(folder, {"epochs": 3, "name": "text_cnn"})
    assert files_of(folder) == before
    claim(folder, {"name": "text_cnn", "epochs": 4})
    assert files_of(folder) == ["identity.json", "mine.txt"]
    (folder / "state.json").write_text("left by a version that wrote no identity")
    (folder / "identity.json").unlink()
    claim(folder, {"name": "text_cnn", "epochs": 4})
    assert files_of(folder) == ["identity.json", "mine.txt"]


def test_a_run_of_fewer_epochs_goes_on_as_one_of_more(tmp_path):
    def identity(epochs, **others):
        return {"name": "lstm", "settings": {"epochs": epochs, "seed": 0, **others}}

    claim(tmp_path, identity(2))
    (tmp_path / "state.json").write_text("of two epochs")
    claim(tmp_path, identity(5))
    assert files_of(tmp_path) == ["identity.json", "state.json"]
    claim(tmp_path, identity(5))
    assert files_of(tmp_path) == ["identity.json", "state.json"]
    claim(tmp_path, identity(4))  # the weights may be of the fifth epoch
    assert files_of(tmp_path) == ["identity.json"]
    (tmp_path / "state.json").write_text("of four epochs")
    claim(tmp_path, identity(9, seed=1))
    assert files_of(tmp_path) == ["identity.json"]


def test_a_run_that_wrote_no_settings_is_another_run(tmp_path):
    identity = {"name": "text_cnn", "settings": {"epochs": 3}}
    (tmp_path / "identity.json").write_text('{"name": "text_cnn", "settings": null}')
    weights = tmp_path / "epoch.weights.h5"
    weights.touch()
    claim(tmp_path, identity)
    assert not weights.exists()
    assert json.loads((tmp_path / "identity.json").read_text()) == identity


@pytest.mark.parametrize(
    "other",
    [
        [np.array([1, 2]), {"a": np.array([1.0, 0.0])}, ("x",)],
        [np.array([1, 2, 0]), {"a": np.array([1.0, 0.5])}, ("x",)],
        [np.array([[1, 2]]), {"a": np.array([1.0, 0.5])}, ("x",)],
        [np.array([1, 2]), {"a": np.array([1.0, 0.5])}, ("y",)],
        [np.array([1, 2], "int32"), {"a": np.array([1.0, 0.5])}, ("x",)],
    ],
)
def test_fingerprints_differ_with_the_data(other):
    data = [np.array([1, 2]), {"a": np.array([1.0, 0.5])}, ("x",)]
    again = [np.array([1, 2]), {"a": np.array([1.0, 0.5])}, ("x",)]
    assert fingerprint(data) == fingerprint(again) != fingerprint(other)
