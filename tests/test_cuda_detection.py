"""A build without CUDA, and a machine without a device, say why and what to do."""

from __future__ import annotations

import numpy as np
import pytest

import striate
from striate import _backend, ops


class OnDevice:
    """What a library's device array looks like from outside; its memory is never read."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    @property
    def __cuda_array_interface__(self) -> dict[str, object]:
        return {"shape": self.shape, "typestr": "<f4", "data": (0, False), "version": 3}


def _has_device() -> bool:
    return _backend.cuda_problem() is None


def test_build_info_tells_whether_cuda_was_built_and_why_not() -> None:
    info = striate.build_info()
    if info["cuda"]:
        assert info["cuda_reason"] is None
        assert info["cuda_version"]
        assert info["cuda_architectures"]
    else:
        assert isinstance(info["cuda_reason"], str)
        assert info["cuda_reason"]


@pytest.mark.skipif(not striate.build_info()["cuda"], reason="built without CUDA")
def test_the_module_imports_without_a_driver() -> None:
    from striate import _cuda

    assert issubclass(_cuda.CudaError, RuntimeError)


@pytest.mark.skipif(_has_device(), reason="there is a CUDA device")
def test_a_device_array_without_a_device_is_an_error_with_advice() -> None:
    array = OnDevice((3,))
    with pytest.raises((RuntimeError, TypeError), match="NumPy arrays"):
        ops.sgd_step([array], [array], None, lr=0.1)  # type: ignore[list-item]


def test_an_op_without_a_cuda_kernel_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_backend._loaded, "cuda", object())  # a module without kernels
    with pytest.raises(TypeError, match="relu: x is on cuda, where this version has no kernel"):
        ops.relu(OnDevice((3,)))  # type: ignore[arg-type]


@pytest.mark.skipif(striate.build_info()["cuda"], reason="built with CUDA")
def test_a_build_without_cuda_names_the_argument_and_the_reason() -> None:
    with pytest.raises(TypeError, match="relu: x is on cuda, but striate was built without CUDA"):
        ops.relu(OnDevice((3,)))  # type: ignore[arg-type]


def test_host_and_device_in_one_call_are_named() -> None:
    with pytest.raises(TypeError, match=r"sgd_step: grads\[0\] is on cuda, params\[0\] on the cpu"):
        ops.sgd_step([np.ones(3)], [OnDevice((3,))], None, lr=0.1)  # type: ignore[list-item]


@pytest.mark.skipif(_has_device(), reason="there is a CUDA device")
def test_the_reason_names_the_build_or_the_driver() -> None:
    problem = _backend.cuda_problem()
    assert problem is not None
    if striate.build_info()["cuda"]:
        assert "driver" in problem or "device" in problem
    else:
        assert str(striate.build_info()["cuda_reason"]) in problem


def test_numpy_arrays_never_touch_cuda() -> None:
    assert _backend.device_of(np.zeros(3)) == "cpu"
    assert ops.relu(np.ones(3)).tolist() == [1, 1, 1]
