"""`striate train digits`: a small AlexNet-style network learns handwritten digits."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import striate
from striate import data, init, losses, nn, optim
from striate.data import DataLoader
from striate.io._atomic import atomic_writer

from ._callbacks import Epoch, History
from ._curves import draw_curves, new_figure, save_figure
from ._progress import Progress
from ._trainer import Trainer


def network(seed: int, weight_init: init.Initializer | None = None) -> nn.Sequential:
    """Make an AlexNet in small: 8x8 pixels in, ten scores out, 53,002 parameters.

    As in the original, convolutions with ReLU are followed by local response normalisation and
    overlapping max pooling, and dropout guards the linear layers.
    """
    weights = init.kaiming_normal() if weight_init is None else weight_init
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, activation="relu", weight_init=weights),
        nn.LocalResponseNorm(5, alpha=0.1),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(32, 64, 3, padding=1, activation="relu", weight_init=weights),
        nn.LocalResponseNorm(5, alpha=0.1),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(256, 128, activation="relu", weight_init=weights),
        nn.Dropout(0.2),
        nn.Linear(128, 10, weight_init=weights),
        rng=seed,
    )


def deep_network(
    depth: int, seed: int, weight_init: init.Initializer, *, channels: int = 16
) -> nn.Sequential:
    """Make `depth` convolutions with ReLU, 3x3 at the images' full size, and a linear layer.

    Nothing in it corrects a bad start: no normalisation, no shortcuts. It shows what the initial
    weights alone do.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(
            channels if i else 1, channels, 3, padding=1, activation="relu", weight_init=weight_init
        )
        for i in range(depth)
    ]
    head = (nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(channels, 10, weight_init=weight_init))
    return nn.Sequential(*layers, *head, rng=seed)


def run(
    *,
    seed: int,
    epochs: int,
    weight_init: init.Initializer,
    lr: float,
    batch_size: int,
    out: Path,
    device: str = "cpu",
) -> float:
    """Train, and write checkpoint.safetensors, metrics.json and curves.png into the folder `out`.

    Everything random follows from `seed`: the same arguments give the same checkpoint, byte for
    byte, on one instruction set and with any number of threads.

    Returns:
        The accuracy on the held-out fifth, which training never sees.

    Raises:
        ImportError: the extra `train` is not installed.
        RuntimeError: `device` is "cuda", and that cannot be used.
        FloatingPointError: training diverged.
        OSError: a file cannot be written.
    """
    # All that can fail at the end is tried first.
    figure = new_figure()
    training, test = data.digits()
    out.mkdir(parents=True, exist_ok=True)

    loader = DataLoader(
        training, batch_size, seed=seed, transform=data.transforms.RandomShift(1, p=0.5)
    )
    test_loader = DataLoader(test, len(test), shuffle=False)
    net = network(seed, weight_init).to(device)
    steps = epochs * len(loader)
    schedule = optim.warmup(optim.cosine(lr, steps), max(1, steps // 20))
    optimizer = optim.SGD(net.parameters(), lr=schedule, momentum=0.9, weight_decay=5e-4)
    history = History()
    trainer = Trainer(net, losses.cross_entropy, optimizer, [history, Progress()])

    trainer.fit(loader, epochs, validation=test_loader)
    accuracy = trainer.evaluate(test_loader).accuracy

    trainer.save(out / "checkpoint.safetensors")
    options = {
        "seed": seed,
        "epochs": epochs,
        "init": repr(weight_init),
        "lr": lr,
        "batch_size": batch_size,
    }
    _save_metrics(out / "metrics.json", options, history.epochs, accuracy)
    draw_curves(figure, history.epochs, f"digits, seed {seed}: test accuracy {accuracy:.2%}")
    save_figure(out / "curves.png", figure)
    return accuracy


def _save_metrics(
    path: Path, options: dict[str, object], epochs: Sequence[Epoch], accuracy: float
) -> None:
    metrics = {
        "striate": striate.__version__,
        "options": options,
        "test_accuracy": accuracy,
        "epochs": [dataclasses.asdict(epoch) for epoch in epochs],
    }
    with atomic_writer(path) as file:
        file.write(json.dumps(metrics, indent=1).encode() + b"\n")
