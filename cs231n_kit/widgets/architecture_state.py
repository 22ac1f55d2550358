"""The state of an architecture playground: text, training and what is looked at, as a plain dictionary and a string."""

from cs231n_kit.optimizers import RULES
from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.architecture_presets import default_architecture, presets
from cs231n_kit.widgets.architecture_text import ArchitectureError, read

LONGEST = 500  # characters of a text
INPUT = "input"  # the layer that is the image itself
OWN = -1  # the number of the image that the user gave
LOSS = -1  # what is differentiated, else a class

RANGES = {
    "filters": (1, 128),
    "units": (1, 1024),
    "seed": (0, 2**31 - 1),
    "learning_rate": (1e-6, 10.0),
    "batch_size": (1, 256),
    "regularization": (0.0, 1.0),
}
DEFAULTS = {
    "preset": "",  # whose sentences are shown
    "architecture": "",
    "filters": 16,
    "units": 64,
    "seed": 0,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "batch_size": 32,
    "regularization": 0.0,
    "image": 0,
    "layer": "1",
    "gradients": False,
    "of": LOSS,
}
NETWORK = ("architecture", "filters", "units", "seed")  # a change of one of these starts a new network
LOOKING = ("preset", "image", "layer", "gradients", "of")  # these do not touch the training


def preset_settings(name, input_shape):
    """All settings of a preset, but not what is looked at."""
    kept = {key: value for key, value in DEFAULTS.items() if key not in LOOKING}
    return {**kept, **presets(input_shape)[name].settings, "preset": name}


def complete_state(state, data, has_own=False):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with some of the keys of ``DEFAULTS``.
        data: the ``ImageData``.
        has_own: whether there is an image of the user's, which ``image`` OWN means.

    Returns:
        A new dictionary of plain Python values with every key.

    Raises:
        ArchitectureError: no network can be built from the text; it says where and why.
        ValueError: an unknown key, or a value of the wrong type or out of range, named in the message.
    """
    unknown = [key for key in state if key not in DEFAULTS]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {', '.join(DEFAULTS)}")
    full = {**DEFAULTS, "architecture": default_architecture(data.input_shape), **state}
    for key, ends in RANGES.items():
        if key in ("learning_rate", "regularization"):
            full[key] = state_values.real(key, full[key], *ends, digits=7)
        else:
            full[key] = state_values.whole(key, full[key], *ends)
    if not isinstance(full["architecture"], str):
        raise ValueError(f"architecture must be text such as 'CONV->RELU->FC', not {full['architecture']!r}")
    full["architecture"] = " ".join(full["architecture"].split())
    if len(full["architecture"]) > LONGEST:
        raise ValueError(f"architecture has {len(full['architecture'])} characters, at most {LONGEST} are read")
    full["preset"] = state_values.choice("preset", full["preset"], ("", *presets(data.input_shape)))
    full["optimizer"] = state_values.choice("optimizer", full["optimizer"], tuple(RULES))
    full["gradients"] = state_values.flag("gradients", full["gradients"])
    full["of"] = state_values.whole("of", full["of"], LOSS, len(data.class_names) - 1)
    full["image"] = state_values.whole("image", full["image"], OWN, len(data.X_val) - 1)
    if full["image"] == OWN and not has_own:
        raise ValueError("there is no image of your own yet: give one to show_image, or drop a file onto the widget")
    layer = full["layer"]
    if not isinstance(layer, str) or not (layer == INPUT or (layer.isdecimal() and len(layer) < 6)):
        raise ValueError(f"layer must be {INPUT!r} or a layer's number as text, such as '1', got {layer!r}")
    reading = read(full, data)
    if reading.problem:
        raise ArchitectureError(full["architecture"], reading)
    return full


def state_to_string(state):
    """Pack a state into URL-safe characters; an image of the user's own is left out."""
    image = {"image": 0} if state["image"] == OWN else {}
    return state_values.pack({key: value for key, value in (state | image).items() if value != DEFAULTS[key]})


def state_from_string(string, data):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, lambda values: complete_state(values, data), "architecture-playground")
