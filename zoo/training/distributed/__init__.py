"""Training on several devices and in several processes, on JAX."""

from __future__ import annotations
