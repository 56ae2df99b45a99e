"""Searches settings and architecture: `zoo tune`, and `zoo.tuning.search` in Python.

A search is a folder of trials. keras-tuner's oracles choose what to try; each trial
trains a model, optionally in its own process, and continues after a kill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo._lazy import renamed
from zoo.models._search_space import Choice, Float, Int
from zoo.tuning.searching import SearchResult, search

__all__ = ["Choice", "Float", "Int", "SearchResult", "search"]

if not TYPE_CHECKING:
    __getattr__ = renamed(__name__, {"Found": "SearchResult"})
