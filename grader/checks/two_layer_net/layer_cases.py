"""What the cases of a layer's two passes have in common."""

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept

OUT = (0,)
STEP = 0.05


def backward(forward, problems, take=None):
    """In threes: the forward call, the backward call with what it kept, and with the cache of the text.

    problems: (arguments of forward, dout, documented cache).
    """
    cases = []
    for arguments, dout, cache in problems:
        own = Kept(len(cases), 1)
        cases.append(Case(arguments, function=forward, take=()))
        cases += [Case((dout, own), take=take), Case((dout, cache), take=take)]
    return cases
