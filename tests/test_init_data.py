"""Initialisation of whole nets, from data or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate import data, init, io, losses, nn, optim, train


def deep(depth: int = 8, weights: Any = None) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Conv2d(3 if i == 0 else 12, 12, 3, padding=1, activation="relu", weight_init=weights)
        for i in range(depth)
    ]
    return nn.Sequential(
        *layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12 * 9, 5, weight_init=weights), rng=0
    )


def batch(count: int = 64) -> Any:
    return init.Stream(7).normal((count, 3, 6, 6), mean=1.0, std=5.0)


def preactivations(net: nn.Sequential, x: Any) -> list[Any]:
    """The outputs of layers with weights, before their ReLU."""
    from striate.init._layers import preactivation

    return [preactivation(net, layer, x) for layer in net if hasattr(layer, "weight")]


@pytest.mark.parametrize("start", [init.normal(1e-3), init.normal(3.0), init.xavier_normal()])
@pytest.mark.parametrize("orthonormal", [False, True])
def test_lsuv_brings_every_layer_to_unit_variance(start: Any, orthonormal: bool) -> None:
    net, x = deep(weights=start), batch()
    rows = init.lsuv(net, x, orthonormal=orthonormal)
    assert [row.path for row in rows] == [*map(str, range(8)), "10"]
    for row, y in zip(rows, preactivations(net, x), strict=True):
        assert y.var() == pytest.approx(1, rel=0.01)
        assert row.after == pytest.approx(y.var(), rel=1e-4)
        assert row.iterations <= 2
    assert net[0].activation == "relu"  # as it was


def test_lsuv_in_a_net_with_branches_and_shared_layers() -> None:
    shared = nn.Conv2d(3, 3, 3, padding=1, activation="relu")
    net = nn.Sequential(nn.Residual(shared), shared, nn.Flatten(), nn.Linear(108, 4), rng=0)
    rows = init.lsuv(net, batch())
    assert [row.path for row in rows] == ["0.body", "3"]
    assert preactivations(net, batch())[-1].var() == pytest.approx(1, rel=0.01)


def test_lsuv_refuses() -> None:
    with pytest.raises(ValueError, match="lsuv: the output of layer '0' must vary"):
        init.lsuv(deep(), np.zeros((2, 3, 6, 6), np.float32))
    with pytest.raises(ValueError, match="lsuv: net must have layers with weights"):
        init.lsuv(nn.ReLU(), batch())


def test_data_dependent() -> None:
    net, x = deep(weights=init.normal(0.3)), batch()
    rows = init.data_dependent(net, x, balance=False)
    assert all(row.before == row.after for row in rows)
    for y in preactivations(net, x):
        axes = (0, *range(2, y.ndim))
        np.testing.assert_allclose(y.mean(axes), 0, atol=1e-4)
        np.testing.assert_allclose(y.std(axes), 1, rtol=1e-4)

    y, rates = net(x), [row.before for row in rows]
    rows = init.data_dependent(net, x)
    balanced = [row.after for row in rows]
    np.testing.assert_allclose(balanced, np.exp(np.mean(np.log(rates))), rtol=1e-3)
    assert max(rates) > 1.5 * min(rates)  # there was something to balance
    np.testing.assert_allclose(net(x), y, rtol=1e-3, atol=1e-4)


# -- pretrained


@pytest.fixture
def saved(tmp_path: Path) -> tuple[nn.Sequential, Path]:
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), rng=1)
    io.save(tmp_path / "net.safetensors", net.state_dict())
    return net, tmp_path / "net.safetensors"


def fresh(outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, outputs), rng=2)


def test_pretrained_loads_all(saved: Any) -> None:
    old, path = saved
    net = fresh()
    report = init.pretrained(net, path)
    assert report.loaded == ("0.weight", "0.bias", "2.weight", "2.bias")
    assert (report.skipped, report.mismatched, report.missing, report.unexpected) == ((),) * 4
    for name, array in old.state_dict().items():
        assert (net.state_dict()[name] == array).all()


def test_pretrained_tells_what_it_left(saved: Any) -> None:
    _, path = saved
    net = fresh(outputs=5)
    before = net.state_dict()
    report = init.pretrained(net, path, skip=["0.b*"])
    assert report.loaded == ("0.weight",)
    assert report.skipped == ("0.bias",)
    assert [name for name, _, _ in report.mismatched] == ["2.weight", "2.bias"]
    for name in ("0.bias", "2.weight", "2.bias"):
        assert (net.state_dict()[name] == before[name]).all()
    assert "mismatched: 2.weight is (5, 8) float32 in the net and (3, 8) float32" in str(report)


def test_pretrained_renames(tmp_path: Path) -> None:
    old = fresh()
    state = {f"backbone.{k}": v.astype("float64") for k, v in old.state_dict().items()}
    state["head.weight"] = np.zeros((2, 2))
    state["backbone.bn.num_batches_tracked"] = np.zeros((), np.int64)
    io.save(tmp_path / "a.safetensors", state)
    net = fresh()
    report = init.pretrained(net, tmp_path / "a.safetensors", map={"backbone.": ""})
    assert len(report.loaded) == 4
    assert report.unexpected == ("head.weight",)
    np.testing.assert_array_equal(net[0].weight.data, old[0].weight.data)

    def by_function(key: str) -> str | None:
        return key.removeprefix("backbone.") if ".0." in key else None

    report = init.pretrained(net, tmp_path / "a.safetensors", map=by_function)
    assert (report.loaded, report.missing) == (("0.weight", "0.bias"), ("2.weight", "2.bias"))
    with pytest.raises(ValueError, match="a name of its own"):
        init.pretrained(net, tmp_path / "a.safetensors", map=lambda key: "0.weight")


def test_pretrained_reads_a_checkpoint(tmp_path: Path) -> None:
    old = fresh()
    opt = optim.SGD(old.parameters(), 0.1, momentum=0.9)
    train.Trainer(old, losses.cross_entropy, opt).save(tmp_path / "c.safetensors")
    assert len(init.pretrained(fresh(), tmp_path / "c.safetensors").loaded) == 4


# -- autoencoder


def test_autoencoder_learns_to_reconstruct() -> None:
    x = data.digits()[0].arrays[0][:256]
    net = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.Sigmoid(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 16, 3, padding=1, activation="relu"),
        nn.Flatten(),
        nn.Linear(256, 32, activation="relu"),
        nn.Linear(32, 10),
        rng=0,
    )
    last = net[6].weight.data.copy()
    rows = init.autoencoder(net, x, epochs=6, lr=5e-3)
    assert [row.path for row in rows] == ["0", "3", "5"]
    for row in rows:
        assert row.after < 0.6 * row.before
    assert (net[6].weight.data == last).all()
    assert all(p.grad is None for p in net.parameters())


def smooth(*shape: int) -> Any:
    """Random walks along the last axis: what neighbours say of each other can be learnt."""
    walks = np.cumsum(np.random.default_rng(5).standard_normal(shape), -1)
    return (walks / walks.std()).astype(np.float32)


@pytest.mark.parametrize(
    ("layers", "x"),
    [
        ([nn.Conv1d(2, 6, 5, padding=2), nn.Conv1d(6, 2, 3, stride=2)], smooth(64, 2, 24)),
        ([nn.Conv3d(1, 5, 3, padding=1), nn.Conv3d(5, 2, 3, groups=1)], smooth(32, 1, 4, 5, 6)),
        (
            [
                nn.ConvTranspose1d(3, 6, 4, stride=2, padding=1, activation="relu"),
                nn.ConvTranspose2d(1, 1, 1),
            ],
            smooth(64, 3, 12),
        ),
        (
            [nn.ConvTranspose2d(2, 6, 3, stride=2, output_padding=1), nn.ConvTranspose2d(6, 2, 3)],
            smooth(48, 2, 6, 5),
        ),
        (
            [nn.ConvTranspose3d(2, 4, 2, stride=2, groups=2), nn.ConvTranspose3d(4, 2, 1)],
            smooth(32, 2, 2, 3, 4),
        ),
    ],
    ids=["Conv1d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"],
)
def test_autoencoder_trains_every_kind_of_convolution(layers: list[nn.Module], x: Any) -> None:
    (row,) = init.autoencoder(nn.Sequential(*layers), x, epochs=20, lr=1e-2, noise=0.1)
    assert row.path == "0"
    assert row.after < 0.5 * row.before


def test_the_decoder_has_a_bias_of_its_own() -> None:
    # The values lie on a line off the origin: one code is enough, but only with an offset.
    t = np.random.default_rng(4).standard_normal((64, 1))
    x = (np.ones(4) + t * np.array([1, -1, 1, -1])).astype(np.float32)
    net = nn.Sequential(nn.Linear(4, 1), nn.Linear(1, 1), rng=0)
    (row,) = init.autoencoder(net, x, epochs=150, lr=2e-2, noise=0.0)
    assert row.before > 1
    assert row.after < 0.05


def test_autoencoder_names_what_it_can_train() -> None:
    net = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3))
    with pytest.raises(ValueError, match=r"Conv1d/2d/3d, .*Got \['BatchNorm1d', 'Linear'\]"):
        init.autoencoder(net, np.zeros((4, 3), np.float32))


def test_autoencoder_follows_its_seed() -> None:
    x = init.Stream(0).uniform((40, 6))
    results = []
    for seed in (1, 1, 2):
        net = nn.Sequential(nn.Linear(6, 4, activation="relu"), nn.Linear(4, 2), rng=0)
        init.autoencoder(net, x, epochs=1, rng=seed)
        results.append(net[0].weight.data)
    assert (results[0] == results[1]).all()
    assert (results[0] != results[2]).any()


@pytest.mark.parametrize(
    ("net", "options", "error"),
    [
        (nn.Linear(3, 3), {}, TypeError),
        (nn.Sequential(nn.Linear(3, 3)), {}, ValueError),
        (nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)), {"noise": 1.0}, ValueError),
        (nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)), {"epochs": 0}, ValueError),
    ],
)
def test_autoencoder_refuses(net: Any, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="autoencoder: "):
        init.autoencoder(net, np.zeros((4, 3), np.float32), **options)
