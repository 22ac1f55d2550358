"""adam."""

from grader.check import SINGLE_PRECISION, Check, Mistake, Property

from .steps import DEFAULTS, gradient, several, single

_MEMORY = ("m", "v", "t")


def _settings(rng, **more):
    """(The ranges are such that the corrections of m and of √v never cancel.)"""
    rates = {"learning_rate": rng.uniform(0.3, 0.6), "beta1": rng.uniform(0.85, 0.92), "beta2": rng.uniform(0.93, 0.97)}
    return {**rates, **more}


def _later(rng, shape, **more):
    """A config after so many steps that the correction is over."""
    memory = {"m": gradient(rng, shape), "v": rng.uniform(1.5, 4, size=shape), "t": int(rng.integers(600, 900))}
    return _settings(rng, **memory, **more)


def _first(rng):
    return single(rng, _settings(rng), _settings(rng))


def _given(rng):
    return single(rng, _later(rng, (4, 3)), _later(rng, (6,)))


def _stored(rng):
    return single(rng, _later(rng, (4, 3)), _settings(rng), take=_MEMORY)


def _large_epsilon(rng):
    return single(rng, *(_later(rng, shape, epsilon=rng.uniform(0.5, 1)) for shape in ((4, 3), (6,))))


_BETAS = 'beta1, beta2 = config["beta1"], config["beta2"]'
_T = 't = config["t"] + 1'
_M = 'm = beta1 * config["m"] + (1 - beta1) * dw'
_V = 'v = beta2 * config["v"] + (1 - beta2) * dw**2'
_STORE = "config.update(m=m, v=v, t=t)"
_M_HAT = "m_hat = m / (1 - beta1**t)"
_V_HAT = "v_hat = v / (1 - beta2**t)"
_STEP = 'step = config["learning_rate"] * m_hat / (np.sqrt(v_hat) + config["epsilon"])'
_RETURN = "return w - step, config"
_FORGOTTEN = "after each step: it has to be in the config that is returned."

