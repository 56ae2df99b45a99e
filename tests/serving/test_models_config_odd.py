"""`models.config` of editors on Windows, with one name twice, and its order."""

from __future__ import annotations

import pytest

from zoo.serving.deploy import write_serve_config
from zoo.serving.models_config import (
    configured_labels,
    configured_versions,
    model_server_config,
    models_config,
)


@pytest.fixture
def models(tmp_path):
    for number in (1, 2):
        (tmp_path / "m" / str(number)).mkdir(parents=True)
    return tmp_path


def entries(text):
    from google.protobuf import text_format

    config = text_format.Parse(text, model_server_config()())
    return list(config.model_config_list.config)


def entry(name, base, numbers, more=""):
    versions = " ".join(f"versions: {number}" for number in numbers)
    return (
        f'config {{ name: "{name}" base_path: "{base}"\n'
        f"model_version_policy {{ specific {{ {versions} }} }}\n{more} }}\n"
    )


LABELLED = entry("m", "/m", [1], 'version_labels { key: "old" value: 1 }')


def test_line_ends_of_windows(models):
    other = entry("o", "/else/o", [4])
    text = f"# caf\u00e9\nmodel_config_list {{\n{LABELLED}{other}}}\n"
    path = models / "models.config"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    assert configured_versions(models / "m") == [1]
    write_serve_config(models)
    assert configured_versions(models / "m") == [1, 2], "the labelled one stays loaded"
    assert configured_labels(models / "m") == {"stable": 2}
    found = entries(path.read_text("utf-8"))
    assert [one.base_path for one in found] == ["/m", "/else/o"]


def test_a_byte_order_mark_is_refused_as_a_server_does(models):
    """To protobuf's C++ parser of texts it is a symbol; that of .proto skips it."""
    path = models / "models.config"
    content = b"\xef\xbb\xbf" + f"model_config_list {{ {LABELLED} }}".encode()
    path.write_bytes(content)
    for read in (configured_versions, configured_labels):
        with pytest.raises(ValueError, match="as TF Serving reads it.*config: 1:1 :"):
            read(models / "m")
    with pytest.raises(ValueError, match="as TF Serving reads it.*config: 1:1 :"):
        write_serve_config(models)
    assert path.read_bytes() == content


def test_a_model_that_stands_there_twice(models):
    """All its versions count; it is written once, with the fields of the first."""
    first = entry("m", "/first", [1], 'version_labels { key: "a" value: 1 }')
    second = entry("m", "/second", [2], 'version_labels { key: "b" value: 2 }')
    path = models / "models.config"
    path.write_text(f"model_config_list {{ {first}{second} }}")
    assert configured_versions(models / "m") == [1, 2]
    assert configured_labels(models / "m") == {"a": 1, "b": 2}
    [found] = entries(models_config({"m": {"s": 2}}, {"m": [2, 1]}, path))
    assert found.base_path == "/first" and dict(found.version_labels) == {"s": 2}
    assert list(found.model_version_policy.specific.versions) == [1, 2]


def test_a_base_path_with_a_slash_behind_it_is_ours(models):
    text = entry("gone", "/models/gone/", [1]) + entry("o", "/models/other", [1])
    path = models / "models.config"
    path.write_text(f"model_config_list {{ {text} }}")
    assert [one.name for one in entries(models_config({}, {}, path))] == ["o"]


def test_labels_come_from_the_oldest_version_on(models):
    labels = {"z": 1, "stable": 10, "canary": 9, "a": 10}
    path = models / "models.config"
    path.write_text(models_config({"m": labels}, {"m": [9, 10, 1]}), "utf-8")
    expected = [("z", 1), ("canary", 9), ("a", 10), ("stable", 10)]
    assert list(configured_labels(models / "m").items()) == expected
    assert configured_versions(models / "m") == [1, 9, 10]
    again = models_config({"m": labels}, {"m": [9, 10, 1]}, path)
    assert again == path.read_text("utf-8"), "written again it is the same"


def test_an_empty_file_is_a_configuration(models):
    (models / "models.config").write_text("\n# nothing yet\n")
    assert configured_versions(models / "m") == []
    write_serve_config(models)
    assert configured_labels(models / "m") == {"stable": 2}
