"""What the tests of `striate.nn` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from striate import nn


class Scale(nn.Module):
    """A custom layer whose pullback takes dy alone."""

    def __init__(self, gain: float = 2.0) -> None:
        self.gain = nn.Parameter(np.array([gain]))

    def forward(self, x: Any) -> Any:
        return x * self.gain.data

    def vjp(self, x: Any) -> Any:
        def pullback(dy: Any) -> Any:
            self.gain.add_grad(np.sum(dy * x, keepdims=True).reshape(1))
            return dy * self.gain.data

        return self.forward(x), pullback


class Branches(nn.Module):
    """A custom layer of layers, with a pullback that knows no options either."""

    def __init__(self, features: int, rng: int = 0) -> None:
        self.left = nn.Linear(features, features, activation="relu", rng=rng, dtype="float64")
        self.right = Scale(0.5)

    def forward(self, x: Any) -> Any:
        return self.left(x) + self.right(x)

    def vjp(self, x: Any) -> Any:
        (a, left), (b, right) = self.left.vjp(x), self.right.vjp(x)
        return a + b, lambda dy: left(dy) + right(dy)


def small_net() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 8, 3, padding="same", activation="relu"),
        nn.LocalResponseNorm(3, alpha=1.0),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(8, 6, (3, 2), stride=(1, 2), padding=((1, 0), (0, 1)), groups=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(6 * 2 * 2, 7, activation="relu"),
        Branches(7),
        nn.Linear(7, 5, bias=False),
        rng=1,
    ).astype("float64")


X = np.random.default_rng(0).standard_normal((3, 2, 8, 8))
LABELS = np.array([0, 4, 2])


def slope(value: Callable[[], float], array: Any, direction: Any, eps: float = 1e-6) -> float:
    """The central difference along `direction` in `array`, which is changed in place."""
    kept = array.copy()
    array[...] = kept + eps * direction
    up = value()
    array[...] = kept - eps * direction
    down = value()
    array[...] = kept
    return (up - down) / (2 * eps)


def check_gradients(layer: nn.Module, *inputs: Any, train: bool = True) -> None:
    """Compare all gradients of a float64 layer with finite differences."""
    rng = np.random.default_rng(3)
    given = [x.copy() for x in inputs]
    for p in layer.parameters():
        p.data = p.data + 0.1 * rng.standard_normal(p.shape)
        p.grad = None
    state = layer.train_state()
    y, pullback = layer.vjp(*given, train=train)
    ys = y if isinstance(y, tuple) else (y,)
    dys = [np.asarray(rng.standard_normal(part.shape)) for part in ys]
    dxs = pullback(*dys)
    dxs = dxs if isinstance(dxs, tuple) else (dxs,)

    def value() -> float:
        layer.load_train_state(state)
        y, _ = layer.vjp(*given, train=train)
        ys = y if isinstance(y, tuple) else (y,)
        return float(sum((dy * part).sum() for dy, part in zip(dys, ys, strict=True)))

    checked = {f"input {i}": pair for i, pair in enumerate(zip(given, dxs, strict=True))}
    checked |= {name: (p.data, p.grad) for name, p in layer.named_parameters()}
    for name, (array, grad) in checked.items():
        assert grad is not None, name
        assert grad.shape == array.shape, name
        for _ in range(3):
            direction = rng.standard_normal(array.shape)
            expected = slope(value, array, direction)
            got = (grad * direction).sum()
            assert abs(got - expected) <= 1e-6 * (1 + abs(expected) + array.size**0.5), name
