from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, type_check_only

from striate._typing import (
    Activation,
    AdamConvention,
    FloatArray,
    GeluApproximate,
    IntArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    LrnConvention,
    LrnRegion,
    NumericPadding,
    Padding,
    Padding1d,
    Padding3d,
    Precision,
    Reduction,
    SgdConvention,
)

# Functions that exist for one, two and three spatial axes: sizes and paddings differ.
_Size_contra = TypeVar("_Size_contra", contravariant=True)
_Pad_contra = TypeVar("_Pad_contra", contravariant=True)

@type_check_only
class _Conv(Protocol[_Size_contra, _Pad_contra]):
    def __call__(
        self,
        x: FloatArray,
        w: FloatArray,
        b: FloatArray | None,
        stride: _Size_contra,
        padding: _Pad_contra,
        dilation: _Size_contra,
        groups: int,
        activation: Activation,
        /,
    ) -> FloatArray: ...

@type_check_only
class _ConvGrad(Protocol[_Size_contra, _Pad_contra]):
    def __call__(
        self,
        dy: FloatArray,
        other: FloatArray,
        shape: tuple[int, ...],
        stride: _Size_contra,
        padding: _Pad_contra,
        dilation: _Size_contra,
        groups: int,
        y: FloatArray | None,
        /,
    ) -> FloatArray: ...

@type_check_only
class _ConvTranspose(Protocol[_Size_contra, _Pad_contra]):
    def __call__(
        self,
        x: FloatArray,
        w: FloatArray,
        b: FloatArray | None,
        stride: _Size_contra,
        padding: _Pad_contra,
        output_padding: _Size_contra,
        dilation: _Size_contra,
        groups: int,
        /,
    ) -> FloatArray: ...

@type_check_only
class _ConvTransposeGrad(Protocol[_Size_contra, _Pad_contra]):
    def __call__(
        self,
        dy: FloatArray,
        other: FloatArray,
        shape: tuple[int, ...],
        stride: _Size_contra,
        padding: _Pad_contra,
        output_padding: _Size_contra,
        dilation: _Size_contra,
        groups: int,
        /,
    ) -> FloatArray: ...

