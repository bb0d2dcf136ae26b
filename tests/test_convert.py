"""optim.convert: the same steps, or a refusal that says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from striate import nn, ops, optim
from striate.optim import convert


def path(settings: dict[str, Any]) -> Any:
    """Ten steps of a striate optimizer with these settings."""
    options = dict(settings)
    kind = getattr(optim, options.pop("type"))
    rng = np.random.default_rng(0)
    p = nn.Parameter(rng.standard_normal(6))
    opt = kind([p], **options)
    points = []
    for _ in range(10):
        p.grad = rng.standard_normal(6)
        opt.step()
        points.append(p.data.copy())
    return np.array(points)


# Each pair makes the same steps, by the frameworks' documented formulas.
PAIRS = [
    (
        ("caffe", {"type": "SGD", "base_lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}),
        ("torch", {"type": "SGD", "lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}),
    ),
    (
        ("keras", {"type": "SGD", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
        ("caffe", {"type": "Nesterov", "base_lr": 0.1, "momentum": 0.9}),
    ),
    (
        ("torch", {"type": "SGD", "lr": 0.1, "momentum": 0.5, "weight_decay": 0.02}),
        ("keras", {"type": "SGD", "learning_rate": 0.1, "momentum": 0.5, "l2": 0.01}),
    ),
    (
        ("keras", {"type": "SGD", "learning_rate": 0.1, "weight_decay": 0.2}),
        ("torch", {"type": "SGD", "lr": 0.1, "weight_decay": 0.2}),
    ),
    (
        ("keras", {"type": "Adagrad", "learning_rate": 0.1, "epsilon": 0.01}),
        ("torch", {"type": "Adagrad", "lr": 0.1, "initial_accumulator_value": 0.11, "eps": 0.0}),
    ),
    (
        ("caffe", {"type": "AdaGrad", "base_lr": 0.1}),
        ("torch", {"type": "Adagrad", "lr": 0.1, "eps": 1e-8}),
    ),
    (
        ("caffe", {"type": "RMSProp", "base_lr": 0.1, "rms_decay": 0.9}),
        ("torch", {"type": "RMSprop", "lr": 0.1, "alpha": 0.9, "eps": 1e-8}),
    ),
    (
        ("keras", {"type": "RMSprop", "epsilon": 0.0, "momentum": 0.5, "centered": True}),
        (
            "torch",
            {
                "type": "RMSprop",
                "lr": 0.001,
                "alpha": 0.9,
                "eps": 0.0,
                "momentum": 0.5,
                "centered": True,
            },
        ),
    ),
    (
        ("caffe", {"type": "Adam", "base_lr": 0.1, "momentum": 0.9, "delta": 1e-3}),
        ("keras", {"type": "Adam", "learning_rate": 0.1, "epsilon": 1e-3}),
    ),
    (
        ("keras", {"type": "AdamW", "epsilon": 0.0}),
        ("torch", {"type": "AdamW", "lr": 0.001, "eps": 0.0, "weight_decay": 0.004}),
    ),
]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda pair: "-".join(pair[1]["type"]))
def test_both_ways_make_the_same_steps(one: Any, other: Any) -> None:
    runs = {}
    for framework, settings in (one, other):
        runs[framework] = path(convert(settings, from_=framework, to="striate"))
    a, b = runs.values()
    # Not bit for bit: eps is 0 where it must be, and roundings differ.
    np.testing.assert_allclose(a, b, rtol=1e-9)
    for (framework, settings), (target, _) in ((one, other), (other, one)):
        try:
            translated = convert(settings, from_=framework, to=target)
        except ValueError:
            assert (framework, target) == ("torch", "keras")
            assert settings["type"] == "Adagrad"
            continue
        got = path(convert(translated, from_=target, to="striate"))
        np.testing.assert_allclose(got, a, rtol=1e-9)


@pytest.mark.parametrize(
    ("settings", "from_", "to", "why"),
    [
        ({"type": "Adam"}, "torch", "keras", "changes with every step. Got eps=1e-08"),
        ({"type": "Adam", "base_lr": 0.1}, "caffe", "torch", "Adam's eps"),
        ({"type": "RMSprop"}, "keras", "caffe", "outside the root and keras inside"),
        ({"type": "Adagrad"}, "torch", "keras", "no eps makes the same steps but 0"),
        (
            {"type": "SGD", "lr": 0.1, "momentum": 0.9, "dampening": 0.5},
            "torch",
            "caffe",
            "first step is undampened",
        ),
        (
            {
                "type": "SGD",
                "base_lr": 0.1,
                "momentum": 0.9,
                "lr_policy": "step",
                "stepsize": 10,
                "gamma": 0.1,
            },
            "caffe",
            "torch",
            "velocities hold gradients in torch, and steps in caffe",
        ),
        (
            {"type": "SGD", "momentum": 0.9, "weight_decay": 0.1},
            "keras",
            "torch",
            "is no decoupled decay",
        ),
        ({"type": "Adam", "amsgrad": True, "epsilon": 0.0}, "keras", "caffe", "no amsgrad"),
        ({"type": "RMSprop", "momentum": 0.9}, "torch", "caffe", "takes no momentum"),
        ({"type": "SGD", "clipnorm": 1.0}, "keras", "torch", "each variable's own norm"),
        (
            {"type": "SGD", "base_lr": 0.1, "clip_gradients": 5.0},
            "caffe",
            "torch",
            "no clip_norm",
        ),
        ({"type": "Lion"}, "torch", "keras", "type must be one of SGD"),
        ({"type": "SGD", "betas": 1}, "torch", "keras", "Got ['betas']"),
        ({"type": "SGD"}, "caffe", "torch", "needs base_lr"),
        ({"type": "SGD", "base_lr": 0.1, "lr_policy": "step"}, "caffe", "striate", "its numbers"),
        ({"type": "SGD"}, "torch", "mxnet", "to must be one of striate"),
        ({"type": "SGD", "convention": "tf"}, "striate", "torch", "convention must be"),
    ],
)
def test_refuses_and_says_why(settings: Any, from_: str, to: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^(convert|sgd_step): ") as caught:
        convert(settings, from_=from_, to=to)
    assert why in str(caught.value)


def test_caffes_policies_are_our_schedules() -> None:
    caffe = {
        "type": "SGD",
        "base_lr": 0.1,
        "momentum": 0.9,
        "lr_policy": "multistep",
        "stepvalue": [3, 6],
        "gamma": 0.5,
        "clip_gradients": 5.0,
    }
    ours = convert(caffe, from_="caffe", to="striate")
    assert ours["lr"] == optim.multistep(0.1, (3, 6), 0.5)
    assert (ours["convention"], ours["clip_norm"]) == ("caffe", 5.0)
    back = convert(ours, from_="striate", to="caffe")
    assert {key: back[key] for key in caffe} == caffe
    for policy, numbers, schedule in (
        ("step", {"stepsize": 2, "gamma": 0.1}, optim.step(0.1, 2, 0.1)),
        ("exp", {"gamma": 0.9}, optim.exponential(0.1, 0.9)),
        ("inv", {"gamma": 0.5, "power": 1}, optim.inverse_time(0.1, 0.5)),
        ("poly", {"power": 2, "max_iter": 9}, optim.polynomial(0.1, 9, 2)),
    ):
        settings = {"type": "SGD", "base_lr": 0.1, "lr_policy": policy, **numbers}
        assert convert(settings, from_="caffe", to="striate")["lr"] == schedule


def test_pytorchs_lr_decay_is_a_schedule() -> None:
    torch = {"type": "Adagrad", "lr": 0.1, "lr_decay": 0.5}
    ours = convert(torch, from_="torch", to="striate")
    assert [ours["lr"](t) for t in range(3)] == [0.1, 0.1 / 1.5, 0.1 / 2]
    assert convert(ours, from_="striate", to="torch")["lr_decay"] == 0.5


# -- LRN


def lrn(x: Any, settings: dict[str, Any]) -> Any:
    options = {key: value for key, value in settings.items() if key != "type"}
    return ops.local_response_norm(x, **options)


@pytest.mark.parametrize(
    ("settings", "from_", "to", "want"),
    [
        (
            {"type": "LRN", "n": 5, "k": 2.0, "alpha": 1e-4, "beta": 0.75},
            "paper",
            "torch",
            {"size": 5, "alpha": 5e-4, "beta": 0.75, "k": 2.0},
        ),
        (
            {"type": "LRN", "local_size": 5, "alpha": 1e-4},
            "caffe",
            "tensorflow",
            {"depth_radius": 2, "alpha": 2e-5, "beta": 0.75, "bias": 1.0},
        ),
        (
            {"type": "local_response_normalization"},
            "tensorflow",
            "onnx",
            {"size": 11, "alpha": 11.0, "beta": 0.5, "bias": 1.0},
        ),
        (
            {"type": "LRN", "local_size": 3, "norm_region": "WITHIN_CHANNEL", "k": 7.0},
            "caffe",
            "striate",
            {"size": 3, "alpha": 1.0, "beta": 0.75, "k": 1.0, "region": "within"},
        ),
    ],
)
def test_lrn(settings: Any, from_: str, to: str, want: Any) -> None:
    got = convert(settings, from_=from_, to=to)
    assert {key: pytest.approx(got[key]) if key == "alpha" else got[key] for key in want} == want


@pytest.mark.parametrize("target", ["torch", "caffe", "onnx", "tensorflow", "paper"])
@pytest.mark.parametrize("convention", ["torch", "onnx", "paper"])
def test_lrn_computes_the_same(convention: str, target: str) -> None:
    settings = {
        "type": "LocalResponseNorm",
        "size": 5,
        "alpha": 0.7,
        "beta": 0.6,
        "k": 1.5,
        "convention": convention,
    }
    there = convert(settings, from_="striate", to=target)
    back = convert(there, from_=target, to="striate")
    x = np.random.default_rng(0).standard_normal((2, 9, 3, 3))
    np.testing.assert_allclose(lrn(x, back), lrn(x, settings), rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "from_", "to", "why"),
    [
        ({"type": "LocalResponseNorm", "size": 4}, "torch", "onnx", "an even window has one more"),
        ({"type": "LocalResponseNorm", "size": 4}, "torch", "caffe", "caffe takes odd sizes"),
        ({"type": "LRN", "n": 4, "k": 1, "alpha": 1, "beta": 1}, "paper", "torch", "5 channels"),
        (
            {"type": "LRN", "norm_region": "WITHIN_CHANNEL"},
            "caffe",
            "torch",
            "torch has no LRN within a channel",
        ),
        ({"type": "LRN", "n": 5}, "paper", "torch", "needs alpha"),
        ({"type": "LRN", "sise": 5}, "onnx", "torch", "Got ['sise']"),
        ({"type": "LocalResponseNorm", "size": 5}, "torch", "keras", "to must be one of"),
        ({"type": "LRN", "size": 5}, "torch", "onnx", "has the type 'LocalResponseNorm'"),
    ],
)
def test_lrn_refuses(settings: Any, from_: str, to: str, why: str) -> None:
    with pytest.raises(ValueError, match=r"^convert: ") as caught:
        convert(settings, from_=from_, to=to)
    assert why.replace("5 channels", "size + 1 channels") in str(caught.value)
