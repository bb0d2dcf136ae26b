"""Activation layers: their ops, their options, their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from nn_samples import check_gradients

from striate import nn, reference

X = np.random.default_rng(0).standard_normal((3, 4, 5, 2))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Softplus(), reference.softplus),
        (nn.Softplus(3.0, 1.5), lambda x: reference.softplus(x, 3.0, 1.5)),
        (nn.SiLU(), reference.silu),
        (nn.GELU(), reference.gelu),
        (nn.GELU("tanh"), lambda x: reference.gelu(x, approximate="tanh")),
        (nn.Hardswish(), reference.hardswish),
        (nn.PReLU(dtype="float64"), lambda x: reference.prelu(x, np.array([0.25]))),
        (nn.PReLU(4, 0.5, dtype="float64"), lambda x: reference.prelu(x, np.full(4, 0.5))),
    ],
    ids=lambda value: repr(value) if isinstance(value, nn.Module) else "",
)
def test_layer_is_its_op(layer: nn.Module, expected: Callable[[Any], Any]) -> None:
    np.testing.assert_allclose(layer(X), expected(X), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(layer.vjp(X)[0], expected(X), rtol=1e-13, atol=1e-15)
    check_gradients(layer, X)


def test_prelu_learns_its_weight() -> None:
    layer = nn.PReLU(4)
    assert layer.weight.data.tolist() == [0.25] * 4
    assert not layer.weight.decay
    assert list(layer.state_dict()) == ["weight"]
    with pytest.raises(ValueError, match="PReLU: num_parameters must be a positive int"):
        nn.PReLU(0)


def test_gelu_knows_its_approximations() -> None:
    with pytest.raises(ValueError, match="GELU: approximate must be 'none' or 'tanh'"):
        nn.GELU("erf")  # type: ignore[arg-type]
