"""What the tests of serving share: a scripted server, a tiny model and its export."""

from __future__ import annotations

import keras
import pytest
from scripted_server import pauses, server  # noqa: F401

if keras.backend.backend() == "tensorflow":
    pytest.importorskip("tensorflow_text")
    from tiny_export import model, pipeline, published, unchecked  # noqa: F401
