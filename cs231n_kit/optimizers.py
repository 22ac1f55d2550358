"""Update rules: how a step along the gradient changes the parameters   (lecture 07).

Every rule is a function ``update(w, dw, config=None) -> (next_w, next_config)``. ``w`` and its gradient ``dw`` are
float32 or float64 arrays of one shape; next_w has w's shape and type. ``config`` holds the rule's hyperparameters
and, from the second step on, its memory: hand next_config to the next call. Inputs are never modified. Rules raise
ValueError or TypeError for different shapes, other types, and keys of config that they do not know.

``Optimizer`` applies a rule to all parameters of a network, in place and fast.
"""

import numpy as np

from cs231n_kit.arrays import array_module
from cs231n_kit.kernels.parallel import fastest, numba_threads

WORTH_COMPILING = 50_000  # elements; NumPy updates so many in about 0.2 ms


def sgd(w, dw, config=None):
    """Stochastic gradient descent, w ← w - η dw. config: learning_rate η (0.01)."""
    _, w, dw, config = _prepare(w, dw, config, "sgd")
    return w - config["learning_rate"] * dw, config


def sgd_momentum(w, dw, config=None):
    """Momentum, v ← μ v - η dw, w ← w + v   (Polyak, 1964).

    config: learning_rate η (0.01), momentum μ (0.9); memory: velocity v.
    """
    _, w, dw, config = _prepare(w, dw, config, "sgd_momentum")
    config["velocity"] = config["momentum"] * config["velocity"] - config["learning_rate"] * dw
    return w + config["velocity"], config


def nesterov(w, dw, config=None):
    """Nesterov's momentum, v' ← μ v - η dw, w ← w + v' + μ (v' - v)   (Sutskever et al., 2013; Bengio et al., 2013).

    w stands for the point that momentum looks ahead to, so that dw is taken at w as in the other rules.
    config: learning_rate η (0.01), momentum μ (0.9); memory: velocity v.
    """
    _, w, dw, config = _prepare(w, dw, config, "nesterov")
    before, momentum = config["velocity"], config["momentum"]
    config["velocity"] = momentum * before - config["learning_rate"] * dw
    return w + (1 + momentum) * config["velocity"] - momentum * before, config


def adagrad(w, dw, config=None):
    """AdaGrad, c ← c + dw², w ← w - η dw / (√c + ε)   (Duchi et al., 2011).

    config: learning_rate η (0.01), epsilon ε (1e-8); memory: cache c.
    """
    xp, w, dw, config = _prepare(w, dw, config, "adagrad")
    config["cache"] = config["cache"] + dw * dw
    return w - config["learning_rate"] * dw / (xp.sqrt(config["cache"]) + config["epsilon"]), config


def rmsprop(w, dw, config=None):
    """RMSProp, c ← ρ c + (1 - ρ) dw², w ← w - η dw / (√c + ε)   (Tieleman & Hinton, 2012).

    config: learning_rate η (0.01), decay_rate ρ (0.99), epsilon ε (1e-8); memory: cache c.
    """
    xp, w, dw, config = _prepare(w, dw, config, "rmsprop")
    config["cache"] = config["decay_rate"] * config["cache"] + (1 - config["decay_rate"]) * dw * dw
    return w - config["learning_rate"] * dw / (xp.sqrt(config["cache"]) + config["epsilon"]), config


def adam(w, dw, config=None):
    """Adam   (Kingma & Ba, 2015). With t counted up first, so that it is 1 in the first step:

    m ← β₁ m + (1 - β₁) dw, v ← β₂ v + (1 - β₂) dw², w ← w - η (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε).

    config: learning_rate η (0.001), beta1 (0.9), beta2 (0.999), epsilon ε (1e-8); memory: m, v, t.
    """
    xp, w, dw, config = _prepare(w, dw, config, "adam")
    return w - config["learning_rate"] * _adam_direction(xp, dw, config), config


def adamw(w, dw, config=None):
    """Adam with decoupled weight decay, w ← w - η (direction of Adam + λ w)   (Loshchilov & Hutter, 2019).

    config: as ``adam``, and weight_decay λ (0.01).
    """
    xp, w, dw, config = _prepare(w, dw, config, "adamw")
    direction = _adam_direction(xp, dw, config) + config["weight_decay"] * w
    return w - config["learning_rate"] * direction, config


