"""replace_head: the body of a network is copied, the head is new."""

from cs231n_kit.checking.answer_key import Case
from grader.check import Check, Mistake, Property

from .networks import HEAD, body, network


def _new(rng):
    """(Large enough for the spread of random numbers to be told.) Another number of classes, and the same one."""
    return [
        Case((network(rng, (1, 2, 16, 12), (3, 6), 5), 9, 0.2), take=HEAD),
        Case((network(rng, (1, 2, 16, 16), (3, 5), 8), 8, 0.03), take=HEAD),
    ]


def _body(rng):
    params = network(rng)
    return [Case((params, 5, 0.1), take=(*body(params), "head.b"))]


def _old_network(rng):
    """The number of the new classes, and the old network."""
    cases = []
    for classes in (5, 3):
        params = network(rng)
        cases.append(Case((params, classes), function="change_copy", take=(0, *params)))
    return cases


_COPY = "new = {name: array.copy() for name, array in params.items()}"
_W = 'new["head.w"] = (weight_scale * np.random.randn(features, num_classes)).astype(dtype)'
_B = 'new["head.b"] = np.zeros(num_classes, dtype)'

REPLACE_HEAD = Check(
    "replace_head",
    (
        Property("The new head: shapes, weights of size weight_scale, biases of 0", 1, _new, "noise"),
        Property("The body as it was, bit by bit, with its running averages", 1, _body, "unmoved"),
        Property("The old network stays as it is, whatever becomes of the new one", 1, _old_network, "unmoved"),
    ),
    (
        Mistake(
            "arrays shared",
            "The dictionary is new, but the arrays in it are those of the old network: where training changes them in "
            "place, the pretrained network is gone.",
            ((_COPY, "new = dict(params)"),),
        ),
        Mistake(
            "the old network changed",
            "The new head is put into the old network's dictionary, which has lost its own head then.",
            ((_COPY, "new = params"),),
        ),
        Mistake(
            "old head kept",
            "The head is still the old one, for the old classes.",
            ((_W, "pass"), (_B, "pass")),
        ),
        Mistake(
            "old head kept where it fits",
            "Where the number of classes is the same, the old head stays. It was trained for other classes, whose "
            "number is the same by chance.",
            ((_W, f"if num_classes == len(params['head.b']):\n        return new\n    {_W}"),),
        ),
        Mistake(
            "old biases kept",
            "The biases are those of the old head, as far as they reach. They say how frequent the old classes were: "
            "start from 0.",
            ((_B, 'new["head.b"] = np.resize(params["head.b"], num_classes)'),),
        ),
        Mistake(
            "weights of 0",
            "The new weights are all 0. One layer alone would learn even so, but then no gradient goes through it into "
            "the body in the first step. Draw small random numbers.",
            ((_W, 'new["head.w"] = np.zeros((features, num_classes), dtype)'),),
        ),
        Mistake(
            "weights not scaled",
            "The new weights are of size 1: weight_scale has no effect.",
            ((_W, _W.replace("weight_scale * ", "")),),
        ),
        Mistake(
            "weights transposed",
            "The new weights are transposed: features come first, classes second.",
            ((_W, _W.replace("features, num_classes", "num_classes, features")),),
        ),
        Mistake(
            "body new, too",
            "The filters are random numbers again. They are what is to be transferred.",
            (
                (
                    _B,
                    f"{_B}\n    for name in params:\n        if name.endswith('.w') and name != 'head.w':\n"
                    "            new[name] = np.random.randn(*params[name].shape)",
                ),
            ),
        ),
        Mistake(
            "running averages reset",
            "The running averages start anew, from 0 and 1. A frozen block needs those that it was trained with.",
            (
                (
                    _B,
                    f"{_B}\n    for name, array in new.items():\n        if 'running' in name:\n"
                    "            array[:] = 'var' in name",
                ),
            ),
        ),
        Mistake(
            "running averages missing",
            "The running averages are not taken over: without them the body cannot work in testing.",
            ((_COPY, "new = {name: a.copy() for name, a in params.items() if 'running' not in name}"),),
        ),
    ),
)
