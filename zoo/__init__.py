"""Small, fast text models for Keras: `zoo.get("bilstm_mt")`.

Public names load on first use, so that `import zoo` loads no TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from zoo import _lazy

if TYPE_CHECKING:
    from zoo import edge as edge
    from zoo import layers as layers
    from zoo import models as models
    from zoo import tuning as tuning
    from zoo import weights as weights
    from zoo.api.distillation import distill as distill
    from zoo.api.evaluation import evaluate as evaluate
    from zoo.api.exporting import export as export
    from zoo.api.reading import read as read
    from zoo.api.searching import tune as tune
    from zoo.api.training import train as train
    from zoo.families.catalogue import describe as describe
    from zoo.families.classification.model import TextModel as TextModel
    from zoo.families.encoding.model import EncodingModel as EncodingModel
    from zoo.families.language.model import LanguageModel as LanguageModel
    from zoo.families.tagging.model import TaggingModel as TaggingModel
    from zoo.families.tagging.pipeline import TaggingPipeline as TaggingPipeline
    from zoo.families.translation.model import TranslationModel as TranslationModel
    from zoo.families.translation.pipeline import (
        TranslationPipeline as TranslationPipeline,
    )
    from zoo.loading import load as load
    from zoo.models._registry import list_models as list_models
    from zoo.models._registry import register as register
    from zoo.models.starting import get as get
    from zoo.tasks import Task as Task
    from zoo.text import TextPipeline as TextPipeline

    list = list_models

__version__ = "0.1.0"

_PUBLIC = {
    "get": ("zoo.models.starting", "get"),
    "list_models": ("zoo.models._registry", "list_models"),
    "list": ("zoo.models._registry", "list_models"),
    "describe": ("zoo.families.catalogue", "describe"),
    "register": ("zoo.models._registry", "register"),
    "Task": ("zoo.tasks", "Task"),
    "TextPipeline": ("zoo.text", "TextPipeline"),
    "TextModel": ("zoo.families.classification.model", "TextModel"),
    "EncodingModel": ("zoo.families.encoding.model", "EncodingModel"),
    "LanguageModel": ("zoo.families.language.model", "LanguageModel"),
    "TaggingModel": ("zoo.families.tagging.model", "TaggingModel"),
    "TaggingPipeline": ("zoo.families.tagging.pipeline", "TaggingPipeline"),
    "TranslationModel": ("zoo.families.translation.model", "TranslationModel"),
    "TranslationPipeline": ("zoo.families.translation.pipeline", "TranslationPipeline"),
    "load": ("zoo.loading", "load"),
    "read": ("zoo.api.reading", "read"),
    "train": ("zoo.api.training", "train"),
    "distill": ("zoo.api.distillation", "distill"),
    "evaluate": ("zoo.api.evaluation", "evaluate"),
    "tune": ("zoo.api.searching", "tune"),
    "export": ("zoo.api.exporting", "export"),
    "edge": ("zoo.edge", None),
    "layers": ("zoo.layers", None),
    "tuning": ("zoo.tuning", None),
    "models": ("zoo.models", None),
    "weights": ("zoo.weights", None),
}

__all__ = ["__version__", *_PUBLIC]

if not TYPE_CHECKING:  # else every name would do for a type checker

    def __getattr__(name: str):
        if name not in _PUBLIC:
            raise AttributeError(f"module 'zoo' has no attribute {name!r}")
        module, attribute = _PUBLIC[name]
        loaded = importlib.import_module(module)
        return loaded if attribute is None else getattr(loaded, attribute)


def __dir__():
    return sorted(__all__)


_lazy.register()
