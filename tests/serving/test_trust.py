"""Models from strangers: what reaches beyond the graph is listed and refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

tf = pytest.importorskip("tensorflow")

import zoo  # noqa: E402
from zoo.cli import main  # noqa: E402
from zoo.serving import ServedModel  # noqa: E402
from zoo.serving.trust import _BEYOND, beyond_the_graph, read_graphs  # noqa: E402

pytestmark = pytest.mark.tensorflow


class Stranger(tf.Module):
    """A model with a variable, whose signature may also do something else."""

    def __init__(self, beside) -> None:
        super().__init__()
        self.weight = tf.Variable(2.0)
        self.beside = beside

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def serve(self, text):
        # A branch is a function that is called.
        tf.cond(tf.size(text) > 1, self.beside, lambda: 0)
        return {"score": self.weight * tf.cast(tf.strings.length(text), tf.float32)}


def writes():
    tf.io.write_file("/never", "x")
    return 0


def runs_python():
    tf.py_function(print, [1], [])
    return 0


BESIDE = {"WriteFile": writes, "EagerPyFunc": runs_python}


def saved(folder, beside):
    module = Stranger(beside)
    tf.saved_model.save(module, str(folder / "1"), signatures=module.serve)
    outputs = {"format_version": 1, "outputs": {}, "tasks": {}, "sha256": {}}
    (folder / "1" / "metadata.json").write_text(json.dumps(outputs), "utf-8")
    return folder


@pytest.mark.parametrize("op", ["WriteFile", "EagerPyFunc"])
def test_what_reaches_beyond_the_graph_is_refused_without_trust(tmp_path, op, capsys):
    folder = saved(tmp_path, BESIDE[op])
    assert op in beyond_the_graph(read_graphs(folder / "1"))
    with pytest.raises(ValueError, match=rf"`--trust`.*{op} \("):
        ServedModel(folder)
    assert ServedModel(folder, trust=True).predict(["four"]) == [{"score": 8.0}]
    assert main(["predict", str(folder), "four"]) == 2
    assert main(["predict", "--trust", str(folder), "four"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"] == {"score": 8.0}


def test_every_command_that_loads_a_graph_asks(tmp_path, capsys):
    """They all load it by the functions of one file."""
    zoo_folder = Path(zoo.__file__).parent
    loads = re.compile(r"saved_model\.load\(|loader\.load\(|load_model\(")
    found = {
        path.relative_to(zoo_folder).as_posix()
        for path in zoo_folder.rglob("*.py")
        if loads.search(path.read_text("utf-8"))
    }
    checked = {"serving/session.py", "families/keras_file.py"}
    assert found == {*checked, "serving/check.py"}  # that one reads what was just made
    folder = saved(tmp_path, writes)
    metadata = {
        "signatures": {"serving_default": {"inputs": {"text": [7, [-1]]}}},
        **json.loads((folder / "1" / "metadata.json").read_text("utf-8")),
    }
    (folder / "1" / "metadata.json").write_text(json.dumps(metadata), "utf-8")
    texts = tmp_path / "texts.txt"
    texts.write_text("four\n")
    ask = ["profile", str(folder), "--texts", str(texts), "--calls", "1", "--json"]
    assert main(ask) == 2
    assert "`--trust`" in capsys.readouterr().err
    assert main([*ask, "--trust"]) == 0


# Of what has a name of a file or an address among its arguments, or of what it does.
SUSPECT = re.compile(
    r"file|path|_dir|directory|address|service|url|memory_region|data_source|^call_target"
)
HARMLESS = {
    "CTCBeamSearchDecoder",  # paths through a lattice
    "InitializeTableFromTextFile",  # a table of words
    "InitializeTableFromTextFileV2",
    "ReaderRead",  # a reader is made by an operation of its own
    "ShardedFilename",  # names only
    "ShardedFilespec",
    "TensorSliceDataset",  # a hint for the distribution of data
    "TensorSummary",
}


def test_all_operations_with_names_of_files_or_addresses_are_known():
    from tensorflow.core.framework import op_def_pb2
    from tensorflow.python.client import pywrap_tf_session

    known = op_def_pb2.OpList()
    registered = pywrap_tf_session.TF_GetAllOpList()
    known.ParseFromString(pywrap_tf_session.TF_GetBuffer(registered))
    missed = []
    for op in known.op:
        names = [argument.name for argument in (*op.input_arg, *op.attr)]
        suspect = any(map(SUSPECT.search, names))
        refused = any(re.fullmatch(p, op.name) for p in _BEYOND.values())
        if suspect and not refused and op.name not in HARMLESS:
            missed.append(op.name)
    assert len(known.op) > 1500 and missed == []


def test_what_a_loader_runs_to_restore_variables_counts(tmp_path):
    """A graph of TensorFlow 1 names an operation for it, which may need any other."""
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        text = tf.compat.v1.placeholder(tf.string, [None])
        variable = tf.compat.v1.get_variable("weight", initializer=2.0)
        score = variable * tf.cast(tf.strings.length(text), tf.float32)
        session.run(variable.initializer)
        saver = tf.compat.v1.train.Saver()
        write = tf.io.write_file("/never", "x")
        restore = graph.get_operation_by_name(saver.saver_def.restore_op_name)
        restore._add_control_input(write)
        signature = tf.compat.v1.saved_model.predict_signature_def(
            {"text": text}, {"score": score}
        )
        builder = tf.compat.v1.saved_model.Builder(str(tmp_path / "1"))
        signatures = {"serving_default": signature}
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map=signatures, saver=saver
        )
        builder.save()
    assert beyond_the_graph(read_graphs(tmp_path / "1")) == {
        "WriteFile": "writes files"
    }


def test_metadata_that_name_other_outputs(tmp_path):
    folder = saved(tmp_path, lambda: 0)
    path = folder / "1" / "metadata.json"
    whole = json.loads(path.read_text("utf-8"))
    task = {"kind": "categories", "labels": ["a", "b"]}
    for tasks, outputs in (
        ({}, {"mood": {"label": "score", "scores": "score"}}),
        ({"mood": task}, {"mood": {"label": "mood", "scores": "score"}}),
    ):
        path.write_text(json.dumps({**whole, "tasks": tasks, "outputs": outputs}))
        with pytest.raises(ValueError, match="names its outputs. Accepted: score"):
            ServedModel(folder)


def test_the_saver_of_variables_is_not_beyond(tmp_path):
    folder = saved(tmp_path, lambda: 0)
    assert beyond_the_graph(read_graphs(folder / "1")) == {}
    assert ServedModel(folder).predict(["four"]) == [{"score": 8.0}]


def test_functions_without_a_signature_count(tmp_path):
    module = Stranger(lambda: 0)
    module.hidden = tf.function(BESIDE["WriteFile"], input_signature=[])
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.serve)
    assert beyond_the_graph(read_graphs(tmp_path / "1")) == {
        "WriteFile": "writes files"
    }


def test_inspect_shows_signatures_files_and_changes(published, tmp_path, capsys):
    assert main(["inspect", str(published), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["beyond"] == {} and found["changed"] == []
    assert found["signatures"]["serving_default"]["inputs"] == {"text": "string [?]"}
    assert found["operations"]["Identity"] > 1
    copy = tmp_path / "model" / "1"
    shutil.copytree(published, copy)
    (copy / "assets.extra" / "more").write_text("x", "utf-8")
    assert main(["inspect", str(copy.parent)]) == 0
    said = capsys.readouterr().out
    assert "Changed since the export: assets.extra/more." in said
    assert "No operation reaches files, network or Python." in said
    (copy / "saved_model.pb").write_bytes(b"\xff" * 40)
    assert main(["inspect", str(copy.parent)]) == 2
    assert "must hold a complete SavedModel" in capsys.readouterr().err
