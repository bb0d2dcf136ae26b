"""Convolutions and matrix products: good calls, and what each must refuse."""

from __future__ import annotations

from collections.abc import Iterator

from ._arrays import BadValue, Call, Good, f64


def _windows(rank: int) -> Iterator[tuple[str, Call]]:
    x_shape, y_shape = (2, 4, *(6, 7, 5)[:rank]), (2, 6, *(4, 5, 3)[:rank])
    w_shape = (6, 4, *(3, 3, 3)[:rank])
    name = f"conv{rank}d"
    yield name, lambda: {"x": f64(*x_shape), "w": f64(*w_shape), "b": f64(6)}
    yield (
        f"{name}_input_grad",
        lambda: {"dy": f64(*y_shape), "w": f64(*w_shape), "x_shape": x_shape, "y": f64(*y_shape)},
    )
    yield (
        f"{name}_weight_grad",
        lambda: {"dy": f64(*y_shape), "x": f64(*x_shape), "w_shape": w_shape, "y": f64(*y_shape)},
    )
    # The other way round: y's pixels become x's.
    name = f"conv_transpose{rank}d"
    yield name, lambda: {"x": f64(*y_shape), "w": f64(*w_shape), "b": f64(4)}
    yield (
        f"{name}_input_grad",
        lambda: {"dy": f64(*x_shape), "w": f64(*w_shape), "x_shape": y_shape},
    )
    yield (
        f"{name}_weight_grad",
        lambda: {"dy": f64(*x_shape), "x": f64(*y_shape), "w_shape": w_shape},
    )


GOOD: Good = {
    **{name: call for rank in (1, 2, 3) for name, call in _windows(rank)},
    "bias_grad": lambda: {"dy": f64(2, 3, 4, 5), "y": f64(2, 3, 4, 5)},
    "linear": lambda: {"x": f64(2, 5), "w": f64(3, 5), "b": f64(3)},
    "linear_input_grad": lambda: {"dy": f64(2, 3), "w": f64(3, 5), "y": f64(2, 3)},
    "linear_weight_grad": lambda: {"dy": f64(2, 3), "x": f64(2, 5), "y": f64(2, 3)},
}

BAD_VALUES: list[BadValue] = [
    ("conv2d", ValueError, ["x must have 4 axes", "(4, 6, 7)"], {"x": f64(4, 6, 7)}),
    ("conv2d", ValueError, ["w must have 4 axes", "(6, 4, 3)"], {"w": f64(6, 4, 3)}),
    ("conv2d", ValueError, ["b must have shape (6,)", "(5,)"], {"b": f64(5)}),
    ("conv2d_input_grad", ValueError, ["x_shape must have 4 axes"], {"x_shape": (4, 6, 7)}),
    ("conv2d_weight_grad", ValueError, ["w_shape must have 4 axes"], {"w_shape": (4, 6, 7)}),
    ("linear", ValueError, ["x must have at least 2 axes", "(5,)"], {"x": f64(5)}),
    ("linear", ValueError, ["w must have 2 axes", "(3, 5, 1)"], {"w": f64(3, 5, 1)}),
    ("bias_grad", ValueError, ["dy must have at least 2 axes", "(3,)"], {"dy": f64(3), "y": None}),
    ("bias_grad", ValueError, ["axis", "axis=4"], {"axis": 4}),
    ("bias_grad", ValueError, ["axis", "axis=-5"], {"axis": -5}),
    ("conv2d", ValueError, ["channels", "C_in=5"], {"x": f64(2, 5, 6, 7)}),
    ("conv2d_input_grad", ValueError, ["dy must have shape (2, 6, 4, 5)"], {"dy": f64(2, 6, 4, 4)}),
    ("conv2d_input_grad", ValueError, ["y must have shape (2, 6, 4, 5)"], {"y": f64(2, 6, 5, 5)}),
    ("conv2d_weight_grad", ValueError, ["dy must have shape"], {"dy": f64(1, 6, 4, 5)}),
    ("linear", ValueError, ["w.shape[1]", "4", "5"], {"w": f64(3, 4)}),
    ("linear", ValueError, ["b must have shape (3,)"], {"b": f64(3, 1)}),
    ("linear_input_grad", ValueError, ["4", "3"], {"dy": f64(2, 4), "y": None}),
    ("linear_weight_grad", ValueError, ["(3, 5)", "(2, 5)"], {"x": f64(3, 5)}),
    ("bias_grad", ValueError, ["y must have shape"], {"y": f64(2, 3, 4, 1)}),
    ("conv2d", ValueError, ["groups must divide C_in", "groups=3", "C_in=4"], {"groups": 3}),
    ("conv2d", ValueError, ["groups must divide C_out", "groups=4"], {"groups": 4}),
    ("conv2d", ValueError, ["groups must be positive", "groups=0"], {"groups": 0}),
    ("conv2d", ValueError, ["groups must be positive", "groups=-1"], {"groups": -1}),
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
    ("conv2d", ValueError, ["kernel_size must be positive"], {"w": f64(6, 4, 0, 3)}),
    ("conv2d", ValueError, ["larger than the padded input", "(input=0"], {"x": f64(2, 4, 0, 7)}),
    ("conv2d", TypeError, ["groups must be an int", "2.0"], {"groups": 2.0}),
    ("conv2d", TypeError, ["groups must be an int", "True"], {"groups": True}),
    ("conv2d", TypeError, ["stride must be an int", "1.5"], {"stride": 1.5}),
    ("conv2d", TypeError, ["stride must be an int", "None"], {"stride": None}),
    ("conv2d", TypeError, ["stride must be an int", "2.0"], {"stride": (1, 2.0)}),
    ("conv2d", TypeError, ["padding must be", "None"], {"padding": None}),
    ("bias_grad", TypeError, ["axis must be an int", "(0, 1)"], {"axis": (0, 1)}),
    ("conv2d", ValueError, ["activation must be None or 'relu'", "'gelu'"], {"activation": "gelu"}),
    ("linear", ValueError, ["activation must be None or 'relu'", "'gelu'"], {"activation": "gelu"}),
    ("conv2d", ValueError, ["2^59 elements"], {"padding": 2**40}),
    ("conv2d_weight_grad", ValueError, ["2^59 elements"], {"w_shape": (2**40, 2**40, 3, 3)}),
    (
        "conv2d_input_grad",
        ValueError,
        ["2^59 elements"],
        {"dy": f64(0, 6, 4, 5), "y": None, "x_shape": (0, 4, 2**40, 2**40)},
    ),
]
