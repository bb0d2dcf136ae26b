"""init.report: what it measures, and its verdicts."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate import cli, data, init, losses, nn
from striate.train import digits


def digit_batch(count: int = 128) -> tuple[Any, Any]:
    images, labels = data.digits()[0][:count]
    return (images - images.mean()) / images.std(), labels


def test_statistics() -> None:
    net = nn.Sequential(nn.Linear(6, 8, activation="relu"), nn.Tanh(), nn.Linear(8, 3), rng=0)
    x, labels = init.Stream(0).normal((40, 6)), np.arange(40) % 3
    result = init.report(net, x, labels, lr=0.5)
    first, second, third = result.layers
    assert [layer.path for layer in result.layers] == ["0", "1", "2"]

    hidden = np.maximum(x @ net[0].weight.data.T, 0)
    y = np.tanh(hidden) @ net[2].weight.data.T
    loss, dy = losses.cross_entropy(y, labels)
    assert result.loss == pytest.approx(loss, rel=1e-5)
    assert first.mean == pytest.approx(hidden.mean(), rel=1e-5)
    assert first.std == pytest.approx(hidden.std(), rel=1e-5)
    assert first.dead == (hidden == 0).all(0).mean()
    assert second.saturated == pytest.approx((np.tanh(hidden) > 0.99).mean())
    assert third.grad_std == pytest.approx(np.sqrt((dy**2).mean()), rel=1e-5)
    dw = dy.T @ np.tanh(hidden)
    assert third.weight_grad == pytest.approx(np.linalg.norm(dw), rel=1e-4)
    ratio = 0.5 * np.linalg.norm(dw) / np.linalg.norm(net[2].weight.data)
    assert third.update_ratio == pytest.approx(ratio, rel=1e-4)
    dhidden = (dy @ net[2].weight.data) * (1 - np.tanh(hidden) ** 2)
    assert first.grad_std == pytest.approx(np.sqrt((dhidden**2).mean()), rel=1e-4)
    assert third.values.sum() == y.size
    assert second.weight_grad is None


def test_nothing_changes() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), rng=0)
    before, state = net.state_dict(), net.train_state()
    init.report(net, digit_batch(8)[0])
    assert all((net.state_dict()[name] == array).all() for name, array in before.items())
    assert net.train_state() == state
    assert all(p.grad is None for p in net.parameters())


def verdicts(net: nn.Module, x: Any, labels: Any = None) -> set[str]:
    return {layer.verdict for layer in init.report(net, x, labels).layers}


def test_verdicts_of_thirty_layers() -> None:
    x, labels = digit_batch()
    assert init.report(digits.deep_network(30, 0, init.kaiming_normal()), x, labels).healthy
    xavier = init.report(digits.deep_network(30, 0, init.xavier_normal()), x, labels)
    # Forward the last layers vanish, and backward the first ones.
    assert xavier.layers[29].verdict == "vanishing"
    assert "values are" in xavier.layers[29].reason
    assert xavier.layers[0].verdict == "vanishing"
    assert "gradients are" in xavier.layers[0].reason
    large = digits.deep_network(30, 0, init.kaiming_normal("leaky_relu", slope=0.0))
    for p in large.parameters():
        p.data = p.data * 2
    assert "exploding" in verdicts(large, x, labels)


def test_dead_saturated_and_not_finite() -> None:
    x = init.Stream(0).normal((64, 10))
    dead = nn.Linear(10, 10, activation="relu", bias_init=init.constant(-100.0))
    assert verdicts(dead, x) == {"dead"}
    wide = init.normal(30.0)
    saturated = nn.Sequential(nn.Linear(10, 10, weight_init=wide), nn.Tanh(), nn.Sigmoid())
    layers = init.report(saturated, x).layers
    assert layers[1].verdict == "saturated"
    assert layers[1].reason.endswith("of the outputs are at a bound")
    assert layers[2].saturated == 0
    infinite = nn.Linear(10, 3, weight_init=init.constant(3e38))
    assert verdicts(infinite, x) == {"exploding"}


def test_table_and_plot(tmp_path: Path) -> None:
    x, labels = digit_batch(32)
    result = init.report(digits.network(0), x, labels)
    lines = str(result).splitlines()
    assert lines[0].split() == [
        "layer",
        "mean",
        "std",
        "dead",
        "satur.",
        "grad",
        "norm",
        "update",
        "verdict",
    ]
    assert len(lines) == 1 + len(result.layers)
    result.plot(tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_plot_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without_matplotlib(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    result = init.report(nn.Linear(3, 3), np.ones((2, 3), np.float32))
    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(ImportError, match=r"pip install 'striate\[train\]'"):
        result.plot(tmp_path / "report.png")


def test_gradients_can_be_observed() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), rng=0)
    seen: list[tuple[str, Any]] = []
    outer: list[str] = []
    x = init.Stream(0).normal((2, 3))
    with (
        nn.observe(net, lambda *_: None, gradient=lambda path, _, dy: outer.append(path)),
        nn.observe(net, lambda *_: None, gradient=lambda path, _, dy: seen.append((path, dy))),
    ):
        y, pullback = net.vjp(x)
    pullback(np.ones_like(y), input_grad=False)
    assert [path for path, _ in seen] == outer == ["", "1", "0"]
    assert (seen[2][1] == (y > 0)).all()


# -- the command


def test_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "r.png"
    arguments = ["--depth", "30", "--init", "xavier_normal", "--plot", str(picture)]
    assert cli.main(["init-report", *arguments]) == 0
    out = capsys.readouterr().out
    assert "vanishing" in out
    assert picture.exists()


def test_command_takes_your_net(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_net.py").write_text(
        "from striate import nn\ndef make():\n    return nn.Linear(5, 4, activation='relu')\n"
        "def wrong():\n    return 3\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert cli.main(["init-report", "my_net:make", "--input", "8,5"]) == 0
    assert "healthy" in capsys.readouterr().out
    assert cli.main(["init-report", "my_net:wrong", "--input", "8,5"]) == 1
    assert "must be a function that makes a net" in capsys.readouterr().err
    assert cli.main(["init-report", "my_net:make"]) == 2
    with pytest.raises(SystemExit):
        cli.main(["init-report", "my_net:make", "--input", "8,x"])
