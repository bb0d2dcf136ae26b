"""Parts, state, conversion and copies of modules."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

import numpy as np
import pytest

from striate import _backend, losses, nn, optim


def alexnet_like(rng: int = 0) -> nn.Sequential:
    return nn.Sequential(
        {
            "features": nn.Sequential(
                nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, bias=False)
            ),
            "flatten": nn.Flatten(),
            "classifier": nn.Sequential(nn.Dropout(), nn.Linear(6, 3)),
        },
        rng=rng,
    )


NAMES = [
    "features.0.weight",
    "features.0.bias",
    "features.3.weight",
    "classifier.1.weight",
    "classifier.1.bias",
]
X = np.random.default_rng(0).standard_normal((4, 1, 8, 8)).astype(np.float32)


def values(net: nn.Module) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in net.state_dict().items()}


# -- parts


def test_names_are_torchvision_s() -> None:
    net = alexnet_like()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert list(net.state_dict()) == NAMES
    assert [p.shape for p in net.parameters()] == [(4, 1, 3, 3), (4,), (6, 4, 3, 3), (3, 6), (3,)]


def test_decay_is_for_weights() -> None:
    assert {name for name, p in alexnet_like().named_parameters() if not p.decay} == {
        "features.0.bias",
        "classifier.1.bias",
    }


def test_named_modules() -> None:
    net = nn.Sequential({"a": nn.Sequential(nn.ReLU(), nn.Flatten())})
    assert [(path, type(m).__name__) for path, m in net.named_modules()] == [
        ("", "Sequential"),
        ("a", "Sequential"),
        ("a.0", "ReLU"),
        ("a.1", "Flatten"),
    ]
    layer = nn.ReLU()
    assert [path for path, _ in nn.Sequential(layer, layer).named_modules()] == ["", "0"]


def test_sequential_is_a_sequence() -> None:
    net = alexnet_like()
    assert len(net) == 3
    assert [type(layer).__name__ for layer in net] == ["Sequential", "Flatten", "Sequential"]
    assert net[0] is net["features"] is net.features
    assert net[-1][1] is net.classifier[1]
    assert list(net[1:].state_dict()) == NAMES[3:]
    with pytest.raises(IndexError):
        net[3]
    with pytest.raises(KeyError):
        net["head"]
    features = net.features
    assert features.append(nn.ReLU()) is features
    assert list(dict(features.children())) == ["0", "1", "2", "3", "4"]


def test_replacing_a_layer_keeps_its_place() -> None:
    net = alexnet_like()
    net.features = nn.Sequential(nn.ReLU())
    assert [name for name, _ in net.children()] == ["features", "flatten", "classifier"]
    assert list(net.state_dict()) == NAMES[3:]


@pytest.mark.parametrize("name", ["", "a.b", "forward", "children"])
def test_layer_names(name: str) -> None:
    with pytest.raises(ValueError, match="neither empty, nor dotted, nor taken"):
        nn.Sequential({name: nn.ReLU()})


def test_no_module() -> None:
    with pytest.raises(TypeError, match=r"layers must be modules\. Got function"):
        nn.Sequential(nn.ReLU(), lambda x: x)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"layers must be modules\. Got list"):
        nn.Sequential([nn.ReLU()])  # type: ignore[list-item]


@pytest.mark.parametrize("kind", [list, tuple, lambda layers: dict(enumerate(layers))])
def test_layers_in_a_list_would_be_lost(kind: Any) -> None:
    module = nn.Module()
    with pytest.raises(TypeError, match=r"Module.layers: modules and parameters in a .* Use nn"):
        module.layers = kind([nn.ReLU()])
    module.numbers = kind([1, 2])


def test_a_module_cannot_hold_itself() -> None:
    net = nn.Sequential(nn.ReLU())
    with pytest.raises(ValueError, match="a module cannot hold itself"):
        net[0].parent = net
    net(X)


def test_shared_parameters_appear_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)
            self.second.weight = self.first.weight

    net = Tied()
    assert [name for name, _ in net.named_parameters()] == [
        "first.weight",
        "first.bias",
        "second.bias",
    ]
    assert "second.weight" in dict(net.named_parameters(remove_duplicate=False))


# -- state


def test_state_dict_is_a_copy() -> None:
    net = alexnet_like()
    state = net.state_dict()
    before = values(net)
    for name in state:
        state[name] += 1
    assert values(net) == before


def test_load_state_dict() -> None:
    net, other = alexnet_like(0), alexnet_like(1)
    parameters = list(other.parameters())
    state = net.state_dict()
    assert other.load_state_dict(state) == ([], [])
    assert values(other) == values(net)
    assert all(p is q for p, q in zip(other.parameters(), parameters, strict=True))
    assert all(p.version == 1 for p in parameters)
    state[NAMES[0]] += 1  # copied, not kept
    assert values(other) == values(net)


def test_strictness() -> None:
    net = alexnet_like()
    before = values(net)
    state = {name: array + 1 for name, array in net.state_dict().items()}
    state["head.weight"] = state.pop(NAMES[2])
    with pytest.raises(
        ValueError,
        match=r"load_state_dict: keys must match. Got missing \['features.3.weight'\], "
        r"unexpected \['head.weight'\]",
    ):
        net.load_state_dict(state)
    assert values(net) == before
    result = net.load_state_dict(state, strict=False)
    assert result == (["features.3.weight"], ["head.weight"])
    changed = {name for name in NAMES if values(net)[name] != before[name]}
    assert changed == set(NAMES) - {NAMES[2]}


def test_num_batches_tracked_is_ignored() -> None:
    net = alexnet_like()
    state = {**net.state_dict(), "features.1.num_batches_tracked": np.array(3)}
    assert net.load_state_dict(state) == ([], [])


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.zeros((3, 7), "f4"), ValueError, r"classifier.1.weight: shape must be \(3, 6\)"),
        (np.zeros((3, 6), "f8"), TypeError, "classifier.1.weight: data must be float32; astype"),
        (np.zeros((3, 6), "i4"), TypeError, "data must be float32 or float64. Got int32"),
    ],
)
def test_nothing_is_loaded_unless_all_fits(
    strict: bool, array: Any, error: type[Exception], message: str
) -> None:
    net = alexnet_like()
    before = values(net)
    state = {name: value + 1 for name, value in net.state_dict().items()}
    state["classifier.1.weight"] = array
    with pytest.raises(error, match=message):
        net.load_state_dict(state, strict=strict)
    assert values(net) == before


def test_loading_takes_any_layout() -> None:
    net = alexnet_like()
    weight = np.arange(18, dtype=">f4").reshape(6, 3).T
    net.load_state_dict({"classifier.1.weight": weight}, strict=False)
    data = net.classifier[1].weight.data
    assert (data == weight).all()
    assert data.flags.c_contiguous
    assert data.flags.writeable
    assert data.dtype.isnative


def test_loading_shared_parameters() -> None:
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    ones = {"weight": np.ones((2, 2), np.float32), "bias": np.ones(2, np.float32)}
    zeros = {name: 0 * array for name, array in ones.items()}
    first = {f"0.{name}": array for name, array in ones.items()}
    second = {f"2.{name}": array for name, array in ones.items()}
    for state in (first, second, {**first, **second}):
        layer.load_state_dict(zeros)
        net.load_state_dict(state)
        assert (layer.weight.data == 1).all()
    assert list(net.state_dict()) == ["0.weight", "0.bias"]
    with pytest.raises(ValueError, match=r"0.weight, 2.weight are one shared parameter"):
        net.load_state_dict({**first, "2.weight": zeros["weight"]}, strict=False)


def test_a_resumed_run_continues_bit_for_bit() -> None:
    labels = np.array([0, 1, 2, 0])

    def make(rng: int) -> tuple[nn.Sequential, optim.SGD]:
        net = alexnet_like(rng)
        schedule = optim.cosine(0.1, steps=10)
        return net, optim.SGD(net.parameters(), schedule, momentum=0.9, weight_decay=1e-3)

    def train(net: nn.Module, opt: optim.SGD, steps: int) -> None:
        for _ in range(steps):
            y, pullback = net.vjp(X)
            _, dy = losses.cross_entropy(y, labels)
            opt.zero_grad()
            pullback(dy, input_grad=False)
            opt.step()

    net, opt = make(0)
    train(net, opt, 3)
    saved = pickle.dumps((net.state_dict(), net.train_state(), opt.state_dict()))
    train(net, opt, 3)

    resumed, other_opt = make(1)
    state, train_state, opt_state = pickle.loads(saved)
    resumed.load_state_dict(state)
    resumed.load_train_state(train_state)
    other_opt.load_state_dict(opt_state)
    train(resumed, other_opt, 3)
    assert values(resumed) == values(net)
    assert resumed.train_state() == net.train_state()


# -- conversion


def test_astype() -> None:
    net = alexnet_like()
    before = net.state_dict()
    parameters = list(net.parameters())
    y, pullback = net.vjp(X)
    pullback(y)
    assert net.astype("float64") is net
    assert all(p is q for p, q in zip(net.parameters(), parameters, strict=True))
    for name, p in net.named_parameters():
        assert p.data.dtype == p.dtype == np.float64
        assert p.grad is not None
        assert p.grad.dtype == np.float64
        assert (p.data == before[name]).all()
    assert net(X.astype("float64")).dtype == np.float64
    versions = [p.version for p in net.parameters()]
    net.astype(np.float64)
    assert [p.version for p in net.parameters()] == versions
    with pytest.raises(TypeError, match=r"astype: dtype must be float32 or float64\. Got float16"):
        net.astype("float16")


def test_to() -> None:
    net = alexnet_like()
    assert net.to("cpu") is net
    with pytest.raises(ValueError, match=r"to: device must be 'cpu', 'cuda' or 'cuda:N'\. Got"):
        net.to("tpu")


@pytest.mark.skipif(_backend.cuda_problem() is None, reason="there is a CUDA device")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_to_cuda_without_a_device_says_what_to_do(device: str) -> None:
    net = alexnet_like()
    with pytest.raises(RuntimeError, match=r"driver|device|STRIATE_CUDA=ON"):
        net.to(device)
    assert {p.device for p in net.parameters()} == {"cpu"}


def test_to_cuda_without_cupy_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_backend._loaded, "cuda", object())
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(RuntimeError, match=r"pip install 'striate\[cuda\]'"):
        alexnet_like().to("cuda")


# -- parameters


def test_parameters_own_their_data() -> None:
    array = np.ones((2, 2))
    p = nn.Parameter(array)
    p.data[...] = 2
    assert (array == 1).all()
    p.data = array
    p.data[...] = 3
    assert (array == 1).all()
    array.flags.writeable = False
    assert nn.Parameter(array.T).data.flags.writeable


def test_setting_data() -> None:
    p = nn.Parameter(np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"Parameter.data: shape must be \(2, 3\). Got \(3, 2\)"):
        p.data = np.ones((3, 2), np.float32)
    with pytest.raises(TypeError, match=r"Parameter.data: data must be float32; .* Got float64"):
        p.data = np.ones((2, 3))
    assert p.version == 0
    with pytest.raises(TypeError, match=r"Parameter: data must be float32 or float64\. Got int64"):
        nn.Parameter(np.ones(3, np.int64))
    with pytest.raises(
        TypeError, match=r"Parameter: dtype must be float32 or float64\. Got float16"
    ):
        nn.Linear(2, 2, dtype="float16")


# -- copies


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies(duplicate: Any) -> None:
    layer = nn.Linear(4, 4)
    net = nn.Sequential(layer, nn.Dropout(0.5), layer, nn.ReLU(), rng=0)
    x = np.ones((2, 4), np.float32)
    y, pullback = net.vjp(x)
    pullback(y)
    twin = duplicate(net)

    assert values(twin) == values(net)
    assert twin.train_state() == net.train_state()
    assert twin[0] is twin[2]  # what was shared is shared
    assert len(list(twin.parameters())) == 2
    assert (twin.vjp(x)[0] == net.vjp(x)[0]).all()
    twin[0].weight.data = twin[0].weight.data + 1
    assert values(twin) != values(net)
    # The copy can be drawn again.
    net.reset_parameters(5)
    twin.reset_parameters(5)
    assert values(twin) == values(net)


# -- information


def test_repr() -> None:
    net = nn.Sequential({"a": nn.Sequential(nn.ReLU(), nn.Dropout(0.1)), "b": nn.Flatten()})
    assert repr(net) == (
        "Sequential(\n"
        "  (a): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Dropout(p=0.1)\n"
        "  )\n"
        "  (b): Flatten(start_dim=1, end_dim=-1)\n"
        ")"
    )


def test_fans() -> None:
    assert nn.Conv2d(6, 8, (3, 5), groups=2).fans() == (3 * 15, 4 * 15)
    assert nn.Linear(7, 9).fans() == (7, 9)
    with pytest.raises(TypeError, match="Sequential has no fans"):
        nn.Sequential().fans()


def test_summary() -> None:
    summary = alexnet_like().summary((2, 1, 8, 8))
    assert [(row.path, row.layer, row.output_shape, row.parameters) for row in summary.rows] == [
        ("features.0", "Conv2d", (2, 4, 6, 6), 40),
        ("features.1", "ReLU", (2, 4, 6, 6), 0),
        ("features.2", "MaxPool2d", (2, 4, 3, 3), 0),
        ("features.3", "Conv2d", (2, 6, 1, 1), 216),
        ("flatten", "Flatten", (2, 6), 0),
        ("classifier.0", "Dropout", (2, 6), 0),
        ("classifier.1", "Linear", (2, 3), 21),
    ]
    assert summary.parameters == 277
    lines = str(summary).splitlines()
    assert len(lines) == 9
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].split() == ["total", "277", "6,120", "0.00", "MiB"]


def test_summary_counts_flops_and_memory() -> None:
    summary = alexnet_like().summary((2, 1, 8, 8))
    flops = {row.path: row.flops for row in summary.rows if row.flops}
    assert flops == {
        "features.0": 2 * 9 * 2 * 4 * 36,
        "features.3": 2 * 36 * 2 * 6,
        "classifier.1": 2 * 6 * 2 * 3,
    }
    # Flatten and dropout return what they are given.
    outputs = [288, 288, 72, 12, 0, 0, 6]
    itemsize = summary.rows[0].activation_bytes // 288
    assert [row.activation_bytes for row in summary.rows] == [itemsize * n for n in outputs]
    assert summary.activation_bytes == itemsize * sum(outputs)
    assert summary.flops == sum(flops.values())


def test_summary_of_branches_and_graphs() -> None:
    graph = nn.Graph(
        ["a", "b"],
        {
            "left": (nn.Residual(nn.Linear(4, 4)), "a"),
            "sum": (nn.Add(), "left", "b"),
        },
        ["sum", "left"],
    )
    summary = graph.summary((2, 4), (2, 4))
    assert [(row.path, row.flops, row.activation_bytes) for row in summary.rows] == [
        ("left.body", 2 * 4 * 8, 32),
        ("left", 0, 32),
        ("sum", 0, 32),
    ]
    assert summary.parameters == 20


def test_summary_counts_shared_parameters_once() -> None:
    layer = nn.Linear(3, 3, dtype="float64")
    summary = nn.Sequential(layer, layer).summary((1, 3))
    assert [row.parameters for row in summary.rows] == [12, 0]
    assert summary.parameters == 12
