"""Graphs of named layers."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from nn_samples import check_gradients

from striate import losses, nn

X = np.random.default_rng(0).standard_normal((3, 4))


def linear(features: int = 4, **options: Any) -> nn.Linear:
    return nn.Linear(4, features, dtype="float64", **options)


class Split(nn.Module):
    """x and its double."""

    def forward(self, x: Any) -> Any:
        return x, 2 * x

    def vjp(self, x: Any) -> Any:
        def pullback(da: Any, db: Any) -> Any:
            return (0 * x if da is None else da) + (0 * x if db is None else 2 * db)

        return (x, 2 * x), pullback


def diamond(**options: Any) -> nn.Graph:
    return nn.Graph(
        "x",
        {
            # Given in an order in which they cannot run.
            "sum": (nn.Add("relu"), "left", "right", "x"),
            "left": (linear(activation="relu"), "x"),
            "right": (linear(), "left"),
        },
        "sum",
        rng=3,
        **options,
    )


def test_it_computes_what_is_wired() -> None:
    net = diamond()
    left = net.left(X)
    expected = np.maximum(left + net.right(left) + X, 0)
    np.testing.assert_allclose(net(X), expected, rtol=1e-15)
    np.testing.assert_allclose(net.vjp(X)[0], expected, rtol=1e-15)
    check_gradients(net, X)


def test_it_is_the_residual_that_it_draws() -> None:
    body = nn.Sequential(linear(), nn.ReLU(), linear(), rng=5)
    net = nn.Graph(
        "x",
        {"body": (copy.deepcopy(body), "x"), "sum": (nn.Add(), "body", "x")},
        "sum",
    )
    block = nn.Residual(body)
    y, pullback = net.vjp(X)
    want, want_pullback = block.vjp(X)
    assert (y == want).all()
    np.testing.assert_allclose(pullback(y), want_pullback(want), rtol=1e-14)
    for p, q in zip(net.parameters(), block.parameters(), strict=True):
        assert p.grad is not None
        assert q.grad is not None
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-14)


def test_several_inputs_and_outputs() -> None:
    net = nn.Graph(
        ["a", "b"],
        {
            "product": (nn.Multiply(), "a", "b"),
            "joined": (nn.Concatenate(), "product", "b"),
            "deep": (linear(2), "product"),
            "joint": (nn.Linear(8, 3, dtype="float64"), "joined"),
        },
        ["joint", "deep", "a"],
        rng=0,
    )
    a, b = X, X[::-1].copy()
    joint, deep, same = net(a, b)
    assert joint.shape == (3, 3)
    assert deep.shape == (3, 2)
    assert same is a
    check_gradients(net, a, b)


def test_outputs_without_gradient_take_no_part() -> None:
    net = nn.Graph(
        ["a", "b"],
        {"one": (linear(), "a"), "two": (linear(), "b"), "far": (linear(), "one")},
        ["far", "two"],
        rng=0,
    )
    (far, two), pullback = net.vjp(X, X)
    da, db = pullback(None, np.ones_like(two))
    assert da is None
    assert db.shape == X.shape
    assert net.one.weight.grad is None
    assert net.far.weight.grad is None
    assert net.two.weight.grad is not None
    _, pullback = net.vjp(X, X)
    with pytest.raises(ValueError, match="at least one gradient must not be None"):
        pullback(None, None)
    with pytest.raises(ValueError, match="takes one gradient per output"):
        pullback(far)


def test_deep_supervision_is_a_sum_of_losses() -> None:
    def net() -> nn.Graph:
        return nn.Graph(
            "x",
            {
                "stem": (linear(activation="relu"), "x"),
                "aux": (linear(3), "stem"),
                "head": (linear(3), "stem"),
            },
            ["head", "aux"],
            rng=1,
        )

    labels, both, parts = np.array([0, 2, 1]), net(), net()
    (head, aux), pullback = both.vjp(X)
    _, dhead = losses.cross_entropy(head, labels)
    _, daux = losses.cross_entropy(aux, labels)
    dx = pullback(dhead, 0.3 * daux)
    _, pullback = parts.vjp(X)
    total = pullback(dhead, None)
    _, pullback = parts.vjp(X)
    total = total + pullback(None, 0.3 * daux)
    np.testing.assert_allclose(dx, total, rtol=1e-13, atol=1e-16)
    for p, q in zip(both.parameters(), parts.parameters(), strict=True):
        assert p.grad is not None
        np.testing.assert_allclose(p.grad, q.grad, rtol=1e-13, atol=1e-16)


def test_a_shared_layer_s_gradients_add_up() -> None:
    layer = linear(activation="relu")
    net = nn.Graph("x", {"one": (layer, "x"), "two": (layer, "one")}, "two", rng=0)
    assert list(net.state_dict()) == ["one.weight", "one.bias"]
    assert len(list(net.parameters())) == 2
    check_gradients(net, X)


def test_one_of_several_outputs() -> None:
    net = nn.Graph(
        "x",
        {
            "split": (Split(), "x"),
            "both": (nn.Multiply(), "split"),
            "second": (nn.Add(), "split[1]", "both"),
        },
        ["second", "split[0]"],
    )
    second, first = net(X)
    np.testing.assert_allclose(second, 2 * X + 2 * X * X)
    assert (first == X).all()
    check_gradients(net, X)
    bad = nn.Graph("x", {"split": (Split(), "x")}, "split[2]")
    with pytest.raises(ValueError, match=r"'split' must have the output split\[2\]. Got 2"):
        bad(X)


def test_only_what_is_wanted_is_computed() -> None:
    asked: list[tuple[str, bool]] = []

    class Probe(nn.Module):
        def __init__(self, name: str) -> None:
            self.name = name

        def forward(self, x: Any) -> Any:
            return x

        def vjp(self, x: Any) -> Any:
            def pullback(dy: Any, *, input_grad: bool) -> Any:
                asked.append((self.name, input_grad))
                return dy if input_grad else None

            return x, pullback

    net = nn.Graph(
        "x",
        {
            "before": (Probe("before"), "x"),
            "learns": (linear(), "before"),
            "after": (Probe("after"), "learns"),
            "aside": (Probe("aside"), "x"),
            "sum": (nn.Add(), "after", "aside"),
        },
        "sum",
        rng=0,
    )
    y, pullback = net.vjp(X)
    assert pullback(y, input_grad=False) is None
    assert asked == [("after", True)]
    assert net.learns.weight.grad is not None
    asked.clear()
    y, pullback = net.vjp(X)
    pullback(y)
    assert sorted(asked) == [("after", True), ("aside", True), ("before", True)]


def test_seeds_follow_the_names() -> None:
    a, b = diamond(), diamond()
    assert (a.left.weight.data == b.left.weight.data).all()
    assert (a.left.weight.data != a.right.weight.data).any()


def test_nested_copied_pickled() -> None:
    inner = nn.Graph("x", {"a": (linear(), "x"), "b": (nn.Add(), "a", "x")}, "b")
    net = nn.Sequential(inner, nn.ReLU(), nn.Dropout(0.5), rng=2)
    assert list(net.state_dict()) == ["0.a.weight", "0.a.bias"]
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert (other(X) == net(X)).all()
    assert net.vjp(X, train=False)[0].tobytes() == net(X).tobytes()


def test_a_deep_graph() -> None:
    nodes: dict[str, Any] = {"n0": (nn.ReLU(), "x")}
    nodes |= {f"n{i}": (nn.ReLU(), f"n{i - 1}") for i in range(1, 3000)}
    backwards = dict(reversed(nodes.items()))
    net = nn.Graph("x", backwards, "n2999")
    y, pullback = net.vjp(X)
    assert (y == np.maximum(X, 0)).all()
    assert (pullback(np.ones_like(X)) == (X > 0)).all()


RELU = nn.ReLU()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            ("x", {"a": (RELU, "c"), "b": (RELU, "a"), "c": (nn.Add(), "b", "x")}, "c"),
            ValueError,
            "must not form a cycle. Got a <- c <- b <- a",
        ),
        (("x", {"a": (RELU, "a")}, "a"), ValueError, "cycle. Got a <- a"),
        (("x", {"a": (RELU, "y")}, "a"), ValueError, "node 'a' must take .* Got 'y', .* of a, x"),
        (("x", {"a": (RELU, "x")}, "b"), ValueError, "outputs must be nodes. Got 'b'"),
        (
            ("x", {"a": (RELU, "x"), "b": (RELU, "a"), "c": (RELU, "b")}, "a"),
            ValueError,
            "must lead to an output. Got 'b', 'c', which do not",
        ),
        ((["x", "y"], {"a": (RELU, "x")}, "a"), ValueError, "Got 'y', which does not"),
        (("a", {"a": (RELU, "a")}, "a"), ValueError, "taken once. Got 'a' twice"),
        (("x", {"a.b": (RELU, "x")}, "a.b"), ValueError, "dot or a bracket, .* Got 'a.b'"),
        (("x", {"forward": (RELU, "x")}, "forward"), ValueError, "attribute of Graph"),
        (("x", {"a": (RELU, "x")}, []), ValueError, "at least one output"),
        (("x", {"a": (RELU, "x[b]")}, "a"), ValueError, r"is written 'name\[0\]'. Got 'x\[b\]'"),
        (("x", {"a": RELU}, "a"), TypeError, "node 'a' must be a tuple of a layer"),
        (("x", {"a": (RELU,)}, "a"), TypeError, "node 'a' must be a tuple of a layer"),
        (("x", {"a": (RELU, 1)}, "a"), TypeError, "names must be strings. Got 1"),
    ],
)
def test_it_names_what_is_wrong(
    arguments: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        nn.Graph(*arguments)


def test_the_number_of_inputs() -> None:
    with pytest.raises(ValueError, match=r"takes the inputs x\. Got 2 inputs"):
        diamond()(X, X)
