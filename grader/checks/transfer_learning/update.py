"""update: a step of AdamW that spares frozen layers, and is shorter in the body.

Steps and decay are large here, so that a mistake is seen in any number of a layer; a rate of almost nothing is told by
comparing bit by bit.
"""

import numpy as np

from cs231n_kit.checking.answer_key import Case
from cs231n_kit.checking.arguments import Kept
from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .networks import AVERAGES, HEAD, TRAINED, network, of_blocks

_RATE, _DECAY = 0.2, 0.4


def _stepped(params, blocks=None):
    """The names of what has gradients, in these blocks and the head."""
    return (*HEAD, *of_blocks(params, TRAINED, blocks))


def _gradients(rng, params, named=None):
    """Numbers of both signs, none of them near 0 or of the usual size."""
    listed = _stepped(params) if named is None else named
    return {name: rng.uniform(0.4, 3, params[name].shape) * rng.choice([-1, 1], params[name].shape) for name in listed}


def _memory(rng, params, named=None):
    """Configs as adamw leaves them after some steps."""
    listed = _stepped(params) if named is None else named
    return {
        name: {
            "learning_rate": 0.03,
            "beta1": 0.9,
            "beta2": 0.999,
            "epsilon": 1e-8,
            "weight_decay": 0.0,
            "m": rng.uniform(0.5, 1, params[name].shape) * rng.choice([-1, 1], params[name].shape),
            "v": rng.uniform(1, 4, params[name].shape),
            "t": 5,
        }
        for name in listed
    }


def _first_step(rng):
    deep = network(rng, (1, 1, 8, 8), (2, 1, 2))
    shallow = network(rng)
    return [
        Case((params, _gradients(rng, params), {}, (), rate, 1.0, 0.0), take=_stepped(params))
        for params, rate in ((shallow, _RATE), (deep, 3 * _RATE))
    ]


def _several(rng):
    """Three steps in a row, each with what the one before it returned."""
    params = network(rng)
    cases = [Case((params, _gradients(rng, params), {}, (), _RATE, 1.0, 0.0), take=_stepped(params))]
    for i in range(2):
        arguments = (Kept(i, 0), _gradients(rng, params), Kept(i, 1), (), _RATE, 1.0, 0.0)
        cases.append(Case(arguments, take=_stepped(params)))
    return cases


def _decays(rng):
    params = network(rng)
    return [Case((params, _gradients(rng, params), {}, (), _RATE, 1.0, _DECAY), take=_stepped(params))]


def _slow_body(rng):
    """With a memory: the first step of Adam does not depend on the size of a gradient."""
    cases = []
    for scale in (0.25, 0.1):
        params = network(rng)
        arguments = (params, _gradients(rng, params), _memory(rng, params), (), 5 * _RATE, scale, 0.0)
        cases.append(Case(arguments, take=_stepped(params)))
    return cases


def _frozen_with_gradients(rng):
    params = network(rng, (1, 1, 8, 8), (2, 1, 2))
    return [
        Case((params, _gradients(rng, params), {}, frozen, _RATE, 1.0, 0.0), take=_stepped(params))
        for frozen in (("block1",), ("block1", "block2"), ("block2",), ("head", "block1"))
    ]


def _frozen_with_a_past(rng):
    """Gradients of 0 for frozen layers, or none."""
    params, frozen = network(rng), ("block1",)
    gradients, kept = _gradients(rng, params), of_blocks(params, TRAINED, frozen)
    zero = gradients | {name: np.zeros_like(params[name]) for name in kept}
    none = {name: gradient for name, gradient in gradients.items() if name not in kept}
    return [
        Case((params, given, _memory(rng, params), frozen, _RATE, 1.0, _DECAY), take=_stepped(params))
        for given in (zero, none)
    ]


def _without_gradients(rng):
    params = network(rng)
    last = _stepped(params, ("block2",))
    take = (*HEAD, *of_blocks(params, ("w", *AVERAGES)))
    return [
        Case((params, _gradients(rng, params), {}, (), _RATE, 1.0, _DECAY), take=take),
        Case((params, _gradients(rng, params, last), {}, (), _RATE, 1.0, _DECAY), take=take),
    ]


_LOOP = "for name, dw in grads.items():"
_FROZEN = "if layer_of(name) in frozen:\n            continue"
_SCALE = 'scale = 1 if layer_of(name) == "head" else body_scale'
_SETTINGS = 'settings = {"learning_rate": learning_rate * scale, "weight_decay": weight_decay}'
_STEP = "params[name], configs[name] = adamw(params[name], dw, {**configs.get(name, {}), **settings})"
_RETURN = "return params, configs"


def _instead(*lines):
    """What to do with a frozen layer in place of leaving it out."""
    return ((_FROZEN, "\n            ".join(("if layer_of(name) in frozen:", *lines))),)


