"""Threads, memory, and what this build is."""

from __future__ import annotations

from typing import Any

from striate import _backend, _core
from striate._typing import Precision


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


def set_precision(precision: Precision) -> None:
    """Choose between the fastest algorithms and direct sums, from now on and for every thread.

    "fast", the default, lets a float32 convolution use a transform (Winograd's) where that is
    faster; its error is larger, though still of the order of float32's rounding. On CUDA it lets
    convolutions and linear layers round their float32 factors to TF32 (ten bits of fraction), which
    tensor cores multiply; sums stay in float32. "exact" computes every output as one sum of the
    products that define it. float64 is always computed so.

    Raises:
        ValueError: precision is neither "fast" nor "exact".
        TypeError: precision is no str.

    Example:
        >>> import striate
        >>> striate.set_precision("exact")
        >>> striate.get_precision()
        'exact'
        >>> striate.set_precision("fast")
    """
    _core.set_precision(precision)
    _backend.share_options()


def get_precision() -> Precision:
    """Return "fast" or "exact"; see `set_precision`."""
    return _core.get_precision()


def set_max_workspace(bytes: int | None) -> None:
    """Bound what one call may take beside its arguments and its result, from now on.

    A convolution whose fastest algorithm needs a larger workspace that its threads share (packed or
    transformed weights, mostly) uses one that needs less; some algorithm needs none. Results may
    differ in their last bits. The scratch of each thread, which is bounded by itself, does not
    count. `striate.explain` tells both for a call.

    Args:
        bytes: The bound; None, the default, sets none.

    Raises:
        ValueError: bytes is negative.
        TypeError: bytes is neither None nor an int.

    Example:
        >>> import striate
        >>> striate.set_max_workspace(64 * 2**20)
        >>> striate.get_max_workspace()
        67108864
        >>> striate.set_max_workspace(None)
    """
    _core.set_max_workspace(bytes)
    _backend.share_options()


def get_max_workspace() -> int | None:
    """Return the bound in bytes, or None; see `set_max_workspace`."""
    return _core.get_max_workspace()


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


def synchronize() -> None:
    """Wait until the CUDA work of this thread's latest operation is done; without any, do nothing.

    Raises:
        ValueError: a kernel has found a wrong value, such as a label that is no class.
        RuntimeError: the device has reported an error.
    """
    from striate import _backend

    _backend.synchronize()


def verify() -> bool:
    """Check every kernel against `striate.reference` on this machine, and print a table.

    Returns:
        Whether all of them agree.
    """
    from striate import _verify

    return _verify.run()
