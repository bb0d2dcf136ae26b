"""Each layer: its op, its arguments, its defaults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from striate import init, nn, reference

RNG = np.random.default_rng(0)
IMAGES = RNG.standard_normal((2, 6, 9, 10))
ROWS = RNG.standard_normal((3, 4, 5))

CONV = {"stride": (2, 1), "padding": ((2, 1), (0, 3)), "dilation": (1, 2), "groups": 3}
POOL = {"stride": (4, 2), "padding": 1, "dilation": (2, 1), "ceil_mode": True}
LRN = {"alpha": 1.0, "beta": 0.6, "k": 2.0, "convention": "paper"}


def random_bias() -> init.Initializer:
    return init.normal(std=1.0)


@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("bias", [True, False])
def test_conv2d(activation: Any, bias: bool) -> None:
    conv = nn.Conv2d(
        *(6, 9, (3, 2), *CONV.values(), bias),
        activation=activation,
        bias_init=random_bias(),
        dtype="float64",
    )
    b = conv.bias.data if conv.bias is not None else None
    assert (b is not None) == bias
    expected = reference.conv2d(IMAGES, conv.weight.data, b, **CONV, activation=activation)  # type: ignore[arg-type]
    np.testing.assert_allclose(conv(IMAGES), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(conv.vjp(IMAGES)[0], expected, rtol=1e-12, atol=1e-12)

    y, pullback = conv.vjp(IMAGES)
    dy = RNG.standard_normal(y.shape)
    dx = pullback(dy)
    mask = y if activation else None
    w, shape = conv.weight.data, IMAGES.shape
    np.testing.assert_allclose(
        dx,
        reference.conv2d_input_grad(dy, w, shape, **CONV, y=mask),  # type: ignore[arg-type]
        rtol=1e-12,
        atol=1e-12,
    )
    assert conv.weight.grad is not None
    np.testing.assert_allclose(
        conv.weight.grad,
        reference.conv2d_weight_grad(dy, IMAGES, w.shape, **CONV, y=mask),  # type: ignore[arg-type]
        rtol=1e-11,
        atol=1e-11,
    )
    if conv.bias is not None:
        assert conv.bias.grad is not None
        np.testing.assert_allclose(conv.bias.grad, reference.bias_grad(dy, y=mask), rtol=1e-11)


@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(activation: Any, bias: bool) -> None:
    layer = nn.Linear(5, 7, bias, activation=activation, bias_init=random_bias(), dtype="float64")
    b = layer.bias.data if layer.bias is not None else None
    assert (b is not None) == bias
    w = layer.weight.data
    expected = reference.linear(ROWS, w, b, activation=activation)
    np.testing.assert_allclose(layer(ROWS), expected, rtol=1e-12, atol=1e-12)

    y, pullback = layer.vjp(ROWS)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    dy = RNG.standard_normal(y.shape)
    mask = y if activation else None
    dx = pullback(dy)
    np.testing.assert_allclose(
        dx, reference.linear_input_grad(dy, w, y=mask), rtol=1e-12, atol=1e-12
    )
    assert layer.weight.grad is not None
    np.testing.assert_allclose(
        layer.weight.grad,
        reference.linear_weight_grad(dy, ROWS, y=mask),
        rtol=1e-11,
        atol=1e-12,
    )
    if layer.bias is not None:
        assert layer.bias.grad is not None
        np.testing.assert_allclose(
            layer.bias.grad, reference.bias_grad(dy, axis=-1, y=mask), rtol=1e-11, atol=1e-12
        )


def test_max_pool2d() -> None:
    layer = nn.MaxPool2d((3, 2), (4, 2), 1, (2, 1), ceil_mode=True)
    expected, indices = reference.max_pool2d_with_indices(IMAGES, (3, 2), **POOL)  # type: ignore[arg-type]
    assert (layer(IMAGES) == expected).all()
    y, pullback = layer.vjp(IMAGES)
    assert (y == expected).all()
    dy = RNG.standard_normal(y.shape)
    np.testing.assert_allclose(
        pullback(dy), reference.max_pool2d_grad(dy, indices, IMAGES.shape), rtol=1e-12
    )
    assert nn.MaxPool2d(3)(IMAGES).shape == (2, 6, 3, 3)


def test_local_response_norm() -> None:
    layer = nn.LocalResponseNorm(4, 1.0, 0.6, 2.0, convention="paper")
    expected = reference.local_response_norm(IMAGES, 4, **LRN)  # type: ignore[arg-type]
    np.testing.assert_allclose(layer(IMAGES), expected, rtol=1e-12)
    y, pullback = layer.vjp(IMAGES)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    dy = RNG.standard_normal(y.shape)
    np.testing.assert_allclose(
        pullback(dy),
        reference.local_response_norm_grad(dy, IMAGES, 4, **LRN),  # type: ignore[arg-type]
        rtol=1e-11,
        atol=1e-12,
    )
    with pytest.raises(ValueError, match="region"):
        nn.LocalResponseNorm(5, region="nowhere")(IMAGES)  # type: ignore[arg-type]


def test_relu() -> None:
    x = np.array([-1.0, 0.0, 2.0, np.nan])
    y, pullback = nn.ReLU().vjp(x)
    np.testing.assert_array_equal(y, [0, 0, 2, np.nan])
    np.testing.assert_array_equal(nn.ReLU()(x), y)
    np.testing.assert_array_equal(pullback(np.full(4, 5.0)), [0, 0, 5, 5])


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_dropout(p: float) -> None:
    layer, x = nn.Dropout(p, rng=3), np.ones((100, 101))
    assert layer(x) is x
    y, pullback = layer.vjp(x)
    assert set(np.unique(y)) <= {0.0, 1 / (1 - p) if p < 1 else 0.0}
    assert (y == 0).mean() == pytest.approx(p, abs=0.02)
    assert (pullback(np.full_like(x, 2.0)) == 2 * y).all()
    y, pullback = layer.vjp(x, train=False)
    assert y is x
    assert pullback(x) is x


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_dropout_probability(p: float) -> None:
    with pytest.raises(ValueError, match=r"Dropout: p must be in \[0, 1\]\. Got p="):
        nn.Dropout(p)


@pytest.mark.parametrize(
    ("start", "end", "shape"),
    [(1, -1, (2, 540)), (0, -1, (1080,)), (1, 2, (2, 54, 10)), (-2, -1, (2, 6, 90)), (2, 2, None)],
)
def test_flatten(start: int, end: int, shape: tuple[int, ...] | None) -> None:
    layer = nn.Flatten(start, end)
    y, pullback = layer.vjp(IMAGES)
    assert y.shape == layer(IMAGES).shape == (shape or IMAGES.shape)
    assert (y.ravel() == IMAGES.ravel()).all()
    dx = pullback(y)
    assert (dx == IMAGES).all()


def test_flatten_takes_any_strides_and_no_samples() -> None:
    x = IMAGES.transpose(0, 3, 1, 2)
    assert (nn.Flatten()(x) == x.reshape(2, -1)).all()
    assert nn.Flatten()(np.zeros((0, 3, 4))).shape == (0, 12)


@pytest.mark.parametrize(("start", "end"), [(1, -1), (0, 2), (-3, 0), (1, 0)])
def test_flatten_without_such_axes(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=r"Flatten: x must have the axes .* Got shape \(5,\)"):
        nn.Flatten(start, end)(np.zeros(5))


def test_empty_batches() -> None:
    net = nn.Sequential(
        nn.Conv2d(6, 4, 3, activation="relu"),
        nn.LocalResponseNorm(5),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(36, 2),
    )
    x = np.zeros((0, 6, 9, 9), np.float32)
    assert net(x).shape == (0, 2)
    y, pullback = net.vjp(x)
    assert pullback(y).shape == x.shape
    assert all(p.grad is not None and (p.grad == 0).all() for p in net.parameters())


# -- constructors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(64, 6, 3, groups=3), "Conv2d: groups must divide .* in_channels=64"),
        (lambda: nn.Conv2d(6, 64, 3, groups=3), "Conv2d: groups must divide .* out_channels=64"),
        (lambda: nn.Conv2d(0, 6, 3), "Conv2d: in_channels must be a positive int. Got .*=0"),
        (lambda: nn.Conv2d(3, -6, 3), "Conv2d: out_channels must be a positive int"),
        (lambda: nn.Conv2d(3, 6, 3, groups=0), "Conv2d: groups must be a positive int"),
        (lambda: nn.Conv2d(3, 6, (3, 0)), "Conv2d: kernel_width must be a positive int"),
        (lambda: nn.Conv2d(3, 6, 2.5), "Conv2d: kernel_height must be a positive int. Got .*=2.5"),
        (lambda: nn.Conv2d(3, 6, (3, 3, 3)), "Conv2d: kernel_size must be an int or"),
        (lambda: nn.Linear(0, 3), "Linear: in_features must be a positive int"),
        (lambda: nn.Linear(3, True), "Linear: out_features must be a positive int"),
    ],
)
def test_constructor_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_numpy_integers_are_integers() -> None:
    conv = nn.Conv2d(np.int64(2), np.int32(4), np.int64(3))  # type: ignore[arg-type]
    assert conv.weight.shape == (4, 2, 3, 3)


@pytest.mark.parametrize(
    "make", [lambda **o: nn.Conv2d(8, 8, 5, **o), lambda **o: nn.Linear(9, 9, **o)]
)
def test_default_initialisation(make: Any) -> None:
    for activation, default in ((None, init.xavier_normal()), ("relu", init.kaiming_normal())):
        layer, explicit = make(activation=activation), make(weight_init=default)
        assert (layer.weight.data == explicit.weight.data).all()
        assert (layer.bias.data == 0).all()
        assert layer.weight.dtype == np.float32
    layer = make(weight_init=init.ones(), bias_init=init.constant(0.5), dtype="float64")
    assert (layer.weight.data == 1).all()
    assert (layer.bias.data == 0.5).all()
    assert layer.weight.dtype == layer.bias.dtype == np.float64


def test_repr() -> None:
    assert repr(nn.Conv2d(3, 8, 3, 2, bias=False)) == (
        "Conv2d(3, 8, (3, 3), stride=2, padding=0, dilation=1, groups=1, bias=False, "
        "activation=None)"
    )
    assert repr(nn.Linear(3, 8, activation="relu")) == "Linear(3, 8, bias=True, activation='relu')"
    assert repr(nn.MaxPool2d(2)) == (
        "MaxPool2d(2, stride=None, padding=0, dilation=1, ceil_mode=False)"
    )
    assert repr(nn.LocalResponseNorm(5)) == (
        "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=1.0, region='across', convention='torch')"
    )
