"""Draws the figures of docs/initialization.md: python examples/initialization.py [NAME...]"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from _digits import COLORS, IMAGES, SEEDS, curves, new_figure, save, tidy, train

from striate import data, init, nn, optim
from striate.train import digits

DEPTH = 30
STARTS = {
    "Kaiming": init.kaiming_normal(),
    "Xavier": init.xavier_normal(),
}


def batch(count: int = 256) -> Any:
    images, _ = data.digits()[0][:count]
    return (images - images.mean()) / images.std()


def distributions() -> None:
    """Histograms of every initializer's draws, with the standard deviation that was asked for."""
    fans, shape = init.Fans(300, 200), (200, 300)
    kinds: list[tuple[Any, float]] = [
        (init.normal(0.05), 0.05),
        (init.uniform(-0.1, 0.1), 0.2 / 12**0.5),
        (init.truncated_normal(0.05), 0.05),
        (init.xavier_normal(), (2 / 500) ** 0.5),
        (init.xavier_uniform(), (2 / 500) ** 0.5),
        (init.kaiming_normal(), (2 / 300) ** 0.5),
        (init.kaiming_uniform(), (2 / 300) ** 0.5),
        (init.lecun_normal(), (1 / 300) ** 0.5),
        (init.lecun_uniform(), (1 / 300) ** 0.5),
        (init.orthogonal(), (1 / 300) ** 0.5),
        (init.sparse(0.5, std=0.05), 0.05 * 0.5**0.5),
        (init.identity(), 1 / 300**0.5),
    ]
    figure = new_figure(10, 6.2)
    for axes, (kind, std) in zip(figure.subplots(3, 4, sharex=True).flat, kinds, strict=True):
        w = kind(shape, fans, 0, "float64").ravel()
        axes.hist(np.clip(w, -0.25, 0.25), np.linspace(-0.25, 0.25, 81), color=COLORS[1])
        axes.set_title(repr(kind).split("(")[0], fontsize=9)
        axes.set_yticks([])
        axes.margins(y=0.35)
        axes.text(
            0.98,
            0.95,
            f"std {w.std():.4f}\nasked {std:.4f}",
            transform=axes.transAxes,
            ha="right",
            va="top",
            fontsize=7,
        )
        tidy(axes)
    figure.suptitle("60,000 draws for a layer of 300 inputs and 200 outputs", fontsize=11)
    figure.supxlabel("weight (what is beyond 0.25 is in the last bin)", fontsize=9)
    save(figure, "initializers.png")


def variance() -> None:
    """Forward and backward magnitudes through 30 convolutions, and what LSUV makes of them."""
    figure = new_figure(10, 3.8)
    forward, backward, lsuv = figure.subplots(1, 3)
    # Noise, wide layers and larger images: at a border a window sees less, and so all shrinks.
    x, layers = init.Stream(0).normal((16, 1, 28, 28)), np.arange(1, DEPTH + 1)

    def net(seed: int, start: init.Initializer) -> nn.Sequential:
        return digits.deep_network(DEPTH, seed, start, channels=48)

    for (name, start), color in zip(STARTS.items(), COLORS, strict=False):
        reports = [init.report(net(seed, start), x) for seed in range(5)]
        for axes, field in ((forward, "std"), (backward, "grad_std")):
            values = np.array([[getattr(r, field) for r in p.layers[:DEPTH]] for p in reports])
            # Each run relative to where the pass starts.
            values /= values[:, :1] if axes is forward else values[:, -1:]
            axes.plot(layers, np.exp(np.log(values).mean(0)), color=color, label=name)
            axes.fill_between(layers, values.min(0), values.max(0), color=color, alpha=0.2, lw=0)
    theory = np.sqrt(0.5) ** (layers - 1)
    forward.plot(layers, theory, ":", color="black", lw=1, label="2 ** (-layers / 2)")
    backward.plot(layers, theory[::-1], ":", color="black", lw=1, label="2 ** (-layers / 2)")
    forward.set(title="forward: outputs", ylabel="std, relative to layer 1")
    backward.set(title="backward: gradients", ylabel="rms, relative to layer 30")

    small = net(0, init.normal(0.05))
    before = [row.std**2 for row in init.report(small, x).layers[:DEPTH]]
    rows = init.lsuv(small, x)
    lsuv.plot(layers, before, color=COLORS[3], label="normal(0.05), outputs")
    lsuv.plot(
        layers,
        [row.before for row in rows[:DEPTH]],
        ".",
        color=COLORS[4],
        label="orthonormal, before scaling",
    )
    lsuv.plot(layers, [row.after for row in rows[:DEPTH]], color=COLORS[2], label="after LSUV")
    lsuv.set(title="LSUV: before the ReLU", ylabel="variance")
    for axes in (forward, backward, lsuv):
        axes.set(xlabel="layer", yscale="log")
        axes.legend(fontsize=7, frameon=False)
        tidy(axes)
    save(figure, "he_variance.png")


