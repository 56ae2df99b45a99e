"""Damaged and foreign files: the error names the file, and what to do or to use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from saved import SAVED

tf = pytest.importorskip("tensorflow")
pytest.importorskip("tensorflow_text")

import keras  # noqa: E402

import zoo  # noqa: E402
from zoo.edge import EdgeModel  # noqa: E402
from zoo.families import get_family  # noqa: E402
from zoo.serving import ServedModel  # noqa: E402
from zoo.training.checkpoint import Checkpoint, claim  # noqa: E402
from zoo.training.kept import intact, read_json, write_json  # noqa: E402
from zoo.tuning.plan import Plan  # noqa: E402
from zoo.tuning.trial import read_result  # noqa: E402

pytestmark = pytest.mark.tensorflow

FAMILIES = ("classification", "language", "tagging", "translation")
# Of a file of JSON: what no longer is an object.
NO_OBJECT = {
    "empty": lambda text: "",
    "truncated": lambda text: text[: len(text) // 2],
    "of zeros": lambda text: "\0" * len(text),
    "a list": lambda text: "[]",
    "nothing": lambda text: "null",
    "a number": lambda text: "7",
}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def changed(**values):
    """Of a JSON object: with other values, or functions of the ones there."""

    def change(text):
        whole = json.loads(text)
        found = {k: v(whole[k]) if callable(v) else v for k, v in values.items()}
        return json.dumps({**whole, **found})

    return change


def assert_told(caught, path: Path, folder: Path, what: str) -> None:
    message = str(caught.value)
    assert f"{path} must be intact" in message
    assert f"Remove the folder {folder}; {what}" in message
    assert message.count("\n") == 0


def test_intact_names_the_file_whatever_was_raised(tmp_path):
    path = tmp_path / "a.json"
    for error in (KeyError("x"), OSError("gone"), TypeError(), RuntimeError("a\nb")):
        with pytest.raises(ValueError, match="a.json must be intact.*Try.") as caught:
            with intact(path, "Try again."):
                raise error
        assert caught.value.__cause__ is error and "\n" not in str(caught.value)
    with intact(path, "Try again."):
        pass
    with pytest.raises(KeyboardInterrupt), intact(path, "Try again."):
        raise KeyboardInterrupt
    write_json(path, {"a": "\u597d"})
    assert read_json(path, "") == {"a": "\u597d"}


def small_model():
    ids = keras.Input((3,))
    x = keras.layers.Dropout(0.5)(keras.layers.Dense(2)(ids))
    model = keras.Model(ids, keras.layers.Dense(1)(x))
    model.compile("adam", "mse")
    model.stop_training = False
    return model


def checkpoint(folder) -> Checkpoint:
    return Checkpoint(lambda logs: [-logs["loss"]], patience=9, folder=folder)


@pytest.fixture(scope="module")
def two_epochs(tmp_path_factory):
    """The checkpoints of a run of two epochs, the first of them the best."""
    folder = tmp_path_factory.mktemp("run") / "checkpoints"
    model, kept = small_model(), checkpoint(folder)
    model.optimizer.build(model.trainable_variables)
    kept.set_model(model)
    for epoch, loss in enumerate((1.0, 2.0)):
        kept.on_epoch_begin(epoch)
        kept.on_epoch_end(epoch, {"loss": loss})
    return folder


@pytest.fixture
def run(two_epochs, tmp_path):
    return shutil.copytree(two_epochs, tmp_path / "checkpoints")


def test_a_whole_run_is_restored(run):
    state = json.loads((run / "state.json").read_text("utf-8"))
    assert len(state["random"]) == 1 and len(state["history"]) == 2
    model, kept = small_model(), checkpoint(run)
    assert kept.restore(model) == 2
    assert kept.best_epoch == 0 and not kept.finished
    kept.keep_best(model)


STATES = {
    **NO_OBJECT,
    "an empty object": lambda text: "{}",
    "another object": lambda text: '{"mood": ["a"]}',
    "without its history": lambda text: text.replace('"history"', '"story"'),
    "history too short": changed(history=lambda value: value[:1]),
    "history too long": changed(history=lambda value: value * 2),
    "no history": changed(history=None),
    "epoch of another": changed(epoch=7),
    "epoch in words": changed(epoch="one"),
    "best epoch to come": changed(best_epoch=2),
    "best epoch below": changed(best_epoch=-2),
    "best epoch in words": changed(best_epoch="first"),
    "too few random states": changed(random=[]),
    "too many random states": changed(random=lambda value: value * 2),
    "random states of another shape": changed(random=[[1, 2, 3, 4, 5]]),
}


@pytest.mark.parametrize("damage", STATES)
def test_a_damaged_state(run, damage):
    path = run / "state.json"
    text = path.read_text("utf-8")
    broken = STATES[damage](text)
    assert broken != text
    path.write_text(broken, "utf-8")
    with pytest.raises(ValueError) as caught:
        checkpoint(run).restore(small_model())
    assert_told(caught, path, run, "the same command then trains from the start.")


@pytest.mark.parametrize("damage", ["cut", "foreign", "missing"])
@pytest.mark.parametrize("name", ["last-1", "best-0"])
def test_damaged_weights(run, name, damage):
    path = run / f"{name}.weights.h5"
    if damage == "cut":
        cut(path)
    elif damage == "foreign":
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(9)]).save_weights(path)
    else:
        path.unlink()
    model, kept = small_model(), checkpoint(run)
    with pytest.raises(ValueError) as caught:
        kept.restore(model)
        assert name == "best-0"  # which is read at the end
        kept.keep_best(model)
    assert_told(caught, path, run, "the same command then trains from the start.")


@pytest.mark.parametrize("damage", NO_OBJECT)
def test_a_damaged_identity_is_no_reason_to_remove_a_run(tmp_path, damage):
    identity = {"name": "text_cnn", "settings": {"epochs": 3, "seed": 0}}
    claim(tmp_path, identity)
    path = tmp_path / "identity.json"
    path.write_text(NO_OBJECT[damage](path.read_text("utf-8")), "utf-8")
    (tmp_path / "last-1.weights.h5").write_text("of hours")
    with pytest.raises(ValueError) as caught:
        claim(tmp_path, identity)
    assert_told(caught, path, tmp_path, "the same command then trains from the start.")
    assert (tmp_path / "last-1.weights.h5").exists()


FILES = [
    (family, path.relative_to(SAVED / family).as_posix())
    for family in FAMILIES
    for path in sorted((SAVED / family).rglob("*"))
    if path.is_file()
]


@pytest.mark.parametrize("family, name", FILES)
def test_truncated_and_missing_files_of_a_model(family, name, tmp_path):
    folder = shutil.copytree(SAVED / family, tmp_path / "model")
    cut(folder / name)
    for place in (folder, tmp_path):  # a run holds its model so
        with pytest.raises(ValueError) as caught:
            zoo.load(place)
        assert f"{folder / name} must " in str(caught.value)
        assert "truncated" in str(caught.value)
    (folder / name).unlink()
    with pytest.raises(ValueError) as caught:
        zoo.load(folder)
    message = str(caught.value)
    if name == "metadata.json":
        assert f"Received: {folder}, which lacks its metadata.json" in message
    else:
        assert f"{folder / name} must have the sha256" in message
        assert "no file" in message and "Copy the folder again" in message


@pytest.mark.parametrize("damage", NO_OBJECT)
def test_metadata_that_hold_no_object(damage, tmp_path):
    folder = shutil.copytree(SAVED / "tagging", tmp_path / "model")
    path = folder / "metadata.json"
    path.write_text(NO_OBJECT[damage](path.read_text("utf-8")), "utf-8")
    with pytest.raises(ValueError, match="must be the JSON metadata") as caught:
        zoo.load(folder)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"sha256": None},
        {"sha256": ["model.keras"]},
        {"tasks": None},
        {"tasks": [1]},
        {"tasks": {"mood": {"kind": "odd"}}},
        {"format_version": None},
        {"format_version": [2]},
    ],
)
def test_metadata_of_other_values(values, tmp_path):
    folder = shutil.copytree(SAVED / "classification", tmp_path / "model")
    path = folder / "metadata.json"
    path.write_text(changed(**values)(path.read_text("utf-8")), "utf-8")
    with pytest.raises(ValueError, match="must be the JSON metadata") as caught:
        zoo.load(folder)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("family", FAMILIES)
def test_damaged_and_foreign_settings_of_a_pipeline(family, tmp_path):
    kind = get_family(family).text_model().pipeline_class
    folder = shutil.copytree(SAVED / family / "pipeline", tmp_path / "pipeline")
    path = folder / "pipeline.json"
    whole = path.read_text("utf-8")
    other = "tagging" if family != "tagging" else "classification"
    texts = [damage(whole) for damage in NO_OBJECT.values()]
    texts += ["{}", (SAVED / other / "pipeline" / "pipeline.json").read_text("utf-8")]
    for text in texts:
        path.write_text(text, "utf-8")
        with pytest.raises(ValueError, match="must hold a text pipeline") as caught:
            kind.load(folder)
        assert str(path) in str(caught.value)
    path.write_text(whole, "utf-8")
    [*vocabularies] = sorted(folder.glob("*.txt"))
    for vocabulary in vocabularies:
        content = vocabulary.read_bytes()
        cut(vocabulary)
        with pytest.raises(ValueError, match="vocabulary file must hold") as caught:
            kind.load(folder)
        assert str(vocabulary) in str(caught.value)
        vocabulary.write_bytes(content)
    kind.load(folder)


SERVED = "an export: use `zoo.serving.ServedModel`, or `zoo predict`"
DEVICE = "an export for a device: use `zoo.edge.EdgeModel`"
TRAINED = "a trained model: use `zoo.load`, or `zoo predict`"


@pytest.fixture
def places(tmp_path):
    """One of each kind, as far as their files tell them apart."""
    for number in (1, 2):
        version = tmp_path / "exports" / "mood" / str(number)
        version.mkdir(parents=True)
        (version / "saved_model.pb").write_bytes(b"graph")
        metadata = {"format": "zoo served text model", "format_version": 1}
        (version / "metadata.json").write_text(json.dumps(metadata))
        shutil.copytree(
            SAVED / "classification", tmp_path / "runs" / str(number) / "model"
        )
    device = tmp_path / "edge" / "mood"
    device.mkdir(parents=True)
    (device / "model.tflite").write_bytes(b"graph")
    metadata = {"format": "zoo edge model", "format_version": 1}
    (device / "metadata.json").write_text(json.dumps(metadata))
    (tmp_path / "begun" / "checkpoints").mkdir(parents=True)
    (tmp_path / "begun" / "checkpoints" / "state.json").write_text("{}")
    (tmp_path / "search" / "trials" / "0000" / "checkpoints").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    return tmp_path


TO_LOAD = {
    "exports/mood": f"which is {SERVED}.",
    "exports/mood/2": f"which is {SERVED}.",
    "exports/mood/2/saved_model.pb": "which is a file; name the folder of the whole "
    "model: {}/exports/mood/2.",
    "exports": "which is not a model but holds some: {}/exports/mood.",
    "edge/mood": f"which is {DEVICE}.",
    "edge/mood/model.tflite": "which is a file; name the folder of the whole model: "
    "{}/edge/mood.",
    "edge": "which is not a model but holds some: {}/edge/mood.",
    "runs": "which is not a model but holds some: {}/runs/1, {}/runs/2.",
    "runs/1/model/model.keras": "which is a file; name the folder of the whole "
    "model: {}/runs/1/model.",
    "begun": "which is an unfinished run; the same `zoo train` continues it.",
    "search/trials": "which holds no model.",
    "search": "which holds no model.",
    "empty": "which holds no model.",
    "nowhere": "which does not exist.",
    "runs/1/model/model.keras/model": "which does not exist.",
}


@pytest.mark.parametrize("place", TO_LOAD)
def test_what_holds_no_trained_model(places, place):
    with pytest.raises(ValueError) as caught:
        zoo.load(places / place)
    expected = TO_LOAD[place].replace("{}", str(places))
    assert str(caught.value) == (
        "`folder` must be a run, a name from `zoo list --trained`, or the folder of "
        "a trained model with its "
        f"model.keras and metadata.json. Received: {places / place}, {expected}"
    )


def test_what_holds_one(places):
    assert zoo.load(str(places / "runs" / "1")).family == "classification"


@pytest.mark.parametrize(
    "place, what",
    [
        ("runs/1", TRAINED),
        ("runs/1/model", TRAINED),
        ("edge/mood", DEVICE),
        ("runs", "not a model but holds some"),
        ("empty", "holds no model"),
    ],
)
def test_what_holds_no_export_for_a_server(places, place, what):
    if place == "runs":  # else its numbers were taken for versions
        (places / "runs" / "1").rename(places / "runs" / "one")
        (places / "runs" / "2").rename(places / "runs" / "two")
    with pytest.raises(ValueError, match="`folder` must hold a version") as caught:
        ServedModel(places / place)
    assert f"{places / place}, which " in str(caught.value)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    "place, what",
    [
        ("runs/1", TRAINED),
        ("runs/1/model", TRAINED),
        ("exports/mood", SERVED),
        ("exports/mood/2", SERVED),
        ("edge", "not a model but holds some"),
        ("edge/mood/model.tflite", "name the folder of the whole model"),
        ("empty", "holds no model"),
    ],
)
def test_what_holds_no_export_for_a_device(places, place, what):
    with pytest.raises(ValueError, match="an export of `zoo export --edge`") as caught:
        EdgeModel(places / place)
    assert f"{places / place}, which " in str(caught.value)
    assert what in str(caught.value)


def test_a_damaged_export_for_a_device(places):
    folder = places / "edge" / "mood"
    path = folder / "metadata.json"
    text = path.read_text("utf-8")
    for broken in ("", text[:9], "[]", "{}", changed(format_version=2)(text)):
        path.write_text(broken, "utf-8")
        with pytest.raises(ValueError, match="must hold an export of") as caught:
            EdgeModel(folder)
        assert str(path) in str(caught.value)
    values = {
        "runtime": "litert",
        "files": {"model.tflite": {"sha256": "0" * 64}},
        "input": {"length": 3},
    }
    path.write_text(changed(**values)(text), "utf-8")
    with pytest.raises(ValueError, match="model.tflite must have the sha256 000"):
        EdgeModel(folder)


RESULT = {"status": "done", "objective": 0.5, "scores": {"mean": 0.5}}
OBJECTS = {
    **NO_OBJECT,
    "an empty object": lambda text: "{}",
    "another object": lambda text: '{"mood": ["a"]}',
}


@pytest.fixture
def plan(tmp_path):
    return Plan(
        tmp_path / "search",
        searched=None,
        objective=None,
        algorithm="random",
        trials=2,
        seconds=None,
        budget={},
        seed=0,
        processes=False,
        family="tagging",
    )


@pytest.mark.parametrize("damage", OBJECTS)
def test_a_damaged_result_of_a_trial(plan, damage):
    folders = [plan.trials_folder / name for name in ("0000", "0001", "0002")]
    for folder in folders:
        folder.mkdir(parents=True)
    for folder in folders[:2]:
        write_json(folder / "result.json", RESULT)
    assert plan.results() == {"0000": RESULT, "0001": RESULT}
    assert read_result(folders[2]) is None
    path = folders[1] / "result.json"
    path.write_text(OBJECTS[damage](path.read_text("utf-8")), "utf-8")
    for read in (plan.results, lambda: read_result(folders[1])):
        with pytest.raises(ValueError) as caught:
            read()
        what = "the search then continues without it."
        assert_told(caught, path, folders[1], what)
    shutil.rmtree(folders[1])  # as it says
    assert plan.results() == {"0000": RESULT}


@pytest.mark.parametrize("damage", NO_OBJECT)
def test_a_damaged_identity_of_a_search(plan, damage, monkeypatch):
    monkeypatch.setattr(Plan, "identity", lambda self, data: {"seed": 0, "data": data})
    plan.claim("a")
    path = plan.folder / "search.json"
    path.write_text(NO_OBJECT[damage](path.read_text("utf-8")), "utf-8")
    with pytest.raises(ValueError) as caught:
        plan.claim("a")
    assert_told(
        caught, path, plan.folder, "the same command then searches from the start."
    )


def test_a_damaged_oracle(plan):
    pytest.importorskip("keras_tuner")
    from zoo.tuning import Int
    from zoo.tuning.keras_tuner_adapter import make_oracle, parameters

    path = plan.folder / "oracle.json"
    path.parent.mkdir()

    def oracle():
        return make_oracle(
            "random",
            parameters({"units": (Int(1, 99), {})}),
            path,
            first={"units": 5},
            combinations=lambda: iter(()),
            minimise=False,
            epochs=3,
            trials=4,
            seconds=None,
            seed=2**40,
        )

    oracle().save()
    whole = path.read_text("utf-8")
    oracle().reload()
    damages = {
        **OBJECTS,
        "without its trials": changed(trials=None),
        "of trials without values": changed(trials=[{}]),
        "without a state": changed(oracle={}),
    }
    for damage in damages.values():
        path.write_text(damage(whole), "utf-8")
        with pytest.raises(ValueError) as caught:
            oracle().reload()
        what = "the same command then searches from the start."
        assert_told(caught, path, plan.folder, what)
