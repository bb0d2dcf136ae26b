"""Which compiled module an array's operations run in, chosen by where the array is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from striate import _core

if TYPE_CHECKING:
    from striate._core import Kernels

_CPU = cast("Kernels", _core)


def select(function: str, /, **arrays: object) -> Kernels:
    """Return the module that computes `function` for these arguments.

    NumPy arrays, and everything that is no array at all (which the compiled code then refuses by
    name), go to the CPU.
    """
    for name, array in arrays.items():
        if type(array) is np.ndarray or array is None:
            continue
        if isinstance(array, (list, tuple)):
            for i, item in enumerate(array):
                select(function, **{f"{name}[{i}]": item})
            continue
        device = device_of(array)
        if device != "cpu":
            raise TypeError(
                f"{function}: {name} is on {device}, and this build of striate has no CUDA "
                f"kernels ({_core.build_info()['cuda_reason']}). Got {type(array).__name__}."
            )
    return _CPU


def device_of(array: object) -> str:
    """Name the device that `array` is on: "cpu", or "cuda" for what other libraries hold there."""
    if isinstance(array, np.ndarray):
        return "cpu"
    if hasattr(array, "__cuda_array_interface__"):
        return "cuda"
    probe = getattr(array, "__dlpack_device__", None)
    if probe is not None:
        kind, _ = probe()
        # DLPack numbers CUDA's device memory 2 and its managed memory 13.
        return "cuda" if kind in (2, 13) else "cpu"
    return "cpu"
