from __future__ import annotations

import numpy as np
import pytest

from striate import reference


def run(grads, *, start=1.0, velocity=0.0, **options):
    """The parameter and its velocity after each of the gradients."""
    w, v = np.array([start]), np.array([velocity])
    path = []
    for grad in grads:
        reference.sgd_step([w], [np.array([grad])], [v], **options)
        path.append((w.item(), v.item()))
    return np.array(path)


@pytest.mark.parametrize(
    ("options", "expected"),
    [  # From w = 1 and v = 2, with gradients 4 and 8: (w, v) after each step.
        ({"lr": 0.5}, [(-1, 2), (-5, 2)]),
        ({"lr": 0.5, "momentum": 0.5}, [(-1.5, 5), (-6.75, 10.5)]),
        ({"lr": 0.5, "momentum": 0.5, "dampening": 0.25}, [(-1, 4), (-5, 8)]),
        ({"lr": 0.5, "momentum": 0.5, "nesterov": True}, [(-2.25, 5), (-8.875, 10.5)]),
        ({"lr": 0.5, "momentum": 0.5, "first": True}, [(-1, 4), (-5, 8)]),
        (
            {"lr": 0.5, "momentum": 0.5, "dampening": 0.5, "first": [True]},
            [(-1, 4), (-5, 8)],
        ),
        ({"lr": 0.5, "momentum": 0.5, "convention": "caffe"}, [(-2, 3), (-7.5, 5.5)]),
        (
            {"lr": 0.5, "momentum": 0.5, "convention": "caffe", "nesterov": True},
            [(-2.5, 3), (-9.25, 5.5)],
        ),
        (
            {"lr": 0.5, "momentum": 0.5, "convention": "caffe", "first": True},
            [(-1, 2), (-5, 4)],
        ),
        ({"lr": 0.5, "weight_decay": 0.5}, [(-1.25, 2), (-4.9375, 2)]),
        ({"lr": 0.5, "l1": 3.0}, [(-2.5, 2), (-5, 2)]),
        ({"lr": 0.5, "l1": 3.0, "weight_decay": 0.5}, [(-2.75, 2), (-4.5625, 2)]),
    ],
)
def test_sgd_step_by_hand(options, expected):
    np.testing.assert_allclose(run([4.0, 8.0], velocity=2.0, **options), expected)


def test_the_sign_of_zero_is_zero():
    assert run([0.0], start=0.0, lr=1.0, l1=5.0)[0, 0] == 0


def test_conventions_agree_at_a_constant_rate():
    grads = np.random.default_rng(0).standard_normal(9)
    for nesterov in (False, True):
        options = {"lr": 0.1, "momentum": 0.9, "nesterov": nesterov}
        torch_path = run(grads, **options)
        caffe_path = run(grads, convention="caffe", **options)
        np.testing.assert_allclose(torch_path[:, 0], caffe_path[:, 0], rtol=1e-12)
        np.testing.assert_allclose(0.1 * torch_path[:, 1], caffe_path[:, 1], rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ],
)
def test_equals_pytorch(torch, rng, options):
    params = [rng.standard_normal(shape) for shape in [(3, 2), (4,)]]
    velocities = [np.full_like(p, np.nan) for p in params]
    t_params = [torch.tensor(p, requires_grad=True) for p in params]
    optimizer = torch.optim.SGD(t_params, lr=0.2, **options)
    for step in range(4):
        grads = [rng.standard_normal(p.shape) for p in params]
        for t, grad in zip(t_params, grads, strict=True):
            t.grad = torch.tensor(grad)
        optimizer.step()
        reference.sgd_step(params, grads, velocities, lr=0.2, first=step == 0, **options)
        for p, t in zip(params, t_params, strict=True):
            np.testing.assert_allclose(p, t.detach().numpy(), rtol=1e-12)


def test_updates_in_place_through_any_stride_and_skips_missing_gradients():
    base = np.ones((4, 4), np.float32)
    untouched = np.ones(2, np.float32)
    velocities = [np.zeros((2, 4), np.float32), np.ones(2, np.float32)]
    result = reference.sgd_step(
        [base[::2], untouched], [np.ones((2, 4), np.float32), None], velocities, lr=1, momentum=0.5
    )
    assert result is None
    assert base.sum(axis=1).tolist() == [0, 4, 0, 4]
    assert untouched.tolist() == velocities[1].tolist() == [1, 1]


def test_each_tensor_has_its_own_first_step():
    params, velocities = [np.zeros(1), np.zeros(1)], [np.ones(1), np.ones(1)]
    grads = [np.ones(1), np.ones(1)]
    reference.sgd_step(params, grads, velocities, lr=1, momentum=0.5, first=[True, False])
    assert [v.item() for v in velocities] == [1, 1.5]


def test_velocities_may_be_missing_without_momentum():
    w = np.array([1.0])
    reference.sgd_step([w], [np.array([2.0])], None, lr=0.25)
    assert w == 0.5


@pytest.mark.parametrize(
    ("velocities", "options", "message"),
    [
        (None, {"momentum": 0.5}, "momentum needs velocities"),
        ([np.zeros(1)], {"nesterov": True}, "nesterov needs momentum"),
        (
            [np.zeros(1)],
            {"nesterov": True, "momentum": 0.5, "dampening": 0.1},
            "nesterov needs momentum",
        ),
        ([np.zeros(1)], {"convention": "caffe", "dampening": 0.1}, "'caffe' has no dampening"),
        ([np.zeros(1)], {"convention": "keras"}, "convention must be"),
    ],
)
def test_sgd_step_refuses(velocities, options, message):
    with pytest.raises(ValueError, match=f"sgd_step: {message}"):
        reference.sgd_step([np.ones(1)], [np.ones(1)], velocities, lr=0.1, **options)
