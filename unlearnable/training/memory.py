"""The memory of tensors: kept from one step to the next, and given back after the last.

On Linux the C library asks the system for each tensor above 32 MB anew, and the system clears it: up to a quarter of
the time of a step of a convolutional tower (docs/experiments/performance.md).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TRIM, SEPARATE = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of glibc's mallopt
NEVER = -1
ABOVE, MOST = 64 << 20, 65_536  # unused bytes above which memory is given back, and blocks that are asked for apart


@contextmanager
def kept() -> Iterator[None]:
    """Keep the memory of tensors that are done with for the next ones; nothing happens where there is no glibc."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if libc is None or not hasattr(libc, "mallopt"):
        yield
        return
    libc.mallopt(SEPARATE, 0)
    libc.mallopt(TRIM, NEVER)
    try:
        yield
    finally:
        libc.mallopt(SEPARATE, MOST)
        libc.mallopt(TRIM, ABOVE)
        libc.malloc_trim(0)
