"""The training loop, and what may watch it.

Examples:
    >>> from striate import data, losses, nn, optim, train
    >>> digits, _ = data.digits()
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), rng=0)
    >>> history = train.History()
    >>> trainer = train.Trainer(
    ...     net, losses.cross_entropy, optim.SGD(net.parameters(), lr=0.5), callbacks=[history]
    ... )
    >>> trainer.fit(data.DataLoader(digits, batch_size=32), epochs=3)
    >>> [epoch.number for epoch in history.epochs]
    [1, 2, 3]
"""

from __future__ import annotations

from ._callbacks import Callback, Checkpoint, Epoch, History, UpdatePlateau
from ._progress import Progress
from ._state import Evaluation, FitState
from ._trainer import Trainer

__all__ = [
    "Callback",
    "Checkpoint",
    "Epoch",
    "Evaluation",
    "FitState",
    "History",
    "Progress",
    "Trainer",
    "UpdatePlateau",
]