ADAM = Check(
    "adam",
    (
        Property("The first step: t is 1", 1, _first, **SINGLE_PRECISION),
        Property("Long after the first step: m and v in config are used", 1.5, _given, **SINGLE_PRECISION),
        Property(
            "Several steps, each with the config that your function returned",
            1.5,
            lambda rng: several(rng, _settings(rng), 5),
            **SINGLE_PRECISION,
        ),
        Property("m, v and t are stored, without the correction", 1, _stored, **SINGLE_PRECISION),
        Property("A large epsilon, outside of the root", 0.5, _large_epsilon, **SINGLE_PRECISION),
        DEFAULTS,
    ),
    (
        Mistake(
            "uphill", "The step goes up the gradient, where the loss grows.", ((_RETURN, "return w + step, config"),)
        ),
        Mistake(
            "no bias correction",
            "There is no bias correction: at first both averages are far too small, and not by the same factor.",
            ((_M_HAT, "m_hat = m"), (_V_HAT, "v_hat = v")),
        ),
        Mistake(
            "m not corrected",
            "Only v is corrected. m starts at zero too.",
            ((_M_HAT, "m_hat = m"),),
        ),
        Mistake(
            "v not corrected",
            "Only m is corrected. v starts at zero too.",
            ((_V_HAT, "v_hat = v"),),
        ),
        Mistake(
            "both corrected by beta1",
            "v is corrected with beta1. Its average was taken with beta2.",
            ((_V_HAT, "v_hat = v / (1 - beta1**t)"),),
        ),
        Mistake(
            "correction without the power",
            "The correction divides by 1 - β in every step. How much is missing depends on the number of steps.",
            ((_M_HAT, "m_hat = m / (1 - beta1)"), (_V_HAT, "v_hat = v / (1 - beta2)")),
        ),
        Mistake(
            "product for the power",
            "The correction takes β times t. It is a power: the share that is still zero shrinks by β in each step.",
            ((_M_HAT, "m_hat = m / (1 - beta1 * t)"), (_V_HAT, "v_hat = v / (1 - beta2 * t)")),
        ),
        Mistake(
            "step counted from 0",
            "t is counted up too late: the first step divides by 1 - β⁰ = 0. Count first, then correct.",
            (
                (_M_HAT, "m_hat = m / (1 - beta1 ** (t - 1))"),
                (_V_HAT, "v_hat = v / (1 - beta2 ** (t - 1))"),
            ),
        ),
        Mistake(
            "step counted from 2",
            "t is counted up twice: in the first step it is 2 in the correction.",
            (
                (_M_HAT, "m_hat = m / (1 - beta1 ** (t + 1))"),
                (_V_HAT, "v_hat = v / (1 - beta2 ** (t + 1))"),
            ),
        ),
        Mistake(
            "t not stored",
            f"t is forgotten {_FORGOTTEN} Otherwise each step is corrected as if it were the first.",
            ((_STORE, "config.update(m=m, v=v)"),),
        ),
        Mistake(
            "t always 1",
            "The correction takes t = 1 in every step. Count the steps that were made.",
            ((_T, "t = 1"),),
        ),
        Mistake("m not stored", f"m is forgotten {_FORGOTTEN}", ((_STORE, "config.update(v=v, t=t)"),)),
        Mistake("v not stored", f"v is forgotten {_FORGOTTEN}", ((_STORE, "config.update(m=m, t=t)"),)),
        Mistake(
            "nothing stored",
            "m, v and t are all forgotten: they have to be in the config that is returned.",
            ((_STORE, "pass"),),
        ),
        Mistake(
            "corrected averages stored",
            "What is stored is corrected already, and is corrected again in the next step. Store m and v themselves.",
            ((_STORE, "config.update(m=m / (1 - beta1**t), v=v / (1 - beta2**t), t=t)"),),
        ),
        Mistake(
            "betas exchanged",
            "beta1 and beta2 are exchanged: beta1 belongs to m, beta2 to v.",
            ((_BETAS, 'beta2, beta1 = config["beta1"], config["beta2"]'),),
        ),
        Mistake(
            "weights of m swapped",
            "In m, the old average gets the weight 1 - beta1 and the gradient beta1. It is the other way round.",
            ((_M, 'm = (1 - beta1) * config["m"] + beta1 * dw'),),
        ),
        Mistake(
            "weights of both swapped",
            "The old averages get the weight 1 - β, and the new gradient β. It is the other way round.",
            (
                (_M, 'm = (1 - beta1) * config["m"] + beta1 * dw'),
                (_V, 'v = (1 - beta2) * config["v"] + beta2 * dw**2'),
            ),
        ),
        Mistake(
            "gradient not weighted",
            "The gradient and its square come in whole. In a running average old and new weights add up to 1.",
            ((_M, 'm = beta1 * config["m"] + dw'), (_V, 'v = beta2 * config["v"] + dw**2')),
        ),
        Mistake(
            "gradient not squared",
            "v averages the gradients themselves. It is an average of their squares.",
            ((_V, _V.replace("dw**2", "dw")),),
        ),
        Mistake(
            "squares of m",
            "v averages the squares of m. It is an average of the squares of the gradients.",
            ((_V, _V.replace("dw**2", "m**2")),),
        ),
        Mistake(
            "no root",
            "The step divides by v itself. That is an average of squares: take its root first.",
            ((_STEP, _STEP.replace("np.sqrt(v_hat)", "v_hat")),),
        ),
        Mistake(
            "epsilon inside the root",
            "epsilon is added to v, under the root. Here it is added to the root: with a tiny epsilon nobody sees the "
            "difference, with a large one everybody does.",
            ((_STEP, _STEP.replace('np.sqrt(v_hat) + config["epsilon"]', 'np.sqrt(v_hat + config["epsilon"])')),),
        ),
        Mistake(
            "epsilon fixed",
            "epsilon is always the same small number (or none). config may hold another one.",
            ((_STEP, _STEP.replace('config["epsilon"]', "1e-8")),),
        ),
        Mistake(
            "no momentum",
            "The step takes the gradient where the average of the gradients, corrected, should stand.",
            ((_STEP, _STEP.replace("m_hat", "dw")),),
        ),
        Mistake(
            "learning rate fixed",
            "The learning rate is always 0.001. config may hold another one.",
            ((_STEP, _STEP.replace('config["learning_rate"]', "0.001")),),
        ),
        Mistake(
            "betas fixed",
            "beta1 and beta2 are always 0.9 and 0.999. config may hold others.",
            ((_BETAS, "beta1, beta2 = 0.9, 0.999"),),
        ),
    ),
)
