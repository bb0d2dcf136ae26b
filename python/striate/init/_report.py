"""How healthy a net is before its first step: statistics of every layer, and a verdict."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from striate._typing import FloatArray, IntArray

from ._stream import RngLike, Stream

if TYPE_CHECKING:
    from striate.nn import Module

# A layer's values are compared with the first layer's by their root mean square, its gradients with
# the last one's by their norm: pooling spreads a gradient over many places without losing any.
_SMALL, _LARGE = 1e-2, 1e2
_DEAD, _SATURATED = 0.5, 0.5

# Histograms count decimal logarithms of magnitudes.
DECADES = np.linspace(-12.0, 6.0, 91)

_Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LayerReport:
    """One layer's statistics on one batch.

    Attributes:
        path, layer: where it is, and its class.
        mean, std: of its output.
        dead: the part of its units (channels) that are 0 for the whole batch, where the layer ends
            in a ReLU-like function.
        saturated: the part of its outputs within 1 % of a bound, where it ends in one that has any.
        grad_std, grad_norm: the root mean square and the norm of the loss's gradient by its output.
        weight_grad: the norm of the gradient by its weight; None without one.
        update_ratio: the norm of a step of gradient descent over that of the weight, lr *
            weight_grad / norm(weight); about 1e-3 is usual.
        verdict: "healthy", "vanishing", "exploding", "dead" or "saturated".
        reason: why, in a few words with the numbers.
        values, gradients: histograms of the magnitudes of both, by decimal logarithm.
    """

    path: str
    layer: str
    mean: float
    std: float
    dead: float | None
    saturated: float | None
    grad_std: float
    grad_norm: float
    weight_grad: float | None
    update_ratio: float | None
    verdict: str
    reason: str
    values: _Counts = field(repr=False)
    gradients: _Counts = field(repr=False)


@dataclass(frozen=True)
class InitReport:
    """The layers of a net in the order in which they run; prints itself as a table."""

    layers: list[LayerReport]
    loss: float | None

    @property
    def healthy(self) -> bool:
        return all(layer.verdict == "healthy" for layer in self.layers)

    def __str__(self) -> str:
        head = ("layer", "", "mean", "std", "dead", "satur.", "grad norm", "update", "verdict", "")
        rows = [head]
        for row in self.layers:
            rows.append(
                (
                    row.path,
                    row.layer,
                    _number(row.mean),
                    _number(row.std),
                    _percent(row.dead),
                    _percent(row.saturated),
                    _number(row.grad_norm),
                    _number(row.update_ratio),
                    row.verdict,
                    row.reason,
                )
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        left = (0, 1, 8, 9)
        return "\n".join(
            "  ".join(
                text.ljust(width) if i in left else text.rjust(width)
                for i, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )

    def plot(self, path: str | os.PathLike[str], title: str = "") -> None:
        """Draw the magnitudes of values and gradients by depth, with the verdicts, to a PNG file.

        Raises:
            ImportError: matplotlib is not installed.
            OSError: the file cannot be written.
        """
        from ._report_plot import plot

        plot(self, path, title)


def report(
    net: Module,
    batch: FloatArray,
    labels: IntArray | None = None,
    *,
    loss: Callable[..., tuple[Any, FloatArray]] | None = None,
    lr: float = 0.01,
    rng: RngLike = 0,
) -> InitReport:
    """Measure a net's values and gradients on a batch, layer by layer, and judge each layer.

    One training pass forward and backward is made; neither parameters nor gradients change, and
    dropout and running statistics go back to where they were. The verdicts:

    - "exploding": not finite, or 100 times as much as at the net's other end (the first layer's
      output for values, the last layer's gradient for gradients);
    - "vanishing": less than a hundredth of that;
    - "dead": half of the units or more are 0 for the whole batch, after a ReLU-like function;
    - "saturated": half of the outputs or more are within 1 % of a sigmoid's or tanh's bounds.

    Args:
        net: with layers; of containers, those inside are looked at.
        batch: an input of the net.
        labels: class labels, for the loss; without, the gradients are those of a random linear
            function of the output.
        loss: called as `loss(y, labels)`; `striate.losses.cross_entropy` by default.
        lr: the rate by which `update_ratio` is computed.
        rng: what the random function is drawn from.

    Raises:
        ValueError: the net has no layers that run.

    References:
        Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks
        (2010), section 4; He et al., Delving Deep into Rectifiers (2015), section 2.2.

    Examples:
        >>> from striate import init, nn
        >>> small = init.normal(0.01)
        >>> net = nn.Sequential(
        ...     nn.Linear(64, 64, activation="relu", weight_init=small),
        ...     nn.Linear(64, 64, activation="relu", weight_init=small),
        ...     nn.Linear(64, 10, weight_init=small),
        ... )
        >>> result = init.report(net, init.Stream(0).normal((128, 64)))
        >>> [(layer.path, layer.verdict) for layer in result.layers]
        [('0', 'vanishing'), ('1', 'healthy'), ('2', 'vanishing')]
    """
    from striate import losses, nn

    outputs: dict[int, tuple[str, Any, FloatArray]] = {}
    gradients: dict[int, FloatArray] = {}

    def note(path: str, layer: Module, y: Any) -> None:
        if not any(layer.children()) and isinstance(y, np.ndarray):
            outputs[id(layer)] = path, layer, y

    def note_gradient(path: str, layer: Module, dy: Any) -> None:
        if isinstance(dy, np.ndarray):
            gradients[id(layer)] = dy

    grads: dict[Any, FloatArray] = {}
    state = net.train_state()
    buffers = [(buffer, buffer.data) for _, buffer in net.named_buffers()]
    try:
        with nn.observe(net, note, gradient=note_gradient):
            y, pullback = net.vjp(batch)
            value: float | None = None
            if labels is None:
                dy = Stream.of(rng).fold_in("report").normal(y.shape, dtype=y.dtype)
            else:
                value, dy = (loss or losses.cross_entropy)(y, labels)
            pullback(dy, input_grad=False, grads=grads)
    finally:
        net.load_train_state(state)
        for buffer, data in buffers:
            buffer.adopt(data)
    if not outputs:
        raise ValueError(f"report: net must have layers. Got {net!r}.")
    measured = [
        _measure(path, layer, y, gradients.get(id(layer)), grads, lr)
        for path, layer, y in outputs.values()
    ]
    return InitReport(_judged(measured), None if value is None else float(value))


def _measure(
    path: str,
    layer: Any,
    y: FloatArray,
    dy: FloatArray | None,
    grads: dict[Any, FloatArray],
    lr: float,
) -> dict[str, Any]:
    wide = y.astype(np.float64)
    with np.errstate(all="ignore"):  # what is not finite shows in the result
        m: dict[str, Any] = {
            "path": path,
            "layer": type(layer).__name__,
            "mean": float(wide.mean()),
            "std": float(wide.std()),
            "dead": _dead(layer, y),
            "saturated": _saturated(layer, y),
            "grad_std": math.nan if dy is None else float(np.sqrt((dy.astype(float) ** 2).mean())),
            "grad_norm": math.nan if dy is None else float(np.sqrt((dy.astype(float) ** 2).sum())),
            "weight_grad": None,
            "update_ratio": None,
            "values": _magnitudes(wide),
            "gradients": _magnitudes(np.zeros(0) if dy is None else dy.astype(np.float64)),
            "rms": float(np.sqrt((wide**2).mean())),
        }
        weight: Any = getattr(layer, "weight", None)
        if weight in grads and len(weight.shape) > 1:
            m["weight_grad"] = float(np.linalg.norm(grads[weight].astype(np.float64)))
            norm = float(np.linalg.norm(weight.data.astype(np.float64)))
            m["update_ratio"] = lr * m["weight_grad"] / norm if norm else math.inf
    return m


def _magnitudes(x: FloatArray) -> _Counts:
    finite = np.abs(x[np.isfinite(x) & (x != 0)])
    logs = np.clip(np.log10(finite), DECADES[0], DECADES[-1])
    return np.histogram(logs, DECADES)[0].astype(np.int64)


def _function(layer: Any) -> str:
    """The name of the nonlinearity that a layer ends in."""
    fused = getattr(layer, "activation", None)
    return str(fused) if fused else type(layer).__name__.lower()


def _dead(layer: Any, y: FloatArray) -> float | None:
    if _function(layer) != "relu":
        return None
    channels = (
        y.reshape(y.shape[0], y.shape[1], -1) if y.ndim > 2 else y.reshape(-1, y.shape[-1], 1)
    )
    return float((channels == 0).all((0, 2)).mean())


def _saturated(layer: Any, y: FloatArray) -> float | None:
    function = _function(layer)
    if function == "tanh":
        return float((np.abs(y) > 0.99).mean())
    if function == "sigmoid":
        return float((np.abs(y - 0.5) > 0.49).mean())
    return None


def _judged(measured: list[dict[str, Any]]) -> list[LayerReport]:
    first = measured[0].get("rms", math.nan)
    last = next((m["grad_norm"] for m in reversed(measured) if not math.isnan(m["grad_norm"])), 0.0)
    result = []
    for m in measured:
        verdict, reason = _verdict(m, first, last)
        fields = {name: value for name, value in m.items() if name != "rms"}
        result.append(LayerReport(**fields, verdict=verdict, reason=reason))
    return result


def _verdict(m: dict[str, Any], first: float, last: float) -> tuple[str, str]:
    rms, grad = m["rms"], m["grad_norm"]
    if not math.isfinite(rms) or math.isinf(grad):
        what = "gradients" if math.isfinite(rms) else "values"
        return "exploding", f"{what} are not finite"
    if m["dead"] is not None and m["dead"] >= _DEAD:
        return "dead", f"{m['dead']:.0%} of the units never fire"
    if m["saturated"] is not None and m["saturated"] >= _SATURATED:
        return "saturated", f"{m['saturated']:.0%} of the outputs are at a bound"
    for what, value, against, where in (
        ("values", rms, first, "the first layer's"),
        ("gradients", grad, last, "the last layer's"),
    ):
        if math.isnan(value) or not against > 0:
            continue
        ratio = value / against
        if not _SMALL <= ratio <= _LARGE:
            verdict = "vanishing" if ratio < 1 else "exploding"
            return verdict, f"{what} are {ratio:.1e} times {where}"
    return "healthy", ""


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.2e}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
