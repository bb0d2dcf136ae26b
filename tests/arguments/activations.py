"""Activations and softmax: good calls, and what each must refuse."""

from __future__ import annotations

import numpy as np

from ._arrays import BadValue, Good, f64

GOOD: Good = {
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
}

BAD_VALUES: list[BadValue] = [
    ("relu_grad", ValueError, ["y must have shape (3, 4)", "(4, 3)"], {"y": f64(4, 3)}),
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
]
