from __future__ import annotations

import numpy as np
import pytest
from finite_differences import assert_gradient

from striate import reference

# alpha = 1 rather than the usual 1e-4, or the sum would not show.
STRONG = {"alpha": 1.0, "beta": 0.75, "k": 2.0}
WINDOWS = {
    "torch": lambda c, size: range(c - size // 2, c + (size - 1) // 2 + 1),
    "onnx": lambda c, size: range(c - (size - 1) // 2, c + size // 2 + 1),
    "paper": lambda c, size: range(c - size // 2, c + size // 2 + 1),
}


def naive_local_response_norm(x, size, alpha, beta, k, convention):
    y = np.empty_like(x)
    channels = x.shape[1]
    factor = alpha if convention == "paper" else alpha / size
    for c in range(channels):
        window = [i for i in WINDOWS[convention](c, size) if 0 <= i < channels]
        y[:, c] = x[:, c] / (k + factor * (x[:, window] ** 2).sum(axis=1)) ** beta
    return y


@pytest.mark.parametrize("convention", WINDOWS)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("shape", [(2, 7, 2, 3), (3, 4), (1, 1, 2, 2)])
def test_local_response_norm(rng, shape, size, convention):
    x = 2 * rng.standard_normal(shape)
    options = {**STRONG, "convention": convention}
    y = reference.local_response_norm(x, size, **options)
    np.testing.assert_allclose(y, naive_local_response_norm(x, size, **options), rtol=1e-12)
    dy = rng.standard_normal(shape)
    dx = reference.local_response_norm_grad(dy, x, size, **options)
    assert_gradient(lambda v: reference.local_response_norm(v, size, **options), x, dy, dx)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_equals_pytorch(torch, rng, size):
    x, dy = rng.standard_normal((2, 2, 7, 2, 3))
    tx = torch.tensor(x, requires_grad=True)
    ty = torch.nn.functional.local_response_norm(tx, size, **STRONG)
    ty.backward(torch.tensor(dy))
    y = reference.local_response_norm(x, size, **STRONG)
    dx = reference.local_response_norm_grad(dy, x, size, **STRONG)
    np.testing.assert_allclose(y, ty.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_by_hand():
    x = np.array([[1.0, 2.0, 3.0]])
    options = {"alpha": 2.0, "beta": 1.0, "k": 1.0}
    torch_y = reference.local_response_norm(x, 2, **options)
    np.testing.assert_allclose(torch_y, [[1 / 2, 2 / 6, 3 / 14]])
    onnx_y = reference.local_response_norm(x, 2, **options, convention="onnx")
    np.testing.assert_allclose(onnx_y, [[1 / 6, 2 / 14, 3 / 10]])
    paper_y = reference.local_response_norm(x, 2, **options, convention="paper")
    np.testing.assert_allclose(paper_y, [[1 / 11, 2 / 29, 3 / 27]])


def test_a_spike_leaves_the_windows_without_it_exact():
    x = np.ones((1, 9), np.float32)
    x[0, 0] = 1e6
    y = reference.local_response_norm(x, 3, **STRONG)
    calm = reference.local_response_norm(np.ones((1, 9), np.float32), 3, **STRONG)
    np.testing.assert_array_equal(y[:, 2:], calm[:, 2:])
    assert y.dtype == np.float32


def test_refuses():
    x = np.ones((1, 3, 2, 2))
    for function in (
        lambda **o: reference.local_response_norm(x, **o),
        lambda **o: reference.local_response_norm_grad(x, x, **o),
    ):
        with pytest.raises(ValueError, match="region='within' needs an odd size"):
            function(region="within", size=4)
        with pytest.raises(ValueError, match="region must be"):
            function(region="around")
        with pytest.raises(ValueError, match="convention must be"):
            function(convention="caffe")
        with pytest.raises(ValueError, match="size must be at least 1"):
            function(size=0)
