"""Max pooling: what its kernels do differently from the plain reference."""

from __future__ import annotations

import functools
import mmap
import sys

import numpy as np
import pytest

from striate import ops, reference

NAN, INF = np.nan, np.inf
FLOATS = [np.float32, np.float64]
# name: (shape of x, arguments)
CASES = {
    "AlexNet": ((2, 3, 55, 55), {"kernel_size": 3, "stride": 2}),
    "VGG": ((1, 2, 34, 37), {"kernel_size": 2}),
    "inception": ((2, 5, 13, 13), {"kernel_size": 3, "stride": 1, "padding": 1}),
    "ResNet": ((1, 2, 31, 29), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "global": ((2, 3, 7, 11), {"kernel_size": (7, 11)}),
    "one pixel": ((2, 3, 1, 1), {"kernel_size": 1}),
    "one column": ((1, 2, 37, 1), {"kernel_size": (5, 1), "stride": (2, 1)}),
    "one row": ((1, 2, 1, 41), {"kernel_size": (1, 5), "stride": 3}),
    "other strides": ((1, 2, 40, 41), {"kernel_size": (2, 3), "stride": (3, 5)}),
    "swapped strides": ((1, 2, 23, 67), {"kernel_size": (4, 2), "stride": (1, 2)}),
    "dilation": ((1, 2, 30, 45), {"kernel_size": (3, 4), "stride": (1, 2), "dilation": (4, 3)}),
    "pads": ((1, 2, 9, 21), {"kernel_size": 4, "stride": 1, "padding": ((0, 3), (5, 2))}),
    "dilated pads": (
        (1, 2, 19, 18),
        {"kernel_size": 3, "stride": 2, "dilation": (2, 3), "padding": ((5, 1), (2, 7))},
    ),
    "beyond half": ((1, 2, 6, 7), {"kernel_size": 3, "stride": 1, "padding": 2}),
    "wholly outside": ((1, 2, 3, 4), {"kernel_size": 2, "stride": 1, "padding": 5}),
    "only padding": ((1, 2, 0, 3), {"kernel_size": 2, "padding": 2}),
    "same": ((1, 2, 18, 23), {"kernel_size": 4, "stride": 3, "padding": "same"}),
    "ceil": ((1, 2, 10, 12), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    "ceil, padded": (
        (1, 2, 11, 17),
        {"kernel_size": 2, "stride": 3, "padding": 1, "ceil_mode": True},
    ),
    "several blocks": ((2, 2, 131, 90), {"kernel_size": (5, 3), "stride": (1, 2), "padding": 2}),
    "many planes": ((3, 701, 4, 5), {"kernel_size": 2, "stride": 1}),
    "wide": ((1, 2, 3, 10007), {"kernel_size": (2, 3), "stride": (1, 1), "padding": 1}),
    "wide, strided": ((1, 1, 2, 20011), {"kernel_size": 2, "stride": 2, "padding": (0, 1)}),
    "window wider than scratch": ((1, 1, 1, 4501), {"kernel_size": (1, 4111), "stride": 180}),
    "the same, padded": (
        (1, 1, 2, 4000),
        {"kernel_size": (1, 4111), "stride": (1, 900), "padding": (0, 2000)},
    ),
    "window larger than scratch": (
        (1, 1, 75, 80),
        {"kernel_size": 70, "stride": (3, 2), "padding": 5},
    ),
    "far padding": ((1, 1, 5, 5), {"kernel_size": 2**39 + 3, "stride": 1, "padding": 2**38 + 1}),
    "empty batch": ((0, 3, 8, 9), {"kernel_size": 3}),
    "no channels": ((2, 0, 8, 9), {"kernel_size": 3}),
    "empty result": ((2, 3, 0, 9), {"kernel_size": 3, "padding": "same"}),
}


@functools.cache
def sample(case, kind, dtype):
    """Return x, and what the reference makes of it."""
    rng = np.random.default_rng(2012)
    shape, arguments = CASES[case]
    if kind == "normal":
        x = rng.standard_normal(shape)
    elif kind == "ties":
        x = rng.integers(-1, 2, shape)
    elif kind == "nan":
        x = np.where(rng.random(shape) < 0.2, NAN, rng.standard_normal(shape))
    else:
        x = rng.choice([-INF, -INF, -INF, NAN, INF, 1.0], shape)
    x = x.astype(dtype)
    if case == "far padding":
        return x, *brute_force(x, **arguments)
    return x, *reference.max_pool2d_with_indices(x, **arguments)


def brute_force(x, kernel_size, stride=1, padding=0):
    """For windows whose taps the reference would take too long to count."""
    height, width = x.shape[2:]
    count = height + 2 * padding - kernel_size + 1
    y, indices = np.empty((2, *x.shape[:2], count, count))
    for i in range(count):
        for j in range(count):
            rows = slice(max(0, i - padding), max(0, i - padding + kernel_size))
            columns = slice(max(0, j - padding), max(0, j - padding + kernel_size))
            window = x[0, 0, rows, columns]
            best = np.unravel_index(np.argmax(window), window.shape)
            y[0, 0, i, j] = window[best]
            indices[0, 0, i, j] = (rows.start + best[0]) * width + columns.start + best[1]
    return y, indices


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kind", ["normal", "ties", "nan", "infinite"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("isa")
def test_equals_the_reference(rng, case, kind, dtype):
    arguments = CASES[case][1]
    x, expected, expected_indices = sample(case, kind, dtype)
    y, indices = ops.max_pool2d_with_indices(x, **arguments)
    np.testing.assert_array_equal(indices, expected_indices)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(ops.max_pool2d(x, **arguments), expected)
    assert y.dtype == dtype
    assert indices.dtype == np.int32
    dy = rng.standard_normal(y.shape).astype(dtype)
    dx = ops.max_pool2d_grad(dy, indices, x.shape)
    expected_dx = reference.max_pool2d_grad(dy, indices, x.shape) if x.size and y.size else 0
    np.testing.assert_array_equal(dx, expected_dx)
    assert dx.shape == x.shape
    assert dx.dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.usefixtures("isa")
def test_every_width_up_to_two_vectors(rng, stride, dtype):
    for width in range(1, 36):
        for pads in ((0, 0), (1, 2)):
            x = rng.standard_normal((1, 2, 3, width)).astype(dtype)
            arguments = {"kernel_size": (2, 1), "stride": stride, "padding": ((0, 0), pads)}
            expected, expected_indices = reference.max_pool2d_with_indices(x, **arguments)
            y, indices = ops.max_pool2d_with_indices(x, **arguments)
            np.testing.assert_array_equal(y, expected)
            np.testing.assert_array_equal(indices, expected_indices)
            np.testing.assert_array_equal(ops.max_pool2d(x, **arguments), expected)


@pytest.mark.usefixtures("isa")
def test_the_first_of_equals_and_of_nan(rng):
    x = np.array([[[[1, 5, 5], [5, 0, 5]]]], np.float32)
    y, indices = ops.max_pool2d_with_indices(x, (2, 3))
    assert (y.item(), indices.item()) == (5, 1)
    for first in range(6):
        later = x.copy()
        later.reshape(-1)[first:] = [NAN] + [INF] * (5 - first)
        later.reshape(-1)[-1] = NAN
        y, indices = ops.max_pool2d_with_indices(later, (2, 3))
        assert np.isnan(y.item())
        assert indices.item() == first
        assert np.isnan(ops.max_pool2d(later, (2, 3)).item())
    nothing = np.full((1, 1, 3, 4), -INF)
    y, indices = ops.max_pool2d_with_indices(nothing, 2, stride=1, padding=1)
    np.testing.assert_array_equal(y, -INF)
    expected = [[0, 0, 1, 2, 3], [0, 0, 1, 2, 3], [4, 4, 5, 6, 7], [8, 8, 9, 10, 11]]
    np.testing.assert_array_equal(indices[0, 0], expected)


@pytest.mark.parametrize("name", ["AlexNet", "inception", "many planes", "wide", "dilated pads"])
def test_threads_give_the_same_bits(rng, threads, name):
    shape, arguments = CASES[name]
    shape = (5, 7, *shape[2:])
    x = rng.standard_normal(shape).astype(np.float32)
    results = []
    for count in (1, 2, 7):
        threads(count)
        y, indices = ops.max_pool2d_with_indices(x, **arguments)
        dy = np.sin(np.arange(y.size, dtype=np.float32)).reshape(y.shape)
        dx = ops.max_pool2d_grad(dy, indices, shape)
        results.append((ops.max_pool2d(x, **arguments), y, indices, dx))
    for result in results[1:]:
        for a, b in zip(results[0], result, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("isa")
def test_strange_inputs(rng):
    base = rng.standard_normal((2, 3, 14, 30))
    expected = None
    for x in (
        base,
        np.asfortranarray(base),
        np.repeat(base, 2, axis=3)[..., ::2],
        base[:, ::-1].copy()[:, ::-1],
        base.astype(">f8"),
        np.frombuffer(b"\0" + base.tobytes(), np.float64, offset=1, count=base.size).reshape(
            base.shape
        ),
    ):
        result = ops.max_pool2d_with_indices(x, 3, stride=2, padding=1)
        expected = expected or result
        np.testing.assert_array_equal(result, expected)
    y, indices = expected
    dx = ops.max_pool2d_grad(y, indices, base.shape)
    for dtype in (np.int16, np.int64, np.uint64, ">i4", ">i8"):
        for strange in (indices.astype(dtype), np.asfortranarray(indices.astype(dtype))):
            np.testing.assert_array_equal(
                ops.max_pool2d_grad(np.asfortranarray(y), strange, base.shape), dx
            )


@pytest.mark.skipif(sys.platform != "linux", reason="needs memory that is never touched")
def test_indices_of_a_huge_plane_are_int64():
    height, width = 5, 2**30 + 5
    no_reserve = 0x4000  # MAP_NORESERVE: pages that nobody touches take no memory
    memory = mmap.mmap(
        -1, 4 * height * width, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | no_reserve
    )
    x = np.frombuffer(memory, np.float32).reshape(1, 1, height, width)
    x[0, 0, 0, 1] = x[0, 0, 1, 0] = 2
    x[0, 0, 4, width - 1] = 3
    arguments = {"kernel_size": (5, 2), "stride": width - 2}
    y, indices = ops.max_pool2d_with_indices(x, **arguments)
    assert indices.dtype == np.int64
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, [[[[2, 3]]]])
    np.testing.assert_array_equal(indices, [[[[1, 5 * width - 1]]]])
    np.testing.assert_array_equal(ops.max_pool2d(x, **arguments), y)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64])
