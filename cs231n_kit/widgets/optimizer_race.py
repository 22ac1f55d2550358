"""Optimizers under the mouse: they race over a surface, from a start that one drags."""

from pathlib import Path

import numpy as np

from cs231n_kit.graph import ExpressionError
from cs231n_kit.widgets import frontend, palette
from cs231n_kit.widgets import optimizer_race_state as states
from cs231n_kit.widgets.optimizer_race_lessons import LESSONS
from cs231n_kit.widgets.optimizer_race_run import SCHEDULES, run
from cs231n_kit.widgets.optimizer_race_surfaces import GROUNDS, Surface, draw_map, plane
from cs231n_kit.widgets.optimizer_race_words import verdicts
from cs231n_kit.widgets.stateful_widget import StateEntry, StatefulWidget

FOLDER = Path(__file__).parent / "optimizer_race_frontend"


class OptimizerRace(StatefulWidget):
    """SGD, momentum, Nesterov, AdaGrad, RMSProp and Adam on one surface, from one start.

    >>> OptimizerRace(lesson="zigzag")
    >>> OptimizerRace(surface="ravine", racers=["sgd", "adam"], settings={"adam": {"learning_rate": 0.1}})
    >>> OptimizerRace("x**2 / 4 + y**2 + sin(3 * x)")

    Drag the start; drag the map to move it, zoom with + and −; play, step, scrub. The gradients are exact, the updates
    are those of ``cs231n_kit.optimizers``, the learning rates those of ``cs231n_kit.schedules``.

    Args:
        expression: a surface of your own in x and y, as for ``cs231n_kit.graph.parse``.
        lesson: a name in ``LESSONS``: settings to look at, and what to see.
        state: an earlier ``state`` or ``state_string``; the other arguments win over it.
        entries: any entries of the state. ``surface``: "bowl", "saddle", "ravine", "beale" or "own"; of the bowl
            ``condition`` (1 to 1000) and ``angle`` (degrees); ``start``: (x, y); ``racers``: which of "sgd",
            "sgd_momentum", "nesterov", "adagrad", "rmsprop", "adam" run; ``settings``: {name: {"learning_rate",
            "momentum", "decay_rate", "beta1", "beta2"}}; ``steps`` (1 to 500); ``step``: the one shown;
            ``schedule``: "constant", "step" (with ``every``, ``factor``), "inverse_time" and "exponential"
            (``decay``), "cosine", "warm_up" (``warm_up`` steps); ``noise``: standard deviation added to each
            component of the gradients, with its ``seed``; ``center`` and ``reach`` of the window.

    Raises:
        ExpressionError: the expression cannot be read; it says where.
        ValueError: another argument is wrong.
    """

    _esm = frontend.module(FOLDER / "view.js")
    _css = frontend.css(FOLDER / "view.css")

    surface, expression, condition, angle, start, racers = (StateEntry() for _ in range(6))
    settings, schedule, every, factor, decay, warm_up = (StateEntry() for _ in range(6))
    noise, seed, steps, step, center, reach = (StateEntry() for _ in range(6))

    def __init__(self, expression=None, *, lesson=None, state=None, **entries):
        if isinstance(state, str):
            state = states.state_from_string(state, LESSONS)
        given = dict(state or {})
        if lesson is not None:
            if lesson not in LESSONS:
                raise ValueError(f"lesson must be one of {', '.join(LESSONS)}; got {lesson!r}")
            given |= {"lesson": lesson, **LESSONS[lesson].settings}
        if expression is not None:
            entries = {"surface": "own", "expression": expression, **entries}
        if entries.get("surface", given.get("surface")) != given.get("surface"):
            given = {key: value for key, value in given.items() if key not in states.OF_SURFACE}
        self._refused = None
        self._cached = {}  # one thing of each kind: {kind: (what it depends on, the thing)}
        super().__init__(_SETUP, self._complete_state({**given, **entries}))

    def change(self, **entries):
        """Set entries of the state, all at once; another surface brings its own start, window and learning rates.

        Settings that are not given stay.
        """
        kept = self.state
        if entries.get("surface", kept["surface"]) != kept["surface"]:
            kept = {key: value for key, value in kept.items() if key not in states.OF_SURFACE}
        elif entries.get("steps", 0) > kept["steps"] == kept["step"]:
            kept = {**kept, "step": None}  # the last one is shown, and shall be
        given = entries.get("settings")
        if isinstance(given, dict) and "settings" in kept:
            merged = {name: {**own, **given.get(name, {})} for name, own in kept["settings"].items()}
            entries["settings"] = {**given, **merged}
        self.state = {**kept, **entries}

    @property
    def race(self):
        """The ``Race`` as it is now: paths (K, steps + 1, 2), losses (K, steps + 1), of the K racers."""
        with self._lock:
            state = self.state
            settings = {name: state["settings"][name] for name in state["racers"]}
            expression = states.expression_of(state)
            schedule = {key: state[key] for key in ("schedule", "every", "factor", "decay", "warm_up")}
            other = [state[key] for key in ("start", "steps", "noise", "seed", "surface")]
            return self._once(
                "race",
                [expression, settings, schedule, other],
                lambda: run(
                    self._surface(expression),
                    state["start"],
                    settings,
                    state["steps"],
                    schedule=states.schedule_of(state),
                    noise=state["noise"],
                    seed=state["seed"],
                    reach=states.home(state)[1],
                ),
            )

    @property
    def lowest(self):
        """The value from which losses are drawn: the surface's smallest, as far as it is known."""
        with self._lock:
            surface, losses = self._surface(), self.race.losses
            known = self.minima
            below = [surface.values(np.array(known)).min()] if len(known) else []
            if not len(known) or self.state["surface"] == "own":
                below += [np.nanmin(losses)] if np.isfinite(losses).any() else []
            return float(min(below, default=0.0))

    @property
    def minima(self):
        """Places of the lowest points, a list of [x, y]; of one's own surface the one that a search finds, if any."""
        with self._lock:
            if self.state["surface"] != "own":
                return [list(place) for place in GROUNDS[self.state["surface"]].minima]
            surface, window = self._surface(), states.home(self.state)
            found = self._once("lowest", surface.expression, lambda: surface.lowest_point(*window))
            return [] if found is None else [found.tolist()]

    def verdicts(self):
        """How each racer fares, {"kind", "step", "text"} each; see ``optimizer_race_words.verdicts``."""
        with self._lock:
            settings, window = self.state["settings"], states.home(self.state)
            return verdicts(self.race, self._surface(), settings, self.lowest, *window, self.state["surface"] == "bowl")

    def figure(self):
        """The same picture as a matplotlib figure, for print and for pages without a kernel."""
        from cs231n_kit.widgets.optimizer_race_figure import draw_figure

        with self._lock:
            window = self.state["center"], self.state["reach"]
            drawn = draw_map(self._surface(), *window, self.lowest)
            return draw_figure(self.state, self.race, drawn, self.lowest, self.minima, self.verdicts())

    def _caption(self):
        return f"Optimizer race: {GROUNDS[self.surface].title}"

    def _surface(self, expression=None):
        expression = expression or states.expression_of(self.state)
        return self._once("surface", expression, lambda: Surface(expression))

    def _once(self, kind, key, make):
        """What ``make`` returns; made anew only when the key has changed."""
        before = self._cached.get(kind)
        if before is None or before[0] != key:
            self._cached[kind] = before = (key, make())
        return before[1]

    def _complete_state(self, state):
        """The state, complete, with a surface that can be read and has a value where the race starts."""
        full = states.complete_state(state, LESSONS)
        if full["surface"] == "own":
            surface = self._surface(full["expression"])
            reason = surface.why_undefined(full["start"])
            if reason and "start" not in state:
                full["start"] = _some_start(surface, full["start"], states.home(full))
            elif reason:
                text = full["expression"]
                x, y = full["start"]
                raise ExpressionError(f"at the start, ({x:g}, {y:g}): {reason}", text, 0, len(text))
        return full

    def _state_to_string(self, state):
        return states.state_to_string(state)

    def _take(self, state):
        """Take the browser's state; a surface that cannot be read is refused, and the last good one stays."""
        self._refused = None
        try:
            super()._take(state)
        except ExpressionError as error:
            self._refused = {"reason": error.reason, "text": error.text, "start": error.start, "end": error.end}

    def _respond(self, request, reply, buffers):
        self._part = "race"
        reply["refused"] = self._refused
        if not request.get("race"):
            return
        race, lowest = self.race, self.lowest
        reply["race"] = {
            "names": list(race.names),
            "last": [race.stopped.get(name, (self.state["steps"],))[0] for name in race.names],
            "verdicts": self.verdicts(),
            "lowest": lowest,
            "minima": self.minima,
            "curvature": self._surface().curvatures([self.state["start"]])[0].tolist(),
            "rates": race.rates[0].tolist() if len(race.rates) else [],
        }
        with np.errstate(invalid="ignore"):
            above = np.maximum(race.losses - lowest, 0)
        buffers += [race.paths.astype(np.float32).tobytes(), above.astype(np.float32).tobytes()]
        self._part = "map"
        name = self._map_name()
        reply["map"] = {"name": name, "reach": self.state["reach"], "center": self.state["center"]}
        if request.get("map") != name:  # the page does not have this one yet
            drawn = draw_map(self._surface(), self.state["center"], self.state["reach"], lowest)
            lines = drawn.lines or [np.empty((0, 2))]
            reply["map"] |= {"resolution": len(drawn.shade), "lengths": [len(line) for line in lines]}
            buffers += [drawn.shade.tobytes(), np.concatenate(lines).astype(np.float32).tobytes()]

    def _map_name(self):
        state = self.state
        return f"{states.expression_of(state)} | {state['center']} | {state['reach']}"


def _some_start(surface, near, window):
    """A place of the window's grid where f is defined, the nearest to one where it is not."""
    places = plane(*window, 13).reshape(-1, 2)
    for place in places[np.argsort(np.abs(places - near).sum(axis=1))]:
        if not surface.why_undefined(place):
            return place.round(6).tolist()
    text = surface.expression
    raise ExpressionError("this has no value anywhere in the window", text, 0, len(text))


_SETUP = {
    "surfaces": [[name, ground.title] for name, ground in GROUNDS.items()],
    "homes": {name: {"center": list(ground.center), "reach": ground.reach} for name, ground in GROUNDS.items()},
    "titles": states.TITLES,
    "schedules": list(SCHEDULES.items()),
    "ranges": {name: list(ends) for name, ends in states.RANGES.items()},
    "lessons": [
        {
            "name": name,
            "title": lesson.title,
            "text": lesson.text,
            "state": states.complete_state({"lesson": name, **lesson.settings}, LESSONS),
        }
        for name, lesson in LESSONS.items()
    ],
    "of_surface": list(states.OF_SURFACE),
    "colors": list(palette.COLORS),
    "shapes": list(palette.SHAPES),
}
