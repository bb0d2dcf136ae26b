from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from striate import nn, ops, optim

RNG = np.random.default_rng(0)


def parameters(count: int = 3, dtype: str = "float64") -> list[nn.Parameter]:
    return [nn.Parameter(RNG.standard_normal((2, i + 1)).astype(dtype)) for i in range(count)]


def gradients(params: list[nn.Parameter]) -> list[Any]:
    return [RNG.standard_normal(p.shape).astype(p.dtype) for p in params]


def give(params: list[nn.Parameter], grads: list[Any]) -> None:
    for p, grad in zip(params, grads, strict=True):
        p.grad = grad


# -- SGD, against the formulas of PyTorch's documentation and Caffe's source


def torch_step(w: Any, g: Any, v: Any, lr: float, o: dict[str, Any]) -> tuple[Any, Any]:
    g = g + o.get("weight_decay", 0) * w + o.get("l1", 0) * np.sign(w)
    mu = o.get("momentum", 0)
    if mu:
        v = g if v is None else mu * v + (1 - o.get("dampening", 0)) * g
        g = g + mu * v if o.get("nesterov") else v
    return w - lr * g, v


def caffe_step(w: Any, g: Any, v: Any, lr: float, o: dict[str, Any]) -> tuple[Any, Any]:
    g = g + o.get("weight_decay", 0) * w + o.get("l1", 0) * np.sign(w)
    mu = o["momentum"]
    old = np.zeros_like(w) if v is None else v
    v = mu * old + lr * g
    return (w - ((1 + mu) * v - mu * old) if o.get("nesterov") else w - v), v


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.1},
        {"l1": 0.1},
        {"weight_decay": 0.1, "l1": 0.2, "momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.5},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.9, "convention": "caffe"},
        {"momentum": 0.9, "nesterov": True, "convention": "caffe", "weight_decay": 0.1},
    ],
)
def test_sgd(options: dict[str, Any]) -> None:
    params = parameters()
    opt = optim.SGD(params, optim.exponential(0.5, gamma=0.7), **options)
    formula = caffe_step if options.get("convention") == "caffe" else torch_step
    expected: list[Any] = [(p.data.copy(), None) for p in params]
    for step in range(4):
        grads = gradients(params)
        give(params, grads)
        opt.step()
        expected = [
            formula(w, g, v, 0.5 * 0.7**step, options)
            for (w, v), g in zip(expected, grads, strict=True)
        ]
        for p, (w, _) in zip(params, expected, strict=True):
            np.testing.assert_allclose(p.data, w, rtol=1e-13)
    assert opt.steps == 4


def test_decay_is_not_for_all() -> None:
    weight, bias = nn.Parameter(np.full(3, 2.0)), nn.Parameter(np.full(3, 2.0), decay=False)
    opt = optim.SGD([bias, weight], 0.1, weight_decay=0.5, l1=0.25)
    give([weight, bias], [np.zeros(3), np.zeros(3)])
    opt.step()
    assert (bias.data == 2).all()
    np.testing.assert_allclose(weight.data, 2 - 0.1 * (0.5 * 2 + 0.25))


def test_frozen_and_unreached_parameters_are_skipped() -> None:
    params = parameters()
    opt = optim.SGD(params, 0.1, momentum=0.9, weight_decay=0.1)
    give(params, gradients(params))
    params[0].trainable = False
    params[1].grad = None
    before = [p.data.copy() for p in params]
    opt.step()
    changed = [bool((p.data != old).any()) for p, old in zip(params, before, strict=True)]
    assert changed == [False, False, True]
    assert [p.version for p in params] == [0, 0, 1]
    assert set(opt.state_dict()) == {"steps", "2.velocity"}


def test_each_tensor_has_its_own_first_step() -> None:
    a, b = nn.Parameter(np.zeros(1)), nn.Parameter(np.zeros(1))
    opt = optim.SGD([a, b], 1.0, momentum=0.5, dampening=0.5)
    give([a, b], [np.ones(1), None])
    opt.step()
    give([a, b], [np.ones(1), np.ones(1)])
    opt.step()
    # a: v = 1, then 0.5 + 0.5; b: v = 1, undampened.
    assert a.data[0] == -2
    assert b.data[0] == -1