@pytest.mark.parametrize("bad", [-2, 12])
def test_grad_names_the_first_bad_index(dtype, bad, threads):
    threads(7)
    shape, x_shape = (7, 811, 2, 3), (7, 811, 3, 4)
    indices = np.full(shape, 11, dtype)
    indices[2, 10, 1, 0] = -1
    broken = indices.copy()
    broken[1, 3, 1, 2] = broken[1:, 4:] = bad
    dy = np.ones(shape)
    message = rf"H \* W\). Got indices\[1, 3, 1, 2\]={bad}, x_shape=\(7, 811, 3, 4\)"
    with pytest.raises(ValueError, match=message):
        ops.max_pool2d_grad(dy, broken, x_shape)
    assert ops.max_pool2d_grad(dy, indices, x_shape).sum() == dy.size - 1
    with pytest.raises(ValueError, match="2\\^63"):
        ops.max_pool2d_grad(dy, indices.astype(np.uint64) + np.uint64(2**63), x_shape)


def test_grad_of_planes_without_pixels():
    nothing = np.zeros((2, 3, 0, 4), np.int32)
    assert ops.max_pool2d_grad(nothing.astype(np.float32), nothing, (2, 3, 0, 5)).size == 0
    dx = ops.max_pool2d_grad(nothing.astype(np.float32), nothing, (2, 3, 1, 5))
    np.testing.assert_array_equal(dx, np.zeros((2, 3, 1, 5)))
    outside = np.full((2, 3, 1, 4), -1)
    assert ops.max_pool2d_grad(np.ones(outside.shape), outside, (2, 3, 0, 5)).size == 0
    many = np.zeros((2**40, 2**17, 0, 0), np.int32)
    assert ops.max_pool2d_grad(many.astype(np.float32), many, many.shape).size == 0


