"""Every rule about arguments: an error of the right type that names function, rule and values."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from good_windows import GOOD_WINDOWS
from numpy.lib.stride_tricks import as_strided

from striate import ops
from striate._registry import OPS

F32, F64 = np.float32, np.float64


def f64(*shape: int) -> Any:
    return np.ones(shape)


def f32(*shape: int) -> Any:
    return np.ones(shape, F32)


def ints(*shape: int) -> Any:
    return np.zeros(shape, np.int64)


def huge(*shape: int, dtype: Any = F32) -> Any:
    """An array of this shape that is a single number in memory."""
    return as_strided(np.zeros(1, dtype), shape, (0,) * len(shape))


def read_only(a: Any) -> Any:
    a.flags.writeable = False
    return a


# A call that is right for each op, by the arguments' names; the cases below change some of them.
GOOD: dict[str, Callable[[], dict[str, Any]]] = {
    **GOOD_WINDOWS,
    "bias_grad": lambda: {"dy": f64(2, 3, 4, 5), "y": f64(2, 3, 4, 5)},
    "linear": lambda: {"x": f64(2, 5), "w": f64(3, 5), "b": f64(3)},
    "linear_input_grad": lambda: {"dy": f64(2, 3), "w": f64(3, 5), "y": f64(2, 3)},
    "linear_weight_grad": lambda: {"dy": f64(2, 3), "x": f64(2, 5), "y": f64(2, 3)},
    "stochastic_pool2d": lambda: {"x": f64(2, 3, 6, 7), "kernel_size": 3, "seed": 1},
    "stochastic_pool2d_grad": lambda: {
        "dy": f64(2, 3, 2, 2),
        "x": f64(2, 3, 6, 7),
        "kernel_size": 3,
        "seed": 1,
    },
    "batch_norm": lambda: {
        "x": f64(2, 3, 4, 4),
        "mean": f64(3),
        "var": f64(3),
        "gamma": f64(3),
        "beta": f64(3),
    },
    "batch_norm_train": lambda: {"x": f64(2, 3, 4, 4), "gamma": f64(3), "beta": f64(3)},
    "batch_norm_grad": lambda: {
        "dy": f64(2, 3, 4, 4),
        "x": f64(2, 3, 4, 4),
        "gamma": f64(3),
        "mean": f64(3),
        "var": f64(3),
    },
    "layer_norm": lambda: {"x": f64(2, 3, 4), "gamma": f64(4), "beta": f64(4)},
    "layer_norm_grad": lambda: {"dy": f64(2, 3, 4), "x": f64(2, 3, 4), "gamma": f64(4)},
    "group_norm": lambda: {
        "x": f64(2, 6, 4),
        "num_groups": 3,
        "gamma": f64(6),
        "beta": f64(6),
    },
    "group_norm_grad": lambda: {
        "dy": f64(2, 6, 4),
        "x": f64(2, 6, 4),
        "num_groups": 3,
        "gamma": f64(6),
    },
    "local_response_norm": lambda: {"x": f64(2, 5, 3, 3)},
    "local_response_norm_grad": lambda: {"dy": f64(2, 5, 3, 3), "x": f64(2, 5, 3, 3)},
    "relu": lambda: {"x": f64(3, 4)},
    "relu_grad": lambda: {"dy": f64(3, 4), "y": f64(3, 4)},
    "leaky_relu": lambda: {"x": f64(3, 4)},
    "leaky_relu_grad": lambda: {"dy": f64(3, 4), "x": f64(3, 4)},
    "elu": lambda: {"x": f64(3, 4)},
    "elu_grad": lambda: {"dy": f64(3, 4), "y": f64(3, 4)},
    "sigmoid": lambda: {"x": f64(3, 4)},
    "sigmoid_grad": lambda: {"dy": f64(3, 4), "y": f64(3, 4)},
    "tanh": lambda: {"x": f64(3, 4)},
    "tanh_grad": lambda: {"dy": f64(3, 4), "y": f64(3, 4)},
    "softplus": lambda: {"x": f64(3, 4)},
    "softplus_grad": lambda: {"dy": f64(3, 4), "x": f64(3, 4)},
    "silu": lambda: {"x": f64(3, 4)},
    "silu_grad": lambda: {"dy": f64(3, 4), "x": f64(3, 4)},
    "gelu": lambda: {"x": f64(3, 4)},
    "gelu_grad": lambda: {"dy": f64(3, 4), "x": f64(3, 4)},
    "hardswish": lambda: {"x": f64(3, 4)},
    "hardswish_grad": lambda: {"dy": f64(3, 4), "x": f64(3, 4)},
    "prelu": lambda: {"x": f64(3, 4), "weight": f64(4)},
    "prelu_grad": lambda: {"dy": f64(3, 4), "x": f64(3, 4), "weight": f64(4)},
    "softmax": lambda: {"x": f64(3, 4)},
    "softmax_grad": lambda: {"dy": f64(3, 4), "y": f64(3, 4)},
    "log_softmax": lambda: {"x": f64(3, 4)},
    "log_softmax_grad": lambda: {"dy": f64(3, 4), "y": f64(3, 4)},
    "add": lambda: {"a": f64(3, 4), "b": f64(3, 4)},
    "add_grad": lambda: {"dy": f64(3, 4), "y": f64(3, 4)},
    "mul": lambda: {"a": f64(3, 4), "b": f64(3, 4)},
    "mul_grad": lambda: {"dy": f64(3, 4), "a": f64(3, 4), "b": f64(3, 4)},
    "scale_channels": lambda: {"x": f64(2, 3, 4), "scale": f64(2, 3)},
    "scale_channels_grad": lambda: {
        "dy": f64(2, 3, 4),
        "x": f64(2, 3, 4),
        "scale": f64(2, 3),
    },
    "concat": lambda: {"arrays": [f64(2, 3, 4), f64(2, 5, 4)]},
    "concat_grad": lambda: {"dy": f64(2, 8, 4), "sizes": [3, 5]},
    "pad": lambda: {"x": f64(2, 3, 4, 5), "padding": 1},
    "pad_grad": lambda: {"dy": f64(2, 3, 6, 7), "padding": 1},
    "dropout": lambda: {"x": f64(3, 4), "p": 0.5, "seed": 1},
    "nll_loss": lambda: {"log_probs": f64(4, 3), "labels": ints(4), "weight": f64(3)},
    "mse_loss": lambda: {"pred": f64(4, 3), "target": f64(4, 3)},
    "l1_loss": lambda: {"pred": f64(4, 3), "target": f64(4, 3)},
    "huber_loss": lambda: {"pred": f64(4, 3), "target": f64(4, 3)},
    "binary_cross_entropy_with_logits": lambda: {
        "logits": f64(4, 3),
        "target": f64(4, 3),
        "weight": f64(4, 3),
        "pos_weight": f64(3),
    },
    "adam_step": lambda: {
        "params": [f64(2, 3)],
        "grads": [f64(2, 3)],
        "exp_avgs": [f64(2, 3)],
        "exp_avg_sqs": [f64(2, 3)],
        "max_exp_avg_sqs": [f64(2, 3)],
        "lr": 0.1,
        "step": 1,
        "amsgrad": True,
    },
    "clip_grad_norm": lambda: {"grads": [f64(2, 3), None, f64(4)], "max_norm": 1.0},
    "clip_grad_value": lambda: {"grads": [f64(2, 3), None, f64(4)], "clip_value": 1.0},
    "ema_step": lambda: {"averages": [f64(2, 3)], "params": [f64(2, 3)], "decay": 0.9},
    "max_norm_step": lambda: {"params": [f64(2, 3)], "max_norm": 1.0},
    "adagrad_step": lambda: {
        "params": [f64(2, 3)],
        "grads": [f64(2, 3)],
        "accumulators": [f64(2, 3)],
        "lr": 0.1,
    },
    "rmsprop_step": lambda: {
        "params": [f64(2, 3)],
        "grads": [f64(2, 3)],
        "mean_squares": [f64(2, 3)],
        "mean_grads": [f64(2, 3)],
        "velocities": [f64(2, 3)],
        "lr": 0.1,
        "momentum": 0.9,
        "centered": True,
    },
    "softmax_cross_entropy": lambda: {
        "logits": f64(4, 3),
        "labels": ints(4),
        "weight": f64(3),
    },
    "sgd_step": lambda: {
        "params": [f64(2, 3)],
        "grads": [f64(2, 3)],
        "velocities": [f64(2, 3)],
        "lr": 0.1,
        "momentum": 0.9,
    },
}


def call(name: str, **changes: Any) -> Any:
    return OPS[name].function(**{**GOOD[name](), **changes})


def refuses(name: str, error: type[Exception], *parts: str, **changes: Any) -> None:
    """The call raises, and its message starts with the function's name and holds all parts."""
    with pytest.raises(error) as caught:
        call(name, **changes)
    message = str(caught.value)
    assert message.startswith(f"{name}: "), message
    assert " Got " in message or "not available" in message, message
    assert message.endswith("."), message
    for part in parts:
        assert part in message, message


