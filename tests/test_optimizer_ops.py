"""sgd_step: many tensors at once, memory that overlaps, and nothing written on an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from striate import ops, reference

Array = npt.NDArray[Any]

# Around vectors and chunks, with empty and tiny ones between.
SIZES = [1, 0, 7, 16, 33, 32767, 0, 32768, 5, 32769, 3, 100_003, 1]
ALL_OPTIONS: list[dict[str, Any]] = [
    {},
    {"momentum": 0.9, "dampening": 0.25, "weight_decay": 0.3, "l1": 0.2},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.3, "l1": 0.2},
    {"momentum": 0.9, "nesterov": True, "convention": "caffe", "l1": 0.2},
]


def tensors(seed: int, dtype: Any = np.float64) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(size).astype(dtype) for size in SIZES]


@pytest.mark.parametrize("options", ALL_OPTIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_element_of_every_tensor(
    isa: str, threads: Callable[[int], None], dtype: type, options: dict[str, Any]
) -> None:
    first = [i % 3 == 0 for i in range(len(SIZES))]
    grads: list[Any] = tensors(1, dtype)
    grads[5] = None
    want_w, want_v = tensors(0, dtype), tensors(2, dtype)
    reference.sgd_step(want_w, grads, want_v, lr=0.3, first=first, **options)
    bits = set()
    for count in (1, 2, 7):
        threads(count)
        w, v = tensors(0, dtype), tensors(2, dtype)
        ops.sgd_step(w, grads, v, lr=0.3, first=first, **options)
        tolerance = 1e-6 if dtype == np.float32 else 1e-14
        for got, want in zip(w + v, want_w + want_v, strict=True):
            np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
        bits.add(b"".join(a.tobytes() for a in w + v))
    assert len(bits) == 1


def test_the_bits_do_not_depend_on_the_other_tensors(isa: str) -> None:
    options: dict[str, Any] = {"lr": 0.3, "momentum": 0.9, "weight_decay": 0.1}
    together_w, together_v = tensors(0), tensors(2)
    ops.sgd_step(together_w, tensors(1), together_v, **options)
    for w, g, v, want in zip(tensors(0), tensors(1), tensors(2), together_w, strict=True):
        ops.sgd_step([w], [g], [v], **options)
        assert w.tobytes() == want.tobytes()


@pytest.mark.parametrize("convention", ["torch", "caffe"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_the_first_step_does_not_read_the_velocity(
    isa: str, convention: Any, nesterov: bool
) -> None:
    options: dict[str, Any] = {"convention": convention, "nesterov": nesterov}
    w, v = np.ones(19), np.full(19, np.nan)
    ops.sgd_step([w], [np.full(19, 4.0)], [v], lr=0.5, momentum=0.5, first=True, **options)
    assert (v == (4.0 if convention == "torch" else 2.0)).all()
    assert (w == (-2.0 if nesterov else -1.0)).all()


def test_penalties_that_are_off_touch_nothing(isa: str) -> None:
    # 0 * inf would be NaN.
    w = np.array([np.inf, -np.inf, 1.0])
    ops.sgd_step([w], [np.ones(3)], None, lr=0.5)
    assert w.tolist() == [np.inf, -np.inf, 0.5]


def test_the_sign_of_zero_is_zero_and_of_nan_nan(isa: str) -> None:
    w = np.array([0.0, -0.0, 3.0, -3.0, np.nan])
    ops.sgd_step([w], [np.zeros(5)], None, lr=1.0, l1=0.25)
    np.testing.assert_array_equal(w, [0, 0, 2.75, -2.75, np.nan])


def test_without_momentum_velocities_are_left_alone() -> None:
    w, v = np.ones(5), np.full(5, 7.0)
    ops.sgd_step([w], [np.ones(5)], [v], lr=0.5)
    assert w.tolist() == [0.5] * 5
    assert v.tolist() == [7.0] * 5


def test_a_list_may_hold_both_dtypes() -> None:
    w: list[Array] = [np.ones(3, np.float32), np.ones(3)]
    ops.sgd_step(w, [np.ones(3, np.float32), np.ones(3)], None, lr=0.5)
    assert [a.tolist() for a in w] == [[0.5] * 3] * 2


def test_gradients_may_lie_anyhow_and_be_shared() -> None:
    grad = np.arange(12.0).reshape(4, 3).T
    w = [np.zeros((3, 4)), np.zeros((3, 4))]
    swapped = grad.astype(">f8")
    ops.sgd_step(w, [grad, grad], None, lr=1.0)
    np.testing.assert_array_equal(w, [-grad, -grad])
    ops.sgd_step(w, [swapped, None], None, lr=1.0)
    np.testing.assert_array_equal(w, [-2 * grad, -grad])


def test_neighbours_in_one_buffer_do_not_overlap() -> None:
    buffer = np.ones(30)
    w, g, v = buffer[10:20], buffer[:10], buffer[20:]
    ops.sgd_step([w[:5], w[5:]], [g[:5], g[5:]], [v[5:], v[:5]], lr=0.5, momentum=0.5)
    assert buffer.tolist() == [1] * 10 + [0.25] * 10 + [1.5] * 10


def test_overlapping_memory_is_an_error_and_nothing_is_written() -> None:
    buffer = np.ones(100)
    grad = np.ones(10)
    a, other = buffer[:10], buffer[9:19]
    apart, far = buffer[50:60], buffer[70:80]
    wrong: list[tuple[list[Array], list[Any], list[Array]]] = [
        ([a, a], [grad, grad], [apart, far]),
        ([a, other], [grad, grad], [apart, far]),
        ([a, apart], [grad, grad], [other, far]),
        ([a, apart], [grad, grad], [far, far]),
        ([a], [a], [apart]),
        ([apart, a], [grad, other], [far, buffer[80:90]]),
        ([a], [other], [apart]),
        ([a], [apart], [buffer[59:69]]),
        # A long range reaches over a short one to the next.
        (
            [buffer[20:21], np.ones(40), np.ones(1)],
            [np.ones(1), buffer[:40], buffer[5:6]],
            [np.ones(1), np.ones(40), np.ones(1)],
        ),
    ]
    for params, grads, velocities in wrong:
        with pytest.raises(ValueError, match=r"^sgd_step: .* must not overlap"):
            ops.sgd_step(params, grads, velocities, lr=0.5, momentum=0.5)
        assert (buffer == 1).all()
        assert (grad == 1).all()


def test_an_error_in_the_last_tensor_comes_before_any_write() -> None:
    w, v = [np.ones(5), np.ones(5)], [np.ones(5), np.ones(5)]
    calls: list[dict[str, Any]] = [
        {"grads": [np.ones(5), np.ones(4)]},
        {"grads": [np.ones(5), np.ones(5, np.float32)]},
        {"grads": [np.ones(5), "no array"]},
        {"velocities": [np.ones(5), np.ones(6)]},
        {"velocities": [np.ones(5), None]},
        {"first": [True, "no"]},
    ]
    for call in calls:
        arguments = {"grads": [np.ones(5), np.ones(5)], "velocities": v, **call}
        with pytest.raises((TypeError, ValueError), match=r"^sgd_step: "):
            ops.sgd_step(w, lr=0.5, momentum=0.5, **arguments)
        assert (np.array(w + v) == 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": -1.0}, "lr must be at least 0. Got lr=-1."),
        ({"lr": np.nan}, "lr must be at least 0"),
        ({"momentum": -0.1}, "momentum must be at least 0"),
        ({"weight_decay": -0.1}, "weight_decay must be at least 0"),
        ({"l1": -0.1}, "l1 must be at least 0"),
        ({"nesterov": True}, "nesterov needs momentum > 0"),
        ({"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov needs"),
        ({"convention": "caffe", "dampening": 0.1}, "convention 'caffe' has no dampening"),
    ],
)
def test_wrong_numbers(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^sgd_step: {message}"):
        ops.sgd_step([np.ones(2)], [np.ones(2)], [np.ones(2)], **{"lr": 0.1, **options})
