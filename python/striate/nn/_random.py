"""What layers that draw random numbers in training share."""

from __future__ import annotations

from striate.init import RngLike

from ._module import Module
from ._parameter import Seed


class RandomLayer(Module):
    """A layer whose `vjp` uses the next part of its own random numbers each time.

    How far it has come is in `train_state()`.
    """

    def __init__(self, rng: RngLike | None) -> None:
        self.mask = Seed(rng)
        self._key: int | None = None
        self._offset = 0

    def next_numbers(self, count: int) -> tuple[int, int]:
        """Take `count` numbers; return the seed, and the offset where they start."""
        place = self._seed(), self._offset
        # A counter of the generator serves four elements.
        self._offset += (count + 3) // 4
        return place

    def get_extra_state(self) -> dict[str, int]:
        return {"seed": self._seed(), "offset": self._offset}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self._key, self._offset = state["seed"], state["offset"]

    def reset_extra_state(self) -> None:
        self._key, self._offset = None, 0

    def _seed(self) -> int:
        if self._key is None:
            self._key = self.mask.stream().seed
        return self._key
