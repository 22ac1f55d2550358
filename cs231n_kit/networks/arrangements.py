"""How layers are put together: one after another, around a shortcut, side by side; and heads that help in training."""

from dataclasses import replace
from numbers import Real
from textwrap import indent

from cs231n_kit.arrays import array_module
from cs231n_kit.networks.layer import Layer, batch_of
from cs231n_kit.networks.passes import AuxiliaryScores
from cs231n_kit.networks.receptive_field import ReceptiveField
from cs231n_kit.networks.trace import Row, Signal


class Arrangement:
    """Layers and arrangements, put together. Like a layer it holds no arrays; the network does."""


class Chain(Arrangement):
    """One step after another; without steps it passes on its input. ``Sequential`` is a chain with arrays."""

    def __init__(self, *steps):
        for step in steps:
            _check_step(step)
        self.steps = steps

    def trace(self, signal, path, rows):
        for place, step in self._places(path):
            signal = step.trace(signal, place, rows)
        return signal

    def propagate(self, x, path, run):
        for place, step in self._places(path):
            x = step.propagate(x, place, run)
        return x

    def propagate_back(self, dout, path, run, input_gradient):
        places = list(self._places(path))
        first = next((i for i, (place, _) in enumerate(places) if place in run.trained), len(places))
        for i, (place, step) in reversed(list(enumerate(places))):
            dout = step.propagate_back(dout, place, run, input_gradient or first < i)
            if dout is None:
                return None  # nothing before this step needs a gradient
        return dout

    def leaves(self, path):
        for place, step in self._places(path):
            yield from step.leaves(place)

    def _places(self, path):
        return ((f"{path}.{i}" if path else str(i), step) for i, step in enumerate(self.steps))

    def __repr__(self):
        return _written("Sequential", self.steps)


class Residual(Arrangement):
    """body(x) + shortcut(x)   (He et al., "Deep Residual Learning", 2015). A ReLU after the sum is a layer of its own.

    body: the layers in order.
    shortcut: a layer or several; none is the identity. Where the body changes the shape, project:
        ``shortcut=(Convolution(64, 1, stride=2, bias=False), BatchNorm())``.

    Paths inside begin with "body" and "shortcut": "3.body.0.w", "3.shortcut.0.w".
    """

    joins = "sum"

    def __init__(self, *body, shortcut=()):
        if not body:
            raise ValueError("Residual needs layers for its body: Residual(Convolution(64, 3, pad=1), ...)")
        self.body, self.shortcut = Chain(*body), _chain(shortcut)

    def trace(self, signal, path, rows):
        body = self.body.trace(signal, f"{path}.body", rows)
        shortcut = self.shortcut.trace(signal, f"{path}.shortcut", rows)
        if body.shape != shortcut.shape:
            raise ValueError(
                f"Residual {path} cannot add: its body makes {batch_of(body.shape)}, its shortcut "
                f"{batch_of(shortcut.shape)}. Give it a shortcut that makes the same shape, such as "
                "shortcut=(Convolution(filters, 1, stride=...),)"
            )
        return _meet(self, path, signal, [body, shortcut], body.shape, rows)

    def propagate(self, x, path, run):
        out = self.body.propagate(x, f"{path}.body", run) + self.shortcut.propagate(x, f"{path}.shortcut", run)
        run.show(path, out)
        return out

    def propagate_back(self, dout, path, run, input_gradient):
        run.show(path, dout)
        through_body = self.body.propagate_back(dout, f"{path}.body", run, input_gradient)
        through_shortcut = self.shortcut.propagate_back(dout, f"{path}.shortcut", run, input_gradient)
        return through_body + through_shortcut if input_gradient else None

    def leaves(self, path):
        yield from self.body.leaves(f"{path}.body")
        yield from self.shortcut.leaves(f"{path}.shortcut")

    def __repr__(self):
        if not self.shortcut.steps:
            return _written("Residual", self.body.steps)
        return _written("Residual", [*self.body.steps, f"shortcut={self.shortcut.steps!r}"])


