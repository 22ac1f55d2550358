"""The state of a convolution playground as a plain dictionary, checked, completed, and as a string."""

import numpy as np

from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.convolution_arithmetic import POOLING, Geometry
from cs231n_kit.widgets.convolution_lessons import LESSONS
from cs231n_kit.widgets.convolution_presets import DIGITS, INPUTS, KERNELS, UPSTREAMS, image_as_input, kernel

OWN, YOUR_IMAGE = "own", "your image"
VIEWS = ("forward", "backward", "receptive field")
OPERATIONS = ("convolution", *POOLING)
LARGEST = 999.0  # of a value that can be edited
KERNEL_DIGITS = 3

RANGES = {
    "channels": (1, 3),
    "height": (1, 32),
    "width": (1, 32),
    "filters": (1, 3),
    "size": (1, 7),
    "pad": (0, 4),
    "stride": (1, 4),
    "dilation": (1, 4),
    "field_side": (4, 40),
}
LAYER = {"size": 3, "stride": 1, "pad": 1, "dilation": 1}
MOST_LAYERS = 5
DEFAULTS = {
    "lesson": "",  # whose sentences are shown
    "view": "forward",
    "operation": "convolution",
    "input": "numbers",
    "channels": 1,
    "height": 5,
    "width": 5,
    "filters": 1,
    "kernels": ["mixed"],
    "size": 3,
    "pad": 0,
    "stride": 1,
    "dilation": 1,
    "upstream": "whole numbers",
    "field_side": 15,
    "layers": [LAYER] * 3,
}
ARRAYS = ("x", "w", "b", "dout")  # what is missing, or None, is made by the names above, and zeros for b
PLACES = ("step", "unit")  # missing or None: the last step, and the middle unit
WINDOW = ("view", "operation", "channels", "height", "width", "filters", "size", "pad", "stride", "dilation")


def complete_state(state, image=None):
    """Check a state, fill in what is missing, and make arrays fit the sizes.

    Args:
        state: a mapping with some of the keys of ``DEFAULTS``, ``ARRAYS`` and ``PLACES``. An array that is
            missing, or a filter of w that is None, is made by its name. One of another shape than the sizes ask for
            is made anew by its name, or cut and filled up with zeros if it is somebody's own.
        image: (H, W) or (H, W, 3) from 0 to 1, what the input "your image" shows.

    Returns:
        A new dictionary of plain Python values with every key.

    Raises:
        ValueError: an unknown key, or a value of the wrong type or out of range, named in the message.
    """
    unknown = [key for key in state if key not in (*DEFAULTS, *ARRAYS, *PLACES)]
    if unknown:
        known = ", ".join((*DEFAULTS, *ARRAYS, *PLACES))
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {known}")
    full = {key: state.get(key, default) for key, default in DEFAULTS.items()}
    for key, ends in RANGES.items():
        full[key] = state_values.whole(key, full[key], *ends)
    full["view"] = state_values.choice("view", full["view"], VIEWS)
    full["operation"] = state_values.choice("operation", full["operation"], OPERATIONS)
    full["lesson"] = state_values.choice("lesson", full["lesson"], ("", *LESSONS))
    full["x"], full["input"] = _input(state.get("x"), full, image)
    full["kernels"] = _kernels(full["kernels"], full["filters"])
    full["w"] = _filters(state.get("w"), full)
    full["b"] = _array("b", state.get("b"), (full["filters"],))
    full["dout"] = _upstream(state.get("dout"), full)
    step = last_step(full) if state.get("step") is None else state["step"]
    full["step"] = min(state_values.whole("step", step, 0, 10**6), last_step(full))
    full["layers"] = _layers(full["layers"])
    full["unit"] = _unit(state.get("unit"))
    return full


def lesson_settings(name):
    """The settings of a lesson as a state: all else has its default, and arrays are made anew."""
    return DEFAULTS | dict.fromkeys((*ARRAYS, *PLACES)) | LESSONS[name].settings | {"lesson": name}


