"""Data sets, splits, batches and transforms."""

from __future__ import annotations

import hashlib
import sys

import numpy as np
import pytest

from striate import data
from striate.init import Stream


def numbers(count, **options):
    """A loader of range(count), and all that one pass over it gives."""
    return data.DataLoader(data.ArrayDataset(np.arange(count)), **options)


def one_pass(loader):
    return [batch.tolist() for (batch,) in loader]


class TestArrayDataset:
    def test_indexing(self):
        x, y = np.arange(12.0).reshape(6, 2), np.arange(6)
        dataset = data.ArrayDataset(x, y)
        assert len(dataset) == 6
        for index in (2, slice(1, 4), np.array([5, 0])):
            got_x, got_y = dataset[index]
            np.testing.assert_array_equal(got_x, x[index])
            np.testing.assert_array_equal(got_y, y[index])

    @pytest.mark.parametrize(
        ("arrays", "error", "message"),
        [
            ([], ValueError, r"same length. Got shapes \[\]"),
            ([np.zeros(3), np.zeros((4, 1))], ValueError, r"Got shapes \[\(3,\), \(4, 1\)\]"),
            ([np.zeros(())], ValueError, r"Got shapes \[\(\)\]"),
            ([[1, 2]], TypeError, "NumPy arrays. Got list"),
        ],
    )
    def test_errors(self, arrays, error, message):
        with pytest.raises(error, match=f"^ArrayDataset: .*{message}"):
            data.ArrayDataset(*arrays)


class TestSplit:
    def test_parts_are_disjoint_and_complete(self):
        rest, held_out = data.split(data.ArrayDataset(np.arange(101)), 0.3)
        (a,), (b,) = rest.arrays, held_out.arrays
        assert (len(a), len(b)) == (71, 30)
        assert sorted([*a, *b]) == list(range(101))
        assert sorted(a) == list(a)

    def test_stratified(self):
        labels = np.repeat([3, 7, 9], [50, 30, 4])
        _, held_out = data.split(data.ArrayDataset(labels), 0.2, stratify=labels)
        assert np.bincount(held_out.arrays[0])[[3, 7, 9]].tolist() == [10, 6, 1]

    def test_the_seed_decides(self):
        dataset = data.ArrayDataset(np.arange(50))
        parts = [data.split(dataset, 0.5, seed=seed)[1].arrays[0].tolist() for seed in (0, 0, 1)]
        assert parts[0] == parts[1] != parts[2]

    @pytest.mark.parametrize(("fraction", "count"), [(0, 0), (1, 5)])
    def test_all_or_nothing(self, fraction, count):
        _, held_out = data.split(data.ArrayDataset(np.arange(5)), fraction)
        assert len(held_out) == count

    def test_errors(self):
        dataset = data.ArrayDataset(np.arange(5))
        with pytest.raises(ValueError, match=r"split: fraction must be in \[0, 1\]. Got 1.5"):
            data.split(dataset, 1.5)
        with pytest.raises(ValueError, match=r"one label per sample, \(5,\). Got \(4,\)"):
            data.split(dataset, 0.5, stratify=np.zeros(4, int))


