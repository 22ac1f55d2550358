"""Arguments of layers that slide a window over images (N, C, H, W): how they are read and checked."""

from collections.abc import Mapping
from numbers import Integral

from cs231n_kit.arrays import as_floats


def images(x):
    """x as floats of shape (N, C, H, W), nothing of which is 0."""
    x = as_floats("x", x)
    if x.ndim != 4:
        raise ValueError(f"x must have the shape (N, C, H, W), not {x.shape}; a single image is x[None]")
    if 0 in x.shape:
        raise ValueError(f"x must not be empty, but has the shape {x.shape}")
    return x


def gradients(dout, shape):
    """dout as floats of the shape that the layer's output has."""
    dout = as_floats("dout", dout)
    if dout.shape != shape:
        raise ValueError(f"dout must have the shape of the layer's output, {shape}, not {dout.shape}")
    return dout


def pair(name, value, least):
    """(along height, along width), from one integer for both or from a pair, each at least `least`."""
    both = (value, value) if isinstance(value, Integral) else value
    try:
        height, width = both
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be an integer or a pair (along height, along width), not {value!r}") from None
    if not all(isinstance(number, Integral) and number >= least for number in (height, width)):
        raise ValueError(f"{name} must be integers of at least {least}, not {value!r}")
    return int(height), int(width)


def check_names(name, parameters, known):
    """Raise ValueError for a misspelt parameter, which would be ignored otherwise, TypeError for no dictionary."""
    if not isinstance(parameters, Mapping):
        raise TypeError(f"{name} must be a dictionary (of {', '.join(known)}), not {parameters!r}")
    unknown = [key for key in parameters if key not in known]
    if unknown:
        raise ValueError(f"{name} has the unknown entry {unknown[0]!r}; it may have {', '.join(known)}")


def check_fit(shape, window, pad, dilation):
    """Raise ValueError unless the window, spread by its dilation, fits the padded images at least once."""
    padded = tuple(n + 2 * p for n, p in zip(shape[2:], pad, strict=True))
    spread = tuple(1 + d * (k - 1) for k, d in zip(window, dilation, strict=True))
    if any(size > room for size, room in zip(spread, padded, strict=True)):
        raise ValueError(
            f"the window covers {spread[0]} x {spread[1]} pixels, more than the {padded[0]} x {padded[1]} of x "
            f"{shape} with padding; take a smaller window, or pad more"
        )
