"""Sliding windows: normalised padding and stride, the output size, and the kernel's taps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from striate._typing import FloatArray, IntArray, IntOrPair, Padding, Pair


@dataclass(frozen=True)
class Window:
    """A window that slides over the two last axes of an array."""

    kernel: Pair
    stride: Pair
    dilation: Pair
    pads: tuple[Pair, Pair]  # ((top, bottom), (left, right))
    size: Pair  # the input's height and width
    out: Pair

    @classmethod
    def of(
        cls,
        function: str,
        size: tuple[int, ...],
        kernel_size: int | tuple[int, ...],
        stride: IntOrPair,
        padding: Padding,
        dilation: IntOrPair,
        *,
        ceil_mode: bool = False,
    ) -> Window:
        kernel = pair(function, "kernel_size", kernel_size, least=1)
        steps = pair(function, "stride", stride, least=1)
        gaps = pair(function, "dilation", dilation, least=1)
        height, width = size
        extents = [d * (k - 1) + 1 for k, d in zip(kernel, gaps, strict=True)]
        top, left = _pads(function, (height, width), extents, steps, padding)
        if padding == "same":
            outs = [-(-n // step) for n, step in zip((height, width), steps, strict=True)]
        else:
            axes = zip((height, width), extents, steps, (top, left), strict=True)
            outs = [_out_size(function, *axis, ceil_mode) for axis in axes]
        return cls(kernel, steps, gaps, (top, left), (height, width), (outs[0], outs[1]))

    def pad(self, x: FloatArray, value: float = 0.0) -> FloatArray:
        """Pads x, at the end far enough for every window (more than `pads` in ceil_mode)."""
        widths = [(0, 0)] * (x.ndim - 2)
        for axis in range(2):
            before, after = self.pads[axis]
            last = (self.out[axis] - 1) * self.stride[axis]
            end = last + self.dilation[axis] * (self.kernel[axis] - 1) + 1
            widths.append((before, max(after, end - before - self.size[axis])))
        return np.pad(x, widths, constant_values=value)

    def crop(self, padded: FloatArray) -> FloatArray:
        """Undoes pad."""
        (top, _), (left, _) = self.pads
        height, width = self.size
        return padded[..., top : top + height, left : left + width]

    def taps(self) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
        """For each kernel element in row-major order: the padded pixels that it reads."""
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                yield i, j, (self._positions(0, i), self._positions(1, j))

    def sources(self, i: int, j: int) -> IntArray:
        """The flat input index that a tap reads for each output; -1 in the padding."""
        (top, _), (left, _) = self.pads
        rows = np.arange(self.out[0]) * self.stride[0] + i * self.dilation[0] - top
        cols = np.arange(self.out[1]) * self.stride[1] + j * self.dilation[1] - left
        height, width = self.size
        inside = np.outer((rows >= 0) & (rows < height), (cols >= 0) & (cols < width))
        return np.where(inside, rows[:, None] * width + cols, -1)

    def _positions(self, axis: int, tap: int) -> slice:
        start = tap * self.dilation[axis]
        step = self.stride[axis]
        return slice(start, start + step * self.out[axis], step)


def pair(function: str, name: str, value: int | tuple[int, ...], *, least: int = 0) -> Pair:
    """An int or a pair as a pair."""
    first, second = (value, value) if isinstance(value, int | np.integer) else value
    if min(first, second) < least:
        raise ValueError(f"{function}: {name} must be at least {least}. Got {name}={value}.")
    return int(first), int(second)


def _pads(
    function: str, size: Pair, extents: list[int], stride: Pair, padding: Padding
) -> tuple[Pair, Pair]:
    if isinstance(padding, str):
        if padding == "valid":
            return (0, 0), (0, 0)
        if padding != "same":
            raise ValueError(
                f"{function}: padding must be an int, a pair, two pairs, 'same' or 'valid'. "
                f"Got padding={padding!r}."
            )
        top, left = (
            _same_pads(n, extent, step)
            for n, extent, step in zip(size, extents, stride, strict=True)
        )
        return top, left
    if isinstance(padding, int | np.integer):
        padding = (int(padding), int(padding))
    top, left = (pair(function, "padding", side) for side in padding)
    return top, left


def _same_pads(n: int, extent: int, stride: int) -> Pair:
    # The odd pixel goes to the end: ONNX SAME_UPPER, TensorFlow SAME.
    out = -(-n // stride)
    total = max((out - 1) * stride + extent - n, 0)
    return total // 2, total - total // 2


def _out_size(function: str, n: int, extent: int, stride: int, pads: Pair, ceil_mode: bool) -> int:
    room = n + sum(pads) - extent
    if room < 0:
        raise ValueError(
            f"{function}: the window must fit into the padded input. "
            f"Got a window of {extent}, a padded input of {n + sum(pads)}."
        )
    if not ceil_mode:
        return room // stride + 1
    out = -(-room // stride) + 1
    # No window starts in the padding at the end.
    return out - 1 if (out - 1) * stride >= n + pads[0] else out
