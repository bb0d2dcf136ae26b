"""The types of functions that exist for one, two and three spatial axes."""

from typing import Protocol, TypeVar, type_check_only

from striate._core import _PackedWeights
from striate._typing import Activation, FloatArray, IntArray

# Sizes and paddings differ in how many numbers they have.
Size_contra = TypeVar("Size_contra", contravariant=True)
Pad_contra = TypeVar("Pad_contra", contravariant=True)

@type_check_only
class Conv(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        x: FloatArray,
        w: FloatArray | _PackedWeights,
        b: FloatArray | None,
        stride: Size_contra,
        padding: Pad_contra,
        dilation: Size_contra,
        groups: int,
        activation: Activation,
        /,
    ) -> FloatArray: ...

@type_check_only
class ConvGrad(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        dy: FloatArray,
        other: FloatArray,
        shape: tuple[int, ...],
        stride: Size_contra,
        padding: Pad_contra,
        dilation: Size_contra,
        groups: int,
        y: FloatArray | None,
        /,
    ) -> FloatArray: ...

@type_check_only
class ConvTranspose(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        x: FloatArray,
        w: FloatArray,
        b: FloatArray | None,
        stride: Size_contra,
        padding: Pad_contra,
        output_padding: Size_contra,
        dilation: Size_contra,
        groups: int,
        /,
    ) -> FloatArray: ...

@type_check_only
class ConvTransposeGrad(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        dy: FloatArray,
        other: FloatArray,
        shape: tuple[int, ...],
        stride: Size_contra,
        padding: Pad_contra,
        output_padding: Size_contra,
        dilation: Size_contra,
        groups: int,
        /,
    ) -> FloatArray: ...

@type_check_only
class MaxPool(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        x: FloatArray,
        kernel_size: Size_contra,
        stride: Size_contra | None,
        padding: Pad_contra,
        dilation: Size_contra,
        ceil_mode: bool,
        /,
    ) -> FloatArray: ...

@type_check_only
class MaxPoolWithIndices(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        x: FloatArray,
        kernel_size: Size_contra,
        stride: Size_contra | None,
        padding: Pad_contra,
        dilation: Size_contra,
        ceil_mode: bool,
        /,
    ) -> tuple[FloatArray, IntArray]: ...

@type_check_only
class MaxPoolGrad(Protocol):
    def __call__(
        self,
        dy: FloatArray,
        indices: IntArray,
        x_shape: tuple[int, ...],
        /,
    ) -> FloatArray: ...

@type_check_only
class AvgPool(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        x: FloatArray,
        kernel_size: Size_contra,
        stride: Size_contra | None,
        padding: Pad_contra,
        ceil_mode: bool,
        count_include_pad: bool,
        /,
    ) -> FloatArray: ...

@type_check_only
class AvgPoolGrad(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        dy: FloatArray,
        x_shape: tuple[int, ...],
        kernel_size: Size_contra,
        stride: Size_contra | None,
        padding: Pad_contra,
        ceil_mode: bool,
        count_include_pad: bool,
        /,
    ) -> FloatArray: ...

@type_check_only
class LpPool(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        x: FloatArray,
        norm_type: float,
        kernel_size: Size_contra,
        stride: Size_contra | None,
        padding: Pad_contra,
        ceil_mode: bool,
        /,
    ) -> FloatArray: ...

@type_check_only
class LpPoolGrad(Protocol[Size_contra, Pad_contra]):
    def __call__(
        self,
        dy: FloatArray,
        x: FloatArray,
        norm_type: float,
        kernel_size: Size_contra,
        stride: Size_contra | None,
        padding: Pad_contra,
        ceil_mode: bool,
        y: FloatArray | None,
        /,
    ) -> FloatArray: ...