def test_the_good_calls_are_good() -> None:
    assert set(GOOD) == set(OPS)
    for name in GOOD:
        call(name)


ARRAYS = [
    (name, argument)
    for name, good in GOOD.items()
    for argument, value in good().items()
    if isinstance(value, np.ndarray)
]
FLOATS = [(n, a) for n, a in ARRAYS if a not in ("labels", "indices")]


@pytest.mark.parametrize(("name", "argument"), ARRAYS)
@pytest.mark.parametrize(
    "wrong", [[1.0, 2.0], 3.0, "text", object()], ids=["list", "float", "str", "object"]
)
def test_not_an_array(name: str, argument: str, wrong: Any) -> None:
    refuses(name, TypeError, f"{argument} must be a numpy.ndarray", **{argument: wrong})


@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_none_where_an_array_must_be(name: str, argument: str) -> None:
    optional = inspect.signature(OPS[name].function).parameters[argument].default is None
    if optional or argument in ("gamma", "beta"):
        call(name, **{argument: None})
    else:
        refuses(name, TypeError, f"{argument} must be", "NoneType", **{argument: None})


@pytest.mark.parametrize(("name", "argument"), FLOATS)
@pytest.mark.parametrize(
    "dtype", ["int64", "uint8", "bool", "float16", "longdouble", "complex64", "object", "S4"]
)
def test_dtype_that_is_no_float32_or_float64(name: str, argument: str, dtype: str) -> None:
    wrong = GOOD[name]()[argument].astype(dtype)
    text = str(wrong.dtype)
    refuses(name, TypeError, f"{argument} must be float32 or float64", text, **{argument: wrong})


@pytest.mark.parametrize(("name", "argument"), FLOATS)
def test_mixed_dtypes(name: str, argument: str) -> None:
    if sum(n == name for n, _ in FLOATS) == 1:
        call(name, **{argument: GOOD[name]()[argument].astype(F32)})
        return
    wrong = GOOD[name]()[argument].astype(F32)
    refuses(name, TypeError, argument, "float32", "float64", "same dtype", **{argument: wrong})


@pytest.mark.parametrize(
    ("name", "argument"), [(n, a) for n, a in ARRAYS if a in ("labels", "indices")]
)
@pytest.mark.parametrize("dtype", ["float64", "bool", "complex64", "object"])
def test_integers_that_are_none(name: str, argument: str, dtype: str) -> None:
    wrong = GOOD[name]()[argument].astype(dtype)
    refuses(name, TypeError, f"{argument} must have an integer dtype", dtype, **{argument: wrong})


class OnCuda:
    """What an array of another device looks like."""

    __cuda_array_interface__: dict[str, Any] = {}  # noqa: RUF012


@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_array_on_another_device(name: str, argument: str) -> None:
    refuses(name, TypeError, f"{argument} is on cuda", "OnCuda", **{argument: OnCuda()})


