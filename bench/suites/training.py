"""Training steps: forward, loss, backward, update."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from bench.case import Case, Run, Sides
from bench.cuda.precision import exactly
from striate import _backend

_CHECKED = 2  # images whose loss and gradients are compared
_SGD: dict[str, Any] = {"lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4}


def cases(quick: bool) -> list[Case]:
    """The digits' small AlexNet; AlexNet (2012) as a whole, or, `quick`, its convolutions."""
    small = _Step("digits' network", _digits, (32, 1, 8, 8), 10)
    if quick:
        large = _Step("AlexNet's convolutions", _alexnet_features, (2, 3, 227, 227), 9216)
    else:
        large = _Step("AlexNet (2012)", _alexnet, (32, 3, 227, 227), 1000)
    return [small.case(), large.case()]


def cuda_cases(quick: bool) -> list[Case]:
    """AlexNet (2012) on CUDA, striate's arrays being CuPy's; or, `quick`, the digits' network."""
    if quick:
        return [_Step("digits' network", _digits, (32, 1, 8, 8), 10, "cuda").case()]
    return [_Step("AlexNet (2012)", _alexnet, (128, 3, 227, 227), 1000, "cuda").case()]


@dataclass(frozen=True)
class _Step:
    name: str
    network: Callable[[], Any]
    x_shape: tuple[int, ...]
    classes: int
    device: str = "cpu"

    def case(self) -> Case:
        return Case(
            op="training step",
            label=f"{self.name} N={self.x_shape[0]}",
            unit="flops",
            counts="3 times the forward flops of the convolutions and linear layers, less the "
            "first one's input gradient; dropout is timed, and off where results are compared",
            # Where two values in a pooling window are all but equal, rounding decides which gets
            # the gradient; the sums of the first layers then differ in their third digit.
            tolerance=2e-2,
            sides=self._sides,
        )

    def _sides(self, torch: Any) -> Sides:
        rng = np.random.default_rng(0)
        x = rng.standard_normal(self.x_shape, np.float32)
        labels = rng.integers(0, self.classes, len(x))
        run, check = {}, {}
        if torch is not None:
            run["torch"], check["torch"] = _torch_step(
                torch, self.network(), x, labels, self.device
            )
        if self.device == "cpu":
            own = self.network()
            run["reference"], check["reference"] = map(_in_numpy, _striate_step(own, x, labels))
        net = self.network().to(self.device)
        arrays = (_backend.move(a, self.device) for a in (x, labels))
        ours = _striate_step(net, *arrays)
        run, check = {"striate": ours[0], **run}, {"striate": ours[1], **check}
        if self.device == "cuda":
            # TF32's rounding would decide too many windows.
            check = {side: exactly(torch, gradients) for side, gradients in check.items()}
        return Sides(run, check, _flops(self.name, len(x)))


def _striate_step(net: Any, x: Any, labels: Any) -> tuple[Run, Run]:
    from striate import losses, optim

    parameters = list(net.parameters())
    optimizer = optim.SGD(parameters, **_SGD)

    def step() -> None:
        y, pullback = net.vjp(x)
        _, dy = losses.cross_entropy(y, labels)
        optimizer.zero_grad()
        pullback(dy, input_grad=False)
        optimizer.step()

    def gradients() -> Any:
        y, pullback = net.vjp(x[:_CHECKED], train=False)
        loss, dy = losses.cross_entropy(y, labels[:_CHECKED])
        optimizer.zero_grad()
        pullback(dy, input_grad=False)
        return [loss, *(p.grad for p in parameters)]

    return step, gradients


