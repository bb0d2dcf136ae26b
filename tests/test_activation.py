"""What is special about activations and softmax: digits near 0, and values far from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from striate import ops, reference

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
EVERY_DTYPE = pytest.mark.parametrize("dtype", ["float32", "float64"])


@EVERY_DTYPE
@pytest.mark.parametrize(
    ("op", "exact"),
    [
        (ops.tanh, np.tanh),
        (ops.sigmoid, reference.sigmoid),
        (ops.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
        (ops.softplus, reference.softplus),
        (ops.silu, reference.silu),
    ],
    ids=["tanh", "sigmoid", "elu", "softplus", "silu"],
)
def test_each_value_has_all_its_digits(
    op: Callable[[Any], Any], exact: Callable[[Any], Any], dtype: str, isa: str
) -> None:
    tiny = 1e-36 if dtype == "float32" else 1e-300
    magnitudes = np.geomspace(tiny, 80.0, 20_001)
    x = np.concatenate([-magnitudes, magnitudes]).astype(dtype)
    wide = np.longdouble if dtype == "float64" else np.float64
    want = exact(x.astype(wide))
    assert np.max(np.abs(op(x) - want) / np.abs(want)) <= 3.5 * EPS[dtype], isa


@EVERY_DTYPE
@pytest.mark.parametrize(
    ("op", "low", "high"),
    [(ops.tanh, -1.0, 1.0), (ops.sigmoid, 0.0, 1.0), (ops.elu, -1.0, None)],
    ids=["tanh", "sigmoid", "elu"],
)
def test_far_values(
    op: Callable[[Any], Any], low: float, high: float | None, dtype: str, isa: str
) -> None:
    x = np.array([-np.inf, -1e4, 1e4, np.inf, np.nan], dtype)
    y = op(x)
    assert y[:2].tolist() == [low, low], isa
    assert y[2:4].tolist() == ([high, high] if high is not None else [1e4, np.inf]), isa
    assert np.isnan(y[4])


@EVERY_DTYPE
@pytest.mark.parametrize("name", ["softplus", "silu", "gelu", "hardswish"])
def test_limits_of_smooth_activations(name: str, dtype: str, isa: str) -> None:
    x = np.array([-np.inf, -1e4, 1e4, np.inf, np.nan], dtype)
    y = getattr(ops, name)(x)
    assert y[:4].tolist() == [0, 0, 1e4, np.inf], isa
    assert np.isnan(y[4])
    dx = getattr(ops, f"{name}_grad")(np.full_like(x, 2), x)
    assert dx[:4].tolist() == [0, 0, 2, 2], isa
    assert np.isnan(dx[4])


@EVERY_DTYPE
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_keeps_its_digits_where_it_is_tiny(approximate: Any, dtype: str, isa: str) -> None:
    x = np.linspace(-12, 12, 20_001).astype(dtype)
    want = reference.gelu(x.astype(np.longdouble), approximate=approximate)
    got = ops.gelu(x, approximate=approximate)
    # The argument of tanh is rounded, so that its error grows with it.
    bound = 4 * EPS[dtype] * (1 + np.abs(x) ** 3 / 8 if approximate == "tanh" else 1)
    near = np.abs(want) > np.finfo(dtype).tiny
    assert np.all(np.abs(got - want)[near] <= (bound * np.abs(want))[near]), isa


# The points of the greatest errors over all float32 inputs; docs/numerics.md has the errors.
WORST = [
    ("tanh", 2.51, -4.50509071),
    ("sigmoid", 2.41, -4.1572938),
    ("elu", 0.96, -0.383423448),
    ("softplus", 1.69, -0.793697655),
    ("silu", 3.4, -3.21125126),
    ("gelu", 5.12, -11.0880232),
    ("gelu", 5.12, 0.0301827174),
    ("hardswish", 1.92, 1.37160373),
]


@pytest.mark.parametrize(("name", "bound", "point"), WORST)
def test_the_greatest_errors_are_those_that_are_documented(
    name: str, bound: float, point: float, isa: str
) -> None:
    # Its neighbours, and a dense sample of all magnitudes.
    near = np.float32(point) + np.arange(-500, 501) * np.spacing(np.float32(point))
    far = np.geomspace(1e-30, 100, 50_001)
    x = np.concatenate([near, far, -far]).astype(np.float32)
    exact = getattr(reference, name)(x.astype(np.longdouble)).astype(np.float64)
    unit = np.maximum(np.abs(np.spacing(exact.astype(np.float32))), np.float64(2.0**-149))
    assert np.max(np.abs(getattr(ops, name)(x) - exact) / unit) <= bound


def test_zero_keeps_its_sign_in_tanh(isa: str) -> None:
    assert np.signbit(ops.tanh(np.array([0.0, -0.0]))).tolist() == [False, True]


@EVERY_DTYPE
def test_far_scores(dtype: str, isa: str) -> None:
    # The greatest score is far from the others, beside them, or the same for all.
    x = np.array([[1e4, -1e4, 0.0], [1e4, 1e4, -1e4], [-1e4, -1e4, -1e4]], dtype)
    want = [[1, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]]
    for axis, scores in ((1, x), (0, x.T)):
        np.testing.assert_allclose(np.moveaxis(ops.softmax(scores, axis), axis, 1), want, 1e-6)
    assert np.isfinite(ops.log_softmax(x)).all()
    assert ops.log_softmax(x)[0].tolist() == [0, -2e4, -1e4]


@EVERY_DTYPE
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_probabilities_add_up_to_one(dtype: str, axis: int, isa: str) -> None:
    x = 5 * np.random.default_rng(0).standard_normal((7, 130, 37)).astype(dtype)
    y = ops.softmax(x, axis)
    np.testing.assert_allclose(y.sum(axis, dtype=np.float64), 1, rtol=20 * EPS[dtype])
    np.testing.assert_allclose(np.exp(ops.log_softmax(x, axis)), y, rtol=100 * EPS[dtype])


@pytest.mark.parametrize("axis", [0, 1])
def test_not_a_number_reaches_its_own_slice_only(axis: int, isa: str) -> None:
    x = np.random.default_rng(0).standard_normal((40, 70))
    x[3, 5] = np.nan
    for op in (ops.softmax, ops.log_softmax):
        bad = np.isnan(op(x, axis))
        assert bad.all(axis).sum() == 1
        assert bad.any(axis).sum() == 1


def test_pieces_of_the_fused_loss(rng: np.random.Generator) -> None:
    logits, labels = rng.standard_normal((20, 9)), rng.integers(0, 9, 20)
    fused, dfused = ops.softmax_cross_entropy(logits, labels)
    log_probs = ops.log_softmax(logits, 1)
    loss, dlog_probs = ops.nll_loss(log_probs, labels)
    assert loss == pytest.approx(fused, rel=1e-14)
    np.testing.assert_allclose(ops.log_softmax_grad(dlog_probs, log_probs, 1), dfused, atol=1e-16)
