"""`striate.explain` for CUDA: what the planner there decides, told without running anything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from cuda_device import Device

import striate

X, W, Y = (8, 64, 28, 28), (128, 64, 3, 3), (8, 128, 28, 28)


@pytest.fixture(autouse=True)
def options() -> Iterator[None]:
    yield
    striate.set_precision("fast")
    striate.set_max_workspace(None)


def test_the_precision_decides(device: Device) -> None:
    e = striate.explain("conv2d", X, W, padding=1, device="cuda")
    assert (e.isa, e.dtype, e.scratch_bytes) == ("CUDA", "float32", 0)
    assert "tensor cores" in e.algorithm
    assert e.flops == striate.explain("conv2d", X, W, padding=1).flops
    striate.set_precision("exact")
    assert "implicit GEMM" in striate.explain("conv2d", X, W, padding=1, device="cuda").algorithm


def test_arrays_tell_their_device_and_dtype(device: Device) -> None:
    x, w = device.put(np.zeros(X, np.float64)), device.put(np.zeros(W, np.float64))
    e = striate.explain("conv2d", x, w, padding=1)
    assert e == striate.explain("conv2d", X, W, padding=1, device="cuda", dtype="float64")
    assert e.isa == "CUDA"
    assert e != striate.explain("conv2d", X, W, padding=1, dtype="float64")


@pytest.mark.parametrize("name", ["conv2d_input_grad", "conv2d_weight_grad"])
def test_a_mask_takes_workspace(name: str, device: Device) -> None:
    operand, shape = (W, X) if name == "conv2d_input_grad" else (X, W)
    plain, masked = (
        striate.explain(name, Y, operand, shape, padding=1, device="cuda", y=y) for y in (None, Y)
    )
    assert plain.workspace_bytes is not None
    copy = 4 * int(np.prod(Y))
    assert masked.workspace_bytes == plain.workspace_bytes + copy
    striate.set_max_workspace(copy - 1)
    bounded = striate.explain(name, Y, operand, shape, padding=1, device="cuda", y=Y)
    assert bounded.workspace_bytes is not None
    assert bounded.workspace_bytes < copy


def test_other_operations_have_one_algorithm(device: Device) -> None:
    e = striate.explain("relu", device.put(np.zeros((2, 3), np.float32)))
    assert (e.isa, e.algorithm, e.bytes) == ("CUDA", "the kernel of relu", 48)
    parts = [device.put(np.zeros((2, c, 3, 3), np.float64)) for c in (1, 2)]
    assert striate.explain("concat", parts) == striate.explain(
        "concat", [(2, 1, 3, 3), (2, 2, 3, 3)], dtype="float64", device="cuda"
    )


def test_it_is_refused_where_there_is_none() -> None:
    with pytest.raises(ValueError, match="device must be 'cpu' or 'cuda'"):
        striate.explain("conv2d", X, W, device="tpu")
