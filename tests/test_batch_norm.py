"""Batch normalisation: its digits, its layers and their running statistics."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from striate import nn, ops, reference

SHAPES = [(64, 3, 50, 51), (4000, 5), (16, 40, 14, 14), (2, 2, 300, 301)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_large_mean_costs_no_digits(shape: tuple[int, ...], isa: str) -> None:
    rng = np.random.default_rng(0)
    x = (1e4 + rng.standard_normal(shape)).astype(np.float32)
    dy = rng.standard_normal(shape).astype(np.float32)
    gamma, beta = np.float32([[1.5], [0.5]]).repeat(shape[1], 1)
    y, mean, var = ops.batch_norm_train(x, gamma, beta)
    wide = [a.astype(np.float64) for a in (x, gamma, beta, dy)]
    want, want_mean, want_var = reference.batch_norm_train(*wide[:3])
    assert abs(y - want).max() < 2e-6, isa
    np.testing.assert_allclose(mean, want_mean, rtol=6e-8)
    np.testing.assert_allclose(var, want_var, rtol=1e-6)
    # `mean` is off by as much as 5e-4, float32's spacing there; the gradient must not be.
    got = ops.batch_norm_grad(dy, x, gamma, mean, var)
    grads = reference.batch_norm_grad(wide[3], wide[0], wide[1], want_mean, want_var)
    for a, b in zip(got, grads, strict=True):
        assert abs(a - b).max() < 2e-6 * max(1, abs(b).max()), isa


def test_one_outlying_first_value(isa: str) -> None:
    x = np.random.default_rng(0).standard_normal((8, 2, 40, 41)).astype(np.float32)
    x[0, :, 0, 0] = 1e5
    _, mean, var = ops.batch_norm_train(x, None, None)
    wide = x.astype(np.float64)
    np.testing.assert_allclose(mean, wide.mean((0, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(var, wide.var((0, 2, 3)), rtol=3e-6)


def test_constant_channels(isa: str) -> None:
    x = np.full((3, 2, 7, 5), 0.1, np.float32)
    y, mean, var = ops.batch_norm_train(x, None, np.float32([1, 2]))
    assert (mean == np.float32(0.1)).all()
    assert (var == 0).all()
    assert (y[:, 0] == 1).all()
    assert (y[:, 1] == 2).all()


@pytest.mark.parametrize("shape", [(64, 2, 120, 121), (64, 100, 6, 7), (300, 77)])
def test_threads_do_not_change_the_bits(
    shape: tuple[int, ...], isa: str, threads: Callable[[int], None]
) -> None:
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    runs = []
    for count in (1, 2, 7):
        threads(count)
        y, mean, var = ops.batch_norm_train(x, None, None)
        runs.append((y, mean, var, *ops.batch_norm_grad(dy, x, None, mean, var)))
    for run in runs[1:]:
        assert all(a.tobytes() == b.tobytes() for a, b in zip(run, runs[0], strict=True)), isa


def test_empty_batch() -> None:
    x = np.zeros((0, 3, 4, 4), np.float32)
    y, mean, var = ops.batch_norm_train(x, None, None)
    assert y.shape == x.shape
    assert np.isnan([mean, var]).all()
    dx, dgamma, dbeta = ops.batch_norm_grad(x, x, None, mean, var)
    assert dx.shape == x.shape
    assert not dgamma.any()
    assert not dbeta.any()


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 1, 1)])
def test_one_value_per_channel(shape: tuple[int, ...]) -> None:
    x, ones = np.ones(shape), np.ones(3)
    message = r"needs more than one value per channel\. Got shape=\(1, 3"
    with pytest.raises(ValueError, match=rf"^batch_norm_train: {message}"):
        ops.batch_norm_train(x, None, None)
    with pytest.raises(ValueError, match=rf"^batch_norm_grad: {message}"):
        ops.batch_norm_grad(x, x, None, ones, ones)
    assert ops.batch_norm_grad(x, x, None, ones, ones, frozen=True)[0].shape == shape


# -- layers

X = 3 + 2 * np.random.default_rng(1).standard_normal((4, 3, 5, 6))


def trained(**options: Any) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(3, dtype="float64", **options)
    if layer.weight is not None and layer.bias is not None:
        layer.weight.data = np.array([0.5, -1.0, 2.0])
        layer.bias.data = np.array([0.1, 0.2, 0.3])
    layer.vjp(X)
    return layer


def values(x: Any) -> Any:
    return x.data if x is not None else None


def test_running_statistics() -> None:
    layer = trained(momentum=0.25)
    mean, var = X.mean((0, 2, 3)), X.var((0, 2, 3), ddof=1)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    np.testing.assert_allclose(layer.running_mean.data, 0.25 * mean, rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.data, 0.75 + 0.25 * var, rtol=1e-12)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("train", [True, False])
def test_gradients(affine: bool, train: bool) -> None:
    layer = trained(affine=affine)
    mean, var = values(layer.running_mean), values(layer.running_var)
    weight, bias = values(layer.weight), values(layer.bias)
    y, pullback = layer.vjp(X, train=train)
    dy = np.random.default_rng(2).standard_normal(X.shape)
    if train:
        expected, mean, var = reference.batch_norm_train(X, weight, bias)
    else:
        expected = reference.batch_norm(X, mean, var, weight, bias)
        np.testing.assert_array_equal(y, layer(X))
        layer.vjp(X)  # moves the statistics, which y's pullback must not notice
    np.testing.assert_allclose(y, expected, rtol=1e-11, atol=1e-12)
    dx, *grads = reference.batch_norm_grad(dy, X, weight, mean, var, frozen=not train)
    np.testing.assert_allclose(pullback(dy), dx, rtol=1e-10, atol=1e-12)
    for p, grad in zip((layer.weight, layer.bias), grads, strict=True):
        if p is not None:
            assert not p.decay
            assert p.grad is not None
            np.testing.assert_allclose(p.grad, grad, rtol=1e-10)


def test_without_running_statistics() -> None:
    layer = trained(track_running_stats=False)
    assert list(layer.state_dict()) == ["weight", "bias"]
    y, _ = layer.vjp(X)
    np.testing.assert_array_equal(layer(X), y)
    np.testing.assert_array_equal(layer.vjp(X, train=False)[0], y)


def test_inference_changes_nothing() -> None:
    layer = trained()
    before = layer.state_dict()
    layer(X)
    layer.vjp(X, train=False)
    layer.vjp(X[:0])
    after = layer.state_dict()
    assert all((before[key] == after[key]).all() for key in before)


def test_a_step_of_another_batch_leaves_a_pullback_valid() -> None:
    layer = trained()
    _, first = layer.vjp(X)
    layer.vjp(X + 1)
    assert first(X).shape == X.shape


def test_state_dict_has_torchvision_s_keys() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4))
    keys = ["0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var"]
    assert list(net.state_dict()) == keys
    assert [name for name, _ in net.named_buffers()] == keys[-2:]
    assert [name for name, _ in net.named_parameters()] == keys[:-2]
    state = {**net.state_dict(), "1.num_batches_tracked": np.array(7)}
    state["1.running_mean"] = np.float32([1, 2, 3, 4])
    net.load_state_dict(state)
    assert (net[1].running_mean.data == state["1.running_mean"]).all()
    with pytest.raises(ValueError, match=r"1\.running_var"):
        net.load_state_dict({k: v for k, v in state.items() if k != "1.running_var"})
    with pytest.raises(ValueError, match=r"load_state_dict: 1\.running_var: shape must be"):
        net.load_state_dict({**state, "1.running_var": np.ones(3, np.float32)})


def test_a_resumed_run_continues_bit_for_bit() -> None:
    layer = trained()
    other = nn.BatchNorm2d(3, dtype="float64")
    other.load_state_dict(layer.state_dict())
    for net in (layer, other):
        net.vjp(X - 1)
    assert all((v == other.state_dict()[k]).all() for k, v in layer.state_dict().items())


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_their_own(duplicate: Any) -> None:
    layer = trained()
    twin = duplicate(layer)
    np.testing.assert_array_equal(twin(X), layer(X))
    before = values(twin.running_mean).copy()
    layer.vjp(X)
    assert (values(twin.running_mean) == before).all()


def test_astype_and_reset() -> None:
    layer = trained().astype("float32")
    assert {a.dtype for a in layer.state_dict().values()} == {np.dtype(np.float32)}
    assert layer(X.astype(np.float32)).dtype == np.float32
    layer.reset_parameters()
    assert (values(layer.running_mean) == 0).all()
    assert (values(layer.running_var) == 1).all()


def test_shared_layers_have_their_state_once() -> None:
    norm = nn.BatchNorm2d(3)
    assert len(nn.Sequential(norm, nn.ReLU(), norm).state_dict()) == 4


def test_ranks() -> None:
    assert nn.BatchNorm1d(3)(np.ones((2, 3), np.float32)).shape == (2, 3)
    assert nn.BatchNorm1d(3)(np.ones((2, 3, 4), np.float32)).shape == (2, 3, 4)
    with pytest.raises(ValueError, match=r"BatchNorm2d: x must have axes \(N, C, H, W\)"):
        nn.BatchNorm2d(3)(np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match="BatchNorm1d: x must have axes"):
        nn.BatchNorm1d(3).vjp(np.ones((2, 3, 4, 4), np.float32))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0,), "num_features must be a positive int"), ((3, 1e-5, 1.5), "momentum must be in")],
)
def test_constructor_errors(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"BatchNorm2d: {message}"):
        nn.BatchNorm2d(*arguments)


def test_repr() -> None:
    assert repr(nn.BatchNorm1d(8)) == (
        "BatchNorm1d(8, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)"
    )
