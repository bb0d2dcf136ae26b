"""Threads, memory, and what this build is."""

from __future__ import annotations

from typing import Any

from striate import _core


def set_num_threads(threads: int) -> None:
    """Compute with at most this many threads from now on; the results keep their bits.

    The default is the number of processors that this process may use (its affinity mask, and the
    quota of its control groups); the environment variable STRIATE_NUM_THREADS overrides it.

    Raises:
        ValueError: threads is not in [1, 1024].
        TypeError: threads is no int.
    """
    _core.set_num_threads(threads)


def get_num_threads() -> int:
    """Return how many threads a kernel may use."""
    return _core.get_num_threads()


def build_info() -> dict[str, Any]:
    """Describe this build.

    Returns:
        A dict with `version`, `compiler`, `build_type`, `isas` (the instruction sets that this
        build has and this processor runs, best first), `cuda` and `cuda_reason`.
    """
    return _core.build_info()


def memory_stats() -> dict[str, int]:
    """Tell what the pool of buffers, which holds all results and scratch, is doing.

    Returns:
        A dict with `in_use_bytes` (handed out), `cached_bytes` (kept for reuse), `peak_bytes` (the
        highest in_use_bytes so far), `limit_bytes` (which cached_bytes never exceeds; a quarter of
        the machine's memory unless STRIATE_POOL_MB says otherwise), `system_allocations` and
        `reuses` (how often a buffer came from the system, and from the pool).
    """
    return _core.memory_stats()


def empty_cache() -> None:
    """Give the memory that is kept for reuse back to the system."""
    _core.empty_cache()


def verify() -> bool:
    """Check every kernel against `striate.reference` on this machine, and print a table.

    Returns:
        Whether all of them agree.
    """
    from striate import _verify

    return _verify.run()
