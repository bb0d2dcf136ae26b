"""Convolution and linear layers on CUDA: tensor cores, less workspace, split sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cuda_device import Device
from test_cuda_registry import run, samples

import striate
from striate import _verify
from striate._registry import OPS

PRODUCTS = sorted(
    name for name in OPS if name.startswith(("conv1d", "conv2d", "conv3d", "conv_tr", "linear"))
)
EVERY_PRODUCT = pytest.mark.parametrize("name", PRODUCTS)
# Each factor is rounded to 11 bits: a product is off by 2^-10 at most, a sum by no more than that
# of its greatest terms.
TF32 = 1e-3


@pytest.fixture(autouse=True)
def options() -> Iterator[None]:
    yield
    striate.set_precision("fast")
    striate.set_max_workspace(None)


def errors(
    name: str, dtype: str, device: Device, to_numpy: Callable[[Any], Any]
) -> Iterator[tuple[float, list[Any]]]:
    op = OPS[name]
    for sample in samples(name):
        shapes = [getattr(x, "shape", x) for x in op.arguments(sample).values()]
        want = _verify.expected(op, sample, dtype)
        got = run(op, sample.cast(dtype), device, to_numpy)
        yield max(_verify.error(a, b) for a, b in zip(got, want, strict=True)), shapes


@EVERY_PRODUCT
def test_tensor_cores_round_to_tf32(
    name: str, device: Device, to_numpy: Callable[[Any], Any]
) -> None:
    striate.set_precision("fast")
    greatest = 0.0
    for error, shapes in errors(name, "float32", device, to_numpy):
        assert error <= TF32, shapes
        greatest = max(greatest, error)
    assert greatest > OPS[name].tolerance.float32, "no sample was rounded: did tensor cores run?"


@EVERY_PRODUCT
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_without_workspace(
    name: str, dtype: str, device: Device, to_numpy: Callable[[Any], Any]
) -> None:
    striate.set_precision("exact")
    striate.set_max_workspace(0)
    for error, shapes in errors(name, dtype, device, to_numpy):
        assert error <= OPS[name].tolerance.of(dtype), shapes


@pytest.mark.parametrize("stride", [2**30, 2**31 - 1, 2**31 + 2, 2**40])
@pytest.mark.parametrize("channels", [1, 24])
def test_strides_beyond_any_position(
    stride: int, channels: int, device: Device, to_numpy: Callable[[Any], Any]
) -> None:
    """They leave one output; what lies a stride further on must not be read."""
    striate.set_precision("exact")
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal((2, channels, n, n)) for n in (5, 4))
    dy = striate.reference.conv2d(x, w, stride=stride)
    assert dy.shape[2:] == (1, 1)
    calls = (
        ("conv2d", (x, w)),
        ("conv2d_input_grad", (dy, w, x.shape)),
        ("conv2d_weight_grad", (dy, x, w.shape)),
    )
    for name, arguments in calls:
        want = getattr(striate.reference, name)(*arguments, stride=stride)
        moved = [device.put(a) if isinstance(a, np.ndarray) else a for a in arguments]
        got = to_numpy(getattr(striate.ops, name)(*moved, stride=stride))
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12, err_msg=name)


def test_a_deep_product_is_split(device: Device, to_numpy: Callable[[Any], Any]) -> None:
    """The weight gradient of many pixels and few channels, and a linear layer of few rows."""
    rng = np.random.default_rng(0)
    for precision, tolerance in (("exact", 3e-6), ("fast", TF32)):
        striate.set_precision(precision)  # type: ignore[arg-type]
        x, dy = (rng.standard_normal((3, 8, 40, 41)).astype(np.float32) for _ in range(2))
        shape = (8, 8, 3, 3)
        moved = device.put(dy), device.put(x)
        got = to_numpy(striate.ops.conv2d_weight_grad(*moved, shape, padding=1))
        want = striate.reference.conv2d_weight_grad(
            dy.astype(np.float64), x.astype(np.float64), shape, padding=1
        )
        assert _verify.error(np.asarray(got), want) <= tolerance
        a, w = (rng.standard_normal((5, 4096)).astype(np.float32) for _ in range(2))
        got = to_numpy(striate.ops.linear(device.put(a), device.put(w), activation="relu"))
        want = np.maximum(a.astype(np.float64) @ w.T.astype(np.float64), 0)
        assert _verify.error(np.asarray(got), want) <= tolerance
