"""Whole networks on CUDA: moved there, trained as on the CPU, saved, and brought back."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import host_cupy
import numpy as np
import pytest

import striate
from striate import _backend, data, losses, nn, optim
from striate._backend import _libraries
from striate.train import Trainer

LABELS = np.arange(24) % 3


@pytest.fixture(params=["emulated", "cupy"], autouse=True)
def cupy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """CuPy on a device, or on the host with the emulated kernels."""
    if request.param == "cupy":
        problem = _backend.cuda_problem()
        if problem is not None:
            pytest.skip(problem)
        library = pytest.importorskip("cupy")
    else:
        if importlib.util.find_spec("striate._cuda_emulated") is None:
            pytest.skip("built without STRIATE_CUDA_EMULATED")
        library = host_cupy.module()
        monkeypatch.setitem(sys.modules, "cupy", library)
        monkeypatch.delitem(_libraries._known, "cupy", raising=False)
        emulated = importlib.import_module("striate._cuda_emulated")
        monkeypatch.setitem(_backend._loaded, "cuda", emulated)
    striate.set_precision("exact")
    yield library
    striate.set_precision("fast")
    _libraries._known.pop("cupy", None)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1, activation="relu"),
        nn.LocalResponseNorm(3),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1, groups=2, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(8 * 3 * 3, 3),
        rng=1,
    )


def loader() -> data.DataLoader:
    images = np.random.default_rng(5).standard_normal((24, 2, 6, 6)).astype(np.float32)
    images += LABELS[:, None, None, None]
    return data.DataLoader(data.ArrayDataset(images, LABELS), 8, seed=0)


OPTIMIZERS: dict[str, Callable[[Any], optim.Optimizer]] = {
    "SGD": lambda p: optim.SGD(
        p, 0.05, momentum=0.9, weight_decay=1e-3, clip_norm=1.0, ema=0.9, max_norm=3.0
    ),
    "Adam": lambda p: optim.Adam(p, 0.01, amsgrad=True, clip_value=0.5),
    "RMSprop": lambda p: optim.RMSprop(p, 0.003, centered=True, momentum=0.5, clip_norm=2.0),
    "Adagrad": lambda p: optim.Adagrad(p, 0.03, l1=1e-4),
}


def trained(device: str, make: Callable[[Any], optim.Optimizer], accumulate: int = 1) -> Trainer:
    net = network().to(device)
    trainer = Trainer(net, losses.cross_entropy, make(net.parameters()), [], accumulate=accumulate)
    trainer.fit(loader(), 2)
    return trainer


def agree(net: nn.Module, other: nn.Module) -> None:
    state, expected = net.state_dict(), other.state_dict()
    assert state.keys() == expected.keys()
    for name, array in expected.items():
        moved = _backend.move(state[name], "cpu")
        np.testing.assert_allclose(moved, array, rtol=2e-3, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_it_trains_as_on_the_cpu(name: str, cupy: Any) -> None:
    on_cuda, on_cpu = (trained(device, OPTIMIZERS[name]) for device in ("cuda", "cpu"))
    assert all(isinstance(p.data, cupy.ndarray) for p in on_cuda.net.parameters())
    agree(on_cuda.net, on_cpu.net)
    got, want = on_cuda.evaluate(loader()), on_cpu.evaluate(loader())
    assert got.loss == pytest.approx(want.loss, rel=1e-3)
    assert got.accuracy == want.accuracy


def test_accumulated_gradients(cupy: Any) -> None:
    agree(*(trained(device, OPTIMIZERS["SGD"], 2).net for device in ("cuda", "cpu")))


def test_it_is_saved_and_continued_on_either_device(tmp_path: Path) -> None:
    trainer = trained("cuda", OPTIMIZERS["SGD"])
    trainer.save(tmp_path / "run.safetensors")
    trainer.fit(loader(), 3)
    for device in ("cuda", "cpu"):
        again = trained(device, OPTIMIZERS["SGD"])
        again.load(tmp_path / "run.safetensors")
        again.fit(loader(), 3)
        agree(again.net, trainer.net.to("cpu"))


def test_a_network_goes_there_and_back(cupy: Any) -> None:
    x = np.random.default_rng(0).standard_normal((4, 2, 6, 6)).astype(np.float32)
    net = network()
    want = net(x)
    moved = net.to("cuda")(cupy.asarray(x))
    assert isinstance(moved, cupy.ndarray)
    np.testing.assert_allclose(cupy.asnumpy(moved), want, rtol=1e-4, atol=1e-5)
    assert np.array_equal(net.to("cpu")(x), want)


def test_a_batch_on_the_cpu_is_refused() -> None:
    with pytest.raises(TypeError, match="a call needs all on one device"):
        network().to("cuda")(np.zeros((1, 2, 6, 6), np.float32))
