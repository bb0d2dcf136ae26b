from __future__ import annotations

import numpy as np
import pytest
from finite_differences import assert_gradient

from striate import reference

# (x shape, w shape, options): every axis has its own size, stride, dilation and padding, so that
# no two of them can be swapped unseen.
CASES = [
    ((2, 3, 6, 7), (4, 3, 3, 2), {}),
    ((2, 4, 9, 8), (6, 2, 2, 3), {"stride": (2, 1), "padding": (1, 2), "groups": 2}),
    ((1, 2, 9, 11), (3, 2, 3, 2), {"stride": (1, 3), "dilation": (2, 3), "padding": 1}),
    ((2, 3, 5, 7), (3, 1, 2, 3), {"padding": ((2, 0), (1, 3)), "stride": (3, 2), "groups": 3}),
    ((2, 2, 6, 7), (2, 2, 3, 4), {"padding": "same", "stride": (2, 3)}),
    ((2, 2, 6, 7), (2, 2, 4, 2), {"padding": "same", "dilation": (1, 2)}),
    ((2, 2, 6, 7), (2, 2, 4, 2), {"padding": "valid", "dilation": (1, 2)}),
    ((1, 1, 5, 5), (1, 1, 1, 1), {"stride": 3, "padding": "same"}),
]


def explicit_pads(x_shape, w_shape, stride, dilation, padding):
    if padding == "valid":
        padding = 0
    if padding == "same":
        pads = []
        for n, kernel, step, gap in zip(x_shape[2:], w_shape[2:], stride, dilation, strict=True):
            total = max((int(np.ceil(n / step)) - 1) * step + gap * (kernel - 1) + 1 - n, 0)
            pads.append((total // 2, (total + 1) // 2))
        return pads
    if isinstance(padding, int):
        padding = (padding, padding)
    return [(side, side) if isinstance(side, int) else side for side in padding]


def naive_conv2d(x, w, b, *, stride=1, padding=0, dilation=1, groups=1):
    stride = (stride, stride) if isinstance(stride, int) else stride
    dilation = (dilation, dilation) if isinstance(dilation, int) else dilation
    pads = explicit_pads(x.shape, w.shape, stride, dilation, padding)
    height, width = (
        (n + sum(pad) - gap * (kernel - 1) - 1) // step + 1
        for n, pad, gap, kernel, step in zip(
            x.shape[2:], pads, dilation, w.shape[2:], stride, strict=True
        )
    )
    y = np.empty((x.shape[0], w.shape[0], height, width))
    per_group = w.shape[0] // groups
    for n, o, p, q in np.ndindex(*y.shape):
        y[n, o, p, q] = b[o]
        for c, i, j in np.ndindex(*w.shape[1:]):
            row = p * stride[0] + i * dilation[0] - pads[0][0]
            col = q * stride[1] + j * dilation[1] - pads[1][0]
            if 0 <= row < x.shape[2] and 0 <= col < x.shape[3]:
                channel = o // per_group * w.shape[1] + c
                y[n, o, p, q] += w[o, c, i, j] * x[n, channel, row, col]
    return y


@pytest.mark.parametrize(("x_shape", "w_shape", "options"), CASES)
class TestConv2d:
    @pytest.fixture
    def arrays(self, rng, x_shape, w_shape):
        return (rng.standard_normal(s) for s in (x_shape, w_shape, w_shape[0]))

    def test_equals_the_loops(self, arrays, options):
        x, w, b = arrays
        expected = naive_conv2d(x, w, b, **options)
        np.testing.assert_allclose(reference.conv2d(x, w, b, **options), expected, atol=1e-12)

    def test_equals_pytorch(self, torch, arrays, x_shape, w_shape, options):
        x, w, b = arrays
        options = {"stride": 1, "dilation": 1, "padding": 0, "groups": 1} | options
        tx, tw, tb = (torch.tensor(a, requires_grad=True) for a in (x, w, b))
        stride, dilation = (
            (v, v) if isinstance(v, int) else v for v in (options["stride"], options["dilation"])
        )
        pads = explicit_pads(x_shape, w_shape, stride, dilation, options["padding"])
        padded = torch.nn.functional.pad(tx, (*pads[1], *pads[0]))
        ty = torch.nn.functional.conv2d(
            padded, tw, tb, stride=stride, dilation=dilation, groups=options["groups"]
        )
        y = reference.conv2d(x, w, b, **options)
        np.testing.assert_allclose(y, ty.detach().numpy(), atol=1e-12)
        dy = np.cos(y)
        ty.backward(torch.tensor(dy))
        dx = reference.conv2d_input_grad(dy, w, x.shape, **options)
        dw = reference.conv2d_weight_grad(dy, x, w.shape, **options)
        np.testing.assert_allclose(dx, tx.grad.numpy(), atol=1e-12)
        np.testing.assert_allclose(dw, tw.grad.numpy(), atol=1e-12)
        np.testing.assert_allclose(reference.bias_grad(dy), tb.grad.numpy(), atol=1e-12)

    def test_gradients(self, arrays, options):
        x, w, b = arrays
        dy = np.cos(reference.conv2d(x, w, b, **options))
        dx = reference.conv2d_input_grad(dy, w, x.shape, **options)
        dw = reference.conv2d_weight_grad(dy, x, w.shape, **options)
        db = reference.bias_grad(dy)
        assert_gradient(lambda v: reference.conv2d(v, w, b, **options), x, dy, dx)
        assert_gradient(lambda v: reference.conv2d(x, v, b, **options), w, dy, dw)
        assert_gradient(lambda v: reference.conv2d(x, w, v, **options), b, dy, db)

    def test_gradients_through_the_fused_relu(self, arrays, options):
        x, w, b = arrays

        def forward(x, w, b):
            return reference.conv2d(x, w, b, activation="relu", **options)

        y = forward(x, w, b)
        assert (y == 0).any()
        assert (y > 0).any()
        dy = np.cos(np.arange(y.size)).reshape(y.shape)
        dx = reference.conv2d_input_grad(dy, w, x.shape, y=y, **options)
        dw = reference.conv2d_weight_grad(dy, x, w.shape, y=y, **options)
        db = reference.bias_grad(dy, y=y)
        assert_gradient(lambda v: forward(v, w, b), x, dy, dx)
        assert_gradient(lambda v: forward(x, v, b), w, dy, dw)
        assert_gradient(lambda v: forward(x, w, v), b, dy, db)


def test_conv2d_by_hand():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    w = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    y = reference.conv2d(x, w, np.array([0.5]))
    # 0 + 1*10 + 3*100 + 4*1000, and so on; a flipped kernel would give 13040 first.
    assert y.tolist() == [[[[4310.5, 5421.5], [7643.5, 8754.5]]]]


def test_same_puts_the_odd_pixel_at_the_end():
    x = np.array([[[[1.0, 2.0, 3.0, 4.0]]]])
    y = reference.conv2d(x, np.array([[[[1.0, 10.0]]]]), padding="same")
    assert y.tolist() == [[[[21.0, 32.0, 43.0, 4.0]]]]


def test_same_of_an_empty_image_is_empty():
    y = reference.conv2d(np.zeros((1, 1, 0, 4)), np.ones((1, 1, 3, 3)), padding="same", stride=2)
    assert y.shape == (1, 1, 0, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_conv2d_of_an_empty_batch_and_of_no_channels(dtype):
    x, w = np.zeros((0, 2, 5, 5), dtype), np.ones((3, 2, 3, 3), dtype)
    y = reference.conv2d(x, w)
    assert y.shape == (0, 3, 3, 3)
    assert y.dtype == dtype
    assert reference.conv2d_input_grad(y, w, x.shape).shape == x.shape
    assert not reference.conv2d_weight_grad(y, x, w.shape).any()
    no_channels = reference.conv2d(
        np.zeros((1, 0, 2, 2), dtype), np.zeros((2, 0, 1, 1), dtype), np.array([1, 2], dtype)
    )
    assert no_channels[0, :, 0, 0].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "options", "message"),
    [
        ((2, 5, 5), (3, 2, 3, 3), {}, r"conv2d: x must be \(N, C, H, W\)"),
        ((1, 4, 5, 5), (6, 2, 3, 3), {"groups": 3}, "conv2d: groups must divide"),
        ((1, 4, 5, 5), (6, 4, 3, 3), {"groups": 2}, "conv2d: w must have C_in / groups"),
        ((1, 1, 2, 5), (1, 1, 3, 3), {}, "conv2d: the window must fit"),
        ((1, 1, 5, 5), (1, 1, 3, 3), {"stride": 0}, "conv2d: stride must be at least 1"),
        ((1, 1, 5, 5), (1, 1, 3, 3), {"padding": (0, -1)}, "conv2d: padding must be at least 0"),
        ((1, 1, 5, 5), (1, 1, 3, 3), {"padding": "full"}, "conv2d: padding must be an int"),
        ((1, 1, 5, 5), (1, 1, 3, 3), {"activation": "tanh"}, "conv2d: activation must be"),
    ],
)
def test_conv2d_refuses(x_shape, w_shape, options, message):
    with pytest.raises(ValueError, match=message):
        reference.conv2d(np.zeros(x_shape), np.zeros(w_shape), **options)


@pytest.mark.parametrize("leading", [(5,), (2, 3), (0,)])
def test_linear_and_its_gradients(rng, leading):
    x = rng.standard_normal((*leading, 4))
    w, b = rng.standard_normal((3, 4)), rng.standard_normal(3)
    y = reference.linear(x, w, b)
    np.testing.assert_allclose(y, np.einsum("...i,oi->...o", x, w) + b, atol=1e-12)
    relu_y = reference.linear(x, w, b, activation="relu")
    np.testing.assert_array_equal(relu_y, np.maximum(y, 0))
    dy = rng.standard_normal(y.shape)
    for fused in (None, relu_y):
        name = None if fused is None else "relu"
        dx = reference.linear_input_grad(dy, w, y=fused)
        dw = reference.linear_weight_grad(dy, x, y=fused)
        db = reference.bias_grad(dy, axis=-1, y=fused)
        assert_gradient(lambda v, a=name: reference.linear(v, w, b, activation=a), x, dy, dx)
        assert_gradient(lambda v, a=name: reference.linear(x, v, b, activation=a), w, dy, dw)
        assert_gradient(lambda v, a=name: reference.linear(x, w, v, activation=a), b, dy, db)


def test_relu_keeps_nan_and_its_gradient_is_zero_at_zero():
    x = np.array([-2.0, 0.0, 3.0, np.nan], np.float32)
    y = reference.relu(x)
    np.testing.assert_array_equal(y, np.array([0, 0, 3, np.nan], np.float32))
    dx = reference.relu_grad(np.full(4, 7, np.float32), y)
    assert dx.dtype == np.float32
    assert dx.tolist() == [0, 0, 7, 7]
