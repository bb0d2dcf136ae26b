"""Local response normalisation: what its kernels do differently from the plain reference."""

from __future__ import annotations

import numpy as np
import pytest

from striate import ops, reference

# alpha = 1 rather than the usual 1e-4, or the sum would not show.
STRONG = {"alpha": 1.0, "k": 2.0}
ROOTS = [0.5, 0.75, 1.0]
CONVENTIONS = ["torch", "onnx", "paper"]
# Relative errors. Roots: some five roundings after the sum's. Other exponents go through
# exp(-beta log t), whose error grows with beta log t: up to 10 here.
TOLERANCE = {np.float32: 6e-7, np.float64: 1.2e-15}
TOLERANCE_ANY = {np.float32: 2e-6, np.float64: 5e-15}


def check(x, dy, size, tolerance, **options):
    """Compares both functions with the float64 reference."""
    x64, dy64 = x.astype(np.float64), dy.astype(np.float64)
    y64 = reference.local_response_norm(x64, size, **options)
    y = ops.local_response_norm(x, size, **options)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y, y64, rtol=tolerance, atol=0)
    dx64 = reference.local_response_norm_grad(dy64, x64, size, **options)
    dx = ops.local_response_norm_grad(dy, x, size, **options)
    assert dx.dtype == x.dtype
    # The two terms may cancel, so the error is measured by the first of them.
    scale = np.abs(dy64 * (y64 / x64)).max(initial=0)
    np.testing.assert_allclose(dx, dx64, rtol=0, atol=2 * tolerance * scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8, 30])
@pytest.mark.usefixtures("isa")
def test_equals_the_reference(rng, size, convention, dtype):
    for shape in ((2, 7, 5, 11), (1, 1, 3), (3, 2), (1, 6, 1, 1, 1), (2, 3, 4, 1, 5)):
        x, dy = rng.standard_normal((2, *shape)).astype(dtype)
        for beta in ROOTS:
            check(x, dy, size, TOLERANCE[dtype], beta=beta, convention=convention, **STRONG)


def test_a_window_beyond_all_channels(rng):
    x, dy = rng.standard_normal((2, 2, 7, 5))
    options = {"beta": 0.75, "convention": "paper", **STRONG}
    for size in (15, 2**62):
        y = ops.local_response_norm(x, size, **options)
        np.testing.assert_array_equal(y, ops.local_response_norm(x, 14, **options))
        dx = ops.local_response_norm_grad(dy, x, size, **options)
        np.testing.assert_array_equal(dx, ops.local_response_norm_grad(dy, x, 14, **options))
    y = ops.local_response_norm(x, 2**62, beta=0.75, alpha=2.0**62, k=2.0)  # alpha / size = 1
    np.testing.assert_array_equal(y, ops.local_response_norm(x, 14, **options))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("beta", [-0.5, 0.0, 0.3, 1.5, 2.0])
@pytest.mark.usefixtures("isa")
def test_any_exponent(rng, beta, dtype):
    x, dy = 3 * rng.standard_normal((2, 2, 9, 37)).astype(dtype)
    check(x, dy, 5, TOLERANCE_ANY[dtype], beta=beta, **STRONG)


