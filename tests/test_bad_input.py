"""Every rule about arguments: an error of the right type that names function, rule and values."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest
from arguments import BAD_VALUES, GOOD, call, f32, f64, huge, ints, refuses

from striate import _backend, ops
from striate._registry import OPS


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
        call(name, **{argument: GOOD[name]()[argument].astype(np.float32)})
        return
    wrong = GOOD[name]()[argument].astype(np.float32)
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
def test_array_on_another_device(name: str, argument: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_backend._loaded, "cuda", object())  # as if it had no kernels
    refuses(name, TypeError, f"{argument} is on cuda", "OnCuda", **{argument: OnCuda()})


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
    good = {
        k: v.astype(np.float32) if isinstance(v, np.ndarray) else v for k, v in GOOD[name]().items()
    }
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
