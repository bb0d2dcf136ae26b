"""What containers of layers are made of: good calls, and what each must refuse."""

from __future__ import annotations

import numpy as np

from ._arrays import BadValue, Good, f32, f64, huge

GOOD: Good = {
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
}

BAD_VALUES: list[BadValue] = [
    ("dropout", TypeError, ["p must be a number"], {"p": "half"}),
    ("dropout", TypeError, ["seed must be an int"], {"seed": 1.0}),
    ("dropout", TypeError, ["offset must be an int"], {"offset": None}),
    ("dropout", ValueError, ["p must be in [0, 1]", "1.5"], {"p": 1.5}),
    ("dropout", ValueError, ["p must be in [0, 1]", "-0.1"], {"p": -0.1}),
    ("dropout", ValueError, ["p must be in [0, 1]", "nan"], {"p": np.nan}),
    ("dropout", ValueError, ["seed must be in [0, 2^64)", "-1"], {"seed": -1}),
    ("dropout", ValueError, ["seed must be in [0, 2^64)"], {"seed": 2**64}),
    ("dropout", ValueError, ["offset must be in [0, 2^62)", "-1"], {"offset": -1}),
    ("dropout", ValueError, ["offset must be in [0, 2^62)"], {"offset": 2**62}),
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
]
