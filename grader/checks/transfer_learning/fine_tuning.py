"""fine_tune: the third way of transfer, in stages."""

from cs231n_kit.checking.answer_key import Case
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .networks import AVERAGES, HEAD, images, network, of_blocks

_SHAPE, _FILTERS = (6, 1, 8, 8), (2, 3, 2)


def _calls(rng, *stages, body_scale=1.0, seed=0):
    """A call for each of these sequences of stages, on a network of three blocks."""
    cases = []
    for sequence in stages:
        params = network(rng, _SHAPE, _FILTERS)
        arguments = (params, *images(rng, _SHAPE), sequence, 2, 4, 0.05, body_scale, seed)
        cases.append(Case(arguments, take=(*HEAD, *of_blocks(params, ("w", "gamma", *AVERAGES)))))
    return cases


def _gradually(rng):
    return _calls(rng, (0, 1, 2), body_scale=rng.uniform(0.2, 0.4), seed=int(rng.integers(1, 99)))


_LOOP = "for count in stages:"
_FROZEN = "frozen = names[: len(names) - count]"
_TRAIN = "params = train(params, X, y, frozen, epochs, batch_size, learning_rate, seed, body_scale)"


def _instead(old, new):
    assert old in _TRAIN
    return ((_TRAIN, _TRAIN.replace(old, new)),)


FINE_TUNE = Check(
    "fine_tune",
    (
        Property("One stage: the last block and the head", 1, lambda rng: _calls(rng, (1,)), **SINGLE_PRECISION),
        Property(
            "Stage by stage, the blocks at a smaller rate: the head, the last block, the last two",
            1.5,
            _gradually,
            **SINGLE_PRECISION,
        ),
        Property(
            "One stage of the head alone, and one of all blocks",
            0.5,
            lambda rng: _calls(rng, (0,), (3,)),
            **SINGLE_PRECISION,
        ),
        Property("What is frozen in all stages stays, bit by bit", 1, lambda rng: _calls(rng, (1, 2), (1,)), "unmoved"),
    ),
    (
        Mistake(
            "first blocks instead of the last",
            "The first blocks are trained and the last ones frozen. It is the last ones that are made for the old "
            "classes.",
            ((_FROZEN, "frozen = names[count:]"),),
        ),
        Mistake(
            "nothing frozen at a count of 0",
            "Where no block is to be trained, all of them are: a slice that ends at -0 is empty.",
            ((_FROZEN, "frozen = names[:-count]"),),
        ),
        Mistake(
            "nothing frozen",
            "All blocks are trained in every stage: nothing is frozen.",
            ((_FROZEN, "frozen = ()"),),
        ),
        Mistake(
            "frozen and trained exchanged",
            "The blocks that should be trained are the frozen ones.",
            ((_FROZEN, "frozen = names[len(names) - count :]"),),
        ),
        Mistake(
            "everything frozen",
            "All blocks stay frozen, in every stage: only the head is trained.",
            ((_FROZEN, "frozen = names"),),
        ),
        Mistake(
            "one block at a time",
            "Only one block is trained in each stage, and those behind it are frozen again. In a later stage more "
            "blocks are trained, not others.",
            ((_FROZEN, "frozen = [name for name in names if not count or name != names[len(names) - count]]"),),
        ),
        Mistake(
            "last stage only",
            "Only the last stage has an effect. A stage goes on with what the stage before it has learned.",
            ((_LOOP, "for count in stages[-1:]:"),),
        ),
        Mistake(
            "first stage only",
            "Only the first stage takes place: is there a return inside of the loop?",
            ((_TRAIN, _TRAIN.replace("params = ", "return ")),),
        ),
        Mistake(
            "stages in reverse",
            "The stages take place in reverse order: a new head would spoil the filters before it has learned "
            "anything.",
            ((_LOOP, "for count in reversed(stages):"),),
        ),
        Mistake(
            "blocks at the whole rate",
            "The blocks are trained at the rate of the head: body_scale is not handed on.",
            _instead(", body_scale", ""),
        ),
        Mistake(
            "everything at the smaller rate",
            "The head is slowed as well: the learning rate itself was multiplied by body_scale. It is for the blocks "
            "alone.",
            _instead("learning_rate, seed, body_scale", "learning_rate * body_scale, seed"),
        ),
        Mistake(
            "slower twice",
            "The learning rate is multiplied by body_scale, and body_scale handed on: the head is slowed, and the "
            "blocks twice.",
            _instead("learning_rate,", "learning_rate * body_scale,"),
        ),
        Mistake(
            "seed not handed on",
            "seed is not handed on to train: the batches come in another order.",
            _instead("seed,", "0,"),
        ),
    ),
)
