"""Gradients, and the options of pullbacks."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from nn_samples import LABELS, Scale, X, slope, small_net

from striate import losses, nn


class Product(nn.Module):
    """Two inputs and two outputs."""

    def __init__(self) -> None:
        self.gain = nn.Parameter(np.array(3.0))

    def forward(self, a: Any, b: Any) -> Any:
        return self.gain.data * a * b, a + b

    def vjp(self, a: Any, b: Any) -> Any:
        g = self.gain.data

        def pullback(dp: Any, ds: Any) -> Any:
            dp = np.zeros_like(a) if dp is None else dp
            ds = np.zeros_like(a) if ds is None else ds
            self.gain.add_grad(np.asarray((dp * a * b).sum()))
            return g * dp * b + ds, g * dp * a + ds

        return self.forward(a, b), pullback


class Total(nn.Module):
    def forward(self, a: Any, b: Any) -> Any:
        return a + 2 * b

    def vjp(self, a: Any, b: Any) -> Any:
        return self.forward(a, b), lambda dy: (dy, 2 * dy)


def loss_of(net: nn.Module, x: Any, train: bool) -> float:
    """The loss, with dropout's state put back, so that every call has the same mask."""
    state = net.train_state()
    y, _ = net.vjp(x, train=train)
    net.load_train_state(state)
    return float(losses.cross_entropy(y, LABELS)[0])


@pytest.mark.parametrize("train", [True, False])
def test_gradients_match_finite_differences(train: bool) -> None:
    net, x, rng = small_net(), X.copy(), np.random.default_rng(1)
    for p in net.parameters():  # biases too must matter
        p.data = p.data + 0.1 * rng.standard_normal(p.shape)
    state = net.train_state()
    y, pullback = net.vjp(x, train=train)
    _, dy = losses.cross_entropy(y, LABELS)
    dx = pullback(dy)
    net.load_train_state(state)

    def value() -> float:
        return loss_of(net, x, train)

    checked = {"x": (x, dx)}
    checked |= {name: (p.data, p.grad) for name, p in net.named_parameters()}
    assert len(checked) == 1 + 4 + 2 + 3 + 1
    for name, (array, grad) in checked.items():
        for _ in range(3):
            direction = rng.standard_normal(array.shape)
            expected = slope(value, array, direction)
            assert abs(expected) > 1e-6, name
            assert (grad * direction).sum() == pytest.approx(expected, rel=1e-6, abs=1e-9), name


def test_train_false_is_inference() -> None:
    net = small_net()
    state = net.train_state()
    y, _ = net.vjp(X, train=False)
    assert (y == net(X)).all()
    assert net.train_state() == state
    y, _ = net.vjp(X)
    assert (y != net(X)).any()
    assert net.train_state() != state


# -- the options


def gradients(net: nn.Module, **options: Any) -> tuple[Any, Any, dict[str, Any]]:
    """dx, the output and each `.grad` after one pass."""
    for p in net.parameters():
        p.grad = None
    y, pullback = net.vjp(X, train=False)
    dx = pullback(np.ones_like(y), **options)
    return dx, y, {name: p.grad for name, p in net.named_parameters()}


def test_without_input_grad() -> None:
    net = small_net()
    _, _, full = gradients(net)
    dx, _, some = gradients(net, input_grad=False)
    assert dx is None
    assert all((full[name] == some[name]).all() for name in full)


def test_without_param_grad() -> None:
    net = small_net()
    full, _, _ = gradients(net)
    dx, _, grads = gradients(net, param_grad=False)
    assert (dx == full).all()
    assert set(grads.values()) == {None}


def test_into_a_dict() -> None:
    net = small_net()
    full_dx, _, full = gradients(net)
    into: dict[nn.Parameter, Any] = {}
    dx, _, grads = gradients(net, grads=into)
    assert (dx == full_dx).all()
    assert set(grads.values()) == {None}
    assert set(into) == set(net.parameters())
    assert all((into[p] == full[name]).all() for name, p in net.named_parameters())
    # A second pass adds up.
    gradients(net, grads=into)
    for name, p in net.named_parameters():
        np.testing.assert_allclose(into[p], 2 * full[name])


def test_dict_and_no_gradients_contradict() -> None:
    _, pullback = small_net().vjp(X)
    with pytest.raises(ValueError, match="grads has no use with param_grad=False"):
        pullback(np.ones((3, 5)), grads={}, param_grad=False)


def test_threads_with_a_dict_each() -> None:
    net = small_net()
    _, _, expected = gradients(net)
    dicts: list[dict[nn.Parameter, Any]] = [{} for _ in range(4)]
    threads = [threading.Thread(target=lambda d=d: gradients(net, grads=d) and None) for d in dicts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for d in dicts:
        assert all((d[p] == expected[name]).all() for name, p in net.named_parameters())


def test_options_reach_custom_layers_by_keyword() -> None:
    asked: list[bool] = []

    class Probe(nn.Module):
        def forward(self, x: Any) -> Any:
            return x

        def vjp(self, x: Any, *, train: bool = True) -> Any:
            def pullback(dy: Any, *, input_grad: bool) -> Any:
                asked.append(input_grad)
                return dy if input_grad else None

            asked.append(train)
            return x, pullback

    net = nn.Sequential(Scale(), Probe(), Scale())
    y, pullback = net.vjp(X, train=False)
    pullback(y, input_grad=False)
    y, pullback = nn.Sequential(Probe()).vjp(X)
    pullback(y)
    y, pullback = Probe().vjp(X)
    assert pullback(y, input_grad=False) is None
    assert asked == [False, True, True, True, True, False]


# -- several inputs and outputs


def test_several_inputs_and_outputs() -> None:
    a, b = np.arange(3.0), np.array([5.0, 6.0, 7.0])
    layer = Product()
    (p, s), pullback = layer.vjp(a, b)
    assert (p == 3 * a * b).all()
    assert (s == a + b).all()
    da, db = pullback(np.ones(3), None)
    assert (da == 3 * b).all()
    assert (db == 3 * a).all()
    assert layer.gain.grad == (a * b).sum()

    _, pullback = layer.vjp(a, b)
    with pytest.raises(ValueError, match=r"takes one gradient per output\. Got 1 for 2 outputs"):
        pullback(np.ones(3))
    with pytest.raises(ValueError, match="at least one gradient must not be None"):
        pullback(None, None)


def test_several_inputs_through_a_sequential() -> None:
    a, b = np.arange(3.0), np.array([5.0, 6.0, 7.0])
    net = nn.Sequential(Product(), Total())
    assert (net(a, b) == 3 * a * b + 2 * (a + b)).all()
    y, pullback = net.vjp(a, b)
    da, db = pullback(np.ones_like(y))
    assert (da == 3 * b + 2).all()
    assert (db == 3 * a + 2).all()


def test_empty_sequential_is_the_identity() -> None:
    y, pullback = nn.Sequential().vjp(X)
    assert y is X
    assert pullback(X) is X
