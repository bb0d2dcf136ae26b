"""On what the figures were measured."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from . import _torch


def describe() -> dict[str, Any]:
    """Return processor, instruction set, threads and versions."""
    import striate
    from striate import _core

    build, torch = _core.build_info(), _torch.load()
    return {
        "cpu": _cpu_model(),
        "processors": os.cpu_count(),
        "isa": _core.isa(),
        "threads": _core.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "striate": f"{striate.__version__} ({build['compiler']}, {build['build_type']})",
        "torch": None if torch is None else torch.__version__,
        "keeps_freed_memory": "MALLOC_MMAP_THRESHOLD_" in os.environ,
    }


def set_threads(threads: int | None) -> None:
    """Give every side the same number of threads: by default what striate would take."""
    from striate import _core

    if threads is not None:
        _core.set_num_threads(threads)
    threads = _core.get_num_threads()
    torch = _torch.load()
    if torch is not None:
        torch.set_num_threads(threads)
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return  # NumPy's BLAS then takes all processors, as it does by default
    threadpool_limits(threads, user_api="blas")


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