@pytest.mark.skipif(sys.platform != "linux", reason="protects pages with mprotect")
def test_reads_nothing_outside_the_array(python):
    result = python(
        """
import ctypes, mmap
import numpy as np
from striate import _core, ops
page = mmap.PAGESIZE
size = 64 * page
memory = mmap.mmap(-1, size + 2 * page)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc = ctypes.CDLL(None, use_errno=True)
for guard in (start, start + page + size):
    assert libc.mprotect(ctypes.c_void_p(guard), ctypes.c_size_t(page), 0) == 0
inner = np.frombuffer(memory, np.uint8)[page : page + size]
for isa in _core.available_isas():
    _core.set_isa(isa)
    for dtype in (np.float32, np.float64):
        item = np.dtype(dtype).itemsize
        for width in (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 27, 31, 32, 33, 55, 64, 65):
            count = 2 * 4 * width
            for x in (inner[: count * item], inner[size - count * item :]):
                x = x.view(dtype).reshape(1, 2, 4, width)
                for kernel in (1, 2, 3):
                    for stride in (1, 2, 3):
                        for padding in (0, 1):
                            if kernel <= width + 2 * padding:
                                ops.max_pool2d(x, kernel, stride=stride, padding=padding)
                                y, i = ops.max_pool2d_with_indices(
                                    x, kernel, stride=stride, padding=padding
                                )
print("done")
"""
    )
    assert result.stdout == "done\n", result.stderr
