"""The options that every optimizer has, and the order in which a step takes them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from striate import nn, ops, optim

RNG = np.random.default_rng(0)
EVERY: list[tuple[Any, dict[str, Any]]] = [
    (optim.SGD, {}),
    (optim.SGD, {"momentum": 0.9, "nesterov": True}),
    (optim.SGD, {"momentum": 0.9, "convention": "caffe"}),
    (optim.Adagrad, {}),
    (optim.RMSprop, {}),
    (optim.RMSprop, {"momentum": 0.9, "centered": True, "convention": "keras"}),
    (optim.Adam, {}),
    (optim.Adam, {"amsgrad": True}),
    (optim.AdamW, {}),
]
IDS = [f"{kind.__name__}{i}" for i, (kind, _) in enumerate(EVERY)]
every = pytest.mark.parametrize(("kind", "options"), EVERY, ids=IDS)

ALL_OPTIONS = {
    "weight_decay": 0.1,
    "l1": 0.01,
    "clip_norm": 2.0,
    "clip_value": 0.5,
    "max_norm": 1.5,
    "ema": 0.9,
}


def parameters(dtype: str = "float64") -> list[nn.Parameter]:
    shapes = [(3, 4), (2, 3, 2, 2), (5,)]
    return [
        nn.Parameter(RNG.standard_normal(shape).astype(dtype), decay=len(shape) > 1)
        for shape in shapes
    ]


def give(params: list[nn.Parameter]) -> list[Any]:
    grads = [RNG.standard_normal(p.shape).astype(p.dtype) for p in params]
    for p, grad in zip(params, grads, strict=True):
        p.grad = grad
    return grads


def twins(params: list[nn.Parameter]) -> list[nn.Parameter]:
    return [nn.Parameter(p.data, decay=p.decay) for p in params]


@every
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_resumed_run_continues_bit_for_bit(kind: Any, options: Any, dtype: str) -> None:
    params = parameters(dtype)
    make = lambda params: kind(  # noqa: E731
        params, optim.warmup(optim.cosine(0.1, 9), 2), **options, **ALL_OPTIONS
    )
    opt = make(params)
    for step in range(3):
        give(params)
        params[1].trainable = step > 0  # so that the counts of steps differ
        opt.step()
    copies = twins(params)
    resumed = make(copies)
    resumed.load_state_dict(opt.state_dict())
    for _ in range(3):
        for p, grad in zip(copies, give(params), strict=True):
            p.grad = grad
        opt.step()
        resumed.step()
    for p, copy in zip(params, copies, strict=True):
        assert p.data.tobytes() == copy.data.tobytes()
    for key, value in opt.state_dict().items():
        assert np.array_equal(value, resumed.state_dict()[key]), key


@every
def test_a_step_takes_its_options_in_order(kind: Any, options: Any) -> None:
    params = parameters()
    plain = twins(params)
    decoupled = {} if kind is optim.AdamW else {"decoupled": True}
    opt = kind(params, 0.1, **options, **ALL_OPTIONS, **decoupled)
    bare = kind(plain, 0.1, **options, weight_decay=0.0)
    grads = give(params)
    before = [p.data.copy() for p in params]
    opt.step()

    # By hand: clip the norm, then the values; L1; the update; decay; the weights' norms.
    norm = np.sqrt(sum((g**2).sum() for g in grads))
    for p, q, g in zip(params, plain, grads, strict=True):
        clipped = np.clip(g * min(1, 2 / (norm + 1e-6)), -0.5, 0.5)
        q.grad = clipped + 0.01 * np.sign(q.data) * p.decay
    bare.step()
    for p, q, old in zip(params, plain, before, strict=True):
        want = q.data - 0.1 * 0.1 * old * p.decay
        if p.decay:
            rows = want.reshape(len(want), -1)
            norms = np.sqrt((rows**2).sum(1, keepdims=True))
            want = (rows * np.minimum(1, 1.5 / norms)).reshape(p.shape)
        np.testing.assert_allclose(p.data, want, rtol=1e-12)
    for i, p in enumerate(params):  # the average starts with the first step's result
        assert (opt.state_dict()[f"{i}.average"] == p.data).all()


@every
def test_what_is_frozen_stays_and_is_not_counted(kind: Any, options: Any) -> None:
    a, b = nn.Parameter(np.ones((2, 2))), nn.Parameter(np.ones((2, 2)))
    opt = kind([a, b], 0.1, **options, **ALL_OPTIONS)
    b.trainable = False
    give([a, b])
    opt.step()
    assert (b.data == 1).all()
    assert not [key for key in opt.state_dict() if key.startswith("1.")]
    b.trainable = True
    # b's first step, at the optimizer's second, is what a fresh optimizer's first would be.
    c = nn.Parameter(np.ones((2, 2)))
    fresh = kind([c], 0.1, **options, **ALL_OPTIONS)
    grad = RNG.standard_normal((2, 2))
    a.grad, b.grad, c.grad = None, grad, grad
    opt.step()
    fresh.step()
    assert b.data.tobytes() == c.data.tobytes()


@every
def test_groups_have_options_of_their_own(kind: Any, options: Any) -> None:
    a, b, c = (nn.Parameter(np.full((2, 2), 3.0)) for _ in range(3))
    groups = [
        {"params": [a], "clip_value": 0.1, "weight_decay": 0.0},
        {"params": [b], "max_norm": 1.0},
        {"params": [c], "ema": 0.5},
    ]
    opt = kind(groups, 0.1, **options)
    for p in (a, b, c):
        p.grad = np.full((2, 2), 2.0)
    opt.step()
    np.testing.assert_allclose(np.sqrt((b.data**2).sum(1)), 1, rtol=1e-12)
    assert [key for key in opt.state_dict() if "average" in key] == ["2.average"]
    twin = nn.Parameter(np.full((2, 2), 3.0))
    twin.grad = np.full((2, 2), 0.1)
    kind([twin], 0.1, **options, weight_decay=0.0).step()
    assert a.data.tobytes() == twin.data.tobytes()


def test_elastic_net_is_both_penalties() -> None:
    p, q = nn.Parameter(np.array([2.0, -1.0, 0.0])), nn.Parameter(np.array([2.0, -1.0, 0.0]))
    opt = optim.SGD([p], 0.1, weight_decay=0.5, l1=0.25)
    p.grad = np.zeros(3)
    opt.step()
    np.testing.assert_allclose(p.data, q.data - 0.1 * (0.5 * q.data + 0.25 * np.sign(q.data)))


# -- the average of the weights


def test_average() -> None:
    p = nn.Parameter(np.zeros(1))
    opt = optim.SGD([p], lr=1.0, ema=0.75)
    average = None
    for _ in range(5):
        p.grad = RNG.standard_normal(1)
        opt.step()
        average = p.data.copy() if average is None else 0.75 * average + 0.25 * p.data
    assert average is not None
    trained, version = p.data, p.version
    with opt.averaged():
        np.testing.assert_allclose(p.data, average, rtol=1e-12)
        p.data = np.full(1, 99.0)  # not the average's own array
    assert p.data is trained
    assert p.version > version  # pullbacks from inside are void
    np.testing.assert_allclose(opt.state_dict()["0.average"], average, rtol=1e-12)


def test_average_comes_back_after_an_error_and_must_be_asked_for() -> None:
    p = nn.Parameter(np.zeros(1))
    opt = optim.SGD([p], lr=1.0, ema=0.5)
    p.grad = np.ones(1)
    opt.step()
    opt.step()
    seen = []
    with suppress(KeyError), opt.averaged():
        seen.append(p.data[0])
        raise KeyError
    assert seen == [-1.5]
    assert p.data[0] == -2
    with pytest.raises(ValueError, match="averaged: a group must have the option ema"):
        optim.SGD([p], lr=1.0).averaged().__enter__()


# -- bounds


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_value": -1.0}, "clip_value must be at least 0"),
        ({"max_norm": float("nan")}, "max_norm must be at least 0"),
        ({"ema": 1.5}, r"decay must be in \[0, 1\]"),
    ],
)
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adagrad, optim.RMSprop, optim.Adam, optim.AdamW])
def test_bad_options_are_refused_at_once(kind: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(parameters(), 0.1, **options)


def test_nothing_changes_where_a_norm_is_not_finite() -> None:
    p = nn.Parameter(np.ones(2))
    opt = optim.SGD([p], 0.1, clip_norm=1.0, clip_value=0.5)
    p.grad = np.array([np.inf, 1.0])
    with pytest.raises(ValueError, match="must be finite"):
        opt.step()
    assert p.data.tolist() == [1, 1]
    assert p.grad.tolist() == [np.inf, 1]


def test_max_norm_counts_a_units_incoming_weights() -> None:
    w = RNG.standard_normal((4, 3, 5, 5))
    norms = np.sqrt((w**2).sum((1, 2, 3)))
    limit = float(np.median(norms))
    bounded = w.copy()
    ops.max_norm_step([bounded], limit)
    np.testing.assert_allclose(
        np.sqrt((bounded**2).sum((1, 2, 3))), np.minimum(norms, limit), rtol=1e-14
    )
    assert (bounded[norms <= limit] == w[norms <= limit]).all()


def test_max_norm_leaves_out_what_does_not_decay() -> None:
    p, q = nn.Parameter(np.full((2, 2), 3.0)), nn.Parameter(np.full((2, 2), 3.0), decay=False)
    opt = optim.SGD([p, q], lr=0.0, max_norm=1.0)
    for parameter in (p, q):
        parameter.grad = np.zeros((2, 2))
    opt.step()
    np.testing.assert_allclose(p.data, 0.5**0.5)
    assert (q.data == 3).all()


def test_ema_step_refuses_what_is_missing() -> None:
    with pytest.raises(ValueError, match=r"ema_step: params must not hold None. Got 1"):
        ops.ema_step([np.zeros(1)], [None], decay=0.5)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="ema_step: params must be as long as averages"):
        ops.ema_step([np.zeros(1)], [], decay=0.5)


# -- the schedule with a state


def test_plateau() -> None:
    lr = optim.ReduceOnPlateau(1.0, factor=0.5, patience=1, cooldown=2, min_lr=0.2, mode="max")
    rates = []
    for metric in [0.5, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]:
        lr.update(metric)
        rates.append(lr(0))
    # Two bad ones lower the rate, then two are not counted; the rate stops at 0.2.
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.2]


def test_plateau_takes_a_small_gain_for_none() -> None:
    lr = optim.ReduceOnPlateau(1.0, patience=0, threshold=0.1)
    lr.update(10.0)
    lr.update(8.9)
    assert lr(0) == 1
    lr.update(8.1)
    assert lr(0) == pytest.approx(0.1)
    lr.update(float("nan"))
    assert lr(0) == pytest.approx(0.01)


def test_plateau_is_saved_with_its_optimizer() -> None:
    p = nn.Parameter(np.zeros(1))
    opt = optim.SGD([p], optim.ReduceOnPlateau(1.0, patience=0))
    for metric in (1.0, 1.0):
        opt.param_groups[0]["lr"].update(metric)
    state = opt.state_dict()
    other = optim.SGD([nn.Parameter(np.zeros(1))], optim.ReduceOnPlateau(1.0, patience=0))
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"](0) == pytest.approx(0.1)
    state.pop("lr.0.best")
    with pytest.raises(ValueError, match=r"must have the keys \['lr.0.best'\]"):
        other.load_state_dict(state)


@pytest.mark.parametrize(
    "options", [{"factor": 1.0}, {"patience": -1}, {"mode": "least"}, {"min_lr": float("nan")}]
)
def test_plateau_refuses(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ReduceOnPlateau: "):
        optim.ReduceOnPlateau(1.0, **options)
