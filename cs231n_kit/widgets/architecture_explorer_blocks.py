"""A network as blocks inside blocks: layers, what belongs together, and what each costs."""

from dataclasses import dataclass, field

from cs231n_kit.networks import (
    ELU,
    Affine,
    Auxiliary,
    AveragePool,
    BatchNorm,
    Convolution,
    Dropout,
    Flatten,
    GlobalAveragePool,
    GroupNorm,
    LayerNorm,
    LeakyReLU,
    Maxout,
    MaxPool,
    Parallel,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
    TemporalAffine,
)
from cs231n_kit.networks.arrangements import Chain
from cs231n_kit.networks.layer import Layer
from cs231n_kit.networks.trace import Signal
from cs231n_kit.widgets.palette import COLORS

OTHER = "sum, join, other"
KINDS = ("convolution", "fully connected", "pooling", "normalisation", "activation", OTHER)
KIND_COLORS = dict(zip(KINDS, COLORS, strict=True))
QUANTITIES = ("parameters", "multiply_adds", "memory", "time")
LAYER, IN_ORDER, SUM, JOIN, HEAD = "layer", "in order", "sum", "join", "head"  # forms of a block

_KIND_OF = (
    (Convolution, "convolution"),
    (Affine | TemporalAffine, "fully connected"),
    (MaxPool | AveragePool | GlobalAveragePool, "pooling"),
    (BatchNorm | GroupNorm | LayerNorm, "normalisation"),
    (ReLU | LeakyReLU | ELU | Sigmoid | Tanh | Maxout, "activation"),
)


@dataclass(frozen=True)
class Leaf:
    """A layer, or the place where branches meet, with what the network's summary says of it; all for one example."""

    path: str
    layer: object
    kind: str
    input: Signal
    output: Signal
    parameters: int
    multiply_adds: int
    memory: int

    @property
    def meets(self):
        """Whether this is no layer, but the place where the branches of an arrangement meet."""
        return not isinstance(self.layer, Layer)


@dataclass
class Block:
    """What is drawn as one block, or as the blocks inside it.

    ``form`` is "layer", "in order" (``inside`` follow each other), "sum" (a Residual: ``inside`` are its body and its
    shortcut), "join" (a Parallel: its branches) or "head" (an Auxiliary: its layers). Behind branches come ``after``:
    the place where they meet, and the layers that work on its numbers one by one, such as a ReLU.
    """

    id: str
    form: str
    label: str
    kind: str
    input: Signal
    output: Signal
    leaf: Leaf | None = None
    inside: list = field(default_factory=list)
    after: list = field(default_factory=list)
    stage: bool = False  # layers that were put together because their maps have one size

    @property
    def parts(self):
        """The blocks inside, in the order of the forward pass."""
        return [*self.inside, *self.after]

    @property
    def opens(self):
        """Whether there are blocks inside."""
        return bool(self.inside)

    @property
    def lanes(self):
        """The blocks inside as they are drawn when this one is open: lists, those of ``after`` the last."""
        lanes = [chain.inside for chain in self.inside] if self.form in (SUM, JOIN) else [self.inside]
        return [*lanes, self.after]

    def leaves(self):
        """The ``Leaf`` of each layer inside."""
        if self.leaf is not None:
            yield self.leaf
        for part in self.parts:
            yield from part.leaves()

    def walk(self):
        """This block and all inside, in the order of the forward pass."""
        yield self
        for part in self.parts:
            yield from part.walk()

    def drawn(self, is_open, parent=None):
        """(block, parent) of each block that is drawn inside this one, groups that ``is_open`` says are open first."""
        for block in (block for lane in self.lanes for block in lane):
            yield block, parent
            if block.opens and is_open(block):
                yield from block.drawn(is_open, block)

    def amount(self, quantity, seconds=None):
        """The sum over all layers inside of one of ``QUANTITIES``; None for time without ``seconds`` by path."""
        if quantity == "time":
            return None if seconds is None else sum(seconds.get(leaf.path, 0.0) for leaf in self.leaves())
        return sum(getattr(leaf, quantity) for leaf in self.leaves())

    def shares(self, quantity, seconds=None):
        """{kind: amount} of the kinds of layers inside, in the order of ``KINDS``."""
        amounts = dict.fromkeys(KINDS, 0)
        for leaf in self.leaves():
            amounts[leaf.kind] += seconds.get(leaf.path, 0.0) if quantity == "time" else getattr(leaf, quantity)
        return {kind: amount for kind, amount in amounts.items() if amount}


def blocks_of(network, input_shape):
    """The ``Block`` of a whole network, for images or vectors of ``input_shape``; no arrays are made.

    Raises ValueError, the network's own, where its layers do not fit together.
    """
    summary = {row.path: row for row in network.summary(input_shape).rows}
    rows = []
    network.trace(Signal.of_input(tuple(input_shape)), "", rows)
    leaves = {}
    for row in rows:
        counted = summary[row.path]
        kind = next((kind for layers, kind in _KIND_OF if isinstance(row.layer, layers)), OTHER)
        counts = counted.parameters, counted.multiply_adds, counted.memory
        leaves[row.path] = Leaf(row.path, row.layer, kind, None, row.output, *counts)
    return _Builder(leaves).chain(network, "", Signal.of_input(tuple(input_shape)), "network", top=True)


