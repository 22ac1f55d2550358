"""Learning-rate schedules: each returns ``schedule(step)``, the learning rate at step 0, 1, 2, ...   (lecture 07).

A step is whatever you count, updates or epochs; ``schedule`` returns a float and raises ValueError for step < 0.
"""

import math
from collections.abc import Callable
from numbers import Real

Schedule = Callable[[int], float]


def constant(learning_rate: float) -> Schedule:
    """The same learning rate η throughout."""
    return _schedule(_positive(learning_rate=learning_rate), lambda step: 1.0)


def step_decay(learning_rate: float, every: int, factor: float = 0.5) -> Schedule:
    """η · factor^⌊step / every⌋: times ``factor`` (0 to 1) each time ``every`` steps have passed."""
    _positive(every=every, factor=factor)
    if factor > 1:
        raise ValueError(f"factor must be at most 1, so that the learning rate falls, not {factor!r}")
    return _schedule(_positive(learning_rate=learning_rate), lambda step: factor ** (step // every))


def exponential_decay(learning_rate: float, rate: float) -> Schedule:
    """η exp(-rate · step)."""
    _positive(rate=rate)
    return _schedule(_positive(learning_rate=learning_rate), lambda step: math.exp(-rate * step))


def inverse_time_decay(learning_rate: float, rate: float) -> Schedule:
    """1/t decay, η / (1 + rate · step)."""
    _positive(rate=rate)
    return _schedule(_positive(learning_rate=learning_rate), lambda step: 1 / (1 + rate * step))


def cosine(learning_rate: float, steps: int, warm_up: int = 0, final: float = 0.0) -> Schedule:
    """Half a cosine from η down to ``final`` at the last of ``steps`` steps   (Loshchilov & Hutter, 2017).

    The first ``warm_up`` steps rise linearly, from η / (warm_up + 1), so that early, noisy gradients do little harm
    (Goyal et al., 2017). From step ``steps`` on the rate stays at ``final``.
    """
    _positive(learning_rate=learning_rate, steps=steps)
    if not 0 <= warm_up < steps:
        raise ValueError(f"warm_up must be between 0 and steps - 1 = {steps - 1}, not {warm_up!r}")
    if not 0 <= final <= learning_rate:
        raise ValueError(f"final must be between 0 and the learning rate, {learning_rate}, not {final!r}")
    last = max(1, steps - 1 - warm_up)  # the cosine's steps count 0, 1, ..., last

    def share(step):
        if step < warm_up:
            return (step + 1) / (warm_up + 1)
        progress = min(1.0, (step - warm_up) / last)
        low = final / learning_rate
        return low + (1 - low) * (1 + math.cos(math.pi * progress)) / 2

    return _schedule(learning_rate, share)


def _schedule(learning_rate: float, share: Callable[[int], float]) -> Schedule:
    def schedule(step: int) -> float:
        if step < 0:
            raise ValueError(f"step must be 0 or more, not {step!r}")
        return float(learning_rate * share(step))

    return schedule


def _positive(**values: float) -> float:
    """The (last) value as a float. Raises ValueError naming the first that is not a positive number."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < math.inf:
            raise ValueError(f"{name} must be a positive number, not {value!r}")
    return float(value)
