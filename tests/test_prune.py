"""Pruning: which weights go, and that they stay away."""

from __future__ import annotations

import copy
import doctest
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate import data, io, losses, nn, optim, prune, train


def net(seed: int = 0) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1, activation="relu"),
        nn.BatchNorm2d(6),
        nn.Flatten(),
        nn.Linear(6 * 16, 5),
        rng=seed,
    )


def weights(model: nn.Module) -> list[nn.Parameter]:
    return [p for p in model.parameters() if p.decay and len(p.shape) > 1]


def steps(model: nn.Sequential, opt: optim.Optimizer, count: int = 3) -> None:
    rng = np.random.default_rng(count)
    for _ in range(count):
        x, labels = rng.standard_normal((8, 1, 4, 4)).astype("float32"), rng.integers(0, 5, 8)
        y, pullback = model.vjp(x)
        opt.zero_grad()
        pullback(losses.cross_entropy(y, labels)[1], input_grad=False)
        opt.step()


def test_examples() -> None:
    assert doctest.testmod(prune).failed == 0


def test_the_smallest_go_in_each_layer() -> None:
    model = net()
    before = [p.data.copy() for p in weights(model)]
    report = prune.magnitude(model, 0.75)
    for p, old in zip(weights(model), before, strict=True):
        threshold = np.quantile(abs(old), 0.75)
        assert ((p.data == 0) == (abs(old) < threshold)).all()
        assert (p.data[p.data != 0] == old[p.data != 0]).all()
    assert report.sparsity == pytest.approx(0.75, abs=0.01)
    assert [tensor.name for tensor in report.tensors] == ["0.weight", "3.weight"]
    assert model[1].weight.mask is None  # a norm scale


def test_global_pruning_compares_layers() -> None:
    model = net()
    model[3].weight.data = model[3].weight.data * np.float32(1e-3)
    prune.magnitude(model, 0.5, scope="global")
    assert (model[0].weight.data != 0).all()
    assert prune.sparsity(model).sparsity == pytest.approx(0.5, abs=0.01)


def test_skip_and_remove() -> None:
    model = net()
    prune.magnitude(model, 0.9, skip=["3.*"])
    assert (model[3].weight.data != 0).all()
    prune.remove(model)
    assert model[0].weight.mask is None
    assert prune.sparsity(model, skip=["3.*"]).sparsity > 0.85
    steps(model, optim.SGD(model.parameters(), 0.1))
    assert prune.sparsity(model).sparsity < 0.05  # some filters never fire


def test_what_is_pruned_stays_pruned() -> None:
    model = net()
    prune.magnitude(model, 0.5)
    first = [p.data == 0 for p in weights(model)]
    prune.magnitude(model, 0.8)
    second = [p.data == 0 for p in weights(model)]
    prune.magnitude(model, 0.1)
    for p, a, b in zip(weights(model), first, second, strict=True):
        assert (b[a]).all()
        assert ((p.data == 0) == b).all()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}),
        (optim.Adagrad, {}),
        (optim.RMSprop, {"momentum": 0.9}),
        (optim.Adam, {"ema": 0.9}),
        (optim.AdamW, {"max_norm": 1.0}),
    ],
)
def test_masks_survive_every_optimizer(kind: Any, options: Any) -> None:
    model = net()
    opt = kind(model.parameters(), lr=0.05, **options)
    steps(model, opt)  # with a velocity that would go on
    prune.magnitude(model, 0.7)
    zeros = [p.data == 0 for p in weights(model)]
    before = [p.data.copy() for p in weights(model)]
    steps(model, opt, 5)
    for p, zero, old in zip(weights(model), zeros, before, strict=True):
        assert (p.data[zero] == 0).all()
        assert (p.data[~zero] != old[~zero]).any()
    if "ema" in options:
        with opt.averaged():
            assert all((p.data[z] == 0).all() for p, z in zip(weights(model), zeros, strict=True))


