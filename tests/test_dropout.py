"""dropout's mask word by word, and what becomes of special values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from striate import ops
from striate.reference._philox import words

Array = npt.NDArray[Any]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [*range(1, 140), 32767, 32768, 32769, 65539])
def test_every_element_has_its_word(isa: str, dtype: type, count: int) -> None:
    # The offset's low half overflows into its high half on the way.
    seed, offset, p = 0x9E3779B97F4A7C15, 2**40 + 2**32 - 7, 0.4
    x: Array = np.arange(1, count + 1, dtype=dtype)
    y = ops.dropout(x, p, seed=seed, offset=offset)
    kept = words(count, seed, offset) >= int(p * 2**32)
    np.testing.assert_array_equal(y, np.where(kept, x * dtype(1 / (1 - p)), dtype(0)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", range(9))
def test_the_threshold_itself_is_kept(isa: str, dtype: type, index: int) -> None:
    # Words both below and above 2^31, where a signed comparison would err.
    word = int(words(9, 11, 0)[index])
    x: Array = np.ones(9, dtype)
    assert ops.dropout(x, word / 2**32, seed=11)[index] > 0
    assert ops.dropout(x, (word + 1) / 2**32, seed=11)[index] == 0
    assert {int(w) >> 31 for w in words(9, 11, 0)} == {0, 1}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_special_values(isa: str, dtype: type) -> None:
    x: Array = np.tile(np.array([np.nan, np.inf, -np.inf, -0.0], dtype), 50)
    y = ops.dropout(x, 0.5, seed=3)
    dropped = words(200, 3, 0) < 2**31
    assert 60 < dropped.sum() < 140
    assert (y[dropped] == 0).all()
    np.testing.assert_array_equal(y[~dropped], x[~dropped])
    assert not np.signbit(y[dropped]).any()


def test_all_and_nothing(isa: str) -> None:
    x = np.array([np.nan, np.inf, 1.0, -2.0, 0.5])
    np.testing.assert_array_equal(ops.dropout(x, 0.0, seed=0), x)
    assert ops.dropout(x, 1.0, seed=0).tolist() == [0] * 5
    # p * 2^32 is rounded down to nothing, and then the factor is 1.
    np.testing.assert_array_equal(ops.dropout(x, 1e-17, seed=0), x)
    almost = 1 - 2.0**-53
    kept = words(5, 0, 0) >= 2**32 - 1
    assert not kept.any()
    assert ops.dropout(x, almost, seed=0).tolist() == [0] * 5


def test_the_mask_depends_on_the_place_alone(isa: str, threads: Callable[[int], None]) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, (3, 117, 401))
    masks = []
    for count in (1, 2, 7):
        threads(count)
        for a in (x, x.astype(np.float32), np.asfortranarray(x), x.astype(">f8")):
            masks.append((ops.dropout(a, 0.7, seed=2**63, offset=5) == 0).tobytes())
    assert len(set(masks)) == 1


def test_calls_in_a_row_use_other_words() -> None:
    x = np.ones(40_000)
    whole = ops.dropout(x, 0.5, seed=1)
    np.testing.assert_array_equal(ops.dropout(x[:800], 0.5, seed=1, offset=50), whole[200:1000])
    assert (ops.dropout(x, 0.5, seed=2) != whole).any()
    assert (ops.dropout(x, 0.5, seed=1 + 2**32) != whole).any()


def test_the_gradient_is_the_same_call(isa: str) -> None:
    rng = np.random.default_rng(1)
    x, dy = rng.standard_normal((2, 1001))
    y = ops.dropout(x, 0.3, seed=9, offset=4)
    dx = ops.dropout(dy, 0.3, seed=9, offset=4)
    # y = m * x with one mask m for both.
    np.testing.assert_allclose(dx * x, dy * y, rtol=1e-15)
