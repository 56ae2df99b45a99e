"""The files that start a server: what values become in them, and that they ship."""

from __future__ import annotations

import configparser
from fnmatch import fnmatch
from pathlib import Path

import pytest

import zoo.serving
from zoo.serving.deploy import write_serve_config
from zoo.serving.render import render, yaml_string

yaml = pytest.importorskip("yaml")

ODD = [
    "tensorflow/serving:2.19.1",
    "null",
    "1e3",
    "",
    " a ",
    "a: b",
    "a #b",
    "- a",
    "{a}",
    "'a\"\\n",
    "line\nline\r\t",
    "\x00\x1b\x7f\x85\xa0\u2028\ufeff",
    "\u4e2d",
    "\U0001f600",
    "$image ${image} $$",
    "%a&b*c!d|e>f`g@h",
]


@pytest.mark.parametrize("text", ODD)
def test_any_text_comes_back_from_yaml(text):
    assert yaml.safe_load(yaml_string(text)) == text
    assert yaml.safe_load(f"{{a: {yaml_string(text)}, b: 1}}") == {"a": text, "b": 1}


@pytest.mark.parametrize("image", ODD)
def test_any_image_in_compose_and_kubernetes(tmp_path, image):
    (tmp_path / "m n" / "1").mkdir(parents=True)
    write_serve_config(tmp_path, image=image)
    compose = yaml.safe_load((tmp_path / "compose.yaml").read_text("utf-8"))
    [(name, service)] = compose["services"].items()
    text = (tmp_path / "kubernetes.yaml").read_text("utf-8")
    deployment, entry = yaml.safe_load_all(text)
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert service["image"] == container["image"] == image
    assert name == container["name"] == entry["metadata"]["name"]
    probe = container["readinessProbe"]["httpGet"]
    assert probe == {"path": "/v1/models/m%20n", "port": "rest"}
    assert service["command"] == container["args"]
    named = [part.partition("=/models/")[2] for part in container["args"]]
    assert [name for name in named if name] == [
        "models.config",
        "batching_parameters.txt",
        "monitoring.config",
    ]


def test_a_name_without_a_value_is_refused():
    with pytest.raises(KeyError, match="threads"):
        render("batching_parameters.txt")


def test_they_are_data_of_the_package():
    folder = Path(zoo.serving.__file__).parent
    config = configparser.ConfigParser()
    config.read(folder.parents[1] / "setup.cfg")
    patterns = config["options.package_data"]["zoo.serving"].split()
    found = [path for path in folder.rglob("*") if path.is_file()]
    data = [
        path.relative_to(folder).as_posix()
        for path in found
        if path.suffix not in (".py", ".pyc")
    ]
    assert "templates/compose.yaml" in data and "protos/prediction_log.pbtxt" in data
    for name in data:
        assert any(fnmatch(name, pattern) for pattern in patterns), name
