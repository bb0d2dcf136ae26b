"""The norm of gradients on CUDA: it stays on the device, and what it bounds waits for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cuda_device import Device

import striate
from striate import ops

Array = np.typing.NDArray[Any]
ToNumpy = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def nothing_pending(device: Device) -> Iterator[None]:
    yield
    striate.synchronize()


def arrays(dtype: str = "float32") -> list[Array]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape).astype(dtype) for shape in [(3, 5), (4099,), ()]]


@pytest.mark.parametrize("max_norm", [0.5, 1e6])
def test_the_norm_is_an_array_on_the_device(
    max_norm: float, device: Device, to_numpy: ToNumpy
) -> None:
    grads = arrays("float32") + arrays("float64")
    moved = [device.put(g) for g in grads]
    norm = ops.clip_grad_norm(moved, max_norm)
    want = ops.clip_grad_norm(grads, max_norm)
    assert not isinstance(norm, float)
    got = to_numpy(norm)
    assert got.shape == ()
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, want, rtol=1e-14)
    for a, b in zip(to_numpy(moved), grads, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_norm_that_is_not_finite_changes_nothing(device: Device, to_numpy: ToNumpy) -> None:
    grads = [device.put(np.float32([1, np.inf])), device.put(np.float32([3]))]
    ops.clip_grad_norm(grads, 1.0)
    with pytest.raises(ValueError, match=r"clip_grad_norm: the norm .* must be finite"):
        striate.synchronize()
    assert to_numpy(grads[1]).tolist() == [3.0]
    ops.clip_grad_norm(grads, 1.0, error_if_nonfinite=False)
    assert to_numpy(grads[1]).tolist() == [0.0]


@pytest.mark.parametrize("clip_norm", [0.25, 1e6])
def test_a_step_reads_the_norm_on_the_device(
    clip_norm: float, device: Device, to_numpy: ToNumpy
) -> None:
    def step(put: Callable[[Array], Any]) -> list[Any]:
        params, grads, velocities = ([put(a) for a in arrays()] for _ in range(3))
        norm = ops.clip_grad_norm(grads, np.inf)
        ops.sgd_step(
            params, grads, velocities, lr=0.1, momentum=0.9, clip_norm=clip_norm, grad_norm=norm
        )
        return params + velocities

    for a, b in zip(to_numpy(step(device.put)), step(np.array), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_step_of_a_norm_that_is_not_finite_changes_nothing(
    device: Device, to_numpy: ToNumpy
) -> None:
    params, velocities = ([device.put(np.ones(5000, np.float32))] for _ in range(2))
    grads = [device.put(np.full(5000, np.nan, np.float32))]
    norm = ops.clip_grad_norm(grads, np.inf, error_if_nonfinite=False)
    ops.sgd_step(params, grads, velocities, lr=0.1, momentum=0.9, clip_norm=1.0, grad_norm=norm)
    with pytest.raises(ValueError, match="sgd_step: the norm of the gradients must be finite"):
        striate.synchronize()
    assert np.all(to_numpy(params[0]) == 1)
    assert np.all(to_numpy(velocities[0]) == 1)


@pytest.mark.parametrize("wrong", [np.float32(1), np.ones(1)], ids=["float32", "1-d"])
def test_any_other_array_is_refused(wrong: Array, device: Device) -> None:
    params, grads, velocities = ([device.put(np.ones(3))] for _ in range(3))
    with pytest.raises(TypeError, match="grad_norm must be a number or a 0-d float64 array"):
        ops.sgd_step(
            params,
            grads,
            velocities,
            lr=0.1,
            clip_norm=1.0,
            grad_norm=device.put(np.asarray(wrong)),  # type: ignore[arg-type]
        )
