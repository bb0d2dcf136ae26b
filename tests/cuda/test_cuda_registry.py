"""Every operation's samples on CUDA, against the reference in float64."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cuda_device import Device

import striate
from striate import _backend, _verify
from striate._registry import OPS, Array, Op, Sample

EVERY_OP = pytest.mark.parametrize("name", sorted(OPS))
EVERY_DTYPE = pytest.mark.parametrize("dtype", ["float32", "float64"])


@functools.cache
def samples(name: str) -> list[Sample]:
    return _verify.samples(OPS[name])


def run(
    op: Op,
    sample: Sample,
    device: Device,
    to_numpy: Callable[[Any], Any],
    put: Callable[[Array], Any] | None = None,
) -> list[Array]:
    """All that the operation computes from the sample's arrays on the device."""
    moved = sample.map(put or device.put)
    return [np.asarray(a) for a in to_numpy(op.results(op.function, moved))]


@pytest.fixture(autouse=True)
def exact(device: Device) -> Iterator[None]:
    """Tolerances are those of exact sums; test_cuda_products has those of tensor cores."""
    striate.set_precision("exact")
    yield
    striate.set_precision("fast")


def has_kernel(name: str) -> bool:
    return hasattr(_backend.cuda_kernels(), name)


@EVERY_DTYPE
@EVERY_OP
def test_agrees_with_the_reference(
    name: str, dtype: str, device: Device, to_numpy: Callable[[Any], Any]
) -> None:
    if not has_kernel(name):
        pytest.skip(f"{name} has no CUDA kernel yet")
    op = OPS[name]
    for sample in samples(name):
        want = _verify.expected(op, sample, dtype)
        got = run(op, sample.cast(dtype), device, to_numpy)
        assert len(got) == len(want)
        for a, b in zip(got, want, strict=True):
            assert a.shape == b.shape
            shapes = [getattr(x, "shape", x) for x in op.arguments(sample).values()]
            assert _verify.error(a, b) <= op.tolerance.of(dtype), shapes


@pytest.mark.parametrize("name", sorted(name for name in OPS if not OPS[name].in_place))
def test_strided_inputs_give_the_same_bits(
    name: str, device: Device, to_numpy: Callable[[Any], Any]
) -> None:
    if not has_kernel(name):
        pytest.skip(f"{name} has no CUDA kernel yet")
    op = OPS[name]
    for sample in samples(name)[:3]:
        cast = sample.cast("float32")
        want = run(op, cast, device, to_numpy)
        got = run(op, cast, device, to_numpy, device.put_strided)
        for a, b in zip(got, want, strict=True):
            assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
