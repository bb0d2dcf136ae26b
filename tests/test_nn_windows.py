"""Layers with windows, along one, two and three axes: their ops, their gradients, their fans."""

from __future__ import annotations

import copy
import doctest
import importlib
from typing import Any

import numpy as np
import pytest
from nn_samples import check_gradients

from striate import init, nn, reference

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])


def layer(name: str, rank: int, *arguments: Any, **options: Any) -> Any:
    return getattr(nn, f"{name}{rank}d")(*arguments, **options)


def image(rank: int, channels: int = 6) -> Any:
    return np.random.default_rng(rank).standard_normal((2, channels, *(5, 7, 6)[:rank]))


@pytest.mark.parametrize("activation", [None, "relu"])
@RANKS
def test_conv(rank: int, activation: Any) -> None:
    conv = layer(
        *("Conv", rank, 6, 9, (2, 3, 2)[:rank], 2, 1, 1, 3),
        activation=activation,
        bias_init=init.normal(std=1.0),
        dtype="float64",
        rng=1,
    )
    x = image(rank)
    expected = getattr(reference, f"conv{rank}d")(
        *(x, conv.weight.data, conv.bias.data),
        stride=2,
        padding=1,
        groups=3,
        activation=activation,
    )
    np.testing.assert_allclose(conv(x), expected, atol=1e-12)
    np.testing.assert_allclose(conv.vjp(x)[0], expected, atol=1e-12)
    check_gradients(conv, x)
    taps = (2, 6, 12)[rank - 1]
    assert conv.fans() == (2 * taps, 3 * taps)


@pytest.mark.parametrize("activation", [None, "relu"])
@RANKS
def test_conv_transpose(rank: int, activation: Any) -> None:
    up = layer(
        *("ConvTranspose", rank, 6, 9, (2, 3, 2)[:rank], 2, 1, 1, 3, True, 2),
        activation=activation,
        bias_init=init.normal(std=1.0),
        dtype="float64",
        rng=1,
    )
    x = image(rank)
    y = getattr(reference, f"conv_transpose{rank}d")(
        *(x, up.weight.data, up.bias.data),
        stride=2,
        padding=1,
        output_padding=1,
        groups=3,
        dilation=2,
    )
    expected = y if activation is None else np.maximum(y, 0)
    np.testing.assert_allclose(up(x), expected, atol=1e-12)
    np.testing.assert_allclose(up.vjp(x)[0], expected, atol=1e-12)
    check_gradients(up, x)
    taps = (2, 6, 12)[rank - 1]
    assert up.fans() == (max(1, round(2 * taps / 2**rank)), 3 * taps)
    assert up.weight.shape == (6, 3, *(2, 3, 2)[:rank])


@pytest.mark.parametrize("groups", [1, 4])
@pytest.mark.parametrize(("kernel", "stride"), [(4, 2), (2, 2), (3, 1), ((4, 2), (2, 1))])
def test_fans_of_conv_transpose_keep_the_variance(groups: int, kernel: Any, stride: Any) -> None:
    up = nn.ConvTranspose2d(
        *(64, 32, kernel, stride),
        groups=groups,
        bias=False,
        weight_init=init.lecun_normal(),
        rng=0,
    )
    y = up(np.random.default_rng(0).standard_normal((4, 64, 24, 24)).astype(np.float32))
    inner = y[:, :, 4:-4, 4:-4]
    assert abs(float(inner.var()) - 1) < 0.1


def test_summary_counts_what_a_transposed_convolution_multiplies() -> None:
    (row,) = nn.ConvTranspose2d(8, 6, 3, 2, groups=2).summary((2, 8, 5, 7)).rows
    assert row.output_shape == (2, 6, 11, 15)
    assert row.flops == 2 * (2 * 8 * 5 * 7) * 3 * 9


def test_conv_transpose_without_bias() -> None:
    up = nn.ConvTranspose2d(2, 3, 2, bias=False, dtype="float64")
    assert up.bias is None
    check_gradients(up, image(2, 2))


LAYERS = [
    ("MaxPool", (3, 2, 1, 2), {"ceil_mode": True}),
    ("MaxPool", (2,), {}),
    ("AvgPool", (3, 2, 1, True, False), {}),
    ("AvgPool", (2,), {}),
    ("LpPool", (3.0, 3, 2, True), {"padding": 1}),
    ("LpPool", (2, 2), {}),
    ("AdaptiveAvgPool", (3,), {}),
    ("AdaptiveMaxPool", (3,), {}),
    ("AdaptiveMaxPool", (1,), {}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), LAYERS)
