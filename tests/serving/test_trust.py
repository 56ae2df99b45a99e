"""Models from strangers: what reaches beyond the graph is listed and refused."""

from __future__ import annotations

import json
import shutil

import pytest

tf = pytest.importorskip("tensorflow")

from zoo.cli import main  # noqa: E402
from zoo.serving import ServedModel  # noqa: E402
from zoo.serving.trust import beyond_the_graph, read_graphs  # noqa: E402

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
