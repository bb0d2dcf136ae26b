"""Draws the figures of docs/optimizers.md: python examples/optimizers.py [NAME...]"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from _digits import COLORS, SEEDS, curves, new_figure, save, tidy, train

from striate import nn, optim, prune
from striate.train import digits

EPOCHS = 15


def compare(
    makers: dict[str, Callable[[nn.Module, int], optim.Optimizer]], name: str, title: str
) -> None:
    results = {
        label: [train(digits.network(seed), make, seed=seed, epochs=EPOCHS) for seed in SEEDS]
        for label, make in makers.items()
    }
    figure = new_figure(10, 3.9)
    loss, error = figure.subplots(1, 2)
    curves(loss, [(label, [run[0] for run in runs]) for label, runs in results.items()])
    curves(error, [(label, [run[1] for run in runs]) for label, runs in results.items()])
    loss.set(title="training loss (with dropout)", ylabel="cross-entropy", yscale="log")
    error.set(title="test error", ylabel="%", yscale="log")
    error.yaxis.set_major_formatter("{x:g}")
    loss.legend(fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=10)
    save(figure, name)


def optimizers() -> None:
    """Seven optimizers, each at a rate that suits it."""
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "SGD, 0.1": (optim.SGD, {"lr": 0.1}),
        "momentum, 0.02": (optim.SGD, {"lr": 0.02, "momentum": 0.9}),
        "Nesterov, 0.02": (optim.SGD, {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
        "Adagrad, 0.01": (optim.Adagrad, {"lr": 0.01}),
        "RMSprop, 0.001": (optim.RMSprop, {"lr": 0.001}),
        "Adam, 0.001": (optim.Adam, {"lr": 0.001}),
        "AdamW, 0.001": (optim.AdamW, {"lr": 0.001, "weight_decay": 0.05}),
    }

    def maker(kind: Any, options: dict[str, Any]) -> Callable[[nn.Module, int], optim.Optimizer]:
        return lambda net, _: kind(net.parameters(), **options)

    makers = {label: maker(*choice) for label, choice in kinds.items()}
    compare(makers, "digits_optimizers.png", "constant rates, as in the legend")


def rates() -> None:
    """Five schedules of momentum SGD."""
    shapes: dict[str, Callable[[int], Any]] = {
        "constant": lambda steps: optim.constant(0.02),
        "step, / 10 at 60 %": lambda steps: optim.multistep(0.05, (steps * 6 // 10,)),
        "cosine": lambda steps: optim.cosine(0.05, steps),
        "warm-up and cosine": lambda steps: optim.warmup(
            optim.cosine(0.05, steps * 9 // 10), steps // 10
        ),
        "one cycle": lambda steps: optim.one_cycle(0.1, steps),
    }

    def maker(shape: Callable[[int], Any]) -> Callable[[nn.Module, int], optim.Optimizer]:
        return lambda net, steps: optim.SGD(net.parameters(), shape(steps), momentum=0.9)

    makers = {label: maker(shape) for label, shape in shapes.items()}
    compare(makers, "digits_schedules.png", "SGD with momentum 0.9")


def schedules() -> None:
    """Every schedule over 100 steps."""
    plateau = optim.ReduceOnPlateau(1.0, factor=0.5, patience=5)
    metric = np.maximum(np.exp(-np.arange(100) / 12), 0.1)
    told = []
    for value in metric:
        told.append(plateau(0))
        plateau.update(value)
    every: list[tuple[str, Any]] = [
        ("constant(1)", optim.constant(1.0)),
        ("step(1, 25, 0.5)", optim.step(1.0, 25, 0.5)),
        ("multistep(1, (30, 80))", optim.multistep(1.0, (30, 80))),
        ("exponential(1, 0.96)", optim.exponential(1.0, 0.96)),
        ("inverse_time(1, 0.1)", optim.inverse_time(1.0, 0.1)),
        ("polynomial(1, 100, power=2)", optim.polynomial(1.0, 100, 2.0)),
        ("cosine(1, 100)", optim.cosine(1.0, 100)),
        ("cosine_restarts(1, 14, mult=2)", optim.cosine_restarts(1.0, 14, 2)),
        ("one_cycle(1, 100)", optim.one_cycle(1.0, 100)),
        ("warmup(cosine(1, 80), 20)", optim.warmup(optim.cosine(1.0, 80), 20)),
        ("ReduceOnPlateau(1, 0.5, 5)", told.__getitem__),
    ]
    figure = new_figure(10, 6.4)
    grid = figure.subplots(3, 4, sharex=True, sharey=True).flat
    for axes, (name, schedule) in zip(grid, every, strict=False):
        axes.plot([schedule(step) for step in range(100)], color=COLORS[0], drawstyle="steps-post")
        axes.set_title(name, fontsize=9)
        axes.set_ylim(0, 1.08)
        tidy(axes)
        if name.startswith("Reduce"):
            axes.plot(metric, ":", color="black", lw=1, label="the metric it is told")
            axes.legend(fontsize=7, frameon=False)
    grid[-1].set_visible(False)
    figure.supxlabel("step", fontsize=10)
    figure.supylabel("learning rate", fontsize=10)
    save(figure, "schedules.png")


def pruning() -> None:
    """Test error by sparsity: pruned at once, and gradually while training goes on."""
    from _digits import loaders

    from striate import losses
    from striate.train import Trainer

    levels = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
    once, tuned, gradual = [], [], []
    for seed in SEEDS:
        training, test = loaders(seed, 64)
        steps = 10 * len(training)

        def trainer(
            net: nn.Module, callbacks: Any = (), epochs: int = 10, seed: int = seed
        ) -> Trainer:
            opt = optim.Adam(net.parameters(), lr=1e-3)
            made = Trainer(net, losses.cross_entropy, opt, callbacks)
            made.fit(loaders(seed, 64)[0], epochs)
            return made

        def error(run: Trainer, test: Any = test) -> float:
            return 100 * (1 - run.evaluate(test).accuracy)

        base = digits.network(seed)
        trainer(base)
        rows: list[list[float]] = [[], [], []]
        for level in levels:
            net = digits.network(seed)
            net.load_state_dict(base.state_dict())
            prune.magnitude(net, level, scope="global")
            rows[0].append(error(trainer(net, epochs=0)))
            rows[1].append(error(trainer(net, epochs=5)))
            callback = prune.Gradual(level, begin=0, end=steps // 3, scope="global")
            net = digits.network(seed)
            net.load_state_dict(base.state_dict())
            rows[2].append(error(trainer(net, [callback], epochs=5)))
        for kept, row in zip((once, tuned, gradual), rows, strict=True):
            kept.append(row)
    figure = new_figure(6, 3.8)
    axes = figure.subplots()
    for label, values, color in (
        ("at once", once, COLORS[0]),
        ("at once, 5 epochs more", tuned, COLORS[1]),
        ("gradually in 5 epochs", gradual, COLORS[2]),
    ):
        array, where = np.array(values), np.arange(len(levels))
        axes.plot(where, array.mean(0), "o-", ms=4, color=color, label=label)
        axes.fill_between(where, array.min(0), array.max(0), color=color, alpha=0.15, lw=0)
    axes.set_xticks(np.arange(len(levels)), [f"{level:.0%}" for level in levels])
    axes.set(xlabel="sparsity of the weights, pruned globally", ylabel="test error, %")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend(fontsize=8, frameon=False)
    tidy(axes)
    save(figure, "pruning.png")


FIGURES = {f.__name__: f for f in (schedules, optimizers, rates, pruning)}

if __name__ == "__main__":
    for name in sys.argv[1:] or FIGURES:
        FIGURES[name]()
