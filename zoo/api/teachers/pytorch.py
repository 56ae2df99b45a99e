"""Imports PyTorch beside TensorFlow."""

from __future__ import annotations

import sys

from zoo.families.encoding.extra import need


def import_torch():
    """Returns the module `torch`, for a process that has imported TensorFlow or may.

    Triton, which the wheels of PyTorch for GPUs bring, is not loaded after TensorFlow
    2.20 or later: both carry LLVM, and TensorFlow's symbols are global, so the process
    would end with a segmentation fault (tensorflow/tensorflow#124205). PyTorch needs
    Triton for `torch.compile` alone. A later `import triton` raises an ImportError.

    Raises:
        ImportError: without the extra `transformers`.
    """
    if "tensorflow" in sys.modules:
        sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    return need("torch", "transformers")
