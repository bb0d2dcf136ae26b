from __future__ import annotations

import numpy as np
import pytest

from striate import reference

CASES = [
    ((2, 3, 7, 8), 2, {}),
    ((2, 3, 7, 8), (3, 2), {"stride": (2, 1)}),
    ((1, 2, 9, 7), 3, {"stride": 2, "padding": (0, 1)}),
    ((1, 2, 9, 10), (2, 3), {"stride": (1, 2), "dilation": (3, 2), "padding": (1, 0)}),
    ((1, 2, 6, 8), 3, {"stride": 2, "ceil_mode": True}),
    # Rows: the last window would start right at the padding, and is left out. Columns: it starts
    # at the last pixel, and stays.
    ((1, 1, 5, 6), (2, 2), {"stride": (3, 3), "padding": 1, "ceil_mode": True}),
    ((1, 1, 4, 7), (2, 2), {"stride": (3, 3), "padding": 1, "ceil_mode": True}),
]


def naive_max_pool2d(x, kernel, stride, pads, dilation, ceil_mode=False):
    """Pixel by pixel; pads = ((top, bottom), (left, right))."""
    out = []
    for axis in range(2):
        n, (before, after) = x.shape[2 + axis], pads[axis]
        room = n + before + after - dilation[axis] * (kernel[axis] - 1) - 1
        count = room // stride[axis] + 1
        if ceil_mode and room % stride[axis] and count * stride[axis] < n + before:
            count += 1
        out.append(count)
    y = np.full((*x.shape[:2], *out), -np.inf)
    indices = np.full(y.shape, -1)
    for n, c, p, q in np.ndindex(*y.shape):
        sources = [
            (p * stride[0] + i * dilation[0] - pads[0][0]) * x.shape[3]
            + (q * stride[1] + j * dilation[1] - pads[1][0])
            for i, j in np.ndindex(*kernel)
            if 0 <= p * stride[0] + i * dilation[0] - pads[0][0] < x.shape[2]
            and 0 <= q * stride[1] + j * dilation[1] - pads[1][0] < x.shape[3]
        ]
        if sources:
            values = x[n, c].reshape(-1)[sources]
            indices[n, c, p, q] = sources[np.argmax(values)]
            y[n, c, p, q] = values[np.argmax(values)]
    return y, indices


def as_pair(value):
    return (value, value) if isinstance(value, int) else value


def spell_out(kernel, options):
    pads = tuple(
        (side, side) if isinstance(side, int) else side
        for side in as_pair(options.get("padding", 0))
    )
    return {
        "kernel": as_pair(kernel),
        "stride": as_pair(options.get("stride", kernel)),
        "pads": pads,
        "dilation": as_pair(options.get("dilation", 1)),
        "ceil_mode": options.get("ceil_mode", False),
    }


MORE_PADDING = [
    ((2, 2, 3, 4), 2, {"stride": 1, "padding": ((3, 0), (0, 2))}),  # windows wholly in padding
    ((1, 1, 5, 5), 3, {"stride": 2, "padding": ((0, 1), (1, 0)), "ceil_mode": True}),
]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("shape", "kernel", "options"), CASES + MORE_PADDING)
def test_max_pool2d_equals_the_loops(rng, shape, kernel, options, ties):
    x = rng.integers(0, 3, shape).astype(float) if ties else rng.standard_normal(shape)
    y, indices = naive_max_pool2d(x, **spell_out(kernel, options))
    got_y, got_indices = reference.max_pool2d_with_indices(x, kernel, **options)
    np.testing.assert_array_equal(got_y, y)
    np.testing.assert_array_equal(got_indices, indices)
    np.testing.assert_array_equal(reference.max_pool2d(x, kernel, **options), y)
    assert got_indices.dtype == np.int32

    dy = rng.standard_normal(y.shape)
    dx = np.zeros(shape)
    for n, c, p, q in np.ndindex(*y.shape):
        if indices[n, c, p, q] >= 0:
            dx[n, c].reshape(-1)[indices[n, c, p, q]] += dy[n, c, p, q]
    got_dx = reference.max_pool2d_grad(dy, got_indices, shape)
    np.testing.assert_allclose(got_dx, dx, atol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("shape", "kernel", "options"), CASES)
def test_max_pool2d_equals_pytorch(torch, rng, shape, kernel, options, ties):
    x = rng.integers(0, 3, shape).astype(float) if ties else rng.standard_normal(shape)
    tx = torch.tensor(x, requires_grad=True)
    ty, t_indices = torch.nn.functional.max_pool2d(tx, kernel, return_indices=True, **options)
    y, indices = reference.max_pool2d_with_indices(x, kernel, **options)
    np.testing.assert_array_equal(y, ty.detach().numpy())
    np.testing.assert_array_equal(indices, t_indices.numpy())
    dy = rng.standard_normal(y.shape)
    ty.backward(torch.tensor(dy))
    dx = reference.max_pool2d_grad(dy, indices, shape)
    np.testing.assert_allclose(dx, tx.grad.numpy(), atol=1e-12)


def test_same_padding_keeps_the_size_divided_by_the_stride(rng):
    x = rng.standard_normal((1, 1, 5, 6))
    y, indices = naive_max_pool2d(x, (2, 3), (2, 4), ((0, 1), (0, 1)), (1, 1))
    got_y, got_indices = reference.max_pool2d_with_indices(x, (2, 3), stride=(2, 4), padding="same")
    assert y.shape == (1, 1, 3, 2)
    np.testing.assert_array_equal(got_y, y)
    np.testing.assert_array_equal(got_indices, indices)


def test_the_first_nan_wins_and_an_all_minus_inf_window_gives_its_first_index():
    inf, nan = np.inf, np.nan
    x = np.array([[1, nan, -inf, -inf], [inf, nan, -inf, -inf]], np.float32)[None, None]
    y, indices = reference.max_pool2d_with_indices(x, 2)
    np.testing.assert_array_equal(y, np.array([[[[nan, -inf]]]], np.float32))
    assert y.dtype == np.float32
    assert indices.tolist() == [[[[1, 2]]]]


def test_overlapping_windows_add_their_gradients():
    x = np.array([[[[0.0, 5.0, 1.0]]]])
    _, indices = reference.max_pool2d_with_indices(x, (1, 2), stride=1)
    dx = reference.max_pool2d_grad(np.array([[[[2.0, 30.0]]]]), indices, x.shape)
    assert dx.tolist() == [[[[0, 32, 0]]]]


def test_max_pool2d_of_an_empty_batch():
    y, indices = reference.max_pool2d_with_indices(np.zeros((0, 2, 4, 4)), 2)
    assert y.shape == indices.shape == (0, 2, 2, 2)
    assert reference.max_pool2d_grad(y, indices, (0, 2, 4, 4)).shape == (0, 2, 4, 4)


def test_max_pool2d_refuses():
    with pytest.raises(ValueError, match=r"max_pool2d: x must be \(N, C, H, W\)"):
        reference.max_pool2d(np.zeros((3, 4, 4)), 2)
    with pytest.raises(ValueError, match="max_pool2d: the window must fit"):
        reference.max_pool2d(np.zeros((1, 1, 4, 4)), 5)
    with pytest.raises(ValueError, match="max_pool2d_grad: indices must be in"):
        reference.max_pool2d_grad(np.ones((1, 1, 1, 1)), np.array([[[[4]]]]), (1, 1, 2, 2))
