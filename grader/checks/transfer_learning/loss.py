"""loss_and_gradients: a training pass with frozen blocks."""

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .networks import AVERAGES, HEAD, SHAPE, TRAINED, after_call, images, network, of_blocks

_DEEP = (5, 2, 8, 8)  # three blocks leave one place


def _call(rng, frozen, trained, shape=SHAPE, filters=(2, 3)):
    """A call with these blocks frozen. trained: the blocks whose gradients are looked at, beside the head's."""
    params = network(rng, shape, filters)
    take = (*HEAD, *of_blocks(params, TRAINED, trained))
    return Case((params, *images(rng, shape), frozen), take=take)


def _losses(rng, *frozen):
    """The loss alone, of a network of three blocks, for each choice of frozen ones."""
    return [Case((network(rng, _DEEP, (2, 3, 2)), *images(rng, _DEEP), blocks), take=(0,)) for blocks in frozen]


def _nothing_trained(rng):
    return _losses(rng, ("block1", "block2", "block3"))


def _something_trained(rng):
    return _losses(rng, (), ("block1", "block2"), ("block2",))


def _nothing_frozen(rng):
    return [_call(rng, (), ("block1", "block2"))]


def _first_frozen(rng):
    return [
        _call(rng, ("block1",), ("block2",)),
        _call(rng, ("block1", "block2"), (), (4, 1, 4, 8)),
        _call(rng, ("block1", "block2"), ("block3",), _DEEP, (2, 3, 2)),
    ]


def _between(rng):
    return [
        _call(rng, ("block2",), ("block1",)),
        _call(rng, ("block1", "block3"), ("block2",), _DEEP, (2, 3, 2)),
    ]


def _averages(rng):
    """The running averages after the call."""
    cases = []
    for frozen in (("block1",), ("block2",), ("block1", "block2")):
        params = network(rng)
        cases.append(Case((params, *images(rng), frozen), take=after_call(of_blocks(params, AVERAGES))))
    return cases


def _head_alone(rng):
    head = {"head.w": rng.normal(size=(6, 4)), "head.b": rng.normal(size=4)}
    return [Case((head, *images(rng, (7, 6), 4), ()), take=(0, *HEAD))]


_MODE = 'mode = "test" if block in frozen else "train"'
_FORWARD = "out, caches[block] = block_forward(params, block, out, mode)"
_BACK = "dout, found = block_backward(dout, caches[block])"
_BLOCKS = "for block in reversed(names):"
_LOSS = "loss, dscores = softmax_loss(scores, y)"

LOSS_AND_GRADIENTS = Check(
    "loss_and_gradients",
    (
        Property("The loss, with all blocks frozen", 0.5, _nothing_trained, **SINGLE_PRECISION),
        Property("The loss, with some blocks trained", 1, _something_trained, **SINGLE_PRECISION),
        Property("All gradients, with nothing frozen", 1, _nothing_frozen, **SINGLE_PRECISION),
        Property("The gradients with the first blocks frozen", 1, _first_frozen, **SINGLE_PRECISION),
        Property("The gradients with a frozen block above a trained one", 1, _between, **SINGLE_PRECISION),
        Property("Running averages: those of frozen blocks stay, bit by bit; the others move", 1, _averages, "unmoved"),
        Property("No blocks at all: the head alone, on features", 0.5, _head_alone, **SINGLE_PRECISION),
    ),
    (
        Mistake(
            "frozen blocks in training mode",
            'Frozen blocks run in mode "train": they normalise by the batch, and their running averages drift to those '
            "of the new images. No gradient is needed for that, so leaving out gradients does not prevent it.",
            ((_MODE, 'mode = "train"'),),
        ),
        Mistake(
            "frozen blocks normalised by the batch",
            "The running averages of frozen blocks stay, but are not used: the frozen blocks still normalise by the "
            "batch. Then what comes out of them depends on the batch, and is something else in testing.",
            (
                (_MODE, 'mode = "train"'),
                (_FORWARD, _FORWARD.replace("params, block", "dict(params) if block in frozen else params, block")),
            ),
        ),
        Mistake(
            "everything in test mode",
            'All blocks run in mode "test". Those that are trained need mode "train": they normalise by the batch, '
            "and their running averages move.",
            ((_MODE, 'mode = "test"'),),
        ),
        Mistake(
            "test mode as soon as something is frozen",
            'As soon as one block is frozen, all of them run in mode "test". The mode is each block\'s own affair.',
            ((_MODE, 'mode = "test" if frozen else "train"'),),
        ),
        Mistake(
            "modes exchanged",
            'The modes are exchanged: frozen blocks run in mode "train", the others in mode "test".',
            ((_MODE, 'mode = "train" if block in frozen else "test"'),),
        ),
        Mistake(
            "stops at the first frozen block",
            "The way back ends at the first frozen block that it meets. Below it there may be trained ones, whose "
            "gradient comes through the frozen block.",
            ((_BACK, f"if block in frozen:\n            break\n        {_BACK}"),),
        ),
        Mistake(
            "gradients of the head alone",
            "Gradients of the blocks are missing: those that are not frozen have some, too.",
            ((_BLOCKS, "for block in ():"),),
        ),
        Mistake(
            "running averages lost",
            "The running averages of trained blocks stay as they are: the blocks work on a copy of the dictionary. "
            "Then they are the old ones in testing, while all the filters have changed.",
            ((_FORWARD, _FORWARD.replace("params, block", "dict(params), block")),),
        ),
        Mistake(
            "gradients averaged again",
            "The gradients are divided by the number of examples once more: softmax_loss has done that already.",
            ((_LOSS, f"{_LOSS}\n    dscores = dscores / len(X)"),),
        ),
    ),
)
