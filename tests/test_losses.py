from __future__ import annotations

import numpy as np
import pytest

from striate import losses, reference


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(6, 4), (2, 4, 3)])
def test_cross_entropy(shape: tuple[int, ...], reduction: str) -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal(shape)
    labels = rng.integers(0, 4, (shape[0], *shape[2:]))
    labels.flat[1] = 3
    options = {
        "weight": np.array([0.5, 1.0, 2.0, 4.0]),
        "ignore_index": 3,
        "label_smoothing": 0.1,
        "reduction": reduction,
    }
    loss, dy = losses.cross_entropy(logits, labels, **options)  # type: ignore[arg-type]
    expected, expected_dy = reference.softmax_cross_entropy(logits, labels, **options)  # type: ignore[arg-type]
    np.testing.assert_allclose(loss, expected, rtol=1e-12)
    np.testing.assert_allclose(dy, expected_dy, rtol=1e-11, atol=1e-14)
    assert isinstance(loss, np.ndarray if reduction == "none" else float)


def test_defaults() -> None:
    logits = np.log(np.array([[0.25, 0.75], [0.5, 0.5]]))
    loss, dy = losses.cross_entropy(logits, np.array([1, -100]))
    assert loss == pytest.approx(-np.log(0.75))
    np.testing.assert_allclose(dy, [[0.25, -0.25], [0, 0]], atol=1e-15)


def test_labels_out_of_range() -> None:
    with pytest.raises(ValueError, match="labels"):
        losses.cross_entropy(np.zeros((1, 3)), np.array([3]))


def test_nll_and_mse() -> None:
    rng = np.random.default_rng(0)
    log_probs, labels = rng.standard_normal((5, 3)), np.array([0, 2, 1, -100, 2])
    loss, dy = losses.nll(log_probs, labels)
    assert loss == pytest.approx(-log_probs[[0, 1, 2, 4], [0, 2, 1, 2]].mean())
    assert dy.sum() == pytest.approx(-1)
    assert not dy[3].any()
    pred, target = rng.standard_normal((2, 4, 3))
    loss, dy = losses.mse(pred, target)
    assert loss == pytest.approx(((pred - target) ** 2).mean())
    np.testing.assert_allclose(dy, (pred - target) / 6)
    assert np.isnan(losses.mse(pred[:0], target[:0])[0])
