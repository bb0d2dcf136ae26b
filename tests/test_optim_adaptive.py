"""Adagrad and RMSprop: values worked out by hand from the papers' formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from striate import nn, ops, optim

ADAPTIVE = [
    (optim.Adagrad, {}),
    (optim.RMSprop, {}),
    (optim.RMSprop, {"momentum": 0.9, "centered": True}),
]


def one(value: float) -> Any:
    return np.array([value])


@pytest.mark.parametrize(
    ("options", "w"),
    [
        # a = 16 + 3^2 = 25
        ({"eps": 0.0}, 1 - 0.5 * 3 / 5),
        ({"eps": 1.0}, 1 - 0.5 * 3 / (5 + 1)),
        ({"eps": 11.0, "convention": "keras"}, 1 - 0.5 * 3 / 6),
        ({"eps": 1.0, "weight_decay": 0.1, "decoupled": True}, 0.95 - 0.5 * 3 / 6),
    ],
)
def test_adagrad_by_hand(options: dict[str, Any], w: float) -> None:
    param, accumulator = one(1.0), one(16.0)
    ops.adagrad_step([param], [one(3.0)], [accumulator], lr=0.5, **options)
    assert accumulator[0] == 25
    np.testing.assert_allclose(param, w, rtol=1e-15)


def test_adagrad_penalties_enter_the_sum() -> None:
    param, accumulator = one(-2.0), one(16.0)
    # g = 4 + 0.25 * (-2) + 0.5 * (-1) = 3
    ops.adagrad_step([param], [one(4.0)], [accumulator], lr=1.0, eps=0.0, weight_decay=0.25, l1=0.5)
    np.testing.assert_allclose([param[0], accumulator[0]], [-2 - 3 / 5, 25], rtol=1e-15)


@pytest.mark.parametrize(
    ("options", "w", "state"),
    [
        # s = 14 / 2 + 2^2 / 2 = 9
        ({"eps": 0.0}, 1 - 0.5 * 2 / 3, {}),
        ({"eps": 1.0}, 1 - 0.5 * 2 / 4, {}),
        ({"eps": 7.0, "convention": "keras"}, 1 - 0.5 * 2 / 4, {}),
        # v = 3 / 2 + 2 / 4 = 2, and with the rate inside 3 / 2 + 0.5 * 2 / 4
        ({"eps": 1.0, "momentum": 0.5}, 1 - 0.5 * 2, {"velocities": 2.0}),
        (
            {"eps": 7.0, "momentum": 0.5, "convention": "keras"},
            1 - 1.75,
            {"velocities": 1.75},
        ),
        # m = 2 / 2 + 2 / 2 = 2, so that 9 - 2^2 = 5
        ({"eps": 0.0, "centered": True}, 1 - 0.5 * 2 / 5**0.5, {"mean_grads": 2.0}),
        (
            {"eps": 4.0, "centered": True, "convention": "keras"},
            1 - 0.5 * 2 / 3,
            {"mean_grads": 2.0},
        ),
        (
            {"eps": 1.0, "momentum": 0.5, "weight_decay": 0.1, "decoupled": True},
            0.95 - 0.5 * 2,
            {"velocities": 2.0},
        ),
    ],
)
def test_rmsprop_by_hand(options: dict[str, Any], w: float, state: dict[str, float]) -> None:
    param, square = one(1.0), one(14.0)
    states = {"mean_grads": [one(2.0)], "velocities": [one(3.0)]}
    ops.rmsprop_step([param], [one(2.0)], [square], **states, lr=0.5, alpha=0.5, **options)
    assert square[0] == 9
    np.testing.assert_allclose(param, w, rtol=1e-15)
    want = {"mean_grads": 2.0, "velocities": 3.0, **state}
    assert {name: arrays[0][0] for name, arrays in states.items()} == want


def test_a_variance_that_rounds_below_zero_counts_as_zero() -> None:
    param, square, mean = one(1.0), one(1.0), one(1.0 + 1e-9)
    ops.rmsprop_step(
        [param], [one(1.0)], [square], [mean], lr=1.0, alpha=0.9, eps=1.0, centered=True
    )
    assert param[0] == pytest.approx(0.0)


def test_nan_in_a_gradient_is_not_hidden() -> None:
    param, square, mean = one(1.0), one(1.0), one(0.0)
    ops.rmsprop_step([param], [one(np.nan)], [square], [mean], lr=1.0, centered=True)
    assert np.isnan([param[0], square[0], mean[0]]).all()


def test_adagrads_first_sum() -> None:
    p = nn.Parameter(one(1.0))
    opt = optim.Adagrad([p], lr=0.5, initial_accumulator_value=16.0)
    p.grad = one(3.0)
    opt.step()
    assert opt.state_dict()["0.accumulator"][0] == 25
    with pytest.raises(ValueError, match="initial_accumulator_value must be at least 0"):
        optim.Adagrad([p], initial_accumulator_value=-1.0)


@pytest.mark.parametrize(("kind", "options"), ADAPTIVE)
def test_decay_is_not_for_all(kind: Any, options: dict[str, Any]) -> None:
    weight, bias = nn.Parameter(np.full(3, 2.0)), nn.Parameter(np.full(3, 2.0), decay=False)
    opt = kind([bias, weight], 0.1, weight_decay=0.5, decoupled=True, **options)
    weight.grad, bias.grad = np.zeros(3), np.zeros(3)
    opt.step()
    assert (bias.data == 2).all()
    np.testing.assert_allclose(weight.data, 2 - 0.1 * 0.5 * 2)


@pytest.mark.parametrize("convention", ["torch", "keras"])
def test_the_first_steps_of_a_run(convention: str) -> None:
    rng = np.random.default_rng(0)
    p = nn.Parameter(rng.standard_normal(4))
    w, s, v = p.data.copy(), np.zeros(4), np.zeros(4)
    opt = optim.RMSprop([p], 0.01, alpha=0.9, eps=0.1, momentum=0.5, convention=convention)
    for _ in range(4):
        g = rng.standard_normal(4)
        p.grad = g
        opt.step()
        s = 0.9 * s + 0.1 * g**2
        if convention == "torch":
            v = 0.5 * v + g / (np.sqrt(s) + 0.1)
            w = w - 0.01 * v
        else:
            v = 0.5 * v + 0.01 * g / np.sqrt(s + 0.1)
            w = w - v
    np.testing.assert_allclose(p.data, w, rtol=1e-13)
