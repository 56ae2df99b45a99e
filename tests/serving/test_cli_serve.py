"""Commands about exported models, and answers of a server, as a user meets them."""

from __future__ import annotations

import io
import json
import re

import pytest

from zoo.cli import main
from zoo.serving.models_config import configured_labels, configured_versions
from zoo.serving.versions import versions

pytestmark = pytest.mark.usefixtures("pauses")


@pytest.fixture
def models(tmp_path):
    """A folder of models with versions that nobody loads: `m` 1, 2 and 3, and `n` 5."""
    for version in ("m/1", "m/2", "m/3", "n/5"):
        place = tmp_path / "saved_models" / version
        place.mkdir(parents=True)
        (place / "saved_model.pb").touch()
    return tmp_path / "saved_models"


@pytest.fixture
def zoo(capsys):
    """Runs a command; gives its exit code and what it said."""

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_rollback_of_a_server_of_the_latest_version(zoo, models):
    code, said = zoo("rollback", models / "m")
    assert code == 0 and "version 2 is the newest; withdrawn: 3" in said
    code, said = zoo("rollback", models / "m", "--restore", 3)
    assert code == 0 and "back in service" in said and "Not served" not in said
    assert versions(models / "m") == [1, 2, 3]


def test_rollback_by_the_commands_that_its_error_names(zoo, models):
    zoo("serve-config", models)
    code, said = zoo("rollback", models / "m")
    command = f"serve-config {models} --label m:stable=2"
    assert code == 2 and f"`zoo {command}`" in said and "it names 3" in said
    _, said = zoo(*command.split())
    assert "m: version 2 is stable, version 3 stays loaded until" in said
    assert configured_versions(models / "m") == [2, 3]
    _, said = zoo(*command.split())
    assert "m: version 2 is stable\n" in said and "n: version 5 is stable" in said
    code, _ = zoo("rollback", models / "m")
    assert code == 0 and versions(models / "m") == [1, 2]
    _, said = zoo("rollback", models / "m", "--restore", 3)
    assert f"`zoo serve-config {models}` to update it" in said
    zoo("serve-config", models, "--canary")
    assert configured_labels(models / "m") == {"stable": 2, "canary": 3}


def test_the_files_are_what_their_readers_take(zoo, models):
    text_format = pytest.importorskip("google.protobuf.text_format")
    configs = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    yaml = pytest.importorskip("yaml")
    zoo("serve-config", models, "--canary", "--threads", 7, "--image", "mine:1")
    text = (models / "models.config").read_text("utf-8")
    parsed = text_format.Parse(text, configs.ModelServerConfig()).model_config_list
    found = {
        config.name: (
            config.base_path,
            list(config.model_version_policy.specific.versions),
            dict(config.version_labels),
        )
        for config in parsed.config
    }
    assert found == {
        "m": ("/models/m", [2, 3], {"stable": 2, "canary": 3}),
        "n": ("/models/n", [5], {"stable": 5}),
    }
    batching = (models / "batching_parameters.txt").read_text("utf-8")
    assert "num_batch_threads { value: 7 }" in batching
    compose = yaml.safe_load((models / "compose.yaml").read_text("utf-8"))
    service = compose["services"]["tensorflow-serving"]
    deployment, _ = yaml.safe_load_all((models / "kubernetes.yaml").read_text("utf-8"))
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert service["image"] == container["image"] == "mine:1"
    assert service["command"] == container["args"]
    assert "--model_config_file_poll_wait_seconds=30" in container["args"]


@pytest.mark.parametrize(
    "command, message",
    [
        ("rollback {}/nobody", "`folder` must hold versions.*nobody with none"),
        ("rollback {}/m --to 9", "`to` must be an older version.*1, 2. Received: to=9"),
        ("rollback {}/m --restore 9", "must be a withdrawn version.*Received"),
        ("rollback {}/n", "`to` must be an older version.*no older version"),
        ("serve-config {}/nobody", "`folder` must hold exported models.*Received"),
        ("serve-config {} --label x:a=1", "Accepted: m, n. Received: 'x'"),
        ("serve-config {} --label m:a=9", "Accepted: 1, 2, 3. Received: a=9"),
        (
            "warmup {}/m --texts nobody",
            "`--texts` must be a readable file.*Received: nobody",
        ),
        ("predict --server localhost:port a", "`server` must read HOST:PORT"),
        ("predict --server localhost:1 --timeout 0 a", "`timeout` must be a number"),
    ],
)
def test_input_of_no_use(zoo, models, command, message):
    code, said = zoo(*command.format(models).split())
    assert code == 2 and re.search(message, said)


@pytest.mark.parametrize(
    "option", ["--keep 0", "--keep x", "--abstain 1", "--abstain x"]
)
def test_options_of_no_use(zoo, capsys, option):
    with pytest.raises(SystemExit):
        zoo("export", "runs/x", *option.split())
    assert f"Received: {option.split()[1]}" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(zoo, models):
    (models / "compose.yaml").mkdir()  # root may write anywhere else
    code, said = zoo("serve-config", models)
    assert code == 2 and "`folder` must be a writable folder" in said


def test_lines_of_any_bytes_are_asked(zoo, server, monkeypatch):
    lines = io.TextIOWrapper(io.BytesIO(b"good\r\n\xff bad\n\nlast"), "ascii")
    monkeypatch.setattr("sys.stdin", lines)
    code, said = zoo("predict", "--server", server.address)
    texts = ["good", "\ufffd bad", "", "last"]
    answers = [json.loads(line) for line in said.splitlines()]
    assert code == 0 and [answer["text"] for answer in answers] == texts
    assert [answer["answers"]["label"] for answer in answers] == texts


def test_no_line_no_answer(zoo, server, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    assert zoo("predict", "--server", server.address) == (0, "")
    assert not server.requests


def test_an_error_later_on_keeps_the_answers_before(zoo, server):
    server.script = [200, 400]
    texts = [f"text {number}" for number in range(70)]
    code, said = zoo("predict", "--server", server.address, *texts)
    *answers, problem = said.splitlines()
    assert code == 2 and len(answers) == 64
    said = "Texts answered before the error: 64."
    assert "problem 400" in problem and said in problem


def test_the_deadline_of_a_command(zoo, server):
    server.script = [200, "hang"]
    texts = ["a"] * 65
    code, said = zoo("predict", "--server", server.address, "--timeout", 0.2, *texts)
    assert code == 2 and "within 0.2 s" in said and "before the error: 64" in said