def test_masks_are_saved_copied_and_converted(tmp_path: Path) -> None:
    model = net()
    prune.magnitude(model, 0.7)
    state = model.state_dict()
    assert {"0.weight_mask", "3.weight_mask"} <= set(state)
    io.save(tmp_path / "net.safetensors", state)
    other = net(seed=1)
    other.load_state_dict(io.load(tmp_path / "net.safetensors"))
    steps(other, optim.SGD(other.parameters(), 0.1))
    twin = copy.deepcopy(model).astype("float64")
    for p, q, r in zip(weights(model), weights(other), weights(twin), strict=True):
        assert ((q.data == 0) == (p.data == 0)).all()
        assert r.mask is not None
        assert r.mask.dtype == "float64"
        q.data = np.ones(q.shape, "float32")  # an assignment too
        assert ((q.data == 0) == (p.data == 0)).all()


def test_a_state_without_masks_does_not_fit_a_pruned_net() -> None:
    model, state = net(), net().state_dict()
    prune.magnitude(model, 0.5)
    with pytest.raises(ValueError, match=r"missing .'0\.weight_mask'"):
        model.load_state_dict(state)
    assert model.load_state_dict(state, strict=False).missing == ["0.weight_mask", "3.weight_mask"]
    assert prune.sparsity(model).sparsity == pytest.approx(0.5, abs=0.01)


def test_gradual_pruning_follows_the_cubic() -> None:
    schedule = prune.Gradual(0.9, begin=10, end=50, initial=0.1, every=20)
    assert [schedule(step) for step in (9, 10, 50, 99)] == pytest.approx([0, 0.1, 0.9, 0.9])
    assert schedule(30) == pytest.approx(0.9 - 0.8 * 0.5**3)
    model = net()
    got = []
    for step in range(61):
        schedule.update(model, step)
        got.append(prune.sparsity(model).sparsity)
    want = [0] * 10 + [0.1] * 20 + [0.8] * 20 + [0.9] * 11
    np.testing.assert_allclose(got, want, atol=0.01)


def test_gradual_pruning_in_a_resumed_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    dataset = data.ArrayDataset(
        rng.standard_normal((32, 1, 4, 4)).astype("float32"), rng.integers(0, 5, 32)
    )

    def make() -> train.Trainer:
        model = net()
        callback = prune.Gradual(0.8, begin=2, end=12, every=2)
        return train.Trainer(
            model, losses.cross_entropy, optim.Adam(model.parameters()), [callback]
        )

    whole, first, second = make(), make(), make()
    whole.fit(data.DataLoader(dataset, 8), 4)
    first.fit(data.DataLoader(dataset, 8), 2)
    first.save(tmp_path / "half.safetensors")
    second.load(tmp_path / "half.safetensors")
    second.fit(data.DataLoader(dataset, 8), 2)
    assert prune.sparsity(whole.net).sparsity == pytest.approx(0.8, abs=0.01)
    for p, q in zip(whole.net.parameters(), second.net.parameters(), strict=True):
        assert p.data.tobytes() == q.data.tobytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: prune.magnitude(net(), 1.5), r"sparsity must be in \[0, 1\]"),
        (lambda: prune.magnitude(net(), 0.5, scope="all"), "scope must be"),  # type: ignore[arg-type]
        (lambda: prune.magnitude(nn.ReLU(), 0.5), "must have weights to prune"),
        (lambda: prune.Gradual(0.5, begin=5, end=5), "begin < end"),
        (lambda: prune.Gradual(0.5, initial=0.6, end=5), "initial <= final"),
    ],
)
def test_refuses(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_masks_are_of_the_parameters_shape() -> None:
    p = nn.Parameter(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"Parameter\.mask: shape must be"):
        p.mask = np.ones((3, 2))
    p.mask = np.array([[1.0, 0.0, 1.0]] * 2)
    assert p.data[:, 1].tolist() == [0, 0]
    assert p.version == 1
