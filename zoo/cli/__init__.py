"""The command line."""

from __future__ import annotations

from zoo.cli.app import main

__all__ = ["main"]
