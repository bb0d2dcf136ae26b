"""`nn.fold_batch_norm`: which norms go, and that the outputs stay."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from striate import nn

TOLERANCE = {"float32": 2e-5, "float64": 1e-13}


def stirred(net: nn.Module, dtype: str = "float64") -> Any:
    """The net with parameters and running statistics that all matter."""
    rng = np.random.default_rng(3)
    net.astype(dtype)
    for _, parameter in net.named_parameters():
        parameter.data = rng.standard_normal(parameter.shape).astype(dtype)
    for name, buffer in net.named_buffers():
        spread = (
            rng.uniform(0.1, 3, buffer.shape) if "var" in name else rng.normal(0, 2, buffer.shape)
        )
        buffer.adopt(spread.astype(dtype))
    return net


def agree(
    net: nn.Module, folded: nn.Module, shape: tuple[int, ...], dtype: str = "float64"
) -> None:
    x = np.random.default_rng(4).standard_normal(shape).astype(dtype)
    want, got = net(x), folded(x)
    assert got.dtype == want.dtype
    assert np.abs(got - want).max() <= TOLERANCE[dtype] * np.abs(want).max()


def kinds(net: nn.Module) -> list[str]:
    return [
        type(layer).__name__.lstrip("_") for layer in net.modules() if not list(layer.children())
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_outputs_agree(dtype: str, affine: bool, bias: bool, groups: int) -> None:
    net = stirred(
        nn.Sequential(
            nn.Conv2d(4, 8, (3, 2), stride=(2, 1), padding=1, groups=groups, bias=bias),
            nn.BatchNorm2d(8, eps=1e-2, affine=affine),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(8 * 4 * 8, 5, bias=bias),
            nn.BatchNorm1d(5, affine=affine),
            nn.Tanh(),
        ),
        dtype,
    )
    folded = nn.fold_batch_norm(net)
    assert kinds(folded) == ["Conv2d", "Flatten", "FoldedLinear", "Tanh"]
    assert folded[0].activation == "relu"
    assert folded[0].bias is not None
    agree(net, folded, (3, 4, 7, 7), dtype)


def test_sequences() -> None:
    net = stirred(nn.Sequential(nn.Conv1d(3, 4, 3, groups=1), nn.BatchNorm1d(4), nn.ReLU()))
    folded = nn.fold_batch_norm(net)
    assert kinds(folded) == ["Conv1d"]
    agree(net, folded, (2, 3, 9))


def test_the_net_is_not_changed() -> None:
    net = stirred(nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU()))
    before, text = net.state_dict(), repr(net)
    folded = nn.fold_batch_norm(net)
    for parameter in folded.parameters():
        parameter.data = np.zeros(parameter.shape)
    after = net.state_dict()
    assert repr(net) == text
    assert list(after) == list(before)
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_nested_containers_are_folded() -> None:
    def block(channels: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    class Own(nn.Module):
        def __init__(self) -> None:
            self.inner = block(6)

        def forward(self, x: Any) -> Any:
            return 2 * self.inner(x)

    short = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.BatchNorm2d(3))
    net = stirred(
        nn.Sequential(
            nn.Residual(block(3), short, activation="relu"),
            nn.Concat(
                block(3), nn.Sequential({"conv": nn.Conv2d(3, 3, 1), "norm": nn.BatchNorm2d(3)})
            ),
            Own(),
        )
    )
    folded = nn.fold_batch_norm(net)
    assert "BatchNorm2d" not in kinds(folded)
    assert "ReLU" not in kinds(folded)
    assert [name for name, _ in folded[1].named_parameters()][-2:] == [
        "1.conv.weight",
        "1.conv.bias",
    ]
    agree(net, folded, (2, 3, 6, 5))


def test_shared_layers_are_folded_in_one_place_only() -> None:
    conv = nn.Conv2d(3, 3, 1)
    twice = nn.Sequential(nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3))
    net = stirred(nn.Sequential(conv, nn.BatchNorm2d(3), conv, nn.Tanh(), twice, nn.Tanh(), twice))
    folded = nn.fold_batch_norm(net)
    assert kinds(folded).count("BatchNorm2d") == 0
    agree(net, folded, (2, 3, 7, 7))


def test_norms_in_a_row_are_all_folded() -> None:
    net = stirred(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.BatchNorm2d(4), nn.ELU()))
    folded = nn.fold_batch_norm(net)
    assert kinds(folded) == ["Conv2d", "ELU"]
    agree(net, folded, (2, 3, 3, 3))
    net = stirred(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.BatchNorm1d(4)))
    folded = nn.fold_batch_norm(net)
    assert kinds(folded) == ["FoldedLinear"]
    agree(net, folded, (5, 3))


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(3, 4, 1, activation="relu"), nn.BatchNorm2d(4)],
        [nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)],
        [nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)],
        [nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1)],
    ],
)
def test_what_cannot_be_folded_stays(layers: list[nn.Module]) -> None:
    net = stirred(nn.Sequential(*layers))
    folded = nn.fold_batch_norm(net)
    assert repr(folded) == repr(net)
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 4))
    assert np.array_equal(folded(x), net(x))


def test_what_does_not_fit_keeps_its_error() -> None:
    x = np.zeros((1, 3, 4, 4))
    for norm in (nn.BatchNorm2d(5, dtype="float64"), nn.BatchNorm2d(4), nn.BatchNorm1d(4)):
        net = nn.Sequential(nn.Conv2d(3, 4, 1, dtype="float64"), norm)
        errors = []
        for each in (net, nn.fold_batch_norm(net)):
            with pytest.raises((TypeError, ValueError)) as caught:
                each(x)
            errors.append(str(caught.value))
        assert errors[0] == errors[1]


def test_subclasses_and_other_orders_are_left_alone() -> None:
    class Scaled(nn.Conv2d):
        def forward(self, x: Any) -> Any:
            return 2 * super().forward(x)

    class Backwards(nn.Sequential):
        def forward(self, x: Any) -> Any:
            for layer in reversed(list(self)):
                x = layer(x)
            return x

    net = stirred(
        nn.Sequential(
            Scaled(3, 3, 1), nn.BatchNorm2d(3), Backwards(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
        )
    )
    folded = nn.fold_batch_norm(net)
    assert repr(folded) == repr(net)
    agree(net, folded, (2, 3, 4, 4))


def test_a_folded_linear_refuses_other_axes() -> None:
    # There BatchNorm1d would have normalised axis 1, not the last.
    net = stirred(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))
    folded = nn.fold_batch_norm(net)
    with pytest.raises(
        ValueError, match=r"^Linear: x must have axes \(N, C\) after .* \(2, 4, 4\)"
    ):
        folded(np.zeros((2, 4, 4)))


def test_a_single_layer_is_copied() -> None:
    conv = nn.Conv2d(3, 4, 1)
    folded = nn.fold_batch_norm(conv)
    assert folded is not conv
    assert np.array_equal(folded.weight.data, conv.weight.data)


def test_no_module_is_an_error() -> None:
    wrong: Any = [nn.ReLU()]
    with pytest.raises(TypeError, match=r"^fold_batch_norm: net must be a module\. Got list\."):
        nn.fold_batch_norm(wrong)


def test_a_folded_net_pickles_and_has_gradients() -> None:
    net = stirred(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)))
    folded = pickle.loads(pickle.dumps(nn.fold_batch_norm(net)))
    x = np.random.default_rng(0).standard_normal((5, 3))
    dy = np.random.default_rng(1).standard_normal((5, 2))
    got, want = (n.vjp(x, train=False)[1](dy) for n in (folded, net))
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