class Parallel(Arrangement):
    """Branches side by side on the same input, outputs joined along the channels   (Inception, Szegedy et al. 2014).

    branches: each a layer, or a tuple or list of layers in order; an empty one passes on its input. They must make
        images of the same height and width, or vectors.

    Paths inside begin with the branch: "4.branch0.0.w".
    """

    joins = "channels joined"

    def __init__(self, *branches):
        if not branches:
            raise ValueError("Parallel needs branches: Parallel(Convolution(64, 1), (MaxPool(3, 1, 1), ReLU()))")
        self.branches = tuple(_chain(branch) for branch in branches)

    def trace(self, signal, path, rows):
        outputs = [branch.trace(signal, place, rows) for place, branch in self._places(path)]
        shapes = [output.shape for output in outputs]
        if any(len(shape) not in (1, 3) or shape[1:] != shapes[0][1:] for shape in shapes):
            raise ValueError(
                f"Parallel {path} can join images of one height and width, or vectors, but its branches make "
                + ", ".join(map(batch_of, shapes))
            )
        channels = sum(shape[0] for shape in shapes)
        return _meet(self, path, signal, outputs, (channels, *shapes[0][1:]), rows)

    def propagate(self, x, path, run):
        outputs = [branch.propagate(x, place, run) for place, branch in self._places(path)]
        out = array_module(*outputs).concatenate(outputs, axis=1)
        if run.caches is not None:
            run.caches[path] = [output.shape[1] for output in outputs]
        run.show(path, out)
        return out

    def propagate_back(self, dout, path, run, input_gradient):
        run.show(path, dout)
        dx, start = 0, 0
        for (place, branch), channels in zip(self._places(path), run.caches[path], strict=True):
            part = branch.propagate_back(dout[:, start : start + channels], place, run, input_gradient)
            dx, start = dx + part if input_gradient else None, start + channels
        return dx

    def leaves(self, path):
        for place, branch in self._places(path):
            yield from branch.leaves(place)

    def _places(self, path):
        return [(f"{path}.branch{i}", branch) for i, branch in enumerate(self.branches)]

    def __repr__(self):
        return _written("Parallel", [branch.steps for branch in self.branches])


class Auxiliary(Arrangement):
    """A classifier on the way, for training: its input passes on unchanged   (GoogLeNet, Szegedy et al. 2014).

    head: the layers, in order, that make scores of their own from the input. They work in training passes alone; in
        mode "test" they cost nothing.
    weight: how much the loss of these scores counts beside that of the network's own.

    The network keeps the scores of a training pass, ``network.auxiliary``, and ``backward`` takes their gradients.
    ``Trainer`` sees to both: it adds the losses, times their weights. Paths inside begin with "head": "3.head.0.w".
    """

    joins = "input passed on"

    def __init__(self, *head, weight=0.3):
        if not head:
            raise ValueError("Auxiliary needs layers for its head: Auxiliary(GlobalAveragePool(), Affine(10))")
        if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 <= weight < float("inf"):
            raise ValueError(f"weight must be a finite number and not negative, not {weight!r}")
        self.head, self.weight = Chain(*head), float(weight)

    def trace(self, signal, path, rows):
        inside = []
        self.head.trace(signal, f"{path}.head", inside)
        inside.append(Row(path, self, signal.shape, signal, passed_on=True))
        rows += [replace(row, auxiliary=True) for row in inside]
        return signal

    def propagate(self, x, path, run):
        if run.mode == "train":
            run.auxiliary[path] = AuxiliaryScores(self.head.propagate(x, f"{path}.head", run), self.weight)
        run.show(path, x)
        return x

    def propagate_back(self, dout, path, run, input_gradient):
        run.show(path, dout)
        if path not in run.auxiliary:
            run.idle.update(place for place, _ in self.head.leaves(f"{path}.head"))
            return dout if input_gradient else None
        from_head = self.head.propagate_back(run.auxiliary[path], f"{path}.head", run, input_gradient)
        return dout + from_head if input_gradient else None

    def leaves(self, path):
        yield from self.head.leaves(f"{path}.head")

    def __repr__(self):
        return _written("Auxiliary", [*self.head.steps, *([f"weight={self.weight}"] if self.weight != 0.3 else [])])


def _meet(arrangement, path, signal, branches, shape, rows):
    """The signal where branches join; adds a row for it."""
    seen = signal.seen and ReceptiveField.union([branch.seen for branch in branches])
    output = Signal(shape, seen)
    rows.append(Row(path, arrangement, signal.shape, output))
    return output


def _chain(steps):
    """A chain of one layer, of several, or of the layers of a Sequential."""
    if isinstance(steps, list | tuple):
        return Chain(*steps)
    chain = Chain(steps)
    return Chain(*steps.steps) if isinstance(steps, Chain) else chain


def _check_step(step):
    if isinstance(step, type) and issubclass(step, Layer | Arrangement):
        raise TypeError(f"{step.__name__} is a class, not a layer yet: write {step.__name__}(...)")
    if isinstance(step, list | tuple):
        raise TypeError(f"a layer must not be a {type(step).__name__}: to unpack it, write Sequential(*layers)")
    if not isinstance(step, Layer | Arrangement):
        raise TypeError(f"a layer was expected, such as ReLU() or Affine(10), not {step!r}")
    if getattr(step, "input_shape", None) is not None:
        raise ValueError(
            "a network that was initialised cannot be a layer of another one, which would start from arrays of its "
            "own: build it from a new definition, and copy the parameters that should go along"
        )


def _written(name, steps):
    lines = "".join(f"{step if isinstance(step, str) else repr(step)},\n" for step in steps)
    return f"{name}(\n{indent(lines, '    ')})" if lines else f"{name}()"
