"""Checks of arguments that several layers share."""

from __future__ import annotations


def check_size(name: str, value, least: int = 1) -> int:
    """Returns a positive integer argument, or raises a `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(
            f"`{name}` must be an integer of at least {least}. "
            f"Received: {name}={value!r}."
        )
    return value


def check_rate(name: str, rate: float) -> None:
    """Raises unless a dropout rate is at least 0 and below 1."""
    if not 0 <= rate < 1:
        raise ValueError(
            f"`{name}` must be at least 0 and below 1. Received: {name}={rate!r}."
        )