# op, error, what the message holds, changed arguments
BAD_VALUES: list[tuple[str, type[Exception], list[str], dict[str, Any]]] = [
    # ranks
    ("conv2d", ValueError, ["x must have 4 axes", "(4, 6, 7)"], {"x": f64(4, 6, 7)}),
    ("conv2d", ValueError, ["w must have 4 axes", "(6, 4, 3)"], {"w": f64(6, 4, 3)}),
    ("conv2d", ValueError, ["b must have shape (6,)", "(5,)"], {"b": f64(5)}),
    ("conv2d_input_grad", ValueError, ["x_shape must have 4 axes"], {"x_shape": (4, 6, 7)}),
    ("conv2d_weight_grad", ValueError, ["w_shape must have 4 axes"], {"w_shape": (4, 6, 7)}),
    ("max_pool2d", ValueError, ["x must have 4 axes", "(3, 6, 7)"], {"x": f64(3, 6, 7)}),
    ("max_pool2d_grad", ValueError, ["dy must have 4 axes", "(3, 2, 2)"], {"dy": f64(3, 2, 2)}),
    ("max_pool2d_grad", ValueError, ["x_shape must have 4 axes"], {"x_shape": (3, 6, 7)}),
    ("linear", ValueError, ["x must have at least 2 axes", "(5,)"], {"x": f64(5)}),
    ("linear", ValueError, ["w must have 2 axes", "(3, 5, 1)"], {"w": f64(3, 5, 1)}),
    ("local_response_norm", ValueError, ["x must have at least 2 axes", "(5,)"], {"x": f64(5)}),
    ("softmax_cross_entropy", ValueError, ["logits must have", "(4,)"], {"logits": f64(4)}),
    ("bias_grad", ValueError, ["dy must have at least 2 axes", "(3,)"], {"dy": f64(3), "y": None}),
    ("bias_grad", ValueError, ["axis", "axis=4"], {"axis": 4}),
    ("bias_grad", ValueError, ["axis", "axis=-5"], {"axis": -5}),
    # shapes that do not fit
    ("conv2d", ValueError, ["channels", "C_in=5"], {"x": f64(2, 5, 6, 7)}),
    ("conv2d_input_grad", ValueError, ["dy must have shape (2, 6, 4, 5)"], {"dy": f64(2, 6, 4, 4)}),
    ("conv2d_input_grad", ValueError, ["y must have shape (2, 6, 4, 5)"], {"y": f64(2, 6, 5, 5)}),
    ("conv2d_weight_grad", ValueError, ["dy must have shape"], {"dy": f64(1, 6, 4, 5)}),
    ("linear", ValueError, ["w.shape[1]", "4", "5"], {"w": f64(3, 4)}),
    ("linear", ValueError, ["b must have shape (3,)"], {"b": f64(3, 1)}),
    ("linear_input_grad", ValueError, ["4", "3"], {"dy": f64(2, 4), "y": None}),
    ("linear_weight_grad", ValueError, ["(3, 5)", "(2, 5)"], {"x": f64(3, 5)}),
    ("max_pool2d_grad", ValueError, ["indices must have"], {"indices": ints(2, 3, 2, 1)}),
    ("max_pool2d_grad", ValueError, ["N and C"], {"x_shape": (2, 4, 6, 7)}),
    ("relu_grad", ValueError, ["y must have shape (3, 4)", "(4, 3)"], {"y": f64(4, 3)}),
    ("bias_grad", ValueError, ["y must have shape"], {"y": f64(2, 3, 4, 1)}),
    ("local_response_norm_grad", ValueError, ["dy must have shape"], {"dy": f64(2, 5, 3, 1)}),
    ("softmax_cross_entropy", ValueError, ["labels", "(5,)"], {"labels": ints(5)}),
    ("softmax_cross_entropy", ValueError, ["weight", "(4,)"], {"weight": f64(4)}),
    # groups
    ("conv2d", ValueError, ["groups must divide C_in", "groups=3", "C_in=4"], {"groups": 3}),
    ("conv2d", ValueError, ["groups must divide C_out", "groups=4"], {"groups": 4}),
    ("conv2d", ValueError, ["groups must be positive", "groups=0"], {"groups": 0}),
    ("conv2d", ValueError, ["groups must be positive", "groups=-1"], {"groups": -1}),
    # strides, dilations, paddings, kernels
    *(
        (
            name,
            ValueError,
            [f"{argument} must be positive", f"{argument}={value}"],
            {argument: value},
        )
        for name in ("conv2d", "conv2d_input_grad", "conv2d_weight_grad", "max_pool2d")
        for argument in ("stride", "dilation")
        for value in (0, -1, (1, 0))
    ),
    ("conv2d", ValueError, ["padding must be at least 0", "-1"], {"padding": -1}),
    ("conv2d", ValueError, ["padding must be at least 0"], {"padding": ((0, 0), (1, -2))}),
    ("conv2d", ValueError, ["padding must be", "'full'"], {"padding": "full"}),
    ("conv2d", ValueError, ["padding must", "(1, 2, 3)"], {"padding": (1, 2, 3)}),
    (
        "conv2d",
        ValueError,
        ["padding must", "((1, 2, 3), (1, 2, 3))"],
        {"padding": ((1, 2, 3),) * 2},
    ),
    ("conv2d", ValueError, ["padding must", "((1, 2),)"], {"padding": ((1, 2),)}),
    ("conv2d", ValueError, ["stride must", "stride=(1,)"], {"stride": (1,)}),
    ("conv2d", ValueError, ["stride must", "()"], {"stride": ()}),
    ("conv2d", ValueError, ["stride must fit 64 bits"], {"stride": 2**64}),
    ("conv2d", ValueError, ["stride must be at most"], {"stride": 2**62}),
    ("conv2d", ValueError, ["larger than the padded input"], {"dilation": 2**40}),
    ("conv2d", ValueError, ["larger than the padded input", "window=9"], {"dilation": 4}),
    ("max_pool2d", ValueError, ["larger than the padded input", "window=8"], {"kernel_size": 8}),
    ("max_pool2d", ValueError, ["kernel_size must be positive"], {"kernel_size": 0}),
    ("conv2d", ValueError, ["kernel_size must be positive"], {"w": f64(6, 4, 0, 3)}),
    ("conv2d", ValueError, ["larger than the padded input", "(input=0"], {"x": f64(2, 4, 0, 7)}),
    # types of numbers
    ("conv2d", TypeError, ["groups must be an int", "2.0"], {"groups": 2.0}),
    ("conv2d", TypeError, ["groups must be an int", "True"], {"groups": True}),
    ("conv2d", TypeError, ["stride must be an int", "1.5"], {"stride": 1.5}),
    ("conv2d", TypeError, ["stride must be an int", "None"], {"stride": None}),
    ("conv2d", TypeError, ["stride must be an int", "2.0"], {"stride": (1, 2.0)}),
    ("conv2d", TypeError, ["padding must be", "None"], {"padding": None}),
    ("max_pool2d", TypeError, ["ceil_mode must be a bool", "'no'"], {"ceil_mode": "no"}),
    ("bias_grad", TypeError, ["axis must be an int", "(0, 1)"], {"axis": (0, 1)}),
    ("local_response_norm", TypeError, ["alpha must be a number"], {"alpha": "1"}),
    ("local_response_norm", TypeError, ["size must be an int"], {"size": 5.0}),
    ("local_response_norm", TypeError, ["convention must be a str"], {"convention": None}),
    ("dropout", TypeError, ["p must be a number"], {"p": "half"}),
    ("dropout", TypeError, ["seed must be an int"], {"seed": 1.0}),
    ("dropout", TypeError, ["offset must be an int"], {"offset": None}),
    ("sgd_step", TypeError, ["lr must be a number"], {"lr": None}),
    ("max_pool2d_grad", TypeError, ["x_shape must be a sequence of ints"], {"x_shape": 4}),
    ("max_pool2d_grad", TypeError, ["x_shape must be an int"], {"x_shape": (2, 3, 6, 7.0)}),
    # names
    ("conv2d", ValueError, ["activation must be None or 'relu'", "'gelu'"], {"activation": "gelu"}),
    ("linear", ValueError, ["activation must be None or 'relu'", "'gelu'"], {"activation": "gelu"}),
    ("local_response_norm", ValueError, ["convention must be", "'tf'"], {"convention": "tf"}),
    ("local_response_norm", ValueError, ["region must be", "'along'"], {"region": "along"}),
    (
        "local_response_norm",
        ValueError,
        ["size must be odd where region='within'", "size=4"],
        {"region": "within", "size": 4},
    ),
    (
        "local_response_norm",
        ValueError,
        ["x must have 4 axes", "region='within'", "(2, 5, 3)"],
        {"region": "within", "x": f64(2, 5, 3)},
    ),
    *(
        (name, ValueError, ["norm_type must be positive", str(value)], {"norm_type": value})
        for name in ("lp_pool1d", "lp_pool2d", "lp_pool3d_grad")
        for value in (0, -1, np.inf, np.nan)
    ),
    ("lp_pool2d", TypeError, ["norm_type must be a number"], {"norm_type": None}),
    ("lp_pool2d_grad", ValueError, ["y must have shape (2, 3, 2, 2)"], {"y": f64(2, 3, 2, 1)}),
    ("lp_pool2d_grad", ValueError, ["dy must have shape (2, 3, 2, 2)"], {"dy": f64(2, 3, 2, 1)}),
    ("stochastic_pool2d", ValueError, ["seed must be in [0, 2^64)", "-1"], {"seed": -1}),
    ("stochastic_pool2d", TypeError, ["seed must be an int", "0.5"], {"seed": 0.5}),
    ("stochastic_pool2d", ValueError, ["offset must be in [0, 2^62)"], {"offset": 2**62}),
    ("stochastic_pool2d", ValueError, ["larger than the padded input"], {"kernel_size": 7}),
    ("stochastic_pool2d_grad", ValueError, ["dy must have shape"], {"dy": f64(2, 3, 2, 1)}),
    ("adaptive_max_pool2d", ValueError, ["output_size must be positive"], {"output_size": 0}),
    ("adaptive_max_pool2d", ValueError, ["no empty spatial axis"], {"x": f64(2, 3, 0, 7)}),
    (
        "adaptive_max_pool3d",
        ValueError,
        ["output_size must be", "3 entries"],
        {"output_size": (1, 2)},
    ),
    ("adaptive_max_pool1d_grad", ValueError, ["indices", "6"], {"indices": ints(2, 3, 4) + 6}),
    ("max_pool3d_grad", ValueError, ["D * H * W", "210"], {"indices": ints(2, 3, 2, 2, 1) + 210}),
    ("max_pool1d", ValueError, ["x must have 3 axes (N, C, L)"], {"x": f64(3, 6)}),
    ("avg_pool3d", ValueError, ["kernel_size must be an int or have 3"], {"kernel_size": (2, 2)}),
    ("softmax_cross_entropy", ValueError, ["reduction must be", "'avg'"], {"reduction": "avg"}),
    ("sgd_step", ValueError, ["convention must be", "'tf'"], {"convention": "tf"}),
    # ranges
    *(
        ("local_response_norm", ValueError, [f"{argument} must be finite"], {argument: value})
        for argument in ("alpha", "beta", "k")
        for value in (np.inf, np.nan)
    ),
    ("local_response_norm", ValueError, ["size must be positive", "size=0"], {"size": 0}),
    ("dropout", ValueError, ["p must be in [0, 1]", "1.5"], {"p": 1.5}),
    ("dropout", ValueError, ["p must be in [0, 1]", "-0.1"], {"p": -0.1}),
    ("dropout", ValueError, ["p must be in [0, 1]", "nan"], {"p": np.nan}),
    ("dropout", ValueError, ["seed must be in [0, 2^64)", "-1"], {"seed": -1}),
    ("dropout", ValueError, ["seed must be in [0, 2^64)"], {"seed": 2**64}),
    ("dropout", ValueError, ["offset must be in [0, 2^62)", "-1"], {"offset": -1}),
    ("dropout", ValueError, ["offset must be in [0, 2^62)"], {"offset": 2**62}),
    ("softmax_cross_entropy", ValueError, ["label_smoothing", "1.5"], {"label_smoothing": 1.5}),
    ("softmax_cross_entropy", ValueError, ["label_smoothing", "nan"], {"label_smoothing": np.nan}),
    # labels and indices
    ("softmax_cross_entropy", ValueError, ["labels", "3"], {"labels": np.array([0, 1, 3, 2])}),
    ("softmax_cross_entropy", ValueError, ["labels", "-1"], {"labels": np.array([0, -1, 1, 2])}),
    (
        "softmax_cross_entropy",
        ValueError,
        ["labels", str(2**64 - 100)],  # -100 if it wrapped around
        {"labels": np.array([0, 2**64 - 100, 1, 2], np.uint64)},
    ),
    ("max_pool2d_grad", ValueError, ["indices", "42"], {"indices": ints(2, 3, 2, 2) + 42}),
    ("max_pool2d_grad", ValueError, ["indices", "-2"], {"indices": ints(2, 3, 2, 2) - 2}),
    (
        "max_pool2d_grad",
        ValueError,
        ["indices", "-7"],
        {"indices": np.full((2, 3, 2, 2), -7, np.int32)},
    ),
    # in-place steps
    ("sgd_step", ValueError, ["params[0] must be writable"], {"params": [read_only(f64(2, 3))]}),
    (
        "sgd_step",
        ValueError,
        ["velocities[0] must be writable"],
        {"velocities": [read_only(f64(2, 3))]},
    ),
    ("sgd_step", ValueError, ["params[0]", "C-contiguous"], {"params": [f64(3, 2).T]}),
    ("sgd_step", ValueError, ["params[0]", "C-contiguous"], {"params": [f64(2, 3).astype(">f8")]}),
    ("sgd_step", ValueError, ["grads[0]", "(3, 2)", "(2, 3)"], {"grads": [f64(3, 2)]}),
    ("sgd_step", ValueError, ["velocities[0]", "(2, 2)"], {"velocities": [f64(2, 2)]}),
    ("sgd_step", ValueError, ["grads", "1", "2"], {"grads": [f64(2, 3)] * 2}),
    ("sgd_step", ValueError, ["velocities", "1", "0"], {"velocities": []}),
    ("sgd_step", ValueError, ["velocities", "momentum=0.9"], {"velocities": None}),
    ("sgd_step", ValueError, ["first", "1", "2"], {"first": [True, False]}),
    ("sgd_step", ValueError, ["nesterov", "momentum"], {"nesterov": True, "momentum": 0.0}),
    ("sgd_step", ValueError, ["nesterov", "dampening"], {"nesterov": True, "dampening": 0.5}),
    ("sgd_step", ValueError, ["dampening", "nan"], {"dampening": np.nan}),
    ("sgd_step", ValueError, ["dampening"], {"convention": "caffe", "dampening": 0.5}),
    *(
        ("sgd_step", ValueError, [argument, str(value)], {argument: value})
        for argument in ("lr", "momentum", "weight_decay", "l1")
        for value in (np.nan, -0.25)
    ),
    ("sgd_step", TypeError, ["params", "float32", "float64"], {"params": [f32(2, 3)]}),
    ("sgd_step", TypeError, ["params[0] must be float32 or float64"], {"params": [ints(2, 3)]}),
    ("sgd_step", TypeError, ["params[0] must be a numpy.ndarray"], {"params": [[1.0]]}),
    ("sgd_step", TypeError, ["params[0]", "NoneType"], {"params": [None]}),
    ("sgd_step", TypeError, ["params must be a", "ndarray"], {"params": f64(1, 2, 3)}),
    ("sgd_step", TypeError, ["grads must be a"], {"grads": 3}),
    # activations, elementwise, shapes
    ("leaky_relu", ValueError, ["negative_slope must be finite"], {"negative_slope": np.nan}),
    ("leaky_relu", TypeError, ["negative_slope must be a number"], {"negative_slope": None}),
    ("leaky_relu_grad", ValueError, ["x must have shape (3, 4)"], {"x": f64(4, 3)}),
    ("elu", ValueError, ["alpha must be finite and at least 0", "-1"], {"alpha": -1.0}),
    ("elu_grad", ValueError, ["alpha must be finite", "inf"], {"alpha": np.inf}),
    ("elu_grad", ValueError, ["y must have shape"], {"y": f64(3, 1)}),
    ("softplus", ValueError, ["beta must be finite and greater than 0", "0"], {"beta": 0.0}),
    ("softplus_grad", ValueError, ["beta must be finite", "inf"], {"beta": np.inf}),
    ("softplus", ValueError, ["threshold must be a number", "nan"], {"threshold": np.nan}),
    ("gelu", ValueError, ["approximate must be", "'erf'"], {"approximate": "erf"}),
    ("gelu_grad", TypeError, ["approximate must be a str"], {"approximate": None}),
    ("silu_grad", ValueError, ["x must have shape (3, 4)"], {"x": f64(4, 3)}),
    ("hardswish_grad", ValueError, ["x must have shape (3, 4)"], {"x": f64(4, 3)}),
    ("prelu", ValueError, ["weight must be (1,)", "(3,)"], {"weight": f64(3)}),
    ("prelu", ValueError, ["weight must be (1,)", "(4,)"], {"x": f64(4)}),
    ("prelu_grad", ValueError, ["weight must be (1,)", "()"], {"weight": np.array(1.0)}),
    ("prelu_grad", ValueError, ["x must have shape (3, 4)"], {"x": f64(3, 1)}),
    *(
        (name, ValueError, ["axis must be in [-2, 2)", f"axis={axis}"], {"axis": axis})
        for name in ("softmax", "softmax_grad", "log_softmax", "log_softmax_grad")
        for axis in (2, -3)
    ),
    ("softmax", ValueError, ["at least 1 axis", "()"], {"x": np.array(1.0)}),
    ("softmax", TypeError, ["axis must be an int"], {"axis": None}),
    ("softmax_grad", ValueError, ["y must have shape (3, 4)"], {"y": f64(4, 3)}),
    *(
        (name, ValueError, ["nothing is broadcast", "(3, 4)", "(1, 4)"], {"b": f64(1, 4)})
        for name in ("add", "mul", "mul_grad")
    ),
    ("mul_grad", ValueError, ["dy must have shape (3, 4)"], {"dy": f64(1, 4)}),
    ("scale_channels", ValueError, ["scale must have shape (2, 3)"], {"scale": f64(3)}),
    ("scale_channels", ValueError, ["at least 2 axes", "(6,)"], {"x": f64(6)}),
    ("scale_channels_grad", ValueError, ["dy must have shape"], {"dy": f64(2, 3, 1)}),
    ("add", ValueError, ["activation must be"], {"activation": "gelu"}),
    ("add_grad", ValueError, ["y must have shape"], {"y": f64(3, 1)}),
    ("concat", ValueError, ["arrays must not be empty"], {"arrays": []}),
    ("concat", ValueError, ["but for axis 1", "arrays[1]"], {"arrays": [f64(2, 3), f64(3, 3)]}),
    ("concat", ValueError, ["but for axis 1", "(2,)"], {"arrays": [f64(2, 3), f64(2)]}),
    ("concat", ValueError, ["at least 1 axis"], {"arrays": [np.array(1.0)]}),
    ("concat", ValueError, ["axis", "axis=3"], {"axis": 3}),
    ("concat", TypeError, ["same dtype", "arrays[1]"], {"arrays": [f64(2, 3), f32(2, 3)]}),
    ("concat", TypeError, ["arrays[1] must be a numpy.ndarray"], {"arrays": [f64(2, 3), None]}),
    ("concat", TypeError, ["arrays must be a list"], {"arrays": f64(2, 3)}),
    ("concat", ValueError, ["2^59 elements"], {"arrays": [huge(1, 2**58)] * 40}),
    ("concat_grad", ValueError, ["add up to dy.shape[1]", "7"], {"sizes": [3, 4]}),
    ("concat_grad", ValueError, ["at least 0", "sizes[1]=-1"], {"sizes": [9, -1]}),
    ("concat_grad", ValueError, ["below 2^63"], {"sizes": [2**62, 2**62]}),
    ("concat_grad", TypeError, ["sizes must be a sequence"], {"sizes": 8}),
    *(
        (name, ValueError, ["padding", text], {"padding": padding})
        for name in ("pad", "pad_grad")
        for padding, text in ((-1, "-1"), ("same", "'same'"), ((1, 2, 3), "(1, 2, 3)"))
    ),
    ("pad", ValueError, ["x must have 4 axes", "(3, 4, 5)"], {"x": f64(3, 4, 5)}),
    ("pad", ValueError, ["2^59 elements"], {"padding": 2**40}),
    ("pad", TypeError, ["value must be a number"], {"value": None}),
    ("pad_grad", ValueError, ["as large as the padding"], {"padding": 4}),
    # layer and group normalisation
    *(
        (name, ValueError, parts, {"axes": axes})
        for name in ("layer_norm", "layer_norm_grad")
        for axes, parts in (
            (3, ["axis must be in [-3, 3)", "axis=3"]),
            ((), ["axes must not be empty"]),
            ((0, 2), ["axes must be different ones that follow each other", "(0, 2)"]),
            ((1, -2), ["axes must be different ones", "(1, -2)"]),
            ((1, 2), ["gamma must have shape (3, 4)", "(4,)"]),
        )
    ),
    ("layer_norm", TypeError, ["axes must be an int or a tuple"], {"axes": None}),
    ("layer_norm", ValueError, ["beta must have shape (4,)", "(3,)"], {"beta": f64(3)}),
    ("layer_norm", ValueError, ["eps must be finite and at least 0"], {"eps": -1.0}),
    ("layer_norm", TypeError, ["float32", "float64"], {"gamma": f32(4)}),
    ("layer_norm_grad", ValueError, ["dy must have shape"], {"dy": f64(2, 3, 1)}),
    *(
        (name, ValueError, parts, {"num_groups": groups})
        for name in ("group_norm", "group_norm_grad")
        for groups, parts in (
            (4, ["num_groups must divide C", "num_groups=4", "C=6"]),
            (0, ["num_groups must be positive", "num_groups=0"]),
        )
    ),
    ("group_norm", ValueError, ["gamma must have shape (6,)", "(3,)"], {"gamma": f64(3)}),
    ("group_norm", ValueError, ["at least 2 axes", "(6,)"], {"x": f64(6)}),
    ("group_norm_grad", ValueError, ["dy must have shape"], {"dy": f64(2, 6, 1)}),
    # losses
    ("nll_loss", ValueError, ["labels", "3"], {"labels": np.array([0, 1, 3, 2])}),
    ("nll_loss", ValueError, ["labels", "(5,)"], {"labels": ints(5)}),
    ("nll_loss", ValueError, ["log_probs must have", "(4,)"], {"log_probs": f64(4)}),
    ("nll_loss", ValueError, ["reduction must be", "'avg'"], {"reduction": "avg"}),
    *(
        case
        for name in ("mse_loss", "l1_loss", "huber_loss", "binary_cross_entropy_with_logits")
        for case in (
            (name, ValueError, ["nothing is broadcast"], {"target": f64(1, 3)}),
            (name, ValueError, ["reduction must be", "'avg'"], {"reduction": "avg"}),
            (name, TypeError, ["float32", "float64"], {"target": f32(4, 3)}),
        )
    ),
    ("huber_loss", ValueError, ["delta must be finite and greater", "0"], {"delta": 0.0}),
    ("huber_loss", ValueError, ["delta must be finite", "nan"], {"delta": np.nan}),
    (
        "binary_cross_entropy_with_logits",
        ValueError,
        ["pos_weight must be (1,)", "(4,)", "(4, 3)"],
        {"pos_weight": f64(4)},
    ),
    (
        "binary_cross_entropy_with_logits",
        ValueError,
        ["nothing is broadcast", "(3,)"],
        {"weight": f64(3)},
    ),
    # Adam and clipping
    ("adam_step", ValueError, ["max_exp_avg_sqs"], {"max_exp_avg_sqs": None}),
    ("adam_step", ValueError, ["step must be at least 1", "0"], {"step": 0}),
    ("adam_step", ValueError, ["step must be as long"], {"step": [1, 2]}),
    ("adam_step", TypeError, ["step must be an int"], {"step": 1.0}),
    ("adam_step", ValueError, ["betas must be in [0, 1)"], {"betas": (0.9, 1.0)}),
    ("adam_step", TypeError, ["betas must be a pair"], {"betas": 0.9}),
    ("adam_step", ValueError, ["convention must be", "'tf'"], {"convention": "tf"}),
    ("adam_step", ValueError, ["exp_avgs", "1", "0"], {"exp_avgs": []}),
    ("adam_step", ValueError, ["exp_avg_sqs[0]", "(3, 2)"], {"exp_avg_sqs": [f64(3, 2)]}),
    ("adam_step", TypeError, ["exp_avgs[0]", "float32"], {"exp_avgs": [f32(2, 3)]}),
    (
        "adam_step",
        ValueError,
        ["exp_avgs[0] must be writable"],
        {"exp_avgs": [read_only(f64(2, 3))]},
    ),
    *(
        ("adam_step", ValueError, [argument, str(value)], {argument: value})
        for argument in ("lr", "eps", "weight_decay", "l1")
        for value in (np.nan, -0.25)
    ),
    ("clip_grad_norm", ValueError, ["max_norm must be at least 0"], {"max_norm": -1.0}),
    ("clip_grad_norm", ValueError, ["must be finite", "nan"], {"grads": [np.array([np.nan])]}),
    ("clip_grad_norm", ValueError, ["must be finite", "inf"], {"grads": [np.array([np.inf])]}),
    (
        "clip_grad_norm",
        ValueError,
        ["grads[1] must be writable"],
        {"grads": [None, read_only(f64(2))]},
    ),
    ("clip_grad_norm", TypeError, ["grads must be a list"], {"grads": f64(2)}),
    # Adagrad, RMSprop, bounds and averages
    ("adagrad_step", ValueError, ["convention must be", "'tf'"], {"convention": "tf"}),
    ("adagrad_step", ValueError, ["accumulators", "1", "0"], {"accumulators": []}),
    ("adagrad_step", ValueError, ["accumulators[0]", "(3, 2)"], {"accumulators": [f64(3, 2)]}),
    *(
        ("adagrad_step", ValueError, [argument, str(value)], {argument: value})
        for argument in ("lr", "eps", "weight_decay", "l1")
        for value in (np.nan, -0.25)
    ),
    ("rmsprop_step", ValueError, ["convention must be", "'tf'"], {"convention": "tf"}),
    ("rmsprop_step", ValueError, ["centered needs mean_grads"], {"mean_grads": None}),
    ("rmsprop_step", ValueError, ["momentum needs velocities"], {"velocities": None}),
    ("rmsprop_step", ValueError, ["alpha must be in [0, 1)", "1"], {"alpha": 1.0}),
    ("rmsprop_step", ValueError, ["mean_squares", "1", "0"], {"mean_squares": []}),
    ("rmsprop_step", TypeError, ["mean_grads[0]", "float32"], {"mean_grads": [f32(2, 3)]}),
    ("rmsprop_step", TypeError, ["centered must be"], {"centered": 1.5}),
    *(
        ("rmsprop_step", ValueError, [argument, str(value)], {argument: value})
        for argument in ("lr", "alpha", "eps", "momentum", "weight_decay", "l1")
        for value in (np.nan, -0.25)
    ),
    ("clip_grad_value", ValueError, ["clip_value must be at least 0"], {"clip_value": np.nan}),
    ("clip_grad_value", TypeError, ["grads must be a list"], {"grads": f64(2)}),
    ("clip_grad_value", ValueError, ["must be writable"], {"grads": [read_only(f64(2))]}),
    ("ema_step", ValueError, ["decay must be in [0, 1]", "1.5"], {"decay": 1.5}),
    ("ema_step", ValueError, ["decay must be in [0, 1]", "nan"], {"decay": np.nan}),
    ("ema_step", ValueError, ["as long as averages"], {"params": []}),
    ("ema_step", ValueError, ["params[0]", "(3, 2)"], {"params": [f64(3, 2)]}),
    ("ema_step", ValueError, ["params must not hold None"], {"params": [None]}),
    ("max_norm_step", ValueError, ["max_norm must be at least 0"], {"max_norm": -1.0}),
    ("max_norm_step", TypeError, ["params must be a list"], {"params": f64(2)}),
    ("max_norm_step", ValueError, ["must be writable"], {"params": [read_only(f64(2))]}),
    # sizes that overflow
    ("conv2d", ValueError, ["2^59 elements"], {"padding": 2**40}),
    ("max_pool2d", ValueError, ["2^59 elements"], {"padding": 2**40}),
    ("max_pool2d_grad", ValueError, ["2^59 elements"], {"x_shape": (2, 3, 2**40, 2**40)}),
    ("max_pool2d_grad", ValueError, ["fit 64 bits"], {"x_shape": (2, 3, 2**70, 1)}),
    ("max_pool2d_grad", ValueError, ["negative axis", "-6"], {"x_shape": (2, 3, -6, 7)}),
    ("conv2d_weight_grad", ValueError, ["2^59 elements"], {"w_shape": (2**40, 2**40, 3, 3)}),
    (
        "conv2d_input_grad",
        ValueError,
        ["2^59 elements"],
        {"dy": f64(0, 6, 4, 5), "y": None, "x_shape": (0, 4, 2**40, 2**40)},
    ),
]


