"""What is special about layer and group normalisation: large means, and the layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nn_samples import check_gradients

from striate import nn, ops, reference

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("axes", [-1, 1, (1, 2)])
def test_a_large_mean_costs_no_digits(axes: Any, isa: str) -> None:
    x = (1e4 + RNG.standard_normal((6, 300, 70))).astype(np.float32)
    y = ops.layer_norm(x, None, None, axes=axes)
    np.testing.assert_allclose(
        y, reference.layer_norm(x.astype(np.float64), None, None, axes=axes), atol=4e-6
    )
    dy = RNG.standard_normal(x.shape).astype(np.float32)
    for got, want in zip(
        ops.layer_norm_grad(dy, x, None, axes=axes),
        reference.layer_norm_grad(dy.astype(np.float64), x.astype(np.float64), None, axes=axes),
        strict=True,
    ):
        np.testing.assert_allclose(got, want, atol=4e-6 * np.abs(want).max())


def test_a_large_mean_in_groups(isa: str) -> None:
    x = (1e4 + RNG.standard_normal((3, 8, 30, 31))).astype(np.float32)
    y = ops.group_norm(x, 4, None, None)
    want = reference.group_norm(x.astype(np.float64), 4, None, None)
    np.testing.assert_allclose(y, want, atol=4e-6)


def test_not_a_number_stays_in_its_slice(isa: str) -> None:
    x = RNG.standard_normal((4, 6, 5))
    x[1, 2, 3] = np.nan
    for axes, bad in ((-1, 5), (1, 6), ((1, 2), 30)):
        assert np.isnan(ops.layer_norm(x, None, None, axes=axes)).sum() == bad
    assert np.isnan(ops.group_norm(x, 3, None, None)).sum() == 10


def test_axes_in_any_order_are_one_slice() -> None:
    x, gamma = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((3, 4))
    a = ops.layer_norm(x, gamma, None, axes=(1, 2))
    b = ops.layer_norm(x, gamma, None, axes=(-1, 1))
    assert a.tobytes() == b.tobytes()


def test_one_group_is_a_layer_and_many_are_instances() -> None:
    x = RNG.standard_normal((3, 4, 5, 6))
    whole = ops.layer_norm(x, None, None, axes=(1, 2, 3))
    np.testing.assert_allclose(ops.group_norm(x, 1, None, None), whole, rtol=1e-12)
    single = ops.layer_norm(x, None, None, axes=(2, 3))
    np.testing.assert_allclose(ops.group_norm(x, 4, None, None), single, rtol=1e-12)


@pytest.mark.parametrize(
    ("layer", "shape", "names"),
    [
        (nn.LayerNorm(6, dtype="float64"), (3, 4, 6), ["weight", "bias"]),
        (nn.LayerNorm((4, 6), bias=False, dtype="float64"), (3, 4, 6), ["weight"]),
        (nn.LayerNorm([6], 0.5, elementwise_affine=False), (3, 6), []),
        (nn.GroupNorm(2, 4, dtype="float64"), (3, 4, 5, 2), ["weight", "bias"]),
        (nn.GroupNorm(2, 4, 0.5, affine=False), (3, 4), []),
    ],
    ids=repr,
)
def test_layers(layer: nn.Module, shape: tuple[int, ...], names: list[str]) -> None:
    assert list(layer.state_dict()) == names
    assert not any(p.decay for p in layer.parameters())
    check_gradients(layer, RNG.standard_normal(shape))


def test_layers_compute_their_ops() -> None:
    x = RNG.standard_normal((3, 4, 6))
    layer = nn.LayerNorm((4, 6), 0.5, dtype="float64")
    expected = reference.layer_norm(x, None, None, axes=(1, 2), eps=0.5)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-12)
    group = nn.GroupNorm(2, 4, 0.5, dtype="float64")
    expected = reference.group_norm(x, 2, None, None, eps=0.5)
    np.testing.assert_allclose(group(x), expected, rtol=1e-12)


def test_layers_refuse() -> None:
    with pytest.raises(ValueError, match=r"LayerNorm: x must end with .* Got shape \(2, 5\)"):
        nn.LayerNorm(6)(np.ones((2, 5), np.float32))
    with pytest.raises(ValueError, match=r"LayerNorm: normalized_shape\[0\] must be a positive"):
        nn.LayerNorm(0)
    with pytest.raises(ValueError, match="GroupNorm: num_groups must divide num_channels"):
        nn.GroupNorm(3, 4)
    with pytest.raises(ValueError, match=r"GroupNorm: x must have shape \(N, 4, ...\)"):
        nn.GroupNorm(2, 4)(np.ones((2, 6), np.float32))
