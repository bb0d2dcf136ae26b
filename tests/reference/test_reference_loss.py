from __future__ import annotations

import math

import numpy as np
import pytest
from finite_differences import assert_gradient

from striate import reference

SHAPES = [(6, 4), (3, 4, 5), (2, 4, 3, 2)]


def naive_cross_entropy(logits, labels, *, weight, ignore_index, label_smoothing, reduction):
    """Sample by sample; one loss for each label."""
    classes = logits.shape[1]
    losses = np.zeros(labels.shape)
    label_weights = np.zeros(labels.shape)
    for where in np.ndindex(*labels.shape):
        label = labels[where]
        if label == ignore_index:
            continue
        z = logits[(where[0], slice(None), *where[1:])]
        log_probs = z - math.log(sum(math.exp(v) for v in z))
        for c in range(classes):
            share = label_smoothing / classes + (1 - label_smoothing) * (c == label)
            losses[where] -= weight[c] * share * log_probs[c]
        label_weights[where] = weight[label]
    if reduction == "none":
        return losses
    return losses.sum() / (label_weights.sum() if reduction == "mean" else 1)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore_index", [-100, 1])
class TestSoftmaxCrossEntropy:
    @pytest.fixture
    def case(self, rng, shape, reduction, smoothing, weighted, ignore_index):
        logits = 3 * rng.standard_normal(shape)
        labels = rng.integers(0, 4, (shape[0], *shape[2:]))
        labels.reshape(-1)[:3] = [1, ignore_index, 2]
        options = {
            "weight": np.array([0.5, 2.0, 3.0, 1.5]) if weighted else None,
            "ignore_index": ignore_index,
            "label_smoothing": smoothing,
            "reduction": reduction,
        }
        return logits, labels, options

    def test_equals_the_loops(self, case):
        logits, labels, options = case
        loss, dlogits = reference.softmax_cross_entropy(logits, labels, **options)
        weight = np.ones(4) if options["weight"] is None else options["weight"]
        expected = naive_cross_entropy(logits, labels, **{**options, "weight": weight})
        np.testing.assert_allclose(loss, expected, rtol=1e-12)
        if options["reduction"] == "none":
            assert isinstance(loss, np.ndarray)
        else:
            assert type(loss) is float
        assert_gradient(
            lambda z: np.asarray(reference.softmax_cross_entropy(z, labels, **options)[0]),
            logits,
            np.asarray(1.0),
            dlogits,
        )

    def test_equals_pytorch(self, torch, case):
        logits, labels, options = case
        loss, dlogits = reference.softmax_cross_entropy(logits, labels, **options)
        z = torch.tensor(logits, requires_grad=True)
        weight = None if options["weight"] is None else torch.tensor(options["weight"])
        expected = torch.nn.functional.cross_entropy(
            z, torch.tensor(labels), **{**options, "weight": weight}
        )
        np.testing.assert_allclose(loss, expected.detach().numpy(), rtol=1e-12)
        expected.sum().backward()
        np.testing.assert_allclose(dlogits, z.grad.numpy(), atol=1e-12)


def test_by_hand():
    logits = np.log(np.array([[1.0, 3.0], [1.0, 1.0]]))
    loss, dlogits = reference.softmax_cross_entropy(logits, np.array([1, 0]))
    assert loss == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    np.testing.assert_allclose(dlogits, [[0.125, -0.125], [-0.25, 0.25]])


def test_large_logits_do_not_overflow():
    logits = np.array([[1000.0, 0.0, -np.inf]], np.float32)
    loss, dlogits = reference.softmax_cross_entropy(logits, np.array([1], np.uint8))
    assert loss == 1000
    assert dlogits.dtype == np.float32
    assert dlogits.tolist() == [[1, -1, 0]]


def test_the_mean_of_nothing_is_nan_and_has_no_gradient():
    loss, dlogits = reference.softmax_cross_entropy(np.zeros((0, 3)), np.zeros(0, int))
    assert math.isnan(loss)
    assert dlogits.shape == (0, 3)
    loss, dlogits = reference.softmax_cross_entropy(np.zeros((2, 3)), np.array([-100, -100]))
    assert math.isnan(loss)
    assert not dlogits.any()
    total, _ = reference.softmax_cross_entropy(np.zeros((0, 3)), np.zeros(0, int), reduction="sum")
    assert total == 0


def test_refuses():
    logits = np.zeros((2, 3))

    def refuse(error, message, labels, **options):
        with pytest.raises(error, match=f"softmax_cross_entropy: {message}"):
            reference.softmax_cross_entropy(logits, np.array(labels), **options)

    refuse(ValueError, r"labels must be in \[0, C\)", [0, 3])
    refuse(ValueError, r"labels must be in \[0, C\)", [-1, 0])
    refuse(TypeError, "labels must be integers", [0.0, 1.0])
    refuse(ValueError, r"logits must be \(N, C, ...\)", [0])
    refuse(ValueError, "weight must have shape", [0, 1], weight=np.ones(2))
    refuse(ValueError, "label_smoothing must be in", [0, 1], label_smoothing=1.5)
    refuse(ValueError, "reduction must be", [0, 1], reduction="max")