@pytest.mark.parametrize(
    ("name", "error", "parts", "changes"),
    BAD_VALUES,
    ids=lambda value: (
        re.sub(r"[^\w]+", "_", str(list(value)))[:40]
        if isinstance(value, dict)
        else (value if isinstance(value, str) else "")
    ),
)
def test_bad_value(
    name: str, error: type[Exception], parts: list[str], changes: dict[str, Any]
) -> None:
    refuses(name, error, *parts, **changes)


# Their gradients read x beside dy.
GRADIENTS_BY_INPUT = tuple(
    f"{name}_grad"
    for name in (
        *("leaky_relu", "softplus", "silu", "gelu", "hardswish", "prelu"),
        *("layer_norm", "group_norm", "scale_channels"),
    )
)

# 2^60 float32 elements: NumPy has such an array, but its size as float64 overflows.
HUGE = (2**20, 2**20, 2**10, 2**10)
HUGE_OF_RANK = {3: (2**20, 2**20, 2**20), 5: (2**20, 2**20, 2**10, 2**5, 2**5)}


@pytest.mark.parametrize("name", [n for n, good in GOOD.items() if "x" in good() and n != "linear"])
def test_overflowing_zero_stride_array(name: str) -> None:
    good = {k: v.astype(F32) if isinstance(v, np.ndarray) else v for k, v in GOOD[name]().items()}
    shape = HUGE_OF_RANK.get(good["x"].ndim, HUGE)
    if name == "conv2d":
        good.update(w=huge(1, 2**20, 1, 1), b=None)
    if name == "local_response_norm_grad" or name.startswith(GRADIENTS_BY_INPUT):
        good["dy"] = huge(*shape)
    if name in ("prelu", "prelu_grad"):
        good["weight"] = f32(1)
    if name.startswith("scale_channels"):
        good["scale"] = huge(*shape[:2])
    if name.startswith(("layer_norm", "group_norm")):
        good |= {k: None for k in ("gamma", "beta") if k in good}
        good |= {"num_groups": 1} if "num_groups" in good else {}
    if name == "conv2d_weight_grad":
        good["w_shape"] = (6, 2**20, 3, 3)
    if name == "linear_weight_grad":
        good.update(dy=huge(2**20, 2**20, 2**10, 3), y=None)
    with pytest.raises(ValueError, match=rf"^{name}: .*2\^59 elements\. Got shape \(1048576, "):
        OPS[name].function(**{**good, "x": huge(*shape)})


