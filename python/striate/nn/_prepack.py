"""Convolutions that keep their weights packed, for inference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from striate._typing import FloatArray
from striate.ops.packed import PackedWeights, pack_conv_weights

if TYPE_CHECKING:
    from ._module import Module
    from ._parameter import Parameter


class Packed:
    """A layer's packed weights, made when they are first needed and after each change.

    A copy of the layer, or one that was pickled, packs its own.
    """

    def __init__(self, x_shape: tuple[int, ...] | None = None) -> None:
        self.x_shape = x_shape
        self._made: tuple[int, FloatArray, PackedWeights] | None = None

    def of(self, weight: Parameter, x_shape: tuple[int, ...], **geometry: Any) -> PackedWeights:
        """Return the parameter's weights, packed for the first x_shape that was seen."""
        data, version = weight.data, weight.version
        made = self._made
        if made is None or made[0] != version or made[1] is not data:
            # From several threads at once, each packs, and the last one's stays.
            if self.x_shape is None:
                self.x_shape = x_shape
            packed = pack_conv_weights(data, self.x_shape, **geometry)
            made = self._made = version, data, packed
        return made[2]

    @property
    def packed(self) -> PackedWeights | None:
        return None if self._made is None else self._made[2]

    def __getstate__(self) -> dict[str, Any]:
        return {"x_shape": self.x_shape, "_made": None}


@dataclass(frozen=True)
class PrepackedLayer:
    """One convolution: its path, the algorithm, and the bytes that its packed weights take."""

    path: str
    algorithm: str
    nbytes: int


@dataclass(frozen=True)
class Prepacked:
    """What `prepack` has done; it prints itself as a table."""

    layers: list[PrepackedLayer]

    @property
    def nbytes(self) -> int:
        """All that is kept beside the parameters."""
        return sum(layer.nbytes for layer in self.layers)

    def __str__(self) -> str:
        rows = [("path", "algorithm", "packed bytes")]
        rows += [(layer.path, layer.algorithm, f"{layer.nbytes:,}") for layer in self.layers]
        rows.append(("total", "", f"{self.nbytes:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            f"{path:<{widths[0]}}  {algorithm:<{widths[1]}}  {nbytes:>{widths[2]}}"
            for path, algorithm, nbytes in rows
        )


def prepack(net: Module, input_shape: tuple[int, ...] | None) -> Prepacked:
    """Let the net's convolutions keep their weights packed, for inference on inputs of this shape.

    A convolution brings its weights into the form that its algorithm reads, in each call. At batch
    1 that can take as long as the sums. From now on each layer keeps that form, which takes memory:
    as much as the weights themselves, or four times as much where the algorithm is Winograd's.

    Calling the net gives the same bits as before. Where a layer sees a shape, a precision or an
    instruction set for which another algorithm is chosen, it computes as if it had not been packed.
    A parameter that changes (`Parameter.version`: a step, a load, an assignment) is packed anew by
    the next call; what is written into `parameter.data` itself is not noticed. `vjp` does not use
    packed weights, and a copied or unpickled net packs its own when it is called.

    Args:
        net: is changed, and stays usable for everything.
        input_shape: what the net is called with, with the batch; it is run once, on zeros. None
            takes the packed weights away again.

    Returns:
        The layers with their algorithms and the bytes that they keep.

    Raises:
        TypeError: if net is no module.

    Examples:
        >>> from striate import nn
        >>> net = nn.Sequential(nn.Conv2d(16, 32, 1), nn.ReLU(), rng=0)
        >>> print(nn.prepack(net, (1, 16, 7, 7)))
        path   algorithm      packed bytes
        0      implicit GEMM         2,048
        total                        2,048
        >>> nn.prepack(net, None).nbytes
        0
    """
    from ._conv import Conv
    from ._module import Module

    if not isinstance(net, Module):
        raise TypeError(f"prepack: net must be a module. Got {type(net).__name__}.")
    layers = [(path, m) for path, m in net.named_modules() if isinstance(m, Conv)]
    for _, layer in layers:
        layer.packed = None if input_shape is None else Packed()
    if input_shape is None:
        return Prepacked([])
    dtype = next((p.dtype for p in net.parameters()), np.dtype("float32"))
    try:
        net(np.zeros(input_shape, dtype))
    except BaseException:
        prepack(net, None)
        raise
    made = [(path, layer.packed.packed) for path, layer in layers if layer.packed is not None]
    return Prepacked([PrepackedLayer(path, p.algorithm, p.nbytes) for path, p in made if p])