def with_changes(state, entries, image=None):
    """A complete state with other entries: sizes follow arrays that are given, arrays follow names.

    Raises:
        ValueError: as ``complete_state``, and where an array among the entries does not have the shape it must have.
    """
    changed = _with_changes(state, entries)
    full = complete_state(changed, image)
    for name in ARRAYS:
        if entries.get(name) is not None and np.shape(full[name]) != np.shape(changed[name]):
            raise ValueError(f"{name} must have the shape {np.shape(full[name])}, not {np.shape(entries[name])}")
    return full


def _with_changes(state, entries):
    given = {name: value for name, value in entries.items() if name in ARRAYS and value is not None}
    digits = {"x": DIGITS, "dout": DIGITS, "w": KERNEL_DIGITS, "b": KERNEL_DIGITS}
    entries = entries | {name: _numbers(name, value, None, digits[name]).tolist() for name, value in given.items()}
    if "x" in given:
        x = np.array(entries["x"])
        x = x[None] if x.ndim == 2 else x
        if x.ndim != 3:
            raise ValueError(f"x must have the shape (C, H, W) or (H, W), not {x.shape}")
        sizes = dict(zip(("channels", "height", "width"), x.shape, strict=True))
        entries = sizes | {"input": OWN} | entries | {"x": x.tolist()}
    if "w" in given:
        w = _numbers("w", entries["w"], 4, KERNEL_DIGITS)
        if w.shape[2] != w.shape[3]:
            raise ValueError(f"w must hold square filters (K, C, F, F), not {w.shape}")
        sizes = {"filters": w.shape[0], "channels": w.shape[1], "size": w.shape[2], "kernels": [OWN] * len(w)}
        entries = sizes | entries
        if entries["channels"] != w.shape[1]:
            raise ValueError(f"w {w.shape} must have as many channels as x, {entries['channels']}")
    elif "kernels" in entries:
        names = [entries["kernels"]] if isinstance(entries["kernels"], str) else list(entries["kernels"])
        kept = zip(names, state.get("w") or [], strict=False)
        entries = {"filters": len(names)} | entries | {"w": [one if name == OWN else None for name, one in kept]}
    if "dout" in given:
        entries = {"upstream": OWN} | entries
    anew = [array for name, array in (("input", "x"), ("upstream", "dout")) if name in entries]
    anew += ["step"] if any(name in entries for name in WINDOW) else []
    return {key: value for key, value in state.items() if key not in anew} | entries


def output_shape(state):
    """(maps, H', W') of the output."""
    maps = state["channels"] if state["operation"] in POOLING else state["filters"]
    return maps, *Geometry.of(state).output


def last_step(state):
    """Step 0 shows the inputs; then one output after the other, row by row and map by map."""
    return int(np.prod(output_shape(state)))


def _input(x, full, image):
    """The input as nested lists, and what it is called."""
    choices = (*INPUTS, OWN, YOUR_IMAGE)
    name = state_values.choice("input", full["input"], choices)
    shape = full["channels"], full["height"], full["width"]
    if name == YOUR_IMAGE and image is None:
        if x is None:
            raise ValueError("the input 'your image' needs an image: ConvolutionPlayground(image=...)")
        name = OWN
    if x is not None:
        given = _numbers("x", x, 3, DIGITS)
        if given.shape == shape:
            return given.tolist(), name
    if name == OWN:
        return _resized(np.zeros(shape) if x is None else given, shape).tolist(), name
    made = image_as_input(image, *shape) if name == YOUR_IMAGE else INPUTS[name](*shape)
    return made.tolist(), name


def _kernels(names, filters):
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, (list, tuple)) or not names:
        raise ValueError(f"kernels must be a list of names, one for each filter; got {state_values.short(names)}")
    names = [state_values.choice("each of kernels", name, (*KERNELS, OWN)) for name in names]
    more = [name for name in ("vertical edges", "horizontal edges", "sharpen", "box blur") if name not in names]
    return (names + more)[:filters]


