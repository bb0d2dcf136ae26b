"""Clipping, the update and the average are one pass, and have the bits of the passes apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from striate import nn, ops, optim
from striate.optim import Optimizer

MAKE: dict[str, Callable[..., Optimizer]] = {
    "sgd": lambda params, **options: optim.SGD(params, 0.1, 0.9, nesterov=True, **options),
    "caffe": lambda params, **options: optim.SGD(params, 0.1, 0.9, convention="caffe", **options),
    "adagrad": lambda params, **options: optim.Adagrad(params, 0.1, **options),
    "rmsprop": lambda params, **options: optim.RMSprop(
        params, 0.1, momentum=0.5, centered=True, **options
    ),
    "adam": lambda params, **options: optim.Adam(params, 0.1, amsgrad=True, **options),
    "adamw": lambda params, **options: optim.AdamW(params, 0.1, **options),
}
SHAPES = [(5, 3, 3, 3), (7,), (), (41_003,)]


def parameters(dtype: str) -> list[nn.Parameter]:
    rng = np.random.default_rng(1)
    arrays = [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in SHAPES]
    return [nn.Parameter(a, decay=a.ndim > 1) for a in arrays]


def gradients(step: int, dtype: str) -> list[Any]:
    rng = np.random.default_rng(100 + step)
    return [np.asarray(3 * rng.standard_normal(shape)).astype(dtype) for shape in SHAPES]


@pytest.mark.parametrize("apart", [{}, {"max_norm": 1.5}], ids=["one pass", "with max_norm"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MAKE)
def test_one_pass_has_the_bits_of_many(
    name: str, dtype: str, apart: dict[str, float], isa: str
) -> None:
    ours, theirs = parameters(dtype), parameters(dtype)
    bounds = {"clip_norm": 20.0, "clip_value": 0.25}
    penalties = {"weight_decay": 0.1, "l1": 0.01}
    one = MAKE[name](ours, **penalties, **bounds, ema=0.75, **apart)
    many = MAKE[name](theirs, **penalties, **apart)
    averages: list[Any] = []
    for step in range(4):
        for p, g in zip(ours, gradients(step, dtype), strict=True):
            p.grad = g
        kept = [p.grad.copy() for p in ours if p.grad is not None]
        one.step()
        assert all((p.grad == g).all() for p, g in zip(ours, kept, strict=True))

        clipped = gradients(step, dtype)
        assert ops.clip_grad_norm(clipped, bounds["clip_norm"]) > bounds["clip_norm"]
        ops.clip_grad_value(clipped, bounds["clip_value"])
        for q, g in zip(theirs, clipped, strict=True):
            q.grad = g
        many.step()
        if step == 0:
            averages = [q.data.copy() for q in theirs]
        else:
            ops.ema_step(averages, [q.data for q in theirs], decay=0.75)

        state = one.state_dict()
        for i, (p, q, average) in enumerate(zip(ours, theirs, averages, strict=True)):
            assert p.data.tobytes() == q.data.tobytes(), isa
            assert state.pop(f"{i}.average").tobytes() == average.tobytes(), isa
        assert state.keys() == many.state_dict().keys()
        for key, value in many.state_dict().items():
            assert np.asarray(state[key]).tobytes() == np.asarray(value).tobytes(), key


@pytest.mark.parametrize("name", MAKE)
def test_the_average_is_that_of_masked_weights(name: str) -> None:
    p = nn.Parameter(np.ones(4))
    p.mask = np.array([1.0, 0.0, 1.0, 0.0])
    opt = MAKE[name]([p], ema=0.5)
    for _ in range(3):
        p.grad = np.ones(4)
        opt.step()
    average = opt.state_dict()["0.average"]
    assert (average[1::2] == 0).all()
    assert (average[::2] != 0).all()


@pytest.mark.parametrize("name", MAKE)
def test_a_refused_step_leaves_no_state_behind(name: str) -> None:
    p, q = nn.Parameter(np.ones(2)), nn.Parameter(np.ones(2))
    opt, fresh = (MAKE[name]([x], ema=0.5) for x in (p, q))
    opt.param_groups[0]["lr"] = -1.0
    p.grad = np.ones(2)
    with pytest.raises(ValueError, match="lr must be at least 0"):
        opt.step()
    assert list(opt.state_dict()) == ["steps"]
    opt.param_groups[0]["lr"] = 0.1
    q.grad = np.ones(2)
    opt.step()
    fresh.step()
    assert p.data.tobytes() == q.data.tobytes()
    assert opt.state_dict()["0.average"].tobytes() == fresh.state_dict()["0.average"].tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_average_that_keeps_nothing_is_a_copy(dtype: str, isa: str) -> None:
    rng = np.random.default_rng(2)
    for garbage in (np.nan, 1e30, -0.7):
        w, g = (rng.standard_normal(67).astype(dtype) for _ in range(2))
        a, b = np.full_like(w, garbage), np.full_like(w, garbage)
        ops.sgd_step([w], [g], None, lr=0.1, averages=[a], ema=[0.0])
        assert a.tobytes() == w.tobytes(), isa
        ops.ema_step([b], [w], decay=0.0)
        assert b.tobytes() == w.tobytes(), isa