UPDATE = Check(
    "update",
    (
        Property("A first step of all layers", 1.5, _first_step, **SINGLE_PRECISION),
        Property("Several steps, each with the configs that you returned", 1, _several, **SINGLE_PRECISION),
        Property("Weight decay", 0.5, _decays, **SINGLE_PRECISION),
        Property("Blocks at a smaller rate, the head at the whole one", 1, _slow_body, **SINGLE_PRECISION),
        Property(
            "Frozen layers that have gradients stay, bit by bit",
            1,
            _frozen_with_gradients,
            "unmoved",
            **SINGLE_PRECISION,
        ),
        Property(
            "Frozen layers with a memory of former steps stay, bit by bit, in spite of weight decay",
            1,
            _frozen_with_a_past,
            "unmoved",
            **SINGLE_PRECISION,
        ),
        Property(
            "What has no gradient is returned as it was, bit by bit",
            1,
            _without_gradients,
            "unmoved",
            **SINGLE_PRECISION,
        ),
    ),
    (
        Mistake(
            "frozen has no effect",
            "Frozen layers are stepped like all others: frozen has no effect.",
            ((_FROZEN, "pass"),),
        ),
        Mistake(
            "frozen layers with a gradient of 0",
            "Frozen layers get a gradient of 0, but they still make a step. Without a gradient, adamw moves what it "
            "has a memory for, and weight decay pulls at everything.",
            _instead("dw = np.zeros_like(dw)"),
        ),
        Mistake(
            "frozen layers decay",
            "Frozen layers are spared by the gradient, but not by weight decay: they shrink, a little in each step.",
            _instead("params[name] = params[name] * (1 - learning_rate * weight_decay)", "continue"),
        ),
        Mistake(
            "frozen layers at a rate of almost 0",
            "Frozen layers still move, by a rate so small that it can hardly be seen. After many steps it can. Frozen "
            "means bit by bit: make no step at all.",
            _instead("params[name] = params[name] - 1e-9 * learning_rate * (np.sign(dw) + params[name])", "continue"),
        ),
        Mistake(
            "all that has no gradient is stepped",
            "Arrays without a gradient are stepped, as if they had one of 0: weight decay and memory move them, the "
            "running averages too. Only what has a gradient makes a step.",
            (
                (
                    _LOOP,
                    "missing = {n: np.zeros_like(p) for n, p in params.items() if n not in grads}\n"
                    "    for name, dw in {**missing, **grads}.items():",
                ),
            ),
        ),
        Mistake(
            "memory of frozen layers goes on moving them",
            "Frozen layers are still moved by the memory of steps that they made before they were frozen, like a ball "
            "that rolls on when nobody pushes it any more.",
            _instead(
                "if 'm' in configs.get(name, {}):",
                "    memory = configs[name]",
                "    params[name] = params[name] - learning_rate * memory['m'] / (np.sqrt(memory['v']) + 1e-8)",
                "continue",
            ),
        ),
        Mistake(
            "body_scale has no effect",
            "The blocks step at the rate of the head: body_scale has no effect.",
            ((_SCALE, "scale = 1"),),
        ),
        Mistake(
            "the head slowed, too",
            "The head steps at the smaller rate, too. It is new and has a long way to go: body_scale is for the "
            "blocks.",
            ((_SCALE, "scale = body_scale"),),
        ),
        Mistake(
            "the head slowed instead",
            "It is the other way round: the head steps at the smaller rate, the blocks at the whole one.",
            ((_SCALE, 'scale = body_scale if layer_of(name) == "head" else 1'),),
        ),
        Mistake(
            "gradients scaled instead of the rate",
            "The gradients of the blocks are multiplied by body_scale, not the rate. Adam divides by the size of the "
            "gradients, so this has hardly any effect: in the long run, none.",
            ((_SCALE, 'scale, dw = 1, dw * (1 if layer_of(name) == "head" else body_scale)'),),
        ),
        Mistake(
            "divided by body_scale",
            "The rate of the blocks is divided by body_scale, so they step faster than the head.",
            ((_SCALE, 'scale = 1 if layer_of(name) == "head" else 1 / body_scale'),),
        ),
        Mistake(
            "memory lost",
            "Each step is a first step: the configs that adamw returns are not kept for the next one.",
            ((_STEP, "params[name], _ = adamw(params[name], dw, {**configs.get(name, {}), **settings})"),),
        ),
        Mistake(
            "memory not used",
            "The configs of the step before are not used: adamw starts anew each time.",
            ((_STEP, "params[name], configs[name] = adamw(params[name], dw, settings)"),),
        ),
        Mistake(
            "no weight decay",
            "weight_decay has no effect.",
            ((_SETTINGS, _SETTINGS.replace('"weight_decay": weight_decay', '"weight_decay": 0.0')),),
        ),
        Mistake(
            "weight decay in the gradient",
            "The decay is added to the gradient, as the gradient of an L2 penalty, and Adam rescales it with the rest. "
            "In AdamW it stands beside the step: adamw does that when its config says how much.",
            (
                (_SETTINGS, _SETTINGS.replace('"weight_decay": weight_decay', '"weight_decay": 0.0')),
                (_STEP, _STEP.replace("params[name], dw,", "params[name], dw + weight_decay * params[name],")),
            ),
        ),
        Mistake(
            "learning rate of the configs",
            "learning_rate has no effect where a config holds one already: the rate of the call comes last.",
            ((_STEP, _STEP.replace("{**configs.get(name, {}), **settings}", "{**settings, **configs.get(name, {})}")),),
        ),
        Mistake(
            "learning rate fixed",
            "learning_rate has no effect: the steps are those of adamw's default rate.",
            ((_SETTINGS, _SETTINGS.replace("learning_rate * scale", "1e-3 * scale")),),
        ),
        Mistake(
            "only what was stepped comes back",
            "What made no step is missing in the dictionary that is returned: frozen layers and running averages "
            "belong to the network as well.",
            ((_RETURN, "return {name: params[name] for name in grads if layer_of(name) not in frozen}, configs"),),
        ),
    ),
)
