"""What random calls are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from striate._typing import FloatArray

# Numbers this near to a kink are not drawn; a finite difference's step is far less.
_GAP = 0.05


class Draw:
    """Draws shapes, options and arrays.

    Every choice goes through `integer`, which a test overrides to have hypothesis make it.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high]."""
        return int(self.rng.integers(low, high + 1))

    def option(self, *options: Any) -> Any:
        return options[self.integer(0, len(options) - 1)]

    def shape(self, least: int, most: int, *, largest: int = 6) -> tuple[int, ...]:
        """Of `least` to `most` axes."""
        return tuple(self.integer(1, largest) for _ in range(self.integer(least, most)))

    def normal(self, shape: Sequence[int]) -> FloatArray:
        return np.asarray(self.rng.standard_normal(tuple(shape)))

    def uniform(self, low: float, high: float, shape: Sequence[int]) -> FloatArray:
        return np.asarray(self.rng.uniform(low, high, tuple(shape)))

    def apart(self, shape: Sequence[int], *kinks: float, std: float = 1.0) -> FloatArray:
        """Normal numbers, away from 0 or from these."""
        x = std * self.normal(shape)
        for kink in kinks or (0.0,):
            x = x + np.copysign(_GAP, x - kink) * (np.abs(x - kink) < _GAP)
        return np.asarray(x)

    def distinct(self, shape: Sequence[int]) -> FloatArray:
        """Numbers no two of which are near each other."""
        count = int(np.prod(shape))
        return np.asarray(_GAP * self.rng.permutation(count).reshape(shape) - _GAP * count / 2)

    def relu_of(self, before: FloatArray) -> str | None:
        """A fused activation, or none; always none where ReLU's kink is near."""
        near = before.size > 0 and float(np.abs(before).min()) < 1e-4
        return None if near else self.option(None, "relu")

    def window(self, rank: int, *, dilated: bool) -> tuple[tuple[int, ...], dict[str, Any]]:
        """An image that the window fits into, and kernel size, stride, padding and dilation."""
        kernel, stride, size = [], [], []
        dilation, padding = [], []
        for _ in range(rank):
            kernel.append(self.integer(1, 3))
            stride.append(self.integer(1, 3))
            dilation.append(self.integer(1, 2) if dilated else 1)
            padding.append((self.integer(0, 2), self.integer(0, 2)))
            size.append(dilation[-1] * (kernel[-1] - 1) + 1 + self.integer(0, 4))
        window: dict[str, Any] = {"kernel_size": tuple(kernel), "stride": tuple(stride)}
        window["padding"] = self.option(tuple(padding), "same", 0)
        if dilated:
            window["dilation"] = tuple(dilation)
        return tuple(size), window