def _torch_step(torch: Any, net: Any, x: Any, labels: Any, device: str) -> tuple[Run, Run]:
    """Of a model with the parameters of `net`, which is on the CPU."""
    layers = (layer for part in net for layer in _torch_layers(torch, part))
    model = torch.nn.Sequential(*layers).to(device)
    parameters = list(model.parameters())
    for theirs, ours in zip(parameters, net.parameters(), strict=True):
        theirs.data = torch.from_numpy(ours.data.copy()).to(device)
    optimizer = torch.optim.SGD(parameters, **_SGD, fused=True)
    x, labels = (torch.from_numpy(a).to(device) for a in (x, labels))

    def backward(count: int | None = None) -> Any:
        loss = torch.nn.functional.cross_entropy(model(x[:count]), labels[:count])
        optimizer.zero_grad()
        loss.backward()
        return loss

    def step() -> None:
        backward()
        optimizer.step()

    def gradients() -> Any:
        model.eval()
        loss = backward(_CHECKED)
        model.train()
        return [loss, *(p.grad for p in parameters)]

    return step, gradients


def _torch_layers(torch: Any, layer: Any) -> list[Any]:
    """Translate one of our layers."""
    nn, kind = torch.nn, type(layer).__name__
    rectifier = [nn.ReLU(inplace=True)] if getattr(layer, "activation", None) else []
    if kind == "Conv2d":
        sizes = layer.in_channels, layer.out_channels, layer.kernel_size
        return [nn.Conv2d(*sizes, layer.stride, layer.padding, groups=layer.groups), *rectifier]
    if kind == "Linear":
        return [nn.Linear(layer.in_features, layer.out_features), *rectifier]
    if kind == "MaxPool2d":
        return [nn.MaxPool2d(layer.kernel_size, layer.stride, layer.padding)]
    if kind == "LocalResponseNorm":
        return [nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k)]
    if kind == "Dropout":
        return [nn.Dropout(layer.p)]
    return [{"Flatten": nn.Flatten, "ReLU": nn.ReLU}[kind]()]


def _in_numpy(run: Run) -> Run:
    """The same layers with every kernel replaced by its reference."""

    def call() -> Any:
        with _reference_kernels():
            return run()

    return call


@contextlib.contextmanager
def _reference_kernels() -> Iterator[None]:
    from striate import _backend, reference

    kernels = SimpleNamespace()
    for name in reference.__all__:
        setattr(kernels, name, _positional(getattr(reference, name)))
    select = _backend.select
    _backend.select = lambda function, /, **arrays: kernels
    try:
        yield
    finally:
        _backend.select = select


def _positional(function: Callable[..., Any]) -> Callable[..., Any]:
    names = list(inspect.signature(function).parameters)
    return lambda *values: function(**dict(zip(names, values, strict=True)))


def _digits() -> Any:
    from striate.train import digits

    return digits.network(0)


def _alexnet_features(*classifier: Any) -> Any:
    from striate import nn

    lrn: dict[str, Any] = {"size": 5, "alpha": 5e-4, "beta": 0.75, "k": 2.0}
    return nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4, activation="relu"),
        nn.LocalResponseNorm(**lrn),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2, groups=2, activation="relu"),
        nn.LocalResponseNorm(**lrn),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1, activation="relu"),
        nn.Conv2d(384, 384, 3, padding=1, groups=2, activation="relu"),
        nn.Conv2d(384, 256, 3, padding=1, groups=2, activation="relu"),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        *classifier,
        rng=0,
    )


def _alexnet() -> Any:
    from striate import nn

    return _alexnet_features(
        nn.Dropout(0.5),
        nn.Linear(9216, 4096, activation="relu"),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096, activation="relu"),
        nn.Linear(4096, 1000),
    )


# (outputs, inputs an output, positions) of each convolution and linear layer
_ALEXNET_FEATURES = (
    (96, 363, 55**2),
    (256, 1200, 27**2),
    (384, 2304, 13**2),
    (384, 1728, 13**2),
    (256, 1728, 13**2),
)
_LAYERS = {
    "digits' network": ((32, 9, 64), (64, 288, 16), (128, 256, 1), (10, 128, 1)),
    "AlexNet's convolutions": _ALEXNET_FEATURES,
    "AlexNet (2012)": (
        *_ALEXNET_FEATURES,
        (4096, 9216, 1),
        (4096, 4096, 1),
        (1000, 4096, 1),
    ),
}


def _flops(name: str, batch: int) -> float:
    forward = [2.0 * batch * math.prod(layer) for layer in _LAYERS[name]]
    return 3 * sum(forward) - forward[0]
