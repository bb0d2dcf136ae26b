"""Data sets held in memory."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from striate._typing import IntArray
from striate.data._permutation import permutation
from striate.init import Stream

Arrays: TypeAlias = tuple[npt.NDArray[Any], ...]


class ArrayDataset:
    """Arrays whose first axes belong together: images and labels, say.

    Args:
        *arrays: At least one, all of one length; they are not copied.

    Raises:
        TypeError: an argument is not a NumPy array.
        ValueError: there is none, or one has no axes, or the lengths differ.

    Examples:
        >>> dataset = ArrayDataset(np.zeros((3, 1, 8, 8), np.float32), np.array([7, 8, 9]))
        >>> len(dataset)
        3
        >>> images, labels = dataset[1:]
        >>> images.shape, labels
        ((2, 1, 8, 8), array([8, 9]))
    """

    def __init__(self, *arrays: npt.NDArray[Any]) -> None:
        for array in arrays:
            if not isinstance(array, np.ndarray):
                kind = type(array).__name__
                raise TypeError(f"ArrayDataset: arguments must be NumPy arrays. Got {kind}.")
        shapes = [array.shape for array in arrays]
        if not arrays or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(
                f"ArrayDataset: arrays must have the same length. Got shapes {shapes}."
            )
        self.arrays: Arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int | slice | IntArray) -> Arrays:
        """What is at `index`, of every array."""
        return tuple(array[index] for array in self.arrays)


def split(
    dataset: ArrayDataset, fraction: float, *, stratify: IntArray | None = None, seed: int = 0
) -> tuple[ArrayDataset, ArrayDataset]:
    """Hold out a random part of a data set.

    The parts depend on the lengths, labels and seed alone, and keep the data set's order.

    Args:
        dataset: What to divide; the parts are copies.
        fraction: How much of it to hold out, in [0, 1], rounded to whole samples.
        stratify: Labels, one per sample: the fraction is then held out of each class.
        seed: An int in [0, 2**64).

    Returns:
        What remains, and what is held out.

    Raises:
        ValueError: `fraction` is outside [0, 1], or there is not one label per sample.

    Examples:
        >>> train, test = split(ArrayDataset(np.arange(10)), 0.2)
        >>> len(train), len(test)
        (8, 2)
    """
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"split: fraction must be in [0, 1]. Got {fraction}.")
    count = len(dataset)
    labels = np.zeros(count, np.int64) if stratify is None else stratify
    if labels.shape != (count,):
        raise ValueError(
            f"split: stratify must have one label per sample, ({count},). Got {labels.shape}."
        )
    order = permutation(count, Stream(seed).fold_in("split"))
    held_out = np.zeros(count, bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        held_out[members[: int(fraction * len(members) + 0.5)]] = True
    return ArrayDataset(*dataset[~held_out]), ArrayDataset(*dataset[held_out])
