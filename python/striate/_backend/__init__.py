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
            kernels = select(function, **{f"{name}[{i}]": item for i, item in enumerate(array)})
            if kernels is not _CPU:
                return kernels
        elif device_of(array) == "cuda":
            kernels = cuda_kernels()
            if not hasattr(kernels, function):
                raise TypeError(
                    f"{function}: this version of striate has no CUDA kernel for it. "
                    f"Got {name} on a CUDA device ({type(array).__name__})."
                )
            return kernels
    return _CPU


def device_of(array: object) -> str:
    """Name the device that `array` is on: "cpu", or "cuda" for what other libraries hold there."""
    if isinstance(array, np.ndarray):
        return "cpu"
    if hasattr(type(array), "__cuda_array_interface__"):
        # PyTorch's tensors all have the attribute, those on the CPU only raise when it is read.
        return "cuda" if getattr(array, "is_cuda", True) else "cpu"
    probe = getattr(array, "__dlpack_device__", None)
    if probe is not None:
        kind, _ = probe()
        # DLPack numbers CUDA's device memory 2 and its managed memory 13.
        return "cuda" if kind in (2, 13) else "cpu"
    return "cpu"


def cuda_kernels() -> Kernels:
    """Return the CUDA module, loaded now; a RuntimeError says what is missing and what to do."""
    if not _core.build_info()["cuda"]:
        raise RuntimeError(
            f"striate was built without CUDA: {_core.build_info()['cuda_reason']}. "
            "Install a CUDA toolkit and build again with STRIATE_CUDA=ON, or pass NumPy arrays."
        )
    from striate import _cuda

    _cuda.require_device()
    return cast("Kernels", _cuda)


def cuda_problem() -> str | None:
    """Say why CUDA cannot be used here, or None where it can."""
    try:
        cuda_kernels()
    except RuntimeError as error:
        return str(error)
    return None
