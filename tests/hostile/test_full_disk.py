"""Wherever files are written, a full disk gives a message and keeps what was there."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil

import numpy as np
import pytest
from full_disk import LimitedFiles, small_disk
from saved import SAVED

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

import keras  # noqa: E402
from tiny_export import TASKS, TEXTS, build  # noqa: E402

import zoo  # noqa: E402
from zoo.api.labelling import label_file  # noqa: E402
from zoo.api.teachers.translations import Translations  # noqa: E402
from zoo.cli import main  # noqa: E402
from zoo.data.download import write_atomic  # noqa: E402
from zoo.families.encoding.cache import kept  # noqa: E402
from zoo.reporting.page import write_page  # noqa: E402
from zoo.serving import publish  # noqa: E402
from zoo.text import TextPipeline, writing  # noqa: E402
from zoo.training.checkpoint import Checkpoint  # noqa: E402
from zoo.training.kept import write_json  # noqa: E402
from zoo.weights.trained import trained_folder  # noqa: E402

pytestmark = pytest.mark.tensorflow
TOLD = "must be written whole. Accepted: a place that can be written, with room for it."


@pytest.fixture(params=["disk", "limit"])
def disk(request, tmp_path):
    """Both ways: the calls of libraries that fail differ."""
    if request.param == "limit":
        yield LimitedFiles(tmp_path)
        return
    with small_disk(tmp_path) as found:
        yield found


def refused(disk, write, room: int = 0, said: str = TOLD) -> None:
    """Fails with a message, and leaves nothing."""
    before = disk.names()
    with disk.full(room), pytest.raises(OSError) as caught:
        write()
    assert said in str(caught.value) and "Received: " in str(caught.value)
    assert disk.names() == before


def test_a_page_and_its_results(disk):
    page = write_page(disk.folder, ["# first"], {"seed": 1})
    refused(disk, lambda: write_page(disk.folder, ["# next" * 5000], {}), 4096)
    assert page.read_text() == "# first\n"
    refused(disk, lambda: writing.append_text(page, "more" * 5000), 4096)
    assert page.read_text() == "# first\n"


def test_state_of_a_run(disk):
    path = disk.folder / "state.json"
    write_json(path, {"epoch": 1})
    refused(disk, lambda: write_json(path, {"epoch": 2, "history": ["x" * 9999]}))
    assert json.loads(path.read_text()) == {"epoch": 1}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.tsv.gz", "a.parquet"])
def test_answers_to_a_table(disk, name):
    data = disk.folder / "data.csv"
    data.write_text("text\n" + "".join(f"text {n}\n" for n in range(3000)))
    out = disk.folder / name
    generator = np.random.default_rng(0)

    def answer(texts):
        return [{"label": "a", "score": float(generator.random())} for _ in texts]

    refused(disk, lambda: label_file(answer, data, out, text="text"), 4096)
    label_file(answer, data, out, text="text")
    whole = out.read_bytes()
    refused(disk, lambda: label_file(answer, data, out, text="text"), 4096)
    assert out.read_bytes() == whole


def test_a_download(disk):
    path = disk.folder / "set" / "rows.csv"
    write_atomic(path, b"rows")
    said = "The cache cannot be written"
    with disk.full(), pytest.raises(ValueError, match=f"{said}.*ZOO_CACHE.*Received"):
        write_atomic(path, b"rows" * 5000)
    assert path.read_bytes() == b"rows"
    assert [file.name for file in path.parent.iterdir()] == ["rows.csv"]


def test_a_trained_model_of_the_package(disk, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(disk.folder))
    said = "The cache cannot be written"
    with disk.full(), pytest.raises(OSError, match=f"{said}.*ZOO_CACHE.*Received"):
        trained_folder("language-id")
    assert [path.name for path in (disk.folder / "trained").rglob("*")] == []
    assert (trained_folder("language-id") / "model.keras").is_file()


def test_answers_of_a_teacher(disk):
    """Those that are on the disk count; a line that is cut is asked again."""
    answers = Translations(disk.folder)
    texts = [f"text {number}" for number in range(400)]
    answers.add(texts[:9], texts[:9])
    with disk.full(5000), pytest.raises(OSError, match="answers.jsonl must be written"):
        answers.add(texts[9:], texts[9:])
    again = Translations(disk.folder)
    missing = again.missing(texts)
    assert 0 < len(missing) < 391 and missing == texts[-len(missing) :]
    again.add(missing, missing)
    last = Translations(disk.folder)
    assert last.missing(texts) == [] and last.of(texts) == texts


def test_vectors_of_a_teacher(disk):
    """The parts that were computed are kept; the whole is written without a map."""
    place, asked = disk.folder / "vectors", []
    rows = np.random.default_rng(0).normal(size=(300, 64)).astype("float16")

    def compute(number):
        asked.append(number)
        return rows[number * 100 : number * 100 + 100]

    def ask():
        return np.array(kept(place, [100] * 3, 64, compute))

    # Room for two parts of 13 kB and no third; then for the third and not the whole.
    limited = isinstance(disk, LimitedFiles)
    for room, parts in ((13_000, 3),) if limited else ((2 * 16384, 2), (20_000, 3)):
        with disk.full(room), pytest.raises(OSError, match=TOLD):
            ask()
        chunks = [f"chunk-{number:06d}.npy" for number in range(parts)]
        assert sorted(path.name for path in place.iterdir()) == chunks
    np.testing.assert_array_equal(ask(), rows)
    assert asked == ([0, 1, 2] if limited else [0, 1, 2, 2])
    assert sorted(place.iterdir()) == [place / "vectors.npy"]


@pytest.mark.parametrize("family", ["classification", "tagging"])
def test_a_trained_model(disk, family):
    model = zoo.load(SAVED / family)
    place = model.save(disk.folder / "model")
    kind = type(model)
    for room in (0, 4096, 12288):
        refused(disk, lambda: model.save(disk.folder / "model"), room)
    assert isinstance(zoo.load(place), kind)
    refused(disk, lambda: model.save(disk.folder / "other"))


def epochs(folder, count: int, room=None):
    """Checkpoints of some epochs, the last of them without room."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((3,))
    x = keras.layers.Dropout(0.5)(keras.layers.Dense(2000)(ids))
    model = keras.Model(ids, keras.layers.Dense(1)(x))
    model.compile("sgd", "mse")
    model.stop_training = False
    model.optimizer.build(model.trainable_variables)
    checkpoint = Checkpoint(lambda logs: [-logs["loss"]], patience=9, folder=folder)
    done = checkpoint.restore(model)
    checkpoint.set_model(model)
    for epoch in range(done, count):
        model.set_weights([w + 1 for w in model.get_weights()])
        checkpoint.on_epoch_begin(epoch)
        last = room is not None and epoch == count - 1
        with room if last else contextlib.nullcontext():
            checkpoint.on_epoch_end(epoch, {"loss": 1.0 / (epoch + 1)})
    checkpoint.keep_best(model)
    return model.get_weights(), done


