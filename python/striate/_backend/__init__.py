"""Which compiled module an array's operations run in, chosen by where the array is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from striate import _core

from . import _libraries

if TYPE_CHECKING:
    from striate._core import Kernels

_CPU = cast("Kernels", _core)
_loaded: dict[str, Any] = {}  # the CUDA module, once it has found a device


def select(function: str, /, **arrays: object) -> Kernels:
    """Return the module that computes `function` for these arguments.

    NumPy arrays, and everything that is no array at all (which the compiled code then refuses by
    name), go to the CPU. The CUDA module is told whose stream and allocator the coming call uses.
    """
    if all(type(array) is np.ndarray or array is None for array in arrays.values()):
        return _CPU  # nearly always
    on_cuda: list[tuple[str, object]] = []
    on_cpu: str | None = None
    for name, array in _named(arrays):
        if type(array) is np.ndarray or device_of(array) == "cpu":
            on_cpu = name
        else:
            on_cuda.append((name, array))
    if not on_cuda:
        return _CPU
    name, array = on_cuda[0]
    where = f"{function}: {name} is on cuda"
    got = f"Got {type(array).__name__}."
    if on_cpu is not None:
        raise TypeError(f"{where}, {on_cpu} on the cpu; a call needs all on one device. {got}")
    if not _loaded and not _core.build_info()["cuda"]:
        raise TypeError(f"{where}, but {_built_without_cuda()} {got}")
    module = cuda_kernels()
    if not hasattr(module, function):
        raise TypeError(f"{where}, where this version has no kernel for {function}. {got}")
    library, device = _together(function, on_cuda)
    cast("Any", module).use(library, device, library.stream(device))
    return module


def _named(arrays: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, array in arrays.items():
        if isinstance(array, (list, tuple)):
            yield from _named({f"{name}[{i}]": item for i, item in enumerate(array)})
        elif array is not None:
            yield name, array


def _together(function: str, on_cuda: list[tuple[str, object]]) -> tuple[_libraries.Library, int]:
    """Return the library and the device that all these arrays share."""
    name, first = on_cuda[0]
    library = _libraries.library_of(first)
    device = library.device(first)
    for other, array in on_cuda[1:]:
        its = _libraries.library_of(array)
        if its is not library:
            raise TypeError(
                f"{function}: {name} is an array of {library.name}, {other} one of {its.name}; "
                "a call needs all of one library."
            )
        number = library.device(array)
        if number != device:
            raise TypeError(
                f"{function}: {name} is on cuda:{device}, {other} on cuda:{number}; "
                "a call needs all on one device."
            )
    return library, device


def _built_without_cuda() -> str:
    return (
        f"striate was built without CUDA: {_core.build_info()['cuda_reason']}. "
        "Install a CUDA toolkit and build again with STRIATE_CUDA=ON, or pass NumPy arrays."
    )


def device_of(array: object) -> str:
    """Name the device that `array` is on: "cpu", or "cuda" for what other libraries hold there."""
    if isinstance(array, np.ndarray):
        return "cpu"
    return "cuda" if _libraries.is_on_cuda(array) else "cpu"


def cuda_kernels() -> Kernels:
    """Return the CUDA module, loaded now; a RuntimeError says what is missing and what to do."""
    module = _cuda_module()
    if not _loaded:
        module.require_device()
        _loaded["cuda"] = module
        _share_options(module)
    return cast("Kernels", module)


def cuda_planner() -> Any:
    """Return the CUDA module for `explain`, which plans without a device as well."""
    module = _cuda_module()
    _share_options(module)
    return module


def _cuda_module() -> Any:
    if _loaded:
        return _loaded["cuda"]
    if not _core.build_info()["cuda"]:
        raise RuntimeError(_built_without_cuda())
    from striate import _cuda

    return _cuda


def share_options() -> None:
    """Hand `set_precision` and `set_max_workspace` on to the CUDA module, if it is loaded."""
    for module in _loaded.values():
        _share_options(module)


def _share_options(module: Any) -> None:
    module.set_precision(_core.get_precision())
    module.set_max_workspace(_core.get_max_workspace())


def cuda_problem() -> str | None:
    """Say why CUDA cannot be used here, or None where it can, on some device."""
    try:
        cast("Any", cuda_kernels()).require_code()
    except RuntimeError as error:
        return str(error)
    return None


def synchronize() -> None:
    """Wait for the latest call's stream, and raise what kernels have found."""
    if _loaded:
        _loaded["cuda"].synchronize()


def check_device(function: str, device: str) -> None:
    """Refuse what is no device, and "cuda" where that cannot be used, with what to do about it."""
    kind, colon, number = device.partition(":")
    if device != "cpu" and (kind != "cuda" or (colon and not number.isdecimal())):
        raise ValueError(
            f"{function}: device must be 'cpu', 'cuda' or 'cuda:N'. Got device={device!r}."
        )
    if kind == "cuda":
        cuda_kernels()
        _libraries.library("cupy")


def move(array: Any, device: str) -> Any:
    """Return an array that is on a device, itself if it is there already; on CUDA it is CuPy's."""
    kind, _, number = device.partition(":")
    if kind == "cuda":
        return cast("_libraries.CuPy", _libraries.library("cupy")).put(array, int(number or 0))
    return array if device_of(array) == "cpu" else _libraries.library_of(array).get(array)


def own_copy(array: Any) -> Any:
    """Return a C-contiguous copy of an array on CUDA, made by its library."""
    library = _libraries.library_of(array)
    return library.copy(array)
