"""Where the blocks of a network stand: data flows from left to right, branches lie one above the other.

A block's area is the chosen quantity. Between the blocks stand slabs for the data: as high as the maps, as wide as
there are channels. All networks of a picture share the scales.
"""

from dataclasses import dataclass, field

from cs231n_kit.widgets.architecture_explorer_blocks import HEAD, IN_ORDER, JOIN, LAYER, SUM

TALL = 2.0  # a block's height by its width
HIGHEST = 150.0  # pixels of the largest block
LEAST_HIGHEST = 70.0  # of the largest block, where all others would fit only if it were smaller
SLAB_HEIGHT, SLAB_WIDTH = 76.0, 14.0  # pixels of the largest maps, and of the most channels
WIDEST_VECTOR = 20.0  # pixels; longer vectors are cut
SMALLEST = (3.0, 10.0)  # pixels of a block that would be smaller, or has nothing of the quantity
COLUMN, GAP, PAD = 13.0, 3.0, 4.0  # pixels: the least width of a column on the main line, and spaces
TITLE, LABEL = 16.0, 16.0  # pixels of height of a frame's title, and of a label
LETTER, BOLD = 5.9, 7.0  # pixels of width of a letter of a label, and of a title
FORK = 12.0  # pixels in which branches part or meet
HEADROOM, SIDE = 8.0, 6.0
SLANTED = 64.0  # pixels for the slanted labels below the main line


@dataclass(frozen=True)
class Scales:
    """Pixels of area for one of the quantity, of height for a pixel of a map, and of width for a channel."""

    area: float
    side: float
    channel: float

    def block(self, amount):
        """(width, height) of a block, and whether that is honest: False for one too small to be drawn so."""
        width = (max(amount or 0, 0) * self.area / TALL) ** 0.5
        height = TALL * width
        return (width, height, True) if width >= SMALLEST[0] else (*SMALLEST, False)

    def slab(self, shape):
        """(width, height) of the slab for data of this shape, and whether it was cut."""
        if len(shape) == 3:
            return max(shape[0] * self.channel, 0.8), max(shape[1] * self.side, 1.2), False
        length = shape[-1] * self.channel
        return max(min(length, WIDEST_VECTOR), 0.8), 2.0, length > WIDEST_VECTOR


@dataclass
class Piece:
    """Something drawn around its own left end on the line of the flow: ``up`` above it and ``down`` below."""

    width: float
    up: float
    down: float
    drawn: dict = field(default_factory=lambda: {"blocks": [], "slabs": [], "frames": [], "wires": []})

    def take(self, other, x, y):
        """Put another piece's drawing into this one, moved."""
        for name in ("blocks", "slabs", "frames"):
            for one in other.drawn[name]:
                moved = {key: one[key] + y for key in ("y", "label_y") if key in one}
                self.drawn[name].append({**one, "x": one["x"] + x, **moved})
        self.drawn["wires"] += [[[a + x, b + y] for a, b in wire] for wire in other.drawn["wires"]]

    def wire(self, *points):
        self.drawn["wires"].append([list(point) for point in points])


