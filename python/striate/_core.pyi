from collections.abc import Sequence
from typing import Any, Protocol, type_check_only

from striate._core_types import (
    AvgPool,
    AvgPoolGrad,
    Conv,
    ConvGrad,
    ConvTranspose,
    ConvTransposeGrad,
    LpPool,
    LpPoolGrad,
    MaxPool,
    MaxPoolGrad,
    MaxPoolWithIndices,
)
from striate._typing import (
    Activation,
    Axes,
    FloatArray,
    GeluApproximate,
    IntArray,
    IntOrPair,
    IntOrSingle,
    IntOrTriple,
    KerasConvention,
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

# Weights of a convolution in the form of the algorithm that will read them.
class _PackedWeights:
    algorithm: str
    nbytes: int
    rank: int  # of the planes

# What every compiled module computes, and `_backend.select` returns: the functions of
# `striate.ops` with their arguments by position.
@type_check_only
class Kernels(Protocol):
    conv1d: Conv[IntOrSingle, Padding1d]
    conv1d_input_grad: ConvGrad[IntOrSingle, Padding1d]
    conv1d_weight_grad: ConvGrad[IntOrSingle, Padding1d]
    conv_transpose1d: ConvTranspose[IntOrSingle, Padding1d]
    conv_transpose1d_input_grad: ConvTransposeGrad[IntOrSingle, Padding1d]
    conv_transpose1d_weight_grad: ConvTransposeGrad[IntOrSingle, Padding1d]
    conv2d: Conv[IntOrPair, Padding]
    conv2d_input_grad: ConvGrad[IntOrPair, Padding]
    conv2d_weight_grad: ConvGrad[IntOrPair, Padding]
    conv_transpose2d: ConvTranspose[IntOrPair, Padding]
    conv_transpose2d_input_grad: ConvTransposeGrad[IntOrPair, Padding]
    conv_transpose2d_weight_grad: ConvTransposeGrad[IntOrPair, Padding]
    conv3d: Conv[IntOrTriple, Padding3d]
    conv3d_input_grad: ConvGrad[IntOrTriple, Padding3d]
    conv3d_weight_grad: ConvGrad[IntOrTriple, Padding3d]
    conv_transpose3d: ConvTranspose[IntOrTriple, Padding3d]
    conv_transpose3d_input_grad: ConvTransposeGrad[IntOrTriple, Padding3d]
    conv_transpose3d_weight_grad: ConvTransposeGrad[IntOrTriple, Padding3d]
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
    max_pool1d: MaxPool[IntOrSingle, Padding1d]
    max_pool1d_with_indices: MaxPoolWithIndices[IntOrSingle, Padding1d]
    max_pool1d_grad: MaxPoolGrad
    avg_pool1d: AvgPool[IntOrSingle, Padding1d]
    avg_pool1d_grad: AvgPoolGrad[IntOrSingle, Padding1d]
    lp_pool1d: LpPool[IntOrSingle, Padding1d]
    lp_pool1d_grad: LpPoolGrad[IntOrSingle, Padding1d]
    def adaptive_max_pool1d(self, x: FloatArray, output_size: IntOrSingle, /) -> FloatArray: ...
    def adaptive_max_pool1d_with_indices(
        self, x: FloatArray, output_size: IntOrSingle, /
    ) -> tuple[FloatArray, IntArray]: ...
    adaptive_max_pool1d_grad: MaxPoolGrad
    def adaptive_avg_pool1d(self, x: FloatArray, output_size: IntOrSingle, /) -> FloatArray: ...
    def adaptive_avg_pool1d_grad(
        self, dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrSingle, /
    ) -> FloatArray: ...
    max_pool2d: MaxPool[IntOrPair, Padding]
    max_pool2d_with_indices: MaxPoolWithIndices[IntOrPair, Padding]
    max_pool2d_grad: MaxPoolGrad
    avg_pool2d: AvgPool[IntOrPair, Padding]
    avg_pool2d_grad: AvgPoolGrad[IntOrPair, Padding]
    lp_pool2d: LpPool[IntOrPair, Padding]
    lp_pool2d_grad: LpPoolGrad[IntOrPair, Padding]
    def adaptive_max_pool2d(self, x: FloatArray, output_size: IntOrPair, /) -> FloatArray: ...
    def adaptive_max_pool2d_with_indices(
        self, x: FloatArray, output_size: IntOrPair, /
    ) -> tuple[FloatArray, IntArray]: ...
    adaptive_max_pool2d_grad: MaxPoolGrad
    def adaptive_avg_pool2d(self, x: FloatArray, output_size: IntOrPair, /) -> FloatArray: ...
    def adaptive_avg_pool2d_grad(
        self, dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrPair, /
    ) -> FloatArray: ...
    max_pool3d: MaxPool[IntOrTriple, Padding3d]
    max_pool3d_with_indices: MaxPoolWithIndices[IntOrTriple, Padding3d]
    max_pool3d_grad: MaxPoolGrad
    avg_pool3d: AvgPool[IntOrTriple, Padding3d]
    avg_pool3d_grad: AvgPoolGrad[IntOrTriple, Padding3d]
    lp_pool3d: LpPool[IntOrTriple, Padding3d]
    lp_pool3d_grad: LpPoolGrad[IntOrTriple, Padding3d]
    def adaptive_max_pool3d(self, x: FloatArray, output_size: IntOrTriple, /) -> FloatArray: ...
    def adaptive_max_pool3d_with_indices(
        self, x: FloatArray, output_size: IntOrTriple, /
    ) -> tuple[FloatArray, IntArray]: ...
    adaptive_max_pool3d_grad: MaxPoolGrad
    def adaptive_avg_pool3d(self, x: FloatArray, output_size: IntOrTriple, /) -> FloatArray: ...
    def adaptive_avg_pool3d_grad(
        self, dy: FloatArray, x_shape: tuple[int, ...], output_size: IntOrTriple, /
    ) -> FloatArray: ...
    def stochastic_pool2d(
        self,
        x: FloatArray,
        kernel_size: IntOrPair,
        stride: IntOrPair | None,
        seed: int | None,
        offset: int,
        /,
    ) -> FloatArray: ...
    def stochastic_pool2d_grad(
        self,
        dy: FloatArray,
        x: FloatArray,
        kernel_size: IntOrPair,
        stride: IntOrPair | None,
        seed: int | None,
        offset: int,
        /,
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
    def layer_norm(
        self,
        x: FloatArray,
        gamma: FloatArray | None,
        beta: FloatArray | None,
        axes: Axes,
        eps: float,
        /,
    ) -> FloatArray: ...
    def layer_norm_grad(
        self, dy: FloatArray, x: FloatArray, gamma: FloatArray | None, axes: Axes, eps: float, /
    ) -> tuple[FloatArray, FloatArray, FloatArray]: ...
    def group_norm(
        self,
        x: FloatArray,
        num_groups: int,
        gamma: FloatArray | None,
        beta: FloatArray | None,
        eps: float,
        /,
    ) -> FloatArray: ...
    def group_norm_grad(
        self,
        dy: FloatArray,
        x: FloatArray,
        num_groups: int,
        gamma: FloatArray | None,
        eps: float,
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
    def scale_channels(self, x: FloatArray, scale: FloatArray, /) -> FloatArray: ...
    def scale_channels_grad(
        self, dy: FloatArray, x: FloatArray, scale: FloatArray, /
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
    def l1_loss(
        self, pred: FloatArray, target: FloatArray, reduction: Reduction, /
    ) -> tuple[float | FloatArray, FloatArray]: ...
    def huber_loss(
        self, pred: FloatArray, target: FloatArray, delta: float, reduction: Reduction, /
    ) -> tuple[float | FloatArray, FloatArray]: ...
    def binary_cross_entropy_with_logits(
        self,
        logits: FloatArray,
        target: FloatArray,
        weight: FloatArray | None,
        pos_weight: FloatArray | None,
        reduction: Reduction,
        /,
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
        convention: KerasConvention,
        clip_norm: float | None,
        grad_norm: float | None,
        clip_value: float | None,
        averages: Sequence[FloatArray] | None,
        ema: float | Sequence[float] | None,
        /,
    ) -> None: ...
    def clip_grad_norm(
        self, grads: Sequence[FloatArray | None], max_norm: float, error_if_nonfinite: bool, /
    ) -> float: ...
    def clip_grad_value(self, grads: Sequence[FloatArray | None], clip_value: float, /) -> None: ...
    def ema_step(
        self, averages: Sequence[FloatArray], params: Sequence[FloatArray], decay: float, /
    ) -> None: ...
    def max_norm_step(self, params: Sequence[FloatArray], max_norm: float, /) -> None: ...
    def adagrad_step(
        self,
        params: Sequence[FloatArray],
        grads: Sequence[FloatArray | None],
        accumulators: Sequence[FloatArray],
        lr: float,
        eps: float,
        weight_decay: float,
        l1: float,
        decoupled: bool,
        convention: KerasConvention,
        clip_norm: float | None,
        grad_norm: float | None,
        clip_value: float | None,
        averages: Sequence[FloatArray] | None,
        ema: float | Sequence[float] | None,
        /,
    ) -> None: ...
    def rmsprop_step(
        self,
        params: Sequence[FloatArray],
        grads: Sequence[FloatArray | None],
        mean_squares: Sequence[FloatArray],
        mean_grads: Sequence[FloatArray] | None,
        velocities: Sequence[FloatArray] | None,
        lr: float,
        alpha: float,
        eps: float,
        momentum: float,
        centered: bool,
        weight_decay: float,
        l1: float,
        decoupled: bool,
        convention: KerasConvention,
        clip_norm: float | None,
        grad_norm: float | None,
        clip_value: float | None,
        averages: Sequence[FloatArray] | None,
        ema: float | Sequence[float] | None,
        /,
    ) -> None: ...
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
        decoupled: bool,
        first: bool | Sequence[bool],
        convention: SgdConvention,
        clip_norm: float | None,
        grad_norm: float | None,
        clip_value: float | None,
        averages: Sequence[FloatArray] | None,
        ema: float | Sequence[float] | None,
        /,
    ) -> None: ...

def pack_conv_weights(
    w: FloatArray,
    x_shape: tuple[int, ...],
    stride: IntOrSingle | IntOrPair | IntOrTriple,
    padding: Padding1d | Padding | Padding3d,
    dilation: IntOrSingle | IntOrPair | IntOrTriple,
    groups: int,
    /,
) -> _PackedWeights: ...
def explain_conv(name: str, arguments: tuple[Any, ...], dtype: str, /) -> dict[str, Any] | None: ...
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
def random_truncated_normal(
    shape: tuple[int, ...],
    seed: int,
    offset: int,
    mean: float,
    std: float,
    cut: float,
    dtype: str,
    /,
) -> FloatArray: ...
def exp(x: FloatArray) -> FloatArray: ...
def log(x: FloatArray) -> FloatArray: ...
def pow(x: FloatArray, exponent: float) -> FloatArray: ...
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
