"""sgd_momentum and rmsprop."""

from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .steps import DEFAULTS, gradient, several, single

_UPHILL = "The step goes up the gradient, where the loss grows. Go the other way."


def _rolling(rng):
    return {"learning_rate": rng.uniform(0.2, 0.4), "momentum": rng.uniform(0.5, 0.8)}


def _with_velocity(rng):
    configs = [{**_rolling(rng), "velocity": rng.uniform(0.5, 2) * gradient(rng, shape)} for shape in ((4, 3), (6,))]
    return single(rng, *configs, take=(0, "velocity"))


_VELOCITY = 'velocity = config["momentum"] * config["velocity"] - config["learning_rate"] * dw'
_STORE_VELOCITY = 'config["velocity"] = velocity'
_ROLL = "return w + velocity, config"

MOMENTUM = Check(
    "sgd_momentum",
    (
        Property("The first step", 1, lambda rng: single(rng, _rolling(rng), _rolling(rng)), **SINGLE_PRECISION),
        Property(
            "Several steps, each with the config that your function returned",
            1.5,
            lambda rng: several(rng, _rolling(rng), 4),
            **SINGLE_PRECISION,
        ),
        Property('A velocity in config is used, and "velocity" stored', 1, _with_velocity, **SINGLE_PRECISION),
        DEFAULTS,
    ),
    (
        Mistake(
            "uphill",
            _UPHILL,
            ((_VELOCITY, _VELOCITY.replace(" - ", " + ")),),
        ),
        Mistake(
            "velocity subtracted",
            "The velocity is subtracted from w. It points downhill already, with the minus in front of the learning "
            "rate, so it is added.",
            ((_ROLL, "return w - velocity, config"),),
        ),
        Mistake(
            "velocity not stored",
            "The velocity is forgotten after each step: it has to be in the config that is returned.",
            ((_STORE_VELOCITY, "pass"),),
        ),
        Mistake(
            "learning rate outside of the velocity",
            "The path is right, but the velocity is another one: v = μ v + dw, multiplied by the learning rate only in "
            "the step. The text's velocity is the step itself, the learning rate inside.",
            (
                (_VELOCITY, 'velocity = config["momentum"] * config["velocity"] + dw'),
                (_ROLL, 'return w - config["learning_rate"] * velocity, config'),
            ),
        ),
        Mistake(
            "learning rate applied twice",
            "The learning rate is in the velocity already, and the step multiplies by it once more.",
            ((_ROLL, 'return w + config["learning_rate"] * velocity, config'),),
        ),
        Mistake(
            "Nesterov's momentum",
            "This is Nesterov's momentum: it looks one step of the velocity ahead. Here the step is the velocity.",
            ((_ROLL, 'return w + config["momentum"] * velocity - config["learning_rate"] * dw, config'),),
        ),
        Mistake(
            "gradient weighted by 1 - momentum",
            "The gradient's part is multiplied by 1 - momentum, as in an average. Here it comes in whole.",
            ((_VELOCITY, _VELOCITY.replace(" - config", ' - (1 - config["momentum"]) * config')),),
        ),
        Mistake(
            "momentum and learning rate exchanged",
            "Momentum and learning rate are exchanged: the old velocity keeps the share momentum.",
            ((_VELOCITY, 'velocity = config["learning_rate"] * config["velocity"] - config["momentum"] * dw'),),
        ),
        Mistake(
            "no momentum",
            "The old velocity has no effect: this is plain gradient descent.",
            ((_VELOCITY, 'velocity = -config["learning_rate"] * dw'),),
        ),
        Mistake(
            "old velocity decays twice",
            "The old velocity is multiplied by the momentum twice.",
            ((_VELOCITY, _VELOCITY.replace('["momentum"] *', '["momentum"] ** 2 *')),),
        ),
        Mistake(
            "step of the old velocity",
            "The step is that of the velocity before the update, so each gradient comes one step late.",
            ((_STORE_VELOCITY, 'velocity, config["velocity"] = config["velocity"], velocity'),),
        ),
        Mistake(
            "momentum fixed",
            "The momentum is always 0.9. config may hold another one.",
            ((_VELOCITY, _VELOCITY.replace('config["momentum"]', "0.9")),),
        ),
        Mistake(
            "learning rate fixed",
            "The learning rate is always 0.01. config may hold another one.",
            ((_VELOCITY, _VELOCITY.replace('config["learning_rate"]', "0.01")),),
        ),
        Mistake(
            "parameters stored as velocity",
            "What is stored under the name velocity are the new parameters. It is the velocity alone.",
            ((_STORE_VELOCITY, 'config["velocity"] = w + velocity'),),
        ),
    ),
)


def _scaling(rng, **more):
    return {"learning_rate": rng.uniform(0.2, 0.4), "decay_rate": rng.uniform(0.6, 0.85), **more}


def _with_cache(rng):
    configs = [_scaling(rng, cache=rng.uniform(1.5, 4, size=shape)) for shape in ((4, 3), (6,))]
    return single(rng, *configs, take=(0, "cache"))


