"""Where everything of an unrolled network is drawn, in pixels: one column for each step, time running to the right."""

from typing import NamedTuple

CELL = {"rnn": (52, 20), "lstm": (48, 20)}  # width and height of a unit's square
UNDER = 14  # below a square, for its gradient
GATE = 47  # width of a gate's square and the gap after it
COLUMN = {"rnn": 128, "lstm": 268}
LEFT, START = 112, 58  # the rows' names, and the state before the first step
OUTPUT = (44, 18)
BARS = 96


class Box(NamedTuple):
    """A rectangle by its left upper corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self):
        return self.x + self.width / 2

    @property
    def end(self):
        return self.x + self.width

    @property
    def bottom(self):
        return self.y + self.height


class Layout:
    """Places for a cell with H hidden units and V outputs over T steps.

    ``width``, ``height`` of the picture; ``tops``: {row: y} of "loss", "y", "h", "c", "gates", "x", "bars".
    """

    def __init__(self, cell, steps, hidden, outputs):
        self.cell, self.steps, self.hidden = cell, steps, hidden
        stack = hidden * (CELL[cell][1] + UNDER)
        self.tops = {"loss": 10, "y": 72}
        self.tops["h"] = self.tops["y"] + OUTPUT[1] * outputs + 40
        below = self.tops["h"] + stack
        if cell == "lstm":
            self.tops["c"] = below + 26
            self.tops["gates"] = self.tops["c"] + stack + 46
            below = self.tops["gates"] + stack
        self.tops["x"] = below + 38
        self.tops["bars"] = self.tops["x"] + 76
        self.height = self.tops["bars"] + BARS + 22
        self.width = self.middle(steps) + 30

    def middle(self, t):
        """The middle of a step's column, t from 0; -1 is the state before the first step, T the place of the sums."""
        if t < 0:
            return LEFT + START / 2
        return LEFT + START + COLUMN[self.cell] * (min(t, self.steps - 0.12) + 0.5)

    def unit(self, kind, t, unit):
        """The square of a unit: of h, c, or one of the gates i, f, o, g."""
        width, height = CELL[self.cell]
        left = self.middle(t) - width / 2
        top = self.tops["gates" if kind in "ifog" else kind]
        if kind in "ifog":
            width, left = GATE, self.middle(t) + ("ifog".index(kind) - 2) * GATE
        return Box(left, top + unit * (height + UNDER), width - 4 * (kind in "ifog"), height)

    def stack(self, kind, t):
        """All squares of h or c, or of the four gates."""
        top, bottom = self.unit(kind[0], t, 0), self.unit(kind[-1], t, self.hidden - 1)
        return Box(top.x, top.y, bottom.end - top.x, bottom.bottom - top.y)

    def output(self, t, index):
        width, height = OUTPUT
        return Box(self.middle(t) - width / 2, self.tops["y"] + index * height, width, height - 2)

    def loss(self, t):
        return Box(self.middle(t) - 46, self.tops["loss"], 92, 38)

    def input(self, t):
        return Box(self.middle(t) - 22, self.tops["x"], 44, 26)

    def bar(self, t):
        """The place of a step's bar; T is that of the sum."""
        return Box(self.middle(t) - 17, self.tops["bars"], 34, BARS)

    def wires(self, t):
        """The ways into a step, {kind: (points, place of the weight's name, place of the gradient's norm)}.

        Kinds are the weights Wx, Wh, Wy, b, by (biases have a name and no way of their own), "loss", and of an LSTM
        "c" (to the next cell state), "gates" (into it) and "out" (from it to h).
        """
        x, h, before = self.input(t), self.stack("h", t), self.stack("h", t - 1)
        level = h.y + h.height / 2
        ways = {
            "Wy": ([(h.middle, h.y - 4), (h.middle, self.tops["h"] - 36)], (h.middle - 13, h.y - 20), None),
            "by": ([], (h.middle + 15, h.y - 20), None),
            "b": ([], (x.middle + 14, x.y - 17), None),
            "loss": ([(h.middle, self.tops["y"] - 4), (h.middle, self.loss(t).bottom + 3)], None, None),
        }
        named = (x.middle - 13, x.y - 17)
        if self.cell == "rnn":
            between = (before.end + h.x) / 2
            ways["Wh"] = ([(before.end + 3, level), (h.x - 3, level)], (between, level - 14), (between, level + 19))
            ways["Wx"] = ([(x.middle, x.y - 3), (x.middle, h.bottom + UNDER + 2)], named, None)
            return ways
        gates, c, old = self.stack("ifog", t), self.stack("c", t), self.stack("c", t - 1)
        side = before.end + 14 if t == 0 else (gates.x + self.stack("ifog", t - 1).end) / 2 - 10
        into, road = gates.y + gates.height / 2, c.y + c.height / 2
        around = [(before.end + 3, level), (side, level), (side, into), (gates.x - 3, into)]
        ways["Wh"] = (around, (side, gates.y - 34), ((side + gates.x) / 2, into + 16))
        between = (side + c.x) / 2
        ways["c"] = ([(old.end + 3, road), (c.x - 3, road)], None, (between, road + 17))
        ways["gates"] = ([(c.middle, gates.y - 20), (c.middle, c.bottom + UNDER + 2)], None, None)
        ways["out"] = ([(c.middle, c.y - 4), (c.middle, h.bottom + UNDER + 2)], None, None)
        ways["Wx"] = ([(x.middle, x.y - 3), (x.middle, gates.bottom + UNDER + 2)], named, None)
        return ways