# What every compiled module computes, and `_backend.select` returns: the functions of
# `striate.ops` with their arguments by position.
@type_check_only
class Kernels(Protocol):
    conv1d: _Conv[IntOrSingle, Padding1d]
    conv1d_input_grad: _ConvGrad[IntOrSingle, Padding1d]
    conv1d_weight_grad: _ConvGrad[IntOrSingle, Padding1d]
    conv_transpose1d: _ConvTranspose[IntOrSingle, Padding1d]
    conv_transpose1d_input_grad: _ConvTransposeGrad[IntOrSingle, Padding1d]
    conv_transpose1d_weight_grad: _ConvTransposeGrad[IntOrSingle, Padding1d]
    conv2d: _Conv[IntOrPair, Padding]
    conv2d_input_grad: _ConvGrad[IntOrPair, Padding]
    conv2d_weight_grad: _ConvGrad[IntOrPair, Padding]
    conv_transpose2d: _ConvTranspose[IntOrPair, Padding]
    conv_transpose2d_input_grad: _ConvTransposeGrad[IntOrPair, Padding]
    conv_transpose2d_weight_grad: _ConvTransposeGrad[IntOrPair, Padding]
    conv3d: _Conv[IntOrTriple, Padding3d]
    conv3d_input_grad: _ConvGrad[IntOrTriple, Padding3d]
    conv3d_weight_grad: _ConvGrad[IntOrTriple, Padding3d]
    conv_transpose3d: _ConvTranspose[IntOrTriple, Padding3d]
    conv_transpose3d_input_grad: _ConvTransposeGrad[IntOrTriple, Padding3d]
    conv_transpose3d_weight_grad: _ConvTransposeGrad[IntOrTriple, Padding3d]
    def bias_grad(self, dy: FloatArray, axis: int, y: FloatArray | None, /) -> FloatArray: ...
    def linear(
        self, x: FloatArray, w: FloatArray, b: FloatArray | None, activation: Activation, /
    ) -> FloatArray: ...
    def linear_input_grad(
        self, dy: FloatArray, w: FloatArray, y: FloatArray | None, /
    ) -> FloatArray: ...
    def linear_weight_grad(
        self, dy: FloatArray, x: FloatArray, y: FloatArray | None, /
    ) -> FloatArray: ...
    def max_pool2d(
        self,
        x: FloatArray,
        kernel_size: IntOrPair,
        stride: IntOrPair | None,
        padding: Padding,
        dilation: IntOrPair,
        ceil_mode: bool,
        /,
    ) -> FloatArray: ...
    def max_pool2d_with_indices(
        self,
        x: FloatArray,
        kernel_size: IntOrPair,
        stride: IntOrPair | None,
        padding: Padding,
        dilation: IntOrPair,
        ceil_mode: bool,
        /,
    ) -> tuple[FloatArray, IntArray]: ...
    def max_pool2d_grad(
        self, dy: FloatArray, indices: IntArray, x_shape: tuple[int, ...], /
    ) -> FloatArray: ...
    def avg_pool2d(
        self,
        x: FloatArray,
        kernel_size: IntOrPair,
        stride: IntOrPair | None,
        padding: Padding,
        ceil_mode: bool,
        count_include_pad: bool,
        /,
    ) -> FloatArray: ...
    def avg_pool2d_grad(
        self,
        dy: FloatArray,
        x_shape: tuple[int, ...],
        kernel_size: IntOrPair,
        stride: IntOrPair | None,
        padding: Padding,
        ceil_mode: bool,
        count_include_pad: bool,
        /,
    ) -> FloatArray: ...
    def adaptive_avg_pool2d(self, x: FloatArray, output_size: IntOrPair, /) -> FloatArray: ...
    def adaptive_avg_pool2d_grad(
        self, dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrPair, /
    ) -> FloatArray: ...
    def batch_norm(
        self,
        x: FloatArray,
        mean: FloatArray,
        var: FloatArray,
        gamma: FloatArray | None,
        beta: FloatArray | None,
        eps: float,
        activation: Activation,
        /,
    ) -> FloatArray: ...
    def batch_norm_train(
        self, x: FloatArray, gamma: FloatArray | None, beta: FloatArray | None, eps: float, /
    ) -> tuple[FloatArray, FloatArray, FloatArray]: ...
    def batch_norm_grad(
        self,
        dy: FloatArray,
        x: FloatArray,
        gamma: FloatArray | None,
        mean: FloatArray,
        var: FloatArray,
        eps: float,
        frozen: bool,
        /,
    ) -> tuple[FloatArray, FloatArray, FloatArray]: ...
    def local_response_norm(
        self,
        x: FloatArray,
        size: int,
        alpha: float,
        beta: float,
        k: float,
        region: LrnRegion,
        convention: LrnConvention,
        /,
    ) -> FloatArray: ...
    def local_response_norm_grad(
        self,
        dy: FloatArray,
        x: FloatArray,
        size: int,
        alpha: float,
        beta: float,
        k: float,
        region: LrnRegion,
        convention: LrnConvention,
        /,
    ) -> FloatArray: ...
    def relu(self, x: FloatArray, /) -> FloatArray: ...
    def relu_grad(self, dy: FloatArray, y: FloatArray, /) -> FloatArray: ...
    def leaky_relu(self, x: FloatArray, negative_slope: float, /) -> FloatArray: ...
    def leaky_relu_grad(
        self, dy: FloatArray, x: FloatArray, negative_slope: float, /
    ) -> FloatArray: ...
    def elu(self, x: FloatArray, alpha: float, /) -> FloatArray: ...
    def elu_grad(self, dy: FloatArray, y: FloatArray, alpha: float, /) -> FloatArray: ...
    def sigmoid(self, x: FloatArray, /) -> FloatArray: ...
    def sigmoid_grad(self, dy: FloatArray, y: FloatArray, /) -> FloatArray: ...
    def tanh(self, x: FloatArray, /) -> FloatArray: ...
    def tanh_grad(self, dy: FloatArray, y: FloatArray, /) -> FloatArray: ...
    def softplus(self, x: FloatArray, beta: float, threshold: float, /) -> FloatArray: ...
    def softplus_grad(
        self, dy: FloatArray, x: FloatArray, beta: float, threshold: float, /
    ) -> FloatArray: ...
    def silu(self, x: FloatArray, /) -> FloatArray: ...
    def silu_grad(self, dy: FloatArray, x: FloatArray, /) -> FloatArray: ...
    def gelu(self, x: FloatArray, approximate: GeluApproximate, /) -> FloatArray: ...
    def gelu_grad(
        self, dy: FloatArray, x: FloatArray, approximate: GeluApproximate, /
    ) -> FloatArray: ...
    def hardswish(self, x: FloatArray, /) -> FloatArray: ...
    def hardswish_grad(self, dy: FloatArray, x: FloatArray, /) -> FloatArray: ...
    def prelu(self, x: FloatArray, weight: FloatArray, /) -> FloatArray: ...
    def prelu_grad(
        self, dy: FloatArray, x: FloatArray, weight: FloatArray, /
    ) -> tuple[FloatArray, FloatArray]: ...
    def softmax(self, x: FloatArray, axis: int, /) -> FloatArray: ...
    def softmax_grad(self, dy: FloatArray, y: FloatArray, axis: int, /) -> FloatArray: ...
    def log_softmax(self, x: FloatArray, axis: int, /) -> FloatArray: ...
    def log_softmax_grad(self, dy: FloatArray, y: FloatArray, axis: int, /) -> FloatArray: ...
    def add(self, a: FloatArray, b: FloatArray, activation: Activation, /) -> FloatArray: ...
    def add_grad(self, dy: FloatArray, y: FloatArray | None, /) -> FloatArray: ...
    def mul(self, a: FloatArray, b: FloatArray, /) -> FloatArray: ...
    def mul_grad(
        self, dy: FloatArray, a: FloatArray, b: FloatArray, /
    ) -> tuple[FloatArray, FloatArray]: ...
    def concat(self, arrays: Sequence[FloatArray], axis: int, /) -> FloatArray: ...
    def concat_grad(
        self, dy: FloatArray, sizes: Sequence[int], axis: int, /
    ) -> tuple[FloatArray, ...]: ...
    def pad(self, x: FloatArray, padding: NumericPadding, value: float, /) -> FloatArray: ...
    def pad_grad(self, dy: FloatArray, padding: NumericPadding, /) -> FloatArray: ...
    def nll_loss(
        self,
        log_probs: FloatArray,
        labels: IntArray,
        weight: FloatArray | None,
        ignore_index: int,
        reduction: Reduction,
        /,
    ) -> tuple[float | FloatArray, FloatArray]: ...
    def mse_loss(
        self, pred: FloatArray, target: FloatArray, reduction: Reduction, /
    ) -> tuple[float | FloatArray, FloatArray]: ...
    def adam_step(
        self,
        params: Sequence[FloatArray],
        grads: Sequence[FloatArray | None],
        exp_avgs: Sequence[FloatArray],
        exp_avg_sqs: Sequence[FloatArray],
        max_exp_avg_sqs: Sequence[FloatArray] | None,
        lr: float,
        step: int | Sequence[int],
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        l1: float,
        decoupled: bool,
        amsgrad: bool,
        convention: AdamConvention,
        /,
    ) -> None: ...
    def clip_grad_norm(
        self, grads: Sequence[FloatArray | None], max_norm: float, error_if_nonfinite: bool, /
    ) -> float: ...
    def dropout(self, x: FloatArray, p: float, seed: int, offset: int, /) -> FloatArray: ...
    def softmax_cross_entropy(
        self,
        logits: FloatArray,
        labels: IntArray,
        weight: FloatArray | None,
        ignore_index: int,
        label_smoothing: float,
        reduction: Reduction,
        /,
    ) -> tuple[float | FloatArray, FloatArray]: ...
    def sgd_step(
        self,
        params: Sequence[FloatArray],
        grads: Sequence[FloatArray | None],
        velocities: Sequence[FloatArray] | None,
        lr: float,
        momentum: float,
        dampening: float,
        nesterov: bool,
        weight_decay: float,
        l1: float,
        first: bool | Sequence[bool],
        convention: SgdConvention,
        /,
    ) -> None: ...

