"""Steps of optimizers and what surrounds them: good calls, and what each must refuse."""

from __future__ import annotations

import numpy as np

from ._arrays import BadValue, Good, f32, f64, ints, read_only

GOOD: Good = {
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
    "sgd_step": lambda: {
        "params": [f64(2, 3)],
        "grads": [f64(2, 3)],
        "velocities": [f64(2, 3)],
        "lr": 0.1,
        "momentum": 0.9,
    },
}

# Of the arguments that all steps have.
_STEPS = ("sgd_step", "adam_step", "adagrad_step", "rmsprop_step")

BAD_VALUES: list[BadValue] = [
    *(
        case
        for name in _STEPS
        for case in (
            (name, ValueError, ["clip_norm and grad_norm must be given to"], {"clip_norm": 1.0}),
            (name, ValueError, ["clip_norm must be", "-1"], {"clip_norm": -1.0, "grad_norm": 1.0}),
            (name, ValueError, ["grad_norm must be", "-1"], {"clip_norm": 1.0, "grad_norm": -1.0}),
            (name, ValueError, ["finite", "inf"], {"clip_norm": 1.0, "grad_norm": np.inf}),
            (name, ValueError, ["clip_value must be at least 0", "nan"], {"clip_value": np.nan}),
            (name, TypeError, ["clip_value must be a number"], {"clip_value": "1"}),
            (name, ValueError, ["averages and ema must be given together"], {"ema": 0.9}),
            (name, ValueError, ["averages", "0"], {"averages": [], "ema": 0.9}),
            (name, ValueError, ["ema must be in [0, 1]"], {"averages": [f64(2, 3)], "ema": 1.5}),
            (name, ValueError, ["ema", "2"], {"averages": [f64(2, 3)], "ema": [0.1, 0.2]}),
            (name, TypeError, ["averages[0]"], {"averages": [f32(2, 3)], "ema": 0.9}),
            (name, ValueError, ["averages[0]"], {"averages": [f64(3, 2)], "ema": 0.9}),
        )
    ),
    ("sgd_step", TypeError, ["lr must be a number"], {"lr": None}),
    ("sgd_step", ValueError, ["convention must be", "'tf'"], {"convention": "tf"}),
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
]
