"""Counts against hand formulas, receptive fields against the reach of gradients."""

import html.parser
import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cs231n_kit.networks import (
    LSTM,
    RNN,
    Affine,
    AveragePool,
    BatchNorm,
    Convolution,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    MaxPool,
    Parallel,
    ReLU,
    Residual,
    Sequential,
    TemporalAffine,
    WordEmbedding,
)


def test_rows_by_hand():
    network = Sequential(
        *(Convolution(8, (3, 5), stride=2, pad=1, bias=False), BatchNorm(), ReLU(), MaxPool(2), GroupNorm(4)),
        *(Residual(Convolution(8, 1)), Parallel(Convolution(2, 1), AveragePool(1)), Flatten(), Affine(10)),
    )
    rows = {row.path: row for row in network.summary((3, 16, 20)).rows}
    found = [(path, r.output_shape, r.parameters, r.multiply_adds, r.memory) for path, r in rows.items()]
    assert found == [
        ("0", (8, 8, 9), 8 * 3 * 15, 8 * 8 * 9 * 3 * 15, 8 * 8 * 9 * 4),
        ("1", (8, 8, 9), 16, 0, 8 * 8 * 9 * 4),
        ("2", (8, 8, 9), 0, 0, 8 * 8 * 9 * 4),
        ("3", (8, 4, 4), 0, 0, 8 * 4 * 4 * 4),
        ("4", (8, 4, 4), 16, 0, 8 * 4 * 4 * 4),
        ("5.body.0", (8, 4, 4), 8 * 8 + 8, 8 * 8 * 16, 8 * 4 * 4 * 4),
        ("5", (8, 4, 4), 0, 0, 8 * 4 * 4 * 4),
        ("6.branch0.0", (2, 4, 4), 2 * 8 + 2, 2 * 8 * 16, 2 * 4 * 4 * 4),
        ("6.branch1.0", (8, 4, 4), 0, 0, 8 * 4 * 4 * 4),
        ("6", (10, 4, 4), 0, 0, 10 * 4 * 4 * 4),
        ("7", (160,), 0, 0, 160 * 4),
        ("8", (10,), 160 * 10 + 10, 1600, 40),
    ]
    summary = network.summary((3, 16, 20))
    assert summary.parameters == 360 + 16 + 16 + 72 + 18 + 1610
    assert summary.multiply_adds == 25_920 + 1_024 + 256 + 1_600
    assert summary.memory == 4 * (3 * 576 + 4 * 128 + 32 + 128 + 160 + 160 + 10)
    network.initialize((3, 16, 20), dtype=np.float64)
    assert network.summary().memory == 2 * summary.memory
    assert network.summary().parameters == sum(array.size for array in network.parameters.values())


def test_sequences_by_hand():
    network = Sequential(WordEmbedding(50, 6), RNN(4), LSTM(5), TemporalAffine(50))
    rows = network.summary((7,)).rows
    assert [row.output_shape for row in rows] == [(7, 6), (7, 4), (7, 5), (7, 50)]
    assert [row.parameters for row in rows] == [300, 6 * 4 + 16 + 4, 4 * (4 * 5 + 25 + 5), 250 + 50]
    assert [row.multiply_adds for row in rows] == [0, 7 * (24 + 16), 7 * 4 * (20 + 25), 7 * 250]
    assert all(row.receptive_field is None for row in rows)
    assert "receptive" not in str(network.summary((7,)))


sizes, places = st.integers(1, 4), st.integers(1, 3)


@st.composite
def windows(draw):
    """A layer with a dense gradient: all weights are 1."""
    pair = st.tuples(places, places)
    if draw(st.booleans()):
        height, width = draw(sizes), draw(sizes)
        pad = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
        return AveragePool((height, width), draw(pair), pad)
    size, pad = draw(st.tuples(sizes, sizes)), draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    return Convolution(1, size, draw(pair), pad, draw(pair), initialize=all_ones)


