"""PyTorch, where it is installed, and the environment in which it is at its best."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from typing import Any

# Above these thresholds glibc hands freed memory back to the system, and PyTorch pays for fresh
# pages in every call that returns a large array.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592"}


def installed() -> bool:
    """Tell whether PyTorch could be imported."""
    return importlib.util.find_spec("torch") is not None


def keep_freed_memory() -> None:
    """Start this process afresh with malloc told to keep memory, unless the user has set it."""
    if not installed() or not sys.platform.startswith("linux"):
        return
    if any(name in os.environ for name in _MALLOC):
        return
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | _MALLOC)


@functools.cache
def load() -> Any:
    """Import PyTorch, or return None where it is not installed."""
    return importlib.import_module("torch") if installed() else None
