"""How large the output is, in words; and where a window does not fit, what is wrong and what would work."""

from dataclasses import dataclass

from cs231n_kit.kernels.convolution import output_size

POOLING = ("max", "average")


@dataclass(frozen=True)
class Geometry:
    """The sizes of a window that slides over an input; ``size`` is the side F of the window."""

    height: int
    width: int
    size: int
    pad: int
    stride: int
    dilation: int

    @staticmethod
    def of(state):
        """The geometry of a state of the playground; pooling has no dilation."""
        pooling = state["operation"] in POOLING
        return Geometry(
            len(state["x"][0]),
            len(state["x"][0][0]),
            state["size"],
            state["pad"],
            state["stride"],
            1 if pooling else state["dilation"],
        )

    @property
    def reach(self):
        """The side of the part of the input that a window covers: the gaps of dilation count."""
        return self.dilation * (self.size - 1) + 1

    @property
    def output(self):
        """(H', W'); (0, 0) where the window does not fit."""
        if self.reach > min(self.height, self.width) + 2 * self.pad:
            return 0, 0
        pairs = [(number, number) for number in (self.size, self.stride, self.pad, self.dilation)]
        return output_size((self.height, self.width), *pairs)

    @property
    def left_over(self):
        """Rows and columns, padding included, that remain unseen at the far ends: (0, 0) where the stride divides."""
        return tuple((n + 2 * self.pad - self.reach) % self.stride for n in (self.height, self.width))


def formulas(geometry):
    """The output's size worked out, as one text for each side that differs."""
    sides = [("W", geometry.width)]
    if geometry.height != geometry.width:
        sides.insert(0, ("H", geometry.height))
    return [_formula(geometry, letter, n) for letter, n in sides]


def _formula(geometry, letter, n):
    window = "F" if geometry.dilation == 1 else "F′"
    room = n - geometry.reach + 2 * geometry.pad
    result = f"{room / geometry.stride + 1:.4g}".replace("-", "−")
    text = (
        f"({letter} − {window} + 2P) / S + 1 = ({n} − {geometry.reach} + 2·{geometry.pad}) / {geometry.stride} + 1"
        f" = {result}"
    )
    if geometry.dilation > 1:
        text += f", where F′ = D (F − 1) + 1 = {geometry.dilation}·{geometry.size - 1} + 1 = {geometry.reach}"
    return text


def trouble(geometry, operation, ranges):
    """What does not fit, or None.

    ranges: {name: (least, most)} that the remedies must keep to.

    Returns ``{"kind": "error" or "warning", "text", "remedies"}``; a remedy is ``{"text", "change"}`` with the
    entry of the state to change and its nearest value that works. An error leaves no output at all; a warning
    means that the stride does not divide.
    """
    shortest = min(geometry.height, geometry.width) + 2 * geometry.pad
    if operation in POOLING and geometry.pad >= geometry.size:
        return {
            "kind": "error",
            "text": f"Padding by {geometry.pad} makes windows of {geometry.size} × {geometry.size} that hold nothing "
            f"but padding, and of nothing there is no maximum and no mean.",
            "remedies": _remedies(geometry, operation, ranges, ("pad", "size")),
        }
    if geometry.reach > shortest:
        spread = f" spread by dilation {geometry.dilation}" if geometry.dilation > 1 else ""
        padding = " with its padding" if geometry.pad else ""
        return {
            "kind": "error",
            "text": f"The window does not fit: {geometry.size} × {geometry.size}{spread} covers {geometry.reach} × "
            f"{geometry.reach} pixels, and the input{padding} has only {geometry.height + 2 * geometry.pad} × "
            f"{geometry.width + 2 * geometry.pad}. There is no output.",
            "remedies": _remedies(geometry, operation, ranges, ("size", "dilation", "pad", "side")),
        }
    rows, columns = geometry.left_over
    if not (rows or columns):
        return None
    n = geometry.width if columns else geometry.height
    exact = (n + 2 * geometry.pad - geometry.reach) / geometry.stride + 1
    lost = ((rows, "row"), (columns, "column"))
    unseen = " and ".join(what if count == 1 else f"{count} {what}s" for count, what in lost if count)
    are = "are" if rows + columns > 1 else "is"
    return {
        "kind": "warning",
        "text": f"Stride {geometry.stride} does not divide: {exact:.4g} windows would fit, which is no whole number. "
        f"Libraries, and this picture, round down; the last {unseen} (pale) {are} never seen.",
        "remedies": _remedies(geometry, operation, ranges, ("stride", "pad", "size", "side")),
    }


def _remedies(geometry, operation, ranges, names):
    words = {"size": "F = {}", "pad": "P = {}", "stride": "S = {}", "dilation": "D = {}", "side": "input {0} × {0}"}
    found = []
    for name in names:
        if name == "dilation" and operation in POOLING:
            continue
        value = _nearest(geometry, operation, name, ranges["width" if name == "side" else name])
        if value is not None:
            change = {"height": value, "width": value} if name == "side" else {name: value}
            found.append({"text": words[name].format(value), "change": change})
    return found


def _nearest(geometry, operation, name, ends):
    """The nearest value of one entry, all others kept, for which everything fits; None where there is none."""
    present = geometry.width if name == "side" else getattr(geometry, name)
    for value in sorted(range(ends[0], ends[1] + 1), key=lambda value: (abs(value - present), value)):
        change = {"height": value, "width": value} if name == "side" else {name: value}
        tried = Geometry(**{**vars(geometry), **change})
        if operation in POOLING and tried.pad >= tried.size:
            continue
        if min(tried.output) and tried.left_over == (0, 0):
            return value
    return None


def costs(state, geometry):
    """Parameters and multiply-adds in words."""
    height, width = geometry.output
    channels, size = len(state["x"]), geometry.size
    if state["operation"] in POOLING:
        return f"No parameters; {channels} channels stay {channels}" if channels > 1 else "No parameters"
    filters = len(state["w"])
    products = f"F·F·D₁·K + K = {size}·{size}·{channels}·{filters} + {filters}"
    adds = f"{height * width * filters * channels * size**2:,} multiply-adds"
    return f"Parameters: {products} = {size * size * channels * filters + filters}; {adds}"
