"""Losses: good calls, and what each must refuse."""

from __future__ import annotations

import numpy as np

from ._arrays import BadValue, Good, f32, f64, ints

GOOD: Good = {
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
    "softmax_cross_entropy": lambda: {
        "logits": f64(4, 3),
        "labels": ints(4),
        "weight": f64(3),
    },
}

BAD_VALUES: list[BadValue] = [
    ("softmax_cross_entropy", ValueError, ["logits must have", "(4,)"], {"logits": f64(4)}),
    ("softmax_cross_entropy", ValueError, ["labels", "(5,)"], {"labels": ints(5)}),
    ("softmax_cross_entropy", ValueError, ["weight", "(4,)"], {"weight": f64(4)}),
    ("softmax_cross_entropy", ValueError, ["reduction must be", "'avg'"], {"reduction": "avg"}),
    ("softmax_cross_entropy", ValueError, ["label_smoothing", "1.5"], {"label_smoothing": 1.5}),
    ("softmax_cross_entropy", ValueError, ["label_smoothing", "nan"], {"label_smoothing": np.nan}),
    ("softmax_cross_entropy", ValueError, ["labels", "3"], {"labels": np.array([0, 1, 3, 2])}),
    ("softmax_cross_entropy", ValueError, ["labels", "-1"], {"labels": np.array([0, -1, 1, 2])}),
    (
        "softmax_cross_entropy",
        ValueError,
        ["labels", str(2**64 - 100)],  # -100 if it wrapped around
        {"labels": np.array([0, 2**64 - 100, 1, 2], np.uint64)},
    ),
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
]
