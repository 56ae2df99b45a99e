"""What steps free stays with the process: counted in page faults, not in seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

# A thread allocates, fills and frees eight blocks of 4 MiB, a hundred times over.
STEPS = """
import ctypes, resource, sys, threading
from zoo.training.allocator import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p

def steps():
    for _ in range(100):
        blocks = [libc.malloc(4 << 20) for _ in range(8)]
        for block in blocks:
            libc.memset(ctypes.c_void_p(block), 1, 4 << 20)
        for block in blocks:
            libc.free(ctypes.c_void_p(block))

thread = threading.Thread(target=steps)
thread.start()
thread.join()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(how: str) -> int:
    command = [sys.executable, "-c", STEPS, how]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's mallopt")
def test_freed_memory_is_used_again():
    assert faults("kept") < faults("given back") / 4