@pytest.mark.parametrize("shape", [(1, 3, 4099), (2, 97, 701), (1, 1031, 67), (3, 600, 13, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_meet_without_gaps(rng, shape, dtype):
    x, dy = rng.standard_normal((2, *shape)).astype(dtype)
    check(x, dy, 4, TOLERANCE[dtype], beta=0.75, **STRONG)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("isa")
def test_every_length_up_to_two_vectors(rng, dtype):
    for length in range(1, 36):
        x, dy = rng.standard_normal((2, 1, 5, length)).astype(dtype)
        check(x, dy, 3, TOLERANCE[dtype], beta=0.75, **STRONG)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_window_of_a_gradient_is_mirrored(convention):
    # One channel has a gradient: it reaches exactly the channels of its window.
    x = np.ones((1, 9, 1))
    dy = np.zeros((1, 9, 1))
    dy[0, 4] = 1
    reach = {"torch": [2, 3, 4, 5], "onnx": [3, 4, 5, 6], "paper": [2, 3, 4, 5, 6]}[convention]
    dx = ops.local_response_norm_grad(dy, x, 4, beta=1.0, convention=convention, **STRONG)
    assert np.flatnonzero(dx[0, :, 0]).tolist() == reach


@pytest.mark.parametrize("beta", [0.75, 0.6])
@pytest.mark.usefixtures("isa")
def test_a_spike_leaves_the_windows_without_it_exact(beta):
    calm = np.ones((1, 9, 5), np.float32)
    x = calm.copy()
    x[0, 3] = 1e15
    y = ops.local_response_norm(x, 3, beta=beta, **STRONG)
    expected = ops.local_response_norm(calm, 3, beta=beta, **STRONG)
    np.testing.assert_array_equal(y[:, [0, 1, 5, 6, 7, 8]], expected[:, [0, 1, 5, 6, 7, 8]])
    dx = ops.local_response_norm_grad(calm, x, 3, beta=beta, **STRONG)
    expected = ops.local_response_norm_grad(calm, calm, 3, beta=beta, **STRONG)
    np.testing.assert_array_equal(dx[:, [0, 6, 7, 8]], expected[:, [0, 6, 7, 8]])


@pytest.mark.parametrize("beta", [0.5, 0.75, 1.0, 0.6])
@pytest.mark.usefixtures("isa")
def test_the_ends_of_the_range_follow_ieee(beta):
    options = {"alpha": 1.0, "beta": beta, "convention": "paper"}
    zero = np.zeros((1, 2, 3), np.float32)
    assert np.isnan(ops.local_response_norm(zero, 1, k=0.0, **options)).all()  # 0 * infinity
    x = np.array([[[np.nan], [1.0], [2.0]]], np.float32)
    y = ops.local_response_norm(x, 3, k=1.0, **options)
    assert np.isnan(y[0, :, 0]).tolist() == [True, True, False]
    huge = np.full((1, 1, 3), 1e30, np.float32)  # its square is infinite
    np.testing.assert_array_equal(ops.local_response_norm(huge, 1, k=1.0, **options), 0)
    np.testing.assert_array_equal(ops.local_response_norm_grad(huge, huge, 1, k=1.0, **options), 0)


@pytest.mark.parametrize("beta", [0.75, 0.6])
def test_threads_give_the_same_bits(rng, threads, beta):
    x, dy = rng.standard_normal((2, 5, 37, 23, 29)).astype(np.float32)
    results = []
    for count in (1, 2, 7):
        threads(count)
        results.append(
            (
                ops.local_response_norm(x, 5, beta=beta, **STRONG),
                ops.local_response_norm_grad(dy, x, 5, beta=beta, **STRONG),
            )
        )
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_strange_inputs(rng):
    x, dy = rng.standard_normal((2, 2, 5, 6, 7))
    y = ops.local_response_norm(x, **STRONG)
    dx = ops.local_response_norm_grad(dy, x, **STRONG)
    for change in (
        np.asfortranarray,
        lambda a: a.astype(">f8"),
        lambda a: np.repeat(a, 3, axis=1)[:, ::3],
        lambda a: a[::-1, :, ::-1].copy()[::-1, :, ::-1],
    ):
        np.testing.assert_array_equal(ops.local_response_norm(change(x), **STRONG), y)
        np.testing.assert_array_equal(
            ops.local_response_norm_grad(change(dy), change(x), **STRONG), dx
        )


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0), (2**40, 2**17, 0)])
def test_empty(shape):
    x = np.empty(shape, np.float32)
    assert ops.local_response_norm(x).shape == shape
    assert ops.local_response_norm_grad(x, x).shape == shape


@pytest.mark.parametrize("function", ["local_response_norm", "local_response_norm_grad"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": "within", "size": 2}, "size must be odd where region='within'. Got size=2"),
        ({"region": "around"}, "region must be 'across' or 'within'. Got region='around'"),
        ({"convention": "caffe"}, "convention must be 'torch', 'onnx' or 'paper'. Got conv"),
        ({"size": 0}, "size must be positive. Got size=0"),
        ({"alpha": np.nan}, "alpha must be finite. Got alpha=nan"),
        ({"beta": np.inf}, "beta must be finite. Got beta=inf"),
        ({"k": -np.inf}, "k must be finite. Got k=-inf"),
    ],
)
def test_refuses(function, options, message):
    x = np.ones((1, 3, 2, 2))
    arrays = [x] if function == "local_response_norm" else [x, x]
    with pytest.raises(ValueError, match=f"^{function}: {message}"):
        getattr(ops, function)(*arrays, **options)