class TestDigits:
    def test_arrays(self):
        pytest.importorskip("sklearn")
        train, test = data.digits()
        assert (len(train), len(test)) == (1438, 359)
        for images, labels in (train.arrays, test.arrays):
            assert images.shape == (len(labels), 1, 8, 8)
            assert (images.dtype, labels.dtype) == (np.float32, np.int64)
            assert (images.min(), images.max()) == (0, 1)
            shares = np.bincount(labels, minlength=10) / len(labels)
            np.testing.assert_allclose(shares, 0.1, atol=0.005)

    def test_the_held_out_fifth_never_changes(self):
        pytest.importorskip("sklearn")
        _, test = data.digits()
        images, labels = (array.astype("<f4") for array in test.arrays)
        digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
        assert digest.startswith("f6d6f84a74ea1bdd")

    def test_without_scikit_learn(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
        with pytest.raises(ImportError, match=r"digits: .*pip install 'striate\[train\]'"):
            data.digits()


class TestDataLoader:
    def test_every_sample_comes_once(self):
        loader = numbers(10, batch_size=4, seed=5)
        batches = one_pass(loader)
        assert [len(batch) for batch in batches] == [4, 4, 2]
        assert len(loader) == 3
        assert sorted(i for batch in batches for i in batch) == list(range(10))

    def test_drop_last(self):
        loader = numbers(10, batch_size=4, drop_last=True)
        assert [len(batch) for batch in one_pass(loader)] == [4, 4]
        assert len(loader) == 2

    def test_the_order_is_pinned(self):
        loader = numbers(8, batch_size=8, seed=2)
        assert [one_pass(loader)[0] for _ in range(2)] == [
            [5, 4, 0, 1, 2, 3, 7, 6],
            [3, 0, 5, 7, 1, 2, 6, 4],
        ]

    def test_without_shuffling(self):
        loader = numbers(5, batch_size=2, shuffle=False)
        assert one_pass(loader) == one_pass(loader) == [[0, 1], [2, 3], [4]]

    def test_the_seed_and_the_epoch_decide(self):
        first, second, other = (numbers(50, batch_size=50, seed=seed) for seed in (1, 1, 2))
        passes = [one_pass(first) for _ in range(3)]
        assert passes[0] != passes[1] != passes[2]
        assert one_pass(other) != passes[0]
        second.epoch = 2
        assert one_pass(second) == passes[2]
        assert second.epoch == 3

    def test_an_abandoned_pass_is_repeated(self):
        loader = numbers(50, batch_size=10)
        (first,) = next(iter(loader))
        assert loader.epoch == 0
        np.testing.assert_array_equal(next(iter(loader))[0], first)

    def test_batches_are_copies(self):
        dataset = data.ArrayDataset(np.zeros(4))
        for (batch,) in data.DataLoader(dataset, 4, shuffle=False):
            batch[:] = 1
        assert not dataset.arrays[0].any()

    def test_a_transform_draws_anew_for_each_batch_and_epoch(self):
        def draw(array, rng):
            return rng.uniform(array.shape)

        dataset = data.ArrayDataset(np.zeros(6), np.arange(6))
        loader = data.DataLoader(dataset, 3, seed=1, transform=draw)
        draws = [tuple(x) for _ in range(2) for x, _ in loader]
        assert len(set(draws)) == 4
        loader.epoch = 1
        assert [tuple(x) for x, _ in loader] == draws[2:]

    def test_empty(self):
        loader = numbers(0, batch_size=3)
        assert one_pass(loader) == []
        assert len(loader) == 0

    def test_errors(self):
        with pytest.raises(ValueError, match=r"DataLoader: batch_size .* at least 1. Got 0"):
            numbers(3, batch_size=0)
        with pytest.raises(ValueError, match="seed"):
            numbers(3, batch_size=1, seed=-1)


class TestRandomShift:
    IMAGES = np.arange(1, 21, dtype=np.float32).reshape(1, 1, 4, 5)

    def shifted(self, dy, dx, pixels):
        padded = np.pad(self.IMAGES, ((0, 0), (0, 0), (pixels, pixels), (pixels, pixels)))
        return padded[0, 0, pixels + dy :, pixels + dx :][:4, :5].tobytes()

    @pytest.mark.parametrize("pixels", [1, 2])
    def test_all_shifts_are_equally_likely(self, pixels):
        count = 20_000
        images = np.repeat(self.IMAGES, count, axis=0)
        result = data.transforms.RandomShift(pixels)(images, Stream(0))
        assert (result.shape, result.dtype) == (images.shape, images.dtype)
        assert result.flags.c_contiguous
        reach = range(-pixels, pixels + 1)
        counts = {self.shifted(dy, dx, pixels): 0 for dy in reach for dx in reach}
        for image in result:
            counts[image.tobytes()] += 1
        mean = count / len(counts)
        assert all(abs(n - mean) < 5 * mean**0.5 for n in counts.values())

    def test_p_is_the_share_of_images_that_may_move(self):
        images = np.repeat(self.IMAGES, 20_000, axis=0)
        result = data.transforms.RandomShift(1, p=0.45)(images, Stream(0))
        still = (result == images).all(axis=(1, 2, 3)).mean()
        assert abs(still - (1 - 0.45 * 8 / 9)) < 0.02

    @pytest.mark.parametrize("shift", [(0, 1.0), (2, 0.0)])
    def test_nothing_moves(self, shift):
        images = np.repeat(self.IMAGES, 9, axis=0)
        result = data.transforms.RandomShift(*shift)(images, Stream(0))
        np.testing.assert_array_equal(result, images)

    def test_channels_move_together(self):
        images = np.broadcast_to(self.IMAGES, (50, 3, 4, 5))
        result = data.transforms.RandomShift(1)(images, Stream(3))
        assert (result == result[:, :1]).all()

    def test_empty(self):
        images = np.zeros((0, 1, 8, 8), np.float32)
        assert data.transforms.RandomShift(1)(images, Stream(0)).shape == (0, 1, 8, 8)

    def test_errors(self):
        with pytest.raises(ValueError, match=r"pixels must not be negative. Got -1"):
            data.transforms.RandomShift(-1)
        with pytest.raises(ValueError, match=r"p must be in \[0, 1\]. Got 2"):
            data.transforms.RandomShift(1, p=2)
        with pytest.raises(ValueError, match=r"images must be \(N, C, H, W\). Got \(8, 8\)"):
            data.transforms.RandomShift(1)(np.zeros((8, 8)), Stream(0))
