"""Small nets: separable convolutions, squeeze-and-excitation; and dropout of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nn_samples import check_gradients

from striate import nn, reference

X = np.random.default_rng(0).standard_normal((2, 6, 5, 4))


@pytest.mark.parametrize("activation", [None, "relu"])
def test_depthwise_separable(activation: Any) -> None:
    net = nn.DepthwiseSeparableConv2d(
        6, 4, 3, 2, 1, depth_multiplier=2, activation=activation, rng=0, dtype="float64"
    )
    middle = reference.conv2d(
        X, net.depthwise.weight.data, net.depthwise.bias.data, stride=2, padding=1, groups=6
    )
    expected = reference.conv2d(
        middle, net.pointwise.weight.data, net.pointwise.bias.data, activation=activation
    )
    np.testing.assert_allclose(net(X), expected, rtol=1e-12, atol=1e-13)
    assert net.depthwise.weight.shape == (12, 1, 3, 3)
    check_gradients(net, X)
    with pytest.raises(ValueError, match="DepthwiseSeparableConv2d: depth_multiplier"):
        nn.DepthwiseSeparableConv2d(6, 4, 3, depth_multiplier=0)


def test_squeeze_excite() -> None:
    net = nn.SqueezeExcite(6, 3, rng=0, dtype="float64")
    means = X.mean((2, 3))
    hidden = np.maximum(means @ net.fc1.weight.data.T + net.fc1.bias.data, 0)
    scale = reference.sigmoid(hidden @ net.fc2.weight.data.T + net.fc2.bias.data)
    np.testing.assert_allclose(net(X), X * scale[:, :, None, None], rtol=1e-12)
    check_gradients(net, X)
    y, pullback = net.vjp(X)
    assert pullback(y, input_grad=False) is None
    assert nn.SqueezeExcite(6).fc1.out_features == 1
    with pytest.raises(ValueError, match=r"SqueezeExcite: x must have shape \(N, 6, H, W\)"):
        net(X[:, :5])


def test_squeeze_excite_with_another_gate() -> None:
    check_gradients(nn.SqueezeExcite(6, 2, nn.Softplus(), rng=0, dtype="float64"), X)


def test_dropout2d_drops_channels() -> None:
    layer = nn.Dropout2d(0.5, rng=0)
    x = np.ones((50, 40, 3, 2), np.float32)
    assert layer(x) is x
    y, pullback = layer.vjp(x)
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y == y[:, :, :1, :1]).all()
    assert 0.45 < y[:, :, 0, 0].mean() / 2 < 0.55
    assert (pullback(np.ones_like(x)) == y).all()
    assert (layer.vjp(x)[0] != y).any()
    assert layer.train_state()["offset"] == 2 * 50 * 40 // 4


def test_dropout2d_follows_the_rule_of_dropout() -> None:
    layer = nn.Dropout2d(0.3, rng=4)
    x = np.random.default_rng(1).standard_normal((3, 5, 2, 2))
    seed = layer.train_state()["seed"]
    mask = reference.dropout(np.ones((3, 5)), 0.3, seed=seed)
    np.testing.assert_array_equal(layer.vjp(x)[0], x * mask[:, :, None, None])
    check_gradients(nn.Dropout2d(0.3, rng=4), x)
    assert layer.vjp(x, train=False)[0] is x


def test_dropout2d_refuses() -> None:
    with pytest.raises(ValueError, match=r"Dropout2d: x must have axes \(N, C, ...\)"):
        nn.Dropout2d().vjp(np.ones(3))
    with pytest.raises(ValueError, match=r"Dropout2d: p must be in \[0, 1\]"):
        nn.Dropout2d(2)
