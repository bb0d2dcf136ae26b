"""The draws behind striate.init: defined to the bit, whatever the instruction set and threads."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from striate import _core
from striate.reference._philox import philox4x32

Array = npt.NDArray[Any]
PINNED = [1.2279076057444953, 0.21656405195766407, 0.4454377144888912]
PINNED_HASH = "a32a6aa68220fdcd"
DIGESTS: dict[str, str] = {}  # of the instruction sets that ran before
SEED, OFFSET = 0xC0FFEE123456789, 2**33 - 50  # the counter's low half overflows on the way


def units(count: int, seed: int = SEED, offset: int = OFFSET) -> Array:
    """The numbers in (0, 1) that the draws are made from, by their definition."""
    counters = [offset + i for i in range((count + 1) // 2)]
    low_high = np.array([[c & 0xFFFFFFFF, c >> 32, 0, 0] for c in counters], np.uint32)
    w = philox4x32(low_high.reshape(-1, 4), (seed & 0xFFFFFFFF, seed >> 32))
    pairs = w.astype(np.uint64).reshape(-1, 2)[:count]
    bits = (pairs[:, 0] << np.uint64(32)) | pairs[:, 1]
    return ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8191, 8192, 8193, 16389])
def test_uniform_is_what_it_says(count: int) -> None:
    want = -0.5 + 2.0 * units(count)
    got = _core.random_uniform((count,), SEED, OFFSET, -0.5, 1.5, "float64")
    np.testing.assert_array_equal(got, want)
    single = _core.random_uniform((count,), SEED, OFFSET, -0.5, 1.5, "float32")
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, want.astype(np.float32))


def test_normal_is_the_inverse_of_the_distribution() -> None:
    u = units(20_001)
    # The standard library has the same algorithm; its logarithm may differ by a rounding.
    want = [statistics.NormalDist(3, 0.5).inv_cdf(v) for v in u]
    got = _core.random_normal((20_001,), SEED, OFFSET, 3.0, 0.5, "float64")
    np.testing.assert_allclose(got, want, rtol=4e-15)
    single = _core.random_normal((20_001,), SEED, OFFSET, 3.0, 0.5, "float32")
    np.testing.assert_array_equal(single, got.astype(np.float32))


@pytest.mark.parametrize(
    ("offset", "element"), [(4962274674, 0), (10371817793, 0), (11496631416, 1), (32658952914, 1)]
)
def test_normal_far_in_the_tail(offset: int, element: int) -> None:
    # Found by a search: draws of probability below 1.4e-11, AS 241's last branch.
    u = units(2, 2012, offset)[element]
    assert min(u, 1 - u) < 1.38e-11
    got = _core.random_normal((2,), 2012, offset, 0.0, 1.0, "float64")[element]
    assert abs(got) > 6.6
    # The library's 1 - u is rounded, so both are only as good as u is near 1.
    want = statistics.NormalDist().inv_cdf(u)
    assert got == pytest.approx(want, rel=1e-14)


def test_bits_stay_what_they_were() -> None:
    # A change here changes everybody's initial weights.
    draws = _core.random_normal((999,), 1, 0, 0.0, 1.0, "float64")
    assert draws[:3].tolist() == PINNED
    assert hashlib.sha256(draws.astype("<f8").tobytes()).hexdigest()[:16] == PINNED_HASH


def test_instruction_set_and_threads_do_not_change_the_bits(
    isa: str, threads: Callable[[int], None]
) -> None:
    for draw in (_core.random_uniform, _core.random_normal):
        results = set()
        for count in (1, 2, 7):
            threads(count)
            results.add(draw((3, 20_011), 5, 7, 0.0, 1.0, "float32").tobytes())
        assert len(results) == 1
        digest = hashlib.sha256(results.pop()).hexdigest()
        assert DIGESTS.setdefault(draw.__name__, digest) == digest


def test_the_shape_does_not_matter() -> None:
    flat = _core.random_normal((60,), 5, 0, 0.0, 1.0, "float32")
    cube = _core.random_normal((3, 4, 5), 5, 0, 0.0, 1.0, "float32")
    np.testing.assert_array_equal(cube, flat.reshape(3, 4, 5))
    later = _core.random_normal((10,), 5, 20, 0.0, 1.0, "float32")
    np.testing.assert_array_equal(later, flat[40:50])


def test_moments() -> None:
    n = 1_000_000
    u = _core.random_uniform((n,), 2, 0, 0.0, 1.0, "float64")
    z = _core.random_normal((n,), 2, 0, 0.0, 1.0, "float64")
    # Five standard deviations of each estimate.
    assert abs(u.mean() - 0.5) < 5 * (1 / 12 / n) ** 0.5
    assert abs(z.mean()) < 5 / n**0.5
    assert abs(z.var() - 1) < 5 * (2 / n) ** 0.5
    assert abs((z**4).mean() - 3) < 5 * (96 / n) ** 0.5
    assert abs(np.corrcoef(z[::2], z[1::2])[0, 1]) < 5 / (n / 2) ** 0.5


def test_the_ends_are_not_drawn() -> None:
    high = np.nextafter(np.float32(1), np.float32(2), dtype=np.float32)
    above = np.nextafter(high, np.float32(2), dtype=np.float32)
    # Only one number lies between them, though half of all draws are nearer to an end.
    u = _core.random_uniform((1000,), 0, 0, 1.0, float(above), "float32")
    assert set(u.tolist()) == {float(high)}
    assert _core.random_uniform((3,), 0, 0, 2.5, 2.5, "float32").tolist() == [2.5] * 3
    assert _core.random_normal((3,), 0, 0, 2.5, 0.0, "float32").tolist() == [2.5] * 3


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (1.0, 0.0, "low must not be above high"),
        (0.0, np.nan, "high must be finite"),
        (-np.inf, 0.0, "low must be finite"),
        (0.0, 1e39, "high must be finite in float32"),
        (-3e38, 3e38, "high - low must be finite in float32"),
    ],
)
def test_wrong_limits(low: float, high: float, message: str) -> None:
    with pytest.raises(ValueError, match=f"^random_uniform: {message}"):
        _core.random_uniform((3,), 0, 0, low, high, "float32")


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match=r"^random_normal: std must be at least 0. Got std=-1"):
        _core.random_normal((3,), 0, 0, 0.0, -1.0, "float32")
    with pytest.raises(ValueError, match=r"^random_normal: dtype must be"):
        _core.random_normal((3,), 0, 0, 0.0, 1.0, "float16")
    with pytest.raises(ValueError, match=r"^random_normal: seed must be in"):
        _core.random_normal((3,), 2**64, 0, 0.0, 1.0, "float32")
    with pytest.raises(ValueError, match=r"^random_normal: shape must have no negative axis"):
        _core.random_normal((-3,), 0, 0, 0.0, 1.0, "float32")