def test_a_checkpoint(disk):
    """At whatever file the room ends, the epoch before is complete and continues."""
    # The weights of an epoch take 48 kB, twice if it is the best.
    limited = isinstance(disk, LimitedFiles)
    for number, room in enumerate((30_000,) if limited else (8192, 60_000, 102_400)):
        folder = disk.folder / str(number)
        epochs(folder, 2)
        before = sorted(path.name for path in folder.iterdir())
        with pytest.raises(OSError, match=TOLD):
            epochs(folder, 3, disk.full(room))
        names = sorted(path.name for path in folder.iterdir())
        assert {*before} <= {*names} and not any("partial" in name for name in names)
        assert json.loads((folder / "state.json").read_text())["epoch"] == 1
        weights, done = epochs(folder, 3)
        assert done == 2 and (weights[0] > 2).any()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def servable():
    pipeline = TextPipeline.learn(TEXTS, min_count=1, max_length=8)
    return build(pipeline.vocab_size, TASKS), pipeline


@pytest.mark.slow
def test_an_export(disk, servable, monkeypatch):
    monkeypatch.setattr(publish, "_self_check", lambda folder: None)
    folder = disk.folder / "exports"
    first = zoo.export(*servable, folder, tasks=TASKS)
    version = {path.name: path.read_bytes() for path in first.glob("*.pb")}
    size = sum(path.stat().st_size for path in first.rglob("*") if path.is_file())
    for room in (4096,) if isinstance(disk, LimitedFiles) else (0, size - 8192):
        refused(disk, lambda: zoo.export(*servable, folder, tasks=TASKS), room)
    assert {path.name: path.read_bytes() for path in first.glob("*.pb")} == version


def test_a_trial_without_room_is_no_failed_trial(tmp_path, monkeypatch):
    """The search ends with the message; its next start repeats the trial."""
    from zoo.tuning import trial

    job = trial.Job(tmp_path, "", "", {}, {}, "", {}, None, None)

    def full(job, splits):
        with writing.replaced(tmp_path / "model"):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(trial, "_trained", full)
    with pytest.raises(OSError, match=TOLD):
        trial.run_trial(job, None)
    with pytest.raises(OSError, match="must be written whole.*log.txt"):
        trial._result_of(job, trial._UNWRITTEN)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_run_continues_once_there_is_room(tmp_path, capsys):
    """The command itself: message, exit code, and the same result as without it."""
    data = tmp_path / "data.csv"
    words = ["good", "fine", "nice", "bad", "dull", "poor"]
    rows = [
        f"{a} {b} film {n},{'no' if words.index(a) > 2 else 'yes'}"
        for n, (a, b) in enumerate(itertools.product(words, words * 2))
    ]
    data.write_text("text,label\n" + "\n".join(rows) + "\n")
    command = ["train", "text_cnn", "--data", str(data), "--epochs", "2", "--no-export"]
    command += ["--set", "maps=2", "embedding_dim=4", "weights=none", "least_steps=1"]
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk") as disk:
        run = ["--out", str(disk.folder / "run")]
        with disk.full(room=60_000):
            assert main([*command, *run]) == 2
        said = capsys.readouterr().err
        assert "zoo: error: " in said and "Received: No space left" in said
        assert "Traceback" not in said
        assert not [name for name in disk.names() if "partial" in name]
        assert main([*command, *run]) == 0
        assert main([*command, "--out", str(tmp_path / "whole")]) == 0
        one, other = (
            zoo.load(place).model.get_weights()
            for place in (disk.folder / "run", tmp_path / "whole")
        )
        assert all(map(np.array_equal, one, other)) and len(one) == len(other) > 3
