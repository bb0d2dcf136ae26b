"""Where the CUDA tests run: on a device through CuPy and PyTorch, and on the host, emulated."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cuda_device import Device, DeviceArray, EmulatedLibrary

from striate import _backend
from striate._backend import _libraries


def _emulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    if importlib.util.find_spec("striate._cuda_emulated") is None:
        pytest.skip("built without STRIATE_CUDA_EMULATED")
    library = EmulatedLibrary()
    monkeypatch.setitem(_libraries._MAKERS, "cuda_device", lambda: library)
    monkeypatch.setitem(_libraries._known, "cuda_device", library)
    module = importlib.import_module("striate._cuda_emulated")
    monkeypatch.setitem(_backend._loaded, "cuda", module)
    yield Device(library.put, lambda a: a.memory.copy(), lambda a: DeviceArray(a.memory.T, a.block))
    library.check_guards()


def _on_device(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    problem = _backend.cuda_problem()
    if problem is not None:
        pytest.skip(problem)
    library: Any = pytest.importorskip(name)
    _poison(monkeypatch, name)
    if name == "cupy":
        with library.cuda.Stream(non_blocking=True):
            yield Device(library.asarray, library.asnumpy, lambda a: a.transpose())
        return
    with library.cuda.stream(library.cuda.Stream()):
        yield Device(
            lambda a: library.from_numpy(a).cuda(),
            lambda a: a.cpu().numpy(),
            lambda a: a.permute(*reversed(range(a.ndim))),
        )


def _poison(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Fill results and scratch with NaN and -1 before a kernel gets them."""
    adapter = _libraries.library(name)
    empty = adapter.empty

    def poisoned(shape: tuple[int, ...], dtype: str, device: int) -> tuple[Any, int]:
        array, address = empty(shape, dtype, device)
        fill = getattr(array, "fill_", None) or array.fill
        fill(float("nan") if dtype.startswith("float") else -1)
        return array, address

    monkeypatch.setattr(adapter, "empty", poisoned)


@pytest.fixture(params=["emulated", "cupy", "torch"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    """Runs a test on the emulated device and on a real one, through each library."""
    if request.param == "emulated":
        yield from _emulated(monkeypatch)
    else:
        yield from _on_device(request.param, monkeypatch)


@pytest.fixture
def to_numpy(device: Device) -> Callable[[Any], Any]:
    """Returns a function that brings back arrays, also those in lists and tuples."""

    def convert(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [convert(item) for item in value]
        if value is None or isinstance(value, (float, int, np.ndarray)):
            return value
        return device.get(value)

    return convert
