from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from striate import nn, ops, optim

RNG = np.random.default_rng(0)


def parameters(count: int = 3, dtype: str = "float64") -> list[nn.Parameter]:
    return [nn.Parameter(RNG.standard_normal((2, i + 1)).astype(dtype)) for i in range(count)]


def step(opt: optim.Optimizer, params: list[nn.Parameter], grads: list[Any]) -> None:
    for p, grad in zip(params, grads, strict=True):
        p.grad = grad
    opt.step()


def by_hand(w: Any, gradients: list[Any], lr: float, **o: Any) -> Any:
    """The papers' algorithms, with the corrected averages written out."""
    beta1, beta2 = o.get("betas", (0.9, 0.999))
    eps, decay, decoupled = o.get("eps", 1e-8), o.get("weight_decay", 0), o.get("decoupled")
    m = v = top = np.zeros_like(w)
    for t, grad in enumerate(gradients, 1):
        g = grad if decoupled else grad + decay * w
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        top = np.maximum(top, v)
        u = top if o.get("amsgrad") else v
        m_hat, u_hat = m / (1 - beta1**t), u / (1 - beta2**t)
        if decoupled:
            w = w - lr * decay * w
        if o.get("convention") == "keras":
            eps_hat = eps / math.sqrt(1 - beta2**t)
            w = w - lr * m_hat / (np.sqrt(u_hat) + eps_hat)
        else:
            w = w - lr * m_hat / (np.sqrt(u_hat) + eps)
    return w


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"betas": (0.5, 0.9), "eps": 1e-3},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "decoupled": True},
        {"amsgrad": True, "betas": (0.9, 0.5)},
        {"convention": "keras", "eps": 1e-2},
    ],
)
def test_adam(options: dict[str, Any]) -> None:
    params = parameters()
    opt = optim.Adam(params, 0.1, **options)
    start = [p.data.copy() for p in params]
    history = [[RNG.standard_normal(p.shape) for p in params] for _ in range(5)]
    for grads in history:
        step(opt, params, grads)
    for i, p in enumerate(params):
        want = by_hand(start[i], [grads[i] for grads in history], 0.1, **options)
        np.testing.assert_allclose(p.data, want, rtol=1e-12)


def test_adamw_is_adam_with_decoupled_decay() -> None:
    a, b = nn.Parameter(np.arange(3.0)), nn.Parameter(np.arange(3.0))
    first = optim.AdamW([a], 0.1, weight_decay=0.2)
    second = optim.Adam([b], 0.1, weight_decay=0.2, decoupled=True)
    for _ in range(3):
        grad = RNG.standard_normal(3)
        step(first, [a], [grad])
        step(second, [b], [grad])
    assert a.data.tolist() == b.data.tolist()


def test_decay_is_not_for_all() -> None:
    weight, bias = nn.Parameter(np.full(3, 2.0)), nn.Parameter(np.full(3, 2.0), decay=False)
    opt = optim.AdamW([bias, weight], 0.1, weight_decay=0.5)
    step(opt, [weight, bias], [np.zeros(3), np.zeros(3)])
    assert (bias.data == 2).all()
    np.testing.assert_allclose(weight.data, 2 - 0.1 * 0.5 * 2)


def test_a_parameter_that_joins_late_starts_at_step_one() -> None:
    a, b = nn.Parameter(np.zeros(1)), nn.Parameter(np.zeros(1))
    opt = optim.Adam([a, b], 1.0, eps=0.0)
    step(opt, [a, b], [np.ones(1), None])
    step(opt, [a, b], [np.ones(1), np.ones(1)])
    assert b.data[0] == pytest.approx(-1)  # its first step, whatever the gradient's size
    assert {k: v for k, v in opt.state_dict().items() if "step" in k} == {
        "steps": 2,
        "0.step": 2,
        "1.step": 1,
    }


