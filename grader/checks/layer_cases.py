"""What the cases of a layer's two passes have in common."""

from dataclasses import replace

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept

OUT = (0,)
STEP = 0.05


def narrow(arguments):
    """The arguments with their floating-point arrays in single precision."""
    return tuple(a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in arguments)


def backward(forward, problems, take=None):
    """In threes: the forward call, the backward call with what it kept, and with the cache of the text.

    problems: (arguments of forward, dout, documented cache); dout is a tuple where forward has several outputs.
    """
    cases = []
    for arguments, dout, cache in problems:
        douts = dout if isinstance(dout, tuple) else (dout,)
        own = Kept(len(cases), len(douts))
        cases.append(Case(arguments, function=forward, take=()))
        cases += [Case((*douts, own), take=take), Case((*douts, cache), take=take)]
    return cases


def own_backward(rng, forward, arguments, dout, places, take, step=STEP):
    """Forward, backward, and forward again with one argument after the other moved there and back.

    dout: see `backward`. places: the positions of the arguments to move.
    """
    douts = dout if isinstance(dout, tuple) else (dout,)
    outputs = tuple(range(len(douts)))
    cases = [Case(arguments, function=forward, take=outputs), Case((*douts, Kept(0, len(douts))), take=take)]
    for place in places:
        change = step * rng.normal(size=arguments[place].shape)
        for moved in (arguments[place] + change, arguments[place] - change):
            cases.append(Case((*arguments[:place], moved, *arguments[place + 1 :]), function=forward, take=outputs))
    return cases


def joined(*groups):
    """Cases of several groups one after another: what refers to an earlier call of its group still does."""
    cases = []
    for group in groups:
        start = len(cases)
        for case in group:
            arguments = tuple(replace(a, of=a.of + start) if isinstance(a, Kept) else a for a in case.arguments)
            cases.append(replace(case, arguments=arguments))
    return cases
