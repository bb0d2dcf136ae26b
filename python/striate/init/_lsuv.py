"""Layer-sequential unit-variance initialisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from striate._typing import FloatArray

from ._layers import preactivation, weighted_layers
from ._stream import RngLike, Stream
from ._structured import orthogonal

if TYPE_CHECKING:
    from striate.nn import Module


class LsuvStep(NamedTuple):
    """One layer: the variance of its output before and after, and how often it was scaled."""

    path: str
    before: float
    after: float
    iterations: int


def lsuv(
    net: Module,
    batch: FloatArray,
    *,
    variance: float = 1.0,
    tolerance: float = 0.01,
    max_iterations: int = 10,
    orthonormal: bool = True,
    rng: RngLike = 0,
) -> list[LsuvStep]:
    """Give each layer orthonormal weights, and scale them until its outputs have unit variance.

    Layers with weights are taken in the order in which they run. A layer's output is what it
    computes before its activation, fused or not, in inference. Biases stay as they are.

    Args:
        net: changed in place.
        batch: an input of the net; some hundred samples do.
        variance: what each layer's outputs shall have.
        tolerance: how far from it is near enough, relative to it.
        max_iterations: how often a layer is scaled at most.
        orthonormal: whether to draw orthonormal weights first; else the present ones are scaled.
        rng: what they are drawn from, combined with each layer's path.

    Returns:
        One row for each layer.

    Raises:
        ValueError: net has no layers with weights, or a layer's output does not vary or is not
            finite. The layers before it have been changed then.

    References:
        Mishkin and Matas, All you need is a good init (2016), algorithm 1.

    Examples:
        >>> from striate import init, nn
        >>> net = nn.Sequential(nn.Linear(20, 50, activation="relu"), nn.Linear(50, 10))
        >>> x = init.Stream(0).normal((256, 20), std=7.0)
        >>> [(row.path, round(row.after, 2)) for row in init.lsuv(net, x)]
        [('0', 1.0), ('1', 1.0)]
    """
    stream = Stream.of(rng)
    rows = []
    for path, layer in weighted_layers("lsuv", net, batch):
        weight = layer.weight
        if orthonormal:
            drawn = orthogonal()(
                weight.shape, layer.fans(), stream.fold_in(f"lsuv.{path}"), weight.dtype
            )
            weight.data = drawn
        before = now = _variance(path, preactivation(net, layer, batch))
        iterations = 0
        while abs(now / variance - 1) > tolerance and iterations < max_iterations:
            weight.data = weight.data * weight.dtype.type(math.sqrt(variance / now))
            now = _variance(path, preactivation(net, layer, batch))
            iterations += 1
        rows.append(LsuvStep(path, before, now, iterations))
    return rows


def _variance(path: str, y: FloatArray) -> float:
    variance = float(y.var(dtype=np.float64))
    if not 0 < variance < math.inf:
        raise ValueError(
            f"lsuv: the output of layer {path!r} must vary and be finite. Got variance {variance}."
        )
    return variance