class _Builder:
    def __init__(self, leaves):
        self.leaves = leaves

    def block(self, step, path, signal):
        """The block of a layer or an arrangement that gets this signal."""
        if isinstance(step, Chain):
            chain = self.chain(step, path, signal, label="block")
            return chain.inside[0] if len(chain.inside) == 1 else chain
        if isinstance(step, Auxiliary):
            inside = self.chain(step.head, f"{path}.head", signal, "head").inside
            return Block(path, HEAD, "auxiliary", OTHER, signal, signal, inside=inside)
        if not isinstance(step, Residual | Parallel):
            return self.single(path, signal)
        if isinstance(step, Residual):
            form, label, chains = SUM, "residual", [("body", step.body), ("shortcut", step.shortcut)]
        else:
            form, label = JOIN, "branches"
            chains = [(f"branch{i}", branch) for i, branch in enumerate(step.branches)]
        inside = [self.chain(chain, f"{path}.{name}", signal, name) for name, chain in chains]
        meeting = self.single(path, signal, f"{path}.{form}")
        return Block(path, form, label, _kind(inside), signal, meeting.output, inside=inside, after=[meeting])

    def single(self, path, signal, id=None):
        leaf = Leaf(**{**vars(self.leaves[path]), "input": signal})
        return Block(id or path, LAYER, short_name(leaf), leaf.kind, signal, leaf.output, leaf)

    def chain(self, chain, path, signal, label, top=False):
        steps, start = [], signal
        for i, step in enumerate(chain.steps):
            steps.append(self.block(step, f"{path}.{i}" if path else str(i), signal))
            signal = steps[-1].output
        steps = _together([step for step in steps if next(step.leaves(), None) is not None])
        inside = _stages(steps) if top else steps
        return Block(path, IN_ORDER, label, _kind(inside), start, signal, inside=inside)


def _kind(blocks):
    """The kind of a group: convolution where there is one in it."""
    return "convolution" if any(leaf.kind == "convolution" for block in blocks for leaf in block.leaves()) else OTHER


def _together(steps):
    """Puts normalisation, activation and the like into one block with the layer whose numbers they take."""
    groups = []
    for step in steps:
        follows = step.form == LAYER and (
            step.kind in ("normalisation", "activation") or isinstance(step.leaf.layer, Dropout | Flatten)
        )
        if follows and groups and not _is_lone(groups[-1][0]):
            groups[-1].append(step)
        else:
            groups.append([step])
    return [_one(group) for group in groups]


def _is_lone(step):
    """Whether nothing can follow a block: a head, or what itself has nothing to follow, as a pre-activation's BN."""
    return step.form == HEAD or (step.form == LAYER and step.kind in ("normalisation", "activation"))


def _one(group):
    first, last = group[0], group[-1]
    if len(group) == 1:
        return first
    if first.form in (SUM, JOIN):
        first.after, first.output = [*first.after, *group[1:]], last.output
        return first
    return Block(_from_to(group), IN_ORDER, first.label, first.kind, first.input, last.output, inside=group)


def _stages(steps):
    """Puts neighbours with maps of one size into a stage, numbered by the sizes that there are, as papers do."""
    runs, size = [], None
    for step in steps:
        shape = step.output.shape
        own = shape[1:] if len(shape) == 3 and (step.kind == "convolution" or step.form == HEAD) else None
        if own is not None and own == size:
            runs[-1].append(step)
        else:
            runs.append([step])
        size = own
    number, made = 0, []
    for run in runs:
        if run[0].kind != "convolution" or len(run[0].output.shape) != 3:
            made += run
            continue
        number += 1
        arrangements = [step for step in run if step.form in (SUM, JOIN)]
        for i, step in enumerate(arrangements):
            step.label = f"{number}{_letter(i)}"
        if len(run) > 1:
            first, last = run[0], run[-1]
            label = "{1}×{2}".format(*last.output.shape)
            if all(step.form in (JOIN, HEAD) for step in run):
                label = f"inception {number}"
            elif all(step.form in (SUM, HEAD) for step in run):
                label = f"conv{number}_x"
            run = [Block(_from_to(run), IN_ORDER, label, first.kind, first.input, last.output, inside=run, stage=True)]
        made += run
    return made


def _from_to(group):
    return f"{group[0].id.split('-')[0]}-{group[-1].id.split('-')[-1]}"


def _letter(i):
    return chr(ord("a") + i) if i < 26 else str(i + 1)


def short_name(leaf):
    """A layer in few letters, as "3×3, 64 /2" for 64 filters of 3 x 3 with stride 2."""
    layer = leaf.layer
    if leaf.meets:
        return "+" if isinstance(layer, Residual) else "join"
    if isinstance(layer, Convolution):
        return f"{_window(layer.size)}, {layer.filters}{_stride(layer.stride)}"
    if isinstance(layer, MaxPool | AveragePool):
        word = "max" if isinstance(layer, MaxPool) else "mean"
        return f"{word} {_window(layer.size)}{_stride(layer.size if layer.stride is None else layer.stride)}"
    if isinstance(layer, GlobalAveragePool):
        return "mean of all"
    if isinstance(layer, Affine):
        return f"FC {layer.units}"
    if isinstance(layer, BatchNorm):
        return "BN"
    return type(layer).__name__ if isinstance(layer, ReLU) else type(layer).__name__.lower()


def _window(size):
    height, width = size if isinstance(size, tuple) else (size, size)
    return f"{height}×{width}"


def _stride(stride):
    if stride in (1, (1, 1)):
        return ""
    return f" /{stride}" if isinstance(stride, int) else f" /{stride[0]},{stride[1]}"