RULES = {rule.__name__: rule for rule in (sgd, sgd_momentum, nesterov, adagrad, rmsprop, adam, adamw)}

_ADAM = {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

# Hyperparameters with their defaults, and the names of the memory, all of which start at zero.
_CONFIG = {
    "sgd": ({"learning_rate": 1e-2}, ()),
    "sgd_momentum": ({"learning_rate": 1e-2, "momentum": 0.9}, ("velocity",)),
    "nesterov": ({"learning_rate": 1e-2, "momentum": 0.9}, ("velocity",)),
    "adagrad": ({"learning_rate": 1e-2, "epsilon": 1e-8}, ("cache",)),
    "rmsprop": ({"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8}, ("cache",)),
    "adam": (_ADAM, ("m", "v", "t")),
    "adamw": (_ADAM | {"weight_decay": 1e-2}, ("m", "v", "t")),
}


class Optimizer:
    """Update all parameters of a network, in place.

    Parameters
    ----------
    rule
        The name of an update rule, one of ``RULES``, or a function ``update(w, dw, config)`` of your own.
    config
        The rule's hyperparameters, e.g. ``Optimizer("adam", learning_rate=3e-4)``.

    ``configs`` holds the rule's config with its memory for every parameter seen so far, by the parameter's name.
    Large arrays are updated by machine code where Numba is installed: one pass over memory instead of one for each
    arithmetic operation. The first such step ever then takes about a second, for compiling.
    """

    def __init__(self, rule="sgd", **config):
        if isinstance(rule, str) and rule not in RULES:
            raise ValueError(f"rule must be one of {', '.join(RULES)}, or a function, not {rule!r}")
        if not isinstance(rule, str) and not callable(rule):
            raise TypeError(f"rule must be the name of an update rule or a function, not {rule!r}")
        self.rule = RULES[rule] if isinstance(rule, str) else rule
        self.config = config
        self.configs = {}
        if self.rule in RULES.values():
            self.rule(np.zeros(1), np.zeros(1), config)  # an unknown key is reported here, not in the first step

    def step(self, parameters: dict, gradients: dict, learning_rate: float | None = None) -> None:
        """Update the arrays in ``parameters`` in place, each by the gradient of the same name.

        Parameters without a gradient stay as they are. ``learning_rate``, for example of a schedule, replaces the
        configured one from this step on. All is checked before anything changes: raises ValueError or TypeError for
        a gradient without a parameter, another shape, and arrays that are read-only or not floating.
        """
        for name, dw in gradients.items():
            _check_parameter(name, parameters, dw)
        if learning_rate is not None:
            self.config["learning_rate"] = _number("learning_rate", learning_rate)
        for name, dw in gradients.items():
            w = parameters[name]
            config = {**self.configs.get(name, {}), **self.config}
            if _is_worth_compiling(self.rule, w, dw):
                _, _, dw, config = _prepare(w, dw, config, self.rule.__name__)
                self.configs[name] = fastest(update_numba, update_numpy, self.rule, w, dw, config)
            else:
                self.configs[name] = update_numpy(self.rule, w, dw, config)

    def state(self) -> dict[str, np.ndarray]:
        """All memory as a flat dictionary of copied arrays, e.g. "m/W1", ready for ``numpy.savez``."""
        return {
            f"{key}/{name}": np.array(value.get() if hasattr(value, "get") else value)
            for name, config in self.configs.items()
            for key, value in config.items()
        }

    def load_state(self, state: dict[str, np.ndarray], parameters: dict) -> None:
        """Continue from what ``state`` returned, for the same parameters; training goes on to the same numbers."""
        configs = {}
        for path, value in state.items():
            key, _, name = path.partition("/")
            if name not in parameters:
                raise ValueError(f"The state holds {path!r}, but there is no parameter {name!r}")
            w = parameters[name]
            if value.ndim and value.shape != w.shape:
                raise ValueError(f"The state's {path!r} has the shape {value.shape}, but the parameter {w.shape}")
            value = array_module(w).array(value) if value.ndim else value.item()
            configs.setdefault(name, {})[key] = value
        self.configs = configs


def _adam_direction(xp, dw, config):
    """m̂ / (√v̂ + ε) of Adam; counts t up and updates m and v."""
    beta1, beta2 = config["beta1"], config["beta2"]
    config["t"] += 1
    config["m"] = beta1 * config["m"] + (1 - beta1) * dw
    config["v"] = beta2 * config["v"] + (1 - beta2) * dw * dw
    m = config["m"] / (1 - beta1 ** config["t"])
    v = config["v"] / (1 - beta2 ** config["t"])
    return m / (xp.sqrt(v) + config["epsilon"])


def _prepare(w, dw, config, rule):
    """The array module, w and dw, checked, and a new config with defaults and, in the first step, empty memory."""
    xp = array_module(w, dw)
    w, dw = xp.asarray(w), xp.asarray(dw)
    if w.dtype not in (xp.float32, xp.float64):
        raise TypeError(f"w must hold float32 or float64 numbers, not {w.dtype}")
    if dw.shape != w.shape:
        raise ValueError(f"dw must have the shape of w, {w.shape}, not {dw.shape}")
    if dw.dtype.kind not in "iuf":
        raise TypeError(f"dw must hold real numbers, not {dw.dtype}")
    config = {} if config is None else config
    defaults, memory = _CONFIG[rule]
    unknown = [key for key in config if key not in defaults and key not in memory]
    if unknown:
        known = ", ".join([*defaults, *memory])
        raise ValueError(f"config of {rule} may hold {known}, but not {', '.join(map(repr, unknown))}")
    prepared = {key: _number(key, config.get(key, default)) for key, default in defaults.items()}
    for key in memory:
        if key == "t":
            prepared["t"] = int(config.get("t", 0))
            continue
        kept = xp.zeros_like(w) if config.get(key) is None else xp.asarray(config[key])
        if kept.shape != w.shape:
            raise ValueError(f'config["{key}"] must have the shape of w, {w.shape}, not {kept.shape}')
        prepared[key] = kept.astype(w.dtype, copy=False)
    return xp, w, dw.astype(w.dtype, copy=False), prepared


def _number(key, value) -> float:
    """value as Python's float, which does not turn float32 arrays into float64 as one of NumPy's would."""
    if isinstance(value, bool) or not np.isscalar(value) or isinstance(value, str) or not 0 <= value < np.inf:
        raise ValueError(f'config["{key}"] must be a non-negative number, not {value!r}')
    return float(value)


def _check_parameter(name, parameters, dw):
    if name not in parameters:
        raise ValueError(f"There is a gradient of {name!r}, but no parameter of that name among {sorted(parameters)}")
    w = parameters[name]
    dtype = str(getattr(w, "dtype", type(w).__name__))
    if dtype not in ("float32", "float64"):
        raise TypeError(f"The parameter {name!r} must be a float32 or float64 array, not {dtype}")
    if w.shape != np.shape(dw):
        raise ValueError(f"The gradient of {name!r} must have the parameter's shape, {w.shape}, not {np.shape(dw)}")
    if isinstance(w, np.ndarray) and not w.flags.writeable:
        raise ValueError(f"The parameter {name!r} is read-only and cannot be updated in place")


def _is_worth_compiling(rule, w, dw):
    """Whether there is machine code for the rule and it fits and pays."""
    if rule not in RULES.values() or not (isinstance(w, np.ndarray) and isinstance(dw, np.ndarray)):
        return False
    return w.size >= WORTH_COMPILING and w.dtype in (np.float32, np.float64) and w.flags.c_contiguous


def update_numpy(rule, w, dw, config):
    """Change w in place by the rule; returns the next config."""
    w[...], config = rule(w, dw, config)
    return config


def update_numba(rule, w, dw, config):
    """``update_numpy`` in machine code, for a complete config, whose memory is changed in place as well.

    Raises ImportError where Numba is not installed. Whatever is raised, w and config are then as they were.
    """
    from cs231n_kit.kernels import update_numba

    config = {
        key: np.asarray(value, order="C") if isinstance(value, np.ndarray) else value for key, value in config.items()
    }
    with numba_threads():
        getattr(update_numba, rule.__name__)(w, np.asarray(dw, order="C"), config)
    return config
