"""The state of a character playground: text, network, training and what is written, as a dictionary and a string."""

from cs231n_kit.optimizers import RULES
from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.character_playground_presets import PRESETS

LONGEST = 4000  # characters of a text
LONGEST_PREFIX = 200
CELLS = ("RNN", "LSTM")
NOT_COLORED = -1  # the unit that colours no letters

RANGES = {
    "units": (1, 256),
    "length": (1, 200),
    "batch_size": (1, 64),
    "seed": (0, 2**31 - 1),
    "learning_rate": (1e-6, 100.0),
    "clip_norm": (0.0, 1000.0),
    "temperature": (0.0, 5.0),
    "draw": (0, 2**31 - 1),
}
REAL = {"learning_rate": 7, "clip_norm": 3, "temperature": 2}  # decimals
DEFAULTS = {
    "preset": "",  # whose sentences are shown
    "text": "",
    "cell": "LSTM",
    "units": 64,
    "length": 25,
    "batch_size": 16,
    "seed": 0,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "clip_norm": 0.25,
    "prefix": "",
    "temperature": 0.7,
    "draw": 0,
    "unit": NOT_COLORED,
}
NETWORK = ("text", "cell", "units", "length", "batch_size", "seed")  # a change of one of these starts a new network
LOOKING = ("preset", "prefix", "temperature", "draw", "unit")  # these do not touch the training


class TextError(ValueError):
    """Nothing can be learned from a text; the message says why, and what to do."""


def preset_settings(name):
    """All entries of the state that a preset is made of."""
    return {**DEFAULTS, **PRESETS[name].settings, "preset": name}


def complete_state(state):
    """Check a state, or fill in what is missing.

    Returns a new dictionary of plain Python values with every key of ``DEFAULTS``. Raises TextError for a text that
    cannot be learned from, and ValueError for an unknown key, or a value of the wrong type or out of range, named in
    the message.
    """
    unknown = [key for key in state if key not in DEFAULTS]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {', '.join(DEFAULTS)}")
    full = {**DEFAULTS, **state}
    full["text"] = _text(full["text"])
    for key, ends in RANGES.items():
        if key in REAL:
            full[key] = state_values.real(key, full[key], *ends, digits=REAL[key])
        else:
            full[key] = state_values.whole(key, full[key], *ends)
    full["cell"] = state_values.choice("cell", full["cell"], CELLS)
    full["optimizer"] = state_values.choice("optimizer", full["optimizer"], tuple(RULES))
    full["preset"] = state_values.choice("preset", full["preset"], ("", *PRESETS))
    full["unit"] = min(state_values.whole("unit", full["unit"], NOT_COLORED, RANGES["units"][1] - 1), full["units"] - 1)
    if not isinstance(full["prefix"], str) or len(full["prefix"]) > LONGEST_PREFIX:
        raise ValueError(f"prefix must be text of at most {LONGEST_PREFIX} characters")
    return full


def state_to_string(state):
    """Pack a state into URL-safe characters."""
    return state_values.pack({key: value for key, value in state.items() if value != DEFAULTS[key]})


def state_from_string(string):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, complete_state, "character-playground")


def _text(text):
    if not isinstance(text, str):
        raise ValueError(f"text must be a string, not {type(text).__name__}")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text:
        raise TextError("The text is empty: type or paste one, a few hundred letters or more.")
    if len(text) > LONGEST:
        raise TextError(
            f"The text has {len(text):,} characters, and at most {LONGEST:,} are read here: leave out "
            f"{len(text) - LONGEST:,} of them."
        )
    if len(set(text)) == 1:
        raise TextError(f"The text holds nothing but {text[0]!r}: there is nothing to predict. Add other characters.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise TextError("The text holds half of a character (a lone surrogate): paste it again from its source.")
    return text
