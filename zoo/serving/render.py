"""Fills in the templates in the folder `templates`. Loads no TensorFlow."""

from __future__ import annotations

from importlib.resources import files
from string import Template


def render(name: str, **values: object) -> str:
    """Returns the text of a template with a value in place of each `$name`.

    Args:
        name: name of a file in `zoo/serving/templates`.
        values: values by name; texts for YAML files come from `yaml_string`.

    Raises:
        KeyError: if a name in the template has no value.

    Example:
        >>> print(render("batching_parameters.txt", threads=4).splitlines()[-1])
        num_batch_threads { value: 4 }
    """
    place = files("zoo.serving").joinpath("templates", name)
    return Template(place.read_text("utf-8")).substitute(values)


def yaml_string(text: str) -> str:
    """Returns a text as a double-quoted YAML scalar (1.2, sections 5.7 and 7.3.1).

    Example:
        >>> print(yaml_string('a: "b" # c'))
        "a: \\"b\\" # c"
    """
    return f'"{"".join(map(_yaml_character, text))}"'


def _yaml_character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