def test_one_call_per_group(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    sgd_step = ops.sgd_step

    def count(params: Any, *args: Any, **named: Any) -> None:
        calls.append(len(params))
        sgd_step(params, *args, **named)

    params = parameters(5)
    params[1].decay = False
    opt = optim.SGD([{"params": params[:3]}, {"params": params[3:], "weight_decay": 0.1}], 0.1)
    monkeypatch.setattr(ops, "sgd_step", count)
    give(params, gradients(params))
    opt.step()
    # The second group decays, and so is split; all its parameters are in the first part.
    assert calls == [3, 2, 0]


def test_groups_have_options_of_their_own() -> None:
    a, b = nn.Parameter(np.zeros(1)), nn.Parameter(np.zeros(1))
    opt = optim.SGD([{"params": [a], "lr": 0.5}, {"params": b}], lr=optim.step(2.0, 1, 0.5))
    for _ in range(2):
        give([a, b], [np.ones(1), np.ones(1)])
        opt.step()
    assert a.data[0] == -1
    assert b.data[0] == -3
    opt.param_groups[0]["lr"] = 0.0
    opt.step()
    assert a.data[0] == -1
    assert "1 parameters: lr=0.0" in repr(opt)


def test_zero_grad() -> None:
    params = parameters()
    give(params, gradients(params))
    optim.SGD(params, 0.1).zero_grad()
    assert all(p.grad is None for p in params)


def test_a_step_invalidates_pullbacks() -> None:
    layer = nn.Linear(2, 2)
    opt = optim.SGD(layer.parameters(), 0.1)
    x = np.ones((1, 2), np.float32)
    y, pullback = layer.vjp(x)
    layer.vjp(x)[1](y)
    opt.step()
    with pytest.raises(RuntimeError, match="has changed since vjp"):
        pullback(y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_continues_bit_for_bit(dtype: str) -> None:
    params = parameters(dtype=dtype)
    make: Callable[[list[nn.Parameter]], optim.SGD] = lambda params: optim.SGD(  # noqa: E731
        params, optim.cosine(0.1, steps=9), momentum=0.9, nesterov=True
    )
    opt = make(params)
    for _ in range(3):
        give(params, gradients(params))
        opt.step()
    twins = [nn.Parameter(p.data) for p in params]
    other = make(twins)
    state = opt.state_dict()
    other.load_state_dict(pickle.loads(pickle.dumps(state)))
    for _ in range(3):
        grads = gradients(params)
        give(params, grads)
        give(twins, grads)
        opt.step()
        other.step()
    for p, twin in zip(params, twins, strict=True):
        assert p.data.tobytes() == twin.data.tobytes()
    # The state was a copy, and was copied.
    assert state["steps"] == 3
    assert (state["0.velocity"] != opt.state_dict()["0.velocity"]).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s.pop("steps"), ValueError, "must have the key 'steps'"),
        (lambda s: s.update({"7.velocity": s["0.velocity"]}), ValueError, "Got key '7.velocity'"),
        (lambda s: s.update({"0.moment": s["0.velocity"]}), ValueError, "Got key '0.moment'"),
        (lambda s: s.update({"0.velocity": np.zeros(7)}), ValueError, "0.velocity: shape must be"),
        (
            lambda s: s.update({"0.velocity": np.zeros((2, 1), "f4")}),
            TypeError,
            "0.velocity: data must be float64",
        ),
    ],
)
def test_states_must_fit(change: Any, error: type[Exception], message: str) -> None:
    params = parameters()
    opt = optim.SGD(params, 0.1, momentum=0.9)
    give(params, gradients(params))
    opt.step()
    before = opt.state_dict()
    state = opt.state_dict()
    change(state)
    with pytest.raises(error, match=message):
        opt.load_state_dict(state)
    assert opt.state_dict().keys() == before.keys()
    assert (opt.state_dict()["0.velocity"] == before["0.velocity"]).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: optim.SGD([], 0.1), ValueError, "SGD: params must not be empty"),
        (lambda p: optim.SGD([p[0], p[0]], 0.1), ValueError, "a parameter must be given once"),
        (
            lambda p: optim.SGD([{"params": p}, {"params": [p[1]]}], 0.1),
            ValueError,
            "a parameter must be given once",
        ),
        (
            lambda p: optim.SGD([{"params": p, "betas": 1, "lr": 1}], 0.1),
            TypeError,
            r"SGD: options must be lr, momentum, .* Got \['betas'\]",
        ),
        (lambda p: optim.SGD(p, 0.1, betas=1), TypeError, "betas"),
        (lambda p: optim.SGD([{"lr": 1}], 0.1), TypeError, "or dicts with 'params'"),
        (lambda p: optim.SGD([p[0].data], 0.1), TypeError, "params must be Parameters"),
        (lambda p: optim.SGD(p, 0.1, nesterov=True), ValueError, "sgd_step: nesterov"),
        (lambda p: optim.SGD(p, 0.1, momentum=0.9, convention="x"), ValueError, "convention"),
    ],
)
def test_wrong_arguments(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(parameters())


# -- schedules


def test_the_first_step_has_the_rate_of_step_zero() -> None:
    p = nn.Parameter(np.zeros(1))
    rates: list[int] = []

    def schedule(step: int) -> float:
        rates.append(step)
        return 0.0

    opt = optim.SGD([p], schedule)
    rates.clear()
    for _ in range(3):
        p.grad = np.ones(1)
        opt.step()
    assert rates == [0, 1, 2]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (optim.constant(0.5), {0: 0.5, 1000: 0.5}),
        (optim.step(1.0, 3, 0.5), {0: 1, 2: 1, 3: 0.5, 5: 0.5, 6: 0.25}),
        (optim.step(1.0, 3), {3: 0.1}),
        (optim.multistep(1.0, (3, 5), 0.5), {2: 1, 3: 0.5, 4: 0.5, 5: 0.25, 99: 0.25}),
        (optim.exponential(2.0, 0.5), {0: 2, 3: 0.25}),
        (optim.inverse_time(1.0, 0.5), {0: 1, 2: 0.5, 6: 0.25}),
        (optim.polynomial(1.0, 4, 2.0, 0.2), {0: 1, 2: 0.4, 4: 0.2, 9: 0.2}),
        (optim.cosine(1.0, 4, 0.5), {0: 1, 2: 0.75, 4: 0.5, 9: 0.5}),
        (optim.cosine(1.0, 3), {1: (1 + math.cos(math.pi / 3)) / 2}),
        (optim.cosine_restarts(1.0, 4), {0: 1, 2: 0.5, 4: 1, 6: 0.5, 8: 1}),
        (
            optim.cosine_restarts(1.0, 2, mult=2, eta_min=0.5),
            {1: 0.75, 2: 1, 4: 0.75, 6: 1, 10: 0.75},
        ),
        (
            optim.one_cycle(1.0, 20, pct_start=0.25, div_factor=10, final_div_factor=100),
            {0: 0.1, 2: 0.55, 4: 1, 19: 0.001, 30: 0.001},
        ),
        (optim.warmup(optim.cosine(1.0, 4), 3), {0: 0.25, 2: 0.75, 3: 1, 5: 0.5, 7: 0}),
        (optim.warmup(optim.constant(1.0), 0), {0: 1}),
    ],
    ids=repr,
)
def test_schedules(schedule: Callable[[int], float], expected: dict[int, float]) -> None:
    for step, lr in expected.items():
        assert schedule(step) == pytest.approx(lr, rel=1e-12, abs=1e-15), step
    copy = pickle.loads(pickle.dumps(schedule))
    assert copy == schedule
    assert repr(copy) == repr(schedule)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.step(1.0, 0), "step: step_size must be at least 1. Got step_size=0"),
        (lambda: optim.cosine(1.0, 0), "cosine: steps must be at least 1"),
        (lambda: optim.cosine_restarts(1.0, 1, mult=0), "cosine_restarts: mult must be at least 1"),
        (lambda: optim.polynomial(1.0, 0), "polynomial: steps must be at least 1"),
        (lambda: optim.one_cycle(1.0, 0), "one_cycle: steps must be at least 1"),
        (
            lambda: optim.one_cycle(1.0, 5, pct_start=1.0),
            r"one_cycle: pct_start must be in \[0, 1\)",
        ),
        (lambda: optim.multistep(1.0, (5, 3)), "multistep: milestones must be sorted"),
        (lambda: optim.warmup(optim.constant(1.0), -1), "warmup: steps must be at least 0"),
    ],
)
def test_schedule_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
