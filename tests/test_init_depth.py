"""What the He paper shows: thirty layers learn from one start, and not from the other."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from striate import init, losses, optim
from striate.train.digits import deep_network

STEPS = 150


def patterns(count: int) -> tuple[Any, Any]:
    """Four kinds of 8 x 8 images, with noise: bars either way, a disc, a ring."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:8, :8]
    radius = np.hypot(y - 3.5, x - 3.5)
    kinds = np.stack([y // 2 % 2, x // 2 % 2, radius < 2.5, (radius > 2) & (radius < 3.5)])
    labels = np.arange(count) % 4
    images = kinds[labels] + 0.2 * rng.standard_normal((count, 8, 8))
    images = (images - images.mean()) / images.std()
    return images[:, None].astype(np.float32), labels


def final_loss(weight_init: init.Initializer, seed: int) -> float:
    net = deep_network(30, seed, weight_init)
    opt = optim.SGD(
        net.parameters(), optim.warmup(optim.cosine(0.01, STEPS), 20), momentum=0.9, clip_norm=1.0
    )
    x, labels = patterns(16)
    loss = math.nan
    for _ in range(STEPS):
        y, pullback = net.vjp(x)
        loss, dy = losses.cross_entropy(y, labels)
        opt.zero_grad()
        pullback(dy, input_grad=False)
        opt.step()
    return loss


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_thirty_layers_train_with_kaiming_and_not_with_xavier(seed: int) -> None:
    assert final_loss(init.kaiming_normal(), seed) < 1.0
    # Ten outputs, of which four occur: the bias of the last layer alone learns as much.
    assert final_loss(init.xavier_normal(), seed) > math.log(4) - 0.01
