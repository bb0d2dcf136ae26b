"""Normalisation: good calls, and what each must refuse."""

from __future__ import annotations

import numpy as np

from ._arrays import BadValue, Good, f32, f64

GOOD: Good = {
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
}

BAD_VALUES: list[BadValue] = [
    ("local_response_norm", ValueError, ["x must have at least 2 axes", "(5,)"], {"x": f64(5)}),
    ("local_response_norm_grad", ValueError, ["dy must have shape"], {"dy": f64(2, 5, 3, 1)}),
    ("local_response_norm", TypeError, ["alpha must be a number"], {"alpha": "1"}),
    ("local_response_norm", TypeError, ["size must be an int"], {"size": 5.0}),
    ("local_response_norm", TypeError, ["convention must be a str"], {"convention": None}),
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
        ("local_response_norm", ValueError, [f"{argument} must be finite"], {argument: value})
        for argument in ("alpha", "beta", "k")
        for value in (np.inf, np.nan)
    ),
    ("local_response_norm", ValueError, ["size must be positive", "size=0"], {"size": 0}),
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
]
