"""What every test starts from: no GPU, quiet libraries, no data of this machine."""

from __future__ import annotations

import functools
import gc
import os
import sys
import zlib

# Before anything imports TensorFlow or JAX.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Small arrays, many shapes: nearly all time goes into compiling, and a third of it into
# optimising what runs once.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
)
# A process of tests holds millions of objects, and each collection visits them.
gc.set_threshold(50_000, 20, 50)

import pytest  # noqa: E402


def pytest_ignore_collect(collection_path):
    """Doctests are looked for in `zoo/`: what tests share must not be imported.

    Such a module may register a model or a family, which every test would then see.
    """
    return True if _is_helper(collection_path) else None


# The files that take longest start first, so that no process is left alone with one.
LONGEST = (
    "tests/conformance/test_conformance.py",
    "tests/families/language/test_language.py",
    "tests/training/distributed/test_several_processes.py",
    "tests/recipes/test_recipes.py",
    "tests/cli/test_cli.py",
    "tests/tuning/test_searching.py",
    "tests/layers/recurrent/test_lstm.py",
    "tests/layers/experts/test_sparse_moe.py",
    "tests/training/test_training.py",
)


def pytest_collection_modifyitems(config, items):
    """Long files first; no test that another level or another backend has.

    A test of a release may carry `slow` as well, by its file or function. It is left
    out here, so that `-m slow` need not say so.
    """
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    absent = [] if "release" in config.option.markexpr else ["release"]
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        absent += ["tensorflow", "not_on_jax"]
    left, kept = [], []
    for item in items:
        there = _is_in_part(item) and not any(map(item.get_closest_marker, absent))
        (kept if there else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


def _is_in_part(item) -> bool:
    """Whether a test is in the part of the files that ZOO_TEST_PART names, as `0/2`."""
    number, _, parts = os.environ.get("ZOO_TEST_PART", "0/1").partition("/")
    file, _, _ = item.nodeid.partition("::")
    return zlib.crc32(file.encode()) % int(parts) == int(number)


def pytest_runtest_setup(item):
    if "tensorflow" in sys.modules:
        _run_graphs_as_traced()


@functools.cache
def _run_graphs_as_traced() -> None:
    """Most graphs run once or twice: to optimise them takes a fifth of the time.

    Processes that tests start (commands, what checks an export) optimise theirs.
    """
    options = {"disable_meta_optimizer": True}
    sys.modules["tensorflow"].config.optimizer.set_experimental_options(options)


def _is_helper(path) -> bool:
    return path.suffix == ".py" and not path.name.startswith("test_")


@pytest.fixture(autouse=True, scope="module")
def out_of_sight():
    """What a file leaves alive is not visited by later collections.

    Keras collects whenever it forgets a model: seconds, in a process of many files.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def checks_here(request, monkeypatch):
    """Exports of a test are checked in its process, which spares it an import.

    Those of `tests/serving`, of other fixtures with a wider scope and of processes that
    tests start are checked in fresh ones, as for users.
    """
    publish = sys.modules.get("zoo.serving.publish")
    if publish and "tests/serving/" not in request.node.nodeid:
        monkeypatch.setattr(publish, "_checked", _checked)


def _checked(folder) -> tuple[list[str], float | None]:
    """The check of an export, but for signatures that wrap the default one, and times.

    Each costs half a second at its first request; `tests/serving` asks them.
    """
    from zoo.serving import check

    ask = check._check_calls

    def ask_others(session, signatures, metadata):
        wrap = ("classify", "regress")
        calls = [c for c in metadata["calls"] if not c["signature"].startswith(wrap)]
        return ask(session, signatures, {**metadata, "calls": calls})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "_check_calls", ask_others)
        patch.setattr(check, "_milliseconds", lambda *_: None)
        return check.check(folder)


@pytest.fixture(autouse=True)
def few_are_timed(monkeypatch):
    """Reports say how long a text takes; no test reads it."""
    if timing := sys.modules.get("zoo.reporting.timing"):
        monkeypatch.setattr(timing, "MOST_TIMED", 2)


# Whose tests ask how the linear baseline is chosen.
COMPARED = (
    "test_baselines.py",
    "test_chance.py",
    "test_quality.py",
    "test_readme.py",
)


@pytest.fixture(autouse=True, scope="module")
def one_strength(request):
    """Reports compare with a linear model, of one strength rather than of five.

    A report of twelve tasks fits nine hundred of them, which takes longer than the
    training of a tiny model.
    """
    if request.path.name in COMPARED:
        yield
        return
    from zoo.families.classification import linear

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear, "STRENGTHS", (10.0,))
        patch.setattr(linear, "FIRST_STRENGTHS", (10.0,))
        yield


@pytest.fixture(scope="module")
def exports_checked_here():
    """For fixtures of a module that export."""
    from zoo.serving import publish

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "_checked", _checked)
        yield


@pytest.fixture(autouse=True)
def own_data(request, monkeypatch, tmp_path_factory):
    """Named sets come from what a test makes; `real_data` tests see ZOO_DATA."""
    if request.node.get_closest_marker("real_data"):
        if not os.environ.get("ZOO_DATA"):
            pytest.skip("ZOO_DATA is not set: no real data sets here")
        return
    monkeypatch.delenv("ZOO_DATA", raising=False)
    cache = tmp_path_factory.getbasetemp() / "zoo-cache"
    monkeypatch.setenv("ZOO_CACHE", str(cache))
