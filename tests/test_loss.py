"""softmax_cross_entropy where the registry's samples do not go: extremes, sums, positions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from striate import ops, reference

Array = npt.NDArray[Any]
INF, NAN = np.inf, np.nan

EXTREME_ROWS = [
    [1000, 0, -INF, 2],
    [-INF, -INF, -INF, -INF],
    [INF, 0, 1, 2],
    [NAN, 0, 1, 2],
    [0, 1, 2, NAN],
    [NAN, NAN, NAN, NAN],
    [1e30, -1e30, 0, 0],
    [-1e4, -1e4 - 1, -1e4 - 2, -1e4],
    [-80, -90, -100, -110],
    [0, -INF, -INF, -INF],
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("label", range(4))
def test_extreme_logits(isa: str, dtype: type, smoothing: float, label: int) -> None:
    rows: Array = np.array(EXTREME_ROWS, dtype)
    labels = np.full(len(rows), label)
    options: dict[str, Any] = {"reduction": "none", "label_smoothing": smoothing}
    with np.errstate(all="ignore"):
        want = reference.softmax_cross_entropy(rows.astype(np.float64), labels, **options)
    loss, dlogits = ops.softmax_cross_entropy(rows, labels, **options)
    np.testing.assert_allclose(loss, want[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dlogits, want[1], rtol=1e-6, atol=1e-6)
    # The same samples side by side, where they are the lanes.
    loss, dlogits = ops.softmax_cross_entropy(
        np.ascontiguousarray(rows.T)[None], labels[None], **options
    )
    np.testing.assert_allclose(loss[0], want[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dlogits[0].T, want[1], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("classes", [1, 3, 4, 5, 8, 15, 16, 17, 33, 64, 65, 1023, 1025, 2049, 5003])
def test_both_layouts_agree(isa: str, classes: int) -> None:
    rng = np.random.default_rng(classes)
    count = 23
    # Negative throughout: a lane beyond the end that counted as 0 would be the maximum.
    logits = rng.standard_normal((count, classes)).astype(np.float32) - np.float32(200)
    labels = rng.integers(classes, size=count)
    weight = rng.uniform(0.5, 2, classes).astype(np.float32)
    cases: list[dict[str, Any]] = [
        {},
        {"weight": weight, "label_smoothing": 0.25},
        {"ignore_index": 0},
    ]
    for options in cases:
        want = reference.softmax_cross_entropy(
            logits.astype(np.float64), labels, reduction="none", **options
        )
        rows = ops.softmax_cross_entropy(logits, labels, reduction="none", **options)
        lanes = ops.softmax_cross_entropy(
            np.ascontiguousarray(logits.T)[None], labels[None], reduction="none", **options
        )
        for loss, dlogits in (rows, (lanes[0][0], lanes[1][0].T)):
            np.testing.assert_allclose(loss, want[0], rtol=2e-6, atol=1e-6)
            np.testing.assert_allclose(dlogits, want[1], rtol=2e-5, atol=3e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_greatest_logit_may_be_anywhere(isa: str, dtype: type) -> None:
    logits: Array = 1000 * np.eye(71, dtype=dtype)
    for axes in (logits, logits.T.copy()[None]):
        labels = np.arange(71).reshape(axes.shape[0], *axes.shape[2:])
        loss, dlogits = ops.softmax_cross_entropy(axes, labels)
        assert loss == 0
        assert not dlogits.any()


def test_small_probabilities_keep_their_digits(isa: str) -> None:
    logits = np.array([[0, -20, -80, -90, -95, -103]], np.float32)
    want = np.exp(logits.astype(np.float64))  # the last three are denormal in float32
    for axes in (logits, logits[..., None]):
        _, dlogits = ops.softmax_cross_entropy(axes, np.zeros(axes[:, 0].shape, int))
        np.testing.assert_allclose(dlogits.ravel()[1:], want[0, 1:], rtol=2e-7, atol=1e-45)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape", [(29, 19), (3, 19, 77)])
def test_all_options_together(isa: str, reduction: Any, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal(shape)
    labels = rng.integers(19, size=(shape[0], *shape[2:]))
    options: dict[str, Any] = {
        "weight": rng.uniform(0.5, 2, 19),
        "ignore_index": 4,
        "label_smoothing": 0.3,
        "reduction": reduction,
    }
    want = reference.softmax_cross_entropy(logits, labels, **options)
    loss, dlogits = ops.softmax_cross_entropy(logits, labels, **options)
    np.testing.assert_allclose(loss, want[0], rtol=1e-14)
    np.testing.assert_allclose(dlogits, want[1], rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("shape", [(5, 4), (1, 4, 5)])
def test_ignored_samples_give_nothing_whatever_they_hold(isa: str, shape: tuple[int, ...]) -> None:
    logits = np.full(shape, NAN)
    at = (3,) if len(shape) == 2 else (0, slice(None), 3)
    logits[at] = [1, 2, 3, 4]
    labels = np.full(5, 2)
    labels[3] = 1
    labels = labels.reshape((5,) if len(shape) == 2 else (1, 5))
    loss, dlogits = ops.softmax_cross_entropy(logits, labels, ignore_index=2)
    log_sum = math.log(sum(math.exp(v) for v in (1, 2, 3, 4)))
    assert loss == pytest.approx(log_sum - 2, rel=1e-15)
    assert np.count_nonzero(dlogits) == 4
    np.testing.assert_allclose(dlogits[at], np.exp([1, 2, 3, 4]) / math.exp(log_sum) - [0, 1, 0, 0])


def test_the_mean_divides_by_the_labels_weights(isa: str) -> None:
    weight = np.array([1.0, 10.0, 100.0])
    loss, dlogits = ops.softmax_cross_entropy(np.zeros((3, 3)), np.array([0, 2, 2]), weight=weight)
    assert loss == pytest.approx(math.log(3))
    np.testing.assert_allclose(dlogits[0], np.array([-2, 1, 1]) / 3 / 201)
    np.testing.assert_allclose(dlogits[1], np.array([1, 1, -2]) / 3 * 100 / 201)


@pytest.mark.parametrize("shape", [(2**19, 2), (1, 2, 2**19)])
def test_the_total_does_not_lose_digits(isa: str, shape: tuple[int, ...]) -> None:
    logits = np.zeros(shape, np.float32)
    labels = np.zeros((shape[0], *shape[2:]), np.uint8)
    total, _ = ops.softmax_cross_entropy(logits, labels, reduction="sum")
    assert type(total) is float
    # One loss is right to a rounding of float32; the sum must add no error of its own.
    assert total == pytest.approx(2**19 * math.log(2), rel=1.2e-7)


# Where positions are the lanes, every 32nd sum is added up in float32 too.
@pytest.mark.parametrize(
    ("shape", "tolerance"), [((1, 2_000_003), 1.5e-6), ((1, 200_003, 2), 2e-5)]
)
def test_many_classes(isa: str, shape: tuple[int, ...], tolerance: float) -> None:
    # All exponentials but the first are 0.1 or so: one running sum would round the same way always.
    logits = np.full(shape, math.log(0.1), np.float32)
    logits[:, 0] = 0
    labels = np.zeros((1, *shape[2:]), int)
    want, dwant = reference.softmax_cross_entropy(logits.astype(np.float64), labels)
    loss, dlogits = ops.softmax_cross_entropy(logits, labels)
    assert loss == pytest.approx(want, rel=tolerance)
    np.testing.assert_allclose(dlogits, dwant, rtol=tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4001, 37), (3, 19, 2003), (2, 1500, 77)])
def test_threads_do_not_change_the_bits(
    isa: str, threads: Callable[[int], None], dtype: type, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(3)
    logits: Array = rng.standard_normal(shape).astype(dtype)
    labels = rng.integers(shape[1], size=(shape[0], *shape[2:]))
    results = []
    for count in (1, 2, 7):
        threads(count)
        loss, dlogits = ops.softmax_cross_entropy(logits, labels, label_smoothing=0.1)
        results.append((loss.hex(), dlogits.tobytes()))
    assert results[0] == results[1] == results[2]


def test_a_wrong_label_is_named_with_its_place() -> None:
    labels = np.zeros((2, 3, 4), np.int8)
    labels[1, 2, 3] = 5
    with pytest.raises(ValueError, match=r"labels\[1, 2, 3\]=5, C=5, ignore_index=-100\.$"):
        ops.softmax_cross_entropy(np.zeros((2, 5, 3, 4)), labels)
    labels[1, 2, 3] = -100
    ops.softmax_cross_entropy(np.zeros((2, 5, 3, 4)), labels)
    with pytest.raises(ValueError, match=r"labels\[1, 2, 3\]=-100, C=5, ignore_index=-1\.$"):
        ops.softmax_cross_entropy(np.zeros((2, 5, 3, 4)), labels, ignore_index=-1)


def test_no_classes() -> None:
    loss, dlogits = ops.softmax_cross_entropy(np.zeros((2, 0)), np.array([-100, -100]))
    assert math.isnan(loss)
    assert dlogits.shape == (2, 0)
    with pytest.raises(ValueError, match=r"labels\[0\]=0, C=0"):
        ops.softmax_cross_entropy(np.zeros((2, 0)), np.array([0, -100]))


def test_equals_pytorch(isa: str) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    logits: Array = rng.standard_normal((4, 7, 3, 5))
    labels = rng.integers(7, size=(4, 3, 5))
    labels[1] = -100
    weight = rng.uniform(0.5, 2, 7)
    reductions: list[Any] = ["none", "mean", "sum"]
    for reduction in reductions:
        loss, dlogits = ops.softmax_cross_entropy(
            logits, labels, weight=weight, label_smoothing=0.3, reduction=reduction
        )
        z = torch.tensor(logits, requires_grad=True)
        expected = torch.nn.functional.cross_entropy(
            z,
            torch.tensor(labels),
            torch.tensor(weight),
            label_smoothing=0.3,
            reduction=reduction,
        )
        expected.sum().backward()
        np.testing.assert_allclose(loss, expected.detach().numpy(), rtol=1e-13)
        np.testing.assert_allclose(dlogits, z.grad.numpy(), rtol=1e-12, atol=1e-15)
