"""Saved models of each family as an older version wrote them."""

from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent
SAVED = TESTS / "data" / "before_families"