def _filters(w, full):
    """The filters (K, C, F, F) as nested lists."""
    shape = full["channels"], full["size"], full["size"]
    if w is not None and not isinstance(w, (list, tuple, np.ndarray)):
        raise ValueError(f"w must be an array (K, C, F, F), got {state_values.short(w)}")
    given = list([] if w is None else w)
    given += [None] * (full["filters"] - len(given))
    filters = []
    for one, name in zip(given, full["kernels"], strict=False):
        values = None if one is None else _numbers("each filter of w", one, 3, KERNEL_DIGITS)
        if values is not None and values.shape == shape:
            filters.append(values)
        elif name == OWN:
            filters.append(_resized(np.zeros(shape) if values is None else values, shape))
        else:
            filters.append(kernel(name, full["channels"], full["size"]))
    return [values.tolist() for values in filters]


def _upstream(dout, full):
    shape = output_shape(full)
    name = full["upstream"] = state_values.choice("upstream", full["upstream"], (*UPSTREAMS, OWN))
    given = None if dout is None or not np.size(dout) else _numbers("dout", dout, 3, DIGITS)
    if given is not None and (0 in shape or given.shape == shape):
        return given.tolist()  # kept while the window does not fit
    if 0 in shape:
        return []
    if name != OWN:
        return UPSTREAMS[name](*shape).tolist()
    return _resized(np.zeros(shape) if given is None else given, shape).tolist()


def _array(name, values, shape):
    """values as nested lists, cut and filled up with zeros to this shape."""
    given = np.zeros(shape) if values is None else _numbers(name, values, len(shape), KERNEL_DIGITS)
    return _resized(given, shape).tolist()


def _numbers(name, values, dimensions, digits):
    """values as float64, rounded. Raises ValueError unless they are numbers, so many-dimensional, of modest size."""
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must hold numbers in equal rows, got {state_values.short(values)}") from None
    if dimensions not in (None, numbers.ndim):
        raise ValueError(f"{name} must have {dimensions} dimensions, not the shape {numbers.shape}")
    if not np.all(np.abs(numbers) <= LARGEST):
        raise ValueError(f"{name} must hold numbers from -{LARGEST:g} to {LARGEST:g}")
    return numbers.round(digits) + 0.0  # -0 becomes 0


def _resized(values, shape):
    """values cut, or filled up with zeros, at the far end of each axis."""
    resized = np.zeros(shape)
    common = tuple(slice(min(a, b)) for a, b in zip(values.shape, shape, strict=True))
    resized[common] = values[common]
    return resized


def _layers(layers):
    if not isinstance(layers, (list, tuple)) or not 1 <= len(layers) <= MOST_LAYERS:
        raise ValueError(f"layers must be a list of 1 to {MOST_LAYERS}, got {state_values.short(layers)}")
    found = []
    for layer in layers:
        if not isinstance(layer, dict) or set(layer) - set(LAYER):
            raise ValueError(f"each of layers has {', '.join(LAYER)}; got {state_values.short(layer)}")
        full = {**LAYER, **layer}
        found.append({key: state_values.whole(f"a layer's {key}", full[key], *RANGES[key]) for key in LAYER})
    return found


def _unit(unit):
    """[row, column] of a unit of the last layer, or None for the middle one."""
    if unit is None:
        return None
    if not isinstance(unit, (list, tuple)) or len(unit) != 2:
        raise ValueError(f"unit must be a pair (row, column), got {state_values.short(unit)}")
    return [state_values.whole("unit", value, 0, RANGES["field_side"][1] + 16) for value in unit]


def state_to_string(state):
    """Pack a state into URL-safe characters; arrays that their names give back are left out."""
    named = {key: value for key, value in state.items() if key in DEFAULTS and value != DEFAULTS[key]}
    if state["input"] == YOUR_IMAGE:  # the reader has no such image
        named |= {"input": OWN}
    plain = complete_state(named)
    arrays = {key: state[key] for key in (*ARRAYS, *PLACES) if state[key] != plain[key]}
    return state_values.pack(named | arrays)


def state_from_string(string):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""
    return state_values.unpack(string, complete_state, "convolution playground")
