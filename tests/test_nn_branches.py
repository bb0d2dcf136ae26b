"""Layers of activations and the containers of layers side by side, by finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from striate import nn

RNG = np.random.default_rng(3)
X = RNG.standard_normal((2, 4, 5, 5))


def conv(channels: int, *, seed: int = 0, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(4, channels, 3, padding=1, rng=seed, dtype="float64", **options)


NETS: dict[str, Callable[[], nn.Module]] = {
    "LeakyReLU": lambda: nn.LeakyReLU(0.3),
    "ELU": lambda: nn.ELU(1.5),
    "Sigmoid": nn.Sigmoid,
    "Tanh": nn.Tanh,
    "Softmax": lambda: nn.Softmax(1),
    "identity": lambda: nn.Residual(conv(4)),
    "relu": lambda: nn.Residual(conv(4), activation="relu"),
    "projection": lambda: nn.Residual(conv(6), conv(6, seed=1), activation="relu"),
    "nested": lambda: nn.Residual(nn.Sequential(nn.Residual(conv(4)), nn.Tanh(), conv(4, seed=2))),
    "concat": lambda: nn.Concat(conv(3), nn.Sequential(conv(4, seed=1), nn.ELU()), nn.Sigmoid()),
    "one branch": lambda: nn.Concat(conv(3)),
    "rows": lambda: nn.Concat(conv(3), conv(3, seed=1), axis=-2),
}


@pytest.mark.parametrize("name", NETS)
def test_gradients(name: str) -> None:
    net = NETS[name]()
    y, pullback = net.vjp(X)
    assert net(X).tobytes() == y.tobytes()
    dy, direction = RNG.standard_normal(y.shape), RNG.standard_normal(X.shape)
    kept = dy.copy()
    dx = pullback(dy)
    assert dy.tobytes() == kept.tobytes()
    step = 1e-6
    slope = np.sum(dy * (net(X + step * direction) - net(X - step * direction))) / (2 * step)
    assert np.sum(dx * direction) == pytest.approx(slope, rel=1e-6, abs=1e-6)
    for p in net.parameters():
        moved = RNG.standard_normal(p.shape)
        data = p.data.copy()
        assert p.grad is not None
        slope_of_grad = np.sum(p.grad * moved)
        p.data = data + step * moved
        rise = net(X)
        p.data = data - step * moved
        slope = np.sum(dy * (rise - net(X))) / (2 * step)
        p.data = data
        assert slope_of_grad == pytest.approx(slope, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", ["projection", "concat", "nested"])
def test_without_the_inputs_gradient(name: str) -> None:
    whole, part = NETS[name](), NETS[name]()
    y, pullback = whole.vjp(X)
    pullback(y)
    y, pullback = part.vjp(X)
    assert pullback(y, input_grad=False) is None
    for a, b in zip(whole.parameters(), part.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert a.grad.tobytes() == b.grad.tobytes()


def test_parts_are_found() -> None:
    net = nn.Sequential(nn.Residual(conv(4), conv(4)), nn.Concat(conv(1), conv(2)), rng=0)
    assert [name for name, _ in net.named_parameters()] == [
        f"{path}.{kind}"
        for path in ("0.body", "0.shortcut", "1.0", "1.1")
        for kind in ("weight", "bias")
    ]


def test_training_is_passed_on() -> None:
    x = np.ones((1, 100))
    for net in (nn.Residual(nn.Dropout(0.5, rng=0)), nn.Concat(nn.Dropout(0.5, rng=0))):
        assert (net.vjp(x)[0] != net(x)).any()
        assert (net.vjp(x, train=False)[0] == net(x)).all()


def test_a_parameter_used_twice_gets_both_gradients() -> None:
    shared = conv(4)
    y, pullback = nn.Residual(shared, shared).vjp(X)
    pullback(y)
    twice, shared.weight.grad = shared.weight.grad, None
    _, pullback = shared.vjp(X)
    pullback(y)
    assert twice is not None
    assert shared.weight.grad is not None
    np.testing.assert_allclose(twice, 2 * shared.weight.grad, rtol=1e-12)


def test_errors() -> None:
    with pytest.raises(ValueError, match="Concat: needs at least one branch"):
        nn.Concat()
    with pytest.raises(TypeError, match="Concat: branches must be modules"):
        nn.Concat(1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"add: .* nothing is broadcast"):
        nn.Residual(nn.Conv2d(4, 1, 1, rng=0, dtype="float64"))(X)
