"""Names for the argument types that the public functions share."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
IntArray: TypeAlias = npt.NDArray[np.integer[Any]]

Pair: TypeAlias = tuple[int, int]
IntOrPair: TypeAlias = int | Pair
NumericPadding: TypeAlias = IntOrPair | tuple[Pair, Pair]
Padding: TypeAlias = NumericPadding | Literal["same", "valid"]
# The same for one spatial axis and for three.
Single: TypeAlias = tuple[int]
IntOrSingle: TypeAlias = int | Single
Padding1d: TypeAlias = IntOrSingle | tuple[Pair] | Literal["same", "valid"]
Triple: TypeAlias = tuple[int, int, int]
IntOrTriple: TypeAlias = int | Triple
Padding3d: TypeAlias = IntOrTriple | tuple[Pair, Pair, Pair] | Literal["same", "valid"]

Axes: TypeAlias = int | tuple[int, ...]

Activation: TypeAlias = Literal["relu"] | None
Precision: TypeAlias = Literal["fast", "exact"]
Reduction: TypeAlias = Literal["none", "mean", "sum"]
GeluApproximate: TypeAlias = Literal["none", "tanh"]
LrnRegion: TypeAlias = Literal["across", "within"]
LrnConvention: TypeAlias = Literal["torch", "onnx", "paper"]
SgdConvention: TypeAlias = Literal["torch", "caffe"]
KerasConvention: TypeAlias = Literal["torch", "keras"]
