"""Batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from striate.data._dataset import ArrayDataset, Arrays
from striate.data._permutation import permutation
from striate.init import Stream

Transform = Callable[[npt.NDArray[Any], Stream], npt.NDArray[Any]]


class DataLoader:
    """Goes through a data set in batches, in a new order each time.

    The order, and what a transform draws, are functions of `seed` and `epoch` alone: not of
    NumPy's version, of threads, or of what was iterated before. Setting `epoch` therefore resumes
    exactly where another run was.

    Args:
        dataset: What to go through.
        batch_size: Samples per batch; the last batch may be smaller.
        shuffle: Whether to change the order.
        seed: An int in [0, 2**64).
        drop_last: Whether to leave out a last batch that is smaller.
        transform: Called as `transform(array, rng)` on the first array of each batch, with a
            `striate.init.Stream` of that batch's own; see `striate.data.transforms`.

    Attributes:
        epoch: The number of the next pass, from 0. It rises when a pass is complete; one that was
            abandoned is repeated.

    Raises:
        ValueError: `batch_size` is below 1, or `seed` out of range.

    Examples:
        >>> loader = DataLoader(ArrayDataset(np.arange(5)), batch_size=2, seed=1)
        >>> len(loader)
        3
        >>> sorted(int(x) for (batch,) in loader for x in batch)
        [0, 1, 2, 3, 4]
        >>> loader.epoch
        1
    """

    def __init__(
        self,
        dataset: ArrayDataset,
        batch_size: int,
        *,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        transform: Transform | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"DataLoader: batch_size must be at least 1. Got {batch_size}.")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.transform = transform
        self.epoch = 0
        self._rng = Stream(seed)

    def __len__(self) -> int:
        """The number of batches."""
        count = len(self.dataset)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def __iter__(self) -> Iterator[Arrays]:
        epoch = self.epoch
        order = np.arange(len(self.dataset))
        if self.shuffle:
            order = permutation(len(order), self._rng.fold_in(f"shuffle.{epoch}"))
        for number in range(len(self)):
            first, *others = self.dataset[order[number * self.batch_size :][: self.batch_size]]
            if self.transform is not None:
                rng = self._rng.fold_in(f"transform.{epoch}.{number}")
                first = self.transform(first, rng)
            yield first, *others
        self.epoch = epoch + 1