def _large_epsilon(rng):
    configs = [_scaling(rng, cache=rng.uniform(1.5, 4, size=s), epsilon=rng.uniform(0.5, 1)) for s in ((4, 3), (6,))]
    return single(rng, *configs)


_CACHE = 'cache = config["decay_rate"] * config["cache"] + (1 - config["decay_rate"]) * dw**2'
_STORE_CACHE = 'config["cache"] = cache'
_SCALED = 'next_w = w - config["learning_rate"] * dw / (np.sqrt(cache) + config["epsilon"])'

RMSPROP = Check(
    "rmsprop",
    (
        Property("The first step", 1, lambda rng: single(rng, _scaling(rng), _scaling(rng)), **SINGLE_PRECISION),
        Property(
            "Several steps, each with the config that your function returned",
            1,
            lambda rng: several(rng, _scaling(rng), 4),
            **SINGLE_PRECISION,
        ),
        Property('A cache in config is used, and "cache" stored', 1, _with_cache, **SINGLE_PRECISION),
        Property("A large epsilon, outside of the root", 0.5, _large_epsilon, **SINGLE_PRECISION),
        DEFAULTS,
    ),
    (
        Mistake("uphill", _UPHILL, ((_SCALED, _SCALED.replace("w - config", "w + config")),)),
        Mistake(
            "epsilon inside the root",
            "epsilon is added to the cache, under the root. Here it is added to the root: with a tiny epsilon nobody "
            "sees the difference, with a large one everybody does.",
            ((_SCALED, _SCALED.replace('np.sqrt(cache) + config["epsilon"]', 'np.sqrt(cache + config["epsilon"])')),),
        ),
        Mistake(
            "epsilon fixed",
            "epsilon is always the same small number (or none). config may hold another one.",
            ((_SCALED, _SCALED.replace('config["epsilon"]', "1e-8")),),
        ),
        Mistake(
            "no root",
            "The gradient is divided by the cache itself. That is an average of squares: take its root first.",
            ((_SCALED, _SCALED.replace("np.sqrt(cache)", "cache")),),
        ),
        Mistake(
            "not divided",
            "The cache has no effect on the step: this is plain gradient descent.",
            ((_SCALED, 'next_w = w - config["learning_rate"] * dw'),),
        ),
        Mistake(
            "multiplied by the root",
            "The gradient is multiplied by the root of the cache. Where gradients are large, steps should be shorter.",
            ((_SCALED, _SCALED.replace("dw / (", "dw * (")),),
        ),
        Mistake(
            "cache not stored",
            "The cache is forgotten after each step: it has to be in the config that is returned.",
            ((_STORE_CACHE, "pass"),),
        ),
        Mistake(
            "decay rate swapped",
            "The old cache gets the weight 1 - decay_rate, and the new square decay_rate. It is the other way round, "
            "so that the average moves slowly.",
            ((_CACHE, 'cache = (1 - config["decay_rate"]) * config["cache"] + config["decay_rate"] * dw**2'),),
        ),
        Mistake(
            "old cache not decayed",
            "The old cache is kept whole, so the weights of all gradients add up to more than 1. In a running average "
            "it keeps only a share.",
            ((_CACHE, 'cache = config["cache"] + (1 - config["decay_rate"]) * dw**2'),),
        ),
        Mistake(
            "new square not weighted",
            "The new square comes in whole. In a running average its weight and that of the old cache add up to 1.",
            ((_CACHE, 'cache = config["decay_rate"] * config["cache"] + dw**2'),),
        ),
        Mistake(
            "AdaGrad",
            "This is AdaGrad: squares are added up without end, and the steps become shorter and shorter. RMSProp "
            "averages them, with decay_rate.",
            ((_CACHE, 'cache = config["cache"] + dw**2'),),
        ),
        Mistake(
            "gradient not squared",
            "The cache averages the gradients themselves. It is an average of their squares.",
            ((_CACHE, _CACHE.replace("dw**2", "dw")),),
        ),
        Mistake(
            "absolute value for the square",
            "The cache averages absolute values. It is an average of squares.",
            ((_CACHE, _CACHE.replace("dw**2", "np.abs(dw)")),),
        ),
        Mistake(
            "one average for all",
            "The squares are averaged over all parameters, so there is one size for all of them. Each number has its "
            "own.",
            ((_CACHE, _CACHE.replace("dw**2", "np.mean(dw**2)")),),
        ),
        Mistake(
            "root stored",
            "What is stored is the root of the cache. The root is taken only for the step.",
            ((_STORE_CACHE, 'config["cache"] = np.sqrt(cache)'),),
        ),
        Mistake(
            "step by the old cache",
            "The step divides by the cache as it was before this gradient came in.",
            ((_STORE_CACHE, 'cache, config["cache"] = config["cache"], cache'),),
        ),
        Mistake(
            "learning rate fixed",
            "The learning rate is always 0.01. config may hold another one.",
            ((_SCALED, _SCALED.replace('config["learning_rate"]', "0.01")),),
        ),
        Mistake(
            "decay rate fixed",
            "The decay rate is always 0.99. config may hold another one.",
            ((_CACHE, 'cache = 0.99 * config["cache"] + 0.01 * dw**2'),),
        ),
    ),
)
