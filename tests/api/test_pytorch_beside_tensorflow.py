"""PyTorch and TensorFlow in one process, as stand-ins that note what is imported."""

import subprocess
import sys

import pytest

# As torch does: Triton where it is, and nothing without it.
TORCH = """
try:
    import triton
except ImportError:
    triton = None
"""


@pytest.mark.parametrize("first", ["tensorflow", "json"])
def test_triton_is_not_loaded_after_tensorflow(tmp_path, first):
    for name, text in {"torch": TORCH, "tensorflow": "", "triton": ""}.items():
        (tmp_path / f"{name}.py").write_text(text)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import {first}\n"
        "from zoo.api.teachers.pytorch import import_torch\n"
        "print(import_torch().triton is None)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.split() == [str(first == "tensorflow")], run.stderr
