"""Where the CUDA tests compute: a real device, or an array library whose device is the host.

The latter is for the CUDA kernels compiled for the host, and is stricter than a real one: new
arrays hold NaN, and what lies around every array is checked or protected.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from striate._backend._libraries import View

Array = npt.NDArray[Any]
POISON = 0xFF  # NaN in either width, and -1
_libc = ctypes.CDLL(None, use_errno=True)


class Device:
    """Moves arrays to where a test computes, and back."""

    def __init__(
        self,
        put: Callable[[Array], Any],
        get: Callable[[Any], Array],
        transpose: Callable[[Any], Any],  # a view with the axes in the opposite order
    ) -> None:
        self.put = put
        self.get = get
        self._transpose = transpose

    def put_strided(self, array: Array) -> Any:
        """Move an array there, whose elements then lie in Fortran's order."""
        return self._transpose(self.put(np.array(array.T, order="C")))


class DeviceArray:
    """An array on the pretended device; `memory` is what a real one would not show."""

    def __init__(self, memory: npt.NDArray[Any], block: npt.NDArray[np.uint8]) -> None:
        self.memory = memory
        self.block = block

    @property
    def shape(self) -> tuple[int, ...]:
        return self.memory.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.memory.dtype

    @property
    def __cuda_array_interface__(self) -> dict[str, object]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.memory.ctypes.data, False),
            "strides": self.memory.strides,
            "version": 3,
        }


class EmulatedLibrary:
    """The adapter, and what tests ask of it: how often it was called, and whether guards hold."""

    name = "the emulated library"

    def __init__(self) -> None:
        self.blocks: list[tuple[npt.NDArray[np.uint8], int, int]] = []

    def owns(self, array: object) -> bool:
        return isinstance(array, DeviceArray)

    def device(self, array: Any) -> int:
        return 0

    def stream(self, device: int) -> int:
        return 1234

    def view(self, array: DeviceArray) -> View:
        memory = array.memory
        strides = None if memory.flags.c_contiguous else memory.strides
        return memory.ctypes.data, memory.shape, strides, memory.dtype.str, False

    def empty(self, shape: tuple[int, ...], dtype: str, device: int) -> tuple[DeviceArray, int]:
        array = self.new(shape, np.dtype(dtype))
        return array, array.memory.ctypes.data

    def new(self, shape: tuple[int, ...], dtype: np.dtype[Any], offset: int = 0) -> DeviceArray:
        """Make an array that ends where memory ends: whoever reads on is stopped by the system."""
        nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        room = (nbytes + 32 + mmap.PAGESIZE - 1) // mmap.PAGESIZE * mmap.PAGESIZE
        block = np.frombuffer(mmap.mmap(-1, room + mmap.PAGESIZE), np.uint8)
        if _libc.mprotect(ctypes.c_void_p(block.ctypes.data + room), mmap.PAGESIZE, 0) != 0:
            raise OSError(ctypes.get_errno(), "mprotect")
        start = (room - nbytes) // 16 * 16  # aligned but for the offset
        if offset:
            start += offset - 16
        block[:room] = POISON
        memory = block[start : start + nbytes].view(dtype).reshape(shape)
        self.blocks.append((block[:room], start, start + nbytes))
        return DeviceArray(memory, block)

    def put(self, array: npt.NDArray[Any], offset: int = 0) -> DeviceArray:
        new = self.new(array.shape, array.dtype, offset)
        new.memory[...] = array
        return new

    def check_guards(self) -> None:
        for block, start, end in self.blocks:
            for side in (block[:start], block[end:]):
                assert (side == POISON).all(), "a kernel has written outside an array"
        self.blocks.clear()
