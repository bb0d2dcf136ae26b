"""Which compiled module an array's operations run in, chosen by where the array is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    if all(type(array) is np.ndarray or array is None for array in arrays.values()):
        return _CPU  # nearly always
    on_cuda: tuple[str, object] | None = None
    on_cpu: str | None = None
    for name, array in _named(arrays):
        if type(array) is np.ndarray or device_of(array) == "cpu":
            on_cpu = name
        else:
            on_cuda = name, array
    if on_cuda is None:
        return _CPU
    name, array = on_cuda
    where = f"{function}: {name} is on cuda"
    got = f"Got {type(array).__name__}."
    if on_cpu is not None:
        raise TypeError(f"{where}, {on_cpu} on the cpu; a call needs all on one device. {got}")
    if not _core.build_info()["cuda"]:
        raise TypeError(f"{where}, but {_built_without_cuda()} {got}")
    from striate import _cuda

    if not hasattr(_cuda, function):
        raise TypeError(f"{where}, where this version has no kernel for {function}. {got}")
    return cuda_kernels()


def _named(arrays: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, array in arrays.items():
        if isinstance(array, (list, tuple)):
            yield from _named({f"{name}[{i}]": item for i, item in enumerate(array)})
        elif array is not None:
            yield name, array


def _built_without_cuda() -> str:
    return (
        f"striate was built without CUDA: {_core.build_info()['cuda_reason']}. "
        "Install a CUDA toolkit and build again with STRIATE_CUDA=ON, or pass NumPy arrays."
    )


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
        raise RuntimeError(_built_without_cuda())
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
