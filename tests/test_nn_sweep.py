"""Which ops a training pass calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nn_samples import X, small_net

from striate import nn, ops


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the ops that were called."""
    seen: list[str] = []

    def counted(name: str, op: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            seen.append(name)
            return op(*args, **named)

        return call

    for name in ops.__all__:
        monkeypatch.setattr(ops, name, counted(name, getattr(ops, name)))
    return seen


def test_a_layer_may_hand_on_another_s_pullback(calls: list[str]) -> None:
    class Wrapper(nn.Module):
        def __init__(self) -> None:
            self.inner = nn.Linear(3, 3, dtype="float64")

        def forward(self, x: Any) -> Any:
            return self.inner(x)

        def vjp(self, x: Any) -> Any:
            return self.inner.vjp(x)

    layer = Wrapper()
    y, pullback = layer.vjp(np.ones((2, 3)))
    pullback(y, input_grad=False)
    assert calls == ["linear", "linear_weight_grad", "bias_grad"]
    with pytest.raises(RuntimeError, match="runs once"):
        pullback(y)


def test_a_linear_layer_computes_what_is_wanted(calls: list[str]) -> None:
    layer, x = nn.Linear(3, 3, dtype="float64"), np.ones((2, 3))

    def ops_of_pullback(**options: Any) -> list[str]:
        y, pullback = layer.vjp(x)
        calls.clear()
        pullback(y, **options)
        return calls.copy()

    assert ops_of_pullback(param_grad=False) == ["linear_input_grad"]
    assert ops_of_pullback(input_grad=False) == ["linear_weight_grad", "bias_grad"]
    layer.weight.trainable = False
    assert ops_of_pullback() == ["bias_grad", "add", "linear_input_grad"]


def layers_with_one_learner(learner: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        nn.MaxPool2d(2), nn.ReLU(), learner, nn.LocalResponseNorm(3), nn.ReLU(), rng=0
    ).astype("float64")


def test_the_sweep_stops_at_the_first_layer_that_learns(calls: list[str]) -> None:
    net = layers_with_one_learner(nn.Conv2d(2, 4, 3))
    y, pullback = net.vjp(X)
    calls.clear()
    pullback(y, input_grad=False)
    assert calls == ["relu_grad", "local_response_norm_grad", "conv2d_weight_grad", "bias_grad"]


def test_no_gradient_is_computed_for_frozen_parameters(calls: list[str]) -> None:
    net = layers_with_one_learner(nn.Conv2d(2, 4, 3))
    net[2].weight.trainable = False
    y, pullback = net.vjp(X)
    calls.clear()
    pullback(y, input_grad=False)
    assert calls == ["relu_grad", "local_response_norm_grad", "bias_grad"]
    assert net[2].weight.grad is None

    net[2].bias.trainable = False
    y, pullback = net.vjp(X)
    calls.clear()
    pullback(y, input_grad=False)
    assert calls == []


def test_only_what_dx_needs_without_param_grad(calls: list[str]) -> None:
    net = layers_with_one_learner(nn.Conv2d(2, 4, 3, activation="relu"))
    y, pullback = net.vjp(X)
    calls.clear()
    pullback(y, param_grad=False)
    assert "conv2d_weight_grad" not in calls
    assert "bias_grad" not in calls
    assert calls[-3:] == ["conv2d_input_grad", "relu_grad", "max_pool2d_grad"]

    y, pullback = net.vjp(X)
    calls.clear()
    assert pullback(y, param_grad=False, input_grad=False) is None
    assert calls == []


def test_fused_relu_takes_no_op_of_its_own(calls: list[str]) -> None:
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, activation="relu"),
        nn.Flatten(),
        nn.Linear(144, 2, activation="relu"),
        rng=0,
    ).astype("float64")
    y, pullback = net.vjp(X)
    pullback(y)
    assert calls == [
        *("conv2d", "linear", "linear_weight_grad", "bias_grad", "linear_input_grad"),
        *("conv2d_weight_grad", "bias_grad", "conv2d_input_grad"),
    ]


def test_inference_keeps_no_indices(calls: list[str]) -> None:
    nn.MaxPool2d(2)(X)
    assert calls == ["max_pool2d"]


def test_inputs_are_not_written_to() -> None:
    net, x = small_net(), X.copy()
    x.flags.writeable = False
    net(x)
    y, pullback = net.vjp(x)
    dy = np.ones_like(y)
    dy.flags.writeable = False
    pullback(dy)
    assert (x == X).all()