def depth() -> None:
    """Thirty layers learn from one start and not from the other."""
    results: dict[str, list[Any]] = {}
    for name in (*STARTS, "LSUV"):
        results[name] = []
        for seed in SEEDS:
            net = digits.deep_network(DEPTH, seed, STARTS.get(name, init.xavier_normal()))
            if name == "LSUV":
                init.lsuv(net, data.digits()[0].arrays[0][:256], rng=seed)
            results[name].append(
                train(
                    net,
                    lambda net, steps: optim.Adam(
                        net.parameters(),
                        optim.warmup(optim.cosine(0.001, steps), steps // 10),
                        clip_norm=1.0,
                    ),
                    seed=seed,
                    epochs=30,
                )
            )
    figure = new_figure(10, 3.6)
    loss, error = figure.subplots(1, 2)
    curves(loss, [(name, [run[0] for run in runs]) for name, runs in results.items()])
    curves(error, [(name, [run[1] for run in runs]) for name, runs in results.items()])
    loss.axhline(np.log(10), color="black", ls=":", lw=1)
    loss.text(30, np.log(10) * 1.02, "guessing", ha="right", va="bottom", fontsize=8)
    loss.set(title="30 convolutions: training loss", ylabel="cross-entropy")
    error.set(title="test error", ylabel="%", ylim=(0, 100))
    loss.legend(fontsize=8, frameon=False)
    save(figure, "he_training.png")


def starts() -> None:
    """Five initialisations of the small AlexNet."""
    results: dict[str, list[Any]] = {}
    kinds = {
        "normal(0.01)": init.normal(0.01),
        "Xavier": init.xavier_normal(),
        "Kaiming": init.kaiming_normal(),
        "orthogonal": init.orthogonal(),
        "LSUV": init.orthogonal(),
    }
    for name, kind in kinds.items():
        results[name] = []
        for seed in SEEDS:
            net = digits.network(seed, kind)
            if name == "LSUV":
                init.lsuv(net, data.digits()[0].arrays[0][:256], rng=seed)
            results[name].append(
                train(
                    net,
                    lambda net, _: optim.SGD(net.parameters(), 0.02, momentum=0.9),
                    seed=seed,
                    epochs=15,
                )
            )
    figure = new_figure(10, 3.6)
    loss, error = figure.subplots(1, 2)
    curves(loss, [(name, [run[0] for run in runs]) for name, runs in results.items()])
    curves(error, [(name, [run[1] for run in runs]) for name, runs in results.items()])
    loss.set(title="training loss (with dropout)", ylabel="cross-entropy", yscale="log")
    error.set(title="test error", ylabel="%", yscale="log")
    error.yaxis.set_major_formatter("{x:g}")
    loss.legend(fontsize=8, frameon=False)
    save(figure, "digits_inits.png")


def report() -> None:
    """init.report of the 30 layers."""
    for name, start in STARTS.items():
        net = digits.deep_network(DEPTH, 0, start)
        labels = data.digits()[0].arrays[1][:256]
        path = IMAGES / f"init_report_{name.lower()}.png"
        init.report(net, batch(), labels).plot(path, f"30 convolutions, {name}")
        print(path)


FIGURES = {f.__name__: f for f in (distributions, variance, depth, starts, report)}

if __name__ == "__main__":
    for name in sys.argv[1:] or FIGURES:
        FIGURES[name]()