@st.composite
def branches(draw):
    """Branches whose maps have one size: odd windows, padded by half of what they cover, of one stride."""
    stride = draw(places)

    def branch():
        steps = []
        for _ in range(draw(st.integers(1, 2))):
            half, dilation = draw(st.integers(0, 2)), draw(places)
            step = stride if not steps else 1
            steps.append(Convolution(1, 2 * half + 1, step, half * dilation, dilation, initialize=all_ones))
        return steps

    first, second = branch(), branch()
    if draw(st.booleans()):
        return Sequential(Parallel(first, second), Convolution(1, 1, initialize=all_ones))
    return Residual(*first, shortcut=second)


def all_ones(shape, rng, dtype):
    return np.ones(shape, dtype)


@settings(max_examples=40)
@given(st.lists(windows() | branches(), min_size=1, max_size=2))
def test_receptive_fields_are_where_gradients_reach(steps):
    shape = (1, 300, 300)  # more than any of these fields
    network = Sequential(*steps).initialize(shape, dtype=np.float64)
    out = network.forward(np.zeros((1, *shape)))
    dout = np.zeros(out.shape)
    centre = out.shape[2] // 2, out.shape[3] // 2
    dout[0, 0, centre[0], centre[1]] = 1
    seen = np.argwhere(network.backward(dout, input_gradient=True)[0, 0])
    first, last = seen.min(axis=0), seen.max(axis=0)
    assert (first > 0).all() and (last < 299).all(), "the field lies within the image"
    assert network.summary().rows[-1].receptive_field == tuple(last - first + 1)
    field = network._trace(shape)[-1].output.seen
    assert tuple(f + c * j for f, c, j in zip(field.first, centre, field.jump, strict=True)) == tuple(first)


def test_what_joins_all_places_sees_everything():
    for last in (Affine(3), GlobalAveragePool()):
        network = Sequential(Convolution(2, 3), MaxPool(2), last)
        row = network.summary((1, 9, 13)).rows[-1]
        network.initialize((1, 9, 13), dtype=np.float64)
        scores = network.forward(np.random.default_rng(0).normal(size=(200, 1, 9, 13)))
        seen = np.argwhere(np.abs(network.backward(np.ones_like(scores), input_gradient=True)).sum(axis=(0, 1)))
        assert row.receptive_field == tuple(seen.max(axis=0) - seen.min(axis=0) + 1) == (8, 12)


def test_the_table_as_text():
    network = Sequential(Convolution(8, 3, pad=1), ReLU(), Residual(Convolution(8, 9, pad=4)), Flatten(), Affine(10))
    rule = "-" * 98
    assert str(network.summary((3, 8, 8))).split("\n") == [
        "path      layer                     output     parameters  multiply-adds   memory  receptive field",
        rule,
        "          input                     3 × 8 × 8                                                1 × 1",
        "0         Convolution(8, 3, pad=1)  8 × 8 × 8         224         13,824   2.0 kB            3 × 3",
        "1         ReLU()                    8 × 8 × 8                              2.0 kB            3 × 3",
        "2.body.0  Convolution(8, 9, pad=4)  8 × 8 × 8       5,192        331,776   2.0 kB    11 × 11 (all)",
        "2         Residual, sum             8 × 8 × 8                              2.0 kB    11 × 11 (all)",
        "3         Flatten()                 512                                    2.0 kB    11 × 11 (all)",
        "4         Affine(10)                10              5,130          5,120     40 B    18 × 18 (all)",
        rule,
        "          total                                    10,546        350,720  10.3 kB",
        "All for one example; memory is that of each layer's output.",
        "(all): as large as the input or larger, padding counted.",
    ]
    assert repr(network.summary((3, 8, 8))) == str(network.summary((3, 8, 8)))


class Cells(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.rows = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_the_table_as_html():
    def tagged(shape, rng, dtype):
        return np.ones(shape, dtype)

    tagged.__name__ = "<b>"
    summary = Sequential(Convolution(8, 3, initialize=tagged), Affine(10)).summary((3, 8, 8))
    cells = Cells()
    cells.feed(summary._repr_html_())
    assert not cells.open
    assert len({len(row) for row in cells.rows}) == 1
    text = [re.split(r"\s{2,}", line.strip()) for line in str(summary).splitlines()[:-2] if not line.startswith("-")]
    assert [[cell for cell in row if cell] for row in cells.rows] == text
    assert "Convolution(8, 3, initialize=<b>)" in cells.rows[2]
