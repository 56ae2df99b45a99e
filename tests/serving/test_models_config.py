"""`models.config` as users write it, and what `zoo serve-config` leaves in it."""

from __future__ import annotations

import sys

import pytest

from zoo.cli import main
from zoo.serving.deploy import write_serve_config
from zoo.serving.models_config import (
    configured_labels,
    configured_versions,
    model_server_config,
    models_config,
)
from zoo.serving.versions import prune, rollback, versions

ODD = r"""
# config { name: "m" model_version_policy { specific { versions: 9 } } }
model_config_list: <
  config {
    name: 'o' base_path: "/models/o}"; model_platform: 'ten' "sorflow"
    model_version_policy { specific { versions: 8 } }
  },
  config: {
    name: "\155"  # that is m }
    base_path: "/mnt/{versions: 7}/#m"
    model_type: TENSORFLOW
    model_version_policy: < specific: < versions: [1, 0x2] versions: 3 > >
    version_labels { key: "a}b" value: 1 }
    version_labels: < value: 3, key: 'stable' >
    logging_config {
      log_collector_config { type: "f" filename_prefix: "/logs/m" }
      sampling_config {
        sampling_rate: 0.5
        per_task_sampling_configs { dc: "x" task_index: 0 sampling_rate: 1 }
      }
      custom_logging_config { type_url: "type.googleapis.com/x.Y" value: "\n\001z" }
    }
  }
>
"""


@pytest.fixture
def models(tmp_path):
    """A folder of the versions `m` 1, 2 and 3, with the odd file beside them."""
    for number in (1, 2, 3):
        (tmp_path / "m" / str(number)).mkdir(parents=True)
    (tmp_path / "models.config").write_text(ODD)
    return tmp_path


def parsed(folder):
    text_format = pytest.importorskip("google.protobuf.text_format")
    config = model_server_config()()
    text_format.Parse((folder / "models.config").read_text("utf-8"), config)
    return {entry.name: entry for entry in config.model_config_list.config}


def test_what_users_write_is_read(models):
    assert configured_versions(models / "m") == [1, 2, 3]
    assert list(configured_labels(models / "m").items()) == [("a}b", 1), ("stable", 3)]
    assert configured_versions(models / "o") == [8]
    assert configured_labels(models / "o") == {}
    assert configured_versions(models / "n") == []
    assert configured_versions(models / "nowhere" / "m") == []
    assert configured_versions(models / "models.config" / "m") == []
    assert prune(models / "m", 1) == [] and versions(models / "m") == [1, 2, 3]


def test_what_users_write_is_kept(models):
    before = parsed(models)
    write_serve_config(models, labels={"m": {"canary": 2}})
    after = parsed(models)
    assert list(after) == ["m", "o"]  # o lies elsewhere: it is none of ours
    assert after["o"] == before["o"]
    assert list(after["m"].model_version_policy.specific.versions) == [1, 2, 3]
    assert dict(after["m"].version_labels) == {"canary": 2}
    for field in ("model_version_policy", "version_labels"):
        before["m"].ClearField(field)
        after["m"].ClearField(field)
    assert after["m"] == before["m"]
    assert after["m"].logging_config.custom_logging_config.value == b"\n\x01z"
    assert not after["m"].model_platform, "a server takes it or the type"
    text = (models / "models.config").read_text("utf-8")
    assert "that is m" not in text and "no comments" in text.splitlines()[0]


def test_another_policy_gives_way_to_versions_with_labels(models):
    text = 'config { name: "m" model_version_policy { latest { num_versions: 2 } } }'
    (models / "models.config").write_text(f"model_config_list {{ {text} }}")
    assert configured_versions(models / "m") == []
    write_serve_config(models)
    assert configured_versions(models / "m") == [3]
    assert parsed(models)["m"].base_path == "/models/m"
    assert parsed(models)["m"].model_platform == "tensorflow"


def test_a_model_that_is_gone_leaves_the_file(models):
    (models / "models.config").write_text(
        models_config({"m": {"a": 1}, "gone": {"a": 1}}, {"m": [1], "gone": [1]})
    )
    write_serve_config(models)
    assert list(parsed(models)) == ["m"]


def test_names_of_any_characters(models):
    for name in ('q"\\', "\u4e2d}", "#"):
        (models / name / "1").mkdir(parents=True)
    write_serve_config(models)
    assert "\u4e2d}" in (models / "models.config").read_text("utf-8")
    for name in ('q"\\', "\u4e2d}", "#"):
        assert configured_labels(models / name) == {"stable": 1}


NEWER = 'model_config_list { config { name: "m" speed { factor: 2 } } }'
CUSTOM = 'custom_model_config { type_url: "type.googleapis.com/x.Y" value: "z" }'


@pytest.mark.parametrize(
    "text, message",
    [
        (NEWER, 'models.config: 1:40 : .*"speed"'),
        (CUSTOM, "hold a model_config_list.*with a custom_model_config"),
        ("custom_model_config { [x.com/x.Y] { a: 1 } }", "x.Y not found"),
        ("model_config_list {} model_config_list {}", "should not have multiple"),
        ('model_config_list { config { name: "m }', "models.config: 1:"),
        ("\n\nmodel_config_list { config }", "models.config: 3:"),
        (b'model_config_list { config { name: "\xff" } }', "decode byte 0xff"),
    ],
)
def test_a_file_that_would_be_damaged_stays(models, capsys, text, message):
    content = text if isinstance(text, bytes) else text.encode()
    (models / "models.config").write_bytes(content)
    with pytest.raises(ValueError, match=f"`models.config` must .*{message}"):
        write_serve_config(models)
    assert main(["serve-config", str(models)]) == 2
    assert "`models.config` must" in capsys.readouterr().err
    assert (models / "models.config").read_bytes() == content
    assert not (models / "compose.yaml").exists()


def test_reading_takes_fields_of_newer_servers(models):
    text = NEWER.replace("speed", "model_version_policy { specific { versions: 2 } } y")
    (models / "models.config").write_text(text)
    assert configured_versions(models / "m") == [2]
    (models / "models.config").write_text(CUSTOM)
    assert configured_versions(models / "m") == []


def test_nothing_goes_while_the_file_cannot_be_read(models):
    (models / "models.config").write_text("model_config_list {")
    for change in (lambda: prune(models / "m", 1), lambda: rollback(models / "m")):
        with pytest.raises(ValueError, match="`models.config` must be"):
            change()
    assert versions(models / "m") == [1, 2, 3]


def test_the_message_is_all_of_tensorflow_servings():
    """Every field, number, kind and default name, however deep."""
    configs = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")

    def described(message, seen):
        if message.full_name not in seen:
            seen[message.full_name] = [
                (
                    field.name,
                    field.number,
                    field.type,
                    field.is_repeated,
                    field.has_presence,
                    field.containing_oneof and field.containing_oneof.name,
                    field.message_type and field.message_type.full_name,
                    field.enum_type
                    and [
                        (value.name, value.number) for value in field.enum_type.values
                    ],
                )
                for field in sorted(message.fields, key=lambda field: field.number)
            ]
            for field in message.fields:
                if field.message_type:
                    described(field.message_type, seen)
        return seen

    ours = described(model_server_config().DESCRIPTOR, {})
    assert ours == described(configs.ModelServerConfig.DESCRIPTOR, {})
    assert len(ours) == 13


def test_no_tensorflow_is_loaded_for_it():
    import subprocess

    code = (
        "import sys; from zoo.serving.deploy import models_config;"
        "models_config({'m': {'a': 1}}, {'m': [1]});"
        "print([m for m in ('tensorflow', 'numpy', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
