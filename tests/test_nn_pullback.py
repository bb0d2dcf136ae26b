"""What pullbacks promise: once, of unchanged parameters, adding up."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nn_samples import Scale, X, small_net

from striate import nn


def test_runs_once() -> None:
    net = small_net()
    y, pullback = net.vjp(X)
    pullback(y)
    before = {name: p.grad for name, p in net.named_parameters()}
    with pytest.raises(RuntimeError, match="pullback: runs once"):
        pullback(y)
    assert all(p.grad is before[name] for name, p in net.named_parameters())


def test_custom_layers_return_pullbacks_too() -> None:
    layer = Scale()
    y, pullback = layer.vjp(X)
    assert isinstance(pullback, nn.Pullback)
    pullback(y)
    with pytest.raises(RuntimeError, match="runs once"):
        pullback(y)


@pytest.mark.parametrize("input_grad", [True, False])
def test_what_it_kept_is_freed(input_grad: bool) -> None:
    class Keeper(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.copy()

        def vjp(self, x: Any) -> Any:
            kept.append(weakref.ref(x))
            return x.copy(), lambda dy, x=x: dy

    kept: list[Any] = []
    net = nn.Sequential(Keeper(), Scale(), Keeper(), Scale())
    gc.disable()  # without cycles, nothing waits for the collector
    try:
        y, pullback = net.vjp(X.copy())
        assert all(ref() is not None for ref in kept)
        pullback(y, input_grad=input_grad)
        assert all(ref() is None for ref in kept)
    finally:
        gc.enable()


def test_each_layer_is_freed_before_the_one_below_runs() -> None:
    class Keeper(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.copy()

        def vjp(self, x: Any) -> Any:
            kept.append(weakref.ref(x))
            place = len(kept)

            def pullback(dy: Any, x: Any = x) -> Any:
                assert all(ref() is None for ref in kept[place:])
                return dy

            return x.copy(), pullback

    kept: list[Any] = []
    y, pullback = nn.Sequential(Keeper(), Keeper(), Keeper()).vjp(X.copy())
    pullback(y)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: setattr(p, "data", p.data),
        lambda p: p.astype("float32"),
        lambda p: p.reset(),
        lambda p: setattr(p, "version", p.version + 1),
    ],
)
def test_changed_parameters_are_noticed(change: Callable[[nn.Parameter], None]) -> None:
    net = small_net()
    y, pullback = net.vjp(X)
    change(net[3].bias)
    with pytest.raises(RuntimeError, match=r"pullback: parameter '3\.bias' has changed since vjp"):
        pullback(y)
    assert all(p.grad is None for p in net.parameters())


def test_loading_is_noticed() -> None:
    net = small_net()
    y, pullback = net.vjp(X)
    net.load_state_dict(net.state_dict())
    with pytest.raises(RuntimeError, match="has changed since vjp"):
        pullback(y)


@pytest.mark.parametrize("dy", [np.ones((3, 4)), np.ones(5), np.ones((3, 5, 1)), 1.0])
def test_gradient_of_another_shape(dy: Any) -> None:
    y, pullback = small_net().vjp(X)
    with pytest.raises(
        ValueError, match=r"pullback: dy must have the output's shape. Got .*\(3, 5\)"
    ):
        pullback(dy)
    pullback(np.ones_like(y))  # nothing was used up


def test_vjp_of_the_wrong_form() -> None:
    class OnlyForward(nn.Module):
        def forward(self, x: Any) -> Any:
            return x

    with pytest.raises(NotImplementedError, match=r"OnlyForward has no vjp\(\)"):
        nn.Sequential(OnlyForward()).vjp(X)
    with pytest.raises(NotImplementedError, match=r"Module has no forward\(\)"):
        nn.Module()(X)


# -- shared parameters, several passes


def test_shared_layer_adds_up() -> None:
    layer = nn.Linear(4, 4, rng=0, dtype="float64")
    net = nn.Sequential(layer, nn.ReLU(), layer)
    assert len(list(net.parameters())) == 2
    x = np.random.default_rng(0).standard_normal((3, 4))
    y, pullback = net.vjp(x)
    dx = pullback(np.ones_like(y))

    twin = nn.Sequential(
        nn.Linear(4, 4, dtype="float64"), nn.ReLU(), nn.Linear(4, 4, dtype="float64")
    )
    for other in (twin[0], twin[2]):
        other.load_state_dict(layer.state_dict())
    y, pullback = twin.vjp(x)
    assert (pullback(np.ones_like(y)) == dx).all()
    assert (layer.weight.grad == twin[0].weight.grad + twin[2].weight.grad).all()
    assert (layer.bias.grad == twin[0].bias.grad + twin[2].bias.grad).all()


def test_passes_add_up_and_never_write_into_what_was_handed_over() -> None:
    class Shift(nn.Module):
        """Hands dy itself over as the gradient, and returns it as well."""

        def __init__(self) -> None:
            self.shift = nn.Parameter(np.zeros((2, 2)))

        def forward(self, x: Any) -> Any:
            return x + self.shift.data

        def vjp(self, x: Any) -> Any:
            def pullback(dy: Any) -> Any:
                self.shift.add_grad(dy)
                return dy

            return self.forward(x), pullback

    layer, dys = Shift(), [np.full((2, 2), float(i)) for i in range(1, 5)]
    for dy in dys:
        layer.vjp(np.zeros((2, 2)))[1](dy)
    assert (layer.shift.grad == 10).all()
    assert [dy[0, 0] for dy in dys] == [1, 2, 3, 4]
    # Nor into an array that the user has set.
    mine = np.ones((2, 2))
    layer.shift.grad = mine
    layer.vjp(np.zeros((2, 2)))[1](dys[0])
    assert (mine == 1).all()
    assert (layer.shift.grad == 2).all()


@pytest.mark.parametrize(
    "grad", [np.zeros((2,)), np.zeros((1, 2)), np.zeros((), np.float32), np.zeros((2, 2), "f4")]
)
def test_gradients_must_fit(grad: Any) -> None:
    p = nn.Parameter(np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"Parameter.add_grad: (shape|dtype) must be"):
        p.add_grad(grad)
    with pytest.raises(ValueError, match=r"Parameter.grad: (shape|dtype) must be"):
        p.grad = grad
