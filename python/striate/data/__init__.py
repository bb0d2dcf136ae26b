"""Data sets, and the batches that training takes from them.

Examples:
    >>> import numpy as np
    >>> from striate import data
    >>> dataset = data.ArrayDataset(np.zeros((5, 1, 8, 8), np.float32), np.arange(5))
    >>> [len(labels) for images, labels in data.DataLoader(dataset, batch_size=2)]
    [2, 2, 1]
"""

from __future__ import annotations

from striate.data import transforms
from striate.data._dataset import ArrayDataset, split
from striate.data._digits import digits
from striate.data._loader import DataLoader

__all__ = ["ArrayDataset", "DataLoader", "digits", "split", "transforms"]
