"""The race itself: each optimizer's path over a surface, by the rules and schedules of the kit."""

from dataclasses import dataclass

import numpy as np

from cs231n_kit import schedules
from cs231n_kit.optimizers import RULES

FAR = 1e4  # half widths of the window beyond which a path is not followed any further
TOO_FAR = "it is too far away"

SCHEDULES = {
    "constant": "constant",
    "step": "step decay",
    "inverse_time": "1/t decay",
    "exponential": "exponential decay",
    "cosine": "cosine",
    "warm_up": "warm-up, then cosine",
}


@dataclass(frozen=True)
class Race:
    """What happened: ``paths`` float64 (K, steps + 1, 2) and ``losses`` (K, steps + 1), of the K optimizers ``names``.

    ``rates`` (K, steps): the learning rates used. ``stopped``: {name: (last step, reason)} of those that could not go
    on, or were too far away; their paths hold NaN from there on.
    """

    names: tuple
    paths: np.ndarray
    losses: np.ndarray
    rates: np.ndarray
    stopped: dict


def make_schedule(kind, learning_rate, steps, *, every=25, factor=0.5, decay=0.02, warm_up=10):
    """A schedule of ``cs231n_kit.schedules`` by its name in ``SCHEDULES``; step decay takes ``every`` and ``factor``,
    1/t and exponential decay the rate ``decay``, and the last one so many steps of ``warm_up``."""
    if kind == "constant":
        return schedules.constant(learning_rate)
    if kind == "step":
        return schedules.step_decay(learning_rate, every, factor)
    if kind == "inverse_time":
        return schedules.inverse_time_decay(learning_rate, decay)
    if kind == "exponential":
        return schedules.exponential_decay(learning_rate, decay)
    if kind == "cosine":
        return schedules.cosine(learning_rate, steps)
    if kind == "warm_up":
        return schedules.cosine(learning_rate, steps, warm_up=min(warm_up, steps - 1))
    raise ValueError(f"a schedule is one of {', '.join(SCHEDULES)}; got {kind!r}")


def run(surface, start, racers, steps, *, schedule=schedules.constant, noise=0.0, seed=0, reach=1.0):
    """Let optimizers race from one start.

    Args:
        surface: a ``Surface``.
        start: (x, y).
        racers: {name of a rule of ``cs231n_kit.optimizers``: its config with a "learning_rate"}.
        steps: how many updates each makes.
        schedule: function (learning rate) -> schedule; the default keeps the rate.
        noise: standard deviation of what is added to both components of each gradient, as a minibatch would; the same
            for all optimizers.
        seed: of the noise.
        reach: half the width of the window; who goes ``FAR`` times further is stopped.

    Returns:
        A ``Race``; its losses are those without noise.
    """
    names = tuple(racers)
    plans = [schedule(racers[name]["learning_rate"]) for name in names]
    rates = np.array([[plan(step) for step in range(steps)] for plan in plans]).reshape(len(names), steps)
    shaken = noise * np.random.default_rng(seed).standard_normal((steps + 1, 2))
    paths = np.full((steps + 1, len(names), 2), np.nan)
    losses = np.full((steps + 1, len(names)), np.nan)
    configs, stopped = [dict(racers[name]) for name in names], {}
    start = np.asarray(start, np.float64)
    here = np.tile(start, (len(names), 1))
    running = list(range(len(names)))
    for step in range(steps + 1):
        if not running:
            break
        values, gradients = surface.values_and_gradients(here)
        fine = np.isfinite(values) & np.isfinite(gradients).all(axis=1)
        near = np.abs(here - start).max(axis=1) <= FAR * reach
        for k in list(running):
            paths[step, k] = here[k]
            if not (fine[k] and near[k]):
                reason = "" if fine[k] else surface.why_undefined(here[k])
                stopped[names[k]] = (step, reason or TOO_FAR)
                running.remove(k)
                continue
            losses[step, k] = values[k]
            if step < steps:
                config = configs[k] | {"learning_rate": rates[k, step]}
                here[k], configs[k] = RULES[names[k]](here[k], gradients[k] + shaken[step], config)
    return Race(names, paths.transpose(1, 0, 2), losses.T, rates, stopped)