@pytest.mark.parametrize("name", ["relu", "max_pool2d", "local_response_norm", "dropout"])
def test_array_beyond_the_memory(name: str) -> None:
    # 2^57 bytes can be counted, but there is no machine that has them.
    with pytest.raises(MemoryError):
        call(name, x=huge(2**15, 2**20, 2**10, 2**10))


def test_overlapping_arrays_in_a_step() -> None:
    base = np.zeros(10)
    a, b = base[:6].reshape(2, 3), base[4:].reshape(2, 3)
    refuses("sgd_step", ValueError, "params[0]", "velocities[0]", params=[a], velocities=[b])
    refuses("sgd_step", ValueError, "params[0]", "velocities[0]", params=[a], velocities=[a])
    two = {"grads": [f64(2, 3)] * 2, "velocities": [f64(2, 3), f64(2, 3)]}
    refuses("sgd_step", ValueError, "params[0]", "params[1]", params=[a, b], **two)
    refuses("sgd_step", ValueError, "params[0]", "params[1]", params=[a, a], **two)


def test_gradient_that_overlaps_what_is_written() -> None:
    base = np.zeros(10)
    a, b = base[:6].reshape(2, 3), base[4:].reshape(2, 3)
    refuses("sgd_step", ValueError, "params[0]", "grads[0]", params=[a], grads=[b])


