from __future__ import annotations

import numpy as np
import pytest

from striate import reference
from striate.reference._philox import philox4x32, words


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # The known answers of Random123 1.14, tests/kat_vectors.
        ([0] * 4, (0, 0), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        (
            [0xFFFFFFFF] * 4,
            (0xFFFFFFFF, 0xFFFFFFFF),
            [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
        ),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            (0xA4093822, 0x299F31D0),
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_known_answers(counter, key, expected):
    assert philox4x32(np.array(counter, np.uint32), key).tolist() == expected


def test_words_split_seed_and_offset_into_halves():
    seed, offset = 0x123456789ABCDEF0, 2**61 + 0xFFFFFFFF
    got = words(7, seed, offset)
    key = (0x9ABCDEF0, 0x12345678)
    first = philox4x32(np.array([0xFFFFFFFF, 0x20000000, 0, 0], np.uint32), key)
    second = philox4x32(np.array([0, 0x20000001, 0, 0], np.uint32), key)
    assert got.tolist() == [*first, *second[:3]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_keeps_or_scales(dtype):
    x = np.arange(1, 11, dtype=dtype).reshape(2, 5)
    y = reference.dropout(x, 0.25, seed=7)
    kept = (words(10, 7, 0) >= 2**30).reshape(2, 5)
    assert 0 < kept.sum() < 10
    np.testing.assert_array_equal(y, np.where(kept, x * dtype(1 / 0.75), 0))
    assert y.dtype == dtype


def test_the_threshold_itself_is_kept():
    word = int(words(3, 11, 0)[2])
    assert reference.dropout(np.ones(3), word / 2**32, seed=11)[2] > 0
    assert reference.dropout(np.ones(3), (word + 1) / 2**32, seed=11)[2] == 0


def test_dropout_rate_seed_and_offset():
    ones = np.ones(100_000)
    y = reference.dropout(ones, 0.3, seed=1)
    # Five standard deviations of a mean of 100000 draws.
    assert abs((y == 0).mean() - 0.3) < 5 * (0.3 * 0.7 / 1e5) ** 0.5
    assert (y == 0).sum() != (reference.dropout(ones, 0.3, seed=2) == 0).sum()
    shifted = reference.dropout(ones, 0.3, seed=1, offset=5)
    np.testing.assert_array_equal(shifted[:-20], y[20:])


def test_dropout_of_all_and_of_none():
    x = np.array([np.nan, np.inf, 1.0])
    np.testing.assert_array_equal(reference.dropout(x, 0.0, seed=0), x)
    assert reference.dropout(x, 1.0, seed=0).tolist() == [0, 0, 0]
    assert reference.dropout(np.zeros((0, 3)), 0.5, seed=0).shape == (0, 3)


@pytest.mark.parametrize(
    "wrong", [{"p": -0.1}, {"p": 1.1}, {"p": np.nan}, {"seed": -1}, {"seed": 2**64}, {"offset": -1}]
)
def test_dropout_refuses(wrong):
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=f"dropout: {name} must be in"):
        reference.dropout(np.ones(3), **({"p": 0.5, "seed": 0} | wrong))
