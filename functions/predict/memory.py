"""Freed memory stays with the process: the next request takes it again."""

import ctypes

# Numbers and meaning: malloc.h and mallopt(3) of the GNU C library.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 64_000_000  # ten times the largest body
_LARGE_BYTES = 32_000_000  # the most that the library takes


def keep_freed_memory() -> None:
    """Give back to the system only what is free beyond 64 MB, at the top of the heap.

    By default 128 KB are kept, and every body, chunk and batch is a fresh mapping, which costs a
    page fault for each 4 KB: a sixth of the time of a request with one matrix. Where the C library
    is another, nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