def test_neighbours_do_not_overlap() -> None:
    base = np.zeros(12)
    call("sgd_step", params=[base[:6].reshape(2, 3)], velocities=[base[6:].reshape(2, 3)])
    assert base.any()


def test_a_refused_step_has_written_nothing() -> None:
    params, velocities = [f64(2, 3), f64(2, 3)], [f64(2, 3), f64(2, 2)]
    refuses(
        "sgd_step",
        ValueError,
        "velocities[1]",
        params=params,
        grads=[f64(2, 3), f64(2, 3)],
        velocities=velocities,
    )
    assert all((a == 1).all() for a in params + velocities)


@pytest.mark.parametrize(
    ("name", "changes", "shape"),
    [
        ("conv2d", {"x": f64(0, 4, 6, 7)}, (0, 6, 4, 5)),
        (
            "conv2d_input_grad",
            {"dy": f64(0, 6, 4, 5), "x_shape": (0, 4, 6, 7), "y": None},
            (0, 4, 6, 7),
        ),
        (
            "conv2d_weight_grad",
            {"dy": f64(0, 6, 4, 5), "x": f64(0, 4, 6, 7), "y": None},
            (6, 4, 3, 3),
        ),
        ("linear", {"x": f64(0, 5)}, (0, 3)),
        ("max_pool2d", {"x": f64(0, 3, 6, 7)}, (0, 3, 2, 2)),
        ("local_response_norm", {"x": f64(0, 5, 3, 3)}, (0, 5, 3, 3)),
        ("relu", {"x": f64(0, 3)}, (0, 3)),
        ("dropout", {"x": f64(0, 3)}, (0, 3)),
        ("bias_grad", {"dy": f64(0, 3, 4), "y": None}, (3,)),
    ],
)
def test_empty_batch(name: str, changes: dict[str, Any], shape: tuple[int, ...]) -> None:
    result = call(name, **changes)
    assert result.shape == shape
    assert not result.any()


def test_empty_batch_of_a_loss() -> None:
    loss, dlogits = call("softmax_cross_entropy", logits=f64(0, 3), labels=ints(0))
    assert np.isnan(loss)
    assert dlogits.shape == (0, 3)


@pytest.mark.parametrize(
    "stride", [np.int64(2), (np.int32(2), 2), [2, 2], np.array([2, 2]), np.uint8(2)], ids=repr
)
def test_any_integer_will_do(stride: Any) -> None:
    assert call("conv2d", stride=stride).shape == (2, 6, 2, 3)


def test_arguments_are_keywords() -> None:
    with pytest.raises(TypeError):
        ops.conv2d(f64(1, 1, 3, 3), f64(1, 1, 1, 1), None, 2)  # type: ignore[misc]
