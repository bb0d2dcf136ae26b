"""Random changes to the images of a batch, for `DataLoader(transform=...)`.

A transform is called with the images and a `striate.init.Stream`, and has no state: the same
stream gives the same result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from striate.init import Stream


class RandomShift:
    """Moves images by a few whole pixels; zeros come in at the border.

    Images are (N, C, H, W), of any dtype. Both distances are drawn uniformly from -pixels to
    pixels, for each image.

    Args:
        pixels: The longest distance along each axis.
        p: The probability with which an image is moved at all.

    Raises:
        ValueError: `pixels` is negative, `p` outside [0, 1], or the images have another rank.

    Examples:
        >>> images = np.ones((1, 1, 2, 2))
        >>> RandomShift(1)(images, Stream(0)).shape
        (1, 1, 2, 2)
    """

    def __init__(self, pixels: int, p: float = 1.0) -> None:
        if pixels < 0:
            raise ValueError(f"RandomShift: pixels must not be negative. Got {pixels}.")
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"RandomShift: p must be in [0, 1]. Got {p}.")
        self.pixels = pixels
        self.p = p

    def __call__(self, images: npt.NDArray[Any], rng: Stream) -> npt.NDArray[Any]:
        if images.ndim != 4:
            raise ValueError(f"RandomShift: images must be (N, C, H, W). Got {images.shape}.")
        n, _, height, width = images.shape
        reach = self.pixels
        draws = rng.uniform((3, n), dtype=np.float64)
        corner = np.floor(draws[:2] * (2 * reach + 1)).astype(np.intp)  # `reach` is no shift
        top, left = np.where(draws[2] < self.p, corner, reach)
        around = ((0, 0), (0, 0), (reach, reach), (reach, reach))
        padded = np.pad(images, around)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))
        return np.ascontiguousarray(windows[np.arange(n), :, top, left])
