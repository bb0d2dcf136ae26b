"""The summary of every container: shapes, parameters, flops and memory, counted by hand."""

from __future__ import annotations

from striate import nn

FLOAT = 4  # bytes


def test_depthwise_separable_convolution() -> None:
    net = nn.DepthwiseSeparableConv2d(4, 6, 3, stride=2, padding=1)
    summary = net.summary((2, 4, 8, 10))
    depthwise, pointwise = (row for row in summary.rows if row.layer == "Conv2d")
    assert depthwise.output_shape == (2, 4, 4, 5)
    assert depthwise.parameters in (4 * 9, 4 * 9 + 4)  # with a bias or without
    assert depthwise.flops == 2 * 9 * (2 * 4 * 20)
    assert pointwise.output_shape == (2, 6, 4, 5)
    assert pointwise.parameters in (24, 24 + 6)
    assert pointwise.flops == 2 * 4 * (2 * 6 * 20)
    assert depthwise.activation_bytes == FLOAT * 2 * 4 * 20
    assert pointwise.activation_bytes == FLOAT * 2 * 6 * 20
    assert summary.flops == depthwise.flops + pointwise.flops
    assert summary.parameters == sum(p.size for p in net.parameters())


def test_squeeze_and_excitation() -> None:
    net = nn.SqueezeExcite(8, 2)
    summary = net.summary((3, 8, 5, 7))
    by_layer = {row.layer: row for row in summary.rows}
    assert by_layer["SqueezeExcite"].output_shape == (3, 8, 5, 7)
    assert by_layer["SqueezeExcite"].activation_bytes == FLOAT * 3 * 8 * 35
    weights = [row for row in summary.rows if row.parameters]
    assert [row.parameters for row in weights] == [8 * 2 + 2, 2 * 8 + 8]
    assert [row.flops for row in weights] == [2 * 8 * 3 * 2, 2 * 2 * 3 * 8]
    assert summary.parameters == 42
    assert summary.flops == 2 * 96
    assert summary.activation_bytes == sum(row.activation_bytes for row in summary.rows)


def test_residual_with_a_shortcut() -> None:
    body = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.ReLU())
    summary = nn.Residual(body, nn.Conv2d(3, 4, 1)).summary((2, 3, 6, 5))
    assert [
        (row.path, row.output_shape, row.parameters, row.flops, row.activation_bytes)
        for row in summary.rows
    ] == [
        ("shortcut", (2, 4, 6, 5), 16, 2 * 3 * 240, FLOAT * 240),
        ("body.0", (2, 4, 6, 5), 108, 2 * 27 * 240, FLOAT * 240),
        ("body.1", (2, 4, 6, 5), 0, 0, FLOAT * 240),
        ("", (2, 4, 6, 5), 0, 0, FLOAT * 240),
    ]


def test_branches() -> None:
    net = nn.Concat(nn.Linear(3, 2), nn.Sequential(nn.Linear(3, 4), nn.Tanh()))
    summary = net.summary((5, 3))
    assert [row.output_shape for row in summary.rows] == [(5, 2), (5, 4), (5, 4), (5, 6)]
    assert [row.parameters for row in summary.rows] == [8, 16, 0, 0]
    assert [row.flops for row in summary.rows] == [2 * 3 * 10, 2 * 3 * 20, 0, 0]
    assert [row.activation_bytes for row in summary.rows] == [40, 80, 80, 120]
    assert (summary.parameters, summary.flops, summary.activation_bytes) == (24, 180, 320)


def test_graph_of_containers_and_several_outputs() -> None:
    graph = nn.Graph(
        ["x"],
        {
            "stem": (nn.Conv2d(1, 4, 3, padding=1, bias=False), "x"),
            "gate": (nn.SqueezeExcite(4, 2), "stem"),
            "side": (nn.Sequential(nn.GlobalAvgPool2d(), nn.Flatten(), nn.Linear(4, 2)), "stem"),
            "both": (nn.Add(), "stem", "gate"),
        },
        ["both", "side"],
    )
    summary = graph.summary((2, 1, 6, 6))
    rows = {row.path: row for row in summary.rows}
    assert rows["stem"].flops == 2 * 9 * 2 * 4 * 36
    assert rows["side.2"].output_shape == (2, 2)
    assert rows["side.1"].activation_bytes == 0  # a view
    assert rows["both"].activation_bytes == FLOAT * 2 * 4 * 36
    assert summary.parameters == 36 + (4 * 2 + 2 + 2 * 4 + 4) + 10
    assert summary.flops == rows["stem"].flops + 2 * 2 * 8 * 2 + 2 * 4 * 2 * 2
    assert str(summary).splitlines()[-1].startswith("total")
