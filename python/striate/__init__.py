"""Fast layers for NumPy arrays: convolutional networks with C++ kernels."""

from __future__ import annotations

from striate import _core

__version__ = _core.build_info()["version"]
