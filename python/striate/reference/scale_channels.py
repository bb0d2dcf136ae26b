"""Channels times a number each."""

from __future__ import annotations

from striate._typing import FloatArray


def scale_channels(x: FloatArray, scale: FloatArray) -> FloatArray:
    """x * scale, with a scale for each channel of each sample."""
    return x * _spread(scale, x)


def scale_channels_grad(
    dy: FloatArray, x: FloatArray, scale: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """dy * scale, and the sums of dy * x over the channels."""
    return dy * _spread(scale, x), (dy * x).sum(tuple(range(2, x.ndim)))


def _spread(scale: FloatArray, x: FloatArray) -> FloatArray:
    if scale.shape != x.shape[:2]:
        raise ValueError(
            f"scale_channels: scale must be (N, C). Got scale {scale.shape}, x {x.shape}."
        )
    return scale.reshape(*scale.shape, *[1] * (x.ndim - 2))
