"""Looking at the outputs of layers."""

from __future__ import annotations

import numpy as np
from nn_samples import Scale, X

from striate import nn


def test_observe_sees_inference_and_training() -> None:
    net = nn.Sequential({"body": nn.Sequential(nn.ReLU(), Scale()), "tail": Scale()})
    seen: list[tuple[str, str, float]] = []
    other = nn.ReLU()
    with nn.observe(net, lambda path, layer, y: seen.append((path, type(layer).__name__, y[0]))):
        net(np.array([1.0]))
        net.vjp(np.array([10.0]))
        other(np.array([1.0]))
    net(np.array([1.0]))
    expected = [
        ("body.0", "ReLU", 1.0),
        ("body.1", "Scale", 2.0),
        ("body", "Sequential", 2.0),
        ("tail", "Scale", 4.0),
        ("", "Sequential", 4.0),
    ]
    assert seen == expected + [(path, layer, 10 * y) for path, layer, y in expected]


def test_observers_nest() -> None:
    net = nn.Sequential(nn.ReLU())
    seen: list[str] = []
    with (
        nn.observe(net, lambda path, layer, y: seen.append(f"outer {path}")),
        nn.observe(net[0], lambda path, layer, y: seen.append(f"inner {path}")),
    ):
        net(X)
    assert seen == ["outer 0", "inner ", "outer "]