@pytest.mark.parametrize("amsgrad", [False, True])
def test_a_resumed_run_continues_bit_for_bit(amsgrad: bool) -> None:
    params = parameters()
    copies = [nn.Parameter(p.data.copy()) for p in params]
    opt = optim.Adam(params, 0.1, amsgrad=amsgrad)
    history = [[RNG.standard_normal(p.shape) for p in params] for _ in range(6)]
    for grads in history[:3]:
        step(opt, params, grads)
    resumed = optim.Adam(copies, 0.1, amsgrad=amsgrad)
    for p, copy in zip(params, copies, strict=True):
        copy.data = p.data
    resumed.load_state_dict(opt.state_dict())
    for grads in history[3:]:
        step(opt, params, grads)
        step(resumed, copies, grads)
    for p, copy in zip(params, copies, strict=True):
        assert p.data.tobytes() == copy.data.tobytes()


# -- clipping


def test_norm_is_the_one_before_and_small_gradients_stay() -> None:
    grads = [np.array([3.0]), None, np.array([[4.0]])]
    assert ops.clip_grad_norm(grads, 5.1) == 5
    assert grads[0] is not None
    assert grads[0][0] == 3
    assert ops.clip_grad_norm(grads, 1.0) == 5
    assert ops.clip_grad_norm(grads, 1.0) == pytest.approx(1, rel=1e-6)
    assert ops.clip_grad_norm([], 1.0) == 0
    assert type(ops.clip_grad_norm([None], 1.0)) is float


def test_dtypes_may_be_mixed() -> None:
    grads = [np.array([3.0], np.float32), np.array([4.0])]
    assert ops.clip_grad_norm(grads, 1.0) == 5
    np.testing.assert_allclose([grads[0][0], grads[1][0]], [0.6, 0.8], rtol=1e-6)


def test_nothing_is_written_when_the_norm_is_not_finite() -> None:
    grads = [np.array([3.0, 4.0]), np.array([np.inf])]
    with pytest.raises(ValueError, match=r"clip_grad_norm: the norm .* must be finite. Got inf"):
        ops.clip_grad_norm(grads, 1.0)
    assert grads[0].tolist() == [3, 4]
    assert ops.clip_grad_norm(grads, 1.0, error_if_nonfinite=False) == math.inf
    assert grads[0].tolist() == [0, 0]


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW])
def test_every_optimizer_clips(kind: Any) -> None:
    a, b = nn.Parameter(np.zeros(1)), nn.Parameter(np.zeros(1))
    c, d = nn.Parameter(np.zeros(1)), nn.Parameter(np.zeros(1))
    own = np.array([3.0])
    step(kind([a, b], lr=0.5, clip_norm=1.0), [a, b], [own, np.array([4.0])])
    step(kind([c, d], lr=0.5), [c, d], [np.array([3.0]) / 5, np.array([4.0]) / 5])
    np.testing.assert_allclose([a.data, b.data], [c.data, d.data], rtol=1e-6)
    assert own[0] == 3  # the caller's array is not ours to write to


def test_each_group_has_its_own_norm() -> None:
    a, b = nn.Parameter(np.zeros(1)), nn.Parameter(np.zeros(1))
    groups = [{"params": [a], "clip_norm": 2.0}, {"params": [b]}]
    step(optim.SGD(groups, lr=1.0), [a, b], [np.array([8.0]), np.array([8.0])])
    np.testing.assert_allclose([a.data[0], b.data[0]], [-2, -8], rtol=1e-6)


def test_no_parameter_changes_when_the_norm_is_not_finite() -> None:
    a, b = nn.Parameter(np.zeros(1)), nn.Parameter(np.zeros(1))
    opt = optim.SGD([{"params": [a]}, {"params": [b]}], lr=1.0, clip_norm=1.0)
    with pytest.raises(ValueError, match="must be finite"):
        step(opt, [a, b], [np.ones(1), np.array([np.nan])])
    assert a.data[0] == 0
    assert opt.steps == 0


def test_bad_clip_norm_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="clip_norm must be at least 0"):
        optim.SGD(parameters(), lr=0.1, clip_norm=-1.0)
