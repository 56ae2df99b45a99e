"""Writes the ops that the oldest supported server links: zoo/serving/server_ops.txt.

Run in the environment of the parity tests, whose TensorFlow is that of the server:

    python tests/parity/server_ops.py zoo/serving/server_ops.txt

The server links all of TensorFlow's core ops and kernels (`core:tensorflow` in
`tensorflow_serving/model_servers/BUILD`) and `ops_lib` of tensorflow-text
(`SUPPORTED_TENSORFLOW_OPS` there). The version of the latter stands in `workspace.bzl`:
2.12.1 up to the server 2.19; its ops were read from that version's wheel, and are kept.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

CORE = "# core: tensorflow "
TEXT = "# text: tensorflow-text "


def core_ops() -> list[str]:
    """Names of the public ops that a server without an accelerator can run."""
    from tensorflow.python.framework import kernels, op_def_registry

    with_kernel = {
        kernel.op
        for kernel in kernels.get_all_registered_kernels().kernel
        if kernel.device_type in ("CPU", "DEFAULT")
    }
    return sorted(op for op in with_kernel if op_def_registry.get(op) is not None)


def main(path: Path) -> None:
    import tensorflow as tf

    _, _, text = path.read_text("utf-8").partition(TEXT)
    lines = [
        "# The ops that TF Serving links, for zoo/serving/check.py. Written by",
        "# tests/parity/server_ops.py, which says where they come from.",
        f"{CORE}{tf.__version__}, with a CPU kernel",
        *textwrap.wrap(" ".join(core_ops()), 88, break_on_hyphens=False),
    ]
    path.write_text("\n".join([*lines, TEXT + text]), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
