"""Fast layers for NumPy arrays: convolutional networks with C++ kernels.

The submodules are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from striate import _threadpoolctl
from striate._settings import (
    build_info,
    empty_cache,
    get_max_workspace,
    get_num_threads,
    get_precision,
    memory_stats,
    set_max_workspace,
    set_num_threads,
    set_precision,
    synchronize,
    verify,
)

if TYPE_CHECKING:
    from types import ModuleType

    from striate import data, init, io, losses, nn, ops, optim, prune, reference, train
    from striate._explain import explain

__version__: str = build_info()["version"]

_threadpoolctl.register()

_SUBMODULES = ("data", "init", "io", "losses", "nn", "ops", "optim", "prune", "reference", "train")

__all__ = [
    "__version__",
    "build_info",
    "data",
    "empty_cache",
    "explain",
    "get_max_workspace",
    "get_num_threads",
    "get_precision",
    "init",
    "io",
    "losses",
    "memory_stats",
    "nn",
    "ops",
    "optim",
    "prune",
    "reference",
    "set_max_workspace",
    "set_num_threads",
    "set_precision",
    "synchronize",
    "train",
    "verify",
]

if not TYPE_CHECKING:  # a type checker would take every unknown name for a module

    def __getattr__(name: str) -> ModuleType:
        if name in _SUBMODULES:
            from importlib import import_module

            return import_module(f"striate.{name}")
        if name == "explain":  # its module takes longer to import than all the others here
            from striate._explain import explain

            globals()[name] = explain
            return explain
        raise AttributeError(f"module 'striate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