class Layout:
    """Lays out networks with one quantity and one pair of scales.

    amount: function of a block, its quantity.
    is_open: function of a block, whether the blocks inside are drawn in its place.
    """

    def __init__(self, scales, amount, is_open):
        self.scales, self.amount, self.is_open = scales, amount, is_open

    def network(self, block):
        """A network as plain values: width, height, blocks, slabs, frames and wires."""
        flow = self.row(block.inside, True)
        width, height, cut = self.scales.slab(block.input.shape)
        piece = Piece(width + GAP, height / 2, height / 2)
        piece.drawn["slabs"].append(_slab(0, width, height, block.input.shape, cut))
        whole = _beside([piece, flow])
        low = max(whole.up, SLAB_HEIGHT / 4) + HEADROOM
        moved = Piece(0, 0, 0)
        moved.take(whole, SIDE, low)
        for one in moved.drawn["blocks"]:
            if one["main"]:
                one["label_y"] = low + whole.down + 4
        full = low + whole.down + (SLANTED if any(one["main"] for one in moved.drawn["blocks"]) else LABEL)
        return {"width": whole.width + 2 * SIDE + 24, "height": full, **moved.drawn}

    def row(self, blocks, main):
        return _beside([self.piece(block, main) for block in blocks])

    def piece(self, block, main):
        if block.form == HEAD:
            return self.head(block)
        if not (block.opens and self.is_open(block)):
            return self.column(block, main)
        return self.framed(block, main)

    def framed(self, block, main):
        """An open group: the blocks inside, with a frame around them."""
        inner = {IN_ORDER: self.in_order, SUM: self.sum, JOIN: self.join, HEAD: self.in_order}[block.form](block, main)
        width = max(inner.width + 2 * PAD, BOLD * len(block.label) + 24)
        framed = Piece(width, inner.up + PAD + TITLE, inner.down + PAD)
        beside = (width - inner.width) / 2
        framed.wire((0, 0), (beside, 0))
        framed.wire((width - beside, 0), (width, 0))
        framed.drawn["frames"].append(
            {"id": block.id, "x": 0.5, "y": -framed.up, "width": framed.width - 1, "height": framed.up + framed.down}
        )
        framed.take(inner, beside, 0)
        return framed

    def column(self, block, main):
        """A layer, or a group that is closed, and the slab of what it puts out."""
        width, height, honest = self.scales.block(self.amount(block))
        across, high, cut = self.scales.slab(block.output.shape)
        label = 0 if main else max(LETTER * len(block.label), 10)
        meets = block.form == LAYER and block.leaf.meets
        room = max(width, label, 9 if meets else COLUMN)
        extent = max(height / 2, high / 2, 6)
        piece = Piece(
            room + across + 3 * GAP, extent + (10 if block.form == SUM else 0), extent + (0 if main else LABEL)
        )
        piece.wire((0, 0), (piece.width, 0))
        piece.drawn["blocks"].append(
            {
                "id": block.id,
                "x": GAP + room / 2 - width / 2,
                "y": -height / 2,
                "width": width,
                "height": height,
                "honest": honest,
                "main": main,
                "label_y": extent + LABEL / 2 + 1,
                "form": _form(block),
                "room": room,
            }
        )
        if block.form == SUM:  # an identity seen from outside: the shortcut goes around the block
            top, left, right = -max(height / 2, 6) - 8, 1, room + 2 * GAP - 1
            piece.wire((left, 0), (left, top), (right, top), (right, 0))
        piece.drawn["slabs"].append(_slab(room + 2 * GAP, across, high, block.output.shape, cut))
        return piece

    def head(self, block):
        """An auxiliary classifier, which hangs from the line."""
        hanging = self.framed(block, False) if self.is_open(block) else self.column(block, False)
        lane = hanging.up + 12
        piece = Piece(hanging.width + FORK, 2, lane + hanging.down)
        piece.wire((0, 0), (piece.width, 0))
        piece.wire((4, 0), (4, lane), (FORK, lane))
        piece.take(hanging, FORK, lane)
        return piece

    def in_order(self, block, main):
        return self.row(block.inside, main)

    def sum(self, block, main):
        body, shortcut = block.inside
        flow, tail = self.row(body.inside, main), self.row(block.after, main)
        around = self.row(shortcut.inside, False) if shortcut.inside else Piece(0, 3, 3)
        width = max(flow.width, around.width) + 2 * FORK
        lane = -flow.up - around.down - 5
        joined = Piece(width + tail.width, max(-lane + around.up, tail.up), max(flow.down, tail.down))
        self._lane(joined, flow, 0, width)
        joined.take(around, (width - around.width) / 2, lane)
        left, right = (width - around.width) / 2, (width + around.width) / 2
        joined.wire((4, 0), (4, lane), (left, lane))
        joined.wire((right, lane), (width - 4, lane), (width - 4, 0))
        joined.take(tail, width, 0)
        return joined

    def join(self, block, main):
        lanes = [self.row(branch.inside, False) for branch in block.inside]
        width = max(lane.width for lane in lanes) + 2 * FORK
        tail = self.row(block.after, main)
        height = sum(lane.up + lane.down for lane in lanes) + 4 * (len(lanes) - 1)
        joined = Piece(width + tail.width, max(height / 2, tail.up), max(height / 2, tail.down))
        top = -height / 2
        for lane in lanes:
            self._lane(joined, lane, top + lane.up, width)
            top += lane.up + lane.down + 4
        joined.take(tail, width, 0)
        return joined

    @staticmethod
    def _lane(joined, lane, y, width):
        """A lane between the points where branches part and meet."""
        joined.take(lane, FORK, y)
        joined.wire((0, 0), (FORK, y))
        joined.wire((FORK + lane.width, y), (width - FORK, y), (width, 0))


def _form(block):
    """How a block that stands for what is inside it is drawn: as a stack of several blocks, or as one."""
    many = block.stage or block.form in (JOIN, HEAD) or block.label == "block"
    return "stack" if many else "closed" if block.opens else "layer"


def _slab(x, width, height, shape, cut):
    text = " × ".join(map(str, (*shape[1:], shape[0]) if len(shape) == 3 else shape))
    return {"x": x, "y": -height / 2, "width": width, "height": height, "text": text, "cut": cut}


def _beside(pieces):
    """Pieces from left to right on one line."""
    up, down = max((p.up for p in pieces), default=4), max((p.down for p in pieces), default=4)
    row = Piece(sum(piece.width for piece in pieces), up, down)
    x = 0
    for piece in pieces:
        row.take(piece, x, 0)
        x += piece.width
    return row


def fitting_scales(networks, amount, is_open, width):
    """The largest ``Scales`` with which all networks fit into so many pixels, as far as blocks remain large enough.

    networks: the ``Block`` of each whole network.
    amount, is_open: functions of a block and the place of its network in ``networks``.
    """
    seen = [
        [
            block
            for block, _ in network.drawn(lambda block, i=i: is_open(block, i))
            if not block.opens or not is_open(block, i)
        ]
        for i, network in enumerate(networks)
    ]
    largest = max((amount(block, i) or 0 for i, own in enumerate(seen) for block in own), default=0)
    shapes = [block.output.shape for own in seen for block in own] + [network.input.shape for network in networks]
    images = [shape for shape in shapes if len(shape) == 3]
    side = SLAB_HEIGHT / max((shape[1] for shape in images), default=1)
    channel = min(SLAB_WIDTH / max((shape[0] for shape in images), default=1024), 0.5)
    if not largest:
        return Scales(0.0, side, channel)

    def scales(highest):
        return Scales(highest**2 / TALL / largest, side, channel)

    def fits(highest):
        layouts = (
            Layout(scales(highest), lambda block, i=i: amount(block, i), lambda block, i=i: is_open(block, i))
            for i in range(len(networks))
        )
        return all(one.network(network)["width"] <= width for one, network in zip(layouts, networks, strict=True))

    low, high = LEAST_HIGHEST, HIGHEST
    if not fits(low):
        return scales(low)
    if fits(high):
        return scales(high)
    for _ in range(5):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return scales(low)