@RANKS
def test_pooling(rank: int, name: str, arguments: Any, options: Any) -> None:
    pool, x = layer(name, rank, *arguments, **options), image(rank)
    y, _ = pool.vjp(x)
    np.testing.assert_array_equal(pool(x), y)
    check_gradients(pool, x)
    (row,) = pool.summary(x.shape).rows
    assert row.output_shape == y.shape
    assert not list(pool.parameters())


def test_lp_pool_calls_its_op() -> None:
    x = image(2)
    y = nn.LpPool2d(3.0, (3, 2), (2, 3), True, padding=((1, 0), (0, 1)))(x)
    expected = reference.lp_pool2d(
        x, 3.0, (3, 2), stride=(2, 3), ceil_mode=True, padding=((1, 0), (0, 1))
    )
    np.testing.assert_allclose(y, expected, rtol=1e-12)


def test_lrn_within() -> None:
    lrn = nn.LocalResponseNorm(3, alpha=9.0, beta=0.6, k=2.0, region="within")
    x = image(2)
    expected = reference.local_response_norm(x, 3, alpha=9.0, beta=0.6, k=2.0, region="within")
    np.testing.assert_allclose(lrn(x), expected, rtol=1e-12)
    check_gradients(lrn, x)


# -- stochastic pooling


def test_stochastic_pool_draws_anew_each_time() -> None:
    x = np.abs(image(2))
    pool = nn.StochasticPool2d(2, rng=1)
    assert not np.array_equal(pool.vjp(x)[0], pool.vjp(x)[0])
    assert not np.array_equal(pool.vjp(x)[0], nn.StochasticPool2d(2, rng=2).vjp(x)[0])


def test_stochastic_pool_resumes() -> None:
    x = np.abs(image(2))
    pool = nn.StochasticPool2d(2, 1, rng=1)
    pool.vjp(x)
    state = copy.deepcopy(pool.train_state())
    first = pool.vjp(x)[0]
    pool.load_train_state(state)
    np.testing.assert_array_equal(pool.vjp(x)[0], first)
    pool.reset_parameters()
    again = nn.StochasticPool2d(2, 1, rng=1)
    np.testing.assert_array_equal(pool.vjp(x)[0], again.vjp(x)[0])


@pytest.mark.parametrize("train", [True, False])
def test_stochastic_pool_gradient(train: bool) -> None:
    check_gradients(nn.StochasticPool2d(3, 2, rng=1), np.abs(image(2)) + 0.1, train=train)


def test_stochastic_pool_inference_is_the_mean_of_its_draws() -> None:
    x = np.maximum(image(2), 0)
    pool = nn.StochasticPool2d(2, rng=0)
    mean = np.mean([pool.vjp(x)[0] for _ in range(4000)], axis=0)
    np.testing.assert_allclose(mean, pool(x), atol=0.08)
    y, _ = pool.vjp(x, train=False)
    np.testing.assert_array_equal(y, pool(x))


# -- what is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv1d(3, 6, (3, 3)), r"Conv1d: kernel_size must be an int or \(l,\)"),
        (lambda: nn.Conv3d(3, 6, (3, 3)), r"Conv3d: kernel_size must be an int or \(d, h, w\)"),
        (lambda: nn.Conv3d(3, 6, (3, 0, 3)), "Conv3d: kernel_height must be a positive int"),
        (lambda: nn.ConvTranspose2d(4, 6, 3, groups=3), "ConvTranspose2d: groups must divide"),
        (lambda: nn.ConvTranspose2d(0, 6, 3), "ConvTranspose2d: in_channels must be a positive"),
        (lambda: nn.ConvTranspose1d(2, 6, 0), "ConvTranspose1d: kernel_length must be a positive"),
        (
            lambda: nn.ConvTranspose3d(2, 6, 3, activation="tanh"),  # type: ignore[arg-type]
            "ConvTranspose3d: activation must be None or 'relu'",
        ),
    ],
)
def test_refuses(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


@pytest.mark.parametrize(
    "module", ["_adaptive_pool", "_conv", "_conv_transpose", "_pool", "_stochastic_pool"]
)
def test_doctests_pass(module: str) -> None:
    result = doctest.testmod(importlib.import_module(f"striate.nn.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