def explain_conv2d(
    x: FloatArray | tuple[int, ...],
    w: FloatArray | tuple[int, ...],
    b: FloatArray | tuple[int, ...] | None,
    stride: IntOrPair,
    padding: Padding,
    dilation: IntOrPair,
    groups: int,
    activation: Activation,
    dtype: str,
    /,
) -> dict[str, Any]: ...
def explain_conv2d_input_grad(
    dy: FloatArray | tuple[int, ...],
    w: FloatArray | tuple[int, ...],
    x_shape: tuple[int, ...],
    stride: IntOrPair,
    padding: Padding,
    dilation: IntOrPair,
    groups: int,
    y: FloatArray | tuple[int, ...] | None,
    dtype: str,
    /,
) -> dict[str, Any]: ...
def explain_conv2d_weight_grad(
    dy: FloatArray | tuple[int, ...],
    x: FloatArray | tuple[int, ...],
    w_shape: tuple[int, ...],
    stride: IntOrPair,
    padding: Padding,
    dilation: IntOrPair,
    groups: int,
    y: FloatArray | tuple[int, ...] | None,
    dtype: str,
    /,
) -> dict[str, Any]: ...
def random_uniform(
    shape: tuple[int, ...],
    seed: int,
    offset: int,
    low: float,
    high: float,
    dtype: str,
    /,
) -> FloatArray: ...
def random_normal(
    shape: tuple[int, ...],
    seed: int,
    offset: int,
    mean: float,
    std: float,
    dtype: str,
    /,
) -> FloatArray: ...
def fma_rate(dtype: str, seconds: float) -> float: ...
def copy_rate(bytes: int, seconds: float) -> float: ...
def set_num_threads(threads: int, /) -> None: ...
def get_num_threads() -> int: ...
def thread_info() -> dict[str, Any]: ...
def set_precision(precision: Precision, /) -> None: ...
def get_precision() -> Precision: ...
def set_max_workspace(bytes: int | None, /) -> None: ...
def get_max_workspace() -> int | None: ...
def cgroup_cpu_quota(proc: str, /) -> float: ...
def memory_stats() -> dict[str, int]: ...
def empty_cache() -> None: ...
def isa() -> str: ...
def available_isas() -> list[str]: ...
def set_isa(name: str, /) -> None: ...
def build_info() -> dict[str, Any]: ...
