"""The families of models, by name; see `zoo.families.base.Family`.

Importing this package registers the families of the zoo, and loads no TensorFlow.
"""

from __future__ import annotations

from zoo.families._registry import (
    families,
    family_of,
    get_family,
    register_family,
)
from zoo.families.base import Family
from zoo.families.classification.family import Classification
from zoo.families.encoding.family import Encoding
from zoo.families.language.family import LanguageModeling
from zoo.families.tagging.family import Tagging
from zoo.families.translation.family import Translation

__all__ = ["Family", "families", "family_of", "get_family", "register_family"]

for _family in (
    Classification(),
    LanguageModeling(),
    Tagging(),
    Translation(),
    Encoding(),
):
    register_family(_family)
