"""Adapters of the libraries that hold arrays on CUDA: where an array lies, streams, allocators.

The compiled module calls them. A library is imported when one of its arrays shows up.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

# Address, shape, strides in bytes (None: C order), NumPy's typestr, and whether it is read-only.
View: TypeAlias = tuple[int, tuple[int, ...], tuple[int, ...] | None, str, bool]


class Library(Protocol):
    """What the CUDA backend asks of the library that a call's arrays belong to."""

    name: str

    def owns(self, array: object) -> bool:
        """Tell whether this is one of the library's arrays on CUDA."""

    def device(self, array: Any) -> int:
        """Return the number of the device that the array is on."""

    def stream(self, device: int) -> int:
        """Return the address of the stream on which the library works now."""

    def view(self, array: Any) -> View:
        """Tell how the array lies in memory."""

    def empty(self, shape: tuple[int, ...], dtype: str, device: int) -> tuple[Any, int]:
        """Return a new C-contiguous array from the library's allocator, and its address."""

    def get(self, array: Any) -> Any:
        """Return a NumPy array with the array's values; this waits for them."""

    def copy(self, array: Any) -> Any:
        """Return a C-contiguous copy."""


class CuPy:
    """CuPy's arrays, and those of other libraries, whose results are CuPy's."""

    name = "CuPy"

    def __init__(self) -> None:
        try:
            self._cupy: Any = importlib.import_module("cupy")
        except ImportError as error:
            raise RuntimeError(
                "arrays on CUDA that are not PyTorch's need CuPy, which is not installed: "
                "pip install 'striate[cuda]'."
            ) from error

    def owns(self, array: object) -> bool:
        return isinstance(array, self._cupy.ndarray) or is_foreign(array)

    def device(self, array: Any) -> int:
        return int(self._native(array).device.id)

    def stream(self, device: int) -> int:
        with self._cupy.cuda.Device(device):
            return int(self._cupy.cuda.get_current_stream().ptr)

    def view(self, array: Any) -> View:
        array = self._native(array)
        strides = None if array.flags.c_contiguous else array.strides
        return array.data.ptr, array.shape, strides, array.dtype.str, False

    def empty(self, shape: tuple[int, ...], dtype: str, device: int) -> tuple[Any, int]:
        with self._cupy.cuda.Device(device):
            array = self._cupy.empty(shape, dtype)
        return array, array.data.ptr

    def get(self, array: Any) -> Any:
        return self._cupy.asnumpy(self._native(array))

    def copy(self, array: Any) -> Any:
        return self._cupy.array(self._native(array), order="C", copy=True)

    def put(self, array: Any, device: int) -> Any:
        """Return a CuPy array on a device with the values of a NumPy or CuPy array."""
        if isinstance(array, self._cupy.ndarray) and array.device.id == device:
            return array
        with self._cupy.cuda.Device(device):
            return self._cupy.asarray(array)

    def _native(self, array: Any) -> Any:
        """See an array of another library, which stays its owner, as CuPy's."""
        if isinstance(array, self._cupy.ndarray):
            return array
        if hasattr(type(array), "__cuda_array_interface__"):
            return self._cupy.asarray(array)
        return self._cupy.from_dlpack(array)


class PyTorch:
    """PyTorch's tensors."""

    name = "PyTorch"

    def __init__(self) -> None:
        self._torch: Any = importlib.import_module("torch")
        torch = self._torch
        self._types = {
            torch.float32: "<f4",
            torch.float64: "<f8",
            torch.int8: "|i1",
            torch.int16: "<i2",
            torch.int32: "<i4",
            torch.int64: "<i8",
            torch.uint8: "|u1",
        }
        self._dtypes = {
            "float32": torch.float32,
            "float64": torch.float64,
            "int32": torch.int32,
            "int64": torch.int64,
        }

    def owns(self, array: object) -> bool:
        return isinstance(array, self._torch.Tensor) and bool(array.is_cuda)

    def device(self, array: Any) -> int:
        return int(array.get_device())

    def stream(self, device: int) -> int:
        return int(self._torch.cuda.current_stream(device).cuda_stream)

    def view(self, array: Any) -> View:
        if array.is_neg():  # a negation that PyTorch has put off
            raise TypeError(
                "a tensor must hold its values: call resolve_neg(). Got one that does not."
            )
        typestr = self._types.get(array.dtype, str(array.dtype))
        strides = None
        if not array.is_contiguous():
            size = array.element_size()
            strides = tuple(step * size for step in array.stride())
        return array.data_ptr(), tuple(array.shape), strides, typestr, False

    def empty(self, shape: tuple[int, ...], dtype: str, device: int) -> tuple[Any, int]:
        torch = self._torch
        array = torch.empty(shape, dtype=self._dtypes[dtype], device=torch.device("cuda", device))
        return array, array.data_ptr()

    def get(self, array: Any) -> Any:
        return array.detach().cpu().numpy()

    def copy(self, array: Any) -> Any:
        return array.detach().clone(memory_format=self._torch.contiguous_format)


_MAKERS: dict[str, Callable[[], Library]] = {"torch": PyTorch, "cupy": CuPy}
_known: dict[str, Library] = {}


def library_of(array: object) -> Library:
    """Return the adapter of an array on CUDA; what is neither PyTorch's nor CuPy's goes to CuPy."""
    root = _root(array)
    return library(root if root in _MAKERS else "cupy")


def library(name: str) -> Library:
    """Return the adapter of a library, which is imported now. It lives as long as the process."""
    found = _known.get(name)
    if found is None:
        found = _known[name] = _MAKERS[name]()
    return found


def register(name: str, make: Callable[[], Library]) -> None:
    """Add the adapter for arrays whose types are defined in the package `name`."""
    _MAKERS[name] = make
    _known.pop(name, None)


def is_foreign(array: object) -> bool:
    """Tell whether an array lies on CUDA and belongs to no library with an adapter."""
    return _root(array) not in _MAKERS and is_on_cuda(array)


def is_on_cuda(array: object) -> bool:
    """Tell whether an object is an array on CUDA, without importing anything."""
    if hasattr(type(array), "__cuda_array_interface__"):
        # PyTorch's tensors all have the attribute, those on the CPU only raise when it is read.
        return bool(getattr(array, "is_cuda", True))
    probe = getattr(array, "__dlpack_device__", None)
    # DLPack numbers CUDA's device memory 2 and its managed memory 13.
    return probe is not None and probe()[0] in (2, 13)


def _root(array: object) -> str:
    return type(array).__module__.partition(".")[0]
