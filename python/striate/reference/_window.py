"""Sliding windows: normalised padding and stride, the output size, and the kernel's taps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from striate._typing import FloatArray, IntArray, Pair

Sizes = tuple[int, ...]
LAYOUTS = {1: "(N, C, L)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W)"}


@dataclass(frozen=True)
class Window:
    """A window that slides over the last axes of an array."""

    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    pads: tuple[Pair, ...]  # ((top, bottom), (left, right))
    size: Sizes  # the input's height and width
    out: Sizes

    @classmethod
    def of(
        cls,
        function: str,
        size: Sizes,
        kernel_size: int | Sizes,
        stride: int | Sizes,
        padding: object,
        dilation: int | Sizes,
        *,
        ceil_mode: bool = False,
    ) -> Window:
        rank = len(size)
        kernel = per_axis(function, "kernel_size", kernel_size, rank, least=1)
        steps = per_axis(function, "stride", stride, rank, least=1)
        gaps = per_axis(function, "dilation", dilation, rank, least=1)
        extents = tuple(d * (k - 1) + 1 for k, d in zip(kernel, gaps, strict=True))
        pads = _pads(function, size, extents, steps, padding)
        if padding == "same":
            out = tuple(-(-n // step) for n, step in zip(size, steps, strict=True))
        else:
            axes = zip(size, extents, steps, pads, strict=True)
            out = tuple(_out_size(function, *axis, ceil_mode) for axis in axes)
        return cls(kernel, steps, gaps, pads, tuple(size), out)

    @classmethod
    def transposed(
        cls,
        function: str,
        out: Sizes,
        kernel_size: int | Sizes,
        stride: int | Sizes,
        padding: object,
        output_padding: int | Sizes,
        dilation: int | Sizes,
    ) -> Window:
        """The window whose gradient takes `out` positions back to what they were read from."""
        rank = len(out)
        kernel = per_axis(function, "kernel_size", kernel_size, rank, least=1)
        steps = per_axis(function, "stride", stride, rank, least=1)
        gaps = per_axis(function, "dilation", dilation, rank, least=1)
        more = per_axis(function, "output_padding", output_padding, rank)
        extents = tuple(d * (k - 1) + 1 for k, d in zip(kernel, gaps, strict=True))
        if any(m >= max(s, d) for m, s, d in zip(more, steps, gaps, strict=True)):
            raise ValueError(
                f"{function}: output_padding must be less than stride or dilation. "
                f"Got output_padding={more}, stride={steps}, dilation={gaps}."
            )
        if padding == "same":
            size = tuple(n * step for n, step in zip(out, steps, strict=True))
            pads = _pads(function, size, extents, steps, padding)
            if any(more):
                raise ValueError(
                    f"{function}: output_padding must be 0 with padding='same'. Got {more}."
                )
        else:
            pads = _pads(function, out, extents, steps, padding)
            size = tuple(
                (n - 1) * step + extent + m - sum(pad)
                for n, step, extent, m, pad in zip(out, steps, extents, more, pads, strict=True)
            )
        if min(*out, *size) < 1:
            raise ValueError(
                f"{function}: input and output must have no empty axis. Got {out}, {size}."
            )
        return cls(kernel, steps, gaps, pads, size, tuple(out))

    def pad(self, x: FloatArray, value: float = 0.0) -> FloatArray:
        """Pads x, at the end far enough for every window (more than `pads` in ceil_mode)."""
        widths = [(0, 0)] * (x.ndim - len(self.size))
        for axis, (before, after) in enumerate(self.pads):
            last = (self.out[axis] - 1) * self.stride[axis]
            end = last + self.dilation[axis] * (self.kernel[axis] - 1) + 1
            widths.append((before, max(after, end - before - self.size[axis])))
        return np.pad(x, widths, constant_values=value)

    def crop(self, padded: FloatArray) -> FloatArray:
        """Undoes pad."""
        inside = (
            slice(before, before + n) for n, (before, _) in zip(self.size, self.pads, strict=True)
        )
        index: Any = (..., *inside)
        cropped: FloatArray = padded[index]
        return cropped

    def taps(self) -> Iterator[tuple[Sizes, Any]]:
        """For each kernel element in row-major order: the index of the padded pixels it reads."""
        for tap in product(*map(range, self.kernel)):
            yield tap, (..., *(self._positions(axis, i) for axis, i in enumerate(tap)))

    def sources(self, tap: Sizes) -> IntArray:
        """The flat input index that a tap reads for each output; -1 in the padding."""
        flat, inside = np.zeros((), np.int64), np.ones((), np.bool_)
        for axis, i in enumerate(tap):
            place = np.arange(self.out[axis]) * self.stride[axis]
            place = place + i * self.dilation[axis] - self.pads[axis][0]
            flat = flat[..., None] * self.size[axis] + place
            inside = inside[..., None] & (place >= 0) & (place < self.size[axis])
        return np.where(inside, flat, -1)

    def _positions(self, axis: int, tap: int) -> slice:
        start = tap * self.dilation[axis]
        step = self.stride[axis]
        return slice(start, start + step * self.out[axis], step)


def adaptive_bounds(
    function: str, x_shape: Sizes, output_size: int | Sizes
) -> list[tuple[IntArray, IntArray]]:
    """For each axis, where the windows of `output_size` begin and end."""
    outs = per_axis(function, "output_size", output_size, len(x_shape) - 2, least=1)
    bounds: list[tuple[IntArray, IntArray]] = []
    for size, out in zip(x_shape[2:], outs, strict=True):
        if size < 1:
            raise ValueError(f"{function}: no spatial axis may be empty. Got shape {x_shape}.")
        i = np.arange(out)
        bounds.append((i * size // out, -(-(i + 1) * size // out)))
    return bounds


def per_axis(
    function: str, name: str, value: int | Sizes, rank: int, *, least: int = 0
) -> tuple[int, ...]:
    """An int as one for each axis."""
    values = (value,) * rank if isinstance(value, int | np.integer) else tuple(value)
    if len(values) != rank:
        raise ValueError(f"{function}: {name} must be an int or {rank} ints. Got {name}={value}.")
    if min(values) < least:
        raise ValueError(f"{function}: {name} must be at least {least}. Got {name}={value}.")
    return tuple(int(v) for v in values)


def _pads(
    function: str, size: Sizes, extents: Sizes, stride: Sizes, padding: object
) -> tuple[Pair, ...]:
    rank = len(size)
    if padding == "valid":
        return ((0, 0),) * rank
    if padding == "same":
        axes = zip(size, extents, stride, strict=True)
        return tuple(_same_pads(n, extent, step) for n, extent, step in axes)
    sides = (padding,) * rank if isinstance(padding, int | np.integer) else padding
    if not isinstance(sides, tuple | list) or len(sides) != rank:
        raise ValueError(
            f"{function}: padding must be an int, an int or a pair for each axis, 'same' or "
            f"'valid'. Got padding={padding!r}."
        )
    pairs = (per_axis(function, "padding", side, 2) for side in sides)
    return tuple((before, after) for before, after in pairs)


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
