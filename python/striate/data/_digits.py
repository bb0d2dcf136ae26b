"""The handwritten digits that ship inside scikit-learn."""

from __future__ import annotations

import numpy as np

from striate.data._dataset import ArrayDataset, split


def digits() -> tuple[ArrayDataset, ArrayDataset]:
    """Load 1797 handwritten digits of 8x8 pixels, and hold a fifth of them out.

    The held-out fifth has its share of every class and is always the same, whatever the versions
    of NumPy and scikit-learn. Nothing is downloaded.

    Returns:
        A training set of 1438 and a test set of 359 samples. Each holds images, float32
        (N, 1, 8, 8) from 0 (paper) to 1 (ink) in steps of 1/16, and labels, int64 (N,).

    Raises:
        ImportError: scikit-learn is not installed.

    References:
        E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
        Repository, 1998.

    Examples:
        >>> train, test = digits()
        >>> images, labels = train[:2]
        >>> images.shape, images.dtype, labels
        ((2, 1, 8, 8), dtype('float32'), array([0, 1]))
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            "digits: scikit-learn must be installed. Try: pip install 'striate[train]'"
        ) from error
    bunch = load_digits()
    images = np.ascontiguousarray(bunch.images[:, None] / 16, np.float32)
    labels = bunch.target.astype(np.int64)
    return split(ArrayDataset(images, labels), 0.2, stratify=labels)
