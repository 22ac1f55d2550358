"""The state of the optimizer race: surface, start, optimizers and their settings; checked, and as a string."""

from collections.abc import Mapping

from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.optimizer_race_run import SCHEDULES, make_schedule
from cs231n_kit.widgets.optimizer_race_surfaces import GROUNDS, bowl

TITLES = {
    "sgd": "SGD",
    "sgd_momentum": "Momentum",
    "nesterov": "Nesterov",
    "adagrad": "AdaGrad",
    "rmsprop": "RMSProp",
    "adam": "Adam",
}
# What one may set of each besides its learning rate, and where it begins.
SETTINGS = {
    "sgd": {},
    "sgd_momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9},
    "adagrad": {},
    "rmsprop": {"decay_rate": 0.9},
    "adam": {"beta1": 0.9, "beta2": 0.999},
}
RANGES = {
    "learning_rate": (1e-5, 100.0),
    "momentum": (0.0, 0.999),
    "decay_rate": (0.0, 0.9999),
    "beta1": (0.0, 0.999),
    "beta2": (0.0, 0.9999),
    "condition": (1.0, 1000.0),
    "angle": (0.0, 90.0),
    "every": (1, 500),
    "factor": (0.05, 1.0),
    "decay": (0.001, 1.0),
    "warm_up": (1, 100),
    "noise": (0.0, 10.0),
    "seed": (0, 2**31 - 1),
    "steps": (1, 500),
    "reach": (1e-3, 1e3),
}
DEFAULTS = {
    "surface": "bowl",
    "expression": GROUNDS["own"].expression,
    "condition": 40.0,
    "angle": 0.0,
    "racers": list(TITLES),
    "schedule": "constant",
    "every": 25,
    "factor": 0.5,
    "decay": 0.05,
    "warm_up": 10,
    "noise": 0.0,
    "seed": 0,
    "lesson": "",
}
# What a surface brings along unless it is given: the choice of another surface sets these anew.
OF_SURFACE = ("start", "center", "reach", "steps", "step", "settings")
KEYS = (*DEFAULTS, *OF_SURFACE)
PLACE = 1e4  # largest coordinate


def complete_state(state, lessons=()):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with some of ``KEYS``. ``racers``: names of ``TITLES``; ``settings``: {name: {"learning_rate",
            and what ``SETTINGS`` names}}, also partial. ``step``: the one shown, by default the last.
        lessons: the names that ``lesson`` may have.

    Returns:
        A new dictionary of plain Python values with every key.

    Raises:
        ValueError: an unknown key, or a value of the wrong type or out of range, named in the message.
    """
    unknown = [key for key in state if key not in KEYS]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {', '.join(KEYS)}")
    full = {key: state.get(key, default) for key, default in DEFAULTS.items()}
    full["surface"] = state_values.choice("surface", full["surface"], tuple(GROUNDS))
    full["schedule"] = state_values.choice("schedule", full["schedule"], tuple(SCHEDULES))
    full["lesson"] = state_values.choice("lesson", full["lesson"], ("", *lessons))
    if not isinstance(full["expression"], str):
        raise ValueError(f"expression must be a text, got {state_values.short(full['expression'])}")
    ground = GROUNDS[full["surface"]]
    full["steps"] = state.get("steps", ground.steps)
    full["reach"] = state.get("reach", ground.reach)
    for key in ("every", "warm_up", "seed", "steps"):
        full[key] = state_values.whole(key, full[key], *RANGES[key])
    for key in ("condition", "angle", "factor", "decay", "noise", "reach"):
        full[key] = state_values.real(key, full[key], *RANGES[key], digits=6)
    full["start"] = _place("start", state.get("start", ground.start))
    full["center"] = _place("center", state.get("center", ground.center))
    step = full["steps"] if state.get("step") is None else state["step"]
    full["step"] = min(state_values.whole("step", step, 0, RANGES["steps"][1]), full["steps"])
    racers = [state_values.choice("racers", name, tuple(TITLES)) for name in full["racers"]]
    full["racers"] = [name for name in TITLES if name in racers]
    full["settings"] = _settings(state.get("settings", {}), ground)
    return full


def home(state):
    """The window that belongs to the surface: (center, reach)."""
    ground = GROUNDS[state["surface"]]
    return ground.center, ground.reach


def expression_of(state):
    """The text of the surface that the state describes."""
    if state["surface"] == "bowl":
        return bowl(state["condition"], state["angle"])
    return state["expression"] if state["surface"] == "own" else GROUNDS[state["surface"]].expression


def schedule_of(state):
    """A function from a learning rate to its schedule over the state's steps."""
    chosen = {key: state[key] for key in ("every", "factor", "decay", "warm_up")}
    return lambda learning_rate: make_schedule(state["schedule"], learning_rate, state["steps"], **chosen)


def state_to_string(state):
    """Pack a state into URL-safe characters."""
    return state_values.pack(state)


def state_from_string(string, lessons=()):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, lambda packed: complete_state(packed, lessons), "race")


def _place(name, value):
    if len(value) != 2:
        raise ValueError(f"{name} must be a pair (x, y), got {state_values.short(value)}")
    parts = zip("xy", value, strict=True)
    return [state_values.real(f"{axis} of {name}", part, -PLACE, PLACE, digits=6) for axis, part in parts]


def _settings(given, ground):
    if not isinstance(given, Mapping):
        raise ValueError(f"settings must be a dictionary of dictionaries, got {state_values.short(given)}")
    for name, own in given.items():
        state_values.choice("settings", name, tuple(TITLES))
        if not isinstance(own, Mapping):
            raise ValueError(f"settings of {name} must be a dictionary, got {state_values.short(own)}")
        known = ("learning_rate", *SETTINGS[name])
        unknown = [key for key in own if key not in known]
        if unknown:
            raise ValueError(f"settings of {name} are {', '.join(known)}; got {unknown[0]!r}")
    full = {}
    for name in TITLES:
        values = {"learning_rate": ground.rates[name], **SETTINGS[name], **given.get(name, {})}
        full[name] = {
            key: state_values.real(f"{key} of {name}", value, *RANGES[key], digits=8) for key, value in values.items()
        }
    return full
