"""Data-dependent initialisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from striate._typing import FloatArray

from ._layers import preactivation, weighted_layers
from ._stream import RngLike, Stream

if TYPE_CHECKING:
    from striate.nn import Module


class DataDependentStep(NamedTuple):
    """One layer: the rate at which it would learn, before and after the layers were balanced.

    The rate is the norm of the weight's gradient by a random linear loss, relative to the weight's.
    """

    path: str
    before: float
    after: float


def data_dependent(
    net: Module, batch: FloatArray, *, balance: bool = True, rng: RngLike = 0
) -> list[DataDependentStep]:
    """Scale weights and set biases so that all units see unit variance and all layers learn alike.

    First, layer after layer in the order in which they run, each channel of the output before the
    activation gets mean 0 and variance 1 on the batch. Then, with `balance`, factors move from
    layer to layer so that each one's rate (see `DataDependentStep`) is their geometric mean. The
    paper damps and repeats this second step; here the factors solve it at once.

    The second step is for nets whose layers run one after another with homogeneous functions in
    between (ReLU, pooling, dropout): there it leaves the net's output as it is. Where something
    else is in between, or where branches meet, use `balance=False`.

    Args:
        net: changed in place.
        batch: an input of the net; some hundred samples do.
        balance: whether to make the layers learn alike.
        rng: what the random losses are drawn from.

    Returns:
        One row for each layer with weights.

    Raises:
        ValueError: net has no layers with weights.

    References:
        Krähenbühl, Doersch, Donahue and Darrell, Data-dependent Initializations of Convolutional
        Neural Networks (2016), algorithms 1 and 2.

    Examples:
        >>> from striate import init, nn
        >>> net = nn.Sequential(nn.Linear(20, 50, activation="relu"), nn.Linear(50, 10))
        >>> x = init.Stream(0).normal((256, 20), mean=3.0, std=7.0)
        >>> rows = init.data_dependent(net, x)
        >>> y = net(x)
        >>> bool(abs(y.mean(axis=0)).max() < 1e-4), bool(abs(y.std(axis=0) - 1).max() < 1e-4)
        (True, True)
    """
    layers = weighted_layers("data_dependent", net, batch)
    for _, layer in layers:
        _normalize(layer, preactivation(net, layer, batch))
    before = _rates(net, layers, batch, rng)
    if balance and all(0 < rate < math.inf for rate in before):
        _balance([layer for _, layer in layers], before)
    after = _rates(net, layers, batch, rng)
    return [
        DataDependentStep(path, old, new)
        for (path, _), old, new in zip(layers, before, after, strict=True)
    ]


def _normalize(layer: Any, y: FloatArray) -> None:
    """Give each channel of the layer's output mean 0 and variance 1; constant ones stay."""
    weight, bias = layer.weight, layer.bias
    axis = 1 if len(weight.shape) > 2 else y.ndim - 1
    others = tuple(i for i in range(y.ndim) if i != axis)
    mean, std = y.mean(others, np.float64), y.std(others, np.float64)
    scale = np.divide(1.0, std, out=np.ones_like(std), where=std > 0)
    weight.data = _scaled(weight.data, scale, layer)
    if bias is not None:
        bias.data = ((bias.data - mean) * scale).astype(bias.dtype)


def _scaled(w: FloatArray, scale: FloatArray, layer: Any) -> FloatArray:
    """Multiply what leads to each output channel; a transposed convolution has it on axis 1."""
    if "Transpose" not in type(layer).__name__:
        return (w * scale.reshape(-1, *[1] * (w.ndim - 1))).astype(w.dtype)
    groups = layer.groups
    apart = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    by = scale.reshape(groups, 1, w.shape[1], *[1] * (w.ndim - 2))
    return (apart * by).astype(w.dtype).reshape(w.shape)


def _rates(
    net: Module, layers: list[tuple[str, Any]], batch: FloatArray, rng: RngLike
) -> list[float]:
    """Each layer's gradient norm, by a random linear loss, relative to its weights'."""
    grads: dict[Any, FloatArray] = {}
    y, pullback = net.vjp(batch, train=False)
    loss = Stream.of(rng).fold_in("data_dependent").normal(y.shape, dtype=y.dtype)
    pullback(loss, input_grad=False, grads=grads)
    weights = [layer.weight for _, layer in layers]
    return [_norm(grads[w]) / _norm(w.data) if w in grads else math.nan for w in weights]


def _norm(array: FloatArray) -> float:
    return float(np.linalg.norm(array.astype(np.float64))) or math.nan


def _balance(layers: list[Any], rates: list[float]) -> None:
    # Layer k's output is scaled by exp(log_scale_k), so its weight by that over the scale before:
    # its gradient falls as its weight rises, and the rate changes by the square. The logarithms'
    # deviations from their mean add up to 0, so the last output stays as it is.
    logs = np.log(rates)
    log_scale = np.cumsum(logs - logs.mean()) / 2
    log_scale[-1] = 0.0
    previous = 0.0
    for layer, scale in zip(layers, log_scale, strict=True):
        weight, bias = layer.weight, layer.bias
        weight.data = weight.data * weight.dtype.type(math.exp(scale - previous))
        if bias is not None:
            bias.data = bias.data * bias.dtype.type(math.exp(scale))
        previous = scale
