"""The adapters of CuPy and PyTorch, against stand-ins for the libraries: no device is needed."""

from __future__ import annotations

import contextlib
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from striate import _backend
from striate._backend import _libraries


class FakeArray:
    """A CuPy array, as far as the adapter looks at it."""

    __module__ = "cupy"

    def __init__(self, values: Any, device: int = 0) -> None:
        self.values = np.asarray(values)
        self.device = types.SimpleNamespace(id=device)
        self.data = types.SimpleNamespace(ptr=4096 + device)

    shape = property(lambda self: self.values.shape)
    strides = property(lambda self: self.values.strides)
    dtype = property(lambda self: self.values.dtype)
    flags = property(lambda self: self.values.flags)
    __cuda_array_interface__ = property(lambda self: {"shape": self.shape})


class FakeCuPy(types.ModuleType):
    """Remembers which device is current, as CuPy does."""

    ndarray = FakeArray

    def __init__(self) -> None:
        super().__init__("cupy")
        self.current = 0
        self.cuda = types.SimpleNamespace(
            Device=self._device,
            get_current_stream=lambda: types.SimpleNamespace(ptr=100 + self.current),
        )

    @contextlib.contextmanager
    def _device(self, number: int) -> Iterator[None]:
        before, self.current = self.current, number
        yield
        self.current = before

    def empty(self, shape: tuple[int, ...], dtype: str) -> FakeArray:
        return FakeArray(np.empty(shape, dtype), self.current)

    def asarray(self, array: Any) -> FakeArray:
        return FakeArray(np.zeros(3), self.current)

    def from_dlpack(self, array: Any) -> FakeArray:
        return FakeArray(np.ones(5), 1)


class FakeTensor:
    """A CUDA tensor of PyTorch."""

    __module__ = "torch"
    is_cuda = True
    requires_grad = True
    __cuda_array_interface__ = property(lambda self: 1 / 0)  # as with requires_grad

    def __init__(self, dtype: str = "f32", stride: tuple[int, ...] = (3, 1)) -> None:
        self.dtype = dtype
        self.shape = (2, 3)
        self._stride = stride

    def is_neg(self) -> bool:
        return False

    def is_contiguous(self) -> bool:
        return self._stride == (3, 1)

    def element_size(self) -> int:
        return 4

    def stride(self) -> tuple[int, ...]:
        return self._stride

    def data_ptr(self) -> int:
        return 8192

    def get_device(self) -> int:
        return 1


def fake_torch() -> Any:
    torch: Any = types.ModuleType("torch")
    torch.Tensor = FakeTensor
    for name in ("float32", "float64", "int8", "int16", "int32", "int64", "uint8"):
        setattr(torch, name, name[0] + name.lstrip("uinfloat"))
    torch.device = lambda kind, number: f"{kind}:{number}"
    torch.empty = lambda shape, dtype, device: FakeTensor(f"{dtype}@{device}")
    torch.cuda = types.SimpleNamespace(
        current_stream=lambda device: types.SimpleNamespace(cuda_stream=200 + device)
    )
    return torch


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", FakeCuPy())
    monkeypatch.setitem(sys.modules, "torch", fake_torch())
    monkeypatch.setattr(_libraries, "_known", {})


def test_each_library_has_its_adapter() -> None:
    assert _libraries.library_of(FakeArray([1.0])).name == "CuPy"
    assert _libraries.library_of(FakeTensor()).name == "PyTorch"
    assert _libraries.library_of(FakeTensor()) is _libraries.library_of(FakeTensor())


def test_the_stream_is_the_current_one_of_the_arrays_device() -> None:
    assert _libraries.library("cupy").stream(1) == 101
    assert _libraries.library("torch").stream(1) == 201


def test_results_are_allocated_by_the_library_on_the_arrays_device() -> None:
    array, address = _libraries.library("cupy").empty((2,), "float32", 1)
    assert (type(array), array.device.id, array.dtype, address) == (FakeArray, 1, "float32", 4097)
    tensor, address = _libraries.library("torch").empty((2,), "int64", 1)
    assert (type(tensor), tensor.dtype, address) == (FakeTensor, "i64@cuda:1", 8192)


def test_a_view_tells_where_the_elements_lie() -> None:
    cupy, torch = _libraries.library("cupy"), _libraries.library("torch")
    plain = np.zeros((2, 3), np.float32)
    assert cupy.view(FakeArray(plain)) == (4096, (2, 3), None, "<f4", False)
    assert cupy.view(FakeArray(plain.T)) == (4096, (3, 2), (4, 12), "<f4", False)
    assert torch.view(FakeTensor("f32")) == (8192, (2, 3), None, "<f4", False)
    assert torch.view(FakeTensor("f32", (1, 2))) == (8192, (2, 3), (4, 8), "<f4", False)
    assert torch.view(FakeTensor("bfloat16"))[3] == "bfloat16"


class Foreign:
    """A CUDA array of some other library."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 1


def test_other_cuda_arrays_are_read_through_cupy() -> None:
    foreign = Foreign()
    library = _libraries.library_of(foreign)
    assert _backend.device_of(foreign) == "cuda"
    assert library.name == "CuPy"
    assert library.owns(foreign)
    assert library.device(foreign) == 1
    assert library.view(foreign)[1] == (5,)


def test_arrays_on_the_host_belong_to_no_adapter() -> None:
    library = _libraries.library("cupy")
    assert not library.owns(np.ones(3))
    assert not library.owns(3)
    assert _backend.device_of(np.ones(3)) == "cpu"


def test_cupy_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(RuntimeError, match=r"need CuPy.*pip install 'striate\[cuda\]'"):
        _libraries.library_of(Foreign())


class Kernels:
    """A CUDA module that only remembers what it was told to use."""

    def require_device(self) -> None: ...
    def relu(self) -> None: ...
    def add(self) -> None: ...
    def use(self, *told: Any) -> None:
        self.told = told


def test_select_tells_the_module_library_device_and_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = Kernels()
    monkeypatch.setitem(_backend._loaded, "cuda", module)
    assert _backend.select("relu", x=FakeTensor()) is module
    assert module.told == (_libraries.library("torch"), 1, 201)
    _backend.select("relu", x=FakeArray([1.0]))
    assert module.told == (_libraries.library("cupy"), 0, 100)


def test_mixing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_backend._loaded, "cuda", Kernels())
    with pytest.raises(TypeError, match="add: a is an array of CuPy, b one of PyTorch"):
        _backend.select("add", a=FakeArray([1.0]), b=FakeTensor())
    with pytest.raises(TypeError, match=r"add: a\[0\] is on cuda:0, a\[1\] on cuda:1"):
        _backend.select("add", a=[FakeArray([1.0]), FakeArray([1.0], 1)])
    with pytest.raises(TypeError, match="add: a is on cuda, b on the cpu"):
        _backend.select("add", a=FakeArray([1.0]), b=np.ones(1))
    with pytest.raises(TypeError, match="has no kernel for mul"):
        _backend.select("mul", a=FakeArray([1.0]))
